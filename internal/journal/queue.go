package journal

import (
	"context"
	"time"
)

// Queue holds records until they have been dealt with, in files of a directory. A record
// is on disk when Append returns. It is safe for concurrent use, and several processes
// may have a queue in one directory: each writes to a file of its own.
type Queue struct{}

// Depth is how much waits in a queue.
type Depth struct {
	// Records is how many wait.
	Records int
	// Oldest is when the first of them was appended; zero when none waits.
	Oldest time.Time
	// Bytes is how much of Limit is used.
	Bytes, Limit int64
}

// OpenQueue opens the queue of a directory, which it makes if need be, with room for
// limit bytes. It takes over what processes that are gone have left there, and tells
// what it found in each file that it took.
func OpenQueue(dir string, limit int64) (*Queue, []Found, error) { return &Queue{}, nil, nil }

// Append keeps a record; it is on disk when Append returns nil. After any other answer
// but ErrFull, ErrPayload and ErrClosed it may be kept or not. When the context ends
// before the disk has answered, that is the context's error. The payload must not be
// changed afterwards.
func (q *Queue) Append(ctx context.Context, payload []byte) error { return nil }

// Pending are the records that wait, in order.
func (q *Queue) Pending() ([][]byte, error) { return nil, nil }

// Depth tells how much waits. It never waits for the disk.
func (q *Queue) Depth() Depth { return Depth{} }

// Drain applies the records in order, those included that are appended meanwhile, and
// erases them once they have been applied. An error from Reject sets a record aside; any
// other error stops, and the next Drain begins with that very record. A process that
// dies during Drain leaves records that were applied to be applied again.
func (q *Queue) Drain(ctx context.Context, apply func(ctx context.Context, payload []byte) error) error {
	return nil
}

// Adopt takes over what processes that have died since have left, as OpenQueue does.
// Once a minute is often enough.
func (q *Queue) Adopt() ([]Found, error) { return nil, nil }

// Close lets go of the files. Nothing may be appended afterwards.
func (q *Queue) Close() error { return nil }
