package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// readinessAtOnce is how many agents change in one transaction: on PostgreSQL it locks
// them, and one of them may be about to dial.
const readinessAtOnce = 50

// readinessOf is how ready an agent is, and why no more than that, as it is kept.
type readinessOf struct {
	readiness emergency.Readiness
	// checks are the codes of what does not hold, in alphabetical order.
	checks string
}

// readinessChange is what is kept and what is so.
type readinessChange struct {
	agent    emergency.AgentID
	was, now readinessOf
}

// summed is an assessment as it is kept.
func summed(a emergency.Assessment) readinessOf {
	var codes []string
	for _, check := range a.Checks {
		codes = append(codes, string(check.Code))
	}
	slices.Sort(codes)
	return readinessOf{readiness: a.Readiness(), checks: strings.Join(codes, " ")}
}

// SaveReadiness keeps how ready agents are and what for, tells of every change (B12),
// and counts them. A change that several processes see is told by the first alone.
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
	kept := map[emergency.AgentID]readinessOf{}
	if _, err := collect(ctx, s.read, func(rows *sql.Rows) (struct{}, error) {
		var (
			agent emergency.AgentID
			was   readinessOf
		)
		err := rows.Scan(&agent, &was.readiness, &was.checks)
		kept[agent] = was
		return struct{}{}, err //nolint:wrapcheck // collect wraps
	}, `SELECT id, readiness, readiness_checks FROM agents WHERE NOT deleted`); err != nil {
		return nil, fmt.Errorf("read readiness: %w", err)
	}
	var changes []readinessChange
	for _, assessment := range all {
		was, known := kept[assessment.AgentID]
		if now := summed(assessment); known && was != now {
			changes = append(changes, readinessChange{assessment.AgentID, was, now})
		}
	}
	slices.SortFunc(changes, func(a, b readinessChange) int { return cmp.Compare(a.agent, b.agent) })
	return changes, nil
}

// changeReadiness reports whether this process is the first to see the change.
func (t tx) changeReadiness(ctx context.Context, c readinessChange, now time.Time) (bool, error) {
	first, err := t.exec(ctx, `UPDATE agents SET readiness = $2, readiness_checks = $3
		WHERE id = $1 AND readiness = $4 AND readiness_checks = $5 AND NOT deleted`,
		c.agent, c.now.readiness, c.now.checks, c.was.readiness, c.was.checks)
	if err != nil || first == 0 {
		return false, err
	}
	return true, t.tell(ctx, emergency.Event{
		Type: emergency.EventReadinessChanged, AgentID: c.agent, Status: emergency.Status(c.now.readiness), At: now,
	})
}
