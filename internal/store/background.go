package store

import (
	"context"
	"fmt"
)

// transactor runs work in one transaction and commits it; any error rolls it back.
type transactor func(ctx context.Context, work func(session) error) error

// atMost lets so many transactions at once wait for the database.
//
// What the relay and the workflows write goes through it, because nobody waits for
// that: however much of it there is, an agent who dials finds little of it ahead
// (B7).
func (t transactor) atMost(n int) transactor {
	gate := make(chan struct{}, n)
	return func(ctx context.Context, work func(session) error) error {
		select {
		case gate <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("wait for the database: %w", ctx.Err())
		}
		defer func() { <-gate }()
		return t(ctx, work)
	}
}

// withBackground completes a store with its other self for what nobody waits for,
// of which so many transactions may compete at once.
func (s *Store) withBackground(n int) *Store {
	background := *s
	background.transact = s.transact.atMost(n)
	s.background = &background
	return s
}
