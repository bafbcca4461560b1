package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// ErrNotPrepared means that nobody knows yet whether the database has the schema that
// this version needs.
var ErrNotPrepared = errors.New("the database is not prepared yet")

// Prepare brings the schema of the database up to date, and opens the store for use.
// Until it has succeeded it may be tried again; after that it does nothing.
func (s *Store) Prepare(ctx context.Context) error { return s.gate.prepare(ctx) }

// gate lets connections through once the database has been prepared.
type gate struct {
	driver.Connector

	migrate func(context.Context, *sql.DB) error
	open    atomic.Bool
	// preparing has one try at a time.
	preparing sync.Mutex
}

func newGate(to driver.Connector, migrate func(context.Context, *sql.DB) error) *gate {
	return &gate{Connector: to, migrate: migrate}
}

// Connect implements driver.Connector.
func (g *gate) Connect(ctx context.Context) (driver.Conn, error) {
	if !g.open.Load() {
		return nil, ErrNotPrepared
	}
	return g.Connector.Connect(ctx) //nolint:wrapcheck // database/sql must know it
}

func (g *gate) prepare(ctx context.Context) error {
	g.preparing.Lock()
	defer g.preparing.Unlock()
	if g.open.Load() {
		return nil
	}
	db := sql.OpenDB(g.Connector)
	db.SetMaxOpenConns(1)
	err := g.migrate(ctx, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	g.open.Store(true)
	return nil
}

// migrate brings the schema up to date. Two processes may start at the same
// moment: PostgreSQL has a lock for that; on SQLite the slower one fails at each
// migration that the other makes, and then finds it done.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, dir string, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations/"+dir)
	if err != nil {
		return fmt.Errorf("find migrations: %w", err)
	}
	all, err := fs.Glob(files, "*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	for attempt := 1; ; attempt++ {
		provider, err := goose.NewProvider(dialect, db, files, options...)
		if err == nil {
			_, err = provider.Up(ctx)
		}
		if err == nil {
			return nil
		}
		if attempt > len(all)+1 || ctx.Err() != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
	}
}
