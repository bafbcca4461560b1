package store

import (
	"context"
	"fmt"
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
func (s *Store) KeepCallback(ctx context.Context, a Answered) error {
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

// auditCall leaves a line about a call, once per action.
func (t tx) auditCall(ctx context.Context, action string, call emergency.Call) error {
	if _, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, country, kind) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (call_id, action) WHERE call_id <> '' DO NOTHING`, t.now(), action, call.ID, call.Country, call.Kind); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}
