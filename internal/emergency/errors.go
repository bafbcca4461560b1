package emergency

import (
	"errors"
	"fmt"
)

// What callers of the store and of the dial path must be able to tell apart.
// The HTTP edge maps each of them to one problem document.
var (
	// ErrUnknownAgent means that no agent has this ID.
	ErrUnknownAgent = errors.New("unknown agent")
	// ErrUnknownSite means that no site has this ID.
	ErrUnknownSite = errors.New("unknown site")
	// ErrUnknownCall means that no call has this ID, or that it has been erased.
	ErrUnknownCall = errors.New("unknown call")
	// ErrErasedCall is an ErrUnknownCall of a call that there was (B14): its ID must not
	// become that of another.
	ErrErasedCall = fmt.Errorf("%w: it has been erased", ErrUnknownCall)
	// ErrCallOver means that a call which was answered has the ID of one that was over
	// before: an idempotency key has come again.
	ErrCallOver = errors.New("the call with this ID is over")
	// ErrUnknownLeg means that the call has no leg with this ID.
	ErrUnknownLeg = errors.New("unknown leg")
	// ErrUnknownNumber means that no callback number is kept under this number.
	ErrUnknownNumber = errors.New("unknown callback number")
	// ErrNumberExists means that the number is in a pool already, or is for something
	// else; a *NumberTaken says what for.
	ErrNumberExists = errors.New("callback number exists already")
	// ErrChangedMeanwhile means that somebody else has changed what a change was
	// based on; it would be lost.
	ErrChangedMeanwhile = errors.New("changed meanwhile")
	// ErrUnavailable means that the database does not answer for now. Whether a change
	// was made that it was asked for is not known.
	ErrUnavailable = errors.New("the database does not answer")
	// ErrPoolExhausted means that the site has no callback number free now; the
	// call goes on with the site's standing number (B5).
	ErrPoolExhausted = errors.New("no callback number is free")
)

// NumberTaken is an ErrNumberExists that says what the number is for already.
type NumberTaken struct {
	// By completes the sentence "This number is …", for example "the standing number of
	// site us". It has no number.
	By string
}

// Error is a sentence for logs.
func (n *NumberTaken) Error() string { return "the number is " + n.By }

// Is makes it an ErrNumberExists.
func (n *NumberTaken) Is(target error) bool { return target == ErrNumberExists }

// Refusal says that a call cannot work and what to do instead. It is for what
// no retry would mend; a passing fault is never a refusal.
type Refusal struct {
	// Code is stable and meant for programs, for example "not-an-emergency-number".
	Code string
	// Reason is one sentence for the person who dialed.
	Reason string
	// Instead is what that person should do now.
	Instead string
	// Checks are all the conditions that do not hold, when it is for such that the
	// call is refused; the code is the first one's.
	Checks []Check
	// CallID is what people are told of the refused call by; empty when nobody is (B10).
	CallID CallID
}

// Error names the refusal for logs; the edge shows Reason and Instead.
func (r *Refusal) Error() string { return r.Code + ": " + r.Reason }

// Invalid says that one field of a request cannot be used. Nothing was changed.
type Invalid struct {
	// Field is the name of the field as the caller wrote it, in camelCase.
	Field string
	// Problem completes the sentence "<field> …".
	Problem string
}

// Error is a sentence that may be shown to the caller.
func (i *Invalid) Error() string { return fmt.Sprintf("%s %s", i.Field, i.Problem) }
