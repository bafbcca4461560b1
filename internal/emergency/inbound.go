package emergency

import (
	"cmp"
	"time"
)

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
	// EndpointFallback is the site's supervisor or security desk.
	EndpointFallback EndpointKind = "fallback"
	// EndpointFinal is the fixed number that is rung last.
	EndpointFinal EndpointKind = "final"
)

// Endpoint is a device to ring, and for how long before the next one (B6).
type Endpoint struct {
	URI  string
	Kind EndpointKind
	Ring time.Duration
}

// ringTime is how long each device rings unless the site says otherwise. Three devices
// fit into the minute after which a PSAP commonly gives up.
const ringTime = 20 * time.Second

// Decision tells a carrier where an inbound call goes. Everything but
// NotAnEmergencyCallback bypasses routing rules, capacity profiles and presence.
type Decision struct {
	Verdict Verdict
	AgentID AgentID
	CallID  CallID
	LegID   LegID
	// Kind tells a callback to a test from one to a call for help (B13); empty when
	// it is neither.
	Kind Kind
	// Degraded says that the decision comes from memory, because SQL did not answer
	// (B7).
	Degraded bool
	// Ring lists the devices in the order in which to try them.
	Ring []Endpoint
}

// Climb is the order in which a callback rings: the agent's devices, then the site's
// supervisor or security desk, then the site's fixed number (B6). It does not ask
// whether the agent is logged in or free.
func Climb(agent Agent, site Site) []Endpoint {
	var ring []Endpoint
	for _, uri := range agent.Endpoints {
		ring = append(ring, Endpoint{URI: uri, Kind: EndpointAgent, Ring: cmp.Or(site.AgentRing, ringTime)})
	}
	return append(ring, Fallback(site)...)
}

// Fallback is who answers for a site when no agent does.
func Fallback(site Site) []Endpoint {
	var ring []Endpoint
	if site.FallbackEndpoint != "" {
		ring = append(ring, Endpoint{URI: site.FallbackEndpoint, Kind: EndpointFallback, Ring: cmp.Or(site.FallbackRing, ringTime)})
	}
	if site.FinalNumber != "" {
		ring = append(ring, Endpoint{URI: "tel:" + site.FinalNumber, Kind: EndpointFinal, Ring: cmp.Or(site.FallbackRing, ringTime)})
	}
	return ring
}
