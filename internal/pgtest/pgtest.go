// Package pgtest gives tests a throwaway PostgreSQL, so that nothing has to be
// set up before `make test` and nothing is left running after it. One server
// serves all tests of a process; each test gets an empty database of its own.
//
// The server commits as durably as one in production (fsync is on), because
// durability is what the tests are about. Only the copy that initdb makes of its
// own templates is not synced: it can be made again.
package pgtest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the server of this process, started when a test first asks for it.
var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Main runs the tests of a package and ends the server that they may have started.
// It is for TestMain, and does not return.
func Main(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// URL gives the postgres:// address of a fresh, empty database on this process's
// server. It fails the test, with a sentence that says what to do, when there is
// no PostgreSQL here; it never skips. The package's TestMain must call Main.
func URL(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = New()
	}
	if shared.err != nil {
		t.Fatal("pgtest: ", shared.err)
	}
	address, err := shared.server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal("pgtest: ", err)
	}
	return address
}
