package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"lifeline/internal/httpapi"

	"github.com/google/go-cmp/cmp"
)

// toldOf is an error until a stream has told something.
func toldOf(events *stream, want string) error {
	if told := events.told(); !slices.Contains(told, want) {
		return fmt.Errorf("told were %q, and not %q", told, want)
	}
	return nil
}

// A rule sends British emergency calls over a trunk, with a way out behind it for
// every failure, and leaves the others on the direct offer (S15, S16). What the rule
// forgets is found by the dial-plan check (B11).
func TestVoiceRouting(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	admin := i.as("admin")
	var routing httpapi.VoiceRouting
	admin.must(http.StatusOK, http.MethodGet, "/v1/voice-routing", nil, &routing)
	if len(routing.Findings) > 0 {
		t.Errorf("the demo's voice routing has findings: %+v", routing.Findings)
	}
	routing.Trunks = []httpapi.Trunk{trunk("london-1", "london-2"), trunk("london-2")}
	routing.Rules = []httpapi.RoutingRule{{Name: "British emergency numbers", Pattern: "^999$", Trunk: "london-1", Countries: []string{"GB"}}}
	var saved httpapi.VoiceRouting
	admin.must(http.StatusOK, http.MethodPut, "/v1/voice-routing", routing, &saved)
	if len(saved.Findings) == 0 {
		t.Error("the check finds nothing wrong with a rule that takes 999 and leaves 112")
	}
	over := i.as("carrier").dial("agent-gb", "999").Route
	want := httpapi.Route{
		Path: httpapi.RoutePathDirectRouting, Trunk: "london-1", Number: "999", CallerID: over.CallerID,
		FailOver: []httpapi.Hop{{Path: "direct-routing", Trunk: "london-2"}, {Path: "direct-offer"}},
	}
	if diff := cmp.Diff(want, over); diff != "" {
		t.Errorf("the way of 999 (-want +got)\n%s", diff)
	}
	for agent, number := range map[string]string{"agent-gb": "112", "agent-dk": "112", "agent-us": "911"} {
		if got := i.as("carrier").dial(agent, number).Route.Path; got != httpapi.RoutePathDirectOffer {
			t.Errorf("%s of %s goes by %s", number, agent, got)
		}
	}
}

func trunk(id string, failOver ...string) httpapi.Trunk {
	return httpapi.Trunk{
		TrunkID: id, Emergency: true, Numbers: []string{}, TestNumbers: []string{}, FailOver: append([]string{}, failOver...),
	}
}

// Who cannot call is on the board before he has to find out, a dial is refused with
// every reason, and people are told (S12 to S16, B12).
func TestReadiness(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	admin, events := i.as("admin"), i.as("supervisor").follow("")
	agent := httpapi.AgentSettings{
		Name: "Demo agent", SiteID: "site-us", Endpoints: []string{"sip:agent-us@phones.example"},
		CapacityProfiles: &[]string{"none-that-calls-out"}, CallingNumber: "+12025550177",
	}
	admin.must(http.StatusOK, http.MethodPut, "/v1/agents/agent-us", agent, nil)
	await(t, "the change to be told", func() error { return toldOf(events, "readiness-changed not-ready") })
	var board httpapi.ReadinessBoard
	i.as("supervisor").must(http.StatusOK, http.MethodGet, "/v1/readiness", nil, &board)
	if board.NotReady != 1 || len(board.Agents) == 0 || board.Agents[0].AgentID != "agent-us" {
		t.Errorf("the board is %+v", board)
	}
	var refused httpapi.Problem
	i.as("carrier").must(http.StatusUnprocessableEntity, http.MethodPost, "/v1/emergency-calls",
		httpapi.DialRequest{AgentID: "agent-us", DialedNumber: "911"}, &refused)
	var codes []string
	for _, check := range refused.Checks {
		codes = append(codes, check.Code)
	}
	if diff := cmp.Diff([]string{"no-outbound-profile", "calling-number-not-allowed"}, codes); diff != "" {
		t.Errorf("the reasons (-want +got)\n%s", diff)
	}
	if refused.Instead != "Dial 911 from a mobile phone." {
		t.Errorf("instead: %q", refused.Instead)
	}
	await(t, "the refusal to be told", func() error { return toldOf(events, "call-refused no-outbound-profile") })
	agent.CapacityProfiles, agent.CallingNumber = nil, ""
	admin.must(http.StatusOK, http.MethodPut, "/v1/agents/agent-us", agent, nil)
	await(t, "the repair to be told", func() error { return toldOf(events, "readiness-changed warning") })
	i.as("carrier").dial("agent-us", "911")
}

// Two administrators who began with the same agent cannot undo each other's change.
func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	admin := i.as("admin")
	read, err := admin.open(http.MethodGet, "/v1/agents/agent-us", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	tag := read.Header.Get("ETag")
	if err := read.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{http.StatusOK, http.StatusPreconditionFailed} {
		body := []byte(`{"name": "Demo agent", "siteId": "site-us", "endpoints": ["sip:agent-us@phones.example"]}`)
		answer, err := admin.open(http.MethodPut, "/v1/agents/agent-us", body, http.Header{"If-Match": {tag}})
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != want {
			t.Errorf("a change based on %s gives %d, want %d (%v)", tag, answer.StatusCode, want, err)
		}
	}
}
