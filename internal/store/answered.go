package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// Answered is a callback that was connected to an agent without SQL (B7).
type Answered struct {
	CallID emergency.CallID
	LegID  emergency.LegID
	// To is the number that was called, From whoever called it; From may be empty.
	To, From string
	At       time.Time
}

// KeepCallback writes down a callback that was connected without SQL, under its own leg
// (S4, B3). Doing so again changes nothing. A call that is closed by now gets no further
// leg, and the audit says that there was one. The error is emergency.ErrUnknownCall when
// there is no such call.
//
// SQL may have connected it to another call, when the answer did not wait for the
// transaction: then what was answered counts.
func (s *Store) KeepCallback(ctx context.Context, a Answered) error {
	if err := s.disconnect(ctx, a); err != nil {
		return err
	}
	return s.background.withCall(ctx, "keep callback", a.CallID, func(t tx, call emergency.Call) error {
		if call.HasLeg(a.LegID) {
			return nil
		}
		if !call.ClosedAt.IsZero() {
			return t.auditCall(ctx, "callback-after-close", call)
		}
		if err := t.lockID(ctx, a.CallID); err != nil {
			return err
		}
		leg := emergency.Leg{ID: a.LegID, Direction: emergency.Callback, StartedAt: later(stamp(a.At), call.DialedAt)}
		call.Legs = append(call.Legs, leg)
		if err := t.openCallback(ctx, call, leg, emergency.Keepable(a.From)); err != nil {
			return err
		}
		shown, err := t.lockAgent(ctx, call.AgentID)
		if err != nil {
			return err
		}
		if err := t.overrideLate(ctx, call, leg, shown); err != nil {
			return err
		}
		return t.endIfEarly(ctx, call.ID, leg)
	})
}

// disconnect takes the leg of a callback from any call but the one that it was answered
// for. Nobody was told that the leg is that one's, and nobody would ever end it; if the
// number has been given on, its agent has nothing to do with it at all (B5).
func (s *Store) disconnect(ctx context.Context, a Answered) error {
	others, err := collect(ctx, s.read, scanString[emergency.CallID],
		`SELECT call_id FROM legs WHERE id = $1 AND call_id <> $2`, a.LegID, a.CallID)
	if err != nil {
		return fmt.Errorf("look for a callback elsewhere: %w", err)
	}
	for _, id := range others {
		if err := s.background.withCall(ctx, "disconnect callback", id, func(t tx, call emergency.Call) error {
			before := call.LiveLegs()
			if err := t.endLegs(ctx, &call, Ending{LegID: a.LegID, Reason: emergency.EndHungUp, At: a.At}); err != nil {
				return err
			}
			if err := t.tellEnds(ctx, before, call); err != nil {
				return err
			}
			if _, err := t.exec(ctx, `DELETE FROM legs WHERE id = $1 AND call_id = $2`, a.LegID, id); err != nil {
				return err
			}
			call.Legs = slices.DeleteFunc(call.Legs, func(leg emergency.Leg) bool { return leg.ID == a.LegID })
			return t.setExpiry(ctx, call)
		}); err != nil {
			return err
		}
	}
	return nil
}

// auditCall leaves a line about a call, once per action.
func (t tx) auditCall(ctx context.Context, action string, call emergency.Call) error {
	if _, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, country, kind) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (call_id, action) WHERE call_id <> '' DO NOTHING`, t.now(), action, call.ID, call.Country, call.Kind); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}
