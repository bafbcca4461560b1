package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	historypb "go.temporal.io/api/history/v1"
)

// slowest is how many times slower than it is written a tale is told at most.
const slowest = 8

// tell tells a tale whose first worker dies somewhere, or nowhere, and judges its end. A
// tale has a pace: a callback comes within its window, and an escalation before the next
// one. If the machine was too slow for that, which shows in the call's history, whatever
// the end was says nothing, and the tale is told again with twice the time.
func (th *theatre) tell(p crashPoint) *ending {
	th.Helper()
	for pace := time.Duration(1); ; pace *= 2 {
		heard := &listener{TB: th.T}
		got := th.perform(heard, p, pace)
		if p.happy != nil {
			if diff := cmp.Diff(p.happy.state, got.state); diff != "" {
				heard.Errorf("the end is not that of an undisturbed call (-undisturbed +crashed)\n%s", diff)
			}
		}
		wrong := heard.wrong()
		if got.late != "" && pace < slowest && (wrong != "" || p.happy == nil) {
			th.Logf("%s: told again at half the pace: %s", p, got.late)
			continue
		}
		if wrong != "" {
			th.Errorf("%s: %s%s", p, wrong, timesOf(got.history))
		}
		return got
	}
}

// perform tells a tale at a pace. What goes wrong may end the telling early.
func (th *theatre) perform(heard *listener, p crashPoint, pace time.Duration) *ending {
	e := &ending{}
	var s *scene
	alone(func() {
		s = newScene(heard, th.stage, p.tale.at(pace), int(th.scenes.Add(1)))
		s.play(p.dies, p.nth)
		s.look(e)
	})
	if s != nil {
		alone(func() { s.dismiss(e) })
	}
	return e
}

// alone does something that may end its goroutine.
func alone(do func()) {
	var under sync.WaitGroup
	under.Go(do)
	under.Wait()
}

// listener is a test that keeps to itself what goes wrong, until somebody has judged
// whether that counts.
type listener struct {
	testing.TB

	mu    sync.Mutex
	heard []string
}

// Errorf keeps what is wrong.
func (l *listener) Errorf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, fmt.Sprintf(format, args...)+"\n")
}

// Fatalf does so and ends the goroutine.
func (l *listener) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	runtime.Goexit()
}

// Fatal does the same.
func (l *listener) Fatal(args ...any) { l.Fatalf("%s", fmt.Sprint(args...)) }

// wrong is all that went wrong; empty if nothing did.
func (l *listener) wrong() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.heard, "")
}

// tooLate says why a telling did not keep the pace of its tale; empty if it did.
func (s *scene) tooLate(events []*historypb.HistoryEvent) string {
	if late, is := s.late.Load().(string); is {
		return late
	}
	if waited := s.carrying + waitedFor(events); waited > promptly*s.tale.pace {
		return fmt.Sprintf("the call waited %s for messages and workers", waited.Round(time.Millisecond))
	}
	return ""
}

// waitedFor is how long a call had to wait for its workers, all in all.
func waitedFor(events []*historypb.HistoryEvent) time.Duration {
	var (
		waited time.Duration
		task   time.Time
		steps  = map[int64]time.Time{}
	)
	for _, event := range events {
		at := event.GetEventTime().AsTime()
		switch {
		case event.GetWorkflowTaskScheduledEventAttributes() != nil && task.IsZero():
			task = at
		case event.GetWorkflowTaskCompletedEventAttributes() != nil:
			waited += at.Sub(task)
			task = time.Time{}
		case event.GetActivityTaskScheduledEventAttributes() != nil:
			steps[event.GetEventId()] = at
		case event.GetActivityTaskCompletedEventAttributes() != nil:
			waited += at.Sub(steps[event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()])
		}
	}
	if !task.IsZero() {
		waited += time.Since(task)
	}
	return waited
}

// promptly is how long a call may wait for messages and workers, all in all: longer than
// it takes to find out that a worker has died, shorter than any tale can bear.
const promptly = 5 * time.Second
