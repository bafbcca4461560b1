package workflows_test

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// Somebody acknowledges in time: nobody else is told. It costs one timer and the
// message, and the rest of the call is as ever (B9).
func TestAcknowledged(t *testing.T) {
	s := newNoticeScene(t)
	var before, after string
	var waiting, seen workflows.State
	s.at(time.Minute, func() { before, waiting = s.details(), s.state() })
	s.acknowledge(2*time.Minute, emergency.NoticePlaced)
	s.at(3*time.Minute, func() { after, seen = s.details(), s.state() })
	s.end(10*time.Minute, theDial)
	s.completes(1)
	same(t, "the story", story{
		Number:   begun("60m ReleaseNumber completed"),
		Presence: []string{"0m SetDoNotDisturb dial", "10m RestorePresence"},
		Notice:   []string{"0m NotifyContacts placed (ordinary)"},
		Timers:   []string{"0m for 1h0m0s", "0m for 5m0s"},
		Phases:   []string{"10m EmergencyPhase=callback-window"},
	}, s.story())
	same(t, "the timer", []string{`0m for 5m0s "Somebody should acknowledge by 12:05:00 UTC"`}, s.noticeTimers())
	mentions(t, before, "- **Contacts** 2 of 2 told of the call\n", "- **Acknowledged** not yet, due by 2096-03-08 12:05:00 UTC\n")
	mentions(t, after, "- **Contacts** 2 of 2 told of the call\n", "- **Acknowledged** at 2096-03-08 12:02:00 UTC by desk@example.org\n")
	want := &workflows.NoticesState{
		Notices:       []workflows.NoticeState{{Event: emergency.NoticePlaced, At: noon, Done: true, Sent: 2}},
		AcknowledgeBy: noon.Add(5 * time.Minute),
	}
	same(t, "the state before", want, waiting.Notices)
	want.AcknowledgeBy, want.AcknowledgedAt, want.Acknowledgements = time.Time{}, noon.Add(2*time.Minute), 1
	same(t, "the state after", want, seen.Notices)
	unwarned(t, s.details())
}

// unwarned checks that supervisors are shown no warning.
func unwarned(t *testing.T, details string) {
	t.Helper()
	if strings.Contains(details, "⚠") {
		t.Errorf("there is a warning in:\n%s", details)
	}
}

// Nobody acknowledges: the site's list is told exactly when the time is up, again
// after the same time, and not more often than planned (B9). Then supervisors are
// warned.
func TestNobodyAcknowledges(t *testing.T) {
	s := newNoticeScene(t)
	var once, after string
	s.at(6*time.Minute, func() { once = s.details() })
	s.at(16*time.Minute, func() { after = s.details() })
	s.end(20*time.Minute, theDial)
	s.completes(1)
	same(t, "notices", []string{
		"0m NotifyContacts placed (ordinary)", "5m NotifyContacts escalated I (ordinary)", "10m NotifyContacts escalated II (ordinary)",
	}, s.story().Notice)
	same(t, "timers", []string{
		`0m for 5m0s "Somebody should acknowledge by 12:05:00 UTC"`,
		`5m for 5m0s "Somebody should acknowledge by 12:10:00 UTC"`,
		`10m for 5m0s "Somebody should acknowledge by 12:15:00 UTC"`,
	}, s.noticeTimers())
	mentions(t, s.asked.String(), `"E-mail that tells the site's list that somebody should act (2 of 2)"`)
	mentions(t, once, "- **Escalated** at 2096-03-08 12:05:00 UTC to the site's list (1 of 2): 2 of 2 told", "- **Acknowledged** not yet, due by 2096-03-08 12:10:00 UTC")
	mentions(t, after,
		"- **Escalated** at 2096-03-08 12:05:00 UTC to the site's list (1 of 2): 2 of 2 told",
		"- **Escalated** at 2096-03-08 12:10:00 UTC to the site's list (2 of 2): 2 of 2 told", "- **Acknowledged** by nobody",
		"> ⚠ Nobody has acknowledged, although that was escalated twice.")
	same(t, "escalations", 2, s.state().Notices.Escalated)
	same(t, "warnings", 1, len(s.state().Warnings))
}

// acknowledgements are the ways in which somebody can say that they have seen a
// notice, and who is told because of that.
var acknowledgements = []struct {
	name    string
	happen  func(*scene)
	notices []string
	at      time.Duration
}{
	{
		"twice",
		func(s *scene) {
			s.acknowledge(2*minute, emergency.NoticePlaced)
			s.acknowledge(3*minute, emergency.NoticePlaced)
		},
		[]string{"0m placed"},
		2 * minute,
	},
	{"before the first step", func(s *scene) { s.acknowledge(0, emergency.NoticePlaced) }, []string{"0m placed"}, 0},
	{"after the first escalation", func(s *scene) { s.acknowledge(7*minute, emergency.NoticeEscalated) }, []string{"0m placed", "5m escalated 1"}, 7 * minute},
	{
		"after the last escalation has been in vain",
		func(s *scene) { s.acknowledge(40*minute, emergency.NoticePlaced) },
		[]string{"0m placed", "5m escalated 1", "10m escalated 2"},
		40 * minute,
	},
	// The message says when it was; without a time, its arrival counts.
	{
		"late",
		func(s *scene) {
			s.signal(4*minute, workflows.SignalAcknowledged, emergency.Acknowledged{Event: emergency.NoticePlaced, At: noon.Add(minute)})
		},
		[]string{"0m placed"},
		minute,
	},
	{
		"without a time",
		func(s *scene) { s.signal(4*minute, workflows.SignalAcknowledged, emergency.Acknowledged{}) },
		[]string{"0m placed"},
		4 * minute,
	},
	// Somebody has sent it by hand, and so knows.
	{"that nobody can read", func(s *scene) { s.signal(4*minute, workflows.SignalAcknowledged, "hello") }, []string{"0m placed"}, 4 * minute},
	{
		"that nobody can read, and then another",
		func(s *scene) {
			s.signal(3*minute, workflows.SignalAcknowledged, 42)
			s.acknowledge(4*minute, emergency.NoticePlaced)
		},
		[]string{"0m placed"},
		3 * minute,
	},
	// Before the mail system has taken the notice for everybody, one may have read it.
	{
		"while the notice is still being sent",
		func(s *scene) {
			s.plans[noticeStep(emergency.NoticePlaced, 0)] = pending
			s.acknowledge(2*minute, emergency.NoticePlaced)
			s.delivered(8*minute, noticeStep(emergency.NoticePlaced, 0), workflows.Deliveries{Sent: 2})
		},
		[]string{"0m placed"},
		2 * minute,
	},
	{
		"of the callback",
		func(s *scene) {
			s.callback(3*minute, first)
			s.end(4*minute, first)
			s.acknowledge(4*minute+time.Second, emergency.NoticeCallback)
		},
		[]string{"0m placed", "3m callback"},
		4*minute + time.Second,
	},
}

// Whenever and however often somebody acknowledges, nobody else is told from then on,
// and the first time is shown (B9).
func TestAcknowledgements(t *testing.T) {
	for _, c := range acknowledgements {
		t.Run(c.name, func(t *testing.T) {
			s := newNoticeScene(t)
			c.happen(s)
			s.end(20*time.Minute, theDial)
			if _, err := s.play(); err != nil {
				t.Fatal(err)
			}
			same(t, "notices", c.notices, s.noticesAsked())
			same(t, "acknowledged at", noon.Add(c.at), s.state().Notices.AcknowledgedAt)
			same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
			mentions(t, s.details(), "- **Acknowledged** at "+noon.Add(c.at).Format("2006-01-02 15:04:05 UTC"))
		})
	}
}

// Where nobody at all can be told, the site's list is told at once instead of when the
// time is up, whether nobody can be reached or the mail system refuses for good (B9).
// If the site's list cannot be reached either, it is told again when that is due.
func TestEveryDeliveryFails(t *testing.T) {
	placed := noticeStep(emergency.NoticePlaced, 0)
	for _, c := range []struct {
		name    string
		prepare func(*scene)
		asked   []string
	}{
		{"at once", func(s *scene) { s.told = workflows.Deliveries{Failed: 2} }, []string{"0m placed", "0m escalated 1", "5m escalated 2"}},
		{"for good", func(s *scene) { s.plans[placed] = always(refusesMail()) }, []string{"0m placed", "0m escalated 1", "5m escalated 2"}},
		{
			"after three minutes", func(s *scene) {
				s.plans[placed] = pending
				s.delivered(3*time.Minute, placed, workflows.Deliveries{Failed: 2})
			}, []string{"0m placed", "3m escalated 1", "8m escalated 2"},
		},
		{
			// The site's list was told when the time was up, and is not told once more for it.
			"after six minutes", func(s *scene) {
				s.plans[placed] = pending
				s.delivered(6*time.Minute, placed, workflows.Deliveries{Failed: 2})
			}, []string{"0m placed", "5m escalated 1", "10m escalated 2"},
		},
		{
			// One failure among several is no reason to hurry.
			"for one of two", func(s *scene) { s.told = workflows.Deliveries{Sent: 1, Failed: 1} },
			[]string{"0m placed", "5m escalated 1", "10m escalated 2"},
		},
		{
			"and nobody need acknowledge", func(s *scene) {
				s.told, s.order.Notices.AcknowledgeWithin = workflows.Deliveries{Failed: 2}, 0
			}, []string{"0m placed", "0m escalated 1"},
		},
		{
			"and there is to be no escalation", func(s *scene) {
				s.told, s.order.Notices.Escalations = workflows.Deliveries{Failed: 2}, 0
			}, []string{"0m placed"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newNoticeScene(t)
			c.prepare(s)
			s.end(20*time.Minute, theDial)
			if _, err := s.play(); err != nil {
				t.Fatal(err)
			}
			same(t, "notices", c.asked, s.noticesAsked())
			mentions(t, s.details(), "> ⚠ ")
			for line := range strings.Lines(s.details()) {
				if strings.HasPrefix(line, "> ") && strings.Count(s.details(), line) > 1 {
					t.Errorf("supervisors are warned twice: %s", line)
				}
			}
			same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
		})
	}
}

// Nobody is waited for where nobody need acknowledge, where there is nobody to be
// told, and in a test: that disturbs nobody beyond its list (B13).
func TestNobodyIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*scene)
		timers  int
		want    string
	}{
		{"nobody need acknowledge", func(s *scene) { s.order.Notices.AcknowledgeWithin = 0 }, 0, "- **Contacts** 2 of 2 told of the call\n"},
		{"a test", func(s *scene) { s.order.Kind = emergency.KindTest }, 0, "- **Test list** 2 of 2 told of the call\n"},
		{"a test that reaches nobody", func(s *scene) {
			s.order.Kind, s.told = emergency.KindTest, workflows.Deliveries{Failed: 2}
		}, 0, "- **Test list** 0 of 2 told of the call\n"},
		// Only the notice itself tells that there is nobody.
		{"nobody is configured", func(s *scene) { s.told, s.order.Contacts = workflows.Deliveries{}, 0 }, 1, "- **Contacts** none configured\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newNoticeScene(t)
			c.prepare(s)
			s.end(20*time.Minute, theDial)
			s.completes(1)
			same(t, "notices", []string{"0m placed"}, s.noticesAsked())
			same(t, "timers", c.timers, len(s.noticeTimers()))
			mentions(t, s.details(), c.want)
			for _, text := range []string{"**Acknowledged**", "Nobody has acknowledged"} {
				if strings.Contains(s.details(), text) {
					t.Errorf("%q stands in:\n%s", text, s.details())
				}
			}
		})
	}
}

// A site without a list has nobody to be told when nobody acknowledges; it is asked
// once whether it has one.
func TestNoSiteList(t *testing.T) {
	s := newNoticeScene(t)
	s.plans[noticeStep(emergency.NoticeEscalated, 1)] = pending
	s.delivered(5*time.Minute+time.Second, noticeStep(emergency.NoticeEscalated, 1), workflows.Deliveries{})
	s.end(20*time.Minute, theDial)
	s.completes(1)
	same(t, "notices", []string{"0m placed", "5m escalated 1"}, s.noticesAsked())
	mentions(t, s.details(), "> ⚠ Nobody has acknowledged, and the site has no list of people to be told.")
}

// refusesMail is how an activity says that no attempt can help.
func refusesMail() error {
	return temporal.NewNonRetryableApplicationError("no mail system", "MailRefused", nil)
}

// Supervisors see who was told, and not only how many, and why others were not (B9).
func TestDetailsNameWhoWasTold(t *testing.T) {
	s := newNoticeScene(t)
	name := noticeStep(emergency.NoticePlaced, 0)
	s.plans[name] = pending
	s.acknowledge(2*time.Minute, emergency.NoticePlaced)
	s.delivered(time.Minute, name, workflows.Deliveries{
		Sent: 1, Failed: 1, To: []string{"desk@example.org"}, Reasons: []string{"mail server answered 550 to RCPT"},
	})
	var after string
	s.at(3*time.Minute, func() { after = s.details() })
	s.end(10*time.Minute, theDial)
	s.completes(1)
	mentions(t, after, "- **Contacts** 1 of 2 told of the call: desk@example.org; failed: mail server answered 550 to RCPT\n")
}
