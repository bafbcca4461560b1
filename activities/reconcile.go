package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"github.com/prometheus/client_golang/prometheus"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
)

// Engine is the part of a Temporal client that tells which workflows run.
type Engine interface {
	ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
}

// Reconciling is what the activities need that put right what others have left behind.
type Reconciling struct {
	Engine Engine
	// Carrier is nil when there is none to be asked for legs.
	Carrier Carrier
	// Resumption is what calls go on with whose workflow is gone.
	Resumption emergency.Resumption
	// Quarantine is how long a number rests that no call held (B5).
	Quarantine time.Duration
	// Repairs counts what has been put right, by kind.
	Repairs *prometheus.CounterVec
}

const (
	// settled is how long a call has been written down before it should have a workflow.
	settled = 10 * time.Second
	// runningAtOnce is how many workflows one page lists.
	runningAtOnce = 1000
	// askedAtOnce bounds the questions to Temporal or to a carrier at one time.
	askedAtOnce = 8
	// forcedSettled is how long the workflow of a call may tell of a forced end itself.
	forcedSettled = time.Minute
	// forcedGivenUp is how long people are tried to be told of one.
	forcedGivenUp = 24 * time.Hour
	// forcedAtOnce bounds how many calls' contacts are told in one pass.
	forcedAtOnce = 20
)

// ReconcileCalls looks for calls that should have a workflow and have none, and has them
// go on; and gives back what no call holds (S11). What cannot be put right does not keep
// the rest from it.
func (a *Activities) ReconcileCalls(ctx context.Context) (workflows.Reconciled, error) {
	out := workflows.Reconciled{Repaired: map[emergency.RepairKind]int{}}
	repairs, open, failed := a.reviveCalls(ctx)
	out.Open = open
	orphans, err := a.Store.RepairOrphans(ctx, a.Reconciling.Quarantine)
	failed = errors.Join(failed, err)
	for _, repair := range append(repairs, orphans...) {
		out.Repaired[repair.Kind]++
		a.repaired(ctx, repair)
		if repair.Kind == emergency.RepairPresence || repair.Kind == emergency.RepairCancelled {
			failed = errors.Join(failed, a.tellOutside(ctx, repair.AgentID))
		}
	}
	now := time.Now()
	out.Untold, err = a.Store.ForcedEnds(ctx, now.Add(-forcedSettled), now.Add(-forcedGivenUp), forcedAtOnce)
	return out, typed("reconcile calls", errors.Join(failed, err))
}

// repaired tells log and metric of a repair; the audit has it already.
func (a *Activities) repaired(ctx context.Context, repair emergency.Repair) {
	a.Reconciling.Repairs.WithLabelValues(string(repair.Kind)).Inc()
	a.Log.WarnContext(ctx, "Something that was left behind has been put right; docs/operations.md says how that comes",
		"what", repair.Kind, "callId", repair.CallID)
}

// reviveCalls gives the repairs, and how many calls should have a workflow.
func (a *Activities) reviveCalls(ctx context.Context) ([]emergency.Repair, int, error) {
	calls, err := a.Store.CallsUnderWay(ctx, time.Now().Add(-settled))
	if err != nil || len(calls) == 0 {
		return nil, 0, err //nolint:wrapcheck // ReconcileCalls wraps
	}
	running, err := a.running(ctx)
	if err != nil {
		return nil, len(calls), err
	}
	var (
		mu      sync.Mutex
		repairs []emergency.Repair
		failed  []error
	)
	inParallel(ctx, calls, func(call emergency.CallID) {
		if running[call] {
			return
		}
		activity.RecordHeartbeat(ctx)
		repair, err := a.revive(ctx, call)
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, err)
		if repair.Kind != "" {
			repairs = append(repairs, repair)
		}
	})
	return repairs, len(calls), errors.Join(failed...)
}

// running are the calls whose workflows seem to run. The list is some time behind, so that
// a call which is not on it has to be asked for; one that is on it wrongly is found by
// the next pass.
func (a *Activities) running(ctx context.Context) (map[emergency.CallID]bool, error) {
	running := map[emergency.CallID]bool{}
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", workflows.Type), PageSize: runningAtOnce,
	}
	for {
		page, err := a.Reconciling.Engine.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("list running workflows: %w", err)
		}
		for _, info := range page.GetExecutions() {
			running[emergency.CallID(strings.TrimPrefix(info.GetExecution().GetWorkflowId(), workflows.WorkflowID("")))] = true
		}
		activity.RecordHeartbeat(ctx)
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return running, nil
		}
	}
}

// revive has a call go on if Temporal says that its workflow does not run. The repair has
// no kind when there was nothing to do.
func (a *Activities) revive(ctx context.Context, call emergency.CallID) (emergency.Repair, error) {
	status := enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
	described, err := a.Reconciling.Engine.DescribeWorkflowExecution(ctx, workflows.WorkflowID(call), "")
	if err == nil {
		status = described.GetWorkflowExecutionInfo().GetStatus()
	} else if _, gone := errors.AsType[*serviceerror.NotFound](err); !gone {
		return emergency.Repair{}, fmt.Errorf("describe workflow: %w", err)
	}
	done := false
	repair := emergency.Repair{Kind: emergency.RepairResumed, CallID: call}
	switch status { //nolint:exhaustive // all others have ended too early
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED:
		return emergency.Repair{}, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED: // as somebody wanted
		repair, done, err = a.Store.CloseCancelled(ctx, call)
	default:
		done, err = a.Store.ResumeCall(ctx, call, a.Reconciling.Resumption)
	}
	if errors.Is(err, emergency.ErrUnknownCall) {
		return emergency.Repair{}, nil // it has been erased since it was found
	}
	if err != nil || !done {
		return emergency.Repair{}, err //nolint:wrapcheck // ReconcileCalls wraps
	}
	return repair, nil
}

// inParallel does something with each of many, few at a time, until the context ends.
func inParallel[T any](ctx context.Context, all []T, do func(T)) {
	next := make(chan T)
	var workers sync.WaitGroup
	for range min(askedAtOnce, len(all)) {
		workers.Go(func() {
			for one := range next {
				do(one)
			}
		})
	}
	for _, one := range all {
		if ctx.Err() != nil {
			break
		}
		next <- one
	}
	close(next)
	workers.Wait()
}
