package emergency

import "time"

// NoticePlan is how far the telling of people goes. It travels with the call, so that
// a change of configuration concerns new calls alone.
type NoticePlan struct {
	// AcknowledgeWithin is how long people have to acknowledge a notice before the
	// site's own list is told; zero when nobody need acknowledge (B9).
	AcknowledgeWithin time.Duration `json:"acknowledgeWithin"`
	// Escalations is how often the site's list is told when still nobody does.
	Escalations int `json:"escalations"`
	// TellEnd says that people are told of the end of a call, too.
	TellEnd bool `json:"tellEnd"`
	// ByUse says that a notice is tried for as long as it is of use: an escalation until
	// the next one is due, and any other notice until the call is closed. Without it, as
	// in calls from before that was so, each is tried for lease and grace.
	ByUse bool `json:"byUse,omitempty"`
	// Outlives says that whoever has not heard of a call when it is closed is told all the
	// same: mail or Temporal may have been away for the whole window (S9, S11). Without it,
	// as in calls from before that was so, the notice is given up then.
	Outlives bool `json:"outlives,omitempty"`
}

// Acknowledged tells that somebody has seen a notice and says so (B9).
type Acknowledged struct {
	Event NoticeEvent `json:"event"`
	At    time.Time   `json:"at"`
	// By is his e-mail address; empty when it is not known.
	By string `json:"by,omitempty"`
}

// Undelivered tells that no recipient has a notice any more: every e-mail that went out
// with it has come back, or was never taken (B9).
type Undelivered struct {
	Event NoticeEvent `json:"event"`
	At    time.Time   `json:"at"`
}

// RefusedOrder is what the workflow needs to know that tells people of a call which
// failed (B10). Its ID is nobody's call; the notice is known by it.
type RefusedOrder struct {
	CallID   CallID     `json:"callId"`
	AgentID  AgentID    `json:"agentId"`
	SiteName string     `json:"siteName"`
	Kind     Kind       `json:"kind"`
	Country  Country    `json:"country"`
	Code     CheckCode  `json:"code"`
	At       time.Time  `json:"at"`
	Contacts int        `json:"contacts"`
	Notices  NoticePlan `json:"notices"`
}
