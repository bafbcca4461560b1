package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// shownRules are about calls that were answered without SQL (B7).
var shownRules = []rule{
	{"as it was answered", shownAsAnswered},
	{"the site's number takes no lease", shownStanding},
	{"joins the number that is still held", shownJoins},
	{"leases the very number again", shownLeasesAgain},
	{"another agent's number", shownAnothers},
	{"beside another number of the agent", shownBesideAnother},
	{"a lease that was lost", shownIsAllItHas},
	{"a number that is gone", shownGone},
	{"a number of another site", shownElsewhere},
	{"of a removed agent", shownOfRemoved},
	{"of an agent who was forgotten", shownOfForgotten},
	{"of an agent who is not in the backup", shownOfUnknownAgent},
	{"of a site that is not in the backup", shownOfUnknownSite},
	{"under a key that has come again", shownUnderOldKey},
}

// showing is a dial that was answered without SQL with some number, which the agent was
// thought to hold unless it is the site's.
func (w *world) showing(t tb, agent emergency.AgentID, number string) store.Placement {
	t.Helper()
	p := w.placement(t, agent)
	return shownIn(p, number)
}

func shownIn(p store.Placement, number string) store.Placement {
	p.Shown = &store.Shown{Number: number, Kind: emergency.NumberLeased}
	if number == p.Caller.Site.StandingNumber {
		p.Shown.Kind = emergency.NumberStanding
	}
	return p
}

// What is answered without SQL is what is written down, and read, once SQL is back; the
// dial is on its way through a spool's file until then.
func shownAsAnswered(t *testing.T, w *world) {
	p := shownIn(everything(t, w), standing)
	p.Way = []emergency.Hop{{Path: emergency.DirectRouting, Trunk: "north"}, {Path: emergency.DirectOffer}}
	p.Warnings = []emergency.CheckCode{emergency.CheckNoContacts}
	text, err := json.Marshal(p)
	do(t, err)
	var spooled store.Placement
	do(t, json.Unmarshal(text, &spooled))
	answered := spooled.Call()
	if !answered.Degraded || answered.Route.CallerID != standing {
		t.Errorf("the answer is %+v", answered)
	}
	w.pass(20 * time.Minute)
	answered.PresenceBefore, answered.PresenceNow = emergency.StatusAvailable, emergency.StatusDoNotDisturb
	same(t, "what is written down", answered, w.place(t, spooled))
	same(t, "what is read", answered, w.read(t, p.CallID))
	same(t, "once more", answered, w.place(t, spooled))
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM outbox WHERE kind = 'placed'`:      1,
		`SELECT COUNT(*) FROM events WHERE type = 'call-placed'`: 1,
		`SELECT COUNT(*) FROM deliveries`:                        2,
	} {
		same(t, query, want, w.count(t, query))
	}
}

// A call that showed the site's number takes no number, not even later: it would be
// shown to nobody. It is found by what it showed.
func shownStanding(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.place(t, w.showing(t, "one", standing))
	w.leaseLate(t)
	has(t, w.read(t, call.ID), standing, emergency.NumberStanding)
	w.states(t, map[string]emergency.NumberState{first: free})
	lease, err := w.EnsureLease(t.Context(), call.ID)
	do(t, err)
	same(t, "what the workflow hears", store.Lease{Number: standing, Kind: emergency.NumberStanding}, lease)
	same(t, "the call of a callback", call.ID, w.offer(t, standing).CallID)
}

// A redial within the window shows the number that the agent holds, also without SQL
// (B2).
func shownJoins(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	w.dial(t, "one")
	w.pass(time.Minute)
	call := w.place(t, w.showing(t, "one", first))
	has(t, call, first, emergency.NumberLeased)
	same(t, "claims", 2, w.count(t, `SELECT COUNT(*) FROM lease_claims WHERE number = $1`, first))
	same(t, "the call of a callback", call.ID, w.offer(t, first).CallID)
}

// When the lease has ended before the call was written down, the call gets that very
// number again, whether it rests or is free, even on its way out of the pool: it is the
// one that the PSAP saw. Its rest counts from the end of the call's own window.
func shownLeasesAgain(t *testing.T, w *world) {
	for _, when := range []struct {
		name string
		then func()
	}{
		{"resting", func() {}},
		{"free", func() { w.pass(agreed.Quarantine) }},
		{"on its way out", func() { w.remove(t, first) }},
	} {
		t.Run(when.name, func(t *testing.T) {
			w.wipe(t)
			w.addSite(t, "us", first, second)
			w.addAgents(t, "us", "one")
			earlier := w.dial(t, "one")
			w.hangUp(t, earlier.ID, "")
			p := w.showing(t, "one", first)
			w.closeCall(t, earlier.ID)
			when.then()
			call := w.place(t, p)
			has(t, call, first, emergency.NumberLeased)
			same(t, "the call of a callback", call.ID, w.offer(t, first).CallID)
			w.hangUp(t, call.ID, "")
			w.clock.set(noon.Add(agreed.Lease))
			w.closeCall(t, call.ID)
			same(t, "rests until", 1, w.count(t, `SELECT COUNT(*) FROM callback_numbers WHERE number = $1 AND free_at = $2 AND NOT leased`,
				first, noon.Add(agreed.Lease+agreed.Quarantine)))
		})
	}
}

// lost checks that a call which does not hold what it showed is told of, once.
func (w *world) lost(t *testing.T, id emergency.CallID) {
	t.Helper()
	same(t, "lines in the audit", 1, w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'number-lost' AND call_id = $1`, id))
	same(t, "events", 1, w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'number-lost' AND call_id = $1`, id))
}

// Two agents never share a lease (B5): when another agent has got the number meanwhile,
// the call keeps it as what it showed, and people are told. The one who has the number is
// called back on it; once he has given it back, the other is, and nobody gets the number
// for as long.
func shownAnothers(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two", "three")
	theirs := w.dial(t, "two")
	call := w.place(t, w.showing(t, "one", first))
	has(t, call, first, emergency.NumberStanding)
	w.lost(t, call.ID)
	same(t, "who is called back", "two", w.offer(t, first).AgentID)
	w.finish(t, theirs.ID)
	same(t, "who is called back then", "one", w.offer(t, first).AgentID)
	w.pass(agreed.Quarantine + time.Second)
	has(t, w.dial(t, "three"), standing, emergency.NumberStanding)
	w.hangUp(t, call.ID, "")
	w.clock.set(noon.Add(agreed.Lease))
	w.closeCall(t, call.ID)
	same(t, "who is called back at last", emergency.ConnectFallback, w.offer(t, first).Verdict)
}

// An agent holds one number at a site (B2). When he has got another one meanwhile, the
// one that the earlier call showed still leads to it, and rests until nobody can be
// called back on it any more, however long callbacks make that.
func shownBesideAnother(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	earlier := w.dial(t, "one")
	w.hangUp(t, earlier.ID, "")
	p := w.showing(t, "one", first)
	w.closeCall(t, earlier.ID)
	redial := w.dial(t, "one")
	has(t, redial, second, emergency.NumberLeased)
	call := w.place(t, p)
	has(t, call, first, emergency.NumberStanding)
	w.lost(t, call.ID)
	same(t, "whom the PSAP reaches", call.ID, w.offer(t, first).CallID)
	same(t, "whom it reaches on the other", redial.ID, w.offer(t, second).CallID)
	w.hangUp(t, call.ID, "")
	w.clock.set(noon.Add(agreed.Lease - time.Minute))
	w.offer(t, first)
	w.finish(t, redial.ID)
	w.clock.set(noon.Add(agreed.Lease + agreed.MaxCall))
	has(t, w.dial(t, "two"), second, emergency.NumberLeased)
	w.addAgents(t, "us", "three")
	has(t, w.dial(t, "three"), standing, emergency.NumberStanding)
}

// A call that was answered without SQL gets no other number than it showed, even if its
// lease was lost.
func shownIsAllItHas(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	call := w.place(t, w.showing(t, "one", second))
	w.run(t, `DELETE FROM lease_claims`)
	w.run(t, `DELETE FROM leases`)
	same(t, "the lease", store.Lease{Number: second, Kind: emergency.NumberLeased}, w.ensured(t, call.ID))
}

// A number that has left the pool belongs to the call all the same, as what it showed.
func shownGone(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", first)
	w.remove(t, first)
	call := w.place(t, p)
	has(t, call, first, emergency.NumberStanding)
	w.lost(t, call.ID)
	same(t, "the call of a callback", call.ID, w.offer(t, first).CallID)
	w.forgetNumbers(t)
	var taken *emergency.NumberTaken
	if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); !errors.As(err, &taken) {
		t.Errorf("a number that is called back was added: %v", err)
	}
}

// A number of another site would send help to the wrong door: it is not leased.
func shownElsewhere(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addSite(t, "pr", third)
	w.addAgents(t, "us", "one")
	has(t, w.place(t, w.showing(t, "one", third)), third, emergency.NumberStanding)
}

// Who has been removed since was promised a way back all the same.
func shownOfRemoved(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	w.removeAgent(t, "one")
	call := w.place(t, p)
	decision := w.offer(t, standing)
	same(t, "the call of a callback", call.ID, decision.CallID)
	same(t, "what rings", agentNamed("one", "us").Endpoints[0], decision.Ring[0].URI)
	known, err := w.LastKnown(t.Context())
	do(t, err)
	same(t, "the agent of the call, as remembered", agentNamed("one", "us").Endpoints, known.Calls[0].Agent.Endpoints)
	same(t, "those who may dial", 0, len(known.Callers))
}

// Name and devices of who has been forgotten come back from the answer, until the call is
// over.
func shownOfForgotten(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", first)
	w.removeAgent(t, "one")
	w.forgetAgents(t)
	call := w.place(t, p)
	same(t, "what rings", agentNamed("one", "us").Endpoints[0], w.offer(t, first).Ring[0].URI)
	if _, err := w.Agent(t.Context(), "one"); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the agent is back: %v", err)
	}
	w.finish(t, call.ID)
	w.forgetAgents(t)
	same(t, "agents with a name", 0, w.count(t, `SELECT COUNT(*) FROM agents WHERE name <> ''`))
}

// A backup that was restored may be older than the agent.
func shownOfUnknownAgent(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	w.run(t, `DELETE FROM agents`)
	call := w.place(t, p)
	same(t, "what rings", agentNamed("one", "us").Endpoints[0], w.offer(t, standing).Ring[0].URI)
	same(t, "agents who may dial", 0, w.count(t, `SELECT COUNT(*) FROM agents WHERE NOT deleted`))
	w.finish(t, call.ID)
}

// Without the site nobody could say where help should go: SQL does not take the call, and
// says so in a way that no further try would better.
func shownOfUnknownSite(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	w.run(t, `DELETE FROM agents`)
	w.run(t, `DELETE FROM sites`)
	if _, err := w.PlaceCall(t.Context(), p); !errors.Is(err, emergency.ErrUnknownSite) {
		t.Errorf("the error is %v", err)
	}
}

// An idempotency key that comes again once its call is over means another call, which
// needs another ID. The replay of the call itself is none of that.
func shownUnderOldKey(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.showing(t, "one", standing)
	call := w.place(t, p)
	w.finish(t, call.ID)
	same(t, "the call once more", w.read(t, call.ID), w.place(t, p))
	w.pass(time.Minute)
	again := w.showing(t, "one", standing)
	again.CallID = p.CallID
	if _, err := w.PlaceCall(t.Context(), again); !errors.Is(err, emergency.ErrCallOver) {
		t.Errorf("the error is %v", err)
	}
}
