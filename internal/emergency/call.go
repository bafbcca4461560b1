package emergency

import "time"

// CallID names a call: a UUID, new or derived from the caller's idempotency key,
// so that a repeated dial is the same call.
type CallID string

// DialRequest is what an agent, or a carrier for one, asks when dialing.
type DialRequest struct {
	AgentID AgentID
	// DialedNumber is what was dialed, before any dial-plan rule has seen it (B11).
	DialedNumber string
	// Location is what the device reported; nil when it reported nothing.
	Location *Location
	// IdempotencyKey makes a repeated request the same call; empty for a new one.
	IdempotencyKey string
}

// CallStatus is where a call stands in its life.
type CallStatus string

const (
	// CallActive has a leg up.
	CallActive CallStatus = "active"
	// CallbackWindow has no leg up, and the number still reaches the agent (S4).
	CallbackWindow CallStatus = "callback-window"
	// CallEnded has given its number back.
	CallEnded CallStatus = "ended"
)

// RoutePath is the way that a call takes to the PSAP (S15).
type RoutePath string

const (
	// DirectOffer is a first-party calling-plan number.
	DirectOffer RoutePath = "direct-offer"
	// DirectRouting is a third party's trunk with agreed emergency behaviour.
	DirectRouting RoutePath = "direct-routing"
	// NoPath is a test's that may touch no trunk: everything happens but the call to
	// the outside (B13).
	NoPath RoutePath = "none"
)

// Route says by which path, and with which caller ID, the call goes out.
type Route struct {
	Path RoutePath
	// Trunk names the direct-routing trunk; empty for a direct offer.
	Trunk TrunkID
	// CallerID is the number that the PSAP sees, in E.164. It stays what was shown,
	// even if the agent gets a number of his own later.
	CallerID string
	// FailOver are the ways to try next, in this order, when this one does not
	// answer: never silence (S16).
	FailOver []Hop
}

// Call is one emergency call: the agent's dial, and every callback until the
// window closes.
type Call struct {
	ID      CallID
	AgentID AgentID
	SiteID  SiteID
	Kind    Kind
	// Dialed is the emergency number or service URN that was dialed.
	Dialed   string
	Country  Country
	DialedAt time.Time
	// Conveyed is the location that was given with the call.
	Conveyed Conveyed
	Route    Route
	// Number is what the PSAP calls back, in E.164: what it sees, or the number that
	// the agent was given when one became free (B5).
	Number     string
	NumberKind NumberKind
	Terms      Terms
	// Degraded says that not everything could be done before the answer (B7).
	Degraded bool
	Legs     []Leg
	// ClosedAt is when the number was given back; zero until then.
	ClosedAt time.Time
	// PresenceBefore is what the agent showed before the latest leg.
	PresenceBefore Status
	// PresenceNow is what the agent shows at the time of reading.
	PresenceNow Status
	// Notice says who has been told.
	Notice Notification
	// Warnings are the conditions that did not hold when the call was placed.
	Warnings []CheckCode
}

// Conveyed is the location given with a call: what the device reported, and the
// address of the site, which the number is registered for.
type Conveyed struct {
	Site   Address   `json:"site"`
	Device *Location `json:"device,omitempty"`
}

// LastEnded is when the last leg ended; zero while none has.
func (c Call) LastEnded() time.Time {
	var last time.Time
	for _, leg := range c.Legs {
		if leg.EndedAt.After(last) {
			last = leg.EndedAt
		}
	}
	return last
}

// WindowEndsAt is when the number goes back to the pool if no further leg comes
// (B1).
func (c Call) WindowEndsAt() time.Time { return c.Terms.WindowEnd(c.DialedAt, c.LastEnded()) }

// Sent is what goes out to a line for what was dialed.
func (c Call) Sent() string {
	return Dialed{Number: c.Dialed, Kind: c.Kind, Country: c.Country}.Sent()
}

// LegUp tells whether any leg is up.
func (c Call) LegUp() bool { return len(c.LiveLegs()) > 0 }

// LiveLegs are the legs that are up.
func (c Call) LiveLegs() []Leg {
	var live []Leg
	for _, leg := range c.Legs {
		if leg.Up() {
			live = append(live, leg)
		}
	}
	return live
}

// Leg is the leg with this ID; the zero leg when the call has none such.
func (c Call) Leg(id LegID) Leg {
	for _, leg := range c.Legs {
		if leg.ID == id {
			return leg
		}
	}
	return Leg{}
}

// HasLeg tells whether the call has a leg with this ID.
func (c Call) HasLeg(id LegID) bool { return c.Leg(id).ID != "" }

// LeadsHere tells whether callbacks to a number are for this call: it has the number, or
// has shown it. Others may have shown it, too.
func (c Call) LeadsHere(number string) bool {
	return c.Route.CallerID == number || c.NumberKind == NumberLeased && c.Number == number
}

// ExpiresAt is when the call is over even if no workflow says so: the end of its
// window, or of the longest call allowed and the grace after it, and some slack.
func (c Call) ExpiresAt() time.Time {
	end := c.WindowEndsAt()
	for _, leg := range c.Legs {
		longest := leg.StartedAt.Add(c.Terms.MaxCall + c.Terms.Grace)
		if leg.Up() && longest.After(end) {
			end = longest
		}
	}
	return end.Add(OverdueSlack)
}

// Status is where the call stands at the time given.
func (c Call) Status(now time.Time) CallStatus {
	switch {
	case !c.ClosedAt.IsZero() || !now.Before(c.ExpiresAt()):
		return CallEnded
	case c.LegUp():
		return CallActive
	default:
		return CallbackWindow
	}
}
