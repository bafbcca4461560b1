package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// poolRules are about how well a pool is filled, and about what tests may take of it.
var poolRules = []rule{
	{"counted by site", poolsBySite},
	{"without those on their way out", poolsWithoutDraining},
	{"leases of the last hour", poolsLastHour},
	{"returns", poolsReturns},
	{"returns of a call that goes on", poolsReturnsUnderALeg},
	{"a broken call stops no other", poolsPastABrokenCall},
	{"state told once", poolStateToldOnce},
	{"state told once by two processes", poolStateByTwoProcesses},
	{"tests leave a reserve", testsLeaveAReserve},
	{"tests leave a reserve, all at once", testsLeaveAReserveAtOnce},
	{"a test joins the agent's number", testJoins},
	{"a call for help joins the test's number", helpJoinsTheTest},
}

func (w *world) pools(t tb) []emergency.Pool {
	t.Helper()
	pools, err := w.Pools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pools
}

// Every number of a site is free, leased or at rest; a site without any is listed too.
func poolsBySite(t *testing.T, w *world) {
	same(t, "the pools without a site", 0, len(w.pools(t)))
	w.addSite(t, "us", numbers(4)...)
	w.addSite(t, "dk")
	w.addSite(t, "pr", "+12025550120")
	w.addAgents(t, "us", "one", "two")
	w.addAgents(t, "dk", "three")
	w.finish(t, w.dial(t, "one").ID)
	w.dial(t, "two")
	w.dial(t, "three") // shows the standing number
	want := []emergency.Pool{
		{SiteID: "dk"},
		{SiteID: "pr", Free: 1},
		{
			SiteID: "us", Free: 2, Leased: 1, Resting: 1, LastHour: 2,
			Returns: []time.Time{noon.Add(agreed.Quarantine), noon.Add(agreed.Lease + agreed.Quarantine)},
		},
	}
	same(t, "the pools", want, w.pools(t))
	w.clock.set(noon.Add(agreed.Quarantine - time.Microsecond))
	same(t, "the pools at the end of the quarantine", want, w.pools(t))
	w.pass(time.Microsecond)
	want[2].Free, want[2].Resting, want[2].Returns = 3, 0, want[2].Returns[1:]
	same(t, "the pools after the quarantine", want, w.pools(t))
}

// A number that was removed is of no use to the next caller, and counts again when it
// comes back (B5).
func poolsWithoutDraining(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(4)...)
	w.addAgents(t, "us", "one", "two", "three")
	w.finish(t, w.dial(t, "one").ID)
	w.dial(t, "two")
	w.dial(t, "three")
	counts := func() [3]int {
		pool := w.pools(t)[0]
		if used := pool.Leased + pool.Resting; len(pool.Returns) != used {
			t.Errorf("%d of %d numbers in use return", len(pool.Returns), used)
		}
		return [3]int{pool.Free, pool.Leased, pool.Resting}
	}
	same(t, "free, leased and resting", [3]int{1, 2, 1}, counts())
	for i, want := range [][3]int{{1, 2, 0}, {1, 1, 0}, {1, 0, 0}, {0, 0, 0}} {
		w.remove(t, numbers(4)[i])
		same(t, fmt.Sprintf("free, leased and resting without %d", i+1), want, counts())
	}
	w.forgetNumbers(t)
	for i, want := range [][3]int{{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {1, 2, 1}} {
		w.add(t, numbers(4)[i], "us")
		same(t, fmt.Sprintf("free, leased and resting with %d again", i+1), want, counts())
	}
}

// A redial is no new lease, and a lease counts for an hour from its beginning, whatever
// has become of it; so the rate is that of the callers.
func poolsLastHour(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(6)...)
	w.addAgents(t, "us", "one", "two", "three", "four")
	last := func(want int) {
		t.Helper()
		if got := w.pools(t)[0].LastHour; got != want {
			t.Errorf("at %v there are %d leases of the last hour, want %d", w.clock.read(), got, want)
		}
	}
	last(0)
	kept, given := w.dial(t, "one"), w.dial(t, "two")
	w.dial(t, "one")
	last(2)
	w.finish(t, given.ID)
	last(2)
	w.pass(30 * time.Minute) // the quarantine is over
	last(2)
	w.dial(t, "one")
	w.dial(t, "three")
	last(3)
	w.clock.set(kept.DialedAt.Add(time.Hour - time.Microsecond))
	last(3)
	w.pass(time.Microsecond)
	last(1)
	w.finish(t, kept.ID)
	last(1)
	w.pass(time.Hour)
	last(0)
}

// A leased number comes back when the window of the last call on it is over, and its
// quarantine; one at rest when its quarantine is. The earliest is first (B1, B5).
func poolsReturns(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(4)...)
	w.addAgents(t, "us", "one", "two", "three")
	w.finish(t, w.dial(t, "three").ID)
	returns := []time.Time{noon.Add(agreed.Quarantine)}
	w.pass(time.Minute)
	one := w.dial(t, "one")
	w.pass(time.Minute)
	two := w.dial(t, "two")
	w.hangUp(t, two.ID, "")
	w.pass(50 * time.Minute)
	one = w.hangUp(t, one.ID, "") // so the grace ends after the hour
	two = w.hangUp(t, w.dial(t, "two").ID, "")
	if !two.WindowEndsAt().After(one.WindowEndsAt()) || !one.WindowEndsAt().After(one.DialedAt.Add(agreed.Lease)) {
		t.Fatal("the windows end otherwise")
	}
	returns = append(returns, one.WindowEndsAt().Add(agreed.Quarantine), two.WindowEndsAt().Add(agreed.Quarantine))
	same(t, "the returns", returns[1:], w.pools(t)[0].Returns)
	w.clock.set(noon.Add(3 * time.Minute))
	same(t, "the returns while the first one rests", returns, w.pools(t)[0].Returns)
}

// With a leg up nobody knows when the window ends: no sooner than if the leg ended now
// (B1).
func poolsReturnsUnderALeg(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.pass(2 * time.Hour)
	same(t, "the returns", []time.Time{w.clock.read().Add(agreed.Grace + agreed.Quarantine)}, w.pools(t)[0].Returns)
	w.hangUp(t, call.ID, "")
	w.pass(time.Minute)
	same(t, "the returns after the leg", []time.Time{w.clock.read().Add(agreed.Grace + agreed.Quarantine - time.Minute)}, w.pools(t)[0].Returns)
}

// A call that cannot be read does not keep anybody from hearing that a pool is nearly
// empty (B5).
func poolsPastABrokenCall(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.run(t, `UPDATE calls SET terms = 'nonsense' WHERE id = $1`, call.ID)
	if pool := w.pools(t)[0]; pool.Free != 0 || pool.Leased != 1 {
		t.Errorf("the pool is %+v", pool)
	}
}

// A change of a pool's state is told once; a site begins with enough numbers.
func poolStateToldOnce(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addSite(t, "pr")
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []emergency.Event{}
	for _, step := range []struct {
		state   emergency.PoolState
		changes bool
	}{
		{emergency.PoolOK, false},
		{emergency.PoolLow, true},
		{emergency.PoolLow, false},
		{emergency.PoolExhausted, true},
		{emergency.PoolOK, true},
	} {
		w.pass(time.Minute)
		changed, err := w.SavePoolState(t.Context(), "us", step.state)
		if err != nil || changed != step.changes {
			t.Errorf("saving %s gives %v, %v, want %v", step.state, changed, err, step.changes)
		}
		if step.changes {
			want = append(want, emergency.Event{
				Type: emergency.EventPoolChanged, SiteID: "us", Status: emergency.Status(step.state), At: w.clock.read(),
			})
		}
	}
	got := w.since(t, last)
	for i := range got {
		got[i].Seq = 0
	}
	same(t, "the events", want, got)
	if _, err := w.SavePoolState(t.Context(), "nowhere", emergency.PoolLow); !errors.Is(err, emergency.ErrUnknownSite) {
		t.Errorf("the state of no site gives %v, want ErrUnknownSite", err)
	}
}

// Of several processes that notice a change, one tells of it.
func poolStateByTwoProcesses(t *testing.T, w *world) {
	w.addSite(t, "us")
	stores := []*world{w, w.beside(t)}
	changes := make([]bool, 6)
	atOnce(t, len(changes), func(i int) (err error) {
		changes[i], err = stores[i%2].SavePoolState(t.Context(), "us", emergency.PoolExhausted)
		return failed("save pool state", err)
	})
	changed := 0
	for _, change := range changes {
		if change {
			changed++
		}
	}
	if told := w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'pool-changed'`); changed != 1 || told != 1 {
		t.Errorf("%d processes have changed it, and it is told %d times", changed, told)
	}
}

// A test takes a number only if a fifth of the pool, and at least one, stays free for
// calls for help; else it shows the standing number (B13). Numbers on their way out
// are no part of the pool.
func testsLeaveAReserve(t *testing.T, w *world) {
	for _, c := range []struct{ pool, leased, resting, tests int }{
		{0, 0, 0, 0},
		{1, 0, 0, 0},
		{2, 0, 0, 1},
		{2, 1, 0, 0},
		{2, 0, 1, 0},
		{5, 0, 0, 4},
		{9, 0, 0, 8},
		{9, 3, 4, 1},
		{10, 0, 0, 8},
		{10, 3, 4, 1},
		{10, 4, 4, 0},
		{10, 9, 0, 0},
	} {
		w.wipe(t)
		w.addSite(t, "us", "+12025550133", "+12025550134")
		w.addSite(t, "pr", "+12025550130", "+12025550131", "+12025550132")
		w.addAgents(t, "us", "rested", "leaving")
		w.addAgents(t, "pr", "elsewhere", "there")
		w.finish(t, w.dial(t, "elsewhere").ID)
		w.dial(t, "there")
		w.finish(t, w.dial(t, "rested").ID)
		w.dial(t, "leaving")
		w.remove(t, "+12025550133")
		w.remove(t, "+12025550134")
		for _, number := range numbers(c.pool) {
			w.add(t, number, "us")
		}
		agents := w.crowd(t, "us", c.leased+c.resting+c.tests+1)
		for _, agent := range agents[:c.resting] {
			w.finish(t, w.dial(t, agent).ID)
		}
		for _, agent := range agents[c.resting : c.resting+c.leased] {
			w.dial(t, agent)
		}
		got := 0
		for _, agent := range agents[c.resting+c.leased:] {
			if w.test(t, agent).NumberKind == emergency.NumberLeased {
				got++
			}
		}
		if got != c.tests {
			t.Errorf("of %d numbers, %d leased and %d at rest, tests take %d, want %d", c.pool, c.leased, c.resting, got, c.tests)
		}
	}
}

// A drill of everybody at the same moment leaves the reserve too, and no call for help
// waits for it (B13).
func testsLeaveAReserveAtOnce(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(10)...)
	agents := w.crowd(t, "us", 14)
	stores := []*world{w, w.beside(t)}
	calls := make([]emergency.Call, 12)
	atOnce(t, len(calls), func(i int) (err error) {
		p := w.placement(t, agents[i])
		p.Dialed = emergency.Dialed{Number: "933", Kind: emergency.KindTest, Country: emergency.UnitedStates}
		calls[i], err = stores[i%2].PlaceCall(t.Context(), p)
		return failed("place call", err)
	})
	leases := 0
	for _, call := range calls {
		if call.NumberKind == emergency.NumberLeased {
			leases++
		}
	}
	if leases != 8 {
		t.Errorf("the drill has %d of the 10 numbers, want 8", leases)
	}
	for _, agent := range agents[12:] {
		if call := w.dial(t, agent); call.NumberKind != emergency.NumberLeased {
			t.Errorf("%s has the %s number", agent, call.NumberKind)
		}
	}
}

// A test of somebody whose call for help goes on shows that number, and takes none of
// the pool (B2).
func testJoins(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.dial(t, "one")
	has(t, w.test(t, "one"), first, emergency.NumberLeased)
}

// A call for help after a test shows the number of the test, which the agent has
// already (B2).
func helpJoinsTheTest(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	test := w.test(t, "one")
	has(t, test, first, emergency.NumberLeased)
	has(t, w.dial(t, "one"), first, emergency.NumberLeased)
	w.finish(t, test.ID)
	w.states(t, map[string]emergency.NumberState{first: leased, second: free})
}
