// Package journal keeps records in files that survive whatever happens to the process
// and, where it says so, to the machine (S11, B7). A Queue holds what has to be done
// later, and has it on disk before it says that it holds it. A Copy holds what was known
// last, and leaves to the operating system when that reaches the disk.
//
// A file is lines of text that people can read: a header, and then for each record a
// checksum (CRC-32C), a length, a time and the payload, which has no newline. A reader
// that meets something else goes on behind the next newline, so damage costs the records
// that it hits and no other. What may have been a record is set aside for people to look
// at, and told.
//
// The file of a Queue has all of its space from the start, so that a disk that fills up
// stops no call. The part that is not used is zeros, and zeros mean nothing, wherever they
// are: unlike with a journal that ends at its first zero, a sector that is lost hides
// nothing behind it, and erasing can be cut short at any place. To erase is to say in the
// header up to where records have been applied, and then to overwrite them; the order
// matters, since half a record that nobody needs must not look like damage. Once all are
// erased the file begins again at its start, and the header that says so goes to the disk
// with the first new record. A write that failed is wiped before the next one, so that
// what was given up never comes back.
//
// Files must be on a disk of this machine: each is locked by the one process that writes
// it, and the operating system lets go of the lock when that process dies.
package journal

import "errors"

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
	// Skipped is why the file could not be read at all; nil when it was. A queue leaves
	// it alone, and a copy will replace it.
	Skipped error
	// Unwritable is why nothing can be kept in the file for now; nil when it can. It is
	// tried again.
	Unwritable error
}

// Damaged tells whether something may have been lost that was kept.
func (f Found) Damaged() bool { return f.Corrupt > 0 }

// Reject wraps the error of a record that will never succeed: Drain sets the record
// aside and goes on.
func Reject(err error) error { return &rejection{err} }

// Rejected tells whether an error came from Reject.
func Rejected(err error) bool {
	_, is := errors.AsType[*rejection](err)
	return is
}

type rejection struct{ error }

func (r *rejection) Unwrap() error { return r.error }
