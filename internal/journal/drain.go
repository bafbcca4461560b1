package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Drain applies the records in order, those included that are appended meanwhile, and
// erases them once they have been applied. An error from Reject sets a record aside; any
// other error stops, and the next Drain begins with that very record. A process that
// dies during Drain leaves records that were applied to be applied again.
func (q *Queue) Drain(ctx context.Context, apply func(ctx context.Context, payload []byte) error) error {
	select {
	case q.draining <- struct{}{}:
		defer func() { <-q.draining }()
	case <-ctx.Done():
		return fmt.Errorf("drain queue: %w", ctx.Err())
	case <-q.closing:
		return ErrClosed
	}
	return errors.Join(q.applyAll(ctx, apply), q.erase())
}

func (q *Queue) applyAll(ctx context.Context, apply func(ctx context.Context, payload []byte) error) error {
	for {
		next, ok := q.first()
		if !ok {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("drain queue: %w", ctx.Err())
		}
		err := apply(ctx, next.payload)
		if Rejected(err) {
			err = setAside(next.file.path, line(next.at, next.payload))
		}
		if err != nil {
			return err
		}
		q.taken(next)
	}
}

// first is the record that comes next.
func (q *Queue) first() (waiting, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) == 0 {
		return waiting{}, false
	}
	return q.pending[0], true
}

// taken forgets a record that was applied. It is the first, unless older ones have been
// adopted meanwhile.
func (q *Queue) taken(w waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.file.taken = w.end
	i := slices.IndexFunc(q.pending, func(p waiting) bool { return p.file == w.file && p.start == w.start })
	copy(q.pending[1:], q.pending[:i])
	q.pending[0] = waiting{}
	q.pending = q.pending[1:]
}

// erase gives back the space of what has been applied, also of a Drain that could not. A
// file that was adopted is let go once nothing waits in it.
func (q *Queue) erase() error {
	q.mu.Lock()
	files := slices.Clone(q.files)
	q.mu.Unlock()
	var errs []error
	for _, f := range files {
		errs = append(errs, q.eraseOf(f))
	}
	return errors.Join(errs...)
}

func (q *Queue) eraseOf(f *file) error {
	q.mu.Lock()
	from, to := f.erased, f.taken
	q.mu.Unlock()
	if from == to {
		return nil
	}
	if err := f.erase(from, to); err != nil {
		return err
	}
	q.mu.Lock()
	f.erased = to
	done := f != q.own && f.empty()
	if done {
		q.files = slices.DeleteFunc(q.files, func(g *file) bool { return g == f })
	}
	q.mu.Unlock()
	if done {
		return f.close()
	}
	return nil
}
