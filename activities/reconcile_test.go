package activities_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"lifeline/activities"
	"lifeline/internal/emergency"
	"lifeline/internal/presence"
	"lifeline/workflows"

	"github.com/prometheus/client_golang/prometheus"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/testsuite"
)

// temporalFake is a Temporal whose list and whose word on one workflow are the test's.
type temporalFake struct {
	mu sync.Mutex
	// closed seem to be closed before their time, and so many seem to run.
	closed  []emergency.CallID
	running int64
	listErr error
	// status is what is said of a workflow; unspecified for one that is gone.
	status      enumspb.WorkflowExecutionStatus
	describeErr error
	described   int
	asked       map[string]bool
}

func (f *temporalFake) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if f.listErr != nil {
		return nil, f.listErr
	}
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, call := range f.closed {
		answer.Executions = append(answer.Executions, &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: workflows.WorkflowID(call)},
		})
	}
	return answer, nil
}

func (f *temporalFake) CountWorkflow(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	if f.listErr != nil {
		return nil, f.listErr
	}
	return &workflowservice.CountWorkflowExecutionsResponse{Count: f.running}, nil
}

func (f *temporalFake) DescribeWorkflowExecution(_ context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.described++
	if f.asked == nil {
		f.asked = map[string]bool{}
	}
	f.asked[id] = true
	switch {
	case f.describeErr != nil:
		return nil, f.describeErr
	case run != "" || id != workflows.WorkflowID(callID):
		return nil, fmt.Errorf("asked for run %q of %s", run, id)
	case f.status == enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED:
		return nil, serviceerror.NewNotFound("workflow not found")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: f.status}}, nil
}

// reconciler is a rig whose call has been told to Temporal.
func reconciler(t *testing.T, ago time.Duration) (*rig, *temporalFake) {
	t.Helper()
	r, fake := newRig(t, ago), &temporalFake{}
	r.sql(t, `DELETE FROM outbox`)
	r.Reconciling = activities.Reconciling{
		Engine: fake, Quarantine: 30 * time.Minute,
		Repairs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "repairs"}, []string{"what"}),
	}
	return r, fake
}

// inWorker runs an activity as a worker does.
func inWorker[Out any](t *testing.T, step any, args ...any) (Out, error) {
	t.Helper()
	var (
		suite testsuite.WorkflowTestSuite
		out   Out
	)
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(step)
	result, err := env.ExecuteActivity(step, args...)
	if err == nil {
		ok(t, result.Get(&out))
	}
	return out, err
}

// counted checks how often the metric has counted a repair.
func (r *rig) counted(t *testing.T, kind emergency.RepairKind, want float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.Reconciling.Repairs)
	families, err := registry.Gather()
	ok(t, err)
	got := 0.0
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if metric.GetLabel()[0].GetValue() == string(kind) {
				got = metric.GetCounter().GetValue()
			}
		}
	}
	same(t, "the metric of "+string(kind), want, got)
}

// A call is resumed when Temporal itself says that its workflow does not run, and closed
// when somebody has cancelled that. It is left alone when the workflow runs, whatever the
// list of running workflows says, and when nobody can tell (S11).
func TestReconcileCalls(t *testing.T) {
	const resumed, cancelled, alone = emergency.RepairResumed, emergency.RepairCancelled, emergency.RepairKind("")
	for _, c := range []struct {
		rule   string
		fake   *temporalFake
		repair emergency.RepairKind
		failed bool
	}{
		{"terminated", &temporalFake{status: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED}, resumed, false},
		{"timed out", &temporalFake{status: enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT}, resumed, false},
		{"failed", &temporalFake{status: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED}, resumed, false},
		{"completed too early", &temporalFake{status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED}, resumed, false},
		{"gone", &temporalFake{}, resumed, false},
		{"cancelled", &temporalFake{status: enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED}, cancelled, false},
		{"running, and not listed yet", &temporalFake{status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}, alone, false},
		{"paused", &temporalFake{status: enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED}, alone, false},
		{"listed as closed, and running", &temporalFake{closed: []emergency.CallID{callID}, status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}, alone, false},
		{"counted as running, and gone", &temporalFake{running: 1}, resumed, false},
		{"no list", &temporalFake{listErr: serviceerror.NewUnavailable("no")}, resumed, true},
		{"no answer", &temporalFake{describeErr: serviceerror.NewUnavailable("no")}, alone, true},
		{"no namespace", &temporalFake{describeErr: serviceerror.NewNamespaceNotFound("default")}, alone, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r, _ := reconciler(t, time.Minute)
			r.Reconciling.Engine = c.fake
			out, err := inWorker[workflows.Reconciled](t, r.ReconcileCalls)
			if (err != nil) != c.failed {
				t.Fatalf("the error is %v", err)
			}
			if !c.failed {
				same(t, "the calls under way", 1, out.Open)
			}
			for _, kind := range []emergency.RepairKind{resumed, cancelled} {
				want := 0
				if kind == c.repair {
					want = 1
				}
				if !c.failed {
					same(t, string(kind), want, out.Repaired[kind])
				}
				r.counted(t, kind, float64(want))
			}
			message, waits, err := r.store.NextMessage(t.Context(), callID)
			ok(t, err)
			if resumedNow := waits && message.Kind == emergency.MessageResumed; resumedNow != (c.repair == resumed) {
				t.Errorf("the outbox has %q", message.Kind)
			}
		})
	}
}

// However many calls there are, one pass asks for few: for those that are listed as closed,
// and for some of the others in turn. While workflows seem to be missing it asks for more.
func TestReconcileAsksForFew(t *testing.T) {
	for _, c := range []struct {
		rule         string
		running      int64
		closed       []emergency.CallID
		fewest, most int
	}{
		{rule: "as many workflows as calls", running: 4000, fewest: 250, most: 250},
		{rule: "none is counted", running: 0, fewest: 4000, most: 4000},
		{rule: "two are closed", running: 4000, closed: []emergency.CallID{callID, "unknown", "many-03999"}, fewest: 251, most: 252},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r, fake := reconciler(t, time.Minute)
			r.sql(t, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3999)
				INSERT INTO calls (id, agent_id, site_id, kind, dialed, country, dialed_at, conveyed, number, number_kind, route_path,
					route_trunk, terms, degraded, presence_before, expires_at)
				SELECT 'many-' || substr('0000' || i, -5), agent_id, site_id, kind, dialed, country, dialed_at, conveyed, number, 'standing', route_path,
					route_trunk, terms, degraded, presence_before, expires_at FROM calls, n`)
			fake.describeErr = serviceerror.NewUnavailable("no")
			fake.running, fake.closed = c.running, c.closed
			if _, err := inWorker[workflows.Reconciled](t, r.ReconcileCalls); err == nil {
				t.Error("that Temporal does not answer is not told")
			}
			if asked := len(fake.asked); asked < c.fewest || asked > c.most || asked != fake.described {
				t.Errorf("%d of %d were asked for, %d times", asked, 4000, fake.described)
			}
			for _, closed := range c.closed {
				if closed != "unknown" && !fake.asked[workflows.WorkflowID(closed)] {
					t.Errorf("%s was not asked for", closed)
				}
			}
		})
	}
}

// A call that has only just been dialed is not looked at.
func TestReconcileWaitsForNewCalls(t *testing.T) {
	r, fake := reconciler(t, time.Second)
	out, err := inWorker[workflows.Reconciled](t, r.ReconcileCalls)
	ok(t, err)
	same(t, "the outcome", 0, out.Open)
	same(t, "workflows asked for", 0, len(fake.asked))
}

// What no call holds is put right even when Temporal does not answer, and the outside
// presence system hears of it (S11, B4).
func TestReconcileOrphans(t *testing.T) {
	r, fake := reconciler(t, time.Minute)
	fake.listErr, fake.describeErr = serviceerror.NewUnavailable("no"), serviceerror.NewUnavailable("no")
	r.sql(t, `DELETE FROM presence_claims; DELETE FROM lease_claims`)
	outside := &phones{}
	r.Outside = outside
	if _, err := inWorker[workflows.Reconciled](t, r.ReconcileCalls); err == nil {
		t.Error("that Temporal does not answer is not told")
	}
	r.counted(t, emergency.RepairLease, 1)
	r.counted(t, emergency.RepairPresence, 1)
	same(t, "what the outside system heard", []emergency.Status{emergency.StatusAvailable}, outside.heard)
}

// An outside presence system hears that a call is over which ended without a workflow, once
// and in the end: while it is down, everything else is put right all the same, and what it
// refuses for good is not repeated (S11, B4).
func TestReconcileTellsPresence(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		heard []emergency.Status
	}{
		"it is down at first": {errors.New("no answer"), []emergency.Status{emergency.StatusAvailable}},
		"it refuses for good": {&presence.SetError{Permanent: true, Reason: "no such agent"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := reconciler(t, 100*time.Hour)
			ok(t, r.store.ExpireOverdue(t.Context()))
			outside := &phones{err: c.err}
			r.Outside = outside
			ok(t, only(inWorker[workflows.Reconciled](t, r.ReconcileCalls)))
			same(t, "what it heard while it failed", 0, len(outside.heard))
			outside.err = nil
			for range 2 {
				ok(t, only(inWorker[workflows.Reconciled](t, r.ReconcileCalls)))
			}
			same(t, "what it heard", c.heard, outside.heard)
		})
	}
}

// phones is a presence system outside.
type phones struct {
	heard []emergency.Status
	err   error
}

func (p *phones) Set(_ context.Context, _ emergency.AgentID, shown emergency.Presence) error {
	if p.err != nil {
		return p.err
	}
	p.heard = append(p.heard, shown.Status)
	return nil
}

// line is a carrier's answer.
type line struct {
	up  []emergency.LegID
	err error
}

func (l line) Legs(context.Context, emergency.CallID) ([]emergency.LegID, error) { return l.up, l.err }

// A leg is ended when it was missing before and still is; never by the first look, never
// when nobody can tell, and never when it is there again (B16).
func TestCheckLegs(t *testing.T) {
	dial := emergency.LegRef{CallID: callID, LegID: theDial}
	for _, c := range []struct {
		rule     string
		ago      time.Duration
		suspects []emergency.LegRef
		carrier  activities.Carrier
		want     workflows.LegReport
		up       bool
	}{
		{"up", time.Minute, nil, line{up: []emergency.LegID{theDial}}, workflows.LegReport{Up: 1}, true},
		{"missing for the first time", time.Minute, nil, line{}, workflows.LegReport{Missing: []emergency.LegRef{dial}}, true},
		{"missing again", time.Minute, []emergency.LegRef{dial}, line{}, workflows.LegReport{Missing: []emergency.LegRef{dial}, Ended: 1}, false},
		{
			"the whole call is missing again", time.Minute,
			[]emergency.LegRef{dial},
			line{err: fmt.Errorf("no: %w", emergency.ErrUnknownCall)},
			workflows.LegReport{Missing: []emergency.LegRef{dial}, Ended: 1},
			false,
		},
		{"there again", time.Minute, []emergency.LegRef{dial}, line{up: []emergency.LegID{theDial}}, workflows.LegReport{Up: 1}, true},
		{"nobody can tell", time.Minute, []emergency.LegRef{dial}, line{err: errors.New("no answer")}, workflows.LegReport{Unknown: 1}, true},
		{"another is the suspect", time.Minute, []emergency.LegRef{{CallID: callID, LegID: "another"}}, line{}, workflows.LegReport{}, true},
		{"too new to be known", 20 * time.Second, nil, line{}, workflows.LegReport{}, true},
		{"nobody to be asked", time.Minute, nil, nil, workflows.LegReport{}, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r, _ := reconciler(t, c.ago)
			r.Reconciling.Carrier = c.carrier
			out, err := inWorker[workflows.LegReport](t, r.CheckLegs, workflows.LegCheck{Suspects: c.suspects})
			ok(t, err)
			same(t, "the report", c.want, out)
			call, err := r.store.Call(t.Context(), callID)
			ok(t, err)
			same(t, "the leg is up", c.up, call.LegUp())
			r.counted(t, emergency.RepairLegLost, float64(out.Ended))
			if !c.up {
				same(t, "the leg's reason", emergency.EndLost, call.Legs[0].Reason)
				same(t, "presence", emergency.StatusAvailable, call.PresenceNow)
			}
		})
	}
}
