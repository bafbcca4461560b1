package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// jotter is a database with one table that transactions write into.
type jotter struct {
	*Store

	path string
}

func newJotter(t *testing.T) jotter {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jotter.db")
	s, err := Open(path, time.Now)
	if err == nil {
		err = s.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	j := jotter{s, path}
	j.must(t, `CREATE TABLE jottings (word TEXT NOT NULL)`)
	return j
}

func (j jotter) must(t *testing.T, statement string, args ...any) {
	t.Helper()
	if err := j.inTx(t.Context(), "jot", func(in tx) error {
		_, err := in.exec(t.Context(), statement, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func (j jotter) jot(t *testing.T, word string) {
	t.Helper()
	j.must(t, `INSERT INTO jottings (word) VALUES ($1)`, word)
}

// has checks everything that has been committed.
func (j jotter) has(t *testing.T, want ...string) {
	t.Helper()
	got, err := collect(t.Context(), j.read, scanString[string], `SELECT word FROM jottings ORDER BY rowid`)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("the table has %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("the table has %q, want %q", got, want)
		}
	}
}

// Whatever goes wrong in a transaction on the one writing connection, nothing of it
// stays, and the next one works (S11).
func TestWriterOutlivesFailures(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		fail func(t *testing.T, in tx, cancel context.CancelFunc) error
		want error
	}{
		{"an error", func(*testing.T, tx, context.CancelFunc) error { return broken }, broken},
		{"a caller who gives up", func(_ *testing.T, _ tx, cancel context.CancelFunc) error {
			cancel()
			return nil
		}, context.Canceled},
		{"a statement that is wrong", func(t *testing.T, in tx, _ context.CancelFunc) error {
			_, err := in.exec(t.Context(), `INSERT INTO nowhere VALUES (1)`)
			if err == nil {
				t.Error("a statement without a table passes")
			}
			if err := in.scan(t.Context(), new(int), `SELECT 1 FROM nowhere`); err == nil {
				t.Error("a query without a table passes")
			}
			return broken
		}, broken},
		{"a transaction that is gone", func(t *testing.T, in tx, _ context.CancelFunc) error {
			_, err := in.exec(t.Context(), `ROLLBACK`)
			return err
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJotter(t)
			defer func() { _ = j.Close() }()
			j.jot(t, "before")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := j.inTx(ctx, "fail", func(in tx) error {
				if _, err := in.exec(ctx, `INSERT INTO jottings (word) VALUES ($1)`, "lost"); err != nil {
					t.Error(err)
				}
				return c.fail(t, in, cancel)
			})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("the error is %v, want %v", err, c.want)
			}
			j.has(t, "before")
			j.jot(t, "after")
			j.has(t, "before", "after")
		})
	}
}

// A panic takes its transaction with it and nothing else.
func TestWriterOutlivesPanic(t *testing.T) {
	j := newJotter(t)
	defer func() { _ = j.Close() }()
	func() {
		defer func() { _ = recover() }()
		_ = j.inTx(t.Context(), "panic", func(in tx) error {
			_, _ = in.exec(t.Context(), `INSERT INTO jottings (word) VALUES ('lost')`)
			panic("in the middle")
		})
	}()
	j.jot(t, "after")
	j.has(t, "after")
}

// Whoever gives up while another transaction runs is told so, and does not take the
// turn of those who wait (B7).
func TestWriterWaitsNoLongerThanAsked(t *testing.T) {
	j := newJotter(t)
	defer func() { _ = j.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	err := j.inTx(t.Context(), "take long", func(tx) error {
		cancel()
		err := j.inTx(ctx, "wait", func(tx) error {
			t.Error("two transactions run at once")
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v, want context.Canceled", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	j.jot(t, "after")
	j.has(t, "after")
}

// Closing leaves one whole file: SQLite takes the log into it when the last
// connection goes.
func TestCloseLeavesOneFile(t *testing.T) {
	j := newJotter(t)
	j.jot(t, "kept")
	j.has(t, "kept")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.inTx(t.Context(), "write to what is closed", func(tx) error { return nil }); err == nil {
		t.Error("a closed database takes transactions")
	}
	files, err := os.ReadDir(filepath.Dir(j.path))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Errorf("%d files are left, want one: %v", len(files), files)
	}
}
