package emergency

// RepairKind names what the reconciler has put right. It is the action in the audit and
// the label of the metric.
type RepairKind string

const (
	// RepairResumed began the workflow of an open call again, which was terminated, had
	// failed or was gone.
	RepairResumed RepairKind = "call-resumed"
	// RepairCancelled closed a call whose workflow had been cancelled.
	RepairCancelled RepairKind = "call-cancelled"
	// RepairLegLost ended a leg that the carrier knew no more (B16).
	RepairLegLost RepairKind = "leg-lost"
	// RepairLease gave a number back that no open call held.
	RepairLease RepairKind = "lease-freed"
	// RepairPresence restored the presence of an agent who had no leg up (B4).
	RepairPresence RepairKind = "presence-restored"
)

// Repair is one thing that the reconciler has put right.
type Repair struct {
	Kind RepairKind
	// CallID is empty for what no call held.
	CallID CallID
	// AgentID is whose it was.
	AgentID AgentID
}

// LegRef names a leg of a call.
type LegRef struct {
	CallID CallID `json:"callId"`
	LegID  LegID  `json:"legId"`
}

// Resumption is what a call's workflow is begun again with, beside what is kept of the
// call itself.
type Resumption struct {
	// PresenceOutside says that a presence system outside must be told of every change.
	PresenceOutside bool
	Notices         NoticePlan
}
