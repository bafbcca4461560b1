package emergency

import "time"

// Verdict is what to do with an inbound call.
type Verdict string

const (
	// ConnectAgent rings the agent who dialed from this number (S5).
	ConnectAgent Verdict = "connect-agent"
	// ConnectFallback rings the site's desk, because no agent can be named (B6).
	ConnectFallback Verdict = "connect-fallback"
	// NotAnEmergencyCallback leaves the call to ordinary routing.
	NotAnEmergencyCallback Verdict = "not-an-emergency-callback"
)

// EndpointKind tells whose device it is.
type EndpointKind string

const (
	// EndpointAgent is one of the agent's own devices.
	EndpointAgent EndpointKind = "agent"
	// EndpointFallback is the site's security desk.
	EndpointFallback EndpointKind = "fallback"
)

// Endpoint is a device to ring, and for how long before the next one (B6).
type Endpoint struct {
	URI  string
	Kind EndpointKind
	Ring time.Duration
}

// ringTime is how long each device rings. Three devices fit into the minute
// after which a PSAP commonly gives up.
const ringTime = 20 * time.Second

// Decision tells a carrier where an inbound call goes. Everything but
// NotAnEmergencyCallback bypasses routing rules, capacity profiles and presence.
type Decision struct {
	Verdict Verdict
	AgentID AgentID
	CallID  CallID
	LegID   LegID
	// Ring lists the devices in the order in which to try them.
	Ring []Endpoint
}

// Climb is the order in which a callback rings: the agent's devices, then the
// site's desk (B6). It does not ask whether the agent is logged in or free.
func Climb(agent Agent, site Site) []Endpoint {
	var ring []Endpoint
	for _, uri := range agent.Endpoints {
		ring = append(ring, Endpoint{URI: uri, Kind: EndpointAgent, Ring: ringTime})
	}
	if site.FallbackEndpoint != "" {
		ring = append(ring, Endpoint{URI: site.FallbackEndpoint, Kind: EndpointFallback, Ring: ringTime})
	}
	return ring
}
