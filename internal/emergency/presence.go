package emergency

import "time"

// Status is an agent's presence. Beside the five named here a presence system
// may know others; they are kept verbatim, so that what is restored is what was
// there before (S10).
type Status string

// The statuses that Lifeline itself knows.
const (
	StatusAvailable    Status = "available"
	StatusBusy         Status = "busy"
	StatusDoNotDisturb Status = "do-not-disturb"
	StatusAway         Status = "away"
	StatusOffline      Status = "offline"
)

// Validate reports a status that no presence system could mean, as an *Invalid.
func (s Status) Validate() error {
	if !readable(string(s), 64) {
		return &Invalid{"status", "must be 1 to 64 printable characters"}
	}
	return nil
}

// Presence is what an agent shows at one moment. Every change, whoever makes it,
// raises the revision by one: so two equal statuses set by two people can be told
// apart, and an outside system can drop a message that comes late.
type Presence struct {
	Status    Status
	Revision  int64
	ChangedAt time.Time
}

// Override is the Do not disturb that Lifeline set for an agent's emergency legs,
// with what to go back to (B4).
type Override struct {
	// Previous is the status that the last leg to go restores.
	Previous Status
	// Revision is the presence revision that Lifeline's own change made.
	Revision int64
}

// BeginOverride puts an agent on Do not disturb for one more leg (S2, B3).
// While the presence is still the one that an earlier leg set, the override is
// joined; a status that somebody chose meanwhile becomes the one to go back to.
func BeginOverride(now time.Time, shown Presence, held *Override) (Presence, Override) {
	if held != nil && shown.Revision == held.Revision {
		return shown, *held
	}
	next := Presence{Status: StatusDoNotDisturb, Revision: shown.Revision + 1, ChangedAt: now}
	return next, Override{Previous: shown.Status, Revision: next.Revision}
}

// EndOverride is what an agent shows once the last leg is gone: the previous
// status, unless somebody has chosen another one since (B4).
func EndOverride(now time.Time, shown Presence, held Override) Presence {
	if shown.Revision != held.Revision {
		return shown
	}
	return Presence{Status: held.Previous, Revision: shown.Revision + 1, ChangedAt: now}
}
