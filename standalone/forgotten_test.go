package main

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/httpapi"
	"lifeline/internal/store"

	enumspb "go.temporal.io/api/enums/v1"
)

// A call whose end nobody tells is ended after the longest time allowed, with a
// warning to supervisors: nobody stays on Do not disturb for ever (B16).
func TestForgottenCallIsEnded(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "MAX_CALL_DURATION=2s")
	i.standalone()
	agent := i.as("agent/agent-us")
	call := agent.dial("agent-us", "911")
	i.awaitStatus(call, httpapi.CallStatusCallbackWindow)
	if leg := i.as("supervisor").call(call.CallID).Legs[0]; leg.Reason != "max-duration" {
		t.Errorf("the leg ended because of %q", leg.Reason)
	}
	if shown := agent.presence("agent-us"); shown != "available" {
		t.Errorf("the agent shows %s", shown)
	}
	temporal := i.engine()
	await(t, "a warning in the details", func() error {
		return says(details(t, temporal, call.CallID), "nobody told its end. Check on the agent.")
	})
	if got := i.as("carrier").inbound(call.CallbackNumber); got.CallID != call.CallID {
		t.Errorf("in the window that follows a callback goes to call %q", got.CallID)
	}
}

// Cancelling a call's workflow cleans up after it: legs ended, presence as before,
// number back.
func TestCancelledCallIsCleanedUp(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "NUMBER_QUARANTINE=0s")
	i.standalone()
	agent, temporal := i.as("agent/agent-us"), i.engine()
	call := agent.dial("agent-us", "911")
	awaitWorkflow(t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	if err := temporal.CancelWorkflow(t.Context(), workflowID(call.CallID), ""); err != nil {
		t.Fatal("cancel: ", err)
	}
	awaitWorkflow(t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)
	after := i.as("supervisor").call(call.CallID)
	if after.Status != httpapi.CallStatusEnded || after.Legs[0].Reason != "cancelled" {
		t.Errorf("the call is %s, its leg ended because of %q", after.Status, after.Legs[0].Reason)
	}
	if shown := agent.presence("agent-us"); shown != "available" {
		t.Errorf("the agent shows %s", shown)
	}
	i.awaitFree(call.CallbackNumber)
	if got := i.as("carrier").inbound(call.CallbackNumber); got.Decision != httpapi.RoutingDecisionDecisionNotAnEmergencyCallback {
		t.Errorf("a call to the number is %s", got.Decision)
	}
}

// A terminated workflow cannot clean up. The agent is none the worse: the end and a
// callback are answered from SQL, presence follows, and nothing waits in the outbox
// for a workflow that is gone.
func TestTerminatedWorkflowHurtsNobody(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	agent, temporal := i.as("agent/agent-us"), i.engine()
	call := agent.dial("agent-us", "911")
	awaitWorkflow(t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	if err := temporal.TerminateWorkflow(t.Context(), workflowID(call.CallID), "", "by mistake"); err != nil {
		t.Fatal("terminate: ", err)
	}
	agent.end(call)
	if shown := agent.presence("agent-us"); shown != "available" {
		t.Errorf("after the end the agent shows %s", shown)
	}
	if got := i.as("carrier").inbound(call.CallbackNumber); got.CallID != call.CallID {
		t.Errorf("a callback goes to call %q", got.CallID)
	}
	db := i.database()
	awaitEqual(t, "the outbox", 0, func() int {
		waiting, err := db.WaitingCalls(t.Context(), time.Now().Add(time.Hour), 10)
		if err != nil {
			return -1
		}
		return len(waiting)
	})
}

// A call whose workflow is gone ends by itself when its time is over: nobody stays on Do
// not disturb, and the number goes back (B16, S11). Who has not heard of it does, and that
// this comes late, for which it gets a new workflow (S9).
func TestCallWithoutWorkflowEndsByItself(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.furnish()
	call := i.placeUnheard("agent-us", time.Now().Add(-24*time.Hour))
	i.standalone()
	awaitEqual(t, "the agent's presence", "available", func() string { return i.as("admin").presence("agent-us") })
	if after := i.as("supervisor").call(call); after.Status != httpapi.CallStatusEnded || after.Legs[0].State != httpapi.LegStateEnded {
		t.Errorf("the call is %s and its leg %s", after.Status, after.Legs[0].State)
	}
	i.awaitFree("+12025550101")
	if i.audited(`call_id = $1 AND outcome = 'expired'`, call) != 1 {
		t.Error("a workflow has closed the call: the test proves nothing")
	}
	awaitEqual(t, "the notices", 2, func() int { return len(i.mail(call)) })
	for _, notice := range i.mail(call) {
		if !strings.Contains(notice.text, "This comes late") || !strings.Contains(notice.text, "The call is over.") {
			t.Errorf("%s reads %s", notice.to, notice.text)
		}
	}
}

// placeUnheard writes down a dial of a time past of which Temporal never hears.
func (i *installation) placeUnheard(agent emergency.AgentID, at time.Time) string {
	i.t.Helper()
	db, ctx := i.database(), i.t.Context()
	caller, err := db.Caller(ctx, agent)
	if err != nil {
		i.t.Fatal("find caller: ", err)
	}
	call, err := db.PlaceCall(ctx, store.Placement{
		CallID: "unheard", LegID: "unheard-leg", Caller: caller,
		Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency},
		Terms:  emergency.Terms{Lease: time.Hour, Grace: time.Minute, MaxCall: time.Hour}, At: at,
	})
	if err != nil {
		i.t.Fatal("place call: ", err)
	}
	message, found, err := db.NextMessage(ctx, call.ID)
	if err == nil && found {
		err = db.DeleteMessage(ctx, message.Seq)
	}
	if err != nil {
		i.t.Fatal("take the message away: ", err)
	}
	return string(call.ID)
}
