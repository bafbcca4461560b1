// Package journal keeps records in a file that survives whatever happens to the process
// and, where it says so, to the machine (S11, B7). A Queue holds what has to be done
// later, and has it on disk before it says that it holds it. A Copy holds what was known
// last, and leaves to the operating system when that reaches the disk.
package journal

import (
	"errors"
)

// What Append can answer beside an error of the disk or of its context.
var (
	// ErrFull means that the queue has reached its limit.
	ErrFull = errors.New("the journal is full")
	// ErrPayload means that a record has a byte in it that no JSON on one line has: a
	// newline or a zero.
	ErrPayload = errors.New("a record of a journal is one line of text")
	// ErrClosed means that the journal has been closed.
	ErrClosed = errors.New("the journal is closed")
)

// Found is what was found in a file when it was opened. Whoever opens it logs it.
type Found struct {
	// File is the name of the file in its directory.
	File string
	// Records is how many wait in it.
	Records int
	// Torn is how many bytes were cut off its end: a record that was being written
	// when the process or the machine died, so that nobody was told that it was kept.
	Torn int
	// Corrupt is how many pieces of it are no records although they may have been.
	// A queue has set them aside, in the file of the same name with ".rejected" added.
	Corrupt int
	// Unreserved is why the file does not have all of its space yet; nil when it has.
	// It works, but a disk that fills up can stop it.
	Unreserved error
	// Skipped is why the file could not be taken at all; nil when it was. Nothing in it
	// has been touched.
	Skipped error
}

// Damaged tells whether something may have been lost that was kept.
func (f Found) Damaged() bool { return f.Corrupt > 0 }

// Reject wraps the error of a record that will never succeed: Drain sets the record
// aside and goes on.
func Reject(err error) error { return &rejection{err} }

// Rejected tells whether an error came from Reject.
func Rejected(err error) bool {
	var r *rejection
	return errors.As(err, &r)
}

type rejection struct{ error }

func (r *rejection) Unwrap() error { return r.error }
