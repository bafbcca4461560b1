package workflows_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// A refused dial tells people at once, and one who acknowledges ends it (B10).
func TestRefusalAcknowledged(t *testing.T) {
	s := newRefusalScene(t)
	var before string
	s.at(time.Minute, func() { before = s.details() })
	s.acknowledge(2*time.Minute, emergency.NoticeFailed)
	outcome, err := s.refuse(refused)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the outcome", workflows.RefusalOutcome{Acknowledged: true}, outcome)
	same(t, "the end", 2*time.Minute, s.now())
	same(t, "the story", story{Notice: []string{"0m NotifyContacts failed (ordinary)"}, Timers: []string{"0m for 5m0s"}}, s.story())
	mentions(t, before,
		"## Emergency call refused: people are being told\n",
		"- **Agent** `agent-us` at Washington\n",
		"- **Refused** at 2096-03-08 12:00:00 UTC (US) because of `no-route`\n",
		"- **Contacts** 2 of 2 told of the refused call\n",
		"- **Acknowledged** not yet, due by 2096-03-08 12:05:00 UTC\n")
	mentions(t, s.details(), "## Emergency call refused: somebody knows\n", "- **Acknowledged** at 2096-03-08 12:02:00 UTC by desk@example.org\n")
	same(t, "the state", workflows.RefusalState{
		Kind: emergency.KindEmergency, Code: emergency.CheckNoRoute, Notices: &workflows.NoticesState{
			Notices:        []workflows.NoticeState{{Event: emergency.NoticeFailed, At: noon, Done: true, Sent: 2}},
			AcknowledgedAt: noon.Add(2 * time.Minute), Acknowledgements: 1,
		},
	}, s.refusal())
	unwarned(t, s.details())
	mentions(t, s.asked.String(), "schedule-to-close=1h30m0s start-to-close=30s", `"E-mail that tells the contacts of the refused call"`)
	s.quiet()
}

// refusals are what can become of a refused dial's notice, who else is told, and when
// the workflow ends.
var refusals = []struct {
	name    string
	happen  func(*scene, *emergency.RefusedOrder)
	want    workflows.RefusalOutcome
	notices []string
	end     time.Duration
}{
	{
		"nobody acknowledges", func(*scene, *emergency.RefusedOrder) {},
		workflows.RefusalOutcome{Escalated: 2},
		[]string{"0m failed", "5m escalated 1", "10m escalated 2"},
		15 * time.Minute,
	},
	{
		"an escalation is acknowledged", func(s *scene, _ *emergency.RefusedOrder) {
			s.acknowledge(6*time.Minute, emergency.NoticeEscalated)
		},
		workflows.RefusalOutcome{Acknowledged: true, Escalated: 1},
		[]string{"0m failed", "5m escalated 1"},
		6 * time.Minute,
	},
	{
		"acknowledged before the first step", func(s *scene, _ *emergency.RefusedOrder) { s.acknowledge(0, emergency.NoticeFailed) },
		workflows.RefusalOutcome{Acknowledged: true},
		[]string{"0m failed"},
		0,
	},
	{
		// Somebody has acknowledged, and the others are still told.
		"acknowledged while the notice is still being sent", func(s *scene, _ *emergency.RefusedOrder) {
			s.plans[noticeStep(emergency.NoticeFailed, 0)] = pending
			s.acknowledge(2*time.Minute, emergency.NoticeFailed)
			s.delivered(8*time.Minute, noticeStep(emergency.NoticeFailed, 0), workflows.Deliveries{Sent: 2})
		},
		workflows.RefusalOutcome{Acknowledged: true},
		[]string{"0m failed"},
		8 * time.Minute,
	},
	{
		"nobody can be reached", func(s *scene, _ *emergency.RefusedOrder) { s.told = workflows.Deliveries{Failed: 2} },
		workflows.RefusalOutcome{Escalated: 2},
		[]string{"0m failed", "0m escalated 1", "5m escalated 2"},
		10 * time.Minute,
	},
	{
		"nobody need acknowledge", func(_ *scene, o *emergency.RefusedOrder) { o.Notices.AcknowledgeWithin = 0 },
		workflows.RefusalOutcome{},
		[]string{"0m failed"},
		0,
	},
	{
		"nobody is configured", func(s *scene, _ *emergency.RefusedOrder) { s.told = workflows.Deliveries{} },
		workflows.RefusalOutcome{},
		[]string{"0m failed"},
		0,
	},
	{
		"a test", func(_ *scene, o *emergency.RefusedOrder) { o.Kind = emergency.KindTest },
		workflows.RefusalOutcome{},
		[]string{"0m failed"},
		0,
	},
	{
		"erased", func(s *scene, _ *emergency.RefusedOrder) {
			s.plans[workflows.ActivityNotifyContacts] = always(gone())
		},
		workflows.RefusalOutcome{},
		[]string{"0m failed"},
		0,
	},
}

// What becomes of a refused dial's notice decides who else is told, and when the
// workflow ends (B9, B10).
func TestRefusal(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			s := newRefusalScene(t)
			order := refused
			c.happen(s, &order)
			outcome, err := s.refuse(order)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the outcome", c.want, outcome)
			same(t, "notices", c.notices, s.noticesAsked())
			same(t, "the end", c.end, s.now())
		})
	}
}

// A refusal that nobody acknowledges is a warning to supervisors.
func TestRefusalInVain(t *testing.T) {
	s := newRefusalScene(t)
	if _, err := s.refuse(refused); err != nil {
		t.Fatal(err)
	}
	mentions(t, s.details(),
		"## Emergency call refused: all that could be told has been\n",
		"- **Escalated** at 2096-03-08 12:05:00 UTC to the site's list (1 of 2): 2 of 2 told",
		"- **Escalated** at 2096-03-08 12:10:00 UTC to the site's list (2 of 2): 2 of 2 told", "- **Acknowledged** by nobody\n",
		"> ⚠ Nobody has acknowledged, although that was escalated twice.")
	same(t, "warnings", 1, len(s.refusal().Warnings))
}

// A notice that fails now and then is tried again.
func TestRefusalInTrouble(t *testing.T) {
	s := newRefusalScene(t)
	s.plans[workflows.ActivityNotifyContacts] = func(attempt int) error {
		if attempt < 4 {
			return errors.New("the mail system is down")
		}
		return nil
	}
	s.acknowledge(time.Minute, emergency.NoticeFailed)
	if _, err := s.refuse(refused); err != nil {
		t.Fatal(err)
	}
	same(t, "notices sent", 1, len(s.story().Notice))
	unwarned(t, s.details())
}

// A supervisor may cancel: nobody else is told.
func TestRefusalCancelled(t *testing.T) {
	s := newRefusalScene(t)
	s.at(3*time.Minute, s.env.CancelWorkflow)
	if _, err := s.refuse(refused); !temporal.IsCanceledError(err) {
		t.Errorf("the workflow ended with %v, want it cancelled", err)
	}
	same(t, "the end", 3*time.Minute, s.now())
	same(t, "notices", []string{"0m failed"}, s.noticesAsked())
	mentions(t, s.details(), "> ⚠ Cancelled by a supervisor", "> ⚠ Nobody had acknowledged")
}

// A refused test is marked as one wherever a supervisor reads of it (B13), and a
// refused call for help nowhere.
func TestRefusedTestIsMarked(t *testing.T) {
	s := newRefusalScene(t)
	order := refused
	order.Kind = emergency.KindTest
	if _, err := s.refuse(order); err != nil {
		t.Fatal(err)
	}
	mentions(t, s.details(), "## TEST · Emergency call refused", "- **Test list** 2 of 2 told of the refused call")
	mentions(t, s.asked.String(), `"TEST · E-mail that tells the test list of the refused call"`)
	same(t, "the summary", "TEST of emergency calling refused: agent-us in US (no-route)", workflows.RefusalSummary(order))
	same(t, "the summary of a call for help", "Emergency call refused: agent-us in US (no-route)", workflows.RefusalSummary(refused))
}
