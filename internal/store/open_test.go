package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What is neither a postgres:// URL nor an absolute path is refused, and makes no
// file: two processes would otherwise each have a database of their own.
func TestOpenRefusesWhatMightBeATypingError(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, address := range []string{"", "lifeline", "host=127.0.0.1 user=lifeline", "mysql://127.0.0.1/lifeline", "Postgres://127.0.0.1/lifeline"} {
		if s, err := Open(address, time.Now); err == nil {
			t.Errorf("%q was opened", address)
			_ = s.Close()
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("made %v, %v", left, err)
	}
}

// Only its owner may read the file: it knows who called for help.
func TestFileIsForItsOwnerAlone(t *testing.T) {
	j := newJotter(t)
	info, err := os.Stat(j.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v; want 0600", info.Mode(), err)
	}
}

// Somebody who dials while another process writes to the file is answered within
// the budget, and the answer is that it cannot be done now (B7).
func TestAnotherProcessWriting(t *testing.T) {
	j := newJotter(t)
	other, err := sql.Open("sqlite", "file:"+filepath.ToSlash(j.path)+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // it has written nothing
	writing, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	budget, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = j.inTx(budget, "jot", func(tx) error { return errors.New("it was let in") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want that the time was over", err)
	}
	if err := writing.Rollback(); err != nil {
		t.Fatal(err)
	}
	j.jot(t, "afterwards")
	j.has(t, "afterwards")
}
