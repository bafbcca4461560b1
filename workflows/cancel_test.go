package workflows_test

import (
	"testing"
	"time"

	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// isCancelled runs the call and checks that it ends as cancelled.
func (s *scene) isCancelled() {
	s.t.Helper()
	if _, err := s.play(); !temporal.IsCanceledError(err) {
		s.t.Errorf("the workflow ended with %v, want it cancelled", err)
	}
	mentions(s.t, s.details(), "## Ended", "> ⚠ Cancelled by a supervisor", "**Pending** nothing")
	last := s.asked.commands[len(s.asked.commands)-1]
	same(s.t, "the last command", commandCancel, last.kind)
}

// Cancelling cleans up in every phase: legs are marked ended, presence restored,
// the number given back.
func TestCancel(t *testing.T) {
	for _, c := range []struct {
		name     string
		happen   func(*scene)
		numbers  []string
		presence []string
	}{
		{
			"in the call",
			func(s *scene) { s.at(3*time.Minute, s.env.CancelWorkflow) },
			begun("3m EndLegs cancelled", "3m ReleaseNumber cancelled"),
			[]string{"0m SetDoNotDisturb dial", "3m RestorePresence"},
		},
		{
			"in the window",
			func(s *scene) {
				s.end(5*time.Minute, theDial)
				s.at(30*time.Minute, s.env.CancelWorkflow)
			},
			begun("30m EndLegs cancelled", "30m ReleaseNumber cancelled"),
			[]string{"0m SetDoNotDisturb dial", "5m RestorePresence"},
		},
		{
			"in a callback",
			func(s *scene) {
				s.end(5*time.Minute, theDial)
				s.callback(30*time.Minute, first)
				s.at(31*time.Minute, s.env.CancelWorkflow)
			},
			begun("31m EndLegs cancelled", "31m ReleaseNumber cancelled"),
			[]string{
				"0m SetDoNotDisturb dial", "5m RestorePresence", "30m SetDoNotDisturb first", "31m RestorePresence",
			},
		},
		{
			// A callback is connected just then: it is ended too.
			"while a callback connects",
			func(s *scene) {
				s.end(5*time.Minute, theDial)
				s.at(30*time.Minute, s.env.CancelWorkflow)
				s.busy = func(time.Duration) bool { return s.attempts(workflows.ActivityEndLegs) < 2 }
			},
			begun("30m EndLegs cancelled", "30m ReleaseNumber cancelled refused", "30m EndLegs cancelled", "30m ReleaseNumber cancelled"),
			[]string{"0m SetDoNotDisturb dial", "5m RestorePresence"},
		},
		{
			// Do not disturb need not be asked for any more.
			"before the first step",
			func(s *scene) { s.at(0, s.env.CancelWorkflow) },
			begun("0m EndLegs cancelled", "0m ReleaseNumber cancelled"),
			[]string{"0m RestorePresence"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.happen(s)
			s.isCancelled()
			same(t, "numbers", c.numbers, s.story().Number)
			same(t, "presence", c.presence, s.story().Presence)
			s.quiet()
		})
	}
}

// A cancellation while the database is in trouble waits for it: each step of the
// cleaning up is repeated until it is done.
func TestCancelInTrouble(t *testing.T) {
	for _, name := range []string{
		workflows.ActivityEndLegs, workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.plans[name] = failing(9)
			s.at(3*time.Minute, s.env.CancelWorkflow)
			s.isCancelled()
			same(t, "attempts", 10, s.attempts(name))
			for _, each := range []string{
				workflows.ActivityEndLegs, workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber,
			} {
				same(t, each, 1, len(s.steps(each)))
			}
		})
	}
}

// A cancellation does not cut off a step that is being repeated already.
func TestCancelWhileRetrying(t *testing.T) {
	s := newScene(t)
	s.plans[workflows.ActivityLeaseNumber] = failing(9)
	s.at(2*time.Second, s.env.CancelWorkflow)
	s.isCancelled()
	same(t, "attempts", 10, s.attempts(workflows.ActivityLeaseNumber))
	same(t, "releases", 1, len(s.steps(workflows.ActivityReleaseNumber)))
	same(t, "restorations", 1, len(s.steps(workflows.ActivityRestorePresence)))
}

// A cancelled call waits for the presence system too.
func TestCancelPresenceOutside(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside = true
	s.plans[workflows.ActivitySetDoNotDisturb] = pending
	s.at(3*time.Minute, s.env.CancelWorkflow)
	s.complete(20*time.Minute, workflows.ActivitySetDoNotDisturb)
	s.isCancelled()
	same(t, "numbers", begun("3m EndLegs cancelled", "3m ReleaseNumber cancelled"), s.story().Number)
	same(t, "presence", []string{"20m SetDoNotDisturb (ordinary)", "20m RestorePresence (ordinary)"}, s.story().Presence)
}
