package emergency

import "time"

// LastKnown is all that dials and callbacks need, as SQL had it at one time. It answers
// while SQL does not (B7): see Book.
type LastKnown struct {
	// At is when SQL was read.
	At      time.Time
	Callers []Caller
	Sites   []Site
	// Routing is how calls leave the contact centre; a Caller here has none of its own.
	Routing VoiceRouting
	// Pools are the callback numbers of the sites. They are read apart.
	Pools []KnownPool
	// Calls are those that are not closed. Some may be over all the same: nobody has
	// given their numbers back yet.
	Calls []KnownCall
	// Resting are the numbers that were given back and that a callback may still be
	// for (B5), each once.
	Resting []RestingNumber
}

// KnownPool has all callback numbers of a site, whoever holds them.
type KnownPool struct {
	SiteID  SiteID
	Numbers []string
}

// KnownCall is a call with what a callback to it needs.
type KnownCall struct {
	Call

	// Agent has placed the call. He may have been removed since; the PSAP still has to
	// reach him.
	Agent Agent
	// Remote has who is at the other end of each callback leg that is up, as the
	// carrier gave it.
	Remote map[LegID]string
	// Lost says that SQL will never hear all of it: what is known here is all there is.
	Lost bool `json:",omitempty"`
}

// RestingNumber is a number on which nobody can be called back any more, although
// somebody could until lately. A callback to it goes to the desk of its site (B6).
type RestingNumber struct {
	Number string
	// Returned is the call that gave the number back to its pool; nil for a number that
	// does not rest in one. It comes before all that showed the number.
	Returned *PastCall
	// Shown are calls that showed the number without having it, as that of a site is.
	Shown []PastCall
}

// PastCall is a call that is over, and whose number may still be called.
type PastCall struct {
	SiteID SiteID
	// CallID, AgentID, Kind and DialedAt are empty when the call has been erased.
	CallID   CallID
	AgentID  AgentID
	Kind     Kind
	DialedAt time.Time
	// Over is when nobody could be called back any more, and Until when its number has
	// rested after it.
	Over, Until time.Time
}

// Past is the call as it is known once it is over.
func (c Call) Past() PastCall {
	over := c.ExpiresAt()
	if !c.ClosedAt.IsZero() && c.ClosedAt.Before(over) {
		over = c.ClosedAt
	}
	return PastCall{
		SiteID: c.SiteID, CallID: c.ID, AgentID: c.AgentID, Kind: c.Kind, DialedAt: c.DialedAt,
		Over: over, Until: over.Add(c.Terms.Quarantine),
	}
}

// Likelier tells whether a callback is rather for this call than for another: a call for
// help comes before a test (B13), then whichever was over later.
func (c PastCall) Likelier(other PastCall) bool {
	if test := c.Kind == KindTest; test != (other.Kind == KindTest) {
		return !test
	}
	if !c.Over.Equal(other.Over) {
		return c.Over.After(other.Over)
	}
	if !c.DialedAt.Equal(other.DialedAt) {
		return c.DialedAt.After(other.DialedAt)
	}
	return c.CallID > other.CallID
}
