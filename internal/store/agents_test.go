package store_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// removalRules are about agents who leave.
var removalRules = []rule{
	{"known to nobody", removedIsKnownToNobody},
	{"called back all the same", removedIsCalledBack},
	{"presence is restored all the same", removedIsRestored},
	{"contacts are told of the call all the same", removedIsTold},
	{"a dial under way goes on", removedWhileDialing},
	{"forgotten after the last call", forgottenAfterTheLastCall},
	{"comes back as new", comesBackAsNew},
	{"comes back during the call", comesBackDuringTheCall},
	{"removed as the call is placed", removedAsTheCallIsPlaced},
}

// removeAgent has an administrator remove an agent.
func (w *world) removeAgent(t tb, id emergency.AgentID) {
	t.Helper()
	if err := w.RemoveAgent(t.Context(), id, emergency.Change{}); err != nil {
		t.Fatal(err)
	}
}

// forgetAgents is what housekeeping does.
func (w *world) forgetAgents(t tb) {
	t.Helper()
	if err := w.ForgetAgents(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// devices are what a decision rings of the agent's own.
func devices(decision emergency.Decision) []string {
	var uris []string
	for _, endpoint := range decision.Ring {
		if endpoint.Kind == emergency.EndpointAgent {
			uris = append(uris, endpoint.URI)
		}
	}
	return uris
}

// Whoever has been removed is as unknown as somebody who never was, and no contact,
// calling number or location is kept (B14). Others are not touched.
func removedIsKnownToNobody(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	gone := agentNamed("one", "us")
	gone.CallingNumber = "+12025550177"
	_, err := w.ReportLocation(t.Context(), "one", emergency.Location{Address: &emergency.Address{Unit: "3"}})
	if err := errors.Join(err,
		only(w.PutAgent(t.Context(), gone, emergency.Change{})),
		only(w.PutContacts(t.Context(), "one", "desk@example.com", emergency.Change{})),
	); err != nil {
		t.Fatal(err)
	}
	w.removeAgent(t, "one")
	for what, err := range map[string]error{
		"reading":            only(w.Agent(t.Context(), "one")),
		"a dial":             only(w.Caller(t.Context(), "one")),
		"reading contacts":   only(w.Contacts(t.Context(), "one")),
		"changing contacts":  only(w.PutContacts(t.Context(), "one", "desk@example.com", emergency.Change{})),
		"choosing presence":  only(w.SetPresence(t.Context(), "one", emergency.StatusBusy)),
		"telling a location": only(w.ReportLocation(t.Context(), "one", emergency.Location{})),
		"removing again":     w.RemoveAgent(t.Context(), "one", emergency.Change{}),
		"removing nobody":    w.RemoveAgent(t.Context(), "nobody", emergency.Change{}),
	} {
		if !errors.Is(err, emergency.ErrUnknownAgent) {
			t.Errorf("%s gives %v, want ErrUnknownAgent", what, err)
		}
	}
	agents, err := w.Agents(t.Context())
	if err != nil || len(agents) != 1 || agents[0].ID != "two" {
		t.Errorf("the agents are %+v, %v", agents, err)
	}
	callers, err := w.Callers(t.Context())
	if err != nil || len(callers) != 1 || callers[0].Agent.ID != "two" {
		t.Errorf("the callers are %+v, %v", callers, err)
	}
	if kept := w.count(t, `SELECT COUNT(*) FROM agents WHERE id = 'one' AND (calling_number <> '' OR location <> '')`) +
		w.count(t, `SELECT COUNT(*) FROM contacts`); kept != 0 {
		t.Errorf("%d rows still have what is nobody's business", kept)
	}
}

// A call of somebody who has been removed goes on: callbacks ring the devices (B6).
func removedIsCalledBack(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.hangUp(t, w.dial(t, "one").ID, "")
	w.removeAgent(t, "one")
	w.forgetAgents(t)
	got := w.offer(t, first)
	if got.Verdict != emergency.ConnectAgent || got.CallID != call.ID {
		t.Errorf("a callback gives %+v", got)
	}
	same(t, "what rings", agentNamed("one", "us").Endpoints, devices(got))
	w.finish(t, call.ID)
	w.states(t, map[string]emergency.NumberState{first: resting})
}

// Do not disturb ends with the call, also for whoever looks at the outside presence of
// somebody who has been removed (S10, B4).
func removedIsRestored(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.run(t, `DELETE FROM presence_claims`) // as if the dial had not come so far
	w.removeAgent(t, "one")
	if err := w.EnsureOverride(t.Context(), call.ID, call.Legs[0].ID); err != nil {
		t.Fatal(err)
	}
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, "")
	if err := w.EnsureRestored(t.Context(), call.ID); err != nil {
		t.Fatal(err)
	}
	w.shows(t, "one", emergency.StatusAvailable)
}

// Whom a call had to be told to is told, and by the agent's name (B8).
func removedIsTold(t *testing.T, w *world) {
	p := everything(t, w)
	call := w.place(t, p)
	w.removeAgent(t, "one")
	notice, queued, err := w.Notice(t.Context(), call.ID, emergency.NoticePlaced, 0)
	if err != nil || notice.AgentName != "Agent one" || len(queued) != 2 {
		t.Errorf("the notice is %+v to %+v, %v", notice, queued, err)
	}
}

// A dial that knew the agent a moment ago is written down (B7).
func removedWhileDialing(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	p := w.placement(t, "one")
	w.removeAgent(t, "one")
	call := w.place(t, p)
	w.forgetAgents(t)
	same(t, "what rings", agentNamed("one", "us").Endpoints, devices(w.offer(t, first)))
	w.finish(t, call.ID)
	w.forgetAgents(t)
	// One that comes even later, from a spool, still has the site's desk.
	p.CallID, p.LegID, p.At = "late", "late-leg", w.clock.read().Add(agreed.Quarantine)
	w.clock.set(p.At)
	w.place(t, p)
	late := w.offer(t, first)
	if late.CallID != "late" || len(devices(late)) != 0 || len(late.Ring) == 0 {
		t.Errorf("a callback gives %+v", late)
	}
}

// Name and devices go with the last call on which somebody could be called back, and
// not before (B14). The audit of the calls stays.
func forgottenAfterTheLastCall(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two", "three")
	a, b := w.dial(t, "one"), w.dial(t, "one")
	w.finish(t, w.dial(t, "three").ID)
	w.removeAgent(t, "one")
	w.removeAgent(t, "two")
	left := func(want ...string) {
		t.Helper()
		w.forgetAgents(t)
		var names []string
		for _, id := range []string{"one", "two", "three"} {
			if w.count(t, `SELECT COUNT(*) FROM agents WHERE id = $1 AND name <> '' AND endpoints <> '[]'`, id) > 0 {
				names = append(names, id)
			}
		}
		same(t, "whose name and devices are kept", want, names)
	}
	left("one", "three")
	w.finish(t, a.ID)
	left("one", "three")
	w.finish(t, b.ID)
	left("three")
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'call-closed'`); lines != 3 {
		t.Errorf("the audit has %d lines of 3 calls", lines)
	}
}

// Who comes back starts as somebody new does: offline, without contacts, and what
// somebody has seen of the one before is no base for a change.
func comesBackAsNew(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	for range 2 {
		if err := only(w.PutContacts(t.Context(), "one", "desk@example.com", emergency.Change{})); err != nil {
			t.Fatal(err)
		}
	}
	w.removeAgent(t, "one")
	w.pass(time.Minute)
	back := agentNamed("one", "us")
	if err := only(w.PutAgent(t.Context(), back, emergency.Change{Seen: 1})); !errors.Is(err, emergency.ErrChangedMeanwhile) {
		t.Errorf("a change of who is gone gives %v, want ErrChangedMeanwhile", err)
	}
	got, err := w.PutAgent(t.Context(), back, emergency.Change{Seen: emergency.SeenNothing})
	if err != nil {
		t.Fatal(err)
	}
	back.Revision = 3 // added, removed, added
	back.Presence = emergency.Presence{Status: emergency.StatusOffline, Revision: 3, ChangedAt: w.clock.read()}
	same(t, "the agent", back, got)
	contacts, err := w.Contacts(t.Context(), "one")
	if err != nil || contacts.AsTyped != "" {
		t.Errorf("the contacts are %+v, %v", contacts, err)
	}
	for _, seen := range []int64{2, 1, 0} { // zero stands for any
		err := only(w.PutContacts(t.Context(), "one", "night@example.org", emergency.Change{Seen: seen}))
		if want := seen > 0; errors.Is(err, emergency.ErrChangedMeanwhile) != want {
			t.Errorf("contacts changed on the base of revision %d give %v", seen, err)
		}
	}
	w.forgetAgents(t)
	if got, err := w.Agent(t.Context(), "one"); err != nil || got.Name != back.Name {
		t.Errorf("the agent is forgotten: %+v, %v", got, err)
	}
}

// Who comes back while a call goes on shows what the call makes of it (S2, S10).
func comesBackDuringTheCall(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.removeAgent(t, "one")
	if err := only(w.PutAgent(t.Context(), agentNamed("one", "us"), emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusAvailable)
}

// Removing and forgetting somebody who dials at that moment hurts no call (B7): it is
// written down, and somebody answers a callback.
func removedAsTheCallIsPlaced(t *testing.T, w *world) {
	other := w.beside(t)
	w.addSite(t, "us", first)
	for range 10 {
		w.addAgents(t, "us", "one")
		p := w.placement(t, "one")
		p.Terms.Quarantine = 0
		var call emergency.Call
		atOnce(t, 2, func(i int) (err error) {
			if i == 0 {
				call, err = w.PlaceCall(t.Context(), p)
				return failed("place call", err)
			}
			return errors.Join(other.RemoveAgent(t.Context(), "one", emergency.Change{}), other.ForgetAgents(t.Context()))
		})
		decision, err := w.DecideInbound(t.Context(), store.Inbound{To: first, At: noon, LegID: "back-" + p.LegID})
		if err != nil || decision.CallID != call.ID || len(decision.Ring) == 0 {
			t.Errorf("a callback gives %+v, %v", decision, err)
		}
		w.finish(t, call.ID)
	}
}

// Whoever housekeeping is about to forget may be dialing: on PostgreSQL it waits for
// that, and then looks again. SQLite has one writer at a time.
func TestForgettingWaitsForADial(t *testing.T) {
	w := newWorld(t, postgres)
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.finish(t, w.dial(t, "one").ID)
	w.removeAgent(t, "one")
	dial, err := w.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dial.Rollback() //nolint:errcheck // it has been committed
	for _, step := range []string{`SELECT 1 FROM agents WHERE id = 'one' FOR UPDATE`, `UPDATE calls SET closed_at = NULL`} {
		if _, err := dial.ExecContext(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	forgotten := make(chan error)
	go func() { forgotten <- w.ForgetAgents(t.Context()) }()
	for w.count(t, `SELECT COUNT(*) FROM pg_locks WHERE NOT granted`) == 0 {
		select {
		case err := <-forgotten:
			t.Fatalf("it does not wait: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if err := dial.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-forgotten; err != nil {
		t.Fatal(err)
	}
	if kept := w.count(t, `SELECT COUNT(*) FROM agents WHERE name <> ''`); kept != 1 {
		t.Error("an agent in a call is forgotten")
	}
}
