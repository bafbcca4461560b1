package workflows_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// Where a presence system beside Lifeline's own has to hear of a change, the step
// is an ordinary activity, because it may take long.
func TestPresenceOutside(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside = true
	s.end(5*time.Minute, theDial)
	s.completes(1)
	same(t, "the story", story{
		Number:   begun("60m ReleaseNumber completed"),
		Presence: []string{"0m SetDoNotDisturb dial (ordinary)", "5m RestorePresence (ordinary)"},
		Notice:   []string{"0m NotifyContacts placed (ordinary)"},
		Timers:   []string{"0m for 1h0m0s"},
		Phases:   []string{"5m EmergencyPhase=callback-window"},
	}, s.story())
}

// A slow presence system delays neither notice nor window nor release; the
// workflow waits for it before it completes, so that presence is restored (S10).
func TestPresenceOutsideSlow(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside = true
	s.plans[workflows.ActivitySetDoNotDisturb] = pending
	s.plans[workflows.ActivityRestorePresence] = pending
	var inCall, afterRelease string
	s.at(time.Minute, func() { inCall = s.details() })
	s.end(5*time.Minute, theDial)
	s.complete(100*time.Minute, workflows.ActivitySetDoNotDisturb)
	s.at(101*time.Minute, func() { afterRelease = s.details() })
	s.complete(110*time.Minute, workflows.ActivityRestorePresence)
	s.completes(1)
	same(t, "the story", story{
		Number:   begun("60m ReleaseNumber completed"),
		Presence: []string{"100m SetDoNotDisturb (ordinary)", "110m RestorePresence (ordinary)"},
		Notice:   []string{"0m NotifyContacts placed (ordinary)"},
		Timers:   []string{"0m for 1h0m0s"},
		Phases:   []string{"5m EmergencyPhase=callback-window"},
	}, s.story())
	same(t, "the end", 110*time.Minute, s.now())
	mentions(t, inCall, "**Pending** Do not disturb")
	mentions(t, afterRelease, "## Ended", "**Pending** presence as before")
	mentions(t, s.details(), "**Pending** nothing")
}

// Steps that have become pointless while another was under way are left out: the
// presence system is told what holds now.
func TestPresenceOutsideLeftBehind(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside = true
	s.plans[workflows.ActivitySetDoNotDisturb] = func(attempt int) error {
		if attempt == 1 {
			return pending(attempt)
		}
		return nil
	}
	s.end(5*time.Minute, theDial)
	s.callback(10*time.Minute, first)
	s.end(15*time.Minute, first)
	s.complete(20*time.Minute, workflows.ActivitySetDoNotDisturb)
	s.completes(2)
	same(t, "presence", []string{"20m SetDoNotDisturb (ordinary)", "20m RestorePresence (ordinary)"}, s.story().Presence)
}

// A callback whose start and end are taken in together has been shown and taken back by
// SQL. Another of the agent's calls may have told the presence system in between, so it
// is told once more (B4); of a leg that passes while another is up, nothing need be said.
func TestPresenceOutsideAfterMissedLeg(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside = true
	missed := func(d time.Duration, leg emergency.LegID) {
		s.end(d-time.Second, leg)
		s.callback(d, leg)
	}
	missed(3*time.Minute, first)
	s.end(5*time.Minute, theDial)
	missed(10*time.Minute, second)
	s.completes(3)
	same(t, "presence", []string{
		"0m SetDoNotDisturb dial (ordinary)", "5m RestorePresence (ordinary)", "10m RestorePresence (ordinary)",
	}, s.story().Presence)
}

// A presence system that refuses for good costs a warning, and nothing else.
func TestPresenceOutsideRefuses(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside, s.order.Contacts = true, 0
	s.plans[workflows.ActivitySetDoNotDisturb] = always(temporal.NewNonRetryableApplicationError("no such user", "PresenceRefused", nil))
	var inCall string
	s.at(time.Minute, func() { inCall = s.details() })
	s.end(5*time.Minute, theDial)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	mentions(t, inCall, "> ⚠ Presence could not be changed: see the failed activity.", "**Pending** the end of the call")
	same(t, "attempts", 1, s.attempts(workflows.ActivitySetDoNotDisturb))
	same(t, "presence", []string{"5m RestorePresence (ordinary)"}, s.story().Presence)
	same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
}
