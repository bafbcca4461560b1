package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"lifeline/internal/notify"
)

const (
	// firstPause is what a delivery waits for before it is tried again beside another
	// that hangs, unless the mail system wants longer.
	firstPause = time.Second
	// besides is how long others may be tried again beside one that hangs: as long as the
	// longest attempt takes.
	besides = 20 * time.Second
)

// sideBySide are the deliveries of one notice. As long as one of them is under way,
// Temporal cannot try the others again; so they try again by themselves, and nobody waits
// for a mail server that hangs on somebody else (S9, B9).
type sideBySide struct {
	until time.Time

	mu       sync.Mutex
	underWay int
	// idle is closed when none is under way any more.
	idle chan struct{}
}

func newSideBySide(deliveries int) *sideBySide {
	return &sideBySide{until: time.Now().Add(besides), underWay: deliveries, idle: make(chan struct{})}
}

// deliver tries until it succeeds, can never succeed, or Temporal can try again.
func (s *sideBySide) deliver(ctx context.Context, attempt func() error) error {
	for pause := firstPause; ; pause *= 2 {
		err := attempt()
		s.leave()
		if err == nil {
			return nil
		}
		wait := pause
		if failed, ok := errors.AsType[*notify.SendError](err); ok {
			wait = max(wait, failed.RetryAfter)
		}
		if !s.enterAfter(ctx, wait) {
			return err
		}
	}
}

func (s *sideBySide) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.underWay--; s.underWay == 0 {
		close(s.idle)
	}
}

// enterAfter waits, and tells whether another is still under way then.
func (s *sideBySide) enterAfter(ctx context.Context, pause time.Duration) bool {
	if time.Now().Add(pause).After(s.until) {
		return false
	}
	select {
	case <-s.idle:
		return false
	case <-ctx.Done():
		return false
	case <-time.After(pause):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.underWay == 0 {
		return false
	}
	s.underWay++
	return true
}
