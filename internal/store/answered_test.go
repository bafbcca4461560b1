package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// answeredRules are about callbacks that were connected without SQL (B7).
var answeredRules = []rule{
	{"opens its leg", answeredOpens},
	{"to a call that is closed", answeredClosed},
	{"to a call that is over", answeredOver},
	{"to an unknown call", answeredUnknown},
	{"from a garbled caller", answeredGarbled},
	{"ended before it came", answeredEnded},
	{"for another call than SQL had chosen", answeredElsewhere},
}

// earlyEndRules are about ends of what nobody knows of yet.
var earlyEndRules = []rule{
	{"of a call", earlyEndOfCall},
	{"of a leg", earlyEndOfLeg},
	{"of another agent's call", earlyEndOfAnothers},
	{"of a call that SQL has by then", earlyEndOfCommitted},
	{"of what cannot be an ID", earlyEndOfNothing},
	{"told by the workflow", earlyEndByWorkflow},
	{"no more than so many", earlyEndsBounded},
	{"forgotten in time", earlyEndsForgotten},
}

// connected is a callback that was connected without SQL.
func (w *world) connected(id emergency.CallID, at time.Time) store.Answered {
	return store.Answered{
		CallID: id, LegID: emergency.LegID(fmt.Sprintf("leg-%09d", w.serial.Add(1))), To: first, From: "+12025550911", At: at,
	}
}

// keep writes such a callback down, twice.
func (w *world) keep(t tb, a store.Answered) emergency.Call {
	t.Helper()
	for range 2 {
		if err := w.KeepCallback(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	return w.read(t, a.CallID)
}

// The leg has the ID that the carrier was told, the agent is on Do not disturb, the
// workflow hears of it, and a carrier that asks again gets the same leg (S4, B3).
func answeredOpens(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, "")
	w.pass(10 * time.Minute)
	a := w.connected(call.ID, noon.Add(5*time.Minute))
	after := w.keep(t, a)
	same(t, "the leg", emergency.Leg{ID: a.LegID, Direction: emergency.Callback, StartedAt: a.At}, after.Leg(a.LegID))
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	messages := w.messages(t, call.ID)
	var heard emergency.CallbackReceived
	do(t, json.Unmarshal(messages[len(messages)-1].Body, &heard))
	same(t, "what the workflow hears", emergency.CallbackReceived{LegID: a.LegID, From: a.From, At: a.At}, heard)
	same(t, "messages", 3, len(messages))
	same(t, "who is at the other end, as remembered", a.LegID, w.remembered(t).Decide(first, a.From, w.clock.read()).LegID)
	same(t, "the leg of who asks again", a.LegID, w.offerFrom(t, first, a.From).LegID)
	w.hangUp(t, call.ID, a.LegID)
	w.shows(t, "one", emergency.StatusAvailable)
}

// A call that was closed meanwhile stays closed; that there was a callback stands in the
// audit.
func answeredClosed(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	before := w.read(t, call.ID)
	same(t, "the call", before, w.keep(t, w.connected(call.ID, noon)))
	same(t, "lines in the audit", 1, w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'callback-after-close' AND call_id = $1`, call.ID))
	w.shows(t, "one", emergency.StatusAvailable)
}

// A call that is over but not closed gets its leg, and is not over for as long as that
// may be up (B1).
func answeredOver(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, "")
	w.pass(agreed.Lease + time.Hour)
	w.keep(t, w.connected(call.ID, noon.Add(agreed.Lease)))
	w.expire(t)
	if !w.read(t, call.ID).LegUp() {
		t.Error("the call was ended under its leg")
	}
	w.shows(t, "one", emergency.StatusDoNotDisturb)
}

func answeredUnknown(t *testing.T, w *world) {
	if err := w.KeepCallback(t.Context(), w.connected("nobody's", noon)); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v", err)
	}
}

// What a carrier gives as the caller is kept as every database can keep it, and remembered
// so.
func answeredGarbled(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	a := w.connected(w.dial(t, "one").ID, noon)
	a.From = "\xff\x00911"
	w.keep(t, a)
	same(t, "the leg of who asks again", a.LegID, w.remembered(t).Decide(first, a.From, noon).LegID)
}

// A callback whose end overtook it has ended; one that began after the call was told to
// be over goes on.
func answeredEnded(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	early := w.connected(p.CallID, noon.Add(time.Minute))
	late := w.connected(p.CallID, noon.Add(3*time.Minute))
	w.endsEarly(t, store.Ending{CallID: p.CallID, LegID: early.LegID, At: noon.Add(2 * time.Minute)})
	w.endsEarly(t, store.Ending{CallID: p.CallID, At: noon.Add(2*time.Minute + time.Second)})
	w.pass(10 * time.Minute)
	w.place(t, p)
	w.keep(t, early)
	call := w.keep(t, late)
	for leg, ended := range map[emergency.LegID]time.Time{
		p.LegID: noon.Add(2*time.Minute + time.Second), early.LegID: noon.Add(2 * time.Minute), late.LegID: {},
	} {
		same(t, "the end of "+string(leg), ended, call.Leg(leg).EndedAt)
	}
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusAvailable)
}

// endsEarly tells the end of what nobody knows of, twice.
func (w *world) endsEarly(t tb, e store.Ending) {
	t.Helper()
	e.Reason, e.Tell = emergency.EndHungUp, true
	for range 2 {
		if err := only(w.EndLegs(t.Context(), e)); !errors.Is(err, emergency.ErrUnknownCall) && !errors.Is(err, emergency.ErrUnknownLeg) {
			t.Fatalf("the end of what nobody knows of gives %v", err)
		}
	}
}

// The end of a call that nobody knows of is kept, and is the call's when that comes, at
// its own time; the workflow hears of it after the call. A repetition of the call brings
// nothing back.
func earlyEndOfCall(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	w.endsEarly(t, store.Ending{CallID: p.CallID, At: noon.Add(time.Minute)})
	w.pass(2 * time.Minute)
	call := w.place(t, p)
	want := emergency.Leg{ID: p.LegID, Direction: emergency.Outbound, StartedAt: noon, EndedAt: noon.Add(time.Minute), Reason: emergency.EndHungUp}
	same(t, "the leg", []emergency.Leg{want}, call.Legs)
	same(t, "the call once more", call, w.place(t, p))
	w.shows(t, "one", emergency.StatusAvailable)
	var kinds []emergency.MessageKind
	for _, m := range w.messages(t, p.CallID) {
		kinds = append(kinds, m.Kind)
	}
	same(t, "the messages", []emergency.MessageKind{emergency.MessagePlaced, emergency.MessageCallEnded}, kinds)
	callback := w.offer(t, standing)
	w.place(t, p)
	same(t, "a later callback is up", true, w.read(t, p.CallID).Leg(callback.LegID).Up())
}

// The end of an unknown leg ends no other.
func earlyEndOfLeg(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	w.endsEarly(t, store.Ending{CallID: p.CallID, LegID: "another"})
	if call := w.place(t, p); !call.LegUp() {
		t.Errorf("the call is %+v", call)
	}
	w.endsEarly(t, store.Ending{CallID: p.CallID, LegID: "another still"})
}

// An agent ends no call but his own, not even in advance.
func earlyEndOfAnothers(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	p := w.showing(t, "one", standing)
	w.endsEarly(t, store.Ending{CallID: p.CallID, AgentID: "two"})
	if call := w.place(t, p); !call.LegUp() {
		t.Error("another agent has ended the call")
	}
	w.endsEarly(t, store.Ending{CallID: p.CallID, AgentID: "two"})
	if !w.read(t, p.CallID).LegUp() {
		t.Error("another agent has ended the call")
	}
}

// An end may come between the transaction of a dial that seemed to fail and its replay.
func earlyEndOfCommitted(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.placement(t, "one")
	w.endsEarly(t, store.Ending{CallID: p.CallID})
	w.place(t, p)
	if call := w.place(t, shownIn(p, standing)); call.LegUp() {
		t.Errorf("the call is %+v", call)
	}
}

// What no database could keep is the ID of nothing.
func earlyEndOfNothing(t *testing.T, w *world) {
	for _, id := range []string{"\x00", "\xff", "", string(make([]byte, 65))} {
		e := store.Ending{CallID: emergency.CallID(id), Reason: emergency.EndHungUp, Tell: true}
		if err := only(w.EndLegs(t.Context(), e)); !errors.Is(err, emergency.ErrUnknownCall) {
			t.Errorf("ending %q gives %v", id, err)
		}
		if err := only(w.Call(t.Context(), emergency.CallID(id))); !errors.Is(err, emergency.ErrUnknownCall) {
			t.Errorf("reading %q gives %v", id, err)
		}
	}
}

// What a workflow ends, it knows of.
func earlyEndByWorkflow(t *testing.T, w *world) {
	if err := only(w.EndLegs(t.Context(), store.Ending{CallID: "unknown"})); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v", err)
	}
	same(t, "ends that are kept", 0, w.count(t, `SELECT COUNT(*) FROM early_ends`))
}

// A carrier that ends calls at random cannot fill the disk: the oldest ends go.
func earlyEndsBounded(t *testing.T, w *world) {
	const kept = 10_000
	w.run(t, `INSERT INTO early_ends (call_id, leg_id, agent_id, reason, ended_at, kept_at)
		WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 10000)
		SELECT 'unknown-' || n, '', '', 'hung-up', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP FROM g`)
	w.endsEarly(t, store.Ending{CallID: "the next"})
	w.endsEarly(t, store.Ending{CallID: "the one after"})
	if n := w.count(t, `SELECT COUNT(*) FROM early_ends`); n > kept {
		t.Errorf("%d are kept", n)
	}
	same(t, "the oldest", 0, w.count(t, `SELECT COUNT(*) FROM early_ends WHERE call_id = 'unknown-1'`))
	same(t, "the latest", 2, w.count(t, `SELECT COUNT(*) FROM early_ends WHERE call_id LIKE 'the %'`))
}

func earlyEndsForgotten(t *testing.T, w *world) {
	w.endsEarly(t, store.Ending{CallID: "one"})
	w.pass(time.Hour)
	w.endsEarly(t, store.Ending{CallID: "two"})
	do(t, w.ForgetEarlyEnds(t.Context(), noon.Add(time.Minute)))
	same(t, "the first", 0, w.count(t, `SELECT COUNT(*) FROM early_ends WHERE call_id = 'one'`))
	same(t, "the second", 1, w.count(t, `SELECT COUNT(*) FROM early_ends WHERE call_id = 'two'`))
}

// SQL has connected a callback, and nobody heard so; it was answered for the call that
// showed the number before, whose agent SQL has given it away from since. What was
// answered counts: the leg is that call's and nobody else's, the other agent is left
// alone, and both workflows hear of it (B5, B7).
func answeredElsewhere(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	p := w.placement(t, "one")
	p.Shown = &store.Shown{Number: first, Kind: emergency.NumberStanding}
	told := w.place(t, p)
	w.hangUp(t, told.ID, "")
	w.run(t, `UPDATE callback_numbers SET free_at = last_used_at`)
	chosen := w.dial(t, "two")
	same(t, "the number that was given on", first, chosen.Number)
	w.hangUp(t, chosen.ID, "")
	unheard := w.offerFrom(t, first, "+12025550911")
	same(t, "the call that SQL chose", chosen.ID, unheard.CallID)
	w.shows(t, "two", emergency.StatusDoNotDisturb)
	a := store.Answered{CallID: told.ID, LegID: unheard.LegID, To: first, From: "+12025550911", At: w.clock.read()}
	same(t, "the leg is up", true, w.keep(t, a).Leg(a.LegID).Up())
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.shows(t, "two", emergency.StatusAvailable)
	after := w.read(t, chosen.ID)
	same(t, "the other call has the leg", false, after.HasLeg(a.LegID))
	messages := w.messages(t, chosen.ID)
	var heard emergency.LegEnded
	do(t, json.Unmarshal(messages[len(messages)-1].Body, &heard))
	same(t, "the leg of which the other workflow hears the end", a.LegID, heard.LegID)
	w.hangUp(t, told.ID, a.LegID)
	w.shows(t, "one", emergency.StatusAvailable)
}
