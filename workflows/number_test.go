package workflows_test

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// The numbers of a call that found the pool empty: the site's, the one that became
// free for it, and one that has nothing to do with it.
const (
	standing = "+12025550199"
	late     = "+12025550102"
	foreign  = "+12025550103"
)

// newStandingScene is a call for which no callback number was free (B5).
func newStandingScene(t tb) *scene {
	s := newScene(t)
	s.stand()
	return s
}

// stand has the call show the site's number.
func (s *scene) stand() {
	s.order.Number, s.order.NumberKind = standing, emergency.NumberStanding
	s.lease = workflows.Lease{Number: standing, Kind: emergency.NumberStanding}
}

// leased tells that a number has become free for the call.
func (s *scene) leased(d time.Duration, number string) {
	s.signal(d, workflows.SignalNumberLeased, emergency.LateLease{Number: number, At: noon.Add(d)})
}

// numbers are what the state query says of the call's number.
type numbers struct {
	Number string
	Kind   emergency.NumberKind
	Shown  string
}

func (s *scene) numbers() numbers {
	s.t.Helper()
	state := s.state()
	return numbers{state.Number, state.NumberKind, state.ShownNumber}
}

var (
	stands  = numbers{standing, emergency.NumberStanding, ""}
	gotLate = numbers{late, emergency.NumberLeased, standing}
)

// A call that had to show the standing number gets one of its own (B5). Supervisors
// and programs see at once which one is the agent's, and still which one the PSAP
// saw.
func TestNumberLeasedLate(t *testing.T) {
	s := newStandingScene(t)
	var before, after numbers
	var detailsBefore, detailsAfter string
	s.at(9*time.Minute, func() { before, detailsBefore = s.numbers(), s.details() })
	s.leased(10*time.Minute, late)
	s.at(11*time.Minute, func() { after, detailsAfter = s.numbers(), s.details() })
	s.end(20*time.Minute, theDial)
	s.completes(1)
	same(t, "the numbers before", stands, before)
	same(t, "the numbers after", gotLate, after)
	same(t, "the numbers at the end", gotLate, s.numbers())
	mentions(t, detailsBefore, "**Callback number** +12025550199 (standing)\n- **Contacts**")
	seen := "**Callback number** +12025550102 (leased), the agent's own since one became free\n- **Seen by the PSAP** +12025550199 (standing)\n"
	mentions(t, detailsAfter, seen)
	mentions(t, s.details(), seen)
	same(t, "the story", story{
		Number:   begun("60m ReleaseNumber completed"),
		Presence: []string{"0m SetDoNotDisturb dial", "20m RestorePresence"},
		Notice:   []string{"0m NotifyContacts placed (ordinary)"},
		Timers:   []string{"0m for 1h0m0s"},
		Phases:   []string{"20m EmergencyPhase=callback-window"},
	}, s.story())
}

// lateLeases are the ways in which the message can come, and what the call's number
// is in the end. A scene is built by prepare; tell sends the messages.
var lateLeases = []struct {
	name    string
	prepare func(*scene)
	tell    func(*scene)
	want    numbers
}{
	{"never", nil, func(*scene) {}, stands},
	{
		"twice", nil,
		func(s *scene) {
			s.leased(10*minute, late)
			s.leased(11*minute, late)
		}, gotLate,
	},
	{
		// The store gives a call one number: another would be somebody else's.
		"with another number afterwards", nil,
		func(s *scene) {
			s.leased(10*minute, late)
			s.leased(11*minute, foreign)
		}, gotLate,
	},
	{"before the first step", nil, func(s *scene) { s.leased(0, late) }, gotLate},
	{"in the callback window", nil, func(s *scene) { s.leased(59*minute, late) }, gotLate},
	{"without a number", nil, func(s *scene) { s.leased(10*minute, "") }, stands},
	{
		"without a number at first", nil,
		func(s *scene) {
			s.leased(10*minute, "")
			s.leased(11*minute, late)
		}, gotLate,
	},
	{
		// The store was asked before the lease, and its answer came after the message.
		"before the store's older answer",
		func(s *scene) { s.plans[workflows.ActivityLeaseNumber] = failing(9) },
		func(s *scene) { s.leased(time.Second, late) }, gotLate,
	},
	{
		"and another number, before the store's older answer",
		func(s *scene) { s.plans[workflows.ActivityLeaseNumber] = failing(9) },
		func(s *scene) {
			s.leased(time.Second, late)
			s.leased(2*time.Second, foreign)
		}, gotLate,
	},
	{
		"after the store's answer said it",
		func(s *scene) { s.lease = workflows.Lease{Number: late, Kind: emergency.NumberLeased} },
		func(s *scene) { s.leased(10*minute, late) }, gotLate,
	},
	{
		// The store's answer is enough.
		"never, but in the store's answer",
		func(s *scene) { s.lease = workflows.Lease{Number: late, Kind: emergency.NumberLeased} },
		func(*scene) {}, gotLate,
	},
	{
		// What the dial meant to show was gone by the time it was kept.
		"before the store said that the number stands",
		func(s *scene) {
			s.order.Number, s.order.NumberKind = foreign, emergency.NumberLeased
			s.plans[workflows.ActivityLeaseNumber] = failing(9)
		},
		func(s *scene) { s.leased(time.Second, late) }, gotLate,
	},
	{
		"to a call that has a number of its own",
		func(s *scene) {
			s.order.Number, s.order.NumberKind = foreign, emergency.NumberLeased
			s.lease = workflows.Lease{Number: foreign, Kind: emergency.NumberLeased}
		},
		func(s *scene) { s.leased(10*minute, late) },
		numbers{foreign, emergency.NumberLeased, ""},
	},
	{
		// The store gave the number before it closed the call.
		"after the release",
		func(s *scene) {
			s.order.PresenceOutside = true
			s.plans[workflows.ActivityRestorePresence] = pending
			s.complete(80*minute, workflows.ActivityRestorePresence)
		},
		func(s *scene) { s.leased(70*minute, late) }, gotLate,
	},
	{
		"to a call that is over",
		func(s *scene) { s.lease.Closed = true },
		func(s *scene) { s.leased(0, late) }, gotLate,
	},
	{
		"just before a cancellation",
		func(s *scene) { s.at(4*minute, s.env.CancelWorkflow) },
		func(s *scene) { s.leased(4*minute, late) }, gotLate,
	},
	{
		"just after a cancellation",
		func(s *scene) {
			s.at(4*minute, s.env.CancelWorkflow)
			s.plans[workflows.ActivityEndLegs] = failing(9)
		},
		func(s *scene) { s.leased(4*minute+time.Second, late) }, gotLate,
	},
}

// However the message comes: the number is the one that the call has got, no
// message is left unread, and the workflow commands exactly what it would have
// without any. So a call that an older version began goes on as it began.
func TestLateLeaseFaults(t *testing.T) {
	for _, c := range lateLeases {
		t.Run(c.name, func(t *testing.T) {
			play := func(tell func(*scene)) *scene {
				s := newStandingScene(t)
				if c.prepare != nil {
					c.prepare(s)
				}
				tell(s)
				s.end(5*minute, theDial)
				if _, err := s.play(); err != nil && !temporal.IsCanceledError(err) {
					t.Fatal(err)
				}
				return s
			}
			told, untold := play(c.tell), play(func(*scene) {})
			same(t, "the numbers", c.want, told.numbers())
			same(t, "the commands", untold.asked.String(), told.asked.String())
			for _, line := range told.logged {
				if strings.Contains(line, "nhandled") {
					t.Errorf("logged: %s", line)
				}
			}
		})
	}
}

// A supervisor sees the number as soon as it is told, also while the database is in
// trouble and the first steps, or those of a cancellation, are still being tried.
func TestLateLeaseShownInTrouble(t *testing.T) {
	for _, name := range []string{workflows.ActivityLeaseNumber, workflows.ActivityRegisterRoute, workflows.ActivityEndLegs} {
		t.Run(name, func(t *testing.T) {
			s := newStandingScene(t)
			s.plans[name] = failing(9)
			s.at(time.Second, s.env.CancelWorkflow)
			s.leased(2*time.Second, late)
			var shown numbers
			var details string
			s.at(3*time.Second, func() {
				if len(s.steps(name)) > 0 {
					t.Errorf("%s has been done already", name)
				}
				shown, details = s.numbers(), s.details()
			})
			s.isCancelled()
			same(t, "the numbers", gotLate, shown)
			mentions(t, details, "**Callback number** +12025550102", "**Seen by the PSAP** +12025550199")
			same(t, "the numbers at the end", gotLate, s.numbers())
		})
	}
}

// A message that nobody can read is passed over, and the one behind it is not.
func TestUnreadableLateLease(t *testing.T) {
	s := newStandingScene(t)
	s.signal(0, workflows.SignalNumberLeased, 7)
	s.signal(2*minute, workflows.SignalNumberLeased, "hello")
	s.signal(2*minute, workflows.SignalNumberLeased, []int{1})
	var unread numbers
	s.at(3*minute, func() { unread = s.numbers() })
	s.leased(4*minute, late)
	s.signal(4*minute, workflows.SignalNumberLeased, "hello")
	s.end(5*minute, theDial)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	same(t, "the numbers after what cannot be read", stands, unread)
	same(t, "the numbers", gotLate, s.numbers())
	same(t, "numbers", begun("60m ReleaseNumber completed"), s.story().Number)
}
