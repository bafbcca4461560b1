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
)

// Event is one line of the event stream. It names things by ID, so that what it
// says can be read again from the API with the reader's own rights.
type Event struct {
	// Seq grows with every event and is the stream's Last-Event-ID.
	Seq     int64     `json:"-"`
	Type    EventType `json:"type"`
	AgentID AgentID   `json:"agentId,omitempty"`
	CallID  CallID    `json:"callId,omitempty"`
	LegID   LegID     `json:"legId,omitempty"`
	Status  Status    `json:"status,omitempty"`
	At      time.Time `json:"at"`
}
