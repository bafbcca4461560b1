package dial_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
)

// troubles are the ways in which SQL fails a request: at its beginning, between two
// questions, and after it has done what it was asked to although nobody hears so.
func troubles(last string) map[string]func(*faulty) {
	return map[string]func(*faulty){
		"it is down":               func(f *faulty) { f.breaks(down) },
		"it goes down half way":    func(f *faulty) { f.breaksAt(last, down, nil) },
		"its answer is lost":       func(f *faulty) { f.breaksAt(last, nil, down) },
		"it hangs":                 func(f *faulty) { f.breaks(hang) },
		"it hangs half way":        func(f *faulty) { f.breaksAt(last, hang, nil) },
		"its answer does not come": func(f *faulty) { f.breaksAt(last, nil, hang) },
	}
}

// A dial is answered whatever SQL does, with the site's standing number, and says that
// it is degraded; the call is found again under its ID; and once SQL is back, it has the
// call as it was answered, with everything that belongs to one (B7, S2, S9).
func TestPlaceWithoutRecords(t *testing.T) {
	for name, breaks := range troubles("place") {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Budget = 300 * time.Millisecond
			breaks(r.faulty)
			call := r.dial(t, "key")
			same(t, "degraded", true, call.Degraded)
			same(t, "the number shown", standing, call.Route.CallerID)
			same(t, "its kind", emergency.NumberStanding, call.NumberKind)
			same(t, "the way", emergency.DirectOffer, call.Route.Path)
			same(t, "presence", emergency.StatusDoNotDisturb, call.PresenceNow)
			same(t, "presence before", emergency.StatusAvailable, call.PresenceBefore)
			same(t, "the same dial again", call.ID, r.dial(t, "key").ID)
			found, err := r.Find(t.Context(), call.ID)
			ok(t, err)
			same(t, "the call found", call.ID, found.ID)
			same(t, "answers without SQL", 2, r.improvised[dial.RequestDial])

			r.faulty.breaks(nil)
			r.replayed(t)
			kept, err := r.store.Call(t.Context(), call.ID)
			ok(t, err)
			same(t, "the number kept", standing, kept.Route.CallerID)
			same(t, "degraded, as kept", true, kept.Degraded)
			same(t, "when it was dialed", noon, kept.DialedAt)
			same(t, "the legs", call.Legs, kept.Legs)
			same(t, "presence, as kept", emergency.StatusDoNotDisturb, kept.PresenceNow)
			same(t, "people to tell", 1, len(kept.Notice.Deliveries))
			same(t, "calls", 1, len(r.live(t)))
			own, state := standing, emergency.NumberFree
			if strings.HasPrefix(name, "its answer") { // SQL had chosen a number, and another process may have shown it
				own, state = number, emergency.NumberInLease
			}
			same(t, "the number of its own", own, kept.Number)
			same(t, "the callback number", state, r.numberState(t))
			for _, to := range []string{standing, own} {
				decision, err := r.Inbound(t.Context(), to, "+12025550911")
				ok(t, err)
				same(t, "the call of a callback to "+to, call.ID, decision.CallID)
			}
		})
	}
}

// A desktop that always sends one key must be able to call for help a second time, also
// when SQL is down and whoever answers does not know that the first call is over: nothing
// of the second is lost, and its end finds it.
func TestKeyOfEndedCallWithoutRecords(t *testing.T) {
	for name, over := range map[string]func(*testing.T, *rig, emergency.CallID){
		"closed": func(*testing.T, *rig, emergency.CallID) {},
		"erased": func(t *testing.T, r *rig, _ emergency.CallID) {
			t.Helper()
			_, err := r.store.EraseCalls(t.Context(), r.clock().Add(time.Hour))
			ok(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			first := r.dial(t, "key")
			_, err := r.End(t.Context(), first.ID, "", "")
			ok(t, err)
			r.pass(time.Hour)
			_, err = r.store.CloseCall(t.Context(), first.ID, "completed")
			ok(t, err)
			over(t, r, first.ID)
			r.pass(time.Minute)
			r = r.beside(t)
			r.faulty.breaks(down)
			second := r.dial(t, "key")
			r.faulty.breaks(nil)
			r.replayed(t)
			calls := r.live(t)
			same(t, "calls", 1, len(calls))
			same(t, "legs up", 1, len(calls[0].LiveLegs()))
			found, err := r.Find(t.Context(), second.ID)
			ok(t, err)
			same(t, "the call found", calls[0].ID, found.ID)
			_, err = r.End(t.Context(), second.ID, second.Legs[0].ID, "")
			ok(t, err)
			same(t, "legs up", 0, len(r.live(t)[0].LiveLegs()))
		})
	}
}

// A dial that is repeated because its answer was lost, to another process and while SQL
// is down, is one call with one leg once SQL has heard of both (B7).
func TestRepeatedElsewhereWithoutRecords(t *testing.T) {
	r := newRig(t)
	first := r.dial(t, "key")
	other := r.beside(t)
	other.Memory.Replace(emergency.LastKnown{At: noon, Callers: known().Callers, Sites: known().Sites, Routing: offers})
	other.faulty.breaks(down)
	again := other.dial(t, "key")
	same(t, "the call", first.ID, again.ID)
	same(t, "the leg", first.Legs[0].ID, again.Legs[0].ID)
	other.faulty.breaks(nil)
	other.replayed(t)
	kept, err := r.store.Call(t.Context(), first.ID)
	ok(t, err)
	same(t, "legs", 1, len(kept.Legs))
	same(t, "the number that the PSAP saw last", again.Route.CallerID, kept.Route.CallerID)
}

// An agent who holds a number shows it again in a redial, also when SQL is down: the
// PSAP must not see two numbers for one person (B2, B7).
func TestRedialWithoutRecords(t *testing.T) {
	r := newRig(t)
	first := r.dial(t, "")
	r.faulty.breaks(down)
	again := r.dial(t, "")
	same(t, "the number shown", first.Number, again.Route.CallerID)
	same(t, "its kind", emergency.NumberLeased, again.NumberKind)
	r.faulty.breaks(nil)
	r.replayed(t)
	kept, err := r.store.Call(t.Context(), again.ID)
	ok(t, err)
	same(t, "the number kept", first.Number, kept.Number)
	same(t, "calls", 2, len(r.live(t)))
}

// What cannot work is refused without SQL, too, and people are told once it is back
// (B10).
func TestRefusalWithoutRecords(t *testing.T) {
	r := newRig(t)
	r.faulty.breaks(down)
	_, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "911", Location: &emergency.Location{Address: &emergency.Address{Country: "DE"}}})
	if refusal, refused := errors.AsType[*emergency.Refusal](err); !refused || refusal.Code != string(emergency.CheckCountryNotServed) {
		t.Errorf("the error is %v", err)
	}
	_, err = r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "+12025550123"})
	if refusal, refused := errors.AsType[*emergency.Refusal](err); !refused || refusal.Code != "not-an-emergency-number" {
		t.Errorf("the error is %v", err)
	}
	if _, err := r.Place(t.Context(), emergency.DialRequest{AgentID: "nobody", DialedNumber: "911"}); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v", err)
	}
	r.faulty.breaks(nil)
	r.replayed(t)
	same(t, "refusals told", 1, len(r.woken))
}

// An end is answered whatever SQL does, and presence comes back once SQL is (S10, B7).
func TestEndWithoutRecords(t *testing.T) {
	for name, breaks := range troubles("end") {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Budget = 300 * time.Millisecond
			call := r.dial(t, "")
			r.pass(time.Minute)
			breaks(r.faulty)
			ended, err := r.End(t.Context(), call.ID, "", "")
			ok(t, err)
			same(t, "legs up", 0, len(ended.LiveLegs()))
			same(t, "when it ended", noon.Add(time.Minute), ended.LastEnded())
			same(t, "presence, as answered", emergency.StatusAvailable, ended.PresenceNow)
			same(t, "degraded", true, ended.Degraded)
			r.pass(time.Minute)
			again, err := r.End(t.Context(), call.ID, "", "")
			ok(t, err)
			same(t, "the legs, ended again", ended.Legs, again.Legs)

			r.faulty.breaks(nil)
			r.replayed(t)
			kept, err := r.store.Call(t.Context(), call.ID)
			ok(t, err)
			same(t, "the legs kept", ended.Legs, kept.Legs)
			same(t, "presence", emergency.StatusAvailable, kept.PresenceNow)
		})
	}
}

// Of two calls without SQL, the last one to end shows the agent as before both (B4, B7).
func TestTwoCallsWithoutRecords(t *testing.T) {
	r := newRig(t)
	r.faulty.breaks(down)
	first, second := r.dial(t, "one"), r.dial(t, "two")
	same(t, "presence before", emergency.StatusAvailable, second.PresenceBefore)
	for _, c := range []struct {
		call emergency.Call
		want emergency.Status
	}{{first, emergency.StatusDoNotDisturb}, {second, emergency.StatusAvailable}} {
		ended, err := r.End(t.Context(), c.call.ID, "", "")
		ok(t, err)
		same(t, "presence", c.want, ended.PresenceNow)
	}
}

// A dial and its end without SQL reach it in their order, however late (B4, B7).
func TestWholeCallWithoutRecords(t *testing.T) {
	r := newRig(t)
	r.faulty.breaks(down)
	call := r.dial(t, "")
	r.pass(time.Minute)
	_, err := r.End(t.Context(), call.ID, call.Legs[0].ID, "")
	ok(t, err)
	r.pass(time.Minute)
	decision, err := r.Inbound(t.Context(), call.Route.CallerID, "+12025550911")
	ok(t, err)
	same(t, "the verdict", emergency.ConnectAgent, decision.Verdict)
	same(t, "the call", call.ID, decision.CallID)
	r.pass(time.Minute)
	_, err = r.End(t.Context(), call.ID, decision.LegID, "")
	ok(t, err)
	r.faulty.breaks(nil)

	// Until SQL has heard of it, the call is answered from memory.
	again, err := r.Inbound(t.Context(), call.Route.CallerID, "+12025550911")
	ok(t, err)
	same(t, "the verdict before SQL knows", emergency.ConnectAgent, again.Verdict)
	r.pass(time.Minute)
	_, err = r.End(t.Context(), call.ID, "", "")
	ok(t, err)
	r.replayed(t)
	kept, err := r.store.Call(t.Context(), call.ID)
	ok(t, err)
	same(t, "legs", 3, len(kept.Legs))
	same(t, "legs up", 0, len(kept.LiveLegs()))
	same(t, "presence", emergency.StatusAvailable, kept.PresenceNow)
}

// A callback to a number that is leased finds its agent whatever SQL does, and asking
// twice is one leg (S5, B7).
func TestInboundWithoutRecords(t *testing.T) {
	for name, breaks := range troubles("inbound") {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Budget = 300 * time.Millisecond
			call := r.dial(t, "")
			_, err := r.End(t.Context(), call.ID, "", "")
			ok(t, err)
			breaks(r.faulty)
			decision, err := r.Inbound(t.Context(), number, "+12025550911")
			ok(t, err)
			same(t, "the verdict", emergency.ConnectAgent, decision.Verdict)
			same(t, "the agent", caller, decision.AgentID)
			same(t, "degraded", true, decision.Degraded)
			again, err := r.Inbound(t.Context(), number, "+12025550911")
			ok(t, err)
			same(t, "the decision, asked again", decision, again)
			r.faulty.breaks(nil)
			r.replayed(t)
			kept, err := r.store.Call(t.Context(), call.ID)
			ok(t, err)
			same(t, "the leg kept", true, kept.Leg(decision.LegID).Up())
			same(t, "callbacks kept", 2, len(kept.Legs))
			same(t, "presence", emergency.StatusDoNotDisturb, kept.PresenceNow)
		})
	}
}

// An ordinary call is left alone without SQL, too; but one to a number that a caller of a
// site may have shown, its standing number or one of its pool, goes to the desk of that
// site, since another process may have placed the call. So it does in a process that has
// started meanwhile.
func TestInboundOrdinaryWithoutRecords(t *testing.T) {
	r := newRig(t)
	r.faulty.breaks(down)
	decision, err := r.Inbound(t.Context(), "+12025550123", "+12025550911")
	ok(t, err)
	same(t, "the verdict", emergency.NotAnEmergencyCallback, decision.Verdict)
	for _, r := range []*rig{r, r.again(t, down)} {
		for _, to := range []string{standing, number} {
			decision, err = r.Inbound(t.Context(), to, "+12025550911")
			ok(t, err)
			same(t, "the verdict for "+to, emergency.ConnectFallback, decision.Verdict)
			same(t, "what rings", "sip:desk@example.com", decision.Ring[0].URI)
		}
	}
}

// An end of a call that another process has placed is unknown here, and kept all the
// same: SQL may know it.
func TestEndOfUnknownWithoutRecords(t *testing.T) {
	r := newRig(t)
	call := r.beside(t).dial(t, "")
	r.faulty.breaks(down)
	if _, err := r.End(t.Context(), call.ID, "", ""); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v", err)
	}
	r.faulty.breaks(nil)
	r.replayed(t)
	kept, err := r.store.Call(t.Context(), call.ID)
	ok(t, err)
	same(t, "legs up", 0, len(kept.LiveLegs()))
}

// No answer takes longer than the budget. Whoever gives up sooner has gone, and nothing
// is promised to him (B7).
func TestBudget(t *testing.T) {
	for request := range requests(nil) {
		t.Run(request, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kept := 0
				desk := &dial.Desk{
					Records: &faulty{before: map[string]trouble{every: hang}}, Memory: dial.NewMemory(nowhere{}),
					Budget: 600 * time.Millisecond, LocationMaxAge: time.Hour, Terms: agreed, Clock: time.Now,
					Improvised: func(dial.Request) {}, Log: slog.New(slog.DiscardHandler),
					Wake:    func(emergency.CallID) { t.Error("the relay is told") },
					Refused: func(emergency.RefusedCall) { t.Error("a refusal is told") },
					Keep:    func(context.Context, dial.Intent) { kept++ },
				}
				desk.Memory.Replace(known())
				ask := requests(desk)[request]
				hurried, cancel := context.WithCancel(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
				begin := time.Now()
				if err := ask(hurried); !errors.Is(err, context.Canceled) {
					t.Errorf("the error is %v", err)
				}
				same(t, "the time until the one in a hurry had gone", 100*time.Millisecond, time.Since(begin))
				same(t, "promises to him", 0, kept)
				begin = time.Now()
				ok(t, ask(t.Context()))
				same(t, "the time that SQL had", 400*time.Millisecond, time.Since(begin))
				same(t, "promises kept", 1, kept)
			})
		})
	}
}

// Before anything is known of agents there is nothing to answer with, and nobody to
// blame for it.
func TestNothingKnown(t *testing.T) {
	r := newRig(t)
	r.Memory = dial.NewMemory(nowhere{})
	r.faulty.breaks(down)
	_, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "911"})
	if refusal, refused := errors.AsType[*emergency.Refusal](err); !refused || refusal.Instead == "" {
		t.Errorf("the error is %v", err)
	}
}
