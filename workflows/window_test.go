package workflows_test

import (
	"testing"
	"time"

	"lifeline/workflows"
)

// windows are calls of different lengths, and what is to become of them.
var windows = []struct {
	name   string
	happen func(*scene)
	legs   int
	want   story
}{
	// Half an hour after the end is within the hour: the hour counts.
	{"30 minutes", func(s *scene) { s.end(30*minute, theDial) }, 1, story{
		Number:   []string{"60m ReleaseNumber completed"},
		Presence: []string{"0m SetDoNotDisturb dial", "30m RestorePresence"},
		Timers:   []string{"0m for 1h0m0s"},
		Phases:   []string{"30m EmergencyPhase=callback-window"},
	}},
	{"45 minutes", func(s *scene) { s.end(45*minute, theDial) }, 1, story{
		Number:   []string{"75m ReleaseNumber completed"},
		Presence: []string{"0m SetDoNotDisturb dial", "45m RestorePresence"},
		Timers:   []string{"0m for 1h0m0s", "45m for 30m0s"},
		Phases:   []string{"45m EmergencyPhase=callback-window"},
	}},
	{"59 minutes", func(s *scene) { s.end(59*minute, theDial) }, 1, story{
		Number:   []string{"89m ReleaseNumber completed"},
		Presence: []string{"0m SetDoNotDisturb dial", "59m RestorePresence"},
		Timers:   []string{"0m for 1h0m0s", "59m for 30m0s"},
		Phases:   []string{"59m EmergencyPhase=callback-window"},
	}},
	// The timer passes while the call is up: nothing is released then.
	{"two hours", func(s *scene) { s.end(120*minute, theDial) }, 1, story{
		Number:   []string{"150m ReleaseNumber completed"},
		Presence: []string{"0m SetDoNotDisturb dial", "120m RestorePresence"},
		Timers:   []string{"0m for 1h0m0s", "60m for 3h0m0s", "120m for 30m0s"},
		Phases:   []string{"120m EmergencyPhase=callback-window"},
	}},
	// A callback at minute 59 keeps the number until half an hour after its end.
	{"callback at the last minute", func(s *scene) {
		s.end(5*minute, theDial)
		s.callback(59*minute, first)
		s.end(70*minute, first)
	}, 2, story{
		Number: []string{"100m ReleaseNumber completed"},
		Presence: []string{
			"0m SetDoNotDisturb dial", "5m RestorePresence", "59m SetDoNotDisturb first", "70m RestorePresence",
		},
		Timers: []string{"0m for 1h0m0s", "60m for 3h59m0s", "70m for 30m0s"},
		Phases: []string{
			"5m EmergencyPhase=callback-window", "59m EmergencyPhase=active", "70m EmergencyPhase=callback-window",
		},
	}},
	// A short callback early in the window leaves the hour as it is: one timer.
	{"callback in the window", func(s *scene) {
		s.end(5*minute, theDial)
		s.callback(10*minute, first)
		s.end(12*minute, first)
	}, 2, story{
		Number: []string{"60m ReleaseNumber completed"},
		Presence: []string{
			"0m SetDoNotDisturb dial", "5m RestorePresence", "10m SetDoNotDisturb first", "12m RestorePresence",
		},
		Timers: []string{"0m for 1h0m0s"},
		Phases: []string{
			"5m EmergencyPhase=callback-window", "10m EmergencyPhase=active", "12m EmergencyPhase=callback-window",
		},
	}},
}

// The window is max(dialed + 60 min, last leg ended + 30 min), and no number is
// released under a live leg (B1).
func TestWindow(t *testing.T) {
	for _, c := range windows {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.happen(s)
			s.completes(c.legs)
			c.want.Number = begun(c.want.Number...)
			c.want.Notice = []string{"0m NotifyContacts placed (ordinary)"}
			same(t, "the story", c.want, s.story())
		})
	}
}

// A forgotten call is ended after the longest time that any call may last, with a
// warning for the supervisor, and its number stays for the grace after that (B16).
func TestLongestCall(t *testing.T) {
	s := newScene(t)
	var after string
	s.at(241*time.Minute, func() { after = s.details() })
	// The end comes at last, when nobody needs it any more.
	s.end(250*time.Minute, theDial)
	s.completes(1)
	same(t, "the story", story{
		Number:   begun("240m EndLegs dial max-duration", "270m ReleaseNumber completed"),
		Presence: []string{"0m SetDoNotDisturb dial", "240m RestorePresence"},
		Notice:   []string{"0m NotifyContacts placed (ordinary)"},
		Timers:   []string{"0m for 1h0m0s", "60m for 3h0m0s", "240m for 30m0s"},
		Phases:   []string{"240m EmergencyPhase=callback-window"},
	}, s.story())
	mentions(t, after, "## Callback window open until 2096-03-08 16:30:00 UTC",
		"> ⚠ The outbound leg was ended after 4h0m0s because nobody told its end. Check on the agent.", "| max-duration |")
}

// A callback whose end is lost is ended by itself, while other legs go on.
func TestLongestCallback(t *testing.T) {
	s := newScene(t)
	s.end(5*time.Minute, theDial)
	s.callback(10*time.Minute, first)
	s.callback(200*time.Minute, second)
	s.end(260*time.Minute, second)
	s.completes(3)
	same(t, "numbers", begun("250m EndLegs first max-duration", "290m ReleaseNumber completed"), s.story().Number)
	same(t, "restorations", 2, len(s.steps(workflows.ActivityRestorePresence)))
	same(t, "the last", "260m RestorePresence", s.story().Presence[len(s.story().Presence)-1])
}

// SQL may know of a callback that the workflow has not heard of yet. The number is
// then not released; it is tried again after half a minute, or as soon as the
// message has come, and never is the call completed early (B1).
func TestReleaseRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(*scene)
		legs   int
		want   []string
	}{
		{"the message never comes", func(s *scene) {
			s.busy = func(at time.Duration) bool { return at < 62*time.Minute }
		}, 1, []string{
			"60m ReleaseNumber completed refused", "60m30s ReleaseNumber completed refused",
			"61m ReleaseNumber completed refused", "61m30s ReleaseNumber completed refused", "62m ReleaseNumber completed",
		}},
		{"the message comes", func(s *scene) {
			s.busy = func(at time.Duration) bool { return at < 61*time.Minute }
			s.signal(60*time.Minute+10*time.Second, workflows.SignalCallbackReceived, rung(59*time.Minute))
			s.end(61*time.Minute, first)
		}, 2, []string{"60m ReleaseNumber completed refused", "91m ReleaseNumber completed"}},
		{"the message comes, and the grace is short", func(s *scene) {
			s.order.Terms.Grace = 5 * time.Second
			s.busy = func(at time.Duration) bool { return at < 60*time.Minute+4*time.Second }
			s.signal(60*time.Minute+2*time.Second, workflows.SignalCallbackReceived, rung(59*time.Minute))
			s.end(60*time.Minute+4*time.Second, first)
		}, 2, []string{"60m ReleaseNumber completed refused", "60m9s ReleaseNumber completed"}},
		{"both messages come at once", func(s *scene) {
			s.busy = func(at time.Duration) bool { return at < 61*time.Minute }
			s.signal(60*time.Minute+10*time.Second, workflows.SignalCallbackReceived, rung(59*time.Minute))
			s.signal(60*time.Minute+10*time.Second, workflows.SignalCallEnded, endAt(first, 60*time.Minute))
		}, 2, []string{"60m ReleaseNumber completed refused", "90m ReleaseNumber completed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.end(5*time.Minute, theDial)
			c.happen(s)
			s.completes(c.legs)
			same(t, "numbers", begun(c.want...), s.story().Number)
		})
	}
}

// A leg that cannot be ended for some time, because the database is in trouble,
// counts from when it was: SQL gives the same answer then.
func TestLongestCallInTrouble(t *testing.T) {
	s := newScene(t)
	s.plans[workflows.ActivityEndLegs] = failing(9)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	ended := s.steps(workflows.ActivityEndLegs)[0].at
	if ended <= 240*time.Minute {
		t.Fatalf("the leg was ended %s after the dial, want later than the longest call", ended)
	}
	same(t, "the release", ended+agreed.Grace, s.now())
}

// While one lost end is being made up for, another leg may have become overdue.
func TestTwoForgottenCallbacks(t *testing.T) {
	s := newScene(t)
	s.plans[workflows.ActivityEndLegs] = failing(1)
	s.end(time.Minute, theDial)
	s.callback(5*time.Minute, first)
	s.callback(5*time.Minute+50*time.Millisecond, second)
	s.completes(3)
	same(t, "numbers", begun(
		"245m100ms EndLegs first max-duration", "245m100ms EndLegs second max-duration", "275m100ms ReleaseNumber completed",
	), s.story().Number)
}
