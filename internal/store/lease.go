package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// acquire gives the number that the call's agent shows at its site: the one of the
// agent's live lease (B2), else the site's least recently used free one (B5). It is
// emergency.ErrPoolExhausted when there is none, or none to spare for a test (B13).
func (t tx) acquire(ctx context.Context, call emergency.Call, now time.Time) (string, error) {
	var number string
	err := t.scan(ctx, &number, `SELECT number FROM leases WHERE agent_id = $1 AND site_id = $2`, call.AgentID, call.SiteID)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return number, err
	}
	if call.Kind == emergency.KindTest {
		if err := t.spare(ctx, call.SiteID, now); err != nil {
			return "", err
		}
	}
	err = t.scan(ctx, &number, `UPDATE callback_numbers SET leased = TRUE, last_used_at = $2, leased_at = $2
		WHERE number = (SELECT number FROM callback_numbers
			WHERE site_id = $1 AND NOT leased AND NOT draining AND free_at <= $2
			ORDER BY last_used_at, number LIMIT 1`+t.skipLocked+`)
		RETURNING number`, call.SiteID, stamp(now))
	if errors.Is(err, sql.ErrNoRows) {
		return "", emergency.ErrPoolExhausted
	}
	if err != nil {
		return "", err
	}
	_, err = t.exec(ctx, `INSERT INTO leases (number, agent_id, site_id, leased_at) VALUES ($1, $2, $3, $4)`,
		number, call.AgentID, call.SiteID, stamp(now))
	return number, err
}

// claim keeps the call's leased number for it and routes the number to the agent.
// Claiming twice changes nothing; a standing number is nobody's to claim.
func (t tx) claim(ctx context.Context, call emergency.Call) error {
	if call.NumberKind != emergency.NumberLeased {
		return nil
	}
	if _, err := t.exec(ctx, `INSERT INTO lease_claims (call_id, number) VALUES ($1, $2)
		ON CONFLICT (call_id) DO NOTHING`, call.ID, call.Number); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO routes (number, agent_id, registered_at) VALUES ($1, $2, $3)
		ON CONFLICT (number) DO NOTHING`, call.Number, call.AgentID, call.DialedAt)
	return err
}

// Lease is the callback number of a call, as it is kept now.
type Lease struct {
	Number string
	Kind   emergency.NumberKind
	// Closed says that the call is over and its number given back.
	Closed bool
}

// EnsureLease makes sure that an open call has its number, and reports it. The
// dial has usually done it; a call that had to show the standing number keeps it
// until LeaseLate finds it one of its own.
func (s *Store) EnsureLease(ctx context.Context, id emergency.CallID) (Lease, error) {
	var lease Lease
	err := s.background.withCall(ctx, "ensure lease", id, func(t tx, call emergency.Call) error {
		lease = Lease{Number: call.Number, Kind: call.NumberKind, Closed: !call.ClosedAt.IsZero()}
		if lease.Closed || lease.Kind != emergency.NumberLeased || call.Degraded {
			return nil // a call that was answered without SQL has what it showed, and nothing else
		}
		var claims int
		if err := t.scan(ctx, &claims, `SELECT COUNT(*) FROM lease_claims WHERE call_id = $1`, id); err != nil || claims > 0 {
			return err
		}
		number, err := t.acquire(ctx, call, s.now())
		if err != nil {
			return err
		}
		lease.Number, call.Number = number, number
		if _, err := t.exec(ctx, `UPDATE calls SET number = $2 WHERE id = $1`, id, number); err != nil {
			return err
		}
		return t.claim(ctx, call)
	})
	return lease, err
}

// EnsureRoute makes sure that callbacks to an open call's number reach its agent.
func (s *Store) EnsureRoute(ctx context.Context, id emergency.CallID) error {
	return s.background.withCall(ctx, "ensure route", id, func(t tx, call emergency.Call) error {
		if !call.ClosedAt.IsZero() {
			return nil
		}
		return t.claim(ctx, call)
	})
}

// CloseCall gives the call's number back and ends the call. It does nothing, and
// reports false, while a leg is up (B1). Closing twice changes nothing.
func (s *Store) CloseCall(ctx context.Context, id emergency.CallID, outcome string) (bool, error) {
	closed := true
	err := s.background.withCall(ctx, "close call", id, func(t tx, call emergency.Call) error {
		switch {
		case !call.ClosedAt.IsZero():
			return nil
		case call.LegUp():
			closed = false
			return nil
		}
		return t.closeCall(ctx, call, outcome, s.now())
	})
	return closed, err
}

// outcomeCancelled is the outcome of a call that a supervisor has put an end to.
const outcomeCancelled = "cancelled"

// closeCall releases what the call holds, whatever state its legs are in. A notice
// that has not gone out by now is of no use any more, unless it outlives the call.
func (t tx) closeCall(ctx context.Context, call emergency.Call, outcome string, now time.Time) error {
	until := now
	if over := call.ExpiresAt(); over.Before(now) {
		until = over // nobody could be called back since then
	}
	if err := t.endLegs(ctx, &call, Ending{Reason: emergency.EndMaxDuration, At: now}); err != nil {
		return err
	}
	if err := t.unclaim(ctx, call, until); err != nil {
		return err
	}
	call.ClosedAt = stamp(now)
	if _, err := t.exec(ctx, `UPDATE calls SET closed_at = $2, rests_until = $3 WHERE id = $1`,
		call.ID, call.ClosedAt, stamp(call.Past().Until)); err != nil {
		return err
	}
	spared := outliving
	if outcome == outcomeCancelled {
		spared = ofForcedEnd
	}
	if err := t.giveUp(ctx, emergency.ReasonCallClosed, now, `call_id = $4 AND NOT `+spared, call.ID); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, country, kind, outcome, legs)
		VALUES ($1, 'call-closed', $2, $3, $4, $5, $6) ON CONFLICT (call_id, action) WHERE call_id <> '' DO NOTHING`,
		stamp(now), call.ID, call.Country, call.Kind, outcome, len(call.Legs)); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{Type: emergency.EventCallClosed, AgentID: call.AgentID, CallID: call.ID, At: stamp(now)})
}

// unclaim drops the call's claim on its number, which was of use until the time
// given; calls on one number may be found to be over in any order. With the last
// claim the lease and its route go, and the number rests in quarantine (B5), also
// if it was removed meanwhile.
func (t tx) unclaim(ctx context.Context, call emergency.Call, until time.Time) error {
	dropped, err := t.dropClaim(ctx, call)
	if err != nil || !dropped {
		return err
	}
	_, err = t.exec(ctx, `UPDATE callback_numbers SET
		leased = EXISTS (SELECT 1 FROM leases WHERE leases.number = callback_numbers.number),
		last_used_at = CASE WHEN last_used_at < $2 THEN $2 ELSE last_used_at END,
		last_call = CASE WHEN free_at <= $3 THEN $4 ELSE last_call END,
		free_at = CASE WHEN free_at < $3 THEN $3 ELSE free_at END
		WHERE number = $1`, call.Number, stamp(until), stamp(until.Add(call.Terms.Quarantine)), call.ID)
	return err
}

// dropClaim drops the call's claim on its number, and the lease with the last of them. It
// is false when there is none.
func (t tx) dropClaim(ctx context.Context, call emergency.Call) (bool, error) {
	dropped, err := t.exec(ctx, `DELETE FROM lease_claims WHERE call_id = $1`, call.ID)
	if err != nil || dropped == 0 {
		return false, err
	}
	_, err = t.exec(ctx, `DELETE FROM leases WHERE number = $1
		AND NOT EXISTS (SELECT 1 FROM lease_claims WHERE lease_claims.number = leases.number)`, call.Number)
	return true, err
}

// ExpireOverdue closes every call that its workflow has left behind: leases,
// routes and presence overrides end by themselves, even if nobody ends them. A
// call that cannot be closed does not keep the others from it.
func (s *Store) ExpireOverdue(ctx context.Context) error {
	return s.background.expire(ctx, `SELECT id FROM calls WHERE closed_at IS NULL AND expires_at <= $1
		ORDER BY expires_at, id LIMIT 100`, s.now())
}

// makeRoom does the same for the longest overdue leases of a site. They are few,
// because somebody who dials is waiting (B7).
func (s *Store) makeRoom(ctx context.Context, site emergency.SiteID) error {
	return s.expire(ctx, `SELECT id FROM calls WHERE closed_at IS NULL AND expires_at <= $1
		AND site_id = $2 AND number_kind = $3 ORDER BY expires_at, id LIMIT 5`, s.now(), site, emergency.NumberLeased)
}

// expire closes the calls that a query finds, if they are overdue at the time that
// is its first argument.
func (s *Store) expire(ctx context.Context, query string, now time.Time, args ...any) error {
	overdue, err := collect(ctx, s.read, scanString[emergency.CallID], query, append([]any{now}, args...)...)
	if err != nil {
		return fmt.Errorf("find overdue calls: %w", err)
	}
	var failed []error
	for _, id := range overdue {
		failed = append(failed, s.withCall(ctx, "expire call", id, func(t tx, call emergency.Call) error {
			if call.Status(now) != emergency.CallEnded || !call.ClosedAt.IsZero() {
				return nil
			}
			if err := t.closeCall(ctx, call, "expired", now); err != nil {
				return err
			}
			return t.tellOutside(ctx, call.AgentID)
		}))
	}
	return errors.Join(failed...)
}

func scanString[T ~string](rows *sql.Rows) (T, error) {
	var value T
	err := rows.Scan(&value)
	return value, err //nolint:wrapcheck // collect wraps
}
