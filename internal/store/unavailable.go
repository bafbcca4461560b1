package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"lifeline/internal/emergency"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// outage is an emergency.ErrUnavailable that keeps the database's own words.
type outage struct{ error }

func (o outage) Is(target error) bool { return target == emergency.ErrUnavailable }

func (o outage) Unwrap() error { return o.error }

// outageOf makes an emergency.ErrUnavailable of an error that says that the database does not
// answer, or not in time. Any other stays as it is.
func outageOf(err error) error {
	if err == nil || errors.Is(err, emergency.ErrUnavailable) || !passes(err) {
		return err
	}
	return outage{err}
}

// passes tells whether the same request may go well in a moment.
func passes(err error) bool {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return slices.ContainsFunc(passing, func(code string) bool { return strings.HasPrefix(refused.Code, code) })
	}
	if refused, ok := errors.AsType[*sqlite.Error](err); ok {
		return slices.Contains(passingFile, refused.Code()&0xff)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return pgconn.SafeToRetry(err) || slices.ContainsFunc([]error{
		ErrNotPrepared, context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF,
	}, func(known error) bool { return errors.Is(err, known) })
}

// passing are the errors of PostgreSQL by which it does not answer for now, by how their
// codes begin: a connection that fails, a standby that takes no changes, a transaction
// that took too long or had to give way, resources, a lock, an operator, and the system beneath.
var passing = []string{"08", "25006", "25P03", "40", "53", "55P03", "57", "58"}

// passingFile are the like of SQLite.
var passingFile = []int{
	sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
	sqlite3.SQLITE_READONLY,
}
