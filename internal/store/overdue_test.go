package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// overdueRules are about calls that their workflow has left behind: it was
// terminated, or Temporal is away for longer than the call's window (S11).
var overdueRules = []rule{
	{"gives everything back", overdueGivesBack},
	{"not before its time", notBeforeItsTime},
	{"makes room for a dial", overdueMakesRoom},
	{"rests from its end", restsFromItsEnd},
	{"rests from its latest use", restsFromItsLatestUse},
	{"a broken call stops no other", brokenCallStopsNoOther},
}

// A forgotten call ends by itself: number, route, leg and presence (B16).
func overdueGivesBack(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.clock.set(call.ExpiresAt())
	w.expire(t)
	ended := w.read(t, call.ID)
	if !ended.ClosedAt.Equal(call.ExpiresAt()) || ended.LegUp() {
		t.Errorf("the call was closed at %v, with legs %+v", ended.ClosedAt, ended.Legs)
	}
	if reason := ended.Legs[0].Reason; reason != emergency.EndMaxDuration {
		t.Errorf("the leg ended because of %q", reason)
	}
	w.shows(t, "one", emergency.StatusAvailable)
	w.states(t, map[string]emergency.NumberState{first: resting})
	if routes := w.count(t, `SELECT COUNT(*) FROM routes`); routes != 0 {
		t.Errorf("%d routes are left", routes)
	}
	if audits := w.count(t, `SELECT COUNT(*) FROM audit WHERE call_id = $1 AND outcome = 'expired'`, call.ID); audits != 1 {
		t.Errorf("the audit has %d lines of it", audits)
	}
	w.expire(t)
	same(t, "the call looked at again", ended, w.read(t, call.ID))
}

// Nothing expires within its window or while a leg may still be up (B1).
func notBeforeItsTime(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	up, ended := w.dial(t, "one"), w.dial(t, "two")
	w.pass(59 * time.Minute)
	ended = w.hangUp(t, ended.ID, "")
	w.clock.set(ended.ExpiresAt().Add(-time.Microsecond))
	w.expire(t)
	w.states(t, map[string]emergency.NumberState{first: leased, second: leased})
	w.clock.set(ended.ExpiresAt())
	w.expire(t)
	w.states(t, map[string]emergency.NumberState{first: leased, second: resting})
	w.clock.set(up.ExpiresAt().Add(-time.Microsecond))
	w.expire(t)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.states(t, map[string]emergency.NumberState{first: leased, second: free})
	// A callback may come between the look and the lock, which an expiry that is not
	// the call's stands for here.
	w.run(t, `UPDATE calls SET expires_at = $2 WHERE id = $1`, up.ID, noon)
	w.expire(t)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.states(t, map[string]emergency.NumberState{first: leased, second: free})
}

// An empty pool looks for leases that outlived their workflow, before the site's
// standing number has to do (B5).
func overdueMakesRoom(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two", "three")
	forgotten := w.dial(t, "one")
	w.clock.set(forgotten.ExpiresAt().Add(agreed.Quarantine - time.Microsecond))
	has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
	w.pass(time.Microsecond)
	has(t, w.dial(t, "three"), first, emergency.NumberLeased)
	if status := w.read(t, forgotten.ID).ClosedAt; status.IsZero() {
		t.Error("the forgotten call still holds its number")
	}
}

// Nobody could be called back on an expired lease, so the number has rested since
// then, however late that is noticed (B5).
func restsFromItsEnd(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.clock.set(call.ExpiresAt().Add(agreed.Quarantine - time.Minute))
	w.expire(t)
	w.states(t, map[string]emergency.NumberState{first: resting})
	w.pass(time.Minute)
	w.states(t, map[string]emergency.NumberState{first: free})
}

// A number rests from its latest use, in whatever order the calls on it are
// noticed to be over; and by that use it waits for its turn (B2, B5).
func restsFromItsLatestUse(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two", "three")
	forgotten := w.hangUp(t, w.dial(t, "one").ID, "")
	w.pass(50 * time.Minute)
	redial, other := w.dial(t, "one"), w.dial(t, "two")
	w.clock.set(redial.WindowEndsAt())
	w.finish(t, other.ID)
	w.pass(time.Second)
	w.finish(t, redial.ID)
	if !w.clock.read().After(forgotten.ExpiresAt().Add(agreed.Quarantine)) {
		t.Fatal("the redial must end after the forgotten call would have rested")
	}
	w.expire(t)
	w.states(t, map[string]emergency.NumberState{first: resting, second: resting})
	w.pass(agreed.Quarantine)
	w.states(t, map[string]emergency.NumberState{first: free, second: free})
	has(t, w.dial(t, "three"), second, emergency.NumberLeased)
}

// A call that cannot be read keeps neither the others from ending nor anybody from
// dialing (B7).
func brokenCallStopsNoOther(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two", "three")
	broken, forgotten := w.dial(t, "one"), w.dial(t, "two")
	w.run(t, `UPDATE calls SET terms = 'nonsense', expires_at = $2 WHERE id = $1`, broken.ID, noon)
	w.clock.set(forgotten.ExpiresAt().Add(agreed.Quarantine))
	has(t, w.dial(t, "three"), second, emergency.NumberLeased)
	if err := w.ExpireOverdue(t.Context()); err == nil {
		t.Error("nobody hears of the broken call")
	}
}
