package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Queue holds records until they have been dealt with, in files of a directory. A record
// is on disk when Append returns. It is safe for concurrent use, and several processes
// may have a queue in one directory: each writes to a file of its own.
type Queue struct {
	dir   string
	limit int64
	wrap  func(*os.File) disk
	// own is the file that is written to.
	own *file

	appends chan *appending
	// closing is closed first, and closed when nothing is written any more.
	closing, closed chan struct{}
	// draining has room for one, who reads on from where the last one stopped.
	draining chan struct{}

	// mu is never held while the disk works. It guards what follows and the offsets of
	// every file.
	mu sync.Mutex
	// pending are the records that wait, in memory too: not even a disk that dies
	// afterwards keeps them from being applied.
	pending []waiting
	// files are the own one, and those that were adopted and are not empty yet.
	files []*file
}

// waiting is a record with the file that it is in.
type waiting struct {
	record

	file *file
}

// Depth is how much waits in a queue.
type Depth struct {
	// Records is how many wait.
	Records int
	// Oldest is when the first of them was appended; zero when none waits.
	Oldest time.Time
	// Bytes is how much of Limit is used. What has been applied counts until all has.
	Bytes, Limit int64
}

// OpenQueue opens the queue of a directory, which it makes if need be, with room for
// limit bytes. It takes over what processes that are gone have left there, and tells
// what it found in each file.
func OpenQueue(dir string, limit int64) (*Queue, []Found, error) {
	return openQueue(dir, limit, func(f *os.File) disk { return f })
}

func openQueue(dir string, limit int64, wrap func(*os.File) disk) (*Queue, []Found, error) {
	if err := os.MkdirAll(dir, ownerOnlyDir); err != nil {
		return nil, nil, fmt.Errorf("open queue: %w", err)
	}
	q := &Queue{
		dir: dir, limit: limit, wrap: wrap,
		appends: make(chan *appending), closing: make(chan struct{}), closed: make(chan struct{}),
		draining: make(chan struct{}, 1),
	}
	all, err := q.Adopt(func([]byte) {})
	if err != nil {
		return nil, all, err
	}
	for n := 1; len(q.files) == 0; n++ {
		path := filepath.Join(dir, fmt.Sprintf("queue-%d.journal", n))
		if _, err := os.Stat(path); err == nil {
			continue // another has it, or it could not be taken
		}
		found, err := q.take(path, func([]byte) {})
		if err != nil && !errors.Is(err, errHeld) {
			return nil, all, err
		}
		if err == nil {
			all = append(all, found)
		}
	}
	q.own = q.files[0]
	go q.write()
	return q, all, nil
}

// Adopt takes over what processes that have died since have left, as OpenQueue does.
// Once a minute is often enough. It meets with each record before Drain does.
func (q *Queue) Adopt(met func(payload []byte)) ([]Found, error) {
	names, err := filepath.Glob(filepath.Join(q.dir, "queue-*.journal"))
	if err != nil {
		return nil, fmt.Errorf("look for queues: %w", err)
	}
	var all []Found
	for _, name := range names {
		found, err := q.take(name, met)
		if errors.Is(err, errHeld) {
			continue
		}
		found.Skipped = err
		all = append(all, found)
	}
	return all, nil
}

// take takes over a file. One in which nothing waits is left for another process, unless
// this one has none yet.
func (q *Queue) take(path string, met func(payload []byte)) (Found, error) {
	f, records, found, err := openFile(path, q.limit, q.wrap)
	if err != nil {
		return found, err
	}
	for _, r := range records {
		met(r.payload)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(records) == 0 && len(q.files) > 0 {
		return found, f.close()
	}
	q.files = append(q.files, f)
	for _, r := range records {
		q.pending = append(q.pending, waiting{r, f})
	}
	slices.SortStableFunc(q.pending, func(a, b waiting) int { return a.at.Compare(b.at) })
	return found, nil
}

// Pending are the records that wait, in order.
func (q *Queue) Pending() ([][]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	payloads := make([][]byte, len(q.pending))
	for i, w := range q.pending {
		payloads[i] = w.payload
	}
	return payloads, nil
}

// Depth tells how much waits. It never waits for the disk.
func (q *Queue) Depth() Depth {
	q.mu.Lock()
	defer q.mu.Unlock()
	depth := Depth{Records: len(q.pending), Limit: q.limit}
	if depth.Records > 0 {
		depth.Oldest = q.pending[0].at
	}
	if !q.own.empty() {
		depth.Bytes = q.own.end
	}
	return depth
}

// Close lets go of the files. Nothing may be appended or drained afterwards.
func (q *Queue) Close() error {
	close(q.closing)
	<-q.closed
	q.draining <- struct{}{}
	q.mu.Lock()
	defer q.mu.Unlock()
	var errs []error
	for _, f := range q.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
