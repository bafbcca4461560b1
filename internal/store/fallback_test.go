package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// fallbackRules are about a PSAP that calls back when the number has been given back,
// and nobody else has it yet (B5, B6).
var fallbackRules = []rule{
	{"in the quarantine", fallbackInTheQuarantine},
	{"before anybody has closed the call", fallbackBeforeTheClose},
	{"after a redial", fallbackAfterARedial},
	{"after a late lease", fallbackAfterALateLease},
	{"of a number that was removed", fallbackOfARemovedNumber},
	{"when the call has been erased", fallbackWithoutTheCall},
	{"when the agent has been removed", fallbackWithoutTheAgent},
	{"of a site without a desk", fallbackWithoutADesk},
	{"to a fixed number alone", fallbackToAFixedNumber},
	{"a call that cannot be read", fallbackPastABrokenCall},
}

// picture is everything that a callback to nobody must leave alone.
func (w *world) picture(t tb) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, table := range []string{"legs", "outbox", "events", "presence_claims", "presence_overrides", "audit"} {
		all[table] = w.count(t, "SELECT COUNT(*) FROM "+table)
	}
	return all
}

// decides checks a decision, and that it changes nothing when no agent is connected.
func (w *world) decides(t tb, to string, want emergency.Decision) {
	t.Helper()
	before := w.picture(t)
	for range 2 {
		same(t, "the decision on "+to, want, w.offer(t, to))
	}
	same(t, "the tables", before, w.picture(t))
}

// toTheDesk sends a callback to the desk, with the call that it is for.
func toTheDesk(call emergency.Call) emergency.Decision {
	return emergency.Decision{
		Verdict: emergency.ConnectFallback, AgentID: call.AgentID, CallID: call.ID, Kind: call.Kind,
		Ring: []emergency.Endpoint{{URI: desk, Kind: emergency.EndpointFallback, Ring: 20 * time.Second}},
	}
}

// ordinary leaves a call to ordinary routing.
var ordinary = emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}

// A number at rest rings the desk of its site and nobody else: no leg, no Do not
// disturb. It does so to the very end of the quarantine, and no longer (B5).
func fallbackInTheQuarantine(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	w.decides(t, first, toTheDesk(call))
	w.decides(t, second, ordinary)
	w.shows(t, "one", emergency.StatusAvailable)
	w.clock.set(noon.Add(agreed.Quarantine - time.Microsecond))
	w.decides(t, first, toTheDesk(call))
	w.pass(time.Microsecond)
	w.decides(t, first, ordinary)
	w.dial(t, "two")
	w.dial(t, "one")
	if got := w.offer(t, first); got.Verdict != emergency.ConnectAgent || got.CallID == call.ID {
		t.Errorf("the next holder is not connected: %+v", got)
	}
}

// A lease that nobody has ended is over all the same, and its number rests from then.
func fallbackBeforeTheClose(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.hangUp(t, w.dial(t, "one").ID, "")
	w.clock.set(call.ExpiresAt())
	w.decides(t, first, toTheDesk(call))
	w.clock.set(call.ExpiresAt().Add(agreed.Quarantine - time.Microsecond))
	w.decides(t, first, toTheDesk(call))
	w.expire(t)
	w.decides(t, first, toTheDesk(call))
	w.pass(time.Microsecond)
	w.decides(t, first, ordinary)
}

// The last call on the number is the one to name, in whatever order they were closed.
func fallbackAfterARedial(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	forgotten := w.hangUp(t, w.dial(t, "one").ID, "")
	w.pass(50 * time.Minute)
	redial := w.hangUp(t, w.dial(t, "one").ID, "")
	w.clock.set(redial.WindowEndsAt())
	w.closeCall(t, redial.ID)
	w.decides(t, first, toTheDesk(redial)) // the other one is overdue, and holds the number
	w.expire(t)
	if w.read(t, forgotten.ID).ClosedAt.IsZero() {
		t.Fatal("the forgotten call is not overdue")
	}
	w.decides(t, first, toTheDesk(redial))
}

// A number that was leased late rests like any other, and so does the standing number
// that the PSAP saw.
func fallbackAfterALateLease(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.add(t, first, "us")
	w.finish(t, call.ID)
	for _, number := range []string{first, standing} {
		w.decides(t, number, toTheDesk(call))
	}
	w.pass(agreed.Quarantine)
	for _, number := range []string{first, standing} {
		w.decides(t, number, ordinary)
	}
}

// The PSAP does not know that a number has been removed.
func fallbackOfARemovedNumber(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	w.remove(t, first)
	w.forgetNumbers(t)
	w.decides(t, first, toTheDesk(call))
	w.pass(agreed.Quarantine)
	w.decides(t, first, ordinary)
	w.forgetNumbers(t)
	w.decides(t, first, ordinary)
}

// The desk answers even if nothing is known of the call any more (B14).
func fallbackWithoutTheCall(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	w.run(t, `DELETE FROM calls`)
	want := toTheDesk(call)
	want.AgentID, want.CallID, want.Kind = "", "", ""
	w.decides(t, first, want)
}

// The desk answers for somebody who has left, too.
func fallbackWithoutTheAgent(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	if err := w.RemoveAgent(t.Context(), "one", emergency.Change{}); err != nil {
		t.Fatal(err)
	}
	w.decides(t, first, toTheDesk(call))
}

// Where nobody but the agent answers, a late callback is nobody's.
func fallbackWithoutADesk(t *testing.T, w *world) {
	site := siteNamed("us")
	site.FallbackEndpoint = ""
	if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	w.add(t, first, "us")
	w.addAgents(t, "us", "one", "two")
	leasing, showing := w.dial(t, "one"), w.dial(t, "two")
	w.finish(t, leasing.ID)
	w.finish(t, showing.ID)
	w.decides(t, first, ordinary)
	w.decides(t, standing, ordinary)
}

// A fixed number is a fallback by itself (B6).
func fallbackToAFixedNumber(t *testing.T, w *world) {
	site := siteNamed("us")
	site.FallbackEndpoint, site.FinalNumber = "", "+12025550197"
	if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	w.add(t, first, "us")
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.finish(t, call.ID)
	want := toTheDesk(call)
	want.Ring = []emergency.Endpoint{{URI: "tel:+12025550197", Kind: emergency.EndpointFinal, Ring: 20 * time.Second}}
	w.decides(t, first, want)
}

// A call that cannot be read keeps nobody from finding another one (B7).
func fallbackPastABrokenCall(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	broken, call := w.dial(t, "one"), w.dial(t, "two")
	w.finish(t, broken.ID)
	w.finish(t, call.ID)
	w.run(t, `UPDATE calls SET terms = 'nonsense' WHERE id = $1`, broken.ID)
	w.decides(t, standing, toTheDesk(call))
}
