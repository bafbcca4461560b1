package main

import (
	"strings"
	"testing"
	"time"
)

// placed is a call as it is answered on a good day.
func placed() Call {
	return Call{
		CallID: "call-1", AgentID: demoAgent, Kind: CallKindEmergency, DialedNumber: "911", Country: "US", DialedAt: began,
		Status: CallStatusActive, CallbackNumber: leasedOne, CallbackNumberKind: CallCallbackNumberKindLeased,
		WindowEndsAt: began.Add(time.Hour), Route: Route{Path: RoutePathDirectOffer, CallerID: leasedOne},
		Presence: CallPresence{Current: "do-not-disturb", Previous: "busy"},
	}
}

// What is out of the ordinary about a call is said in words on its screen.
func TestCallScreenSaysWhatIsOutOfTheOrdinary(t *testing.T) {
	cases := map[string]struct {
		change func(*Call)
		want   string
	}{
		"nobody is told of the call": {func(*Call) {}, "nobody to be told"},
		"the pool was empty, or kept for real calls, or could not be asked (B5, B7, B13)": {
			func(c *Call) { c.CallbackNumberKind = CallCallbackNumberKindStanding },
			leasedOne + ", the standing one of the site, since no callback number is leased to this call",
		},
		"not everything could be done before the answer (B7)": {
			func(c *Call) { c.Degraded = true }, "degraded, the rest is done later",
		},
		"what the agent showed before is not known (B7)": {
			func(c *Call) { c.Presence.Previous = "" }, "presence  do-not-disturb\n",
		},
		"the call takes a trunk (S15)": {
			func(c *Call) { c.Route = Route{Path: RoutePathDirectRouting, Trunk: "trunk-1", CallerID: leasedTwo} },
			"direct-routing over trunk-1, caller ID " + leasedTwo,
		},
		"another number goes to the line (S1)": {
			func(c *Call) { c.DialedNumber, c.Country, c.Route.Number = "911", "GB", "999" },
			"direct-offer, dialed there as 999, caller ID " + leasedOne,
		},
		"somebody is told again, and of something else (B9)": {
			func(c *Call) {
				c.Notification.Recipients = []Recipient{
					{Address: "a@example.org", Event: RecipientEventPlaced, State: RecipientStateDelivered},
					{Address: "a@example.org", Event: RecipientEventCallback, State: RecipientStateSent},
					{Address: "b@example.org", Event: RecipientEventEscalated, Round: 2, State: RecipientStateBounced},
				}
			},
			"a@example.org delivered, a@example.org sent (callback notice), b@example.org bounced (escalated notice 2)",
		},
		"somebody cannot be told (B9)": {
			func(c *Call) {
				c.Notification.Recipients = []Recipient{
					{Address: "a@example.org", Event: RecipientEventPlaced, State: RecipientStateFailed, Reason: "mail server answered 550 to RCPT"},
					{Address: "b@example.org", Event: RecipientEventPlaced, State: RecipientStateSent},
				}
			},
			"a@example.org failed: mail server answered 550 to RCPT, b@example.org sent",
		},
		"the panel warns (S6)": {
			func(c *Call) { c.Controls.Warning = "Stay on the line." }, "is active.\nStay on the line.\n",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			call := placed()
			c.change(&call)
			if got := callText(call); !strings.Contains(got, c.want) {
				t.Errorf("no %q in\n%s", c.want, got)
			}
		})
	}
}

// Who follows a call hears that the number under which the emergency service knows it has
// changed, or was never the agent's (B5, B7).
func TestWatchTellsWhatBecomesOfTheNumber(t *testing.T) {
	call := placed()
	call.CallbackNumber = leasedTwo
	for event, want := range map[EventType]string{
		EventTypeNumberLeased:    "number of the agent is now " + leasedTwo,
		EventTypeNumberCorrected: "the database did not answer the dial: the emergency service saw " + leasedOne,
		EventTypeNumberLost:      "the emergency service saw " + leasedOne + ", which is not the agent's: a callback may reach SOMEBODY ELSE",
	} {
		lines := news(Event{Type: event, At: began, CallID: call.CallID}, call)
		if len(lines) != 1 || lines[0] != newLine(call, began, want) {
			t.Errorf("%s is told as %+v", event, lines)
		}
	}
}

// A call that ends without a leased number gives none back.
func TestStandingNumberIsNotGivenBack(t *testing.T) {
	call := placed()
	call.CallbackNumberKind = CallCallbackNumberKindStanding
	if got := overText(call); got != "the call is over" {
		t.Errorf("overText = %q", got)
	}
}

// A callback to whose agent nobody can be connected rings the desk of the site (B6).
func TestDecisionForTheFallbackNamesNoAgent(t *testing.T) {
	got := decisionText(leasedOne, RoutingDecision{
		Decision: RoutingDecisionDecisionConnectFallback,
		Priority: RoutingDecisionPriorityHighest,
		Bypass:   []RoutingDecisionBypass{RoutingDecisionBypassRoutingRules, RoutingDecisionBypassPresence},
		Endpoint: Endpoint{URI: "sip:desk@phones.example", Kind: EndpointKindFallback, RingSeconds: 30},
	})
	want := leasedOne + " is an emergency callback that comes late, so the site answers: highest priority, past routing rules, presence. Ring in this order:\n" +
		"  1. sip:desk@phones.example  fallback  for 30 s\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The address that the service listens on is where it is found; one that means every
// interface is found on this machine.
func TestServiceIsFoundWhereItListens(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8080":        "127.0.0.1:8080",
		"lifeline.example:8080": "lifeline.example:8080",
		"[::1]:8080":            "[::1]:8080",
		":8080":                 "localhost:8080",
		"0.0.0.0:8080":          "localhost:8080",
		"[::]:8080":             "localhost:8080",
	} {
		if got := dialable(listen); got != want {
			t.Errorf("dialable(%q) = %q, want %q", listen, got, want)
		}
	}
}

// A drill counts those whom its notice went out to, and nobody twice: neither who is told
// of the callback or again, nor whom it did not reach (B9, B13).
func TestDrillCountsWhomItsNoticeReached(t *testing.T) {
	notice := Notification{State: NotificationStateAcknowledged, Recipients: []Recipient{
		{Address: "a@example.org", Event: RecipientEventPlaced, State: RecipientStateSent},
		{Address: "b@example.org", Event: RecipientEventPlaced, State: RecipientStateDelivered},
		{Address: "c@example.org", Event: RecipientEventPlaced, State: RecipientStateBounced},
		{Address: "d@example.org", Event: RecipientEventPlaced, State: RecipientStateAcknowledged},
		{Address: "a@example.org", Event: RecipientEventCallback, State: RecipientStateSent},
	}}
	if got := told(notice); got != 3 {
		t.Errorf("%d told", got)
	}
}

// A drill that went well has shown something: somebody made a test call, whoever else was
// in a call then (B13).
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		report drillReport
		want   string
	}{
		"everybody passed":              {drillReport{Passed: 2}, ""},
		"somebody was in a call":        {drillReport{Passed: 1, Skipped: 1}, ""},
		"everybody was in a call":       {drillReport{Skipped: 2}, "nothing has been shown"},
		"one failed, the rest were not": {drillReport{Failed: 1, Skipped: 1}, "could not make a test call as they should: 1"},
		"it was broken off":             {drillReport{Skipped: 1, NotDrilled: 1}, "agents not drilled: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.report.verdict()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the verdict is %v, want %q", err, c.want)
			}
		})
	}
}
