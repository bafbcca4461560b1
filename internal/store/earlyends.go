package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// earlyEndsKept bounds the ends that are kept of calls which nobody knows of: a carrier
// gone wild must not fill the disk.
const earlyEndsKept = 10_000

// keepEarlyEnd keeps the end of a call or of a leg that nobody knows of, in case that
// comes after it. It is false when it has come meanwhile.
func (s *Store) keepEarlyEnd(ctx context.Context, e Ending) (bool, error) {
	kept := false
	err := s.inTx(ctx, "keep early end", func(t tx) error {
		if err := t.lockID(ctx, e.CallID); err != nil {
			return err
		}
		var known int
		if err := t.scan(ctx, &known, `SELECT COUNT(*) FROM calls c WHERE c.id = $1
			AND ($2 = '' OR EXISTS (SELECT 1 FROM legs g WHERE g.call_id = c.id AND g.id = $2))`, e.CallID, e.LegID); err != nil {
			return err
		}
		if kept = known == 0; !kept {
			return nil
		}
		if _, err := t.exec(ctx, `INSERT INTO early_ends (call_id, leg_id, agent_id, reason, ended_at, kept_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (call_id, leg_id, agent_id) DO NOTHING`,
			e.CallID, e.LegID, e.AgentID, e.Reason, stamp(e.At), t.now()); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM early_ends WHERE seq <= (SELECT MAX(seq) FROM early_ends) - $1`, earlyEndsKept)
		return err
	})
	return kept, err
}

// endIfEarly ends a leg that has just been written down, if its end came before it did.
// The end of the whole call ends what had begun by then.
func (t tx) endIfEarly(ctx context.Context, id emergency.CallID, leg emergency.Leg) error {
	ends, err := collect(ctx, t, scanEarlyEnd, `SELECT leg_id, agent_id, reason, ended_at FROM early_ends
		WHERE call_id = $1 AND leg_id IN ('', $2)`, id, leg.ID)
	if err != nil {
		return err
	}
	over, err := collect(ctx, t, scanEarlyEnd, `SELECT '', '', CAST($2 AS TEXT), hung_up_at FROM calls
		WHERE id = $1 AND hung_up_at IS NOT NULL`, id, emergency.EndHungUp)
	if err != nil || len(ends)+len(over) == 0 {
		return err
	}
	ends = append(ends, over...)
	slices.SortStableFunc(ends, func(a, b Ending) int { return a.At.Compare(b.At) })
	call, err := loadCall(ctx, t, id)
	if err != nil {
		return err
	}
	before := call.LiveLegs()
	for _, end := range ends {
		if end.AgentID != "" && end.AgentID != call.AgentID {
			continue
		}
		if end.LegID == "" {
			if err := t.hungUp(ctx, id, end.At); err != nil {
				return err
			}
		}
		if !end.concerns(leg) || end.LegID == "" && leg.Direction == emergency.Callback && leg.StartedAt.Equal(end.At) {
			continue // at the very same moment, it has rather begun after the end
		}
		end.LegID = leg.ID
		if err := t.endLegs(ctx, &call, end); err != nil {
			return err
		}
	}
	return t.tellEnds(ctx, before, call)
}

func scanEarlyEnd(rows *sql.Rows) (Ending, error) {
	e := Ending{Tell: true}
	err := rows.Scan(&e.LegID, &e.AgentID, &e.Reason, &e.At)
	e.At = e.At.UTC()
	return e, err //nolint:wrapcheck // collect wraps
}

// ForgetEarlyEnds drops the ends kept before a time, whose calls will not come any more.
func (s *Store) ForgetEarlyEnds(ctx context.Context, before time.Time) error {
	return s.background.inTx(ctx, "forget early ends", func(t tx) error {
		_, err := t.exec(ctx, `DELETE FROM early_ends WHERE kept_at < $1`, stamp(before))
		return err
	})
}
