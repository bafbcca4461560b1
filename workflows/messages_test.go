package workflows_test

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"
)

// rung is the message of the first callback.
func rung(at time.Duration) emergency.CallbackReceived {
	return emergency.CallbackReceived{LegID: first, At: noon.Add(at)}
}

func endAt(leg emergency.LegID, at time.Duration) emergency.LegEnded {
	return emergency.LegEnded{LegID: leg, At: noon.Add(at)}
}

const minute = time.Minute

// messageFaults are what can happen to messages, and what is to become of it.
var messageFaults = []struct {
	name     string
	happen   func(*scene)
	legs     int
	presence []string
	numbers  []string
}{
	{
		"start of a leg twice",
		func(s *scene) {
			s.end(5*minute, theDial)
			s.callback(10*minute, first)
			s.callback(11*minute, first)
			s.end(12*minute, first)
			s.callback(13*minute, first)
		},
		2,
		[]string{"0m SetDoNotDisturb dial", "5m RestorePresence", "10m SetDoNotDisturb first", "12m RestorePresence"},
		[]string{"60m ReleaseNumber completed"},
	},
	{
		// The first end counts: the second would have kept the number until 80 min.
		"end twice",
		func(s *scene) {
			s.end(5*minute, theDial)
			s.end(50*minute, theDial)
		},
		1,
		[]string{"0m SetDoNotDisturb dial", "5m RestorePresence"},
		[]string{"60m ReleaseNumber completed"},
	},
	{
		// The leg is over before it is heard of, and counts for the window: 40+30. SQL has
		// shown it and taken it back, so that presence is settled once more.
		"end before its start",
		func(s *scene) {
			s.end(5*minute, theDial)
			s.end(40*minute, first)
			s.signal(41*minute, workflows.SignalCallbackReceived, rung(35*minute))
		},
		2,
		[]string{"0m SetDoNotDisturb dial", "5m RestorePresence", "41m RestorePresence"},
		[]string{"70m ReleaseNumber completed"},
	},
	{
		// The first of two early ends counts too.
		"two ends before their start",
		func(s *scene) {
			s.end(5*minute, theDial)
			s.end(40*minute, first)
			s.end(50*minute, first)
			s.signal(51*minute, workflows.SignalCallbackReceived, rung(35*minute))
		},
		2,
		[]string{"0m SetDoNotDisturb dial", "5m RestorePresence", "51m RestorePresence"},
		[]string{"70m ReleaseNumber completed"},
	},
	{
		"end of a leg that never comes",
		func(s *scene) {
			s.end(5*minute, theDial)
			s.end(50*minute, second)
		},
		1,
		[]string{"0m SetDoNotDisturb dial", "5m RestorePresence"},
		[]string{"60m ReleaseNumber completed"},
	},
	{
		// The call may be over before any worker takes it up. Do not disturb, which
		// the dial has set, is then only taken back.
		"everything before the first workflow task",
		func(s *scene) {
			s.signal(0, workflows.SignalCallbackReceived, rung(0))
			s.signal(0, workflows.SignalCallEnded, endAt(theDial, 0))
			s.signal(0, workflows.SignalCallEnded, endAt(first, 0))
		},
		2,
		[]string{"0m RestorePresence"},
		[]string{"60m ReleaseNumber completed"},
	},
	{
		"end after the longest call",
		func(s *scene) { s.end(245*minute, theDial) },
		1,
		[]string{"0m SetDoNotDisturb dial", "240m RestorePresence"},
		[]string{"240m EndLegs dial max-duration", "270m ReleaseNumber completed"},
	},
	{
		// Presence comes back when the last is over (B4).
		"two callbacks at once",
		func(s *scene) {
			s.end(5*minute, theDial)
			s.callback(10*minute, first)
			s.callback(11*minute, second)
			s.end(15*minute, second)
			s.end(20*minute, first)
		},
		3,
		[]string{
			"0m SetDoNotDisturb dial", "5m RestorePresence",
			"10m SetDoNotDisturb first", "11m SetDoNotDisturb second", "20m RestorePresence",
		},
		[]string{"60m ReleaseNumber completed"},
	},
	{
		"callback while the call is still up",
		func(s *scene) {
			s.callback(10*minute, first)
			s.end(20*minute, theDial)
			s.end(40*minute, first)
		},
		2,
		[]string{"0m SetDoNotDisturb dial", "10m SetDoNotDisturb first", "40m RestorePresence"},
		[]string{"70m ReleaseNumber completed"},
	},
	{
		// The time of arrival counts: 50+30.
		"messages without a time",
		func(s *scene) {
			s.signal(5*minute, workflows.SignalCallEnded, emergency.LegEnded{LegID: theDial})
			s.signal(45*minute, workflows.SignalCallbackReceived, emergency.CallbackReceived{LegID: first})
			s.signal(50*minute, workflows.SignalCallEnded, emergency.LegEnded{LegID: first})
		},
		2,
		[]string{"0m SetDoNotDisturb dial", "5m RestorePresence", "45m SetDoNotDisturb first", "50m RestorePresence"},
		[]string{"80m ReleaseNumber completed"},
	},
	{
		// A leg without a name could never be ended.
		"messages that name no leg",
		func(s *scene) {
			s.signal(4*minute, workflows.SignalCallbackReceived, emergency.CallbackReceived{})
			s.signal(4*minute, workflows.SignalCallEnded, emergency.LegEnded{})
			s.end(5*minute, theDial)
		},
		1,
		[]string{"0m SetDoNotDisturb dial", "5m RestorePresence"},
		[]string{"60m ReleaseNumber completed"},
	},
}

// Messages may come twice, late, out of order or never. Whatever happens, the
// number is released once, and the last step of presence restores it.
func TestMessageFaults(t *testing.T) {
	for _, c := range messageFaults {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.happen(s)
			s.completes(c.legs)
			same(t, "presence", c.presence, s.story().Presence)
			same(t, "numbers", begun(c.numbers...), s.story().Number)
		})
	}
}

// A message that nobody can read, sent by hand perhaps, is passed over; the call
// goes on as if it had not come.
func TestUnreadableMessage(t *testing.T) {
	for _, signal := range []string{workflows.SignalCallbackReceived, workflows.SignalCallEnded} {
		t.Run(signal, func(t *testing.T) {
			s := newScene(t)
			s.signal(2*time.Minute, signal, "hello")
			s.end(5*time.Minute, theDial)
			s.signal(6*time.Minute, signal, []int{1})
			if _, err := s.play(); err != nil {
				t.Fatal(err)
			}
			same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
			same(t, "presence", []string{"0m SetDoNotDisturb dial", "5m RestorePresence"}, s.story().Presence)
		})
	}
}

// What comes while the number is being released, or while the workflow waits for
// the presence system after it, changes nothing and is not left unread.
func TestMessagesAtTheEnd(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside = true
	s.plans[workflows.ActivityRestorePresence] = pending
	s.end(5*time.Minute, theDial)
	s.end(70*time.Minute, theDial)
	s.callback(71*time.Minute, first)
	s.end(72*time.Minute, first)
	s.complete(80*time.Minute, workflows.ActivityRestorePresence)
	s.completes(1)
	same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
	if details := s.details(); strings.Contains(details, "| callback |") {
		t.Errorf("a callback after the end is shown:\n%s", details)
	}
}
