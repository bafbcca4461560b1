package main

import (
	"testing"
	"time"

	"lifeline/internal/httpapi"
)

// A redial in the window keeps the number, and its own window begins anew (B2):
// the number outlives the first call's window and goes back with the last call.
func TestRedialKeepsTheNumber(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "LEASE_DURATION=3s", "CALLBACK_GRACE=20s", "NUMBER_QUARANTINE=1s")
	i.standalone()
	agent := i.as("agent/agent-us")
	first := agent.dial("agent-us", "911")
	agent.end(first)
	second := agent.dial("agent-us", "911")
	if second.CallID == first.CallID || second.CallbackNumber != first.CallbackNumber {
		t.Fatalf("the redial is call %s with %s; the first was %s with %s",
			second.CallID, second.CallbackNumber, first.CallID, first.CallbackNumber)
	}
	if !second.WindowEndsAt.Equal(second.DialedAt.Add(3 * time.Second)) {
		t.Errorf("dialed at %s, the window ends at %s", second.DialedAt, second.WindowEndsAt)
	}
	i.awaitStatus(first, httpapi.CallStatusEnded)
	decision := i.as("carrier").inbound(first.CallbackNumber)
	if decision.AgentID != "agent-us" || decision.CallID != second.CallID {
		t.Errorf("after the first call's window a callback goes to %q, call %q", decision.AgentID, decision.CallID)
	}
	agent.end(second)
	i.awaitStatus(second, httpapi.CallStatusEnded)
	i.awaitFree(first.CallbackNumber)
	if next := agent.dial("agent-us", "911"); next.CallbackNumber == first.CallbackNumber {
		t.Error("the number used last is used again while others are free (B5)")
	}
}

// Presence is restored once, when the last of two calls is over, and what somebody
// chose meanwhile stays (B4).
func TestPresenceIsRestoredOnce(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	agent, events := i.as("agent/agent-us"), i.as("agent/agent-us").follow("")
	agent.setPresence("agent-us", "busy")
	first, second := agent.dial("agent-us", "911"), agent.dial("agent-us", "911")
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"the first of two calls has ended", func() { agent.end(first) }, "do-not-disturb"},
		{"both have ended", func() { agent.end(second) }, "busy"},
		{"both have ended again", func() { agent.end(first); agent.end(second) }, "busy"},
		{"the agent has chosen anew", func() { agent.setPresence("agent-us", "away") }, "away"},
		{"a call is up", func() { first = agent.dial("agent-us", "911") }, "do-not-disturb"},
		{"somebody chose meanwhile", func() { i.as("admin").setPresence("agent-us", "offline") }, "offline"},
		{"the call has ended", func() { agent.end(first) }, "offline"},
	} {
		step.do()
		if got := agent.presence("agent-us"); got != step.want {
			t.Errorf("when %s the agent shows %s, want %s", step.what, got, step.want)
		}
	}
	want := []string{
		"presence-changed busy", "presence-changed do-not-disturb", "presence-changed busy",
		"presence-changed away", "presence-changed do-not-disturb", "presence-changed offline",
	}
	awaitEqual(t, "the changes of presence", want, func() []string {
		return events.told("call-placed", "leg-ended", "notice-updated")
	})
}

// awaitStatus waits until a call stands in a way.
func (i *installation) awaitStatus(call httpapi.Call, want httpapi.CallStatus) {
	i.t.Helper()
	awaitEqual(i.t, "the call", want, func() httpapi.CallStatus { return i.as("supervisor").call(call.CallID).Status })
}

// awaitFree waits until a callback number may be leased again.
func (i *installation) awaitFree(number string) {
	i.t.Helper()
	awaitEqual(i.t, "the number", httpapi.CallbackNumberStateFree, func() httpapi.CallbackNumberState { return i.as("admin").numberStates()[number] })
}
