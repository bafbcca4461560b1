package store_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

func newYear() time.Time { return noon }

// Opening a database that is up to date changes nothing: everything is there.
func TestMigratesOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		address := e.empty(t)
		once, err := store.Open(address, newYear)
		if err == nil {
			err = once.Prepare(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := only(once.PutSite(t.Context(), siteNamed("us"), emergency.Change{})); err != nil {
			t.Fatal(err)
		}
		if err := once.Close(); err != nil {
			t.Fatal(err)
		}
		site, err := openStore(t, address, newYear).Site(t.Context(), "us")
		if err != nil {
			t.Fatal(err)
		}
		want := siteNamed("us")
		want.Revision = 1
		same(t, "the site", want, site)
	})
}

// Processes that start at the same moment on a new database all come up (S11).
func TestMigratesFromManyProcessesAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		for range 3 {
			address := e.empty(t)
			stores := make([]*store.Store, 6)
			atOnce(t, len(stores), func(i int) (err error) {
				if stores[i], err = store.Open(address, newYear); err == nil {
					err = stores[i].Prepare(t.Context())
				}
				return failed("open", err)
			})
			for _, s := range stores {
				if err := only(s.PutSite(t.Context(), siteNamed("us"), emergency.Change{})); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// Two handles in one process share what SQLite knows of locks; two real processes
// do not. Both dial for one agent, and nobody is shown an error (B2, B7).
func TestTwoProcessesOnOneFile(t *testing.T) {
	if address := os.Getenv("STORE_TEST_DIAL"); address != "" {
		dialInThisProcess(t, address)
		return
	}
	w := newWorld(t, sqlite)
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	atOnce(t, 3, func(i int) error {
		other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTwoProcessesOnOneFile$")
		other.Env = append(os.Environ(), "STORE_TEST_DIAL="+w.address, "STORE_TEST_NAME="+strings.Repeat("x", i+1))
		if output, err := other.CombinedOutput(); err != nil {
			return errors.New(string(output))
		}
		return nil
	})
	if calls := w.count(t, `SELECT COUNT(*) FROM calls WHERE number = $1`, first); calls != 30 {
		t.Errorf("%d calls show the agent's number, want 30", calls)
	}
	if leases := w.count(t, `SELECT COUNT(*) FROM leases`); leases != 1 {
		t.Errorf("there are %d leases, want 1", leases)
	}
}

// dialInThisProcess is what each of those processes does.
func dialInThisProcess(t *testing.T, address string) {
	t.Helper()
	s := openStore(t, address, newYear)
	w := &world{Store: s, clock: &clock{now: noon}, serial: new(atomic.Int64)}
	for range 10 {
		p := w.placement(t, "one")
		name := os.Getenv("STORE_TEST_NAME")
		p.CallID += emergency.CallID(name)
		p.LegID += emergency.LegID(name)
		w.place(t, p)
	}
}

// A database that cannot be opened is said to be so, without its password.
func TestOpenRefuses(t *testing.T) {
	for _, address := range []string{
		"postgres://lifeline:secret@localhost:port/lifeline",
		"postgres://lifeline:secret@127.0.0.1:1/lifeline?connect_timeout=1",
		filepath.Join(t.TempDir(), "no", "such", "folder", "lifeline.db"),
	} {
		s, err := store.Open(address, newYear)
		if err == nil {
			err = s.Prepare(t.Context())
		}
		if err == nil {
			t.Errorf("%s opens", address)
			_ = s.Close()
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// modernc.org/libc is part of SQLite's translation to Go: with any other version
// than the one it was made for, its behaviour is nobody's promise.
func TestLibcIsTheOneThatSQLiteNames(t *testing.T) {
	list := func(format, module string) string {
		output, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, module).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(output))
	}
	named, err := os.ReadFile(list("{{.GoMod}}", "modernc.org/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	used := "modernc.org/libc " + list("{{.Version}}", "modernc.org/libc")
	for line := range strings.Lines(string(named)) {
		if fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require ")); len(fields) >= 2 &&
			strings.Join(fields[:2], " ") == used {
			return
		}
	}
	t.Errorf("%s is used, but SQLite's go.mod says:\n%s", used, named)
}
