// Package dial is the request side of a call: a dial, an end, and a call that
// comes in. Each is one transaction and an answer, on good days and bad; nothing
// here waits for Temporal, mail or an outside presence system.
//
// Nor does an answer depend on SQL: when that does not answer within its share of the
// budget, Desk answers from Memory, with the number that the caller holds or his site's
// standing one, and Spool keeps on disk what SQL has to hear once it is back (B7).
package dial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// Records is where calls are written down; package store implements it.
type Records interface {
	Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error)
	Call(ctx context.Context, id emergency.CallID) (emergency.Call, error)
	PlaceCall(ctx context.Context, p store.Placement) (emergency.Call, error)
	EndLegs(ctx context.Context, e store.Ending) (emergency.Call, error)
	DecideInbound(ctx context.Context, in store.Inbound) (emergency.Decision, error)
}

// Desk takes dials, ends and inbound calls. It is safe for concurrent use.
type Desk struct {
	Records Records
	// Memory answers when Records do not, and Keep keeps what was answered so. It
	// returns soon after its context ends.
	Memory *Memory
	Keep   func(ctx context.Context, intent Intent)
	// Improvised hears of each answer that was given without Records.
	Improvised func(Request)
	// Terms are what new calls are placed under.
	Terms emergency.Terms
	// Plan is what the phone system adds to dialed numbers.
	Plan emergency.DialPlan
	// Budget bounds every answer (B7).
	Budget time.Duration
	// Notices is how far people are told (B9).
	Notices emergency.NoticePlan
	// LocationMaxAge is how old a location may be (S13).
	LocationMaxAge time.Duration
	// Refused hears of every dial that could not work, so that people are told
	// (B10). It must not block.
	Refused func(emergency.RefusedCall)
	// PresenceOutside says that an outside presence system has to be told.
	PresenceOutside bool
	// Wake tells the relay that a call has something to send, once it is written
	// down. It must not block.
	Wake func(emergency.CallID)
	// Clock tells the time.
	Clock func() time.Time
	// Log hears what an administrator should look into.
	Log *slog.Logger
}

// Request is what a desk can be asked.
type Request string

// The requests.
const (
	RequestDial    Request = "dial"
	RequestEnd     Request = "end"
	RequestInbound Request = "inbound"
)

// Place answers a dial. The same idempotency key gives the same call, until that
// call has ended. The error is an *emergency.Refusal when the call cannot work.
func (d *Desk) Place(ctx context.Context, req emergency.DialRequest) (emergency.Call, error) {
	if err := req.Location.Validate(); err != nil {
		return emergency.Call{}, fmt.Errorf("place call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	dialing := d.begin(req)
	call, err := dialing.place(ctx)
	if err = d.improvise(ctx, RequestDial, err); errors.Is(err, errImprovise) {
		return dialing.placeAnyway(ctx)
	}
	if err == nil {
		d.Memory.learn(ctx, call, dialing.attempt.Caller.Agent)
	}
	return call, err
}

// End ends one leg of a call, or with an empty leg ID all of them. Ending again
// gives the call as it stands. When an agent is named, the call has to be his; another's
// is emergency.ErrUnknownCall.
func (d *Desk) End(ctx context.Context, id emergency.CallID, leg emergency.LegID, of emergency.AgentID, reason emergency.EndReason) (emergency.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	ending := d.Memory.translate(store.Ending{CallID: id, LegID: leg, AgentID: of, Reason: reason, At: d.Clock(), Tell: true})
	ending.At = d.Memory.notBeforeLegs(ending.CallID, ending.At)
	if reason == "" {
		ending.Reason = emergency.EndHungUp
	}
	call, err := d.end(ctx, ending)
	if err = d.improvise(ctx, RequestEnd, err); errors.Is(err, errImprovise) {
		return d.endAnyway(ctx, ending)
	}
	if err == nil {
		d.Memory.relearn(ctx, call)
	}
	return call, err
}

func (d *Desk) end(ctx context.Context, ending store.Ending) (emergency.Call, error) {
	if d.Memory.holds(ending.CallID) {
		return emergency.Call{}, errImprovise
	}
	ctx, cancel := d.share(ctx)
	defer cancel()
	call, err := d.Records.EndLegs(ctx, ending)
	if err != nil {
		return call, fmt.Errorf("end call: %w", err)
	}
	d.Wake(call.ID)
	return call, nil
}

// Inbound decides where a call to one of our numbers goes (S5). A trunk may leave it open
// which number was called; then it is the one that somebody can be called back on.
func (d *Desk) Inbound(ctx context.Context, to, from string) (emergency.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	in := store.Inbound{From: from, At: d.Clock(), LegID: emergency.LegID(newID())}
	decision := emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	for _, in.To = range emergency.CalledNumbers(to) {
		if decision.Degraded { // SQL has had its time
			decision = d.decideAnyway(ctx, in)
		} else {
			var err error
			if decision, err = d.inbound(ctx, in); err != nil {
				return decision, err
			}
		}
		if decision.Verdict != emergency.NotAnEmergencyCallback {
			break
		}
	}
	return decision, nil
}

// inbound decides on a call to one number.
func (d *Desk) inbound(ctx context.Context, in store.Inbound) (emergency.Decision, error) {
	decision, err := d.decide(ctx, in)
	if err = d.improvise(ctx, RequestInbound, err); errors.Is(err, errImprovise) {
		return d.decideAnyway(ctx, in), nil
	}
	if err == nil {
		d.Memory.answered(ctx, decision, in)
	}
	return decision, err
}

func (d *Desk) decide(ctx context.Context, in store.Inbound) (emergency.Decision, error) {
	if d.Memory.holdsShown(in.To) {
		return emergency.Decision{}, errImprovise
	}
	ctx, cancel := d.share(ctx)
	defer cancel()
	decision, err := d.Records.DecideInbound(ctx, in)
	if err != nil {
		return decision, fmt.Errorf("decide inbound call: %w", err)
	}
	if decision.CallID != "" {
		d.Wake(decision.CallID)
	}
	return decision, nil
}

// Find gives a call as it stands, or emergency.ErrUnknownCall.
func (d *Desk) Find(ctx context.Context, id emergency.CallID) (emergency.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	if id = d.Memory.keptAs(id, d.Clock()); !d.Memory.holds(id) {
		call, err := d.Records.Call(ctx, id)
		if err == nil || final(err) {
			return call, err //nolint:wrapcheck // the records' own words
		}
	}
	known, found := d.Memory.call(id)
	if !found {
		return emergency.Call{}, fmt.Errorf("find call: %w", emergency.ErrUnknownCall)
	}
	known.Degraded = true
	return known.Call, nil
}

// share gives SQL its part of the budget. What is left has to do for a disk.
func (d *Desk) share(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d.Budget*2/3)
}

// errImprovise means that the answer has to come from memory.
var errImprovise = errors.New("SQL does not answer, or has yet to hear of this call")

// improvise makes errImprovise of any error for which the request is not to blame, and
// tells of it. Whoever has gone away gets no answer, and nothing is promised to him.
func (d *Desk) improvise(ctx context.Context, request Request, err error) error {
	if err == nil || final(err) || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	if !errors.Is(err, errImprovise) {
		d.Log.WarnContext(ctx, "The database does not answer in time; the answer comes from memory", "request", request, "error", err)
	}
	d.Improvised(request)
	return errImprovise
}

// final tells whether an error is an answer, which no other try would better.
func final(err error) bool {
	if _, refused := errors.AsType[*emergency.Refusal](err); refused {
		return true
	}
	if _, invalid := errors.AsType[*emergency.Invalid](err); invalid {
		return true
	}
	for _, known := range []error{
		emergency.ErrUnknownAgent, emergency.ErrUnknownSite, emergency.ErrUnknownCall, emergency.ErrUnknownLeg,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
