package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// correctRules are about calls that SQL had written down although they were answered
// without it: what the PSAP saw wins (B7).
var correctRules = []rule{
	{"over what SQL had chosen", shownWins},
	{"over a number that others share", shownWinsOverShared},
	{"over a number that people were told", shownWinsOverTold},
	{"over a number that was leased late", shownWinsOverLate},
	{"the same as SQL had chosen", shownIsChosen},
	{"after the close", shownWinsAfterClose},
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

// A transaction may have been committed although its answer came too late. Then what the
// PSAP saw wins: the number leased for this call alone goes back as it came, and the
// workflow and those who are yet to be told get the right one.
func shownWins(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com")
	p := w.placement(t, "one")
	has(t, w.place(t, p), first, emergency.NumberLeased)
	call := w.place(t, shownIn(p, standing))
	has(t, call, standing, emergency.NumberStanding)
	if !call.Degraded {
		t.Error("the call does not say that it was answered without SQL")
	}
	same(t, "once more", call, w.place(t, shownIn(p, standing)))
	same(t, "once more, by a process that showed another number", call, w.place(t, shownIn(p, second)))
	same(t, "presence claims", 1, w.count(t, `SELECT COUNT(*) FROM presence_claims`))
	w.states(t, map[string]emergency.NumberState{first: free, second: free})
	w.hears(t, p.CallID, emergency.CorrectedNumber{Number: standing, Kind: emergency.NumberStanding})
	notice, _ := w.ensure(t, p.CallID, emergency.NoticePlaced, 0)
	same(t, "the number in the notice", standing, notice.Number)
	same(t, "the call of a callback", p.CallID, w.offer(t, standing).CallID)
	same(t, "a callback to the other", emergency.NotAnEmergencyCallback, w.offer(t, first).Verdict)
	same(t, "lines in the audit", 1, w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'number-corrected'`))
	same(t, "events", 1, w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'number-corrected' AND call_id = $1`, p.CallID))
}

// A number that other calls of the agent show stays theirs.
func shownWinsOverShared(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	earlier := w.dial(t, "one")
	p := w.placement(t, "one")
	w.place(t, p)
	has(t, w.place(t, shownIn(p, standing)), standing, emergency.NumberStanding)
	has(t, w.read(t, earlier.ID), first, emergency.NumberLeased)
	w.states(t, map[string]emergency.NumberState{first: leased})
	same(t, "the call of a callback", earlier.ID, w.offer(t, first).CallID)
}

// A number that somebody has been told of may be rung, so that it rests (B5).
func shownWinsOverTold(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com")
	p := w.placement(t, "one")
	w.place(t, p)
	w.record(t, p.CallID, "desk@example.com", emergency.DeliverySent)
	w.place(t, shownIn(p, standing))
	w.states(t, map[string]emergency.NumberState{first: resting})
}

// So it is with a number that the call got when one became free, if the PSAP saw yet
// another.
func shownWinsOverLate(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	p := w.placement(t, "one")
	w.place(t, p)
	w.add(t, first, "us")
	w.add(t, second, "us")
	w.hasLate(t, p.CallID, first, emergency.NumberLeased)
	same(t, "what the PSAP saw stays", standing, w.place(t, shownIn(p, standing)).Route.CallerID)
	w.hasLate(t, p.CallID, first, emergency.NumberLeased)

	w.wipe(t)
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	p = w.placement(t, "one")
	w.place(t, p)
	w.add(t, first, "us")
	w.add(t, second, "us")
	has(t, w.place(t, shownIn(p, second)), second, emergency.NumberLeased)
	w.states(t, map[string]emergency.NumberState{first: free, second: leased})
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
func shownWinsAfterClose(t *testing.T, w *world) {
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
