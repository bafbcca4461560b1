package dial_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// Ending is hanging up unless another reason is given; it restores presence, tells
// the relay, and may be repeated (S10).
func TestEnd(t *testing.T) {
	for given, want := range map[emergency.EndReason]emergency.EndReason{
		"": emergency.EndHungUp, "call-failed": "call-failed",
	} {
		r := newRig(t)
		call := r.dial(t, "")
		r.pass(time.Minute)
		ended, err := r.End(t.Context(), call.ID, "", given)
		ok(t, err)
		same(t, "the leg", emergency.Leg{
			ID: call.Legs[0].ID, Direction: emergency.Outbound, StartedAt: noon, EndedAt: noon.Add(time.Minute), Reason: want,
		}, ended.Legs[0])
		same(t, "presence", emergency.StatusAvailable, ended.PresenceNow)
		r.pass(time.Minute)
		again, err := r.End(t.Context(), call.ID, "", "otherwise")
		ok(t, err)
		same(t, "the leg after a repetition", ended.Legs, again.Legs)
		same(t, "calls that the relay was told of", []emergency.CallID{call.ID, call.ID, call.ID}, r.woken)
		messages := r.sent(t, call.ID)
		same(t, "messages", 2, len(messages))
		var told emergency.LegEnded
		ok(t, json.Unmarshal(messages[1].Body, &told))
		same(t, "the message", emergency.LegEnded{LegID: call.Legs[0].ID, At: noon.Add(time.Minute), Reason: want}, told)
	}
}

// Ending one leg leaves the others up.
func TestEndOneLeg(t *testing.T) {
	r := newRig(t)
	call := r.dial(t, "")
	decision, err := r.Inbound(t.Context(), number, "+12025550911")
	ok(t, err)
	ended, err := r.End(t.Context(), call.ID, call.Legs[0].ID, "")
	ok(t, err)
	same(t, "the leg that is up", decision.LegID, ended.LiveLegs()[0].ID)
	same(t, "presence", emergency.StatusDoNotDisturb, ended.PresenceNow)
}

// Ending what does not exist is told as that, and no relay is told of it.
func TestEndUnknown(t *testing.T) {
	r := newRig(t)
	if _, err := r.End(t.Context(), "nothing", "", ""); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v", err)
	}
	same(t, "calls that the relay was told of", 0, len(r.woken))
	call := r.dial(t, "")
	if _, err := r.End(t.Context(), call.ID, "nothing", ""); !errors.Is(err, emergency.ErrUnknownLeg) {
		t.Errorf("the error is %v", err)
	}
	same(t, "calls that the relay was told of", []emergency.CallID{call.ID}, r.woken)
}

// To anybody but its agent, a call is not there: it is not ended, whether SQL answers or
// not, and the other agent's own calls are.
func TestEndOfAnothers(t *testing.T) {
	r := newRig(t)
	call := r.dial(t, "")
	for name, how := range map[string]trouble{"with SQL": nil, "without SQL": down} {
		r.faulty.breaks(how)
		if _, err := r.Desk.End(t.Context(), call.ID, "", "agent-two", ""); !errors.Is(err, emergency.ErrUnknownCall) {
			t.Errorf("%s the error is %v", name, err)
		}
	}
	r.faulty.breaks(nil)
	r.replayed(t)
	kept, err := r.store.Call(t.Context(), call.ID)
	ok(t, err)
	same(t, "the leg is up", true, kept.LegUp())
	ended, err := r.Desk.End(t.Context(), call.ID, "", caller, "")
	ok(t, err)
	same(t, "the leg is up after its agent's end", false, ended.LegUp())
}

// The end that an agent tells a process which does not know his call, while SQL is down,
// counts once it is back (S11, B16).
func TestOwnEndElsewhereWithoutRecords(t *testing.T) {
	r := newRig(t)
	other := r.beside(t)
	other.blind = true
	r.faulty.breaks(down)
	other.faulty.breaks(down)
	call := r.dial(t, "")
	if _, err := other.Desk.End(t.Context(), call.ID, "", caller, ""); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v", err)
	}
	other.faulty.breaks(nil)
	other.replayed(t)
	r.faulty.breaks(nil)
	r.replayed(t)
	kept, err := r.store.Call(t.Context(), call.ID)
	ok(t, err)
	same(t, "the leg is up", false, kept.LegUp())
}

// A callback is connected to the agent at once, and the relay told of its leg (S4,
// S5, B3); asking twice about it is one leg.
func TestInbound(t *testing.T) {
	r := newRig(t)
	call := r.dial(t, "")
	_, err := r.End(t.Context(), call.ID, "", "")
	ok(t, err)
	r.sent(t, call.ID)
	r.woken = nil
	decision, err := r.Inbound(t.Context(), number, "+12025550911")
	ok(t, err)
	same(t, "the verdict", emergency.ConnectAgent, decision.Verdict)
	same(t, "the agent", caller, decision.AgentID)
	same(t, "calls that the relay was told of", []emergency.CallID{call.ID}, r.woken)
	again, err := r.Inbound(t.Context(), number, "+12025550911")
	ok(t, err)
	same(t, "the decision, asked again", decision, again)
	messages := r.sent(t, call.ID)
	same(t, "messages", 1, len(messages))
	var told emergency.CallbackReceived
	ok(t, json.Unmarshal(messages[0].Body, &told))
	same(t, "the message", emergency.CallbackReceived{LegID: decision.LegID, From: "+12025550911", At: noon}, told)
}

// A trunk that leaves the country out may mean one of two numbers. The callback reaches
// its agent whichever it is, and whether SQL answers or not.
func TestInboundIsAmbiguous(t *testing.T) {
	const either = "4585550101" // in Denmark, or in North America
	readings := emergency.CalledNumbers(either)
	if len(readings) != 2 {
		t.Fatalf("it can be read as %v", readings)
	}
	for _, leased := range readings {
		for name, how := range map[string]trouble{"with SQL": nil, "without SQL": down} {
			t.Run(leased+" "+name, func(t *testing.T) {
				r := newRig(t)
				r.Memory.Replace(emergency.LastKnown{At: noon, Sites: known().Sites, Calls: []emergency.KnownCall{{
					Call: emergency.Call{
						ID: "call", AgentID: caller, SiteID: washington.ID, Kind: emergency.KindEmergency, DialedAt: noon, Terms: agreed,
						Number: leased, NumberKind: emergency.NumberLeased, Route: emergency.Route{CallerID: leased},
					}, Agent: avery,
				}}})
				if how == nil {
					place := store.Placement{
						CallID: "call", LegID: "leg", Caller: emergency.Caller{Agent: avery, Site: washington}, Terms: agreed, At: noon,
						Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: "US"},
						Shown:  &store.Shown{Number: leased, Kind: emergency.NumberStanding},
					}
					ok(t, only(r.store.PlaceCall(t.Context(), place)))
				}
				r.faulty.breaks(how)
				decision, err := r.Inbound(t.Context(), either, "+12025550911")
				ok(t, err)
				same(t, "the verdict", emergency.ConnectAgent, decision.Verdict)
				same(t, "the call", "call", decision.CallID)
			})
		}
	}
}

// An ordinary call is left alone, and no relay is told of it.
func TestInboundOrdinary(t *testing.T) {
	r := newRig(t)
	decision, err := r.Inbound(t.Context(), number, "+12025550123")
	ok(t, err)
	same(t, "the decision", emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}, decision)
	r.untouched(t)
}
