package workflows

import (
	"lifeline/internal/emergency"

	"go.temporal.io/sdk/temporal"
)

// TaskQueue is where workers take the workflow and its activities from.
const TaskQueue = "emergency-calls"

// Type is the workflow's registered name.
const Type = "EmergencyCall"

// RefusalType is the registered name of the workflow that tells people of a call
// which failed (B10).
const RefusalType = "EmergencyRefusal"

// The messages that a running call understands. Each may come twice, late or out
// of order.
const (
	// SignalCallEnded carries an emergency.LegEnded.
	SignalCallEnded = "call-ended"
	// SignalCallbackReceived carries an emergency.CallbackReceived.
	SignalCallbackReceived = "callback-received"
	// SignalNumberLeased carries an emergency.LateLease: a call that showed the
	// standing number has got one of its own (B5).
	SignalNumberLeased = "number-leased"
	// SignalNumberCorrected carries an emergency.CorrectedNumber: the PSAP saw another
	// number than the call began with, because it was answered without SQL (B7).
	SignalNumberCorrected = "number-corrected"
	// SignalAcknowledged carries an emergency.Acknowledged: somebody has seen a
	// notice (B9). A refused dial's workflow understands it, too.
	SignalAcknowledged = "notice-acknowledged"
	// SignalUndelivered carries an emergency.Undelivered: every e-mail with a first
	// notice has come back (B9). A refused dial's workflow understands it, too.
	SignalUndelivered = "notice-undelivered"
	// QueryState answers with a State, and for a refused dial with a RefusalState.
	QueryState = "state"
)

// The activities, by the names that the Temporal Web UI shows. All are idempotent
// and keyed by the call's ID.
const (
	// ActivityLeaseNumber takes a CallRef and gives a Lease.
	ActivityLeaseNumber = "LeaseNumber"
	// ActivityRegisterRoute takes a CallRef.
	ActivityRegisterRoute = "RegisterRoute"
	// ActivitySetDoNotDisturb takes a PresenceStep.
	ActivitySetDoNotDisturb = "SetDoNotDisturb"
	// ActivityRestorePresence takes a PresenceStep.
	ActivityRestorePresence = "RestorePresence"
	// ActivityNotifyContacts takes a NoticeRef and gives Deliveries.
	ActivityNotifyContacts = "NotifyContacts"
	// ActivityEndLegs takes an Ending.
	ActivityEndLegs = "EndLegs"
	// ActivityReleaseNumber takes a Closing and gives a Release.
	ActivityReleaseNumber = "ReleaseNumber"
)

// ErrorUnknownCall is the type of the application error that says that the call's
// rows are gone: nothing is left to be done for it, and retrying cannot help.
const ErrorUnknownCall = "UnknownCall"

// CallRef names the call that an activity is for.
type CallRef struct {
	CallID emergency.CallID `json:"callId"`
}

// Lease is the number that a call holds.
type Lease struct {
	Number string               `json:"number"`
	Kind   emergency.NumberKind `json:"kind"`
	// Closed says that the call is over: this workflow began too late.
	Closed bool `json:"closed"`
}

// PresenceStep names the leg that an agent's presence follows.
type PresenceStep struct {
	CallID  emergency.CallID  `json:"callId"`
	AgentID emergency.AgentID `json:"agentId"`
	// LegID is the leg that is up; empty when presence is to be restored.
	LegID emergency.LegID `json:"legId,omitempty"`
}

// NoticeRef names a notice.
type NoticeRef struct {
	CallID emergency.CallID      `json:"callId"`
	Event  emergency.NoticeEvent `json:"event"`
	// Round counts the escalations; zero for every other event.
	Round int `json:"round,omitempty"`
}

// Deliveries counts what became of a notice.
type Deliveries struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
	// Superseded counts those to whom an escalation was not sent, because the next one
	// was due or somebody had acknowledged (B9).
	Superseded int `json:"superseded,omitempty"`
	// To are the e-mail addresses of those who were told; supervisors see them.
	To []string `json:"to,omitempty"`
	// Reasons are why others could not be told, each once.
	Reasons []string `json:"reasons,omitempty"`
}

// Ending ends a leg whose end nobody told, or with an empty LegID all of them.
type Ending struct {
	CallID emergency.CallID    `json:"callId"`
	LegID  emergency.LegID     `json:"legId,omitempty"`
	Reason emergency.EndReason `json:"reason"`
}

// Closing gives the number back and ends the call.
type Closing struct {
	CallID emergency.CallID `json:"callId"`
	// Outcome is kept in the audit: "completed" or "cancelled".
	Outcome string `json:"outcome"`
}

// Release says whether the number could be given back.
type Release struct {
	// Released is false while a leg is up that the workflow has not heard of yet.
	Released bool `json:"released"`
}

// Outcome is the workflow's result.
type Outcome struct {
	// Result is OutcomeCompleted, OutcomeCancelled or OutcomeObsolete.
	Result string `json:"result"`
	Legs   int    `json:"legs"`
}

// How a call's workflow can end.
const (
	// OutcomeCompleted closed the callback window as planned.
	OutcomeCompleted = "completed"
	// OutcomeCancelled cleaned up because a supervisor cancelled the call.
	OutcomeCancelled = "cancelled"
	// OutcomeObsolete found that the call was over already.
	OutcomeObsolete = "obsolete"
)

// WorkflowID is the ID of a call's workflow. It holds nothing of a person.
func WorkflowID(id emergency.CallID) string { return "emergency-call/" + string(id) }

// RefusalWorkflowID is the ID of the workflow for a dial that was refused.
func RefusalWorkflowID(id emergency.CallID) string { return "emergency-refusal/" + string(id) }

// The search attributes that supervisors filter by. Temporal does not encrypt
// them, so they hold nothing personal.
var (
	// KeyPhase is where a running call stands: "active" or "callback-window". It is
	// left as it was when the workflow closes, which saves an action; a closed
	// call is told by its execution status. A refused dial is "refused".
	KeyPhase = temporal.NewSearchAttributeKeyKeyword("EmergencyPhase")
	// KeyAgent is the agent's ID.
	KeyAgent = temporal.NewSearchAttributeKeyKeyword("EmergencyAgent")
	// KeyCountry is the country's ISO 3166-1 code.
	KeyCountry = temporal.NewSearchAttributeKeyKeyword("EmergencyCountry")
	// KeyTest tells a test call from a call for help (B13).
	KeyTest = temporal.NewSearchAttributeKeyBool("EmergencyTest")
)

// SearchAttributeKeys are what a namespace must know before a call is started.
func SearchAttributeKeys() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{KeyPhase, KeyAgent, KeyCountry, KeyTest}
}

// PhaseRefused is the value of KeyPhase for a dial that was refused.
const PhaseRefused = "refused"

// InitialSearchAttributes are given when the workflow is started, where they cost
// no action.
func InitialSearchAttributes(order emergency.Order) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		KeyPhase.ValueSet(string(emergency.CallActive)),
		KeyAgent.ValueSet(string(order.AgentID)),
		KeyCountry.ValueSet(string(order.Country)),
		KeyTest.ValueSet(order.Kind == emergency.KindTest),
	)
}

// RefusalSearchAttributes are the same for a dial that was refused.
func RefusalSearchAttributes(order emergency.RefusedOrder) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		KeyPhase.ValueSet(PhaseRefused),
		KeyAgent.ValueSet(string(order.AgentID)),
		KeyCountry.ValueSet(string(order.Country)),
		KeyTest.ValueSet(order.Kind == emergency.KindTest),
	)
}
