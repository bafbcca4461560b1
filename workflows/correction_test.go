package workflows_test

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// corrects tells what the PSAP saw of a call that was answered without SQL.
func (s *scene) corrects(d time.Duration, number string, kind emergency.NumberKind) {
	s.signal(d, workflows.SignalNumberCorrected, emergency.CorrectedNumber{Number: number, Kind: kind, At: noon.Add(d)})
}

// began is a call that the store has leased a number for.
func (s *scene) began(number string) {
	s.order.Number, s.order.NumberKind = number, emergency.NumberLeased
	s.lease = workflows.Lease{Number: number, Kind: emergency.NumberLeased}
}

// corrections are the ways in which the message can come, and what the call's number is
// in the end.
var corrections = []struct {
	name    string
	prepare func(*scene)
	tell    func(*scene)
	want    numbers
}{
	{"never", nil, func(*scene) {}, numbers{foreign, emergency.NumberLeased, ""}},
	{
		"to the site's number", nil,
		func(s *scene) { s.corrects(time.Minute, standing, emergency.NumberStanding) },
		stands,
	},
	{
		"to a leased number, twice", nil,
		func(s *scene) {
			s.corrects(time.Minute, late, emergency.NumberLeased)
			s.corrects(2*time.Minute, late, emergency.NumberLeased)
		},
		numbers{late, emergency.NumberLeased, ""},
	},
	{
		// The store was asked before the correction, and its answer came after the message.
		"before the store's older answer",
		func(s *scene) { s.plans[workflows.ActivityLeaseNumber] = failing(9) },
		func(s *scene) { s.corrects(time.Second, standing, emergency.NumberStanding) },
		stands,
	},
	{
		"and a late lease behind it", nil,
		func(s *scene) {
			s.corrects(time.Minute, standing, emergency.NumberStanding)
			s.leased(2*time.Minute, late)
		},
		stands,
	},
	{
		"after a late lease", func(s *scene) { s.stand() },
		func(s *scene) {
			s.leased(time.Minute, late)
			s.corrects(2*time.Minute, foreign, emergency.NumberStanding)
		},
		numbers{foreign, emergency.NumberStanding, ""},
	},
	{
		"without a number", nil,
		func(s *scene) { s.corrects(time.Minute, "", emergency.NumberStanding) },
		numbers{foreign, emergency.NumberLeased, ""},
	},
	{
		"unreadable", nil,
		func(s *scene) { s.signal(time.Minute, workflows.SignalNumberCorrected, 7) },
		numbers{foreign, emergency.NumberLeased, ""},
	},
	{
		"just before a cancellation",
		func(s *scene) { s.at(4*minute, s.env.CancelWorkflow) },
		func(s *scene) { s.corrects(4*minute, standing, emergency.NumberStanding) },
		stands,
	},
}

// However it comes to light that the PSAP saw another number than SQL had chosen, the
// workflow shows that one from then on, and commands exactly what it would have without
// (B7). So a call that an older version began goes on as it began.
func TestCorrections(t *testing.T) {
	for _, c := range corrections {
		t.Run(c.name, func(t *testing.T) {
			play := func(tell func(*scene)) *scene {
				s := newScene(t)
				s.began(foreign)
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

// Supervisors see which number the PSAP saw, and why it is not the one of before.
func TestCorrectionIsShown(t *testing.T) {
	s := newScene(t)
	s.began(foreign)
	s.corrects(time.Minute, standing, emergency.NumberStanding)
	var details string
	s.at(2*time.Minute, func() { details = s.details() })
	s.end(5*minute, theDial)
	s.completes(1)
	mentions(t, details, "**Callback number** +12025550199 (standing), as the PSAP saw it: the call was answered without the database\n")
}
