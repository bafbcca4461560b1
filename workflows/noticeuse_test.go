package workflows_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// down is a mail system that takes nothing until so long after the dial, and says so:
// the test suite does not try for long by itself.
func (s *scene) down(until time.Duration) plan {
	return func(int) error {
		if s.now() >= until {
			return nil
		}
		return temporal.NewApplicationErrorWithOptions("the mail system is down", "MailRetry",
			temporal.ApplicationErrorOptions{NextRetryDelay: until - s.now()})
	}
}

// noticesSent are the notices that went out, with the minute, in order of the text: they
// go out side by side.
func (s *scene) noticesSent() []string {
	var all []string
	for _, sent := range s.steps(workflows.ActivityNotifyContacts) {
		all = append(all, fmt.Sprintf("%dm %s", sent.at/time.Minute, sent.arg))
	}
	slices.Sort(all)
	return all
}

// After an outage people hear of the call, and once that nobody has acknowledged: an
// escalation is tried until the next one is due, and the last one for as long as the call
// is open (B9).
func TestOneEscalationAfterAnOutage(t *testing.T) {
	for _, c := range []struct {
		name  string
		until time.Duration
		want  []string
	}{
		{"before the first is due", 4 * time.Minute, []string{"10m escalated II", "4m placed", "5m escalated I"}},
		{"while the first waits", 7 * time.Minute, []string{"10m escalated II", "7m escalated I", "7m placed"}},
		{"while the last waits", 30 * time.Minute, []string{"30m escalated II", "30m placed"}},
		{"after hours", 150 * time.Minute, []string{"150m escalated II", "150m placed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newNoticeScene(t)
			s.plans[workflows.ActivityNotifyContacts] = s.down(c.until)
			s.end(200*time.Minute, theDial)
			if _, err := s.play(); err != nil {
				t.Fatal(err)
			}
			same(t, "what was sent", c.want, s.noticesSent())
			same(t, "notices", []string{"0m placed", "5m escalated 1", "10m escalated 2"}, s.noticesAsked())
		})
	}
}

// Every escalation but the last is given until the next one is due, also where the first
// was made early because nobody could be reached; the last one, and one after which no
// other comes, until the call is closed.
func TestHowLongAnEscalationIsTried(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*scene)
		want    []string
	}{
		{"nobody acknowledges", func(s *scene) { s.order.Notices.Escalations = 3 }, []string{"0s", "5m0s", "5m0s", "0s"}},
		{"nobody can be reached", func(s *scene) { s.told = workflows.Deliveries{Failed: 2} }, []string{"0s", "5m0s", "0s"}},
		{"nobody need acknowledge", func(s *scene) {
			s.told, s.order.Notices.AcknowledgeWithin = workflows.Deliveries{Failed: 2}, 0
		}, []string{"0s", "0s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newNoticeScene(t)
			c.prepare(s)
			s.end(30*time.Minute, theDial)
			if _, err := s.play(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, asked := range s.asked.of(commandOrdinary) {
				limit, _, _ := strings.Cut(strings.TrimPrefix(asked.how, "schedule-to-close="), " ")
				got = append(got, limit)
			}
			same(t, "how long they are tried", c.want, got)
		})
	}
}

// A notice of a refused dial has no window to close: it is tried for as long as that of a
// call would be at least (B10).
func TestHowLongARefusalIsTried(t *testing.T) {
	s := newRefusalScene(t)
	s.plans[workflows.ActivityNotifyContacts] = s.down(12 * time.Minute)
	if _, err := s.refuse(refused); err != nil {
		t.Fatal(err)
	}
	same(t, "what was sent", []string{"12m escalated II", "12m failed"}, s.noticesSent())
	for i, limit := range []string{"1h30m0s", "5m0s", "1h30m0s"} {
		mentions(t, s.asked.of(commandOrdinary)[i].how, "schedule-to-close="+limit)
	}
}

// An escalation that was not sent because somebody had acknowledged, or because the next
// one was due, is shown as that, gives no warning, and ends nothing else (B9).
func TestSupersededEscalation(t *testing.T) {
	first := noticeStep(emergency.NoticeEscalated, 1)
	t.Run("by an acknowledgement", func(t *testing.T) {
		s := newNoticeScene(t)
		s.plans[first] = pending
		s.acknowledge(6*time.Minute, emergency.NoticePlaced)
		s.delivered(7*time.Minute, first, workflows.Deliveries{Superseded: 2})
		s.end(20*time.Minute, theDial)
		s.completes(1)
		same(t, "notices", []string{"0m placed", "5m escalated 1"}, s.noticesAsked())
		mentions(t, s.details(), "to the site's list (1 of 2): not sent, as it was not needed any more\n")
		same(t, "superseded", 2, s.state().Notices.Notices[1].Superseded)
		unwarned(t, s.details())
	})
	t.Run("by the next", func(t *testing.T) {
		s := newNoticeScene(t)
		s.plans[first] = pending
		s.delivered(9*time.Minute, first, workflows.Deliveries{Superseded: 2})
		s.end(20*time.Minute, theDial)
		s.completes(1)
		same(t, "notices", []string{"0m placed", "5m escalated 1", "10m escalated 2"}, s.noticesAsked())
	})
}

// Everybody who acknowledges is shown, once each, in the order in which they did; how it
// goes on hangs on the first alone (B9).
func TestSeveralAcknowledge(t *testing.T) {
	s := newNoticeScene(t)
	say := func(d time.Duration, by string) {
		s.signal(d, workflows.SignalAcknowledged, emergency.Acknowledged{Event: emergency.NoticePlaced, At: noon.Add(d), By: by})
	}
	say(2*time.Minute, "desk@example.org")
	say(3*time.Minute, "night@example.org")
	say(4*time.Minute, "desk@example.org")
	s.end(20*time.Minute, theDial)
	s.completes(1)
	mentions(t, s.details(), "- **Acknowledged** at 2096-03-08 12:02:00 UTC by desk@example.org, at 2096-03-08 12:03:00 UTC by night@example.org\n")
	same(t, "acknowledged at", noon.Add(2*time.Minute), s.state().Notices.AcknowledgedAt)
	same(t, "how many have", 2, s.state().Notices.Acknowledgements)
	same(t, "notices", []string{"0m placed"}, s.noticesAsked())
}

// returned tells that every e-mail of a notice has come back.
func (s *scene) returned(d time.Duration, event emergency.NoticeEvent) {
	s.signal(d, workflows.SignalUndelivered, emergency.Undelivered{Event: event, At: noon.Add(d)})
}

// When every e-mail with the first notice has come back, nobody knows: the site's list is
// told at once, as when nobody could be reached, and again when that is due (B9). That it
// comes twice, too late, of another notice or unreadable changes nothing.
func TestEveryEMailComesBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(*scene)
		want   []string
	}{
		{"twice", func(s *scene) {
			s.returned(time.Minute, emergency.NoticePlaced)
			s.returned(2*time.Minute, emergency.NoticePlaced)
		}, []string{"0m placed", "1m escalated 1", "6m escalated 2"}},
		{"after an escalation", func(s *scene) { s.returned(7*time.Minute, emergency.NoticePlaced) }, []string{"0m placed", "5m escalated 1", "10m escalated 2"}},
		{"of the escalation", func(s *scene) { s.returned(7*time.Minute, emergency.NoticeEscalated) }, []string{"0m placed", "5m escalated 1", "10m escalated 2"}},
		{"unreadable", func(s *scene) { s.signal(time.Minute, workflows.SignalUndelivered, 42) }, []string{"0m placed", "5m escalated 1", "10m escalated 2"}},
		{"and nobody need acknowledge", func(s *scene) {
			s.order.Notices.AcknowledgeWithin = 0
			s.plans[noticeStep(emergency.NoticePlaced, 0)] = pending
			s.returned(time.Minute, emergency.NoticePlaced)
			s.delivered(2*time.Minute, noticeStep(emergency.NoticePlaced, 0), workflows.Deliveries{Failed: 2})
		}, []string{"0m placed", "1m escalated 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newNoticeScene(t)
			c.happen(s)
			s.end(20*time.Minute, theDial)
			if _, err := s.play(); err != nil {
				t.Fatal(err)
			}
			same(t, "notices", c.want, s.noticesAsked())
		})
	}
	t.Run("is shown", func(t *testing.T) {
		s := newNoticeScene(t)
		s.returned(time.Minute, emergency.NoticePlaced)
		s.acknowledge(2*time.Minute, emergency.NoticeEscalated)
		s.end(20*time.Minute, theDial)
		s.completes(1)
		mentions(t, s.details(),
			"- **Contacts** none told of the call: every e-mail came back\n", "> ⚠ Every e-mail that told of the call has come back.")
		same(t, "the state", true, s.state().Notices.Notices[0].Returned)
		same(t, "notices", []string{"0m placed", "1m escalated 1"}, s.noticesAsked())
	})
	t.Run("of a refused dial", func(t *testing.T) {
		s := newRefusalScene(t)
		s.returned(time.Minute, emergency.NoticeFailed)
		s.acknowledge(2*time.Minute, emergency.NoticeEscalated)
		if _, err := s.refuse(refused); err != nil {
			t.Fatal(err)
		}
		same(t, "notices", []string{"0m failed", "1m escalated 1"}, s.noticesAsked())
	})
}

// Where there is nobody to be told, because the agent has no contacts or the mailbox is
// off, and the site has no list, a supervisor is warned of that, in a test too (S9, S14).
func TestNobodyToTell(t *testing.T) {
	for kind, want := range map[emergency.Kind]string{
		emergency.KindEmergency: "> ⚠ Nobody is told: the agent has no contacts or no mailbox, and the site has no list.",
		emergency.KindTest:      "> ⚠ Nobody is told: the site has no test list.",
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := newNoticeScene(t)
			s.order.Kind, s.order.Contacts, s.told = kind, 0, workflows.Deliveries{}
			s.callback(3*time.Minute, first)
			s.end(4*time.Minute, first)
			s.end(20*time.Minute, theDial)
			s.completes(2)
			mentions(t, s.details(), want)
			same(t, "warnings", 1, len(s.state().Warnings))
			same(t, "notices", []string{"0m placed", "3m callback"}, s.noticesAsked())
		})
	}
}
