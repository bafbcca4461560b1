package httpapi

import (
	"context"
	"time"

	"lifeline/internal/emergency"
)

// Calls is the request side of a call. Its answers never wait for Temporal (B7).
type Calls interface {
	// Place dials. The error is a *emergency.Refusal or emergency.ErrUnknownAgent
	// when no retry would help.
	Place(ctx context.Context, req emergency.DialRequest) (emergency.Call, error)
	// Find gives a call as it stands, or emergency.ErrUnknownCall.
	Find(ctx context.Context, id emergency.CallID) (emergency.Call, error)
	// End ends one leg, or with an empty leg every leg that is up; ending what has
	// ended changes nothing.
	// When an agent is named, the call has to be his.
	End(ctx context.Context, id emergency.CallID, leg emergency.LegID, of emergency.AgentID, reason emergency.EndReason) (emergency.Call, error)
	// Inbound decides where a call to a callback number goes (S5, B6).
	Inbound(ctx context.Context, to, from string) (emergency.Decision, error)
}

// Records is what is kept of calls, agents, sites and numbers. Its Put methods
// validate, and answer with an *emergency.Invalid; what is not there is one of
// the emergency.ErrUnknown… errors, and a change of what somebody else has changed
// emergency.ErrChangedMeanwhile.
type Records interface {
	EventLog

	LiveCalls(ctx context.Context) ([]emergency.Call, error)
	// RefusedCall is a dial that could not work, with who was told of it (B10), and
	// RefusedCalls the latest of an agent, or with an empty ID of everybody.
	RefusedCall(ctx context.Context, id emergency.CallID) (emergency.RefusedDial, error)
	RefusedCalls(ctx context.Context, agent emergency.AgentID) ([]emergency.RefusedDial, error)

	Agents(ctx context.Context) ([]emergency.Agent, error)
	Agent(ctx context.Context, id emergency.AgentID) (emergency.Agent, error)
	// PutAgent keeps the presence of an agent who is known already.
	PutAgent(ctx context.Context, agent emergency.Agent, by emergency.Change) (emergency.Agent, error)
	// RemoveAgent leaves live calls, and callbacks to them, as they are.
	RemoveAgent(ctx context.Context, id emergency.AgentID, by emergency.Change) error
	// SetPresence is an agent's own choice, SetPresenceFor that of somebody else.
	SetPresence(ctx context.Context, id emergency.AgentID, status emergency.Status) (emergency.Presence, error)
	SetPresenceFor(ctx context.Context, id emergency.AgentID, status emergency.Status, by emergency.Change) (emergency.Presence, error)
	// Contacts are an agent's recipients in one field, as typed (S17).
	Contacts(ctx context.Context, id emergency.AgentID) (emergency.Contacts, error)
	PutContacts(ctx context.Context, id emergency.AgentID, asTyped string, by emergency.Change) (emergency.Contacts, error)

	Sites(ctx context.Context) ([]emergency.Site, error)
	Site(ctx context.Context, id emergency.SiteID) (emergency.Site, error)
	PutSite(ctx context.Context, site emergency.Site, by emergency.Change) (emergency.Site, error)

	VoiceRouting(ctx context.Context) (emergency.VoiceRouting, error)
	PutVoiceRouting(ctx context.Context, routing emergency.VoiceRouting, by emergency.Change) (emergency.VoiceRouting, error)

	// Caller is what a dial of the agent would know, and Callers that of everybody.
	Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error)
	Callers(ctx context.Context) ([]emergency.Caller, error)
	// ReportLocation keeps where an agent is, outside any call (S13).
	ReportLocation(ctx context.Context, id emergency.AgentID, location emergency.Location) (emergency.ReportedLocation, error)

	// Template is the wording of notices in use; version zero when none has been saved.
	Template(ctx context.Context) (emergency.Template, error)
	// Templates are all that were saved.
	Templates(ctx context.Context) ([]emergency.Template, error)
	TemplateVersion(ctx context.Context, version int64) (emergency.Template, error)
	// PutTemplate saves a new version, and answers with its number.
	PutTemplate(ctx context.Context, wording emergency.Template, by emergency.Change) (emergency.Template, error)
	// Acknowledge keeps that a recipient has seen a notice (B9), and tells who was the
	// first to say so. The error is emergency.ErrUnknownNotice when nothing was sent to
	// such a recipient.
	Acknowledge(ctx context.Context, link emergency.NoticeLink, at time.Time) (emergency.Acknowledgement, error)
	// RecordMailEvent keeps what the mail system tells of a delivery, once for each event
	// ID; it tells whether that was news.
	RecordMailEvent(ctx context.Context, e emergency.MailEvent) (bool, error)

	// Pools tells how the callback numbers of each site are used (B5).
	Pools(ctx context.Context) ([]emergency.Pool, error)
	Numbers(ctx context.Context) ([]emergency.CallbackNumber, error)
	Number(ctx context.Context, number string) (emergency.CallbackNumber, error)
	// AddNumber answers with an *emergency.NumberTaken when the number is for something
	// already.
	AddNumber(ctx context.Context, number string, site emergency.SiteID, by emergency.Change) error
	RemoveNumber(ctx context.Context, number string, by emergency.Change) error
}

// Templates knows the wording of notices: what may be saved, and what it looks like. Its
// errors are *emergency.TemplateError.
type Templates interface {
	// Check tries a wording on every sample.
	Check(wording emergency.Template) error
	Preview(wording emergency.Template, notice emergency.Notice) (subject, html, text string, err error)
	// Sample is a notice to try a wording on, for example "placed".
	Sample(name string) (emergency.Notice, bool)
	SampleNames() []string
	// Default is the wording that comes with the program.
	Default() emergency.Template
}

// Links reads the links by which people acknowledge a notice (B9).
type Links interface {
	// Read tells what the token of a link is for. The error is emergency.ErrLinkForged,
	// or emergency.ErrLinkExpired.
	Read(token string, now time.Time) (emergency.NoticeLink, error)
}

// MailEvents reads what a mail system tells of its deliveries (B9).
type MailEvents interface {
	// Read gives the events that concern a notice. The error is
	// emergency.ErrMailEventsForged when the mail system has not signed the body.
	Read(signature, timestamp string, body []byte) ([]emergency.MailEvent, error)
}

// EventLog is what the event stream reads.
type EventLog interface {
	// Events lists events with a higher sequence number, in ascending order.
	Events(ctx context.Context, after int64, limit int) ([]emergency.Event, error)
	// LastEvent is the highest sequence number there is.
	LastEvent(ctx context.Context) (int64, error)
}
