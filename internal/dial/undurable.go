package dial

import (
	"context"
	"errors"

	"lifeline/internal/journal"
)

// Undurable is how many intents are kept in memory alone.
func (s *Spool) Undurable() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.undurable)
}

// secure has the disk take what it did not take in time. A machine that stood still for a
// moment is enough for that; and if the process died then, it would take along what it has
// promised.
func (s *Spool) secure(ctx context.Context) error {
	for {
		if done, err := s.secureFirst(ctx); done || err != nil {
			return err
		}
	}
}

// secureFirst does so with one intent. It is done when there is none.
func (s *Spool) secureFirst(ctx context.Context) (done bool, err error) {
	s.moving <- struct{}{}
	defer func() { <-s.moving }()
	intent, is := s.firstUndurable()
	if !is {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, secureWithin)
	defer cancel()
	if err := s.queue.Append(ctx, encode(intent)); err != nil {
		return false, err //nolint:wrapcheck // only whether there is one matters
	}
	s.dropUndurable()
	s.Look()
	return false, nil
}

func (s *Spool) firstUndurable() (Intent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.undurable) == 0 {
		return Intent{}, false
	}
	return s.undurable[0], true
}

// dropUndurable forgets the first, which is elsewhere now.
func (s *Spool) dropUndurable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.undurable[0].call()
	s.undurable = s.undurable[1:]
	if s.strays[id]--; s.strays[id] <= 0 {
		delete(s.strays, id)
	}
}

// replayUndurable gives SQL what is kept in memory alone and the disk still does not take.
// What SQL will never take is kept until the disk does, for people to look at, and does not
// keep the others from their turn.
func (s *Spool) replayUndurable(ctx context.Context) error {
	var failed error
	for range s.Undurable() {
		if done, err := s.secureFirst(ctx); done || err == nil {
			continue
		}
		unkept, err := s.replayFirst(ctx)
		if err != nil {
			return err
		}
		failed = errors.Join(failed, unkept)
	}
	return failed
}

// replayFirst gives SQL one intent. Unkept tells why one that SQL will never take has to
// wait for the disk.
func (s *Spool) replayFirst(ctx context.Context) (unkept, err error) {
	s.moving <- struct{}{}
	defer func() { <-s.moving }()
	intent, is := s.firstUndurable()
	if !is {
		return nil, nil
	}
	err = s.take(ctx, intent)
	if err != nil && !journal.Rejected(err) {
		return nil, err
	}
	if err != nil {
		unkept = s.queue.SetAside(encode(intent))
	}
	if unkept == nil {
		s.dropUndurable()
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undurable = append(s.undurable[1:], intent)
	return unkept, nil //nolint:nilerr,wrapcheck // only whether there is one matters
}
