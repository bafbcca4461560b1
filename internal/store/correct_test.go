package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// correctRules are about calls that SQL had written down although they were answered
// without it: callbacks to what they showed lead to them, too (B7).
var correctRules = []rule{
	{"beside what SQL had chosen", shownBesideChosen},
	{"before other callers", shownBeforeOthers},
	{"beside a number that others share", shownBesideShared},
	{"beside a number that was leased late", shownBesideLate},
	{"a number of its own, beside the site's", shownIsHeldBeside},
	{"by two processes", shownByTwo},
	{"the same as SQL had chosen", shownIsChosen},
	{"after the close", shownAfterClose},
}

// hears checks what the workflow is told of a call's number, and in which order.
func (w *world) hears(t *testing.T, id emergency.CallID, want emergency.CorrectedNumber) {
	t.Helper()
	messages := w.messages(t, id)
	var kinds []emergency.MessageKind
	var got emergency.CorrectedNumber
	for _, m := range messages {
		kinds = append(kinds, m.Kind)
		if m.Kind == emergency.MessageNumberCorrected {
			do(t, json.Unmarshal(m.Body, &got))
		}
	}
	same(t, "the messages", []emergency.MessageKind{emergency.MessagePlaced, emergency.MessageNumberCorrected}, kinds)
	want.At = w.clock.read()
	same(t, "what the workflow hears", want, got)
}

// keeps checks that a call has the first number, and what it showed besides; callbacks to both are for it,
// as SQL decides and as it is remembered.
func (w *world) keeps(t *testing.T, id emergency.CallID, shown string) {
	t.Helper()
	call := w.read(t, id)
	same(t, "its number and what it showed", []string{first, shown}, []string{call.Number, call.Route.CallerID})
	if !call.Degraded {
		t.Error("the call does not say that it was answered without SQL")
	}
	for _, to := range []string{first, shown} {
		same(t, "the call of a callback to "+to, id, w.offer(t, to).CallID)
		same(t, "as it is remembered", id, w.remembered(t).Decide(to, "", w.clock.read()).CallID)
	}
}

// A transaction may have been committed although its answer came too late, or another
// process may have answered with it: nobody knows what the PSAP saw. The call keeps its
// number, and callbacks to what it showed reach it as well; nothing changes for its
// workflow, and the people who are told ring the number that is its alone.
func shownBesideChosen(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com")
	p := w.placement(t, "one")
	has(t, w.place(t, p), first, emergency.NumberLeased)
	call := w.place(t, shownIn(p, standing))
	w.keeps(t, p.CallID, standing)
	call = w.read(t, call.ID)
	same(t, "once more", call, w.place(t, shownIn(p, standing)))
	same(t, "once more, by a process that showed a third number", call, w.place(t, shownIn(p, second)))
	same(t, "presence claims", 2, w.count(t, `SELECT COUNT(*) FROM presence_claims`))
	w.states(t, map[string]emergency.NumberState{first: leased, second: free})
	same(t, "messages about the number", 0, w.count(t, `SELECT COUNT(*) FROM outbox WHERE kind = 'number-corrected'`))
	notice, _ := w.ensure(t, p.CallID, emergency.NoticePlaced, 0)
	same(t, "the number in the notice", first, notice.Number)
	same(t, "lines in the audit", 1, w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'number-corrected'`))
	same(t, "events", 1, w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'number-corrected' AND call_id = $1`, p.CallID))
	w.finish(t, p.CallID)
	w.states(t, map[string]emergency.NumberState{first: resting, second: free})
}

// What SQL has chosen for a call does not put it behind another caller who showed the same
// number earlier: perhaps nobody has seen it. A redial does, because it shows it.
func shownBeforeOthers(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	w.pass(time.Second)
	earlier := w.place(t, w.showing(t, "two", standing))
	w.pass(time.Second)
	p := w.placement(t, "one")
	w.place(t, p)
	w.place(t, shownIn(p, standing))
	w.keeps(t, p.CallID, standing)
	has(t, w.dial(t, "one"), first, emergency.NumberLeased)
	const another = "+12025550999"
	same(t, "who is called back after the redial, as remembered", earlier.ID, w.remembered(t).Decide(standing, another, w.clock.read()).CallID)
	same(t, "who is called back after the redial", earlier.ID, w.offerFrom(t, standing, another).CallID)
}

// A number that other calls of the agent show stays theirs, too.
func shownBesideShared(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	earlier := w.dial(t, "one")
	p := w.placement(t, "one")
	w.place(t, p)
	w.place(t, shownIn(p, standing))
	has(t, w.read(t, earlier.ID), first, emergency.NumberLeased)
	same(t, "the call of a callback", p.CallID, w.offer(t, standing).CallID)
	w.finish(t, p.CallID)
	w.states(t, map[string]emergency.NumberState{first: leased})
}

// A number that the call got when one became free stays, whatever the PSAP saw.
func shownBesideLate(t *testing.T, w *world) {
	for _, shown := range []string{standing, second} {
		w.wipe(t)
		w.addSite(t, "us")
		w.addAgents(t, "us", "one")
		p := w.placement(t, "one")
		w.place(t, p)
		w.add(t, first, "us")
		w.add(t, second, "us")
		w.hasLate(t, p.CallID, first, emergency.NumberLeased)
		w.place(t, shownIn(p, shown))
		w.keeps(t, p.CallID, shown)
	}
	w.states(t, map[string]emergency.NumberState{first: leased, second: resting})
}

// When SQL had only the site's number, and the PSAP saw one that the agent held, the call
// has that one again, and the workflow hears so.
func shownIsHeldBeside(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	holder := w.dial(t, "two")
	p := w.placement(t, "one")
	has(t, w.place(t, p), standing, emergency.NumberStanding)
	w.finish(t, holder.ID)
	w.place(t, shownIn(p, first))
	w.hears(t, p.CallID, emergency.CorrectedNumber{Number: first, Kind: emergency.NumberLeased})
	w.keeps(t, p.CallID, standing)
	w.states(t, map[string]emergency.NumberState{first: leased})
}

// Two processes may answer one dial without SQL, and only one of them know what number the
// agent holds. Whichever is heard of first, callbacks to both numbers are for the call.
func shownByTwo(t *testing.T, w *world) {
	for _, order := range [][]string{{first, standing}, {standing, first}} {
		w.wipe(t)
		w.addSite(t, "us", first)
		w.addAgents(t, "us", "one")
		p := w.placement(t, "one")
		for _, shown := range append(order, order...) {
			w.place(t, shownIn(p, shown))
		}
		w.keeps(t, p.CallID, standing)
		same(t, "lines in the audit", 1, w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'number-corrected'`))
	}
}

// When SQL had chosen what was shown, the call says that it was answered without SQL, and
// nothing else changes.
func shownIsChosen(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.placement(t, "one")
	want := w.place(t, p)
	want.Degraded = true
	before := w.picture(t)
	same(t, "the call", want, w.place(t, shownIn(p, first)))
	same(t, "the tables", before, w.picture(t))
}

// A call that was committed and is closed by now is told of by what it showed: a callback
// still goes to the desk.
func shownAfterClose(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.placement(t, "one")
	w.place(t, p)
	w.pass(time.Minute)
	w.finish(t, p.CallID)
	w.place(t, shownIn(p, standing))
	same(t, "a callback", p.CallID, w.offer(t, standing).CallID)
	same(t, "as it is remembered", w.offer(t, standing), w.remembered(t).Decide(standing, "", w.clock.read()))
	same(t, "messages about the number", 0, w.count(t, `SELECT COUNT(*) FROM outbox WHERE kind = 'number-corrected'`))
}
