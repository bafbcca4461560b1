package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// readinessAtOnce is how many agents change in one transaction: on PostgreSQL it locks
// them, and one of them may be about to dial.
const readinessAtOnce = 50

// readinessOf is an agent's readiness as it is kept.
type readinessOf struct {
	agent     emergency.AgentID
	readiness emergency.Readiness
}

// readinessChange is what is kept and what is so.
type readinessChange struct {
	readinessOf

	now emergency.Readiness
}

// SaveReadiness keeps how ready agents are, tells of every change (B12), and counts
// them. A change that several processes see is told by the first alone.
func (s *Store) SaveReadiness(ctx context.Context, all []emergency.Assessment) (changed int, err error) {
	changes, err := s.readinessChanges(ctx, all)
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(changes, readinessAtOnce) {
		told := 0
		if err := s.background.inTx(ctx, "save readiness", func(t tx) error {
			for _, change := range some {
				first, err := t.changeReadiness(ctx, change, s.now())
				if err != nil {
					return err
				}
				if first {
					told++
				}
			}
			return nil
		}); err != nil {
			return changed, err
		}
		changed += told
	}
	return changed, nil
}

// readinessChanges are in the order of the agents' IDs, so that two processes do not
// wait for each other.
func (s *Store) readinessChanges(ctx context.Context, all []emergency.Assessment) ([]readinessChange, error) {
	rows, err := collect(ctx, s.read, scanReadiness, `SELECT id, readiness FROM agents WHERE NOT deleted`)
	if err != nil {
		return nil, fmt.Errorf("read readiness: %w", err)
	}
	kept := map[emergency.AgentID]readinessOf{}
	for _, row := range rows {
		kept[row.agent] = row
	}
	var changes []readinessChange
	for _, assessment := range all {
		was, known := kept[assessment.AgentID]
		if now := assessment.Readiness(); known && was.readiness != now {
			changes = append(changes, readinessChange{was, now})
		}
	}
	slices.SortFunc(changes, func(a, b readinessChange) int { return cmp.Compare(a.agent, b.agent) })
	return changes, nil
}

// changeReadiness reports whether this process is the first to see the change.
func (t tx) changeReadiness(ctx context.Context, c readinessChange, now time.Time) (bool, error) {
	first, err := t.exec(ctx, `UPDATE agents SET readiness = $2 WHERE id = $1 AND readiness = $3 AND NOT deleted`,
		c.agent, c.now, c.readiness)
	if err != nil || first == 0 {
		return false, err
	}
	return true, t.tell(ctx, emergency.Event{
		Type: emergency.EventReadinessChanged, AgentID: c.agent, Status: emergency.Status(c.now), At: now,
	})
}

func scanReadiness(rows *sql.Rows) (readinessOf, error) {
	var row readinessOf
	err := rows.Scan(&row.agent, &row.readiness)
	return row, err //nolint:wrapcheck // collect wraps
}
