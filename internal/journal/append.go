package journal

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// appending is a record on its way to the disk.
type appending struct {
	payload []byte
	// done has room for one answer.
	done chan error
}

// Append keeps a record; it is on disk when Append returns nil. After any other answer
// but ErrFull, ErrPayload and ErrClosed it may be kept or not. When the context ends
// before the disk has answered, that is the context's error. The payload must not be
// changed afterwards.
func (q *Queue) Append(ctx context.Context, payload []byte) error {
	if bytes.ContainsAny(payload, "\n\x00") {
		return ErrPayload
	}
	a := &appending{payload, make(chan error, 1)}
	select {
	case <-q.closing:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("keep a record: %w", ctx.Err())
	case q.appends <- a:
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("keep a record: %w", ctx.Err())
	}
}

// write writes what is appended until the queue is closed. All that has come while the
// disk was busy goes there at once: it costs no more than one record.
func (q *Queue) write() {
	defer close(q.closed)
	for {
		var group []*appending
		select {
		case <-q.closing:
			return
		case a := <-q.appends:
			group = append(group, a)
		}
		for more := true; more; {
			select {
			case a := <-q.appends:
				group = append(group, a)
			default:
				more = false
			}
		}
		q.writeGroup(group)
	}
}

// writeGroup writes the records that there is room for, and answers each.
func (q *Queue) writeGroup(group []*appending) {
	f, _, err := q.ownFile()
	if err != nil {
		for _, a := range group {
			a.done <- err
		}
		return
	}
	q.mu.Lock()
	from, again := f.end, f.empty()
	q.mu.Unlock()
	if again {
		from = headerSize
	}
	f.last = later(time.Now().UTC().Truncate(time.Microsecond), f.last)
	var lines []byte
	var records []waiting
	kept := group[:0]
	for _, a := range group {
		text := line(f.last, a.payload)
		start := from + int64(len(lines))
		end := start + int64(len(text))
		if end > f.limit {
			a.done <- ErrFull
			continue
		}
		lines = append(lines, text...)
		records = append(records, waiting{record{f.last, a.payload, start, end}, f})
		kept = append(kept, a)
	}
	err = q.commit(f, lines, from, again, records)
	for _, a := range kept {
		a.done <- err
	}
}

// commit writes lines and makes their records known. A file of which nothing waits is
// begun again: it says so before the lines follow, and is synced with them.
func (q *Queue) commit(f *file, lines []byte, from int64, again bool, records []waiting) error {
	if len(records) == 0 {
		return nil
	}
	if again {
		if err := f.mark(headerSize); err != nil {
			return err
		}
	}
	if err := f.write(lines, from); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if again {
		f.taken, f.erased = headerSize, headerSize
	}
	f.end = from + int64(len(lines))
	q.pending = append(q.pending, records...)
	return nil
}

// later guards against a clock that goes backwards.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
