package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// inboundRules are about the PSAP that calls back.
var inboundRules = []rule{
	{"reaches the agent, then the desk", reachesTheAgentThenTheDesk},
	{"climbs as the site says", climbsAsTheSiteSays},
	{"an agent who was removed", removedAgentIsCalledBack},
	{"asked twice", askedTwice},
	{"asked twice, with a redial between", askedTwiceWithARedialBetween},
	{"from two places", fromTwoPlaces},
	{"latest of two calls", latestOfTwoCalls},
	{"older call when the latest is over", olderCallWhenTheLatestIsOver},
	{"a call for help before a test", helpBeforeATest},
	{"unknown number", unknownNumber},
	{"until the window is over", untilTheWindowIsOver},
	{"keeps the call alive", keepsTheCallAlive},
	{"a withheld or garbled caller", garbledCaller},
}

// A callback to a leased number rings that agent's devices and then the desk,
// whatever the agent shows; it opens a leg and tells the workflow (S4, S5, B6).
func reachesTheAgentThenTheDesk(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	w.dial(t, "two")
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, "")
	w.choose(t, "one", emergency.StatusOffline)
	w.pass(10 * time.Minute)
	in := store.Inbound{To: second, From: "+12025550911", At: w.clock.read(), LegID: "the-callback"}
	got, err := w.DecideInbound(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the decision", emergency.Decision{
		Verdict: emergency.ConnectAgent, AgentID: "one", CallID: call.ID, LegID: "the-callback", Kind: emergency.KindEmergency,
		Ring: []emergency.Endpoint{
			{URI: "sip:one@example.com", Kind: emergency.EndpointAgent, Ring: 20 * time.Second},
			{URI: "tel:+12025550150", Kind: emergency.EndpointAgent, Ring: 20 * time.Second},
			{URI: desk, Kind: emergency.EndpointFallback, Ring: 20 * time.Second},
		},
	}, got)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	opened := emergency.Leg{ID: "the-callback", Direction: emergency.Callback, StartedAt: in.At}
	same(t, "the leg", opened, w.read(t, call.ID).Leg("the-callback"))

	var told emergency.CallbackReceived
	message := w.messages(t, call.ID)[2]
	if message.Kind != emergency.MessageCallbackReceived {
		t.Fatalf("the message is %q", message.Kind)
	}
	if err := json.Unmarshal(message.Body, &told); err != nil {
		t.Fatal(err)
	}
	same(t, "the message", emergency.CallbackReceived{LegID: "the-callback", From: in.From, At: in.At}, told)
}

// Who else answers, and for how long each device rings, the site says; a fixed number
// comes last (B6).
func climbsAsTheSiteSays(t *testing.T, w *world) {
	site := siteNamed("us")
	site.FinalNumber, site.AgentRing, site.FallbackRing = "+12025550197", 12*time.Second, 7*time.Second
	if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	w.add(t, first, "us")
	w.addAgents(t, "us", "one")
	w.dial(t, "one")
	same(t, "the devices", []emergency.Endpoint{
		{URI: "sip:one@example.com", Kind: emergency.EndpointAgent, Ring: 12 * time.Second},
		{URI: "tel:+12025550150", Kind: emergency.EndpointAgent, Ring: 12 * time.Second},
		{URI: desk, Kind: emergency.EndpointFallback, Ring: 7 * time.Second},
		{URI: "tel:+12025550197", Kind: emergency.EndpointFinal, Ring: 7 * time.Second},
	}, w.offer(t, first).Ring)
}

// Who leaves the contact centre during an emergency call is still the person whom the
// PSAP must reach (B6).
func removedAgentIsCalledBack(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	if err := w.RemoveAgent(t.Context(), "one", emergency.Change{}); err != nil {
		t.Fatal(err)
	}
	got := w.offer(t, first)
	if got.Verdict != emergency.ConnectAgent || got.CallID != call.ID || len(got.Ring) != 3 || got.Ring[0].URI != "sip:one@example.com" {
		t.Errorf("the callback gives %+v", got)
	}
}

// A carrier that asks again about the same callback gets the same answer, and no
// second leg is opened (S5).
func askedTwice(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, "")
	once := w.offer(t, first)
	messages := len(w.messages(t, call.ID))
	w.pass(time.Second)
	same(t, "the second answer", once, w.offer(t, first))
	if legs := len(w.read(t, call.ID).Legs); legs != 2 {
		t.Errorf("there are %d legs, want 2", legs)
	}
	if again := len(w.messages(t, call.ID)); again != messages {
		t.Errorf("the workflow is told %d things, want %d", again, messages)
	}
	// Once that leg is over, the next callback is another one (S4).
	w.hangUp(t, call.ID, once.LegID)
	if next := w.offer(t, first); next.LegID == once.LegID || next.Verdict != emergency.ConnectAgent {
		t.Errorf("the next callback gives %+v", next)
	}
}

// The answer stays the same even if the agent has dialed again since: the PSAP is
// connected with one leg, and not with two (S5).
func askedTwiceWithARedialBetween(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.hangUp(t, w.dial(t, "one").ID, "")
	once := w.offer(t, first)
	w.pass(time.Second)
	redial := w.dial(t, "one")
	same(t, "the second answer", once, w.offer(t, first))
	if got := w.offerFrom(t, first, "+12025550912"); got.CallID != redial.ID {
		t.Errorf("a callback from elsewhere gives %+v, want the latest call", got)
	}
}

// Police and ambulance may both call back: each has a leg (S4, B4).
func fromTwoPlaces(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, "")
	police, ambulance := w.offerFrom(t, first, "+12025550911"), w.offerFrom(t, first, "+12025550912")
	if police.LegID == ambulance.LegID {
		t.Error("both have one leg")
	}
	w.hangUp(t, call.ID, police.LegID)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, ambulance.LegID)
	w.shows(t, "one", emergency.StatusAvailable)
}

// After a redial the callback belongs to the latest call on the number (B2).
func latestOfTwoCalls(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.hangUp(t, w.dial(t, "one").ID, "")
	w.pass(time.Minute)
	latest := w.dial(t, "one")
	if got := w.offer(t, first); got.CallID != latest.ID {
		t.Errorf("the callback reaches %s, want %s", got.CallID, latest.ID)
	}
}

// When the latest call on a number is over, an older one that is not still brings
// the PSAP to the agent (S4). The latest may end between the look and the lock,
// which a wrong expiry stands for here.
func olderCallWhenTheLatestIsOver(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	older := w.dial(t, "one")
	w.pass(time.Minute)
	latest := w.hangUp(t, w.dial(t, "one").ID, "")
	w.clock.set(latest.ExpiresAt())
	w.run(t, `UPDATE calls SET expires_at = $2 WHERE id = $1`, latest.ID, latest.ExpiresAt().Add(time.Hour))
	if got := w.offer(t, first); got.CallID != older.ID {
		t.Errorf("the callback gives %+v, want %s", got, older.ID)
	}
}

// A PSAP that calls back means the call for help, even if the agent has made a test
// since (B13).
func helpBeforeATest(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	help := w.dial(t, "one")
	w.pass(time.Minute)
	test := w.test(t, "one")
	has(t, test, first, emergency.NumberLeased)
	if got := w.offer(t, first); got.CallID != help.ID || got.Kind != emergency.KindEmergency {
		t.Errorf("the callback gives %+v, want the call for help", got)
	}
	w.finish(t, help.ID)
	if got := w.offer(t, first); got.CallID != test.ID || got.Kind != emergency.KindTest {
		t.Errorf("after that the callback gives %+v, want the test", got)
	}
}

// Any other call is left to ordinary routing, and changes nothing.
func unknownNumber(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	for _, to := range []string{second, standing, "+12025550177", "", "911", "sip:one@example.com", "\x00", "\xff"} {
		same(t, "the decision on "+to, emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}, w.offer(t, to))
	}
	same(t, "the call", call, w.read(t, call.ID))
}

// The number reaches the agent until the window is over, even if nobody closes
// the call, and no longer (S4, B1).
func untilTheWindowIsOver(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	expired := w.hangUp(t, w.dial(t, "one").ID, "")
	closed := w.dial(t, "two")
	w.finish(t, closed.ID)
	if got := w.offer(t, second).Verdict; got != emergency.ConnectFallback {
		t.Errorf("a closed call's number gives %q", got)
	}
	w.clock.set(expired.ExpiresAt())
	if got := w.offer(t, first).Verdict; got != emergency.ConnectFallback {
		t.Errorf("an expired call's number gives %q", got)
	}
	w.clock.set(expired.ExpiresAt().Add(-time.Microsecond))
	if got := w.offer(t, first); got.CallID != expired.ID || got.Verdict != emergency.ConnectAgent {
		t.Errorf("a moment before, it gives %+v", got)
	}
}

// A callback at the end of the window keeps the number as long as it lasts (B1).
func keepsTheCallAlive(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.hangUp(t, w.dial(t, "one").ID, "")
	w.clock.set(call.WindowEndsAt())
	decision := w.offer(t, first)
	w.pass(2 * time.Hour)
	w.expire(t)
	if w.closeCall(t, call.ID) {
		t.Error("the call closes under a live callback")
	}
	w.states(t, map[string]emergency.NumberState{first: leased})
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	ended := w.hangUp(t, call.ID, decision.LegID)
	if want := w.clock.read().Add(agreed.Grace); !ended.WindowEndsAt().Equal(want) {
		t.Errorf("the window ends at %v, want %v", ended.WindowEndsAt(), want)
	}
}

// Who calls back may be withheld, or come from the carrier as garbage: the call
// goes through all the same (S5).
func garbledCaller(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.hangUp(t, w.dial(t, "one").ID, "")
	for _, from := range []string{"", "anonymous", "\x00", "\xff\xfe"} {
		once, again := w.offerFrom(t, first, from), w.offerFrom(t, first, from)
		same(t, "the second answer", once, again)
		if once.Verdict != emergency.ConnectAgent {
			t.Errorf("a call from %q gives %+v", from, once)
		}
		w.hangUp(t, call.ID, "")
	}
}
