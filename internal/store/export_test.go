package store

import (
	"context"
	"database/sql"
)

// Watch has the store tell of every statement before it is run.
func (s *Store) Watch(seen func(query string, args []any)) {
	for _, each := range []*Store{s, s.background} {
		transact := each.transact
		each.read = watchedQuerier{each.read, seen}
		each.transact = func(ctx context.Context, work func(session) error) error {
			return transact(ctx, func(in session) error {
				return work(watchedSession{watchedQuerier{in, seen}, in, seen})
			})
		}
	}
}

// Setting reads how the server treats a connection of PostgreSQL's.
func Setting(ctx context.Context, s *Store, name string) (value string, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT current_setting($1)`, name).Scan(&value)
	return value, err
}

type watchedQuerier struct {
	querier

	seen func(query string, args []any)
}

func (q watchedQuerier) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	q.seen(query, args)
	return q.querier.QueryContext(ctx, query, args...)
}

func (q watchedQuerier) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	q.seen(query, args)
	return q.querier.QueryRowContext(ctx, query, args...)
}

type watchedSession struct {
	watchedQuerier

	in   session
	seen func(query string, args []any)
}

func (s watchedSession) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s.seen(query, args)
	return s.in.ExecContext(ctx, query, args...)
}
