package main

import (
	"strings"
	"testing"

	"lifeline/internal/httpapi"
)

// SIGTERM ends everything in order, with listeners connected and a call up, and the
// next start goes on where it stopped; a listener who comes back misses nothing.
func TestOrderlyStop(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, shortTerms...)
	p := i.standalone()
	agent := i.as("agent/agent-us")
	agent.setPresence("agent-us", before)
	listeners := []*stream{i.as("supervisor").follow(""), agent.follow("")}
	l := &life{T: t, installation: i, call: agent.dial("agent-us", "911"), number: "+12025550101"}
	placed := []string{"call-placed", "presence-changed do-not-disturb"}
	awaitEqual(t, "the first events", placed, func() []string { return listeners[0].told(whenever...) })
	if code := p.terminate(t); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	for _, listener := range listeners {
		listener.awaitEnd(t)
	}
	for _, alarm := range []string{"level=ERROR", "lifeline: ", "panic"} {
		if strings.Contains(p.output(t), alarm) {
			t.Errorf("an orderly stop wrote %q:\n%s", alarm, p.output(t))
		}
	}

	i.standalone()
	l.shows("do-not-disturb", httpapi.CallStatusActive)
	told := listeners[0].all()
	l.events = i.as("supervisor").follow(told[1].ID)
	l.isCalledBackInThe(httpapi.CallStatusActive)
	l.awaitNotice()
	l.hangsUp()
	l.windowCloses()
	l.contactsKnow()
	want := []string{"callback-received", "leg-ended", "presence-changed " + before, "leg-ended", "call-closed"}
	awaitEqual(t, "the events after the restart", want, func() []string { return l.events.told(whenever...) })
}

// A second standalone on the same directory, or on an address in use, is refused
// with one line that says what to do, and the first is not disturbed.
func TestSecondStandaloneIsRefused(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	call := i.as("agent/agent-us").dial("agent-us", "911")
	for _, second := range []struct {
		shares, setting, says string
	}{
		{"the data directory", "LIFELINE_DATA_DIR=" + i.dir, i.dir},
		{"the API's address", "LIFELINE_HTTP_ADDR=" + i.apis[0], "LIFELINE_HTTP_ADDR"},
		{"Temporal's address", "LIFELINE_TEMPORAL_ADDR=" + i.temporalAddr, "LIFELINE_TEMPORAL_ADDR"},
		{"the Web UI's address", "LIFELINE_TEMPORAL_UI_ADDR=" + i.uiAddr, "LIFELINE_TEMPORAL_UI_ADDR"},
	} {
		own := newInstallation(t, "LOG_LEVEL=error")
		settings := own.with(roleVariable+"="+roleStandalone, "LIFELINE_HTTP_ADDR="+shared.freeAddr(t), second.setting)
		p := launch(t, "second", itself(t), settings)
		code, said := p.exitCode(t), p.output(t)
		if code != 1 || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "lifeline: ") || !strings.Contains(said, second.says) {
			t.Errorf("one that shares %s exits with %d and says\n%s", second.shares, code, said)
		}
	}
	if got := i.as("carrier").inbound(call.CallbackNumber); got.CallID != call.CallID {
		t.Errorf("afterwards the first one connects a callback to call %q", got.CallID)
	}
}
