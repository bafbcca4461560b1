package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// openSQLite makes every commit durable before it is answered (synchronous=FULL).
func openSQLite(path string, clock func() time.Time) (*Store, error) {
	pragmas := url.Values{
		"_pragma":      {"journal_mode(WAL)", "busy_timeout(5000)", "foreign_keys(1)", "synchronous(FULL)"},
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
	}
	file, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	gate := newGate(file, func(ctx context.Context, db *sql.DB) error {
		if err := createFile(path); err != nil {
			return err
		}
		return migrate(ctx, goose.DialectSQLite3, db, "sqlite")
	})
	write, read := sql.OpenDB(gate), sql.OpenDB(gate)
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(4)
	read.SetMaxIdleConns(4)
	writer := newWriter(write)
	s := &Store{
		gate:     gate,
		transact: writer.transact,
		read:     &reader{db: read},
		close:    func() error { return errors.Join(writer.close(), read.Close()) },
		routing:  new(atomic.Pointer[compiledRouting]),
		clock:    clock,
	}
	return s.withBackground(1), nil
}

// createFile makes the file if there is none. It is for its owner alone: it knows who
// called for help.
func createFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return fmt.Errorf("open SQLite file: %w", err)
	}
	return nil
}

// writer is the one connection that changes the file. Whoever wants to write then
// waits in Go's fair queue instead of sleeping on a busy file.
//
// It parses a statement once and keeps it: for most of ours SQLite takes longer to
// parse than to run them, and somebody who dials waits for twenty.
type writer struct {
	db *sql.DB
	// turn holds the connection that nobody uses now; nil when it has to be made.
	turn chan *connection
}

func newWriter(db *sql.DB) *writer {
	w := &writer{db: db, turn: make(chan *connection, 1)}
	w.turn <- nil
	return w
}

// transact runs work in a transaction. The context bounds the wait for it and is
// asked again before the commit; what goes on in between is short, and breaking it
// off would cost the connection. A connection that cannot begin, commit or roll
// back is replaced.
func (w *writer) transact(ctx context.Context, work func(session) error) error {
	var c *connection
	select {
	case c = <-w.turn:
	case <-ctx.Done():
		return fmt.Errorf("wait for the database: %w", ctx.Err())
	}
	sound := false
	defer func() {
		if !sound {
			c.discard()
			c = nil
		}
		w.turn <- c
	}()
	if c == nil {
		made, err := w.db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		c = &connection{conn: made, statements: map[string]*sql.Stmt{}}
		if err := c.run(ctx, "PRAGMA busy_timeout = 25"); err != nil {
			return fmt.Errorf("connect: %w", err)
		}
	}
	if err := c.begin(ctx); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := work(c)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("nobody waits for it any more: %w", ctx.Err())
	}
	if err != nil {
		sound = c.run(ctx, "ROLLBACK") == nil
		return err
	}
	if err := c.run(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	sound = true
	return nil
}

// close waits for the transaction that runs now.
func (w *writer) close() error {
	c := <-w.turn
	c.discard()
	w.turn <- nil
	return w.db.Close() //nolint:wrapcheck // nothing to add
}

// connection is an SQLite connection with the statements that it has parsed.
type connection struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

// longestWait is how long another process may write before those give up who bring
// no deadline of their own.
const longestWait = 5 * time.Second

// begin waits until no other process writes to the file. SQLite itself would wait
// without a look at the context, so it is asked again and again: a dial is owed an
// answer within its budget (B7).
func (c *connection) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	for {
		err := c.run(ctx, "BEGIN IMMEDIATE")
		busy, ok := errors.AsType[*sqlite.Error](err)
		if !ok || busy.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("another process is writing: %w", ctx.Err())
		}
	}
}

// discard closes the connection, and with it whatever it had begun. Only giving it
// back would leave that for the next one, and a statement that is still open would
// keep SQLite from closing it.
func (c *connection) discard() {
	if c == nil {
		return
	}
	for _, statement := range c.statements {
		_ = statement.Close() // what matters is that it has been tried
	}
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn }) // which is what it answers
}

func (c *connection) run(ctx context.Context, command string) error {
	_, err := c.ExecContext(ctx, command)
	return err
}

func (c *connection) parse(ctx context.Context, query string) (*sql.Stmt, error) {
	if known := c.statements[query]; known != nil {
		return known, nil
	}
	parsed, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err //nolint:wrapcheck // tx wraps
	}
	c.statements[query] = parsed
	return parsed, nil
}

// ExecContext runs a statement to its end.
func (c *connection) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	statement, err := c.parse(ctx, query) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...) //nolint:wrapcheck // tx wraps
}

// QueryContext runs a query, however long its rows are read.
func (c *connection) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	statement, err := c.parse(ctx, query) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...) //nolint:wrapcheck // tx wraps
}

// QueryRowContext runs a query to its end.
func (c *connection) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx = context.WithoutCancel(ctx)
	statement, err := c.parse(ctx, query) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return c.conn.QueryRowContext(ctx, query, args...) // and the row tells what is wrong
	}
	return statement.QueryRowContext(ctx, args...)
}

// reader runs single queries beside the writer. It keeps what it has parsed too.
type reader struct {
	db         *sql.DB
	statements sync.Map // from the query to its *sql.Stmt
}

func (r *reader) parse(ctx context.Context, query string) (*sql.Stmt, error) {
	if known, ok := r.statements.Load(query); ok {
		return known.(*sql.Stmt), nil
	}
	parsed, err := r.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err //nolint:wrapcheck // the callers wrap
	}
	if known, faster := r.statements.LoadOrStore(query, parsed); faster {
		_ = parsed.Close() //nolint:sqlclosecheck // another goroutine was faster
		return known.(*sql.Stmt), nil
	}
	return parsed, nil
}

// QueryContext runs a query.
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	statement, err := r.parse(ctx, query) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...) //nolint:wrapcheck // the callers wrap
}

// QueryRowContext runs a query that gives one row at most.
func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	statement, err := r.parse(ctx, query) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return r.db.QueryRowContext(ctx, query, args...) // and the row tells what is wrong
	}
	return statement.QueryRowContext(ctx, args...)
}
