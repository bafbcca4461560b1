package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// Untold is an agent of whose presence an outside presence system has yet to hear, because
// it was put right while no workflow did so: Temporal may have been away until the call was
// over, or have lost it (B4, S11).
type Untold struct {
	AgentID emergency.AgentID
	// Since is when it was put right last.
	Since time.Time
}

// PresenceUntold lists such agents, who have waited longest first.
func (s *Store) PresenceUntold(ctx context.Context, limit int) ([]Untold, error) {
	untold, err := collect(ctx, s.read, func(rows *sql.Rows) (Untold, error) {
		var u Untold
		err := rows.Scan(&u.AgentID, &u.Since)
		return u, err //nolint:wrapcheck // collect wraps
	}, `SELECT agent_id, since FROM presence_untold ORDER BY since, agent_id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list presence that is to be told: %w", err)
	}
	return untold, nil
}

// PresenceTold keeps that the outside system has heard of it. What was put right meanwhile
// is still to be told.
func (s *Store) PresenceTold(ctx context.Context, told Untold) error {
	return s.background.inTx(ctx, "keep that presence was told", func(t tx) error {
		_, err := t.exec(ctx, `DELETE FROM presence_untold WHERE agent_id = $1 AND since = $2`, told.AgentID, stamp(told.Since))
		return err
	})
}

// tellOutside has the outside system told what an agent shows, once this is committed.
func (t tx) tellOutside(ctx context.Context, agent emergency.AgentID) error {
	_, err := t.exec(ctx, `INSERT INTO presence_untold (agent_id, since) VALUES ($1, $2)
		ON CONFLICT (agent_id) DO UPDATE SET since = excluded.since`, agent, t.now())
	return err
}
