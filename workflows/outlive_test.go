package workflows_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// Whoever has not heard of a call in its window is told after it: the number goes back at
// its time, nobody is told again that somebody should act, and supervisors see that the
// call is over, and who is still being told (S9, S11).
func TestToldAfterTheEnd(t *testing.T) {
	s := newNoticeScene(t)
	placed := noticeStep(emergency.NoticePlaced, 0)
	s.plans[placed] = pending
	s.end(5*time.Minute, theDial)
	s.at(100*time.Minute, func() { mentions(t, s.details(), "## Ended", "- **Contacts** being told of the call\n") })
	s.delivered(150*time.Minute, placed, workflows.Deliveries{Sent: 2})
	s.completes(1)
	same(t, "the end", 150*time.Minute, s.now())
	same(t, "notices", []string{"0m placed", "5m escalated 1", "10m escalated 2"}, s.noticesAsked())
	got := s.story()
	same(t, "the number", "60m ReleaseNumber completed", got.Number[len(got.Number)-1])
	same(t, "the phases", []string{"5m EmergencyPhase=callback-window", "60m EmergencyPhase=ended"}, got.Phases)
	mentions(t, s.details(), "- **Contacts** 2 of 2 told of the call\n")
}

// What comes while people are told after the end changes nothing and is not left unread,
// save that somebody has acknowledged, which is shown.
func TestNewsAfterTheEnd(t *testing.T) {
	s := newNoticeScene(t)
	placed := noticeStep(emergency.NoticePlaced, 0)
	s.plans[placed] = pending
	s.delivered(150*time.Minute, placed, workflows.Deliveries{Sent: 2})
	s.end(5*time.Minute, theDial)
	s.callback(90*time.Minute, first)
	s.end(95*time.Minute, first)
	s.end(95*time.Minute, theDial)
	s.acknowledge(110*time.Minute, emergency.NoticeEscalated)
	s.completes(1)
	mentions(t, s.details(), "## Ended", "- **Acknowledged** at 2096-03-08 13:50:00 UTC by desk@example.org")
}

// A supervisor who cancels then ends the telling, and nothing else is done again.
func TestCancelAfterTheEnd(t *testing.T) {
	s := newNoticeScene(t)
	s.plans[noticeStep(emergency.NoticePlaced, 0)] = pending
	s.end(5*time.Minute, theDial)
	s.at(100*time.Minute, s.env.CancelWorkflow)
	if _, err := s.play(); !temporal.IsCanceledError(err) {
		t.Errorf("the workflow ended with %v, want it cancelled", err)
	}
	same(t, "the end", 100*time.Minute, s.now())
	same(t, "the releases", 1, len(s.steps(workflows.ActivityReleaseNumber)))
}

// Nobody is told after the end of a call that a supervisor cancels, nor of one from before
// that was so: it is given up with the call, and supervisors are warned.
func TestNotToldAfterTheEnd(t *testing.T) {
	for name, happen := range map[string]func(*scene){
		"cancelled": func(s *scene) { s.at(60*time.Minute-time.Second, s.env.CancelWorkflow) },
		"old plan":  func(s *scene) { s.order.Notices.Outlives = false },
	} {
		t.Run(name, func(t *testing.T) {
			s := newNoticeScene(t)
			s.plans[noticeStep(emergency.NoticePlaced, 0)] = pending
			s.end(5*time.Minute, theDial)
			happen(s)
			_, err := s.play()
			if err != nil && !temporal.IsCanceledError(err) {
				t.Fatal(err)
			}
			same(t, "the end", "60m", minutes(s.now().Round(time.Minute)))
			mentions(t, s.details(), "> ⚠ Not everybody had been told of the call when the call was closed; it is not tried any more.")
		})
	}
}
