package workflows_test

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"
)

// People are told of the first callback, while the notice of the call may still be on
// its way; further callbacks tell nobody (S4).
func TestToldOfCallback(t *testing.T) {
	s := newNoticeScene(t)
	s.plans[noticeStep(emergency.NoticePlaced, 0)] = pending
	s.acknowledge(time.Minute, emergency.NoticePlaced)
	s.end(5*time.Minute, theDial)
	s.callback(10*time.Minute, first)
	s.callback(10*time.Minute, first)
	s.end(12*time.Minute, first)
	s.callback(15*time.Minute, second)
	s.end(16*time.Minute, second)
	s.delivered(30*time.Minute, noticeStep(emergency.NoticePlaced, 0), workflows.Deliveries{Sent: 2})
	s.completes(3)
	same(t, "notices", []string{"0m placed", "10m callback"}, s.noticesAsked())
	mentions(t, s.details(), "- **Contacts** 2 of 2 told of the call\n- **Contacts** 2 of 2 told of the callback\n")
	mentions(t, s.asked.String(), `"E-mail that tells the contacts of the callback"`)
}

// A callback that is over before the workflow hears of it tells people, too; a message
// that opens no leg tells nobody.
func TestToldOfCallbackAfterwards(t *testing.T) {
	s := newNoticeScene(t)
	s.acknowledge(time.Minute, emergency.NoticePlaced)
	s.end(5*time.Minute, theDial)
	s.signal(6*time.Minute, workflows.SignalCallbackReceived, emergency.CallbackReceived{})
	s.end(40*time.Minute, first)
	s.signal(41*time.Minute, workflows.SignalCallbackReceived, rung(35*time.Minute))
	s.completes(2)
	same(t, "notices", []string{"0m placed", "41m callback"}, s.noticesAsked())
}

// Where that is wanted, people are told once that the call has ended: when no leg is up
// for the first time.
func TestToldOfEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(*scene)
		legs   int
		want   []string
	}{
		{"after the dial", func(s *scene) { s.end(5*time.Minute, theDial) }, 1, []string{"0m placed", "5m ended"}},
		{"before a callback", func(s *scene) {
			s.end(5*time.Minute, theDial)
			s.callback(10*time.Minute, first)
			s.end(12*time.Minute, first)
		}, 2, []string{"0m placed", "5m ended", "10m callback"}},
		{"after a callback that came during the call", func(s *scene) {
			s.callback(10*time.Minute, first)
			s.end(12*time.Minute, theDial)
			s.end(15*time.Minute, first)
		}, 2, []string{"0m placed", "10m callback", "15m ended"}},
		{"when nobody told the end", func(*scene) {}, 1, []string{"0m placed", "240m ended"}},
		{"before the first step", func(s *scene) { s.signal(0, workflows.SignalCallEnded, endAt(theDial, 0)) }, 1, []string{"0m placed", "0m ended"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newNoticeScene(t)
			s.order.Notices.TellEnd = true
			s.acknowledge(time.Second, emergency.NoticePlaced)
			c.happen(s)
			s.completes(c.legs)
			same(t, "notices", c.want, s.noticesAsked())
			mentions(t, s.details(), "- **Contacts** 2 of 2 told of the end of the call\n")
		})
	}
}

// Mail that hangs delays nothing: presence, the window and the release are as if there
// were nobody to tell (S9, Kari's Law). Who could not be told meanwhile is shown, and told
// of the call, but of nothing else, once it is over.
func TestMailHangs(t *testing.T) {
	happen := func(s *scene) {
		s.order.Notices.TellEnd = true
		s.end(5*time.Minute, theDial)
		s.callback(10*time.Minute, first)
		s.end(12*time.Minute, first)
	}
	fine, hangs := newNoticeScene(t), newNoticeScene(t)
	hangs.plans[workflows.ActivityNotifyContacts] = pending
	hangs.plans[noticeStep(emergency.NoticePlaced, 0)] = pending
	hangs.delivered(61*time.Minute, noticeStep(emergency.NoticePlaced, 0), workflows.Deliveries{Sent: 2})
	for _, s := range []*scene{fine, hangs} {
		happen(s)
		s.completes(2)
	}
	want, got := fine.story(), hangs.story()
	want.Notice, got.Notice = nil, nil
	want.Phases = append(want.Phases, "60m EmergencyPhase=ended")
	same(t, "the story without its notices", want, got)
	same(t, "the end", 61*time.Minute, hangs.now())
	same(t, "notices", []string{"0m placed", "5m escalated 1", "5m ended", "10m escalated 2", "10m callback"}, hangs.noticesAsked())
	mentions(t, hangs.details(),
		"- **Contacts** 2 of 2 told of the call\n", "- **Contacts** not all told of the callback\n", "- **Contacts** not all told of the end of the call\n",
		"> ⚠ Not everybody had been told of the callback when the call was closed; it is not tried any more.")
}

// A mail system that is back after hours still brings the notice to people, if the call
// is not closed before: while it is open somebody can help.
func TestMailIsBackInTheCall(t *testing.T) {
	s := newNoticeScene(t)
	placed := noticeStep(emergency.NoticePlaced, 0)
	s.plans[placed] = pending
	s.acknowledge(time.Minute, emergency.NoticePlaced)
	s.end(170*time.Minute, theDial)
	s.delivered(180*time.Minute, placed, workflows.Deliveries{Sent: 2})
	s.completes(1)
	same(t, "the end", 200*time.Minute, s.now())
	mentions(t, s.details(), "- **Contacts** 2 of 2 told of the call\n")
	unwarned(t, s.details())
	mentions(t, s.asked.of(commandOrdinary)[0].how, "schedule-to-close=0s start-to-close=30s retry=1s..1m0s x0")
}

// The notices of a call from before they were tried for as long as they are of use are
// tried for lease and grace, each of them.
func TestNoticesOfOldPlan(t *testing.T) {
	s := newNoticeScene(t)
	s.order.Notices.ByUse = false
	s.end(20*time.Minute, theDial)
	s.completes(1)
	same(t, "notices", []string{"0m placed", "5m escalated 1", "10m escalated 2"}, s.noticesAsked())
	for _, asked := range s.asked.of(commandOrdinary) {
		mentions(t, asked.how, "schedule-to-close=1h30m0s start-to-close=30s")
	}
}

// The window closes while somebody should still acknowledge, or a supervisor cancels:
// the call does not wait, nobody else is told, and that is shown (B9).
func TestClosedWhileWaiting(t *testing.T) {
	const warning = "> ⚠ Nobody had acknowledged when the call was closed."
	t.Run("the window closes", func(t *testing.T) {
		s := newNoticeScene(t)
		s.order.Notices.AcknowledgeWithin = 2 * time.Hour
		s.end(5*time.Minute, theDial)
		s.completes(1)
		same(t, "the end", 60*time.Minute, s.now())
		same(t, "notices", []string{"0m placed"}, s.noticesAsked())
		mentions(t, s.details(), warning, "- **Acknowledged** by nobody")
	})
	t.Run("the window closes after an escalation", func(t *testing.T) {
		s := newNoticeScene(t)
		s.order.Notices.AcknowledgeWithin = 40 * time.Minute
		s.end(5*time.Minute, theDial)
		s.completes(1)
		same(t, "notices", []string{"0m placed", "40m escalated 1"}, s.noticesAsked())
		mentions(t, s.details(), "> ⚠ Nobody had acknowledged when the call was closed, although that was escalated once.")
	})
	t.Run("cancelled", func(t *testing.T) {
		s := newNoticeScene(t)
		s.at(3*time.Minute, s.env.CancelWorkflow)
		s.isCancelled()
		same(t, "the end", 3*time.Minute, s.now())
		same(t, "notices", []string{"0m placed"}, s.noticesAsked())
		mentions(t, s.details(), warning)
	})
	// The workflow may live on for long because of another system. It tells nobody then.
	t.Run("presence is slow", func(t *testing.T) {
		s := newNoticeScene(t)
		s.order.PresenceOutside, s.order.Notices.AcknowledgeWithin = true, 70*time.Minute
		s.plans[workflows.ActivityRestorePresence] = pending
		s.end(5*time.Minute, theDial)
		s.complete(100*time.Minute, workflows.ActivityRestorePresence)
		s.completes(1)
		same(t, "notices", []string{"0m placed"}, s.noticesAsked())
		same(t, "warnings", 1, strings.Count(s.details(), "⚠"))
	})
	t.Run("presence is slow, and somebody acknowledges", func(t *testing.T) {
		s := newNoticeScene(t)
		s.order.PresenceOutside = true
		s.plans[workflows.ActivityRestorePresence] = pending
		s.end(5*time.Minute, theDial)
		s.acknowledge(90*time.Minute, emergency.NoticePlaced)
		s.complete(100*time.Minute, workflows.ActivityRestorePresence)
		s.completes(1)
		mentions(t, s.details(), "- **Acknowledged** at 2096-03-08 13:30:00 UTC")
	})
}

// A call whose rows vanish halfway tells nobody else, and warns of nothing.
func TestNoticesErasedHalfway(t *testing.T) {
	s := newNoticeScene(t)
	s.plans[workflows.ActivityNotifyContacts] = always(gone())
	s.end(5*time.Minute, theDial)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	same(t, "notices", []string{"0m placed"}, s.noticesAsked())
	unwarned(t, s.details())
}

// A call that is over when its workflow begins is told, and nothing that has come of it:
// Temporal may have been away for its whole window (S9, S11). From before that was so,
// nobody is told.
func TestObsoleteTellsOfTheCall(t *testing.T) {
	for _, c := range []struct {
		outlives bool
		want     []string
	}{{true, []string{"0m placed"}}, {false, nil}} {
		s := newNoticeScene(t)
		s.order.Notices.TellEnd, s.order.Notices.Outlives = true, c.outlives
		s.lease.Closed = true
		outcome, err := s.play()
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the outcome", workflows.OutcomeObsolete, outcome.Result)
		same(t, "notices", c.want, s.noticesAsked())
		unwarned(t, s.details())
	}
}

// A call from before there was a plan waits for nobody and tells of nothing but the
// dial. That somebody has acknowledged is shown all the same.
func TestCallWithoutPlan(t *testing.T) {
	s := newScene(t)
	s.told = workflows.Deliveries{Failed: 2}
	s.acknowledge(2*time.Minute, emergency.NoticePlaced)
	s.end(5*time.Minute, theDial)
	s.callback(10*time.Minute, first)
	s.end(12*time.Minute, first)
	s.completes(2)
	same(t, "notices", []string{"0m placed"}, s.noticesAsked())
	same(t, "timers", nil, s.noticeTimers())
	mentions(t, s.details(), "- **Contacts** 0 of 2 told\n- **Acknowledged** at 2096-03-08 12:02:00 UTC by desk@example.org\n")
	mentions(t, s.asked.of(commandOrdinary)[0].how, "start-to-close=1m0s")
}
