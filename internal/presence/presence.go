// Package presence tells presence systems outside Lifeline what an agent shows.
//
// Lifeline's own presence is a row in its database and belongs to the store: it
// changes in the same transaction as the call that causes the change, so that
// Do not disturb begins and ends exactly once (S2, S10, B4). A phone system or a
// chat tool beside it cannot take part in that transaction. It is told afterwards,
// as often as it takes, by an implementation of System.
package presence

import (
	"context"

	"lifeline/internal/emergency"
)

// System is a presence system outside Lifeline.
type System interface {
	// Set tells what an agent shows. Messages may come twice, late and out of
	// order: the receiver keeps the presence with the highest revision, and an
	// implementation counts "I have a newer one" as success. Every error is a
	// *SetError.
	Set(ctx context.Context, agent emergency.AgentID, p emergency.Presence) error
}

// SetError says why a presence system was not told, and whether trying again can
// help. It names no secret, and repeats nothing that the system said.
type SetError struct {
	// Permanent means that the same message would be refused again.
	Permanent bool
	// Reason is what happened, in words.
	Reason string
	// Err is the cause, if there is one.
	Err error
}

// Error gives the reason and its cause.
func (e *SetError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap gives the cause, so that a cancelled context is recognised.
func (e *SetError) Unwrap() error { return e.Err }
