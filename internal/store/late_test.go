package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// lateRules are about what is written down long after it happened (B7).
var lateRules = []rule{
	{"presence during the call", latePresence},
	{"presence after the call", latePresenceAfter},
	{"presence that somebody has chosen since", latePresenceChosen},
	{"presence that somebody chose before", latePresenceChosenBefore},
	{"presence with another call up", latePresenceBeside},
	{"people are told before the call is closed", lateNotices},
	{"nobody waits for people who cannot be told", lateNoticesInVain},
	{"a notice says that it is late", lateNoticeSaysSo},
	{"the number rests from the end of the window", lateRest},
}

// hourLater is a dial that was answered without SQL at noon and is written down at one.
func (w *world) hourLater(t tb) store.Placement {
	t.Helper()
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	w.pass(time.Hour)
	return p
}

// A call that may still be up has its agent on Do not disturb, until its end is written
// down too (S2, S10).
func latePresence(t *testing.T, w *world) {
	p := w.hourLater(t)
	w.place(t, p)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	call, err := w.EndLegs(t.Context(), store.Ending{CallID: p.CallID, Reason: emergency.EndHungUp, At: noon.Add(time.Minute), Tell: true})
	do(t, err)
	w.shows(t, "one", emergency.StatusAvailable)
	same(t, "the end of the window", noon.Add(agreed.Lease), call.WindowEndsAt())
}

// A call that is over by itself changes nobody's presence, whatever runs late.
func latePresenceAfter(t *testing.T, w *world) {
	p := w.hourLater(t)
	w.pass(agreed.MaxCall)
	before, err := w.Presence(t.Context(), "one")
	do(t, err)
	w.place(t, p)
	do(t, w.EnsureOverride(t.Context(), p.CallID, p.LegID), only(w.EndLegs(t.Context(), store.Ending{CallID: p.CallID, Tell: true})),
		w.EnsureRestored(t.Context(), p.CallID))
	after, err := w.Presence(t.Context(), "one")
	do(t, err)
	same(t, "the presence", before, after)
}

// What somebody has chosen since the dial is neither undone nor restored over (B4).
func latePresenceChosen(t *testing.T, w *world) {
	p := w.hourLater(t)
	w.choose(t, "one", emergency.StatusBusy)
	before, err := w.Presence(t.Context(), "one")
	do(t, err)
	call := w.place(t, p)
	same(t, "the presence that the call tells", emergency.StatusBusy, call.PresenceNow)
	w.keep(t, w.connected(p.CallID, noon.Add(time.Minute)))
	do(t, w.EnsureOverride(t.Context(), p.CallID, p.LegID))
	w.hangUp(t, p.CallID, "")
	after, err := w.Presence(t.Context(), "one")
	do(t, err)
	same(t, "the presence", before, after)
	w.dial(t, "one")
	w.shows(t, "one", emergency.StatusDoNotDisturb)
}

// What was chosen before the dial, and shown again by Lifeline since, is nobody's choice
// since.
func latePresenceChosenBefore(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	other := w.dial(t, "one")
	p := w.showing(t, "one", first)
	w.pass(time.Minute)
	w.hangUp(t, other.ID, "")
	w.shows(t, "one", emergency.StatusAvailable)
	w.place(t, p)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, p.CallID, "")
	w.shows(t, "one", emergency.StatusAvailable)
}

// The last of an agent's legs to go restores presence, whenever each was written down
// (B4).
func latePresenceBeside(t *testing.T, w *world) {
	p := w.hourLater(t)
	other := w.dial(t, "one")
	w.place(t, p)
	w.hangUp(t, other.ID, "")
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, p.CallID, "")
	w.shows(t, "one", emergency.StatusAvailable)
}

// longPast is a call that was over when it was written down, with people to be told.
func (w *world) longPast(t tb) store.Placement {
	t.Helper()
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com; night@example.org")
	p := w.showing(t, "one", standing)
	w.pass(5*time.Hour + time.Minute)
	w.place(t, p)
	return p
}

// tellsLate checks whether a call waits for people who are told of it late.
func (w *world) tellsLate(t tb, id emergency.CallID, want bool) {
	t.Helper()
	got, err := w.TellsLate(t.Context(), id)
	if err != nil || got != want {
		t.Errorf("people are told late: %t, %v; want %t", got, err, want)
	}
}

// A call that is over when it is written down stays open until everybody has heard of it
// (S9); then it is closed like any other.
func lateNotices(t *testing.T, w *world) {
	p := w.longPast(t)
	w.tellsLate(t, p.CallID, true)
	w.expire(t)
	_, to := w.ensure(t, p.CallID, emergency.NoticePlaced, 0)
	same(t, "who is told", []string{"desk@example.com", "night@example.org"}, to)
	w.record(t, p.CallID, "desk@example.com", emergency.DeliverySent)
	w.tellsLate(t, p.CallID, true)
	w.record(t, p.CallID, "night@example.org", emergency.DeliveryFailed)
	w.tellsLate(t, p.CallID, false)
	w.finish(t, p.CallID)
	w.tellsLate(t, p.CallID, false)
}

// When people cannot be told for an hour, or the workflow is gone, the call ends by
// itself.
func lateNoticesInVain(t *testing.T, w *world) {
	p := w.longPast(t)
	w.pass(time.Hour)
	w.tellsLate(t, p.CallID, false)
	w.expire(t)
	if w.read(t, p.CallID).ClosedAt.IsZero() {
		t.Error("the call is never closed")
	}
}

// Who hears of a call late is told so.
func lateNoticeSaysSo(t *testing.T, w *world) {
	p := w.longPast(t)
	late, _ := w.ensure(t, p.CallID, emergency.NoticePlaced, 0)
	soon, _ := w.ensure(t, w.place(t, w.showing(t, "one", standing)).ID, emergency.NoticePlaced, 0)
	atOnce, _ := w.ensure(t, w.dial(t, "one").ID, emergency.NoticePlaced, 0)
	same(t, "late", []bool{true, false, false}, []bool{late.Late, soon.Late, atOnce.Late})
}

// A number rests from when nobody could be called back on it any more, not from when that
// came to light (B5).
func lateRest(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	w.finish(t, w.dial(t, "one").ID)
	p := w.showing(t, "one", first)
	w.pass(3 * time.Hour)
	has(t, w.place(t, p), first, emergency.NumberLeased)
	do(t, only(w.EndLegs(t.Context(), store.Ending{CallID: p.CallID, At: noon.Add(time.Minute), Tell: true})))
	w.closeCall(t, p.CallID)
	w.states(t, map[string]emergency.NumberState{first: free})
}
