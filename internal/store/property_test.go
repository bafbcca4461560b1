package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"pgregory.net/rapid"
)

// Whatever agents, PSAPs, desktops, workflows and administrators do, in any order
// and at any time, the store does what the model says. So no two agents hold a
// number; it is free when no call claims it and its rest is over, and the least
// recently used is next (B2, B5); presence is Do not disturb with a leg up, comes
// back once with the last leg, and never over a later choice (B3, B4).
func TestAnythingInAnyOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w := newWorld(t, e)
		rapid.Check(t, func(t *rapid.T) {
			r := newRun(t, w)
			r.dials(t)
			t.Repeat(map[string]func(*rapid.T){
				"dial": r.dials, "dial once more": r.dials, "hang up": r.hangsUp, "call back": r.callsBack,
				"close": r.closes, "expire": r.expires, "choose presence": r.chooses,
				"time passes": r.timePasses, "more time passes": r.timePasses,
				"repeat": r.repeats, "change pool": r.changesPool, "change pool again": r.changesPool,
				"dial without SQL": r.dialsWithoutSQL, "learn what was shown": r.learnsWhatWasShown,
				"call back without SQL": r.callsBackWithoutSQL, "end without SQL": r.endsWithoutSQL,
				"lease late": r.leasesLate, "forget numbers": r.forgets, "test": r.tests,
				"": r.agrees,
			})
		})
	})
}

// randomRun is a world and the model that it should agree with.
type randomRun struct {
	w *world
	m *model
	// made are the dials so far, to be repeated.
	made []store.Placement
}

// The pools of a random run: two numbers for three agents at one site, and one for
// one agent at another.
var (
	randomPools  = map[emergency.SiteID][]string{"us": {first, second}, "pr": {third}}
	randomAgents = map[emergency.SiteID][]emergency.AgentID{"us": {"one", "two", "three"}, "pr": {"four"}}
)

func newRun(t *rapid.T, w *world) *randomRun {
	w.wipe(t)
	m := &model{now: noon, numbers: map[string]*modelNumber{}, agents: map[emergency.AgentID]*modelAgent{}, early: map[emergency.CallID]time.Time{}, hung: map[emergency.CallID]time.Time{}}
	for _, site := range slices.Sorted(maps.Keys(randomPools)) {
		w.addSite(t, site, randomPools[site]...)
		for _, number := range randomPools[site] {
			m.add(number, site)
		}
		w.addAgents(t, site, randomAgents[site]...)
		for _, agent := range randomAgents[site] {
			m.agents[agent] = &modelAgent{site: site, shown: emergency.StatusAvailable, changes: 2, choice: noon}
		}
	}
	return &randomRun{w: w, m: m}
}

// anyCall is one of the calls so far.
func (r *randomRun) anyCall(t *rapid.T) *modelCall {
	return rapid.SampledFrom(r.m.calls).Draw(t, "call")
}

func (r *randomRun) anyAgent(t *rapid.T) emergency.AgentID {
	return rapid.SampledFrom(slices.Sorted(maps.Keys(r.m.agents))).Draw(t, "agent")
}

func (r *randomRun) dials(t *rapid.T) {
	r.places(t, r.w.placement(t, r.anyAgent(t)))
}

func (r *randomRun) tests(t *rapid.T) {
	p := r.w.placement(t, r.anyAgent(t))
	p.Dialed = emergency.Dialed{Number: "933", Kind: emergency.KindTest, Country: emergency.UnitedStates}
	r.places(t, p)
}

func (r *randomRun) places(t *rapid.T, p store.Placement) {
	r.w.place(t, p)
	r.m.dial(p.Caller.Agent.ID, p.Dialed.Kind, p.CallID, p.LegID)
	r.made = append(r.made, p)
}

func (r *randomRun) leasesLate(t *rapid.T) {
	r.w.leaseLate(t)
	r.m.late("")
}

func (r *randomRun) forgets(t *rapid.T) {
	r.w.forgetNumbers(t)
	r.m.forget()
}

// repeats does what is done already, for a desktop that did not hear the answer or
// a workflow that runs late: nothing changes, unless another process has told since that
// it had shown something else.
func (r *randomRun) repeats(t *rapid.T) {
	p := rapid.SampledFrom(r.made).Draw(t, "dial")
	if p.Shown == nil {
		p.At = r.w.clock.read()
	}
	before := r.w.read(t, p.CallID)
	placed := r.w.place(t, p)
	if p.Shown != nil {
		r.m.answered(p)
		before = r.w.read(t, p.CallID)
	}
	same(t, "the repeated dial", before, placed)
	call := r.m.call(p.CallID)
	lease, err := r.w.EnsureLease(t.Context(), call.ID)
	want := store.Lease{Number: call.Number, Kind: call.NumberKind, Closed: !call.ClosedAt.IsZero()}
	same(t, "the lease", want, lease)
	leg := rapid.SampledFrom(call.Legs).Draw(t, "leg")
	if call.silent[leg.ID] {
		return
	}
	if err := errors.Join(err,
		r.w.EnsureRoute(t.Context(), call.ID),
		r.w.EnsureOverride(t.Context(), call.ID, leg.ID),
		r.w.EnsureRestored(t.Context(), call.ID),
	); err != nil {
		t.Fatal(err)
	}
}

func (r *randomRun) hangsUp(t *rapid.T) {
	call := r.anyCall(t)
	legs := []emergency.LegID{""}
	for _, leg := range call.Legs {
		legs = append(legs, leg.ID)
	}
	leg := rapid.SampledFrom(legs).Draw(t, "leg")
	r.w.hangUp(t, call.ID, leg)
	if leg == "" {
		r.m.hangUpAll(call.ID, r.m.now)
		return
	}
	r.m.hangUp(call.ID, leg, emergency.EndHungUp, r.m.now)
}

func (r *randomRun) callsBack(t *rapid.T) {
	to := rapid.SampledFrom([]string{first, second, third, standing, elsewhere}).Draw(t, "to")
	from := rapid.SampledFrom([]string{"", "+12025550911"}).Draw(t, "from")
	remembered := r.w.remembered(t).Decide(to, from, r.m.now)
	got := r.w.offerFrom(t, to, from)
	fresh := emergency.LegID(fmt.Sprintf("leg-%09d", r.w.serial.Load()))
	want := r.m.callBack(to, from, fresh)
	if remembered.Verdict == emergency.ConnectAgent && remembered.LegID == "" {
		remembered.LegID = fresh // a book opens none
	}
	same(t, "the decision from memory", got, remembered)
	got.Ring = nil
	same(t, "the decision", want, got)
}

func (r *randomRun) closes(t *rapid.T) {
	call := r.anyCall(t)
	if got, want := r.w.closeCall(t, call.ID), r.m.closes(call.ID); got != want {
		t.Errorf("closing %s gives %v, want %v", call.ID, got, want)
	}
}

func (r *randomRun) expires(t *rapid.T) {
	r.w.expire(t)
	r.m.expire(r.m.overdue())
}

func (r *randomRun) chooses(t *rapid.T) {
	agent := r.anyAgent(t)
	status := rapid.SampledFrom([]emergency.Status{
		emergency.StatusAvailable, emergency.StatusBusy, emergency.StatusDoNotDisturb, "At lunch",
	}).Draw(t, "status")
	r.w.choose(t, agent, status)
	r.m.choose(agent, status)
}

func (r *randomRun) timePasses(t *rapid.T) {
	passed := rapid.SampledFrom([]time.Duration{
		time.Microsecond, time.Minute, agreed.Quarantine, agreed.Grace, 59 * time.Minute, agreed.Lease,
		agreed.Lease + emergency.OverdueSlack, 5 * time.Hour,
	}).Draw(t, "time")
	r.w.pass(passed)
	r.m.now = r.m.now.Add(passed)
}

func (r *randomRun) changesPool(t *rapid.T) {
	number := rapid.SampledFrom([]string{first, second, third}).Draw(t, "number")
	if rapid.Bool().Draw(t, "remove") {
		err := r.w.RemoveNumber(t.Context(), number, emergency.Change{})
		if removed := r.m.remove(number); removed != (err == nil) || err != nil && !errors.Is(err, emergency.ErrUnknownNumber) {
			t.Errorf("removing %s gives %v, want it removed: %v", number, err, removed)
		}
		return
	}
	site := rapid.SampledFrom(slices.Sorted(maps.Keys(randomPools))).Draw(t, "site")
	err := r.w.AddNumber(t.Context(), number, site, emergency.Change{})
	if added := r.m.add(number, site); added != (err == nil) || err != nil && !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("adding %s gives %v, want it added: %v", number, err, added)
	}
}

// agrees compares everything after each step.
func (r *randomRun) agrees(t *rapid.T) {
	r.w.states(t, r.m.states())
	same(t, "the pools", []emergency.Pool{r.m.pool("pr"), r.m.pool("us")}, r.w.pools(t))
	agents, err := r.w.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	book := r.w.remembered(t)
	for _, agent := range agents {
		want := r.m.agents[agent.ID]
		number, _ := book.LeaseOf(agent.ID, agent.SiteID, r.m.now)
		same(t, "the lease of "+string(agent.ID)+" from memory", r.m.leaseOf(agent.ID), number)
		if agent.Presence.Status != want.shown || agent.Presence.Revision != want.changes {
			t.Errorf("%s shows %+v, want %q as change %d", agent.ID, agent.Presence, want.shown, want.changes)
		}
	}
	for _, call := range r.m.calls {
		got := r.w.read(t, call.ID)
		want := call.Call
		want.SiteID, want.Dialed, want.Country = got.SiteID, got.Dialed, got.Country
		want.Conveyed, want.Route = got.Conveyed, emergency.Route{Path: emergency.DirectOffer, CallerID: call.shown}
		want.PresenceNow = r.m.agents[call.AgentID].shown
		same(t, string(call.ID), want, got)
	}
	unclaimed := r.w.count(t, `SELECT COUNT(*) FROM legs WHERE ended_at IS NULL AND id NOT IN (SELECT leg_id FROM presence_claims)`)
	same(t, "the live legs without a claim", r.m.silentLegs(), unclaimed)
	// What the tables must never hold, whatever the model says.
	for what, query := range map[string]string{
		"leases without a call":        `SELECT COUNT(*) FROM leases WHERE number NOT IN (SELECT number FROM lease_claims)`,
		"leases without a route":       `SELECT COUNT(*) FROM leases WHERE number NOT IN (SELECT number FROM routes)`,
		"routes to another agent":      `SELECT COUNT(*) FROM routes r JOIN leases l ON l.number = r.number WHERE l.agent_id <> r.agent_id`,
		"pools that are miscounted":    `SELECT COUNT(*) FROM sites WHERE pool_size <> (SELECT COUNT(*) FROM callback_numbers WHERE site_id = sites.id AND NOT draining)`,
		"numbers leased to nobody":     `SELECT COUNT(*) FROM callback_numbers WHERE leased AND number NOT IN (SELECT number FROM leases)`,
		"claims of closed calls":       `SELECT COUNT(*) FROM lease_claims l JOIN calls c ON c.id = l.call_id WHERE c.closed_at IS NOT NULL`,
		"claims of ended legs":         `SELECT COUNT(*) FROM presence_claims p JOIN legs l ON l.id = p.leg_id WHERE l.ended_at IS NOT NULL`,
		"overrides that nobody claims": `SELECT COUNT(*) FROM presence_overrides WHERE agent_id NOT IN (SELECT agent_id FROM presence_claims)`,
	} {
		if n := r.w.count(t, query); n != 0 {
			t.Errorf("there are %d %s", n, what)
		}
	}
}
