package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// lateLeaseRules are about calls that had to show the standing number, and the numbers
// that become free for them (B5).
var lateLeaseRules = []rule{
	{"as soon as one is free", lateAsSoonAsOneIsFree},
	{"tells who has to know", lateTells},
	{"the oldest dial first", lateOldestFirst},
	{"when a number is added", lateWhenANumberIsAdded},
	{"never of another site", lateNeverOfAnotherSite},
	{"while the window is open", lateWhileTheWindowIsOpen},
	{"while a leg is up", lateWhileALegIsUp},
	{"not when the call is over", lateNotWhenOver},
	{"joins the agent's number", lateJoins},
	{"a redial shows it", lateIsShownByARedial},
	{"is given back", lateIsGivenBack},
	{"found done by the workflow", lateFoundDone},
	{"a call for help before a test", lateHelpBeforeATest},
	{"a test only from what is spare", lateTestFromWhatIsSpare},
	{"a broken call stops no other", lateBrokenCallStopsNoOther},
	{"two processes at once", lateTwoProcesses},
	{"as the call closes", lateAsTheCallCloses},
	{"as the agent dials again", lateAsTheAgentDials},
}

// leaseLate looks for calls that wait for a number.
func (w *world) leaseLate(t tb) {
	t.Helper()
	if err := w.LeaseLate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// slip adds free numbers without anybody noticing, as when a quarantine ends.
func (w *world) slip(t tb, site emergency.SiteID, numbers ...string) {
	t.Helper()
	for _, number := range numbers {
		w.run(t, `INSERT INTO callback_numbers (number, site_id, leased, draining, last_used_at, free_at)
			VALUES ($1, $2, FALSE, FALSE, $3, $3)`, number, site, noon.Add(-time.Hour))
		w.run(t, `UPDATE sites SET pool_size = pool_size + 1 WHERE id = $1`, site)
	}
}

// hasLate checks which number a call has that shows the standing one.
func (w *world) hasLate(t tb, id emergency.CallID, number string, kind emergency.NumberKind) {
	t.Helper()
	call := w.read(t, id)
	if call.Number != number || call.NumberKind != kind || call.Route.CallerID != siteNamed(call.SiteID).StandingNumber {
		t.Errorf("%s has the %s number %s and shows %s, want the %s number %s and the standing one shown",
			id, call.NumberKind, call.Number, call.Route.CallerID, kind, number)
	}
}

// When the quarantine of a number is over, the call that needed one has it, and not a
// moment sooner; the PSAP reaches the agent on it.
func lateAsSoonAsOneIsFree(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	w.finish(t, w.dial(t, "one").ID)
	call := w.dial(t, "two")
	has(t, call, standing, emergency.NumberStanding)
	w.clock.set(noon.Add(agreed.Quarantine - time.Microsecond))
	w.leaseLate(t)
	w.hasLate(t, call.ID, standing, emergency.NumberStanding)
	w.pass(time.Microsecond)
	for range 2 {
		w.leaseLate(t)
		w.hasLate(t, call.ID, first, emergency.NumberLeased)
	}
	w.states(t, map[string]emergency.NumberState{first: leased})
	for _, number := range []string{first, standing} {
		if got := w.offer(t, number); got.CallID != call.ID || got.Verdict != emergency.ConnectAgent {
			t.Errorf("a callback to %s gives %+v", number, got)
		}
	}
}

// The workflow and whoever follows along hear of the number once, after the dial.
func lateTells(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.slip(t, "us", first)
	w.pass(time.Minute)
	w.leaseLate(t)
	w.leaseLate(t)
	events := w.since(t, last)
	for i := range events {
		events[i].Seq = 0
	}
	same(t, "the events", []emergency.Event{
		{
			Type: emergency.EventNumberLeased, AgentID: "one", SiteID: "us", CallID: call.ID, Kind: emergency.KindEmergency,
			At: w.clock.read(),
		},
	}, events)
	messages := w.messages(t, call.ID)
	if len(messages) != 2 || messages[1].Kind != emergency.MessageNumberLeased {
		t.Fatalf("the messages are %+v", messages)
	}
	var told emergency.LateLease
	if err := json.Unmarshal(messages[1].Body, &told); err != nil {
		t.Fatal(err)
	}
	same(t, "the message", emergency.LateLease{Number: first, At: w.clock.read()}, told)
}

// Who has waited longest has the first number, of all sites.
func lateOldestFirst(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one", "two", "three")
	w.addAgents(t, "pr", "four")
	var calls []emergency.CallID
	for _, agent := range []emergency.AgentID{"three", "one", "two", "four"} {
		calls = append(calls, w.dial(t, agent).ID)
		w.pass(time.Second)
	}
	w.slip(t, "us", first, second)
	w.slip(t, "pr", third)
	w.leaseLate(t)
	w.hasLate(t, calls[0], first, emergency.NumberLeased)
	w.hasLate(t, calls[1], second, emergency.NumberLeased)
	w.hasLate(t, calls[2], standing, emergency.NumberStanding)
	w.hasLate(t, calls[3], third, emergency.NumberLeased)
}

// An administrator who adds a number because the pool is empty helps at once, and at
// that site.
func lateWhenANumberIsAdded(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one", "two")
	w.addAgents(t, "pr", "four")
	there := w.dial(t, "four")
	w.pass(time.Second)
	call, other := w.dial(t, "one"), w.dial(t, "two")
	w.slip(t, "pr", third)
	w.add(t, first, "us")
	w.hasLate(t, call.ID, first, emergency.NumberLeased)
	w.hasLate(t, other.ID, standing, emergency.NumberStanding)
	w.hasLate(t, there.ID, elsewhere, emergency.NumberStanding)
}

// A number is registered for one address (S3).
func lateNeverOfAnotherSite(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addSite(t, "pr", third)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.leaseLate(t)
	w.hasLate(t, call.ID, standing, emergency.NumberStanding)
	w.states(t, map[string]emergency.NumberState{third: free})
}

// A number that comes when the PSAP has no more reason to call back is kept for the
// next caller.
func lateWhileTheWindowIsOpen(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	over := w.hangUp(t, w.dial(t, "one").ID, "")
	w.pass(time.Microsecond)
	open := w.hangUp(t, w.dial(t, "two").ID, "")
	w.slip(t, "us", first, second)
	w.clock.set(over.WindowEndsAt())
	w.leaseLate(t)
	w.hasLate(t, over.ID, standing, emergency.NumberStanding)
	w.hasLate(t, open.ID, first, emergency.NumberLeased)
}

// A call that goes on for longer than its window still has a reason for a number,
// until it is taken to be lost (B1, B16).
func lateWhileALegIsUp(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	lost := w.dial(t, "one")
	w.pass(time.Microsecond)
	up := w.dial(t, "two")
	w.slip(t, "us", first, second)
	w.clock.set(lost.ExpiresAt())
	if !w.clock.read().After(up.WindowEndsAt()) {
		t.Fatal("the window is still open")
	}
	w.leaseLate(t)
	w.hasLate(t, lost.ID, standing, emergency.NumberStanding)
	w.hasLate(t, up.ID, first, emergency.NumberLeased)
}

// A call that has been closed needs no number.
func lateNotWhenOver(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	w.slip(t, "us", first)
	w.leaseLate(t)
	w.hasLate(t, call.ID, standing, emergency.NumberStanding)
	w.states(t, map[string]emergency.NumberState{first: free})
}

// One person has one number (B2): who has got one by a redial keeps it, and the earlier
// call, which needs no other, holds it too, even with nothing left in the pool.
func lateJoins(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two", "three")
	before := w.dial(t, "one")
	w.pass(time.Second)
	waiting := w.dial(t, "two")
	w.pass(time.Second)
	late := w.dial(t, "three")
	w.slip(t, "us", first, second)
	has(t, w.dial(t, "three"), first, emergency.NumberLeased)
	redial := w.dial(t, "one")
	has(t, redial, second, emergency.NumberLeased)
	w.leaseLate(t)
	w.hasLate(t, before.ID, second, emergency.NumberLeased)
	w.hasLate(t, waiting.ID, standing, emergency.NumberStanding)
	w.hasLate(t, late.ID, first, emergency.NumberLeased)
	w.finish(t, redial.ID)
	w.states(t, map[string]emergency.NumberState{first: leased, second: leased})
	w.finish(t, before.ID)
	w.states(t, map[string]emergency.NumberState{first: leased, second: resting})
}

// A redial shows the number that has come late (B2).
func lateIsShownByARedial(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	w.dial(t, "one")
	w.add(t, second, "us")
	w.add(t, first, "us")
	has(t, w.dial(t, "one"), second, emergency.NumberLeased)
}

// What was leased late is given back like any other number.
func lateIsGivenBack(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	closed, forgotten := w.dial(t, "one"), w.hangUp(t, w.dial(t, "two").ID, "")
	w.add(t, first, "us")
	w.add(t, second, "us")
	w.finish(t, closed.ID)
	w.states(t, map[string]emergency.NumberState{first: resting, second: leased})
	w.clock.set(forgotten.ExpiresAt())
	w.expire(t)
	w.states(t, map[string]emergency.NumberState{first: free, second: resting})
	for _, table := range []string{"routes", "leases", "lease_claims"} {
		if left := w.count(t, "SELECT COUNT(*) FROM "+table); left != 0 {
			t.Errorf("%d %s are left", left, table)
		}
	}
}

// The workflow, which may come before the number or after it, is told the truth and
// changes nothing (B5).
func lateFoundDone(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.slip(t, "us", first, second)
	same(t, "the lease before", store.Lease{Number: standing, Kind: emergency.NumberStanding}, w.ensured(t, call.ID))
	w.leaseLate(t)
	for range 2 {
		same(t, "the lease after", store.Lease{Number: first, Kind: emergency.NumberLeased}, w.ensured(t, call.ID))
		if err := w.EnsureRoute(t.Context(), call.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.states(t, map[string]emergency.NumberState{first: leased, second: free})
	w.hasLate(t, call.ID, first, emergency.NumberLeased)
}

// However long a test has waited, calls for help come first (B13).
func lateHelpBeforeATest(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	test := w.test(t, "one")
	w.pass(time.Minute)
	help := w.dial(t, "two")
	w.slip(t, "us", first, second)
	w.leaseLate(t)
	w.hasLate(t, help.ID, first, emergency.NumberLeased)
	w.hasLate(t, test.ID, standing, emergency.NumberStanding)
	w.slip(t, "us", third)
	w.leaseLate(t)
	w.hasLate(t, test.ID, second, emergency.NumberLeased)
}

// A test that waits takes no number that is kept for real calls (B13).
func lateTestFromWhatIsSpare(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	test := w.test(t, "one")
	w.add(t, first, "us")
	w.leaseLate(t)
	w.hasLate(t, test.ID, standing, emergency.NumberStanding)
	w.add(t, second, "us")
	w.hasLate(t, test.ID, first, emergency.NumberLeased)
}

// A call that cannot be read does not keep the others from their numbers (B7).
func lateBrokenCallStopsNoOther(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	broken := w.dial(t, "one")
	w.pass(time.Second)
	call := w.dial(t, "two")
	w.run(t, `UPDATE calls SET terms = 'nonsense' WHERE id = $1`, broken.ID)
	w.slip(t, "us", first)
	if err := w.LeaseLate(t.Context()); err == nil {
		t.Error("nobody hears of the broken call")
	}
	w.hasLate(t, call.ID, first, emergency.NumberLeased)
}
