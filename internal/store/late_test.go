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
