package dial

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// placeAnyway places the call without SQL. The caller ID is the number that the agent
// holds, as far as known, else the site's standing number: a new lease could be
// somebody else's already (B5, B7).
func (d *dialing) placeAnyway(ctx context.Context) (emergency.Call, error) {
	caller, err := d.Memory.caller(d.req.AgentID)
	if errors.Is(err, errNothingKnown) {
		d.Log.ErrorContext(ctx, "An emergency call was refused: the database does not answer, and nothing is known of the agent from before", "agent", d.req.AgentID)
		return emergency.Call{}, fmt.Errorf("remember caller: %w", &emergency.Refusal{
			Code: "not-ready", Reason: "This service cannot look up who you are at the moment.",
			Instead: "Dial the local emergency number from a mobile phone.",
		})
	}
	if err != nil {
		return emergency.Call{}, fmt.Errorf("remember caller: %w", err)
	}
	if err := d.understand(caller); err != nil {
		return emergency.Call{}, err
	}
	if known := d.recognise(); known != nil {
		return *known, nil
	}
	assessment, refusal := d.admit(ctx)
	if refusal != nil {
		told := d.refused(assessment, refusal)
		d.Keep(ctx, Intent{Refused: &told})
		return emergency.Call{}, fmt.Errorf("admit call: %w", refusal)
	}
	placement := d.placement(assessment)
	placement.Shown = d.shown(caller)
	call := d.Memory.hold(placement).Call
	d.Keep(ctx, Intent{Placed: &placement})
	return call, nil
}

// recognise settles the call's ID as identify does, if that has not been done. Whether
// the call of a key has ended only SQL knows for certain.
func (d *dialing) recognise() *emergency.Call {
	switch {
	case d.id != "":
	case d.req.IdempotencyKey == "":
		d.id = d.fresh
	default:
		d.id = d.Memory.keptAs(d.keyed(), d.attempt.At)
	}
	known, found := d.Memory.call(d.id)
	switch {
	case !found:
		return nil
	case known.Status(d.Clock()) == emergency.CallEnded:
		d.id = d.fresh
		return nil
	}
	known.Degraded = true
	return &known.Call
}

// shown is the number that the PSAP sees.
func (d *dialing) shown(caller emergency.Caller) *store.Shown {
	if number := d.Memory.leaseOf(caller.Agent.ID, caller.Site.ID, d.attempt.At); number != "" {
		return &store.Shown{Number: number, Kind: emergency.NumberLeased}
	}
	return &store.Shown{Number: caller.Site.StandingNumber, Kind: emergency.NumberStanding}
}

// endAnyway ends legs without SQL. An end of what is not known here is kept all the
// same: another process may have placed the call.
func (d *Desk) endAnyway(ctx context.Context, ending store.Ending) (emergency.Call, error) {
	call, known := d.Memory.end(ending)
	d.Keep(ctx, Intent{Ended: &ending})
	switch {
	case !known:
		return call, fmt.Errorf("end call: %w", emergency.ErrUnknownCall)
	case ending.LegID != "" && !call.HasLeg(ending.LegID):
		return call, fmt.Errorf("end call: %w", emergency.ErrUnknownLeg)
	}
	call.Degraded = true
	return call, nil
}

// decideAnyway decides without SQL. A callback that nobody here knows of, to a number
// that a caller of a site may have shown, goes to the desk of that site: another process
// may have placed the call.
func (d *Desk) decideAnyway(ctx context.Context, in store.Inbound) emergency.Decision {
	decision, at := d.Memory.connect(in)
	if decision.Verdict == emergency.ConnectAgent {
		d.Keep(ctx, Intent{Callback: &store.Answered{
			CallID: decision.CallID, LegID: decision.LegID, To: in.To, From: in.From, At: at,
		}})
	}
	decision.Degraded = true
	return decision
}

// end ends legs of a call that is known.
func (m *Memory) end(ending store.Ending) (emergency.Call, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owed[ending.CallID]++
	known, found := m.book.Call(ending.CallID)
	if !found || ending.AgentID != "" && ending.AgentID != known.AgentID {
		return emergency.Call{}, false
	}
	known.Legs = slices.Clone(known.Legs)
	for i := range known.Legs {
		leg := &known.Legs[i]
		if leg.Up() && (ending.LegID == "" || ending.LegID == leg.ID) {
			leg.EndedAt, leg.Reason = later(ending.At, leg.StartedAt), ending.Reason
		}
	}
	m.put(known)
	return m.show(known).Call, true
}

// connect decides on a call that comes in, and opens its leg, which begins after all that
// has ended of its call, whatever the clock did meanwhile. SQL is owed that leg.
func (m *Memory) connect(in store.Inbound) (emergency.Decision, time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	decision := m.book.Decide(in.To, in.From, in.At)
	if site, known := m.book.SiteOf(in.To); known && decision.Verdict == emergency.NotAnEmergencyCallback {
		if ring := emergency.Fallback(site); len(ring) > 0 {
			decision = emergency.Decision{Verdict: emergency.ConnectFallback, Ring: ring}
		}
	}
	if decision.Verdict == emergency.ConnectAgent {
		known, _ := m.book.Call(decision.CallID)
		in.At = later(in.At, known.LastEnded())
		m.owed[decision.CallID]++
		if decision.LegID == "" {
			decision.LegID = in.LegID
			m.open(decision.CallID, in)
		}
	}
	return decision, in.At
}

// open opens the leg of a callback.
func (m *Memory) open(id emergency.CallID, in store.Inbound) {
	if known, found := m.book.Call(id); found && !known.HasLeg(in.LegID) {
		known = withCallback(known, in)
		m.put(known)
		m.show(known)
	}
}

// withCallback is a call with one more leg.
func withCallback(known emergency.KnownCall, in store.Inbound) emergency.KnownCall {
	known.Legs = append(slices.Clone(known.Legs), emergency.Leg{
		ID: in.LegID, Direction: emergency.Callback, StartedAt: later(in.At, known.DialedAt),
	})
	known.Remote = maps.Clone(known.Remote)
	if known.Remote == nil {
		known.Remote = map[emergency.LegID]string{}
	}
	known.Remote[in.LegID] = in.From
	known.PresenceNow = emergency.StatusDoNotDisturb
	return known
}

// recall takes in what an earlier process has answered.
func (m *Memory) recall(intent Intent) {
	switch {
	case intent.Placed != nil:
		m.hold(m.translateDial(*intent.Placed))
	case intent.Ended != nil:
		m.end(m.translate(*intent.Ended))
	case intent.Callback != nil:
		c := *intent.Callback
		m.mu.Lock()
		defer m.mu.Unlock()
		c.CallID = m.movedTo(c.CallID, c.At)
		m.owed[c.CallID]++
		m.open(c.CallID, store.Inbound{To: c.To, From: c.From, At: c.At, LegID: c.LegID})
	}
}

// later guards against a clock that went backwards between two processes.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
