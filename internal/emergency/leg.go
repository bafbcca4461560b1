package emergency

import "time"

// LegID names one leg; it is a UUID and says nothing of a person.
type LegID string

// Direction tells who rang whom.
type Direction string

const (
	// Outbound is the agent's own emergency call; a call has exactly one.
	Outbound Direction = "outbound"
	// Callback is the PSAP ringing the agent back (S4).
	Callback Direction = "callback"
)

// EndReason says why a leg ended.
type EndReason string

const (
	// EndHungUp is the ordinary end, told by the agent's desktop or the carrier.
	EndHungUp EndReason = "hung-up"
	// EndMaxDuration ended a leg whose end nobody told (B16).
	EndMaxDuration EndReason = "max-duration"
	// EndLost ended a leg that the carrier knew no more: the message of its end was lost
	// (B16).
	EndLost EndReason = "lost"
	// EndCancelled ended the legs of a call that a supervisor cancelled.
	EndCancelled EndReason = "cancelled"
)

// Leg is one connection between agent and PSAP. While any leg is up the agent is
// on Do not disturb and the panel is locked (S2, S6, B3).
type Leg struct {
	ID        LegID
	Direction Direction
	StartedAt time.Time
	// EndedAt is zero while the leg is up.
	EndedAt time.Time
	Reason  EndReason
}

// Up tells whether the leg is still connected, as far as anybody has said.
func (l Leg) Up() bool { return l.EndedAt.IsZero() }
