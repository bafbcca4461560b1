package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeline/internal/httpapi"
	"lifeline/internal/pgtest"

	enumspb "go.temporal.io/api/enums/v1"
)

// While the database is down a dial, an end and a callback are answered from memory,
// also by a process that starts meanwhile, and after one that was killed; the number that
// the answer showed leads to the agent all along. Once the database is back, everything
// is carried out: presence, notices, workflow and release (S11, B7).
func TestDatabaseIsDown(t *testing.T) {
	t.Parallel()
	server, address := ownPostgres(t)
	i := newInstallation(t, "LEASE_DURATION=45s", "CALLBACK_GRACE=20s", "NUMBER_QUARANTINE=1s", "DATABASE_URL="+address)
	i.furnish()
	i.temporalServer()
	i.worker()
	api := i.api()
	i.awaitReady(api, i.apis[0])
	agent, other := i.as("agent/agent-us"), i.as("agent/agent-gb")
	agent.setPresence("agent-us", before)
	leased := agent.dial("agent-us", "911")
	agent.end(leased)

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	redial := agent.dial("agent-us", "911")
	if !redial.Degraded || redial.Route.CallerID != leased.CallbackNumber {
		t.Errorf("a redial shows %s, degraded %v", redial.Route.CallerID, redial.Degraded)
	}
	standing := other.dial("agent-gb", "999")
	if !standing.Degraded || standing.CallbackNumberKind != httpapi.CallCallbackNumberKindStanding {
		t.Errorf("a dial shows a %s number, degraded %v", standing.CallbackNumberKind, standing.Degraded)
	}
	api.kill()
	i.apis = nil
	api = i.api()
	for _, call := range []httpapi.Call{redial, standing} {
		decision := i.as("carrier").inbound(call.Route.CallerID)
		if decision.AgentID != call.AgentID || !decision.Degraded {
			t.Errorf("the callback to %s goes to %q, degraded %v", call.AgentID, decision.AgentID, decision.Degraded)
		}
	}
	if ended := agent.end(redial); len(ended.Legs) != 2 || ended.Status == httpapi.CallStatusActive {
		t.Errorf("the call ends with %d legs and is %s", len(ended.Legs), ended.Status)
	}

	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	i.awaitReady(api, i.apis[0])
	other.end(standing)
	awaitEqual(t, "presence of the one who has hung up", before, func() string { return agent.presence("agent-us") })
	i.carriesOut(leased, redial, standing)
	if kept := i.as("supervisor").call(standing.CallID); kept.Route.CallerID != standing.Route.CallerID || len(kept.Legs) != 2 {
		t.Errorf("it is kept with %s and %d legs", kept.Route.CallerID, len(kept.Legs))
	}
	awaitEqual(t, "the spool", "ok", func() string {
		_, ready, err := i.readiness(i.apis[0])
		if err != nil {
			return fmt.Sprint(err)
		}
		return ready.Checks["spool"]
	})
}

// ownPostgres is a PostgreSQL server of this test alone, which may kill it.
func ownPostgres(t *testing.T) (server *pgtest.Server, address string) {
	t.Helper()
	server, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if address, err = server.CreateDatabase(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server, address
}

// carriesOut waits until contacts have been told of calls, and everything is over.
func (i *installation) carriesOut(calls ...httpapi.Call) {
	i.t.Helper()
	temporal := i.engine()
	for _, call := range calls {
		await(i.t, "the contacts to know", func() error {
			if len(i.mail(call.CallID)) == 0 {
				return errors.New("nobody was written to")
			}
			return nil
		})
		i.awaitStatus(call, httpapi.CallStatusEnded)
		awaitWorkflow(i.t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	}
}

// An API whose disk takes no spool when it starts works all the same, as long as the
// database does, and says what is wrong; once there is room, it keeps one (B7).
func TestDiskTakesNothingAtTheStart(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.furnish()
	inTheWay := filepath.Join(i.dir, "spool")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	i.api()
	call := i.as("carrier").dial("agent-us", "911")
	if call.Degraded || call.CallbackNumberKind != httpapi.CallCallbackNumberKindLeased {
		t.Errorf("the dial is answered with a %s number, degraded %t", call.CallbackNumberKind, call.Degraded)
	}
	spool := func() string {
		_, ready, err := i.readiness(i.apis[0])
		if err != nil {
			return err.Error()
		}
		return ready.Checks["spool"]
	}
	if said := spool(); !strings.HasPrefix(said, "the data directory takes no spool") {
		t.Errorf("/readyz says %q", said)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	awaitEqual(t, "the spool", "ok", spool)
}
