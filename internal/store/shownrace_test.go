package store_test

import (
	"errors"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// shownRaceRules are about what is written down late, while everything else goes on (B7).
var shownRaceRules = []rule{
	{"a dial and its replays", shownRaceReplays},
	{"a call and its end", shownRaceEnd},
	{"a callback and its end", shownRaceCallbackEnd},
	{"two for one number", shownRaceNumber},
	{"a callback as the call closes", shownRaceClose},
}

// rounds is how often each race is run.
const rounds = 25

// However the dial that seemed to fail and the replays of two processes meet, the call is
// there once, and callbacks to what the PSAP saw are for it.
func shownRaceReplays(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(4)...)
	w.addAgents(t, "us", "one")
	stores := []*world{w, w.beside(t)}
	for range rounds {
		p := w.placement(t, "one")
		atOnce(t, 3, func(i int) error {
			placed := p
			if i > 0 {
				placed = shownIn(p, standing)
			}
			return failed("place call", only(stores[i%2].PlaceCall(t.Context(), placed)))
		})
		call := w.read(t, p.CallID)
		if len(call.Legs) != 1 || !call.Degraded || call.Route.CallerID != standing {
			t.Errorf("the call is %+v", call)
		}
		w.finish(t, p.CallID)
		same(t, "leases", 0, w.count(t, `SELECT COUNT(*) FROM leases`))
	}
}

// ends tells the end of what may not be there yet.
func (w *world) ends(t *testing.T, e store.Ending) error {
	t.Helper()
	e.Reason, e.At, e.Tell = emergency.EndHungUp, w.clock.read(), true
	err := only(w.EndLegs(t.Context(), e))
	if errors.Is(err, emergency.ErrUnknownCall) || errors.Is(err, emergency.ErrUnknownLeg) {
		return nil
	}
	return failed("end", err)
}

// The end of a call that comes while the call is written down is not lost, nor does its
// agent stay on Do not disturb (B16).
func shownRaceEnd(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	other := w.beside(t)
	for range rounds {
		p := w.showing(t, "one", standing)
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return failed("place call", only(w.PlaceCall(t.Context(), p)))
			}
			return other.ends(t, store.Ending{CallID: p.CallID})
		})
		if w.read(t, p.CallID).LegUp() {
			t.Fatal("the end was lost")
		}
		w.shows(t, "one", emergency.StatusAvailable)
	}
}

func shownRaceCallbackEnd(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	other := w.beside(t)
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, call.Legs[0].ID)
	for range rounds {
		a := w.connected(call.ID, noon)
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return failed("keep callback", w.KeepCallback(t.Context(), a))
			}
			return other.ends(t, store.Ending{CallID: call.ID, LegID: a.LegID})
		})
		if leg := w.read(t, call.ID).Leg(a.LegID); leg.ID == "" || leg.Up() {
			t.Fatalf("the leg is %+v", leg)
		}
		w.shows(t, "one", emergency.StatusAvailable)
	}
}

// When a call that showed a number is written down just as another agent gets that very
// number, one of them holds it, and the other knows that he does not (B5).
func shownRaceNumber(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	other := w.beside(t)
	for range rounds {
		p, rival := w.showing(t, "one", first), w.placement(t, "two")
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return failed("place answered call", only(w.PlaceCall(t.Context(), p)))
			}
			return failed("place call", only(other.PlaceCall(t.Context(), rival)))
		})
		one, two := w.read(t, p.CallID), w.read(t, rival.CallID)
		if one.NumberKind == two.NumberKind {
			t.Errorf("both have the %s number", one.NumberKind)
		}
		w.finish(t, p.CallID)
		w.finish(t, rival.CallID)
		w.pass(5 * agreed.MaxCall)
	}
}

// A callback that is written down as its call is closed either has its leg or is in the
// audit; nobody stays on Do not disturb for it.
func shownRaceClose(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	other := w.beside(t)
	for range rounds {
		call := w.hangUp(t, w.dial(t, "one").ID, "")
		a := w.connected(call.ID, noon)
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return failed("keep callback", other.KeepCallback(t.Context(), a))
			}
			return failed("close call", only(w.CloseCall(t.Context(), call.ID, "completed")))
		})
		after := w.read(t, call.ID)
		audited := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'callback-after-close' AND call_id = $1`, call.ID)
		if after.ClosedAt.IsZero() != after.LegUp() || after.HasLeg(a.LegID) == (audited > 0) {
			t.Errorf("the call is %+v, with %d lines in the audit", after, audited)
		}
		w.hangUp(t, call.ID, "")
		w.shows(t, "one", emergency.StatusAvailable)
		w.closeCall(t, call.ID)
	}
}
