package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// timeRules are about times that come from elsewhere: a caller's zone must make
// no difference, nor must the zone of the machine or of the server.
var timeRules = []rule{
	{"dialed in another zone", dialedInAnotherZone},
	{"compared across zones", comparedAcrossZones},
	{"fractions compare", fractionsCompare},
}

// Zones in which noon UTC falls on the day before and the day after.
var (
	west = time.FixedZone("west", -13*60*60)
	east = time.FixedZone("east", 14*60*60)
)

// A call that was dialed in some zone reads in UTC.
func dialedInAnotherZone(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.placement(t, "one")
	p.At = noon.In(east)
	w.place(t, p)
	call := w.read(t, p.CallID)
	for what, at := range map[string]time.Time{"dialed": call.DialedAt, "leg": call.Legs[0].StartedAt} {
		if !at.Equal(noon) || at.Location() != time.UTC {
			t.Errorf("%s at %v, want %v", what, at, noon)
		}
	}
	ended, err := w.EndLegs(t.Context(), store.Ending{CallID: call.ID, At: noon.Add(time.Minute).In(west)})
	if err != nil || !ended.LastEnded().Equal(noon.Add(time.Minute)) {
		t.Errorf("ended at %v, %v", ended.LastEnded(), err)
	}
	same(t, "the call as read", ended, w.read(t, call.ID))
}

// Quarantine, window, outbox and events compare moments and not their spelling.
func comparedAcrossZones(t *testing.T, w *world) {
	for _, zone := range []*time.Location{west, east} {
		w.wipe(t)
		w.addSite(t, "us", first)
		w.addAgents(t, "us", "one", "two", "three")
		w.clock.set(noon.In(zone))
		call := w.hangUp(t, w.dial(t, "one").ID, "")
		// The window.
		w.clock.set(call.ExpiresAt().In(zone))
		if got := w.offer(t, first).Verdict; got != emergency.ConnectFallback {
			t.Errorf("after the window the verdict is %q", got)
		}
		w.clock.set(call.ExpiresAt().Add(agreed.Quarantine).In(zone))
		if got := w.offer(t, first).Verdict; got != emergency.NotAnEmergencyCallback {
			t.Errorf("after the quarantine the verdict is %q", got)
		}
		w.clock.set(call.ExpiresAt().Add(-time.Microsecond).In(zone))
		if got := w.offer(t, first).Verdict; got != emergency.ConnectAgent {
			t.Errorf("at the end of the window the verdict is %q", got)
		}
		// The outbox and the events.
		for at, want := range map[time.Time]int{noon.Add(-time.Microsecond): 0, noon: 1} {
			if ids, err := w.WaitingCalls(t.Context(), at.In(zone), 10); err != nil || len(ids) != want {
				t.Errorf("at %v there wait %v, %v", at.In(zone), ids, err)
			}
		}
		if err := w.ForgetEvents(t.Context(), noon.In(zone)); err != nil {
			t.Fatal(err)
		}
		if events := w.since(t, 0); len(events) == 0 {
			t.Errorf("events of noon were forgotten before noon in %v", zone)
		}
		// The quarantine.
		freeAt := w.clock.read().Add(agreed.Quarantine)
		w.finish(t, call.ID)
		w.clock.set(freeAt.Add(-time.Microsecond).In(zone))
		has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
		w.clock.set(freeAt.In(zone))
		has(t, w.dial(t, "three"), first, emergency.NumberLeased)
	}
}

// A time with fractions of a second compares right with one without, and with one
// that has more digits.
func fractionsCompare(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	for _, fraction := range []time.Duration{0, 500 * time.Millisecond, 510 * time.Millisecond, 999999 * time.Microsecond} {
		w.clock.set(noon.Add(fraction))
		call := w.dial(t, "one")
		w.finish(t, call.ID)
		w.pass(agreed.Quarantine - time.Microsecond)
		w.states(t, map[string]emergency.NumberState{first: resting})
		has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
		w.pass(time.Microsecond)
		last := w.dial(t, "two")
		has(t, last, first, emergency.NumberLeased)
		w.finish(t, last.ID)
		w.wipe(t)
		w.addSite(t, "us", first)
		w.addAgents(t, "us", "one", "two")
	}
}
