package workflows_test

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"
)

// An ordinary call: five minutes long, and its number released exactly 60 minutes
// after the dial (S3), with one timer, one Do not disturb and one restoration (S2,
// S10), one notice (S9) and one change of phase.
func TestOrdinaryCall(t *testing.T) {
	s := newScene(t)
	s.end(5*time.Minute, theDial)
	s.completes(1)
	same(t, "the story", story{
		Number:   begun("60m ReleaseNumber completed"),
		Presence: []string{"0m SetDoNotDisturb dial", "5m RestorePresence"},
		Notice:   []string{"0m NotifyContacts placed (ordinary)"},
		Timers:   []string{"0m for 1h0m0s"},
		Phases:   []string{"5m EmergencyPhase=callback-window"},
	}, s.story())
}

// Nobody to tell means that no notice is asked for at all.
func TestNoContacts(t *testing.T) {
	s := newScene(t)
	s.order.Contacts = 0
	s.end(5*time.Minute, theDial)
	s.completes(1)
	same(t, "notices asked for", 0, len(s.asked.of(commandOrdinary)))
}

// A supervisor can read off the current details where the call stands, what has
// been done and what is pending, at every stage.
func TestDetails(t *testing.T) {
	s := newScene(t)
	var inCall, inWindow, inCallback string
	s.at(time.Minute, func() { inCall = s.details() })
	s.end(5*time.Minute, theDial)
	s.at(6*time.Minute, func() { inWindow = s.details() })
	s.callback(10*time.Minute, first)
	s.at(11*time.Minute, func() { inCallback = s.details() })
	s.end(12*time.Minute, first)
	s.completes(2)
	mentions(t, inCall,
		"## Emergency call in progress",
		"**Agent** `agent-us` at Washington",
		"**Dialed** 911 (US) at 2096-03-08 12:00:00 UTC",
		"**Callback number** +12025550101 (leased)",
		"**Contacts** 2 of 2 told",
		"**Pending** the end of the call",
		"| outbound | 2096-03-08 12:00:00 UTC | still up |  |")
	mentions(t, inWindow,
		"## Callback window open until 2096-03-08 13:00:00 UTC",
		"**Pending** a callback, or the end of the window",
		"| outbound | 2096-03-08 12:00:00 UTC | 2096-03-08 12:05:00 UTC | hung-up |")
	mentions(t, inCallback,
		"## Emergency call in progress",
		"**Pending** the end of the call",
		"| callback | 2096-03-08 12:10:00 UTC | still up |  |")
	mentions(t, s.details(),
		"## Ended: the callback number has been given back",
		"**Pending** nothing",
		"| callback | 2096-03-08 12:10:00 UTC | 2096-03-08 12:12:00 UTC | hung-up |")
}

// What is pending is told right even if no contact's notice comes to refresh it.
func TestDetailsWithoutContacts(t *testing.T) {
	s := newScene(t)
	s.order.Contacts = 0
	var inCall, inWindow string
	s.at(time.Minute, func() { inCall = s.details() })
	s.end(5*time.Minute, theDial)
	s.at(6*time.Minute, func() { inWindow = s.details() })
	s.completes(1)
	mentions(t, inCall, "**Contacts** none configured", "**Pending** the end of the call")
	mentions(t, inWindow, "**Pending** a callback, or the end of the window")
}

// A test call is marked as one in everything that a supervisor reads (B13): the
// headline at every stage, the summary of the call, of each activity and of each
// timer, and the state. Its notice goes to the test list.
func TestTestCallIsMarked(t *testing.T) {
	s := newScene(t)
	s.order.Kind, s.order.Dialed = emergency.KindTest, "933"
	s.order.PresenceOutside = true
	var inCall, inWindow string
	s.at(time.Minute, func() { inCall = s.details() })
	s.end(5*time.Minute, theDial)
	s.at(6*time.Minute, func() { inWindow = s.details() })
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	mentions(t, inCall, "## TEST · Emergency call in progress", "**Test list** 2 of 2 told")
	mentions(t, inWindow, "## TEST · Callback window open")
	mentions(t, s.details(), "## TEST · Ended")
	same(t, "the summary", "TEST of emergency calling: agent-us dialed 933 (US)", workflows.Summary(s.order))
	same(t, "the kind", emergency.KindTest, s.state().Kind)
	for _, kind := range []string{commandLocal, commandOrdinary, commandTimer} {
		asked := s.asked.of(kind)
		if len(asked) == 0 {
			t.Errorf("there is no %s", kind)
		}
		for _, c := range asked {
			mentions(t, c.String(), `"TEST · `)
		}
	}
	mentions(t, s.asked.String(), `"TEST · E-mail to the test list"`)
}

// Nothing of a call for help is marked as a test (B13).
func TestCallForHelpIsNotMarked(t *testing.T) {
	s := newScene(t)
	s.end(5*time.Minute, theDial)
	s.completes(1)
	for _, text := range []string{s.details(), s.asked.String(), workflows.Summary(s.order)} {
		if strings.Contains(strings.ToUpper(text), "TEST") {
			t.Errorf("a call for help is marked as a test:\n%s", text)
		}
	}
}

// The state query tells the same to programs.
func TestStateQuery(t *testing.T) {
	s := newScene(t)
	var inCall, inWindow workflows.State
	s.at(time.Minute, func() { inCall = s.state() })
	s.end(50*time.Minute, theDial)
	s.at(51*time.Minute, func() { inWindow = s.state() })
	s.completes(1)
	up := workflows.LegState{LegID: theDial, Direction: emergency.Outbound, StartedAt: noon}
	down := up
	down.EndedAt, down.Reason = noon.Add(50*time.Minute), emergency.EndHungUp
	state := workflows.State{
		Kind: emergency.KindEmergency, Phase: emergency.CallActive, Number: "+12025550101", NumberKind: emergency.NumberLeased,
	}
	state.WindowEndsAt, state.Legs = noon.Add(time.Hour), []workflows.LegState{up}
	same(t, "the state in the call", state, inCall)
	state.Phase, state.WindowEndsAt, state.Legs = emergency.CallbackWindow, noon.Add(80*time.Minute), []workflows.LegState{down}
	same(t, "the state in the window", state, inWindow)
	state.Phase = emergency.CallEnded
	same(t, "the state at the end", state, s.state())
}

// The workflow shows the number that the store says, should it differ from the
// one in the order.
func TestNumberOfTheStoreCounts(t *testing.T) {
	s := newScene(t)
	s.lease = workflows.Lease{Number: "+12025550199", Kind: emergency.NumberStanding}
	s.end(5*time.Minute, theDial)
	s.completes(1)
	same(t, "the number", "+12025550199", s.state().Number)
	mentions(t, s.details(), "**Callback number** +12025550199 (standing)")
}

// A call whose number has been given back, or whose rows are gone, is over:
// nothing is done for it, and the details do not say that it goes on.
func TestObsolete(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*scene)
		want    []string
	}{
		{"closed", func(s *scene) { s.lease.Closed = true }, []string{"0m LeaseNumber"}},
		{"erased", func(s *scene) { s.plans[workflows.ActivityLeaseNumber] = always(gone()) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.prepare(s)
			s.end(0, theDial)
			outcome, err := s.play()
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the outcome", workflows.Outcome{Result: workflows.OutcomeObsolete, Legs: 1}, outcome)
			same(t, "the story", story{Number: c.want}, s.story())
			same(t, "attempts", 1, s.attempts(workflows.ActivityLeaseNumber))
			mentions(t, s.details(), "## Ended")
			s.quiet()
		})
	}
}
