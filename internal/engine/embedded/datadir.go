package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/schema/sqlite"
	_ "modernc.org/sqlite" // the database/sql driver that Temporal's plugin uses too
)

const (
	databaseFile = "temporal.db"
	lockFile     = "temporal.lock"
	// versionFile names the server version that made the database. It is written before the schema, so that no crash
	// leaves a database without it.
	versionFile = "temporal.version"
	// durable is how Lifeline opens the database; Temporal is told the same in [sqlConfig].
	durable = "_pragma=journal_mode(wal)&_pragma=synchronous(full)"
)

// prepareDir makes the directory ready for a server of this version and keeps other processes out of it.
func prepareDir(ctx context.Context, dir string) (_ *dirLock, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory for embedded Temporal: %w", err)
	}
	lock, err := lockDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.release())
		}
	}()
	db, err := sql.Open("sqlite", "file:"+databasePath(dir)+"?"+durable)
	if err != nil {
		return nil, fmt.Errorf("open database of embedded Temporal: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return nil, fmt.Errorf("read database of embedded Temporal: %w", err)
	}
	if tables > 0 {
		return lock, checkVersion(dir)
	}
	if err := writeVersion(dir); err != nil {
		return nil, fmt.Errorf("write version of embedded Temporal: %w", err)
	}
	return lock, createSchema(ctx, db)
}

// databasePath is escaped, because SQLite and Temporal's plugin take it as a part of a URI.
func databasePath(dir string) string {
	return (&url.URL{Path: filepath.Join(dir, databaseFile)}).EscapedPath()
}

// createSchema does it all in one transaction: a start that is killed halfway leaves an empty database, which the next
// start fills.
func createSchema(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin schema of embedded Temporal: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // says so when it was committed
	if err := sqlite.SetupSchemaOnDB(schemaWriter{ctx: ctx, tx: tx}); err != nil {
		return fmt.Errorf("create schema of embedded Temporal: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit schema of embedded Temporal: %w", err)
	}
	return nil
}

// schemaWriter is the one method that Temporal's schema setup calls.
type schemaWriter struct {
	sqlplugin.AdminDB

	ctx context.Context //nolint:containedctx // Exec has no parameter for it
	tx  *sql.Tx
}

// Exec runs a statement of the schema.
func (w schemaWriter) Exec(statement string, args ...any) error {
	_, err := w.tx.ExecContext(w.ctx, statement, args...)
	return err //nolint:wrapcheck // the caller adds the statement
}

func checkVersion(dir string) error {
	made, err := os.ReadFile(filepath.Join(dir, versionFile)) //nolint:gosec // the operator's own directory
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read version of embedded Temporal: %w", err)
	}
	maker := strings.TrimSpace(string(made))
	if maker == headers.ServerVersion {
		return nil
	}
	if maker == "" {
		maker = "an unknown version"
	}
	return fmt.Errorf("%s was made by %s of embedded Temporal and this program has %s, which cannot read it: "+
		"let the program that made it finish its calls, then move %s away and start again; the histories of old calls stay behind with it",
		dir, maker, headers.ServerVersion, dir)
}

// writeVersion replaces the file whole or not at all.
func writeVersion(dir string) error {
	file, err := os.CreateTemp(dir, versionFile+"-*")
	if err != nil {
		return err //nolint:wrapcheck // the caller says what for, the error names the file
	}
	_, err = file.WriteString(headers.ServerVersion + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, versionFile))
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

// dirLock keeps a second server out: two on one database would take the history shard from each other without end.
// SQLite's own lock is used for it, on a file of its own, because it works everywhere and dies with its process.
type dirLock struct{ db *sql.DB }

func lockDir(ctx context.Context, dir string) (*dirLock, error) {
	path := (&url.URL{Path: filepath.Join(dir, lockFile)}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, fmt.Errorf("open lock of embedded Temporal: %w", err)
	}
	db.SetMaxOpenConns(1) // the lock belongs to the connection
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is in use by another Lifeline process, or cannot be locked: %w", dir, err), db.Close())
	}
	return &dirLock{db}, nil
}

func (l *dirLock) release() error {
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("release lock: %w", err)
	}
	return nil
}
