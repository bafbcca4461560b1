package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lifeline/internal/emergency"
)

// withMaxAge is what the tests take a location to count for.
func withMaxAge(o *Options) { o.LocationMaxAge, o.PoolWarning = time.Hour, 0.8 }

// reported is where a desktop said an agent was, a while ago.
func reported(ago time.Duration, location emergency.Location) emergency.ReportedLocation {
	return emergency.ReportedLocation{Location: location, At: time.Now().Add(-ago)}
}

func codesOf(view AgentReadiness) []string {
	codes := []string{}
	for _, check := range view.Checks {
		codes = append(codes, string(check.Severity)+" "+check.Code)
	}
	return codes
}

// An agent's readiness is what a dial would meet now (S12 to S16): the refusals first,
// each with its sentence for the agent and one for the administrator.
func TestAgentReadiness(t *testing.T) {
	here := emergency.Location{Address: &emergency.Address{Street: "1 Example Street", Country: "US"}, Permission: emergency.LocationGranted}
	tests := map[string]struct {
		change    func(*fakeRecords)
		readiness AgentReadinessReadiness
		codes     []string
	}{
		"all is well": {func(*fakeRecords) {}, AgentReadinessReadinessReady, []string{}},
		"the location is too long ago": {
			func(f *fakeRecords) { f.reported["agent-us"] = reported(2*time.Hour, here) },
			AgentReadinessReadinessWarning,
			[]string{"warning location-unknown"},
		},
		"a place in no country": {
			func(f *fakeRecords) {
				f.reported["agent-us"] = reported(time.Minute, emergency.Location{Latitude: new(38.9), Longitude: new(-77.0)})
			},
			AgentReadinessReadinessWarning,
			[]string{"warning location-country-unknown"},
		},
		"the location is off": {
			func(f *fakeRecords) {
				f.reported["agent-us"] = reported(time.Minute, emergency.Location{Permission: emergency.LocationDenied})
			},
			AgentReadinessReadinessNotReady,
			[]string{"refusal location-off"},
		},
		"no outbound profile, and nobody to tell": {
			func(f *fakeRecords) { f.routing.OutboundProfiles, f.contacts = nil, nil },
			AgentReadinessReadinessNotReady,
			[]string{"refusal no-outbound-profile", "refusal no-calling-number", "warning no-contacts"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, withMaxAge)
			r.records.reported["agent-us"] = reported(time.Minute, here)
			r.records.contacts["agent-us"] = emergency.Contacts{AsTyped: "desk@example.org", Revision: 1}
			test.change(r.records)
			for _, holder := range []string{"agent-us", "supervisor", "admin"} {
				view := read[AgentReadiness](t, r.do(t, ask{method: http.MethodGet, path: "/v1/agents/agent-us/readiness", as: holder}))
				if view.AgentID != "agent-us" || view.SiteID != "us-washington" || view.Readiness != test.readiness {
					t.Errorf("%s: %+v", holder, view)
				}
				if diff := cmp.Diff(test.codes, codesOf(view)); diff != "" {
					t.Errorf("%s: checks (-want +got):\n%s", holder, diff)
				}
				for _, check := range view.Checks {
					want := emergency.Explain(emergency.CheckCode(check.Code))
					if check.Agent != want.Agent || check.Administrator != want.Administrator {
						t.Errorf("check %+v, want %+v", check, want)
					}
				}
			}
		})
	}
}

// To an agent, another agent looks like one that does not exist, to the letter.
func TestForeignReadinessIsLikeNone(t *testing.T) {
	var answers []Problem
	for _, id := range []string{"agent-gb", "nobody"} {
		problem := newRig(t).problem(t, ask{method: http.MethodGet, path: "/v1/agents/" + id + "/readiness", as: "agent-us"}, http.StatusForbidden)
		problem.RequestID = ""
		answers = append(answers, problem)
	}
	if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
		t.Errorf("(-foreign +none):\n%s", diff)
	}
}

// The board counts everybody and shows who cannot call, or should have something
// mended, the worst first (B12).
func TestReadinessBoard(t *testing.T) {
	r := newRig(t, withMaxAge)
	add := func(id emergency.AgentID, profiles ...string) {
		r.records.agents[id] = emergency.Agent{ID: id, SiteID: "us-washington", Endpoints: []string{"tel:+12025550101"}, CapacityProfiles: profiles}
		r.records.contacts[id] = emergency.Contacts{AsTyped: "desk@example.org", Revision: 1}
		r.records.reported[id] = reported(time.Minute, emergency.Location{Address: &emergency.Address{Street: "1 Example Street", Country: "US"}})
	}
	add("agent-us", "default")
	add("agent-gb", "default")
	add("a-warned", "default")
	add("b-refused")
	add("c-refused-twice")
	delete(r.records.contacts, "a-warned")
	r.records.reported["c-refused-twice"] = reported(time.Minute, emergency.Location{Permission: emergency.LocationPrompt})
	for _, holder := range []string{"supervisor", "admin"} {
		board := read[ReadinessBoard](t, r.do(t, ask{method: http.MethodGet, path: "/v1/readiness", as: holder}))
		if board.Ready != 2 || board.Warning != 1 || board.NotReady != 2 {
			t.Errorf("%d ready, %d with warnings, %d not", board.Ready, board.Warning, board.NotReady)
		}
		got := []string{}
		for _, agent := range board.Agents {
			got = append(got, agent.AgentID+" "+string(agent.Readiness))
		}
		want := []string{"c-refused-twice not-ready", "b-refused not-ready", "a-warned warning"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("agents (-want +got):\n%s", diff)
		}
	}
}

// The board shows how the callback numbers of each site are used, in which state the
// pool is, and when it runs out at the pace of the last hour (B5).
func TestPools(t *testing.T) {
	now := time.Now()
	r := newRig(t, withMaxAge)
	r.records.pools = []emergency.Pool{
		{SiteID: "ca-ottawa", Free: 10},
		{SiteID: "gb-leeds", Free: 0, Leased: 2, Resting: 1, LastHour: 2, Returns: []time.Time{now.Add(time.Hour)}},
		{SiteID: "us-washington", Free: 1, Leased: 5, Resting: 4, LastHour: 60, Returns: []time.Time{now.Add(50 * time.Minute)}},
	}
	board := read[ReadinessBoard](t, r.do(t, ask{method: http.MethodGet, path: "/v1/readiness", as: "supervisor"}))
	if len(board.Pools) != 3 {
		t.Fatalf("pools %+v", board.Pools)
	}
	calm, empty, busy := board.Pools[0], board.Pools[1], board.Pools[2]
	if !calm.RunsOutAt.IsZero() {
		t.Errorf("a pool without leases runs out at %s", calm.RunsOutAt)
	}
	if busy.RunsOutAt.Before(now) || busy.RunsOutAt.After(now.Add(time.Hour)) {
		t.Errorf("a busy pool runs out at %s", busy.RunsOutAt)
	}
	busy.RunsOutAt, empty.RunsOutAt = time.Time{}, time.Time{}
	want := []Pool{
		{SiteID: "ca-ottawa", State: PoolStateOk, Total: 10, Free: 10},
		{SiteID: "gb-leeds", State: PoolStateExhausted, Total: 3, Leased: 2, Resting: 1, Use: 1, LeasesLastHour: 2},
		{SiteID: "us-washington", State: PoolStateLow, Total: 10, Free: 1, Leased: 5, Resting: 4, Use: 0.9, LeasesLastHour: 60},
	}
	if diff := cmp.Diff(want, []Pool{calm, empty, busy}); diff != "" {
		t.Errorf("pools (-want +got):\n%s", diff)
	}
}

// Without agents and pools the board is empty, and has no null in it.
func TestEmptyBoard(t *testing.T) {
	r := newRig(t)
	clear(r.records.agents)
	w := r.do(t, ask{method: http.MethodGet, path: "/v1/readiness", as: "supervisor"})
	sameJSON(t, `{"ready":0,"warning":0,"notReady":0,"agents":[],"pools":[]}`, read[ReadinessBoard](t, w))
}
