package main

import (
	"net/http"
	"testing"

	"lifeline/internal/httpapi"
)

// A site whose pool is empty shows its standing number, which leads back to the
// caller; an alarm is told, and as soon as a number is added the caller gets it,
// while the emergency service still reaches him by the one that it saw (B5).
func TestExhaustedPool(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	admin, supervisor := i.as("admin"), i.as("supervisor")
	events := supervisor.follow("")
	var site httpapi.Site
	admin.must(http.StatusOK, http.MethodGet, "/v1/sites/site-us", nil, &site)
	for _, number := range []string{"+12025550102", "+12025550103"} {
		admin.must(http.StatusNoContent, http.MethodDelete, "/v1/callback-numbers/"+number, nil, nil)
	}
	i.hire("agent-two")
	first := i.as("carrier").dial("agent-us", "911")
	second := i.as("carrier").dial("agent-two", "911")
	if second.CallbackNumber != site.StandingNumber || second.CallbackNumberKind != httpapi.CallCallbackNumberKindStanding {
		t.Fatalf("with an empty pool the call shows %s (%s)", second.CallbackNumber, second.CallbackNumberKind)
	}
	if first.CallbackNumber == second.CallbackNumber {
		t.Fatal("two agents share a number")
	}
	await(t, "the alarm", func() error { return toldOf(events, "pool-changed exhausted") })
	if got := i.as("carrier").inbound(site.StandingNumber); got.AgentID != "agent-two" {
		t.Errorf("a callback to the standing number goes to %q", got.AgentID)
	}
	admin.must(http.StatusCreated, http.MethodPost, "/v1/callback-numbers",
		httpapi.CallbackNumberSettings{Number: "+12025550104", SiteID: "site-us"}, nil)
	awaitEqual(t, "the number of the caller", "+12025550104", func() string { return supervisor.call(second.CallID).CallbackNumber })
	if shown := supervisor.call(second.CallID).Route.CallerID; shown != site.StandingNumber {
		t.Errorf("the caller ID has become %s, and the emergency service saw %s", shown, site.StandingNumber)
	}
	for _, number := range []string{"+12025550104", site.StandingNumber} {
		if got := i.as("carrier").inbound(number); got.AgentID != "agent-two" {
			t.Errorf("a callback to %s goes to %q", number, got.AgentID)
		}
	}
}

// A number that was given back a moment ago leads to the desk of its last holder's
// site, and to nobody else's phone.
func TestLateCallback(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "LEASE_DURATION=1s", "CALLBACK_GRACE=0s", "NUMBER_QUARANTINE=10m")
	i.standalone()
	call := i.as("carrier").dial("agent-us", "911")
	i.as("carrier").end(call)
	i.awaitStatus(call, httpapi.CallStatusEnded)
	got := i.as("carrier").inbound(call.CallbackNumber)
	if got.Decision != httpapi.RoutingDecisionDecisionConnectFallback || got.Endpoint.URI != "sip:security-us@phones.example" || got.LegID != "" {
		t.Errorf("a late callback is %s to %q, leg %q", got.Decision, got.Endpoint.URI, got.LegID)
	}
}

// hire adds an agent at the demo's site in the United States.
func (i *installation) hire(agent string) {
	i.t.Helper()
	i.as("admin").must(http.StatusOK, http.MethodPut, "/v1/agents/"+agent, httpapi.AgentSettings{
		Name: "Another agent", SiteID: "site-us", Endpoints: []string{"sip:" + agent + "@phones.example"},
	}, nil)
}
