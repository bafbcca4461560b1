package store_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// The numbers of the pools in these tests (reserved for fiction), and their states.
const (
	first, second, third = "+12025550101", "+12025550102", "+12025550103"

	free, leased      = emergency.NumberFree, emergency.NumberInLease
	resting, draining = emergency.NumberQuarantined, emergency.NumberDraining
)

// leaseRules are about who has which callback number, and for how long.
var leaseRules = []rule{
	{"least recently used", leastRecentlyUsed},
	{"quarantine", quarantine},
	{"redial joins", redialJoins},
	{"redial joins with an empty pool", redialJoinsWithAnEmptyPool},
	{"claims of two agents are apart", claimsAreApart},
	{"sharing is impossible", sharingIsImpossible},
	{"exhausted", exhausted},
	{"of another site", neverOfAnotherSite},
	{"agent moves to another site", agentMoves},
	{"ensured", ensureLease},
	{"ensured after a loss", ensureLeaseAfterLoss},
	{"route ensured", ensureRoute},
}

// Numbers are taken least recently used first, so that a late callback finds the
// number at rest as long as can be (B5).
func leastRecentlyUsed(t *testing.T, w *world) {
	w.addSite(t, "us", third, first, second)
	w.addAgents(t, "us", "one", "two", "three", "four", "five")
	var calls []emergency.Call
	for _, agent := range []emergency.AgentID{"one", "two", "three"} {
		calls = append(calls, w.dial(t, agent))
		w.pass(time.Second)
	}
	has(t, calls[0], first, emergency.NumberLeased)
	has(t, calls[1], second, emergency.NumberLeased)
	has(t, calls[2], third, emergency.NumberLeased)
	// Use ends with the release, not with the lease: the second was released first.
	for _, i := range []int{1, 2, 0} {
		w.finish(t, calls[i].ID)
		w.pass(time.Second)
	}
	w.pass(agreed.Quarantine)
	has(t, w.dial(t, "four"), second, emergency.NumberLeased)
	has(t, w.dial(t, "five"), third, emergency.NumberLeased)
	has(t, w.dial(t, "one"), first, emergency.NumberLeased)
}

// A released number rests before the next caller gets it, and not longer (B5).
func quarantine(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two", "three")
	call := w.dial(t, "one")
	w.states(t, map[string]emergency.NumberState{first: leased})
	w.finish(t, call.ID)
	numbers, err := w.Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	freeAt := noon.Add(agreed.Quarantine)
	same(t, "the number at rest", []emergency.CallbackNumber{{Number: first, SiteID: "us", State: resting, FreeAt: freeAt}}, numbers)
	w.clock.set(freeAt.Add(-time.Microsecond))
	w.states(t, map[string]emergency.NumberState{first: resting})
	has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
	w.clock.set(freeAt)
	w.states(t, map[string]emergency.NumberState{first: free})
	has(t, w.dial(t, "three"), first, emergency.NumberLeased)
}

// A redial within the window keeps the number, and the number goes back with the
// last of the agent's calls (B2).
func redialJoins(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	before := w.dial(t, "one")
	w.hangUp(t, before.ID, "")
	w.pass(50 * time.Minute)
	again := w.dial(t, "one")
	has(t, again, first, emergency.NumberLeased)
	if want := w.clock.read().Add(agreed.Lease); !again.WindowEndsAt().Equal(want) {
		t.Errorf("the window ends at %v, want %v: a redial starts its 60 minutes again", again.WindowEndsAt(), want)
	}
	w.finish(t, before.ID)
	w.states(t, map[string]emergency.NumberState{first: leased, second: free})
	if got := w.offer(t, first); got.AgentID != "one" || got.CallID != again.ID {
		t.Errorf("a callback reaches %+v, want the redial", got)
	}
	w.hangUp(t, again.ID, "")
	w.pass(time.Minute)
	w.finish(t, again.ID)
	w.states(t, map[string]emergency.NumberState{first: resting, second: free})
	if left := w.count(t, `SELECT COUNT(*) FROM routes`); left != 0 {
		t.Errorf("%d routes outlive the lease", left)
	}
	w.pass(agreed.Quarantine - time.Microsecond)
	w.states(t, map[string]emergency.NumberState{first: resting, second: free})
	w.pass(time.Microsecond)
	w.states(t, map[string]emergency.NumberState{first: free, second: free})
}

// A redial needs no free number (B2).
func redialJoinsWithAnEmptyPool(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.dial(t, "one")
	has(t, w.dial(t, "one"), first, emergency.NumberLeased)
}

// One agent's end leaves the other agent's number alone (B5).
func claimsAreApart(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	one, two := w.dial(t, "one"), w.dial(t, "two")
	has(t, two, second, emergency.NumberLeased)
	w.finish(t, one.ID)
	w.states(t, map[string]emergency.NumberState{first: resting, second: leased})
	if got := w.offer(t, second); got.CallID != two.ID {
		t.Errorf("a callback reaches %+v, want the other agent's call", got)
	}
}

// Two agents cannot share a number, nor one agent show two at a site, whatever
// the code above the tables does (B2, B5).
func sharingIsImpossible(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	call := w.dial(t, "one")
	for what, query := range map[string]string{
		"a number leased twice":          `INSERT INTO leases (number, agent_id, site_id, leased_at) VALUES ('` + first + `', 'two', 'us', $1)`,
		"a second number for an agent":   `INSERT INTO leases (number, agent_id, site_id, leased_at) VALUES ('` + second + `', 'one', 'us', $1)`,
		"a lease of no number":           `INSERT INTO leases (number, agent_id, site_id, leased_at) VALUES ('` + third + `', 'two', 'us', $1)`,
		"a route without a lease":        `INSERT INTO routes (number, agent_id, registered_at) VALUES ('` + second + `', 'two', $1)`,
		"a second route":                 `INSERT INTO routes (number, agent_id, registered_at) VALUES ('` + first + `', 'two', $1)`,
		"a lease gone with claims on it": `DELETE FROM leases WHERE leased_at <= $1`,
		"a leased number gone":           `DELETE FROM callback_numbers WHERE last_used_at <= $1`,
	} {
		if _, err := w.raw.ExecContext(t.Context(), query, noon.Add(time.Second)); err == nil {
			t.Errorf("the tables allow %s", what)
		}
	}
	if _, err := w.raw.ExecContext(t.Context(), `INSERT INTO lease_claims (call_id, number) VALUES ($1, $2)`, call.ID, second); err == nil {
		t.Error("the tables allow a call with two numbers")
	}
}

// An empty pool does not stop a call: it shows the site's standing number (B5).
func exhausted(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two", "three")
	w.dial(t, "one")
	two, three := w.dial(t, "two"), w.dial(t, "three")
	has(t, two, standing, emergency.NumberStanding)
	has(t, three, standing, emergency.NumberStanding)
	w.shows(t, "two", emergency.StatusDoNotDisturb)
	w.finish(t, two.ID)
	w.states(t, map[string]emergency.NumberState{first: leased})
	w.shows(t, "two", emergency.StatusAvailable)
}

// A number is registered for one address, so it is never shown at another (S3).
func neverOfAnotherSite(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addSite(t, "pr")
	w.addAgents(t, "pr", "one")
	has(t, w.dial(t, "one"), elsewhere, emergency.NumberStanding)
	w.states(t, map[string]emergency.NumberState{first: free})
}

// An agent who moves has a number of the new site, and the PSAP that has the old
// one still reaches the agent (S4).
func agentMoves(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addSite(t, "pr", second)
	w.addAgents(t, "us", "one")
	before := w.dial(t, "one")
	if err := only(w.PutAgent(t.Context(), agentNamed("one", "pr"), emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	moved := w.dial(t, "one")
	has(t, moved, second, emergency.NumberLeased)
	if got := w.offer(t, first); got.CallID != before.ID {
		t.Errorf("a callback to the old number reaches %+v", got)
	}
	if got := w.offer(t, second); got.CallID != moved.ID {
		t.Errorf("a callback to the new number reaches %+v", got)
	}
}

func (w *world) ensured(t *testing.T, id emergency.CallID) store.Lease {
	t.Helper()
	lease, err := w.EnsureLease(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// The workflow finds the dial's work done, however often it asks; and it cannot
// take a number back for a call that is over.
func ensureLease(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	for range 2 {
		same(t, "the lease", store.Lease{Number: first, Kind: emergency.NumberLeased}, w.ensured(t, call.ID))
	}
	w.states(t, map[string]emergency.NumberState{first: leased, second: free})
	w.finish(t, call.ID)
	same(t, "the lease", store.Lease{Number: first, Kind: emergency.NumberLeased, Closed: true}, w.ensured(t, call.ID))
	w.states(t, map[string]emergency.NumberState{first: resting, second: free})
	if _, err := w.EnsureLease(t.Context(), "no-such-call"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}

// A call whose claim is lost takes a number anew, and callbacks reach it there and on
// the one that the PSAP saw; one that shows the standing number keeps it, because the PSAP has seen it (B5).
func ensureLeaseAfterLoss(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two", "three")
	call := w.dial(t, "one")
	w.run(t, `DELETE FROM lease_claims`)
	w.run(t, `DELETE FROM leases`)
	same(t, "the lease", store.Lease{Number: second, Kind: emergency.NumberLeased}, w.ensured(t, call.ID))
	same(t, "the number", second, w.read(t, call.ID).Number)
	for _, number := range []string{first, second} {
		if got := w.offer(t, number); got.CallID != call.ID {
			t.Errorf("a callback to %s reaches %+v", number, got)
		}
	}
	other := w.dial(t, "two")
	same(t, "the standing lease", store.Lease{Number: standing, Kind: emergency.NumberStanding}, w.ensured(t, other.ID))
}

// The workflow makes sure of the route; without it a callback reaches the desk (S5).
func ensureRoute(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	call := w.dial(t, "one")
	w.run(t, `DELETE FROM routes`)
	if got := w.offer(t, first).Verdict; got != emergency.ConnectFallback {
		t.Errorf("without a route the verdict is %q", got)
	}
	for range 2 {
		if err := w.EnsureRoute(t.Context(), call.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.offer(t, first); got.CallID != call.ID {
		t.Errorf("a callback reaches %+v", got)
	}
	w.finish(t, call.ID)
	if err := w.EnsureRoute(t.Context(), call.ID); err != nil {
		t.Fatal(err)
	}
	if routes := w.count(t, `SELECT COUNT(*) FROM routes`); routes != 0 {
		t.Errorf("a closed call has %d routes", routes)
	}
}
