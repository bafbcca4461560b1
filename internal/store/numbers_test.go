package store_test

import (
	"errors"
	"testing"

	"lifeline/internal/emergency"
)

// numberRules are about the administrator's pool.
var numberRules = []rule{
	{"added and listed", addedAndListed},
	{"refused", numbersRefused},
	{"removed when free", removedWhenFree},
	{"drained when leased", drainedWhenLeased},
	{"comes back from draining", comesBackFromDraining},
}

// The pool is listed by site and number.
func addedAndListed(t *testing.T, w *world) {
	w.addSite(t, "us", second, first)
	w.addSite(t, "pr", third)
	numbers, err := w.Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the pool", []emergency.CallbackNumber{
		{Number: third, SiteID: "pr", State: free},
		{Number: first, SiteID: "us", State: free},
		{Number: second, SiteID: "us", State: free},
	}, numbers)
}

// What cannot be a number of this pool is refused in words, and changes nothing.
func numbersRefused(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one")
	if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("added twice gives %v, want ErrNumberExists", err)
	}
	if err := w.AddNumber(t.Context(), first, "pr", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("added at another site gives %v, want ErrNumberExists", err)
	}
	if err := w.AddNumber(t.Context(), standing, "us", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("the standing number in a pool gives %v, want ErrNumberExists", err)
	}
	us, err := w.Site(t.Context(), "us")
	if err != nil {
		t.Fatal(err)
	}
	us.StandingNumber = first
	if err := only(w.PutSite(t.Context(), us, emergency.Change{})); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("a pool's number standing for a site gives %v, want ErrNumberExists", err)
	}
	if err := w.AddNumber(t.Context(), second, "nowhere", emergency.Change{}); !errors.Is(err, emergency.ErrUnknownSite) {
		t.Errorf("added nowhere gives %v, want ErrUnknownSite", err)
	}
	var invalid *emergency.Invalid
	if err := w.AddNumber(t.Context(), "202 555 0101", "us", emergency.Change{}); !errors.As(err, &invalid) {
		t.Errorf("added as dialed gives %v, want *Invalid", err)
	}
	if err := w.RemoveNumber(t.Context(), second, emergency.Change{}); !errors.Is(err, emergency.ErrUnknownNumber) {
		t.Errorf("removing what is not there gives %v, want ErrUnknownNumber", err)
	}
	// A drained number belongs to its site's address until it is gone.
	w.dial(t, "one")
	if err := w.RemoveNumber(t.Context(), first, emergency.Change{}); err != nil {
		t.Fatal(err)
	}
	if err := w.AddNumber(t.Context(), first, "pr", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("a drained number added at another site gives %v, want ErrNumberExists", err)
	}
	w.states(t, map[string]emergency.NumberState{first: draining})
}

// A number that nobody holds goes at once, also from quarantine.
func removedWhenFree(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	w.finish(t, w.dial(t, "one").ID)
	w.states(t, map[string]emergency.NumberState{first: resting, second: free})
	for _, number := range []string{first, second} {
		if err := w.RemoveNumber(t.Context(), number, emergency.Change{}); err != nil {
			t.Fatal(err)
		}
	}
	w.states(t, map[string]emergency.NumberState{})
}

// No caller loses a number that a PSAP has seen: it leaves with the lease, and a
// redial keeps it until then (S4, B2).
func drainedWhenLeased(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	call := w.dial(t, "one")
	for range 2 {
		if err := w.RemoveNumber(t.Context(), first, emergency.Change{}); err != nil {
			t.Fatal(err)
		}
	}
	w.states(t, map[string]emergency.NumberState{first: draining})
	if got := w.offer(t, first); got.CallID != call.ID {
		t.Errorf("a callback gives %+v", got)
	}
	again := w.dial(t, "one")
	has(t, again, first, emergency.NumberLeased)
	w.finish(t, call.ID)
	w.states(t, map[string]emergency.NumberState{first: draining})
	w.finish(t, again.ID)
	w.states(t, map[string]emergency.NumberState{})
	has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
}

// An administrator may change their mind while the number drains.
func comesBackFromDraining(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	if err := w.RemoveNumber(t.Context(), first, emergency.Change{}); err != nil {
		t.Fatal(err)
	}
	if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); err != nil {
		t.Fatal(err)
	}
	w.states(t, map[string]emergency.NumberState{first: leased})
	w.finish(t, call.ID)
	w.states(t, map[string]emergency.NumberState{first: resting})
}
