// Package store keeps Lifeline's state in SQL: SQLite on one machine, PostgreSQL
// for several. Both run the same queries, and one conformance suite holds them
// to the same behaviour.
//
// Whatever concerns one agent (a dial, an end, a callback, a presence change, a
// release) happens in one transaction that first locks the agent's row. So two
// processes never interleave inside one agent's affairs, and no deadlock is
// possible, because numbers are only ever taken with SKIP LOCKED after that. What an
// administrator changes takes turns before it locks anything else.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Store is a handle on one database. It is safe for concurrent use.
type Store struct {
	gate     *gate
	transact transactor
	// background is the same store for what nobody waits for.
	background *Store
	// read runs single queries beside the writer.
	read querier
	// close ends all connections.
	close func() error
	// rowLock ends a SELECT that must lock its rows; SQLite locks the whole file.
	rowLock string
	// skipLocked is the same, passing over rows that somebody else holds.
	skipLocked string
	// idLock has others wait who lock the same ID, also one that is in no table; SQLite
	// has them wait anyway.
	idLock string
	// routing is the voice routing as it was last read.
	routing *atomic.Pointer[compiledRouting]
	// clock tells the time of everything that does not bring its own.
	clock func() time.Time
}

// Open gets ready to use a database: a postgres:// URL or the absolute path of an SQLite
// file. Anything else is refused, so that a mistyped URL does not become an empty file.
//
// It reaches for neither, so that a process comes up while the database is down (B7).
// Until Prepare has succeeded, whatever is asked of the store is ErrNotPrepared.
func Open(address string, clock func() time.Time) (*Store, error) {
	switch {
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		return openPostgres(address, clock)
	case filepath.IsAbs(address):
		return openSQLite(address, clock)
	default:
		return nil, errors.New("LIFELINE_DATABASE_URL must be a postgres:// URL or the absolute path of an SQLite file")
	}
}

// now is the present as every database keeps it.
func (s *Store) now() time.Time { return stamp(s.clock()) }

// openPostgres shares one pool between reading and writing.
func openPostgres(address string, clock func() time.Time) (*Store, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("open PostgreSQL: LIFELINE_DATABASE_URL is not a valid postgres:// URL")
	}
	// Processes that start together wait for each other no longer than they must.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // seconds, attempts
	if err != nil {
		return nil, fmt.Errorf("make migration lock: %w", err)
	}
	gate := newGate(stdlib.GetConnector(*config, stdlib.OptionAfterConnect(boundLocks)), func(ctx context.Context, db *sql.DB) error {
		return migrate(ctx, goose.DialectPostgres, db, "postgres", goose.WithSessionLocker(locker))
	})
	db := sql.OpenDB(gate)
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	s := &Store{
		gate:     gate,
		transact: func(ctx context.Context, work func(session) error) error { return transactOn(ctx, db, work) },
		read:     db,
		close:    db.Close,
		rowLock:  " FOR UPDATE", skipLocked: " FOR UPDATE SKIP LOCKED",
		idLock:  `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`,
		routing: new(atomic.Pointer[compiledRouting]),
		clock:   clock,
	}
	return s.withBackground(postgresConns / 2), nil
}

// boundLocks has the server end a transaction of which it hears no more, because this
// machine has died or cannot be reached: an agent's row would stay locked until TCP gives
// up, which takes hours, and his calls would wait for as long (S11).
func boundLocks(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SET idle_in_transaction_session_timeout = '10s'`); err != nil {
		return fmt.Errorf("bound locks: %w", err)
	}
	return nil
}

// transactOn runs work in a transaction on any connection of a pool. pgx keeps the
// statements that it has parsed by itself.
func transactOn(ctx context.Context, db *sql.DB, work func(session) error) error {
	raw, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := work(raw); err != nil {
		_ = raw.Rollback() // the error that made us roll back is the one to tell
		return err
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// postgresConns bounds the connections of one process, so that a few of them fit
// into PostgreSQL's default of a hundred.
const postgresConns = 16

// Close ends all connections.
func (s *Store) Close() error { return s.close() }

// Ping tells whether the database takes changes of calls now: one that is read alone, or
// whose table is locked, takes no dial either.
func (s *Store) Ping(ctx context.Context) error {
	return s.inTx(ctx, "check the database", func(t tx) error {
		_, err := t.exec(ctx, `UPDATE calls SET degraded = degraded WHERE id = ''`)
		return err
	})
}

// session runs the statements of a transaction.
type session interface {
	querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// tx is one transaction, with the dialect's locking clauses at hand.
type tx struct {
	session

	rowLock    string
	skipLocked string
	idLock     string
	// now is the present, for what does not bring its own time.
	now func() time.Time
}

// inTx runs work in one transaction and commits it; any error rolls it back.
func (s *Store) inTx(ctx context.Context, what string, work func(tx) error) error {
	err := s.transact(ctx, func(in session) error {
		return work(tx{session: in, rowLock: s.rowLock, skipLocked: s.skipLocked, idLock: s.idLock, now: s.now})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, outageOf(err))
	}
	return nil
}

// exec runs a statement and returns how many rows it changed.
func (t tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", firstWords(query), err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", firstWords(query), err)
	}
	return changed, nil
}

// scan reads the only column of the only row.
func (t tx) scan(ctx context.Context, into any, query string, args ...any) error {
	if err := t.QueryRowContext(ctx, query, args...).Scan(into); err != nil {
		return fmt.Errorf("%s: %w", firstWords(query), err)
	}
	return nil
}

// firstWords names a query in an error without its arguments.
func firstWords(query string) string {
	words := strings.Fields(query)
	return strings.Join(words[:min(len(words), 4)], " ")
}

// querier is what both a transaction and a pool can do.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads every row of a query.
func collect[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", firstWords(query), outageOf(err))
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", firstWords(query), err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", firstWords(query), outageOf(err))
	}
	return all, nil
}

// stamp is a time as every database keeps it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
