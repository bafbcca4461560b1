package emergency

import "time"

// EventType names what happened, for people who follow along.
type EventType string

// What the event stream tells of.
const (
	EventCallPlaced       EventType = "call-placed"
	EventCallbackReceived EventType = "callback-received"
	EventLegEnded         EventType = "leg-ended"
	EventCallClosed       EventType = "call-closed"
	EventPresenceChanged  EventType = "presence-changed"
	EventNoticeUpdated    EventType = "notice-updated"
	// EventCallRefused tells that a dial could not work; the status is the refusal's
	// code.
	EventCallRefused EventType = "call-refused"
	// EventCountriesDiffer tells that device and directory name different countries
	// for a call.
	EventCountriesDiffer EventType = "countries-differ"
	// EventNumberLeased tells that a call which had to show the standing number has
	// got one of its own (B5).
	EventNumberLeased EventType = "number-leased"
	// EventNumberCorrected tells that the PSAP saw another number than the call was
	// written down with, because it was answered without SQL (B7).
	EventNumberCorrected EventType = "number-corrected"
	// EventNumberLost tells that a call which was answered without SQL showed a number
	// that its agent does not hold: a callback on it may reach somebody else (B5).
	EventNumberLost EventType = "number-lost"
	// EventPoolChanged tells that a site's pool is ok, low or exhausted now; that is
	// its status (B5).
	EventPoolChanged EventType = "pool-changed"
	// EventReadinessChanged tells that an agent is ready, ready with warnings or not
	// ready now, or is so for other reasons; the readiness is its status (B12). Who has
	// been removed is not ready.
	EventReadinessChanged EventType = "readiness-changed"
	// EventConfigurationChanged tells that an administrator has changed something.
	EventConfigurationChanged EventType = "configuration-changed"
)

// Subject names a part of the configuration.
type Subject string

// What administrators change.
const (
	SubjectSite            Subject = "site"
	SubjectAgent           Subject = "agent"
	SubjectContacts        Subject = "contacts"
	SubjectCallbackNumbers Subject = "callback-numbers"
	SubjectVoiceRouting    Subject = "voice-routing"
	SubjectTemplate        Subject = "template"
)

// Event is one line of the event stream. It names things by ID, so that what it
// says can be read again from the API with the reader's own rights.
type Event struct {
	// Seq grows with every event and is the stream's Last-Event-ID.
	Seq     int64     `json:"-"`
	Type    EventType `json:"type"`
	AgentID AgentID   `json:"agentId,omitempty"`
	SiteID  SiteID    `json:"siteId,omitempty"`
	CallID  CallID    `json:"callId,omitempty"`
	LegID   LegID     `json:"legId,omitempty"`
	// Kind tells a test from a call for help in what concerns a call or a refused dial
	// (B13); empty elsewhere, and in what was told before there was one.
	Kind Kind `json:"kind,omitempty"`
	// Subject is what of the configuration has changed; empty elsewhere.
	Subject Subject `json:"subject,omitempty"`
	// Status is what the agent shows, or what the type says.
	Status Status    `json:"status,omitempty"`
	At     time.Time `json:"at"`
}
