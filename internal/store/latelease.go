package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// LeaseLate gives calls that had to show their site's standing number one of their
// own, as soon as one is free and while their window is open (B5). The oldest dial is
// first, and any real call before a test. What the PSAP saw stays the call's caller
// ID, and callbacks to it still find the call. A call that was answered without SQL
// keeps the number that it showed: another would be shown to nobody. A call that cannot
// be given a number does not keep the others from it.
func (s *Store) LeaseLate(ctx context.Context) error { return s.background.leaseLate(ctx, "") }

// leaseLate does so for one site, or with an empty ID for all.
func (s *Store) leaseLate(ctx context.Context, site emergency.SiteID) error {
	calls, err := collect(ctx, s.read, scanWaiting, `SELECT c.id, c.agent_id, c.site_id,
			EXISTS (SELECT 1 FROM leases l WHERE l.agent_id = c.agent_id AND l.site_id = c.site_id)
		FROM calls c WHERE c.closed_at IS NULL AND c.expires_at > $1 AND c.number_kind = 'standing' AND NOT c.degraded
		AND ($2 = '' OR c.site_id = $2)
		ORDER BY CASE c.kind WHEN 'test' THEN 1 ELSE 0 END, c.dialed_at, c.id`, s.now(), site)
	if err != nil {
		return fmt.Errorf("find calls without a number: %w", err)
	}
	var (
		failed    []error
		exhausted = map[emergency.SiteID]bool{}
		has       = map[holding]bool{}
	)
	for _, call := range calls {
		if exhausted[call.site] && !call.joins && !has[call.holding] {
			continue
		}
		err := s.leaseOneLate(ctx, call.id)
		if errors.Is(err, emergency.ErrPoolExhausted) {
			exhausted[call.site] = true
			continue
		}
		has[call.holding] = true
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// holding is who may have a number, and where: one at each site.
type holding struct {
	agent emergency.AgentID
	site  emergency.SiteID
}

// waiting is a call that shows its site's standing number.
type waiting struct {
	holding

	id emergency.CallID
	// joins says that the agent has a number already, so that the call needs no other.
	joins bool
}

func scanWaiting(rows *sql.Rows) (waiting, error) {
	var w waiting
	err := rows.Scan(&w.id, &w.agent, &w.site, &w.joins)
	return w, err //nolint:wrapcheck // collect wraps
}

// leaseOneLate gives one call a number, unless it has one or is over by now.
func (s *Store) leaseOneLate(ctx context.Context, id emergency.CallID) error {
	return s.withCall(ctx, "lease number late", id, func(t tx, call emergency.Call) error {
		now := s.now()
		if call.NumberKind != emergency.NumberStanding || call.Degraded || !windowOpen(call, now) {
			return nil
		}
		number, err := t.acquire(ctx, call, now)
		if err != nil {
			return err
		}
		call.Number, call.NumberKind = number, emergency.NumberLeased
		if _, err := t.exec(ctx, `UPDATE calls SET number = $2, number_kind = $3 WHERE id = $1`,
			call.ID, call.Number, call.NumberKind); err != nil {
			return err
		}
		if err := t.claim(ctx, call); err != nil {
			return err
		}
		body := emergency.LateLease{Number: number, At: now}
		if err := t.enqueue(ctx, call.ID, emergency.MessageNumberLeased, body); err != nil {
			return err
		}
		return t.tell(ctx, emergency.Event{
			Type: emergency.EventNumberLeased, AgentID: call.AgentID, SiteID: call.SiteID, CallID: call.ID, At: now,
		})
	})
}

// windowOpen tells whether the PSAP may still have a reason to call back.
func windowOpen(call emergency.Call, now time.Time) bool {
	return call.Status(now) != emergency.CallEnded && (call.LegUp() || now.Before(call.WindowEndsAt()))
}
