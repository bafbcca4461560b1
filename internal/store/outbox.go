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

// enqueue leaves a message for the relay, in the transaction that makes it true.
func (t tx) enqueue(ctx context.Context, call emergency.CallID, kind emergency.MessageKind, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO outbox (call_id, kind, body, created_at) VALUES ($1, $2, $3, $4)`,
		call, kind, string(encoded), t.now())
	return err
}

// NextMessage is the oldest message of a call that Temporal has not yet; false
// when there is none.
func (s *Store) NextMessage(ctx context.Context, call emergency.CallID) (emergency.Message, bool, error) {
	m := emergency.Message{CallID: call}
	err := s.read.QueryRowContext(ctx, `SELECT seq, kind, body, created_at FROM outbox
		WHERE call_id = $1 ORDER BY seq LIMIT 1`, call).Scan(&m.Seq, &m.Kind, &m.Body, &m.CreatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("read outbox: %w", outageOf(err))
	}
	m.CreatedAt = m.CreatedAt.UTC()
	return m, true, nil
}

// WaitingCalls lists calls with messages in the outbox that came before a time,
// the longest-waiting first.
func (s *Store) WaitingCalls(ctx context.Context, before time.Time, limit int) ([]emergency.CallID, error) {
	ids, err := collect(ctx, s.read, scanString[emergency.CallID], `SELECT call_id FROM outbox
		WHERE created_at <= $1 GROUP BY call_id ORDER BY MIN(seq) LIMIT $2`, stamp(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list waiting calls: %w", err)
	}
	return ids, nil
}

// DeleteMessage takes a message out of the outbox once Temporal has it.
func (s *Store) DeleteMessage(ctx context.Context, seq int64) error {
	return s.background.inTx(ctx, "delete message", func(t tx) error {
		_, err := t.exec(ctx, `DELETE FROM outbox WHERE seq = $1`, seq)
		return err
	})
}

// OutboxAge is how long the oldest message has waited; zero with an empty outbox.
func (s *Store) OutboxAge(ctx context.Context) (time.Duration, error) {
	var oldest time.Time
	err := s.read.QueryRowContext(ctx, `SELECT created_at FROM outbox ORDER BY seq LIMIT 1`).Scan(&oldest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read outbox age: %w", outageOf(err))
	}
	return max(0, s.now().Sub(oldest)), nil
}
