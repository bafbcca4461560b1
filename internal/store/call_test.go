package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// endRules are about hanging up.
var endRules = []rule{
	{"one leg or all", oneLegOrAll},
	{"twice is once", endingTwiceIsOnce},
	{"tells the workflow", endTellsTheWorkflow},
	{"unknown call and leg", unknownCallAndLeg},
	{"without a time", endWithoutATime},
	{"before it began", endBeforeItBegan},
}

// closeRules are about giving the number back.
var closeRules = []rule{
	{"not under a live leg", notUnderALiveLeg},
	{"twice is once", closingTwiceIsOnce},
	{"audit names nobody", auditNamesNobody},
	{"unknown call", closingAnUnknownCall},
}

// One leg ends alone; without naming one, all end. The answer is the call as it
// stands then (S10, B4).
func oneLegOrAll(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	a, b := w.offerFrom(t, first, "a"), w.offerFrom(t, first, "b")
	w.pass(time.Minute)
	ended := w.hangUp(t, call.ID, a.LegID)
	same(t, "the answer", w.read(t, call.ID), ended)
	if ended.Leg(a.LegID).Up() || !ended.Leg(b.LegID).Up() || !ended.Leg(call.Legs[0].ID).Up() {
		t.Errorf("the legs are %+v", ended.Legs)
	}
	w.pass(time.Minute)
	ended = w.hangUp(t, call.ID, "")
	same(t, "the answer", w.read(t, call.ID), ended)
	if ended.LegUp() || ended.PresenceNow != emergency.StatusAvailable {
		t.Errorf("after the end the agent shows %q, with legs %+v", ended.PresenceNow, ended.Legs)
	}
	if got := ended.Leg(a.LegID).EndedAt; !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("the first end has moved to %v", got)
	}
}

// Hanging up again changes nothing: not the time, the presence, nor the outbox.
func endingTwiceIsOnce(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	once := w.hangUp(t, call.ID, "")
	told := w.messages(t, call.ID)
	w.pass(time.Minute)
	same(t, "the second answer", once, w.hangUp(t, call.ID, ""))
	same(t, "the third answer", once, w.hangUp(t, call.ID, call.Legs[0].ID))
	same(t, "the outbox", told, w.messages(t, call.ID))
}

// The workflow hears of every leg that ends, unless it asked for it itself (S11).
func endTellsTheWorkflow(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	back := w.offer(t, first)
	w.pass(time.Minute)
	w.hangUp(t, call.ID, back.LegID)
	if messages := w.messages(t, call.ID); len(messages) != 3 {
		t.Fatalf("the end of one leg makes %d messages, want one more than 2", len(messages))
	}
	w.hangUp(t, call.ID, "")
	told := map[emergency.LegID]emergency.LegEnded{}
	for _, message := range w.messages(t, call.ID)[2:] {
		var body emergency.LegEnded
		if err := json.Unmarshal(message.Body, &body); err != nil || message.Kind != emergency.MessageCallEnded {
			t.Fatalf("the message is %q: %v", message.Kind, err)
		}
		told[body.LegID] = body
	}
	at := noon.Add(time.Minute)
	same(t, "what is told", map[emergency.LegID]emergency.LegEnded{
		call.Legs[0].ID: {LegID: call.Legs[0].ID, At: at, Reason: emergency.EndHungUp},
		back.LegID:      {LegID: back.LegID, At: at, Reason: emergency.EndHungUp},
	}, told)

	quiet := w.dial(t, "one")
	if _, err := w.EndLegs(t.Context(), store.Ending{CallID: quiet.ID, Reason: emergency.EndMaxDuration, At: at}); err != nil {
		t.Fatal(err)
	}
	if messages := w.messages(t, quiet.ID); len(messages) != 1 {
		t.Errorf("the workflow is told of what it did itself: %+v", messages)
	}
	if reason := w.read(t, quiet.ID).Legs[0].Reason; reason != emergency.EndMaxDuration {
		t.Errorf("the reason is %q", reason)
	}
}

// A call or leg that does not exist is said to be so, and nothing changes.
func unknownCallAndLeg(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	call, other := w.dial(t, "one"), w.dial(t, "two")
	for _, c := range []struct {
		call emergency.CallID
		leg  emergency.LegID
		want error
	}{
		{"no-such-call", "", emergency.ErrUnknownCall},
		{"no-such-call", call.Legs[0].ID, emergency.ErrUnknownCall},
		{call.ID, "no-such-leg", emergency.ErrUnknownLeg},
		{call.ID, other.Legs[0].ID, emergency.ErrUnknownLeg},
	} {
		if _, err := w.EndLegs(t.Context(), store.Ending{CallID: c.call, LegID: c.leg, Tell: true}); !errors.Is(err, c.want) {
			t.Errorf("ending %s of %s gives %v, want %v", c.leg, c.call, err, c.want)
		}
	}
	same(t, "the call", call, w.read(t, call.ID))
	same(t, "the other call", other, w.read(t, other.ID))
}

// An end without a time is of now.
func endWithoutATime(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.pass(time.Minute)
	ended, err := w.EndLegs(t.Context(), store.Ending{CallID: call.ID, Reason: emergency.EndCancelled})
	if err != nil {
		t.Fatal(err)
	}
	if got := ended.Legs[0].EndedAt; !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("the leg ended at %v", got)
	}
}

// With two clocks that differ, a leg does not end before it began.
func endBeforeItBegan(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.pass(-time.Second)
	if got := w.hangUp(t, call.ID, "").Legs[0].EndedAt; !got.Equal(noon) {
		t.Errorf("the leg ended at %v, want %v", got, noon)
	}
}

// A number is never released while a call on it is up (B1).
func notUnderALiveLeg(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.pass(2 * time.Hour)
	if w.closeCall(t, call.ID) {
		t.Error("the call closes under a live leg")
	}
	same(t, "the call", call, w.read(t, call.ID))
	w.states(t, map[string]emergency.NumberState{first: leased})
	w.hangUp(t, call.ID, "")
	if !w.closeCall(t, call.ID) {
		t.Error("the call does not close without a leg")
	}
	w.states(t, map[string]emergency.NumberState{first: resting})
}

// Closing again changes nothing: not the time, the quarantine, nor what the next
// caller on the number has.
func closingTwiceIsOnce(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	once := w.read(t, call.ID)
	w.pass(agreed.Quarantine)
	w.states(t, map[string]emergency.NumberState{first: free})
	next := w.dial(t, "two")
	if !w.closeCall(t, call.ID) {
		t.Error("a closed call does not say so")
	}
	same(t, "the call", once, w.read(t, call.ID))
	w.states(t, map[string]emergency.NumberState{first: leased})
	if got := w.offer(t, first); got.CallID != next.ID {
		t.Errorf("a callback reaches %+v, want the next caller", got)
	}
}

// The audit keeps one line of a call, with neither person nor number (B14).
func auditNamesNobody(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.offer(t, first)
	w.finish(t, call.ID)
	w.closeCall(t, call.ID)
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE call_id <> ''`); lines != 1 {
		t.Fatalf("the audit has %d lines, want 1", lines)
	}
	var line [6]string
	if err := w.raw.QueryRowContext(t.Context(), `SELECT action, call_id, country, kind, outcome, legs FROM audit WHERE call_id <> ''`).
		Scan(&line[0], &line[1], &line[2], &line[3], &line[4], &line[5]); err != nil {
		t.Fatal(err)
	}
	same(t, "the audit", [6]string{"call-closed", string(call.ID), "US", "emergency", "completed", "2"}, line)
	columns := w.columns(t, "audit")
	same(t, "the columns of the audit", []string{
		"seq", "at", "action", "call_id", "country", "kind", "outcome", "legs", "subject", "revision", "changed_by", "request_id",
		"dialed_at", "callbacks", "seconds", "told",
	}, columns)
}

// columns are the names of a table's columns.
func (w *world) columns(t *testing.T, table string) []string {
	t.Helper()
	rows, err := w.raw.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // it has no rows
	names, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		t.Fatal(err, rows.Err())
	}
	return names
}

// A call that does not exist, or was erased, is said to be so.
func closingAnUnknownCall(t *testing.T, w *world) {
	if _, err := w.CloseCall(t.Context(), "no-such-call", "completed"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
	if _, err := w.Call(t.Context(), "no-such-call"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}
