package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// standingRules are about callbacks to a site's standing number, which several callers
// may have shown (B5).
var standingRules = []rule{
	{"reaches the latest caller", standingReachesTheLatestCaller},
	{"asked twice, with a dial between", standingAskedTwice},
	{"rather not who has a number by now", standingRatherNotWithALease},
	{"still reaches who has a number by now", standingReachesALateLease},
	{"a call for help before a test", standingHelpBeforeATest},
	{"then the desk", standingThenTheDesk},
	{"the desk for a call that nobody closed", standingDeskForAnOverdueCall},
	{"a call for help before a test, at the desk too", standingDeskForHelpBeforeATest},
	{"no call has shown it", standingNobodyShowed},
}

// test has an agent make a test call now.
func (w *world) test(t tb, agent emergency.AgentID) emergency.Call {
	t.Helper()
	p := w.placement(t, agent)
	p.Dialed = emergency.Dialed{Number: "933", Kind: emergency.KindTest, Country: emergency.UnitedStates}
	return w.place(t, p)
}

// A callback to the standing number reaches the latest caller who showed it (B5).
func standingReachesTheLatestCaller(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two", "three")
	w.dial(t, "one")
	w.pass(time.Second)
	latest := w.dial(t, "two")
	w.pass(time.Second)
	got := w.offer(t, standing)
	if got.AgentID != "two" || got.CallID != latest.ID || len(got.Ring) != 3 || got.Kind != emergency.KindEmergency {
		t.Errorf("the callback gives %+v, want agent two", got)
	}
	w.finish(t, latest.ID)
	if got := w.offer(t, standing); got.AgentID != "one" {
		t.Errorf("after that call the callback gives %+v, want agent one", got)
	}
}

// The answer stays the same even if somebody else has shown the number since.
func standingAskedTwice(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	w.dial(t, "one")
	once := w.offer(t, standing)
	w.pass(time.Second)
	later := w.dial(t, "two")
	same(t, "the second answer", once, w.offer(t, standing))
	w.leaseLate(t)
	same(t, "the third answer", once, w.offer(t, standing))
	if got := w.offerFrom(t, standing, "+12025550912"); got.CallID != later.ID {
		t.Errorf("a callback from elsewhere gives %+v, want the latest caller", got)
	}
	if legs := w.count(t, `SELECT COUNT(*) FROM legs`); legs != 4 {
		t.Errorf("there are %d legs, want two dials and two callbacks", legs)
	}
}

// Who has got a number of his own since is rather called back on that.
func standingRatherNotWithALease(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two", "three")
	w.dial(t, "one")
	w.pass(time.Second)
	older := w.dial(t, "two")
	w.pass(time.Second)
	redialed := w.dial(t, "three")
	w.slip(t, "us", first) // so that nobody is given it late
	has(t, w.dial(t, "three"), first, emergency.NumberLeased)
	if got := w.offer(t, standing); got.CallID != older.ID {
		t.Errorf("the callback gives %+v, want the latest caller without a number", got)
	}
	w.finish(t, older.ID)
	w.leaseLate(t)
	same(t, "its number", first, w.read(t, redialed.ID).Number)
	if got := w.offer(t, standing); got.AgentID != "one" {
		t.Errorf("then the callback gives %+v, want the other one without a number", got)
	}
}

// The PSAP may still call what it saw, and reaches whoever has got a number since if
// there is nobody else.
func standingReachesALateLease(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	w.dial(t, "one")
	w.pass(time.Second)
	latest := w.dial(t, "two")
	w.add(t, first, "us")
	w.add(t, second, "us")
	same(t, "the number of the latest", second, w.read(t, latest.ID).Number)
	if got := w.offer(t, standing); got.CallID != latest.ID || got.Verdict != emergency.ConnectAgent {
		t.Errorf("the callback gives %+v, want the latest caller", got)
	}
}

// A callback is for a test only if nobody has called for help (B13).
func standingHelpBeforeATest(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	help := w.dial(t, "one")
	w.pass(time.Second)
	test := w.test(t, "two")
	has(t, test, standing, emergency.NumberStanding)
	if got := w.offer(t, standing); got.CallID != help.ID {
		t.Errorf("the callback gives %+v, want the call for help", got)
	}
	w.add(t, first, "us")
	same(t, "the number of the call for help", first, w.read(t, help.ID).Number)
	if got := w.offerFrom(t, standing, "+12025550912"); got.CallID != help.ID {
		t.Errorf("the callback gives %+v, want the call for help, which has a number now", got)
	}
	w.finish(t, help.ID)
	if got := w.offer(t, standing); got.CallID != test.ID || got.Kind != emergency.KindTest {
		t.Errorf("after that the callback gives %+v, want the test", got)
	}
}

// Once the call is over, its desk answers for as long as a leased number would rest;
// then the standing number is the site's own line again (B5, B6).
func standingThenTheDesk(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two", "three")
	w.finish(t, w.dial(t, "three").ID)
	w.pass(time.Second)
	older := w.dial(t, "one")
	w.pass(time.Second)
	call := w.dial(t, "two")
	w.finish(t, call.ID)
	w.pass(time.Minute)
	w.finish(t, older.ID) // it was over later, so the PSAP rather means this one
	w.decides(t, standing, toTheDesk(older))
	w.clock.set(w.read(t, older.ID).ClosedAt.Add(agreed.Quarantine - time.Microsecond))
	w.decides(t, standing, toTheDesk(older))
	w.pass(time.Microsecond)
	w.decides(t, standing, ordinary)
}

// The same holds when nobody has noticed yet that the call is over.
func standingDeskForAnOverdueCall(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	call := w.hangUp(t, w.dial(t, "one").ID, "")
	over := call.ExpiresAt()
	for _, closed := range []bool{false, true} {
		for _, at := range []struct {
			time time.Time
			want emergency.Verdict
		}{
			{over, emergency.ConnectFallback},
			{over.Add(agreed.Quarantine - time.Microsecond), emergency.ConnectFallback},
			{over.Add(agreed.Quarantine), emergency.NotAnEmergencyCallback},
		} {
			w.clock.set(at.time)
			if got := w.offer(t, standing); got.Verdict != at.want {
				t.Errorf("at %v, closed %v, the callback gives %+v, want %q", at.time, closed, got, at.want)
			}
		}
		w.clock.set(over.Add(time.Minute))
		w.expire(t)
	}
}

// The desk hears of the call for help, not of the test that was made after it (B13).
func standingDeskForHelpBeforeATest(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	help, test := w.dial(t, "one"), w.test(t, "two")
	w.finish(t, help.ID)
	w.pass(agreed.Quarantine - time.Minute)
	w.finish(t, test.ID)
	if got := w.offer(t, standing); got.CallID != help.ID || got.Kind != emergency.KindEmergency {
		t.Errorf("the callback gives %+v, want the call for help", got)
	}
	w.pass(time.Minute)
	if got := w.offer(t, standing); got.CallID != test.ID || got.Kind != emergency.KindTest {
		t.Errorf("then the callback gives %+v, want the test", got)
	}
}

// The standing number may be the main line of the site: nobody who rings it is kept
// from there without a reason. Calls that showed a number of their own are none.
func standingNobodyShowed(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.decides(t, standing, ordinary)
	w.finish(t, call.ID)
	w.decides(t, standing, ordinary)
}
