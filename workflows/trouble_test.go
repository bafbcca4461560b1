package workflows_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/workflows"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// gone is how an activity says that the call's rows do not exist.
func gone() error {
	return temporal.NewNonRetryableApplicationError("the call is not in the database", workflows.ErrorUnknownCall, nil)
}

// always fails every attempt.
func always(err error) plan { return func(int) error { return err } }

// failing fails the first attempts, and succeeds from then on.
func failing(attempts int) plan {
	return func(attempt int) error {
		if attempt <= attempts {
			return errors.New("the database is locked")
		}
		return nil
	}
}

// pending leaves the step under way until the test completes it.
func pending(int) error { return activity.ErrResultPending }

// A step in Lifeline's own SQL that fails three times as a local activity is taken
// over by an ordinary one of the same name, which is repeated for as long as it
// takes; nothing that comes after it is left out (S11).
func TestDatabaseInTrouble(t *testing.T) {
	for _, name := range []string{
		workflows.ActivityLeaseNumber, workflows.ActivityRegisterRoute, workflows.ActivitySetDoNotDisturb,
		workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.plans[name] = failing(10)
			s.end(5*time.Minute, theDial)
			outcome, err := s.play()
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the outcome", workflows.Outcome{Result: workflows.OutcomeCompleted, Legs: 1}, outcome)
			same(t, "attempts", 11, s.attempts(name))
			for _, each := range []string{
				workflows.ActivityLeaseNumber, workflows.ActivityRegisterRoute, workflows.ActivitySetDoNotDisturb,
				workflows.ActivityNotifyContacts, workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber,
			} {
				taken := s.steps(each)
				if len(taken) != 1 {
					t.Fatalf("%s was done %d times", each, len(taken))
				}
				if local := each != name && each != workflows.ActivityNotifyContacts; taken[0].local != local {
					t.Errorf("%s was a local activity: %t, want %t", each, taken[0].local, local)
				}
			}
		})
	}
}

// The ordinary activity that takes over has no limit of attempts or time: restore
// and release are repeated as long as it takes. (The suite itself stops at ten.)
func TestRetriedAsLongAsItTakes(t *testing.T) {
	s := newScene(t)
	s.order.PresenceOutside = true
	s.plans[workflows.ActivityReleaseNumber] = failing(4)
	s.end(5*time.Minute, theDial)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	asked := map[string]string{}
	for _, c := range s.asked.of(commandOrdinary) {
		asked[c.what] = c.how
	}
	for _, name := range []string{
		workflows.ActivitySetDoNotDisturb, workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber,
	} {
		mentions(t, asked[name], "schedule-to-close=0s", "start-to-close=10s", "retry=200ms..15s x0")
	}
}

// A call whose rows vanish halfway is let go without an error.
func TestErasedHalfway(t *testing.T) {
	s := newScene(t)
	for _, name := range []string{
		workflows.ActivityRegisterRoute, workflows.ActivitySetDoNotDisturb, workflows.ActivityNotifyContacts,
		workflows.ActivityRestorePresence, workflows.ActivityEndLegs, workflows.ActivityReleaseNumber,
	} {
		s.plans[name] = always(gone())
	}
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		workflows.ActivityRegisterRoute, workflows.ActivitySetDoNotDisturb, workflows.ActivityNotifyContacts,
		workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber,
	} {
		same(t, "attempts at "+name, 1, s.attempts(name))
	}
}

// A notice that never succeeds blocks nothing, and is given up when it could be of
// no use any more; the supervisor is warned.
func TestNoticeFails(t *testing.T) {
	s := newScene(t)
	s.plans[workflows.ActivityNotifyContacts] = always(errors.New("the mail system is down"))
	s.end(5*time.Minute, theDial)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
	same(t, "presence", []string{"0m SetDoNotDisturb dial", "5m RestorePresence"}, s.story().Presence)
	mentions(t, s.details(), "> ⚠ Not every contact could be told", "**Contacts** not all of 2 told")
	mentions(t, s.asked.of(commandOrdinary)[0].how, "schedule-to-close=1h30m0s", "retry=1s..1m0s x0")
}

// A notice still under way when the call is over does not keep the call.
func TestNoticeSlow(t *testing.T) {
	s := newScene(t)
	s.plans[workflows.ActivityNotifyContacts] = pending
	var inWindow string
	s.end(5*time.Minute, theDial)
	s.at(6*time.Minute, func() { inWindow = s.details() })
	s.completes(1)
	same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
	mentions(t, inWindow, "**Contacts** 2 being told")
	mentions(t, s.details(), "**Contacts** not all of 2 told")
}

// That a contact cannot be reached at all is no error of the activity, and still
// the supervisor is warned (B10).
func TestNoticePartlyFailed(t *testing.T) {
	s := newScene(t)
	s.told = workflows.Deliveries{Sent: 1, Failed: 1}
	s.end(5*time.Minute, theDial)
	s.completes(1)
	mentions(t, s.details(), "**Contacts** 1 of 2 told", "> ⚠ 1 of 2 contacts cannot be reached by e-mail.")
}
