package emergency_test

import (
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
