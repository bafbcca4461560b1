package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// Call reads one call as it stands, or gives emergency.ErrUnknownCall; of one that there
// was, that is emergency.ErrErasedCall.
func (s *Store) Call(ctx context.Context, id emergency.CallID) (emergency.Call, error) {
	call, err := loadCall(ctx, s.read, id)
	if errors.Is(err, emergency.ErrUnknownCall) {
		err = s.whyUnknown(ctx, id)
	}
	if err != nil {
		return call, fmt.Errorf("read call: %w", err)
	}
	return call, nil
}

// LiveCalls reads every call that has not ended, the latest first.
func (s *Store) LiveCalls(ctx context.Context) ([]emergency.Call, error) {
	ids, err := collect(ctx, s.read, scanString[emergency.CallID],
		`SELECT id FROM calls WHERE closed_at IS NULL AND expires_at > $1 ORDER BY dialed_at DESC, id`, s.now())
	if err != nil {
		return nil, fmt.Errorf("list live calls: %w", err)
	}
	calls := make([]emergency.Call, 0, len(ids))
	for _, id := range ids {
		call, err := loadCall(ctx, s.read, id)
		if errors.Is(err, emergency.ErrUnknownCall) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list live calls: %w", err)
		}
		calls = append(calls, call)
	}
	return calls, nil
}

// Ending asks to end a leg.
type Ending struct {
	CallID emergency.CallID
	// LegID may be empty: then every leg that is up ends.
	LegID  emergency.LegID
	Reason emergency.EndReason
	// At is when it ended; zero means now.
	At time.Time
	// Tell puts a message for the workflow into the outbox; it is false where the
	// workflow itself asks.
	Tell bool
}

// EndLegs ends legs of a call, and restores presence when none of the agent's is
// left (S10). Ending again changes nothing.
func (s *Store) EndLegs(ctx context.Context, e Ending) (emergency.Call, error) {
	if e.At.IsZero() {
		e.At = s.now()
	}
	if !e.Tell {
		s = s.background
	}
	var after emergency.Call
	err := s.withCall(ctx, "end legs", e.CallID, func(t tx, call emergency.Call) error {
		if e.LegID != "" && !call.HasLeg(e.LegID) {
			return emergency.ErrUnknownLeg
		}
		before := call.LiveLegs()
		if err := t.endLegs(ctx, &call, e.LegID, e.Reason, e.At); err != nil {
			return err
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
		if err := t.enqueue(ctx, call.ID, emergency.MessageCallEnded, body, ended.EndedAt); err != nil {
			return err
		}
	}
	return nil
}

// endLegs ends legs inside a transaction and brings the call up to date with it.
func (t tx) endLegs(ctx context.Context, call *emergency.Call, only emergency.LegID, reason emergency.EndReason, now time.Time) error {
	changed := false
	for i := range call.Legs {
		leg := &call.Legs[i]
		if !leg.Up() || (only != "" && leg.ID != only) {
			continue
		}
		leg.EndedAt, leg.Reason = later(stamp(now), leg.StartedAt), reason
		if _, err := t.exec(ctx, `UPDATE legs SET ended_at = $2, reason = $3 WHERE id = $1`,
			leg.ID, leg.EndedAt, leg.Reason); err != nil {
			return err
		}
		if err := t.restorePresence(ctx, call.AgentID, leg.ID, now); err != nil {
			return err
		}
		if err := t.tell(ctx, emergency.Event{
			Type: emergency.EventLegEnded, AgentID: call.AgentID, CallID: call.ID, LegID: leg.ID, At: leg.EndedAt,
		}); err != nil {
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

// later guards against a clock that went backwards between two processes.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// setExpiry keeps with the call when it is over by itself.
func (t tx) setExpiry(ctx context.Context, call emergency.Call) error {
	_, err := t.exec(ctx, `UPDATE calls SET expires_at = $2 WHERE id = $1`, call.ID, stamp(call.ExpiresAt()))
	return err
}

// withCall runs work on a call while its agent's affairs are locked.
func (s *Store) withCall(ctx context.Context, what string, id emergency.CallID, work func(tx, emergency.Call) error) error {
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

// loadCall reads a call with its legs, presence and notices.
func loadCall(ctx context.Context, q querier, id emergency.CallID) (emergency.Call, error) {
	var (
		c                  emergency.Call
		conveyed, terms    string
		failOver, warnings string
		closed             sql.NullTime
	)
	err := q.QueryRowContext(ctx, `SELECT c.id, c.agent_id, c.site_id, c.kind, c.dialed, c.country, c.dialed_at, c.conveyed,
		c.number, c.number_kind, c.route_path, c.route_trunk, c.terms, c.degraded, c.presence_before, c.closed_at,
		c.caller_id, c.fail_over, c.warnings, a.presence_status
		FROM calls c JOIN agents a ON a.id = c.agent_id WHERE c.id = $1`, id).
		Scan(&c.ID, &c.AgentID, &c.SiteID, &c.Kind, &c.Dialed, &c.Country, &c.DialedAt, &conveyed,
			&c.Number, &c.NumberKind, &c.Route.Path, &c.Route.Trunk, &terms, &c.Degraded, &c.PresenceBefore, &closed,
			&c.Route.CallerID, &failOver, &warnings, &c.PresenceNow)
	if errors.Is(err, sql.ErrNoRows) {
		return c, emergency.ErrUnknownCall
	}
	if err != nil {
		return c, fmt.Errorf("read call: %w", err)
	}
	c.DialedAt, c.ClosedAt = c.DialedAt.UTC(), orZero(closed)
	for _, column := range []struct {
		text string
		into any
	}{{conveyed, &c.Conveyed}, {terms, &c.Terms}, {failOver, &c.Route.FailOver}, {warnings, &c.Warnings}} {
		if err := json.Unmarshal([]byte(column.text), column.into); err != nil {
			return c, fmt.Errorf("decode call: %w", err)
		}
	}
	if c.Legs, err = collect(ctx, q, scanLeg, `SELECT id, direction, started_at, ended_at, reason FROM legs
		WHERE call_id = $1 ORDER BY started_at, id`, id); err != nil {
		return c, err
	}
	c.Notice, err = notification(ctx, q, id)
	return c, err
}

func scanLeg(rows *sql.Rows) (emergency.Leg, error) {
	var (
		leg   emergency.Leg
		ended sql.NullTime
	)
	err := rows.Scan(&leg.ID, &leg.Direction, &leg.StartedAt, &ended, &leg.Reason)
	leg.StartedAt, leg.EndedAt = leg.StartedAt.UTC(), orZero(ended)
	return leg, err //nolint:wrapcheck // collect wraps
}

// orZero is a nullable time as the domain has it.
func orZero(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
