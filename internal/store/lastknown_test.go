package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// lastKnownRules are about what answers while SQL does not (B7).
var lastKnownRules = []rule{
	{"all that a dial needs", knownToADial},
	{"calls that are not closed", knownCalls},
	{"calls one by one", knownOneByOne},
	{"numbers of sites", knownPools},
	{"numbers that rest", knownResting},
	{"in as few queries for many", knownInFewQueries},
	{"closed between two queries", knownClosedMeanwhile},
}

// A dial from memory is the dial that SQL would have answered: who, where, whom to tell,
// from which place, and by which way.
func knownToADial(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one", "two")
	w.addAgents(t, "pr", "three", "gone")
	w.contact(t, "one", "desk@example.com")
	w.routes(t, routed)
	w.reports(t, "two", emergency.Location{Address: &emergency.Address{Unit: "Floor 3"}})
	w.removeAgent(t, "gone")
	book := w.remembered(t)
	for _, id := range []emergency.AgentID{"one", "two", "three"} {
		want, err := w.Caller(t.Context(), id)
		do(t, err)
		got, err := book.Caller(id)
		do(t, err)
		dialed := emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates}
		same(t, "the way of "+string(id), want.Routing.Way(emergency.UnitedStates, dialed), got.Routing.Way(emergency.UnitedStates, dialed))
		want.Routing, got.Routing = nil, nil
		same(t, "the caller "+string(id), want, got)
	}
	if _, err := book.Caller("gone"); err == nil {
		t.Error("who was removed may dial")
	}
}

// Every call that is not closed is known in full, one that is over included: nobody has
// given its number back. Who has placed it is known even if he was removed, and so is who
// is at the other end of a callback that is up, and of no other.
func knownCalls(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	w.contact(t, "one", "desk@example.com")
	over := w.dial(t, "two")
	closed := w.dial(t, "two")
	w.finish(t, closed.ID)
	w.pass(agreed.MaxCall + agreed.Lease)
	call := w.dial(t, "one")
	ended, up := w.offerFrom(t, call.Number, "+12025550911"), w.offerFrom(t, call.Number, "")
	w.hangUp(t, call.ID, ended.LegID)
	w.removeAgent(t, "one")
	known, err := w.LastKnown(t.Context())
	do(t, err)
	got := map[emergency.CallID]emergency.KnownCall{}
	for _, one := range known.Calls {
		got[one.ID] = one
	}
	same(t, "calls", 2, len(got))
	same(t, "the call that is over", w.read(t, over.ID), got[over.ID].Call)
	same(t, "the call that is up", w.read(t, call.ID), got[call.ID].Call)
	same(t, "its agent", "Agent one", got[call.ID].Agent.Name)
	same(t, "who is at the other end", map[emergency.LegID]string{up.LegID: ""}, got[call.ID].Remote)
	live, err := w.LiveCalls(t.Context())
	do(t, err)
	same(t, "live calls", []emergency.Call{w.read(t, call.ID)}, live)
}

// Some calls alone are read as all of them are; one that is closed, or was never there,
// is left out.
func knownOneByOne(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	var ids []emergency.CallID
	for range 5 {
		ids = append(ids, w.dial(t, "one").ID)
	}
	w.finish(t, ids[1])
	all, err := w.LastKnown(t.Context())
	do(t, err)
	want := map[emergency.CallID]emergency.KnownCall{}
	for _, call := range all.Calls {
		want[call.ID] = call
	}
	for n := range 6 {
		asked := append([]emergency.CallID{"nobody's"}, ids[:n]...)
		found, err := w.KnownCalls(t.Context(), asked)
		do(t, err)
		for _, call := range found {
			same(t, "a call", want[call.ID], call)
		}
		same(t, fmt.Sprintf("calls of %d", n), n-min(1, n/2), len(found))
	}
	none, err := w.KnownCalls(t.Context(), nil)
	if err != nil || len(none) > 0 {
		t.Errorf("nothing asked gives %v, %v", none, err)
	}
}

// All numbers of every pool are known by their site, whoever holds them: a callback on one
// is never an ordinary call (B7).
func knownPools(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one")
	w.dial(t, "one")
	pools, err := w.KnownPools(t.Context())
	do(t, err)
	same(t, "the pools", []emergency.KnownPool{{SiteID: "us", Numbers: []string{first, second}}}, pools)
}

// A number in quarantine is known with its last call, as far as that is; so is a call that
// showed its site's number, until that has rested (B5, B6).
func knownResting(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	returned := w.dial(t, "one")
	shown := w.place(t, w.showing(t, "two", standing))
	w.pass(time.Minute)
	w.finish(t, returned.ID)
	w.finish(t, shown.ID)
	over, until := noon.Add(time.Minute), noon.Add(time.Minute+agreed.Quarantine)
	known, err := w.LastKnown(t.Context())
	do(t, err)
	same(t, "what rests", []emergency.RestingNumber{
		{Number: first, Returned: &emergency.PastCall{
			SiteID: "us", CallID: returned.ID, AgentID: "one", Kind: emergency.KindEmergency, DialedAt: noon, Until: until,
		}},
		{Number: standing, Shown: []emergency.PastCall{{
			SiteID: "us", CallID: shown.ID, AgentID: "two", Kind: emergency.KindEmergency, DialedAt: noon, Over: over, Until: until,
		}}},
	}, known.Resting)
	w.clock.set(until)
	known, err = w.LastKnown(t.Context())
	do(t, err)
	same(t, "what rests at last", nil, known.Resting)
}

// Ten thousand calls take no more queries than one.
func knownInFewQueries(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", w.crew(20)...)
	count := 0
	s := w.beside(t)
	s.Watch(func(string, []any) { count++ })
	queries := func() (known, live int) {
		count = 0
		do(t, only(s.LastKnown(t.Context())))
		known, count = count, 0
		do(t, only(s.LiveCalls(t.Context())))
		return known, count
	}
	w.dial(t, "agent-0")
	known, live := queries()
	for i := range 20 {
		w.dial(t, emergency.AgentID(fmt.Sprintf("agent-%d", i)))
	}
	manyKnown, manyLive := queries()
	same(t, "queries", [2]int{known, live}, [2]int{manyKnown, manyLive})
}

// crew are the IDs of so many agents.
func (*world) crew(size int) []emergency.AgentID {
	var all []emergency.AgentID
	for i := range size {
		all = append(all, emergency.AgentID(fmt.Sprintf("agent-%d", i)))
	}
	return all
}

// A call that is closed while it is read is read as closed, and never as one without a
// leg.
func knownClosedMeanwhile(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	stays := w.dial(t, "two")
	s := w.beside(t)
	closing := ""
	s.Watch(func(query string, _ []any) {
		if closing != "" && strings.Contains(query, "FROM legs") {
			id := emergency.CallID(closing)
			closing = ""
			w.finish(t, id)
		}
	})
	closing = string(w.dial(t, "one").ID)
	live, err := s.LiveCalls(t.Context())
	do(t, err)
	same(t, "live calls", []emergency.Call{w.read(t, stays.ID)}, live)
	closing = string(w.dial(t, "one").ID)
	known, err := s.LastKnown(t.Context())
	do(t, err)
	same(t, "the calls that are known", 1, len(known.Calls))
	same(t, "the call that stays", w.read(t, stays.ID), known.Calls[0].Call)
}
