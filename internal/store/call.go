package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// Call reads one call as it stands, or gives emergency.ErrUnknownCall; of one that there
// was, that is emergency.ErrErasedCall.
func (s *Store) Call(ctx context.Context, id emergency.CallID) (emergency.Call, error) {
	if !keepableID(id) {
		return emergency.Call{}, fmt.Errorf("read call: %w", emergency.ErrUnknownCall)
	}
	call, err := loadCall(ctx, s.read, id)
	if errors.Is(err, emergency.ErrUnknownCall) {
		err = whyUnknown(ctx, s.read, id)
	}
	if err != nil {
		return call, fmt.Errorf("read call: %w", err)
	}
	return call, nil
}

// Ending asks to end a leg.
type Ending struct {
	CallID emergency.CallID
	// LegID may be empty: then every leg that is up ends, but for callbacks that began
	// after At: what is told late, or twice, is not about them.
	LegID emergency.LegID
	// AgentID is whose call it has to be; empty for anybody's. Another's is
	// emergency.ErrUnknownCall, so that nobody learns from that which calls there are.
	AgentID emergency.AgentID
	Reason  emergency.EndReason
	// At is when it ended; zero means now.
	At time.Time
	// Tell puts a message for the workflow into the outbox; it is false where the
	// workflow itself asks.
	Tell bool
}

// EndLegs ends legs of a call, and restores presence when none of the agent's is
// left (S10). Ending again changes nothing. The end of a call or of a leg that is not
// known is emergency.ErrUnknownCall or emergency.ErrUnknownLeg, and kept for a while in
// case that comes after it.
func (s *Store) EndLegs(ctx context.Context, e Ending) (emergency.Call, error) {
	if e.At.IsZero() {
		e.At = s.now()
	}
	if !e.Tell {
		s = s.background
	}
	for {
		call, err := s.endKnown(ctx, e)
		unknown := errors.Is(err, emergency.ErrUnknownCall) || errors.Is(err, emergency.ErrUnknownLeg)
		if !unknown || errors.Is(err, errAnothers) || !e.Tell || !keepableID(e.CallID) || !keepableID(e.LegID) {
			return call, err
		}
		kept, failed := s.keepEarlyEnd(ctx, e)
		if failed != nil {
			return call, failed
		}
		if kept {
			return call, err
		}
	}
}

// keepableID tells whether an ID can be one of ours.
func keepableID[T ~string](id T) bool {
	return len(id) <= longestID && emergency.Keepable(string(id)) == string(id)
}

// longestID is longer than that of any call or leg.
const longestID = 64

// errAnothers means that a call is another agent's.
var errAnothers = fmt.Errorf("%w of this agent's", emergency.ErrUnknownCall)

// endKnown ends legs that there are.
func (s *Store) endKnown(ctx context.Context, e Ending) (emergency.Call, error) {
	var after emergency.Call
	err := s.withCall(ctx, "end legs", e.CallID, func(t tx, call emergency.Call) error {
		if e.AgentID != "" && e.AgentID != call.AgentID {
			return errAnothers
		}
		if e.LegID != "" && !call.HasLeg(e.LegID) {
			return emergency.ErrUnknownLeg
		}
		before := call.LiveLegs()
		if err := t.endLegs(ctx, &call, e); err != nil {
			return err
		}
		if e.LegID == "" && e.Tell {
			if err := t.hungUp(ctx, call.ID, e.At); err != nil {
				return err
			}
		}
		after = call
		if !e.Tell {
			return nil
		}
		return t.tellEnds(ctx, before, call)
	})
	return after, err
}

// tellEnds leaves a message for each leg that was up before and is no more.
func (t tx) tellEnds(ctx context.Context, before []emergency.Leg, call emergency.Call) error {
	for _, was := range before {
		ended := call.Leg(was.ID)
		if ended.Up() {
			continue
		}
		body := emergency.LegEnded{LegID: ended.ID, At: ended.EndedAt, Reason: ended.Reason}
		if err := t.enqueue(ctx, call.ID, emergency.MessageCallEnded, body); err != nil {
			return err
		}
	}
	return nil
}

// endLegs ends legs inside a transaction and brings the call up to date with it.
func (t tx) endLegs(ctx context.Context, call *emergency.Call, e Ending) error {
	changed := false
	for i := range call.Legs {
		leg := &call.Legs[i]
		if !leg.Up() || !e.concerns(*leg) {
			continue
		}
		leg.EndedAt, leg.Reason = later(stamp(e.At), leg.StartedAt), e.Reason
		if _, err := t.exec(ctx, `UPDATE legs SET ended_at = $2, reason = $3 WHERE id = $1`,
			leg.ID, leg.EndedAt, leg.Reason); err != nil {
			return err
		}
		if err := t.restorePresence(ctx, call.AgentID, leg.ID, e.At); err != nil {
			return err
		}
		if err := t.tell(ctx, emergency.Event{
			Type: emergency.EventLegEnded, AgentID: call.AgentID, CallID: call.ID, LegID: leg.ID, At: leg.EndedAt,
		}); err != nil {
			return err
		}
		if err := t.explainEnd(ctx, *call, *leg); err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return nil
	}
	shown, err := t.lockAgent(ctx, call.AgentID)
	if err != nil {
		return err
	}
	call.PresenceNow = shown.Status
	return t.setExpiry(ctx, *call)
}

// concerns tells whether it is the end of a leg. Whatever the clocks say, a workflow that
// ends a call ends all of it.
func (e Ending) concerns(leg emergency.Leg) bool {
	if e.LegID != "" {
		return e.LegID == leg.ID
	}
	return !e.Tell || leg.Direction == emergency.Outbound || !leg.StartedAt.After(e.At)
}

// hungUp keeps when the whole call was told to be over.
func (t tx) hungUp(ctx context.Context, id emergency.CallID, at time.Time) error {
	_, err := t.exec(ctx, `UPDATE calls SET hung_up_at = $2 WHERE id = $1 AND (hung_up_at IS NULL OR hung_up_at < $2)`, id, stamp(at))
	return err
}

// later guards against a clock that went backwards between two processes.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// setExpiry keeps with the call when it is over by itself.
func (t tx) setExpiry(ctx context.Context, call emergency.Call) error {
	if _, err := t.exec(ctx, `UPDATE calls SET expires_at = $2 WHERE id = $1`, call.ID, stamp(call.ExpiresAt())); err != nil {
		return err
	}
	return t.restShown(ctx, call)
}

// withCall runs work on a call while its agent's affairs are locked.
func (s *Store) withCall(ctx context.Context, what string, id emergency.CallID, work func(tx, emergency.Call) error) error {
	if !keepableID(id) {
		return fmt.Errorf("%s: %w", what, emergency.ErrUnknownCall)
	}
	return s.inTx(ctx, what, func(t tx) error {
		var agent emergency.AgentID
		err := t.scan(ctx, &agent, `SELECT agent_id FROM calls WHERE id = $1`, id)
		if errors.Is(err, sql.ErrNoRows) {
			return emergency.ErrUnknownCall
		}
		if err != nil {
			return err
		}
		if _, err := t.lockAgent(ctx, agent); err != nil {
			return err
		}
		call, err := loadCall(ctx, t, id)
		if err != nil {
			return err
		}
		return work(t, call)
	})
}

func (t tx) insertLeg(ctx context.Context, call emergency.CallID, leg emergency.Leg, remote string) error {
	_, err := t.exec(ctx, `INSERT INTO legs (id, call_id, direction, remote, started_at, reason)
		VALUES ($1, $2, $3, $4, $5, '')`, leg.ID, call, leg.Direction, remote, leg.StartedAt)
	return err
}
