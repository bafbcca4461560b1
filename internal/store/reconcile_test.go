package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// reconcileRules are about what is put right of calls whose workflow is gone, and of legs
// whose end nobody told (S11, B16).
var reconcileRules = []rule{
	{"who should have a workflow", whoShouldHaveAWorkflow},
	{"resumed with everything told", resumedWithEverythingTold},
	{"resumed with its late number", resumedWithItsLateNumber},
	{"nothing to resume", nothingToResume},
	{"cancelled", closesCancelled},
	{"legs that a carrier should know", legsThatACarrierShouldKnow},
	{"lost leg", lostLegEnds},
	{"forced end is told", forcedEndIsTold},
	{"forced end outlives its call", forcedEndOutlivesItsCall},
	{"number that no call holds", freesOrphanedNumber},
	{"presence that no leg holds", restoresOrphanedPresence},
	{"who is to be told outside", remembersWhomToTellOutside},
	{"nothing is an orphan", nothingIsAnOrphan},
}

// delivered empties the outbox, as the relay does.
func (w *world) delivered(t tb) {
	t.Helper()
	w.run(t, `DELETE FROM outbox`)
}

// underWay checks which calls should have a workflow.
func (w *world) underWay(t tb, want ...emergency.CallID) {
	t.Helper()
	got, err := w.CallsUnderWay(t.Context(), w.clock.read().Add(-10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the calls that should have a workflow", want, got)
}

// toTell gives an agent contacts.
func (w *world) toTell(t tb, agent emergency.AgentID, contacts string) {
	t.Helper()
	if _, err := w.PutContacts(t.Context(), agent, contacts, emergency.Change{}); err != nil {
		t.Fatal(err)
	}
}

// repairs counts the audit's lines of a repair.
func (w *world) repairs(t tb, kind emergency.RepairKind) int {
	t.Helper()
	return w.count(t, `SELECT COUNT(*) FROM audit WHERE action = $1`, kind)
}

// A call should have a workflow once the message that starts it has been carried and a
// moment has passed, and until its time is over. What waits beside does not matter.
func whoShouldHaveAWorkflow(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	call, waiting := w.dial(t, "one"), w.dial(t, "two")
	w.underWay(t)
	w.pass(10 * time.Second)
	w.underWay(t)
	w.run(t, `DELETE FROM outbox WHERE call_id = $1`, call.ID)
	w.underWay(t, call.ID)
	w.hangUp(t, call.ID, "")
	w.hangUp(t, waiting.ID, "")
	w.underWay(t, call.ID)
	w.delivered(t)
	w.underWay(t, call.ID, waiting.ID)
	w.closeCall(t, waiting.ID)
	w.underWay(t, call.ID)
	w.run(t, `UPDATE calls SET recorded_at = $2 WHERE id = $1`, call.ID, w.clock.read())
	w.underWay(t)
	w.clock.set(w.read(t, call.ID).ExpiresAt())
	w.underWay(t)
}

// letters are the kinds of messages that wait for a call, and the last body of each.
func (w *world) letters(t tb, id emergency.CallID) ([]emergency.MessageKind, map[emergency.MessageKind][]byte) {
	t.Helper()
	var kinds []emergency.MessageKind
	bodies := map[emergency.MessageKind][]byte{}
	for {
		m, found, err := w.NextMessage(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return kinds, bodies
		}
		kinds, bodies[m.Kind] = append(kinds, m.Kind), m.Body
		if err := w.DeleteMessage(t.Context(), m.Seq); err != nil {
			t.Fatal(err)
		}
	}
}

// resume has a call resumed and gives the order for its workflow.
func (w *world) resume(t tb, id emergency.CallID) ([]emergency.MessageKind, emergency.Order) {
	t.Helper()
	resumed, err := w.ResumeCall(t.Context(), id, emergency.Resumption{
		PresenceOutside: true, Notices: emergency.NoticePlan{AcknowledgeWithin: time.Minute},
	})
	if err != nil || !resumed {
		t.Fatalf("resumed: %v, %v", resumed, err)
	}
	kinds, bodies := w.letters(t, id)
	var order emergency.Order
	if err := json.Unmarshal(bodies[emergency.MessageResumed], &order); err != nil {
		t.Fatal(err)
	}
	return kinds, order
}

// The workflow that is begun again is told what the one before was: the dial, callbacks,
// ends and who has acknowledged, so that it does at its time what is left (S11). Each
// time leaves a line in the audit.
func resumedWithEverythingTold(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.toTell(t, "one", "ana@example.com")
	p := w.placement(t, "one")
	p.PresenceOutside, p.Notices = true, emergency.NoticePlan{AcknowledgeWithin: time.Minute}
	call := w.place(t, p)
	_, bodies := w.letters(t, call.ID)
	var ordered emergency.Order
	if err := json.Unmarshal(bodies[emergency.MessagePlaced], &ordered); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.hangUp(t, call.ID, "")
	w.offer(t, first)
	w.delivered(t)
	kinds, order := w.resume(t, call.ID)
	same(t, "the order", ordered, order)
	same(t, "what is told", []emergency.MessageKind{
		emergency.MessageResumed, emergency.MessageCallbackReceived, emergency.MessageCallEnded,
	}, kinds)
	w.run(t, `UPDATE deliveries SET state = 'acknowledged', acknowledged_at = $1`, w.clock.read())
	kinds, _ = w.resume(t, call.ID)
	same(t, "what is told after an acknowledgement", emergency.MessageAcknowledged, kinds[len(kinds)-1])
	same(t, "the audit's lines", 2, w.repairs(t, emergency.RepairResumed))
}

// A call that got its number late is resumed as it began: what the PSAP saw stays known.
func resumedWithItsLateNumber(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); err != nil {
		t.Fatal(err)
	}
	w.delivered(t)
	_, order := w.resume(t, call.ID)
	same(t, "the number of the order", standing, order.Number)
	same(t, "its kind", emergency.NumberStanding, order.NumberKind)
}

// Nothing is resumed that is over, unknown, or being started already.
func nothingToResume(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	starting, over := w.dial(t, "one"), w.dial(t, "two")
	w.finish(t, over.ID)
	w.run(t, `DELETE FROM outbox WHERE call_id = $1`, over.ID)
	for _, id := range []emergency.CallID{starting.ID, over.ID} {
		resumed, err := w.ResumeCall(t.Context(), id, emergency.Resumption{})
		if err != nil || resumed {
			t.Errorf("%s is resumed: %v, %v", id, resumed, err)
		}
	}
	w.delivered(t)
	w.clock.set(w.read(t, starting.ID).ExpiresAt())
	if resumed, err := w.ResumeCall(t.Context(), starting.ID, emergency.Resumption{}); err != nil || resumed {
		t.Errorf("an overdue call is resumed: %v, %v", resumed, err)
	}
	same(t, "the audit's lines", 0, w.repairs(t, emergency.RepairResumed))
}

// What a supervisor has cancelled is closed, once.
func closesCancelled(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	for _, want := range []bool{true, false} {
		_, closed, err := w.CloseCancelled(t.Context(), call.ID)
		if err != nil || closed != want {
			t.Errorf("closed: %v, %v", closed, err)
		}
	}
	same(t, "the leg's reason", emergency.EndCancelled, w.read(t, call.ID).Legs[0].Reason)
	w.shows(t, "one", emergency.StatusAvailable)
	w.states(t, map[string]emergency.NumberState{first: resting})
	same(t, "the audit's lines", 1, w.repairs(t, emergency.RepairCancelled))
}

// A carrier is asked for legs that are up and not too new, and for none of a test that
// touched no trunk (B13, B16).
func legsThatACarrierShouldKnow(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two", "three")
	call, ended := w.dial(t, "one"), w.dial(t, "two")
	test := w.placement(t, "three")
	test.Way = []emergency.Hop{{Path: emergency.NoPath}}
	w.place(t, test)
	w.hangUp(t, ended.ID, "")
	w.pass(time.Minute)
	w.offer(t, first)
	got, err := w.LegsUp(t.Context(), w.clock.read().Add(-30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the legs", []emergency.LegRef{{CallID: call.ID, LegID: call.Legs[0].ID}}, got)
}

// A leg that the carrier has lost ends as if its end had been told, and the audit says
// so, once (B16).
func lostLegEnds(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.delivered(t)
	for range 2 {
		if _, err := w.EndLegs(t.Context(), store.Ending{
			CallID: call.ID, LegID: call.Legs[0].ID, Reason: emergency.EndLost, Tell: true,
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.shows(t, "one", emergency.StatusAvailable)
	kinds, _ := w.letters(t, call.ID)
	same(t, "what the workflow is told", []emergency.MessageKind{emergency.MessageCallEnded}, kinds)
	same(t, "the audit's lines", 1, w.repairs(t, emergency.RepairLegLost))
}

// forcedEnds checks of which calls people have yet to be told that they were ended by
// force, one minute and one day being the limits.
func (w *world) forcedEnds(t tb, want ...emergency.CallID) {
	t.Helper()
	now := w.clock.read()
	if err := w.GiveUpTelling(t.Context(), now.Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	got, err := w.ForcedEnds(t.Context(), now.Add(-time.Minute), 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the forced ends", want, got)
}

// The contacts of a call whose end nobody told are told that it was ended by force, once,
// whether they are told of other ends or not (B16).
func forcedEndIsTold(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	w.toTell(t, "one", "ana@example.com")
	w.toTell(t, "two", "bo@example.com")
	call, ordinary := w.dial(t, "one"), w.dial(t, "two")
	w.hangUp(t, ordinary.ID, "")
	for range 2 {
		if _, err := w.EndLegs(t.Context(), store.Ending{CallID: call.ID, Reason: emergency.EndMaxDuration}); err != nil {
			t.Fatal(err)
		}
	}
	w.forcedEnds(t)
	w.pass(time.Minute)
	w.forcedEnds(t, call.ID)
	notice, waiting, err := w.Notice(t.Context(), call.ID, emergency.NoticeEnded, 0)
	if err != nil || !notice.Forced || len(waiting) != 1 {
		t.Fatalf("the notice is %+v to %v, %v", notice, waiting, err)
	}
	waiting[0].State = emergency.DeliverySent
	if err := w.RecordDelivery(t.Context(), call.ID, emergency.NoticeEnded, 0, waiting[0]); err != nil {
		t.Fatal(err)
	}
	w.forcedEnds(t)
}

// When a call is closed because nobody told its end, people hear of it all the same, for
// a day; then it is given up, so that the call can be erased (B14).
func forcedEndOutlivesItsCall(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.toTell(t, "one", "ana@example.com")
	call := w.dial(t, "one")
	w.clock.set(call.ExpiresAt())
	w.expire(t)
	w.pass(time.Minute)
	w.forcedEnds(t, call.ID)
	w.pass(24 * time.Hour)
	w.forcedEnds(t)
	for _, d := range w.read(t, call.ID).Notice.Deliveries {
		same(t, "why nobody was told that it is "+string(d.Event), emergency.ReasonGivenUp, d.Reason)
	}
	if erased, err := w.EraseCalls(t.Context(), w.clock.read()); err != nil || erased != 1 {
		t.Errorf("%d calls are erased, %v", erased, err)
	}
}

// orphans has orphans repaired, and checks what was.
func (w *world) orphans(t tb, want ...emergency.Repair) {
	t.Helper()
	got, err := w.RepairOrphans(t.Context(), agreed.Quarantine)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the repairs", want, got)
}

// A number whose calls are closed or gone goes back to the pool, with its route, and
// rests (B5).
func freesOrphanedNumber(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	closed, gone := w.dial(t, "one"), w.dial(t, "two")
	w.hangUp(t, closed.ID, "")
	w.hangUp(t, gone.ID, "")
	w.run(t, `UPDATE calls SET closed_at = $2 WHERE id = $1`, closed.ID, w.clock.read())
	w.run(t, `DELETE FROM lease_claims WHERE call_id = $1`, gone.ID)
	w.orphans(t, emergency.Repair{Kind: emergency.RepairLease, AgentID: "one"}, emergency.Repair{Kind: emergency.RepairLease, AgentID: "two"})
	w.states(t, map[string]emergency.NumberState{first: resting, second: resting})
	same(t, "the routes that are left", 0, w.count(t, `SELECT COUNT(*) FROM routes`))
	same(t, "the audit's lines", 2, w.repairs(t, emergency.RepairLease))
	w.pass(agreed.Quarantine)
	w.states(t, map[string]emergency.NumberState{first: free, second: free})
	w.orphans(t)
}

// An agent is not left on Do not disturb by a leg that has ended, nor by one that is
// gone; what somebody chose meanwhile stays (B4).
func restoresOrphanedPresence(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two", "three")
	ended, gone, chosen := w.dial(t, "one"), w.dial(t, "two"), w.dial(t, "three")
	w.choose(t, "three", emergency.StatusAway)
	w.run(t, `UPDATE legs SET ended_at = $1 WHERE call_id IN ($2, $3)`, w.clock.read(), ended.ID, chosen.ID)
	w.run(t, `DELETE FROM presence_claims WHERE leg_id = $1`, gone.Legs[0].ID)
	w.orphans(t,
		emergency.Repair{Kind: emergency.RepairPresence, AgentID: "one"},
		emergency.Repair{Kind: emergency.RepairPresence, AgentID: "three"},
		emergency.Repair{Kind: emergency.RepairPresence, AgentID: "two"})
	w.shows(t, "one", emergency.StatusAvailable)
	w.shows(t, "two", emergency.StatusAvailable)
	w.shows(t, "three", emergency.StatusAway)
	same(t, "the audit's lines", 3, w.repairs(t, emergency.RepairPresence))
	w.orphans(t)
}

// What an open call holds is no orphan, at whatever stage, also when another call of the
// agent is over.
func nothingIsAnOrphan(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	w.finish(t, w.dial(t, "one").ID)
	w.dial(t, "one")
	w.hangUp(t, w.dial(t, "one").ID, "")
	window := w.dial(t, "two")
	w.hangUp(t, window.ID, "")
	w.orphans(t)
	w.offer(t, window.Number)
	w.orphans(t)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.shows(t, "two", emergency.StatusDoNotDisturb)
}
