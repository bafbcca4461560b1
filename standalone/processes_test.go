package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/httpapi"

	enumspb "go.temporal.io/api/enums/v1"
)

// Two APIs and two workers on PostgreSQL and an outside Temporal do what standalone
// does, and go on when one of each is killed in the middle of a call (S11).
func TestSeparateProcesses(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, append(shortTerms, "DATABASE_URL="+shared.postgresURL(t))...)
	i.furnish()
	i.temporalServer()
	workers := []*running{i.worker(), i.worker()}
	apis := []*running{i.api(), i.api()}
	for n, p := range apis {
		i.awaitReady(p, i.apis[n])
	}
	liveACall(i)

	agent := i.as("agent/agent-us")
	call := agent.dial("agent-us", "911")
	if call.CallbackNumber == "+12025550101" {
		t.Error("the number used last is used again while others are free (B5)")
	}
	workers[0].kill()
	apis[0].kill()
	i.apis = i.apis[1:]
	l := &life{T: t, installation: i, call: call, number: call.CallbackNumber, events: i.as("supervisor").follow("")}
	l.shows("do-not-disturb", httpapi.CallStatusActive)
	l.isCalledBackInThe(httpapi.CallStatusActive)
	l.awaitNotice()
	l.hangsUp()
	l.isCalledBackInThe(httpapi.CallStatusCallbackWindow)
	l.windowCloses()
	l.contactsKnow()
}

// Without Temporal dials, ends and callbacks are answered as ever and change
// presence, and /readyz says what is wrong. Once Temporal is back, everything is
// carried out (B7).
func TestTemporalIsDown(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, shortTerms...)
	i.furnish()
	server := i.temporalServer()
	i.worker()
	api := i.api()
	i.awaitReady(api, i.apis[0])
	agent, other := i.as("agent/agent-us"), i.as("agent/agent-gb")
	agent.setPresence("agent-us", before)
	l := &life{T: t, installation: i, call: agent.dial("agent-us", "911"), number: "+12025550101"}
	temporal := i.engine()
	l.awaitNotice()

	server.kill()
	i.readyzSays("temporal", "It does not work at the moment", "No answer within a second")
	missed := other.dial("agent-gb", "999")
	if missed.Presence.Current != "do-not-disturb" || missed.CallbackNumberKind != httpapi.CallCallbackNumberKindLeased {
		t.Errorf("without Temporal a dial is answered with a %s number and %s", missed.CallbackNumberKind, missed.Presence.Current)
	}
	l.isCalledBackInThe(httpapi.CallStatusActive)
	l.hangsUp()
	l.isCalledBackInThe(httpapi.CallStatusCallbackWindow)
	i.readyzSays("outbox", "messages to Temporal have been waiting for") // longer than one attempt to carry them takes

	i.temporalServer()
	i.awaitReady(api, i.apis[0])
	awaitEqual(t, "the notices of the call that Temporal missed", 2, func() int { return len(i.mail(missed.CallID)) })
	other.end(missed)
	l.windowCloses()
	l.contactsKnow()
	i.awaitStatus(missed, httpapi.CallStatusEnded)
	awaitWorkflow(t, temporal, missed.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

// When Temporal is away for a call's whole window, the call ends at its time and gives its
// number back; and once Temporal is back, people are told of it, and that it is over (S9,
// S11).
func TestTemporalIsAwayForTheWindow(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, shortTerms...)
	i.furnish()
	server := i.temporalServer()
	i.worker()
	i.awaitReady(i.api(), i.apis[0])
	server.kill()
	agent := i.as("agent/agent-us")
	call := agent.dial("agent-us", "911")
	agent.end(call)
	i.awaitStatus(call, httpapi.CallStatusEnded)
	i.awaitFree(call.CallbackNumber)
	if told := i.mail(call.CallID); len(told) > 0 {
		t.Fatal("people were told without Temporal: the test proves nothing")
	}
	i.temporalServer()
	awaitEqual(t, "the notices", 2, func() int { return len(i.mail(call.CallID)) })
	for _, notice := range i.mail(call.CallID) {
		if !strings.Contains(notice.text, "The call is over.") {
			t.Errorf("%s reads %s", notice.to, notice.text)
		}
	}
	awaitWorkflow(t, i.engine(), call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

// readyzSays waits until /readyz gives one of the reasons for a check, while the
// database is fine.
func (i *installation) readyzSays(check string, reasons ...string) {
	i.t.Helper()
	await(i.t, "/readyz to say why", func() error {
		status, ready, err := i.readiness(i.apis[0])
		if err != nil {
			return err
		}
		blames := slices.ContainsFunc(reasons, func(reason string) bool { return strings.HasPrefix(ready.Checks[check], reason) })
		if status != http.StatusServiceUnavailable || ready.Checks["database"] != "ok" || !blames {
			return fmt.Errorf("it says %d %v", status, ready)
		}
		return nil
	})
}
