package main

import (
	"net/http"
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
	i.saysWhatIsWrong()
	l.isCalledBackInThe(httpapi.CallStatusActive)
	l.hangsUp()
	l.isCalledBackInThe(httpapi.CallStatusCallbackWindow)
	missed := other.dial("agent-gb", "999")
	if missed.Presence.Current != "do-not-disturb" || missed.CallbackNumberKind != httpapi.CallCallbackNumberKindLeased {
		t.Errorf("without Temporal a dial is answered with a %s number and %s", missed.CallbackNumberKind, missed.Presence.Current)
	}
	await(t, "an attempt to reach Temporal that failed", func() error { return says(api.output(t), "trying again\" callId="+missed.CallID) })

	i.temporalServer()
	i.awaitReady(api, i.apis[0])
	awaitEqual(t, "the notices of the call that Temporal missed", 2, func() int { return len(i.mail(missed.CallID)) })
	other.end(missed)
	l.windowCloses()
	l.contactsKnow()
	i.awaitStatus(missed, httpapi.CallStatusEnded)
	awaitWorkflow(t, temporal, missed.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

// saysWhatIsWrong waits until /readyz blames Temporal, and Temporal alone of what
// an answer needs.
func (i *installation) saysWhatIsWrong() {
	i.t.Helper()
	awaitEqual(i.t, "/readyz without Temporal", "503, database ok, temporal not", func() string {
		status, ready, err := i.readiness(i.apis[0])
		if err != nil || status != http.StatusServiceUnavailable || ready.Ready {
			return "ready"
		}
		if ready.Checks["temporal"] == "ok" || ready.Checks["temporal"] == "" {
			return "temporal " + ready.Checks["temporal"]
		}
		return "503, database " + ready.Checks["database"] + ", temporal not"
	})
}
