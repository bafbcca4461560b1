package emergency

import "time"

// LastKnown is all that dials and callbacks need, as SQL had it at one time. It answers
// while SQL does not (B7).
type LastKnown struct {
	// At is when SQL was read.
	At      time.Time
	Callers []Caller
	Sites   []Site
	// Routing is how calls leave the contact centre; a Caller here has none of its own.
	Routing VoiceRouting
	// Calls are those that have not ended.
	Calls []KnownCall
	// Resting are the numbers that were given back and that a callback may still be
	// for (B5).
	Resting []RestingNumber
}

// KnownCall is a live call, with what a callback to it needs.
type KnownCall struct {
	Call

	// Agent has placed the call. He may have been removed since; the PSAP still has to
	// reach him.
	Agent Agent
	// Remote has who is at the other end of each callback leg that is up, as the
	// carrier gave it.
	Remote map[LegID]string
}

// RestingNumber is a number that nobody holds until its quarantine is over. A callback
// to it goes to the desk of its site (B6).
type RestingNumber struct {
	Number string
	SiteID SiteID
	// CallID, AgentID and Kind are those of the last call that had it, as far as it is
	// still known.
	CallID  CallID
	AgentID AgentID
	Kind    Kind
	// Until is when the quarantine ends.
	Until time.Time
}
