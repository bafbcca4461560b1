package main

import (
	"database/sql"
	"testing"

	"lifeline/internal/httpapi"
)

// Standalone starts although another program holds its database file, and answers from
// what it knew before; once the file is free, the call is carried out (B7, S11).
func TestDatabaseFileIsLocked(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, shortTerms...)
	p := i.standalone()
	agent := i.as("agent/agent-us")
	before := agent.dial("agent-us", "911")
	agent.end(before)
	p.kill()

	release := i.lockFile()
	address := i.apis[0]
	p = launch(t, "standalone", itself(t), i.with(roleVariable+"="+roleStandalone, "LIFELINE_HTTP_ADDR="+address))
	await(t, "the API", func() error {
		_, _, err := i.readiness(address)
		return err
	})
	call := i.as("agent/agent-gb").dial("agent-gb", "999")
	if !call.Degraded || call.CallbackNumberKind != httpapi.CallCallbackNumberKindStanding || call.Presence.Previous != "available" {
		t.Errorf("the dial is answered with a %s number, degraded %t, presence before %q", call.CallbackNumberKind, call.Degraded, call.Presence.Previous)
	}
	release()
	i.awaitReady(p, address)
	i.as("agent/agent-gb").end(call)
	i.carriesOut(before, call)
}

// lockFile keeps everybody else from the database file, until it is released.
func (i *installation) lockFile() (release func()) {
	i.t.Helper()
	db, err := sql.Open("sqlite", "file:"+i.config().DatabaseURL+"?_pragma=busy_timeout(10000)&_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		i.t.Fatal("open database: ", err)
	}
	db.SetMaxOpenConns(1)
	ctx := i.t.Context()
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE sites SET name = name`)
	}
	if err != nil {
		i.t.Fatal("lock database: ", err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			i.t.Error("unlock database: ", err)
		}
		if err := db.Close(); err != nil {
			i.t.Error("unlock database: ", err)
		}
	}
}
