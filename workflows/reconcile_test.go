package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
)

// pass is one pass of the reconciler over a world that the test makes up.
type pass struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment
	// reconciled and failed are what is found of calls.
	reconciled workflows.Reconciled
	failed     error
	// missing is what each look at the legs finds missing; checks are what was asked.
	missing [][]emergency.LegRef
	checks  []workflows.LegCheck
	asked   []time.Time
	// told are the calls whose contacts were told, all at once; deaf are those who could
	// not be.
	telling sync.Mutex
	told    []workflows.NoticeRef
	deaf    map[emergency.CallID]bool
}

func newPass(t *testing.T) *pass {
	var suite testsuite.WorkflowTestSuite
	p := &pass{t: t, env: suite.NewTestWorkflowEnvironment(), deaf: map[emergency.CallID]bool{}}
	for name, does := range map[string]any{
		workflows.ActivityReconcileCalls: func(context.Context) (workflows.Reconciled, error) { return p.reconciled, p.failed },
		workflows.ActivityCheckLegs:      p.check,
		workflows.ActivityNotifyContacts: func(_ context.Context, ref workflows.NoticeRef) (workflows.Deliveries, error) {
			p.telling.Lock()
			defer p.telling.Unlock()
			p.told = append(p.told, ref)
			if p.deaf[ref.CallID] {
				return workflows.Deliveries{}, errors.New("the mail system is down")
			}
			return workflows.Deliveries{Sent: 1}, nil
		},
	} {
		p.env.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	}
	return p
}

func (p *pass) check(_ context.Context, in workflows.LegCheck) (workflows.LegReport, error) {
	p.checks, p.asked = append(p.checks, in), append(p.asked, p.env.Now())
	if len(p.missing) == 0 {
		return workflows.LegReport{}, errors.New("the database is down")
	}
	report := workflows.LegReport{Missing: p.missing[0]}
	if len(in.Suspects) > 0 {
		report.Ended = len(report.Missing)
	}
	p.missing = p.missing[1:]
	return report, nil
}

// run makes the pass.
func (p *pass) run(order workflows.ReconcileOrder) (workflows.ReconcileOutcome, error) {
	p.t.Helper()
	p.env.ExecuteWorkflow(workflows.EmergencyReconcile, order)
	if !p.env.IsWorkflowCompleted() {
		p.t.Fatal("the pass does not end")
	}
	var out workflows.ReconcileOutcome
	err := p.env.GetWorkflowError()
	if err == nil {
		err = p.env.GetWorkflowResult(&out)
	}
	return out, err
}

// A leg is ended only by a second look, some time after the first, and of those alone that
// the first had missed (B16).
func TestReconcileLooksTwice(t *testing.T) {
	lost, back := emergency.LegRef{CallID: "one", LegID: "lost"}, emergency.LegRef{CallID: "two", LegID: "back"}
	p := newPass(t)
	p.missing = [][]emergency.LegRef{{lost, back}, {lost}}
	out, err := p.run(workflows.ReconcileOrder{Legs: true})
	if err != nil || out.Legs == nil || out.Legs.Ended != 1 {
		t.Fatalf("the outcome is %+v, %v", out, err)
	}
	want := []workflows.LegCheck{{}, {Suspects: []emergency.LegRef{lost, back}}}
	if diff := cmp.Diff(want, p.checks); diff != "" {
		t.Errorf("the looks differ (-want +got):\n%s", diff)
	}
	if between := p.asked[1].Sub(p.asked[0]); between < 5*time.Second {
		t.Errorf("there were %v between them", between)
	}
}

// Where nothing is missing one look will do, and where there is no carrier none.
func TestReconcileLooksNoMoreThanNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		order workflows.ReconcileOrder
		looks int
	}{"a carrier": {workflows.ReconcileOrder{Legs: true}, 1}, "no carrier": {workflows.ReconcileOrder{}, 0}} {
		t.Run(name, func(t *testing.T) {
			p := newPass(t)
			p.missing = [][]emergency.LegRef{nil}
			if _, err := p.run(c.order); err != nil || len(p.checks) != c.looks {
				t.Errorf("there were %d looks, %v", len(p.checks), err)
			}
		})
	}
}

// Everybody is told of a forced end, once in a pass, also when somebody cannot be: that
// is tried again by the next pass and is no failure of this one (B16).
func TestReconcileTellsOfForcedEnds(t *testing.T) {
	p := newPass(t)
	p.reconciled = workflows.Reconciled{Open: 3, Untold: []emergency.CallID{"one", "two"}}
	p.deaf["one"] = true
	out, err := p.run(workflows.ReconcileOrder{})
	if err != nil || out.Open != 3 {
		t.Fatalf("the outcome is %+v, %v", out, err)
	}
	told := map[workflows.NoticeRef]int{}
	for _, ref := range p.told {
		told[ref]++
	}
	want := map[workflows.NoticeRef]int{
		{CallID: "one", Event: emergency.NoticeEnded}: 1, {CallID: "two", Event: emergency.NoticeEnded}: 1,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("who was told differs (-want +got):\n%s", diff)
	}
}

// One part that fails keeps the other from nothing, and shows as a failure of the pass
// (S11).
func TestReconcileFailsInParts(t *testing.T) {
	t.Run("calls", func(t *testing.T) {
		p := newPass(t)
		p.failed = errors.New("Temporal does not answer")
		p.missing = [][]emergency.LegRef{{{CallID: "one", LegID: "lost"}}, {{CallID: "one", LegID: "lost"}}}
		if _, err := p.run(workflows.ReconcileOrder{Legs: true}); err == nil || len(p.checks) != 2 {
			t.Errorf("there were %d looks at the legs; the pass ended with %v", len(p.checks), err)
		}
	})
	t.Run("legs", func(t *testing.T) {
		p := newPass(t)
		p.reconciled = workflows.Reconciled{Untold: []emergency.CallID{"one"}}
		if _, err := p.run(workflows.ReconcileOrder{Legs: true}); err == nil || len(p.told) != 1 {
			t.Errorf("%d calls were told of; the pass ended with %v", len(p.told), err)
		}
	})
}
