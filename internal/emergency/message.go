package emergency

import "time"

// MessageKind names what the relay tells a call's workflow.
type MessageKind string

const (
	// MessagePlaced starts the workflow; its body is an Order.
	MessagePlaced MessageKind = "placed"
	// MessageResumed starts the workflow of an open call again that was closed before its
	// time; its body is an Order.
	MessageResumed MessageKind = "resumed"
	// MessageCallbackReceived tells of a new leg; its body is a CallbackReceived.
	MessageCallbackReceived MessageKind = "callback-received"
	// MessageNumberLeased tells that a call which showed the standing number has got
	// one of its own; its body is a LateLease.
	MessageNumberLeased MessageKind = "number-leased"
	// MessageNumberCorrected tells that the PSAP saw another number than the workflow
	// was started with; its body is a CorrectedNumber.
	MessageNumberCorrected MessageKind = "number-corrected"
	// MessageAcknowledged tells that somebody has seen a notice; its body is an
	// Acknowledged.
	MessageAcknowledged MessageKind = "notice-acknowledged"
	// MessageUndelivered tells that every e-mail of a notice has come back; its body is
	// an Undelivered.
	MessageUndelivered MessageKind = "notice-undelivered"
	// MessageRefused starts the workflow that tells people of a call which failed;
	// its body is a RefusedOrder.
	MessageRefused MessageKind = "refused"
	// MessageCallEnded tells that a leg ended; its body is a LegEnded.
	MessageCallEnded MessageKind = "call-ended"
)

// Order is what a call's workflow needs to know to finish what the dial began.
// It holds no more of a person than the workflow shows to supervisors.
type Order struct {
	CallID     CallID     `json:"callId"`
	AgentID    AgentID    `json:"agentId"`
	Kind       Kind       `json:"kind"`
	Dialed     string     `json:"dialed"`
	Country    Country    `json:"country"`
	DialedAt   time.Time  `json:"dialedAt"`
	LegID      LegID      `json:"legId"`
	Number     string     `json:"number"`
	NumberKind NumberKind `json:"numberKind"`
	SiteName   string     `json:"siteName"`
	Terms      Terms      `json:"terms"`
	// Contacts is how many people are to be told.
	Contacts int `json:"contacts"`
	// PresenceOutside says that a presence system beside Lifeline's own must be
	// told of every change.
	PresenceOutside bool `json:"presenceOutside"`
	// Notices is how far the telling goes; nil in calls from before there was
	// anything to acknowledge.
	Notices *NoticePlan `json:"notices,omitempty"`
}

// CallbackReceived tells that the PSAP has rung back (S4).
type CallbackReceived struct {
	LegID LegID `json:"legId"`
	// From is the PSAP's number as the carrier gave it; it may be empty.
	From string    `json:"from"`
	At   time.Time `json:"at"`
}

// LateLease tells of the number that became free for a call (B5).
type LateLease struct {
	Number string    `json:"number"`
	At     time.Time `json:"at"`
}

// CorrectedNumber tells what the PSAP saw of a call that was answered without SQL (B7).
type CorrectedNumber struct {
	Number string     `json:"number"`
	Kind   NumberKind `json:"kind"`
	At     time.Time  `json:"at"`
}

// LegEnded tells that a leg has ended.
type LegEnded struct {
	LegID LegID `json:"legId"`
	// At is when the leg ended; a message without it means the time of arrival.
	At     time.Time `json:"at,omitzero"`
	Reason EndReason `json:"reason,omitempty"`
}

// Message is one thing that the relay has to tell Temporal, in the order of its
// Seq per call. Telling it twice does no harm.
type Message struct {
	Seq    int64
	CallID CallID
	Kind   MessageKind
	// Body is the JSON of the type that the kind names.
	Body      []byte
	CreatedAt time.Time
}
