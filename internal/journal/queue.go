package journal

import (
	"bytes"
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
	// claiming is held while there is no own file and one is looked for.
	claiming sync.Mutex

	appends chan *appending
	// closing is closed first, and closed when nothing is written any more.
	closing, closed chan struct{}
	// draining has room for one, who reads on from where the last one stopped.
	draining chan struct{}

	// mu is never held while the disk works. It guards what follows and the offsets of
	// every file.
	mu sync.Mutex
	// own is the file that is written to; nil while the disk gives none, for the reason in
	// broken.
	own    *file
	broken error
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
	// Broken is why there is no file to append to; nil when there is.
	Broken error
}

// OpenQueue opens the queue of a directory, which it makes if need be, with room for
// limit bytes. It takes over what processes that are gone have left there, and tells
// what it found in each file. Where the disk takes nothing, each Append says why, and tries
// again.
func OpenQueue(dir string, limit int64) (*Queue, []Found, error) {
	return openQueue(dir, limit, func(f *os.File) disk { return f })
}

func openQueue(dir string, limit int64, wrap func(*os.File) disk) (*Queue, []Found, error) {
	q := &Queue{
		dir: dir, limit: limit, wrap: wrap,
		appends: make(chan *appending), closing: make(chan struct{}), closed: make(chan struct{}),
		draining: make(chan struct{}, 1),
	}
	all, err := q.Adopt(func([]byte) {})
	if err != nil {
		return nil, all, err
	}
	go q.write()
	return q, all, nil
}

// ownFile is the file that is written to. While there is none, each call tries to have one,
// and tells what it found in it.
func (q *Queue) ownFile() (*file, []Found, error) {
	q.claiming.Lock()
	defer q.claiming.Unlock()
	q.mu.Lock()
	own := q.own
	q.mu.Unlock()
	if own != nil {
		return own, nil, nil
	}
	found, err := q.claim()
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil && len(q.files) == 0 {
		err = errHeld // one that was taken over has been emptied and let go
	}
	if q.broken = err; err != nil {
		return nil, found, err
	}
	q.own = q.files[0]
	return q.own, found, nil
}

// claim makes a new file, unless one has been taken over.
func (q *Queue) claim() ([]Found, error) {
	if err := os.MkdirAll(q.dir, ownerOnlyDir); err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	var all []Found
	for n := 1; !q.hasFile(); n++ {
		path := filepath.Join(q.dir, fmt.Sprintf("queue-%d.journal", n))
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			continue // another has it, or it could not be taken
		}
		found, err := q.take(path, func([]byte) {})
		switch {
		case err == nil:
			all = append(all, found)
		case !errors.Is(err, errHeld):
			return all, err
		}
	}
	return all, nil
}

func (q *Queue) hasFile() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.files) > 0
}

// Adopt takes over what processes that have died since have left, as OpenQueue does.
// Once a minute is often enough. It meets with each record before Drain does. Where the disk
// gave no file before, it tries again.
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
	_, own, err := q.ownFile()
	if err != nil {
		own = append(own, Found{File: filepath.Base(q.dir), Unwritable: err})
	}
	return append(all, own...), nil
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
	depth := Depth{Records: len(q.pending), Limit: q.limit, Broken: q.broken}
	if depth.Records > 0 {
		depth.Oldest = q.pending[0].at
	}
	if q.own != nil && !q.own.empty() {
		depth.Bytes = q.own.end
	}
	return depth
}

// SetAside keeps a record for people to look at that was never appended.
func (q *Queue) SetAside(payload []byte) error {
	return setAside(filepath.Join(q.dir, "memory"), line(time.Now(), payload))
}

// Aside counts the lines that have been set aside in the directory, by any process, and
// that nobody has deleted since.
func (q *Queue) Aside() (int, error) {
	names, err := filepath.Glob(filepath.Join(q.dir, "*"+rejectedSuffix))
	if err != nil {
		return 0, fmt.Errorf("look for what was set aside: %w", err)
	}
	lines := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, fmt.Errorf("look for what was set aside: %w", err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	return lines, nil
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
