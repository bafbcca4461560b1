package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestMain also plays the process that TestServerDiesWithTheTestProcess kills.
func TestMain(m *testing.M) {
	if os.Getenv("PGTEST_HOLD_SERVER") != "" {
		holdServer()
	}
	Main(m)
}

// Every test gets an empty database of its own on the same server.
func TestURLGivesSeparateDatabases(t *testing.T) {
	first, second := open(t, URL(t)), open(t, URL(t))
	run(t, first, `CREATE TABLE only_here (id INTEGER)`)
	var tables int
	if err := second.QueryRowContext(t.Context(),
		`SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'only_here'`).Scan(&tables); err != nil {
		t.Fatal(err)
	}
	if tables != 0 {
		t.Error("a table made in one database is seen in the other")
	}
}

// A commit is durable: the server neither skips fsync nor answers before it.
func TestServerIsDurable(t *testing.T) {
	db := open(t, URL(t))
	for setting, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"} {
		var got string
		if err := db.QueryRowContext(t.Context(), `SHOW `+setting).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
}

// What was committed is there after a crash and after a stop.
func TestServerKeepsWhatWasCommitted(t *testing.T) {
	server, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	address, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, open(t, address), `CREATE TABLE kept AS SELECT 42 AS answer`)
	for _, end := range []struct {
		name string
		do   func() error
	}{{"kill", server.Kill}, {"stop", server.Stop}} {
		if err := end.do(); err != nil {
			t.Fatalf("%s: %v", end.name, err)
		}
		if err := open(t, address).PingContext(t.Context()); err == nil {
			t.Errorf("the server still serves after %s", end.name)
		}
		if err := server.Start(); err != nil {
			t.Fatalf("start after %s: %v", end.name, err)
		}
		var answer int
		if err := open(t, address).QueryRowContext(t.Context(), `SELECT answer FROM kept`).Scan(&answer); err != nil || answer != 42 {
			t.Errorf("after %s the row reads %d, %v", end.name, answer, err)
		}
	}
}

// A frozen server answers nobody, those who are connected included, until it is thawed.
// It can be ended all the same.
func TestServerFreezes(t *testing.T) {
	server, err := New()
	if err != nil {
		t.Fatal(err)
	}
	address, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known := open(t, address)
	if err := known.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	for name, db := range map[string]*sql.DB{"who is connected": known, "who comes": open(t, address)} {
		soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := db.QueryRowContext(soon, `SELECT 1`).Scan(new(int)); err == nil {
			t.Errorf("a frozen server answers %s", name)
		}
		cancel()
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := known.QueryRowContext(t.Context(), `SELECT 1`).Scan(new(int)); err != nil {
		t.Errorf("after the thaw: %v", err)
	}
	if err := errors.Join(server.Freeze(), server.Close()); err != nil {
		t.Errorf("closing a frozen server: %v", err)
	}
}

// holdServer starts a server and waits to be killed, for the test that does so.
func holdServer() {
	server, err := New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.dir)
	select {}
}

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), query); err != nil {
		t.Fatal(err)
	}
}
