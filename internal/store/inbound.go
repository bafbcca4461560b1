package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// Inbound is a call that a carrier offers, before anybody has decided on it.
type Inbound struct {
	// To and From are E.164; From may be empty.
	To, From string
	At       time.Time
	// LegID names the leg that the callback opens, if it is one.
	LegID emergency.LegID
}

// DecideInbound says where an inbound call goes. A callback opens a leg and puts
// the agent on Do not disturb in the same transaction (S4, S5, B3). When no agent can
// be named any more, but somebody could until lately, the site's desk answers (B6).
// Asking twice about one callback gives the same decision and the same leg.
func (s *Store) DecideInbound(ctx context.Context, in Inbound) (emergency.Decision, error) {
	none := emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	if !emergency.ValidE164(in.To) {
		return none, nil
	}
	in.From, in.At = emergency.Keepable(in.From), stamp(in.At)
	calls, err := s.calledBack(ctx, in)
	if err != nil {
		return none, err
	}
	for _, id := range calls {
		decision, err := s.connect(ctx, id, in)
		if err != nil || decision.Verdict == emergency.ConnectAgent {
			return decision, err
		}
	}
	return s.fallBack(ctx, in)
}

// connect brings the PSAP back to a call, unless that is over by now.
func (s *Store) connect(ctx context.Context, id emergency.CallID, in Inbound) (emergency.Decision, error) {
	decision := emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	err := s.withCall(ctx, "connect callback", id, func(t tx, call emergency.Call) error {
		if call.Status(in.At) == emergency.CallEnded {
			return nil
		}
		agent, err := keptAgent(ctx, t, call.AgentID)
		if err != nil {
			return err
		}
		site, err := readSite(ctx, t, call.SiteID)
		if err != nil {
			return err
		}
		leg, err := t.joinOrOpenCallback(ctx, &call, in)
		if err != nil {
			return err
		}
		decision = emergency.Decision{
			Verdict: emergency.ConnectAgent, AgentID: call.AgentID, CallID: call.ID, LegID: leg, Kind: call.Kind,
			Ring: emergency.Climb(agent, site),
		}
		return nil
	})
	if errors.Is(err, emergency.ErrUnknownCall) {
		return decision, nil // it has been erased since it was found
	}
	return decision, err
}

// showedStanding holds for calls that did not show the number that they have, in the
// words of the index on what they showed.
const showedStanding = `(c.number_kind = 'standing' OR c.caller_id <> c.number)`

// calledBack finds the live calls that a callback may be for, the likeliest first. The
// first may be over before it can be locked; then the next one counts.
//
// On a leased number that is a call of its holder. A standing number several callers
// may have shown: whoever has got a number since has probably shown that too, in a
// redial, so the others come first (B5). What SQL had chosen for a call that was answered
// without it is not since: perhaps nobody has seen it. A call that this very caller is connected
// with comes before all others, so that a repeated question has the same answer
// whatever has happened meanwhile; a call for help comes before a test (B13).
func (s *Store) calledBack(ctx context.Context, in Inbound) ([]emergency.CallID, error) {
	ids, err := collect(ctx, s.read, scanString[emergency.CallID], `SELECT live.id FROM (
			SELECT c.id, c.kind, c.dialed_at, 1 AS place FROM calls c
			WHERE c.number = $1 AND c.closed_at IS NULL AND c.expires_at > $2 AND c.number_kind = 'leased'
			AND EXISTS (SELECT 1 FROM routes r WHERE r.number = c.number AND r.agent_id = c.agent_id)
			UNION ALL
			SELECT c.id, c.kind, c.dialed_at,
				CASE WHEN EXISTS (SELECT 1 FROM leases l JOIN lease_claims k ON k.number = l.number WHERE l.agent_id = c.agent_id
					AND NOT (k.call_id = c.id AND c.degraded)) THEN 3 ELSE 2 END AS place FROM calls c
			WHERE c.caller_id = $1 AND c.closed_at IS NULL AND c.expires_at > $2 AND `+showedStanding+`) AS live
		ORDER BY CASE WHEN EXISTS (SELECT 1 FROM legs g WHERE g.call_id = live.id AND g.direction = 'callback'
				AND g.ended_at IS NULL AND g.remote = $3) THEN 0 ELSE 1 END,
			CASE live.kind WHEN 'test' THEN 1 ELSE 0 END, live.place, live.dialed_at DESC, live.id DESC LIMIT 10`,
		in.To, in.At, in.From)
	if err != nil {
		return nil, fmt.Errorf("find the call of a callback: %w", err)
	}
	return ids, nil
}

// joinOrOpenCallback gives the callback leg from this caller that is up already,
// or opens one.
func (t tx) joinOrOpenCallback(ctx context.Context, call *emergency.Call, in Inbound) (emergency.LegID, error) {
	var up emergency.LegID
	err := t.scan(ctx, &up, `SELECT id FROM legs WHERE call_id = $1 AND direction = $2 AND ended_at IS NULL
		AND remote = $3 ORDER BY started_at, id LIMIT 1`, call.ID, emergency.Callback, in.From)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return up, err
	}
	leg := emergency.Leg{ID: in.LegID, Direction: emergency.Callback, StartedAt: later(stamp(in.At), call.DialedAt)}
	call.Legs = append(call.Legs, leg)
	if err := t.openCallback(ctx, *call, leg, in.From); err != nil {
		return "", err
	}
	shown, err := t.lockAgent(ctx, call.AgentID)
	if err != nil {
		return "", err
	}
	_, _, err = t.overridePresence(ctx, *call, leg, shown)
	return leg.ID, err
}

// openCallback adds the leg of a callback that the call has already, and tells of it.
func (t tx) openCallback(ctx context.Context, call emergency.Call, leg emergency.Leg, from string) error {
	if err := t.insertLeg(ctx, call.ID, leg, from); err != nil {
		return err
	}
	if err := t.setExpiry(ctx, call); err != nil {
		return err
	}
	body := emergency.CallbackReceived{LegID: leg.ID, From: from, At: leg.StartedAt}
	if err := t.enqueue(ctx, call.ID, emergency.MessageCallbackReceived, body); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventCallbackReceived, AgentID: call.AgentID, CallID: call.ID, LegID: leg.ID, At: leg.StartedAt,
	})
}
