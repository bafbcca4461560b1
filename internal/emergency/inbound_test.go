package emergency_test

import (
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// A callback climbs until somebody answers (B6).
func TestClimb(t *testing.T) {
	const each = 20 * time.Second
	desk := emergency.Endpoint{URI: "tel:+442079460101", Kind: emergency.EndpointFallback, Ring: each}
	for _, c := range []struct {
		name      string
		endpoints []string
		fallback  string
		want      []emergency.Endpoint
	}{
		// The agent's devices in their order, then the site's desk (B6).
		{"two devices and a desk", []string{"sip:one@example.com", "tel:+442079460100"}, desk.URI, []emergency.Endpoint{
			{URI: "sip:one@example.com", Kind: emergency.EndpointAgent, Ring: each},
			{URI: "tel:+442079460100", Kind: emergency.EndpointAgent, Ring: each},
			desk,
		}},
		// A site without a desk leaves the agent's devices.
		{"no desk", []string{"sip:one@example.com"}, "", []emergency.Endpoint{
			{URI: "sip:one@example.com", Kind: emergency.EndpointAgent, Ring: each},
		}},
		// An agent without a device still has somebody to answer (B6).
		{"no device", nil, desk.URI, []emergency.Endpoint{desk}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Neither logout nor Do not disturb changes where it rings (S5, B6).
			for _, status := range []emergency.Status{emergency.StatusAvailable, emergency.StatusDoNotDisturb, emergency.StatusOffline} {
				agent := emergency.Agent{Endpoints: c.endpoints, Presence: emergency.Presence{Status: status}}
				got := emergency.Climb(agent, emergency.Site{FallbackEndpoint: c.fallback})
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("while %s: %s", status, diff)
				}
			}
		})
	}
}

// Each device rings for as long as its site says, agents' first, then the desk, and
// last the fixed number; who answers for a site that no agent can be named at is the
// same without the agents (B6).
func TestClimbToTheFinalNumber(t *testing.T) {
	const ring, behind, standard = 15 * time.Second, 40 * time.Second, 20 * time.Second
	device := func(each time.Duration) emergency.Endpoint {
		return emergency.Endpoint{URI: "sip:one@example.com", Kind: emergency.EndpointAgent, Ring: each}
	}
	desk := func(each time.Duration) emergency.Endpoint {
		return emergency.Endpoint{URI: "sip:desk@example.com", Kind: emergency.EndpointFallback, Ring: each}
	}
	final := func(each time.Duration) emergency.Endpoint {
		return emergency.Endpoint{URI: "tel:+442079460102", Kind: emergency.EndpointFinal, Ring: each}
	}
	for _, c := range []struct {
		name string
		site emergency.Site
		want []emergency.Endpoint
	}{
		{
			"all of them",
			emergency.Site{FallbackEndpoint: "sip:desk@example.com", FinalNumber: "+442079460102"},
			[]emergency.Endpoint{device(standard), desk(standard), final(standard)},
		},
		{
			"with times of their own",
			emergency.Site{FallbackEndpoint: "sip:desk@example.com", FinalNumber: "+442079460102", AgentRing: ring, FallbackRing: behind},
			[]emergency.Endpoint{device(ring), desk(behind), final(behind)},
		},
		{"no desk", emergency.Site{FinalNumber: "+442079460102", AgentRing: ring}, []emergency.Endpoint{device(ring), final(standard)}},
		{"nobody behind", emergency.Site{FallbackRing: behind}, []emergency.Endpoint{device(standard)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			agent := emergency.Agent{Endpoints: []string{"sip:one@example.com"}}
			if diff := cmp.Diff(c.want, emergency.Climb(agent, c.site)); diff != "" {
				t.Error(diff)
			}
			if got := emergency.Fallback(c.site); !slices.Equal(got, c.want[1:]) {
				t.Errorf("without an agent, %v ring", got)
			}
		})
	}
}
