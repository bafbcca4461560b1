package activities

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
	"lifeline/workflows"

	"github.com/prometheus/client_golang/prometheus"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// Engine is the part of a Temporal client that tells which workflows run.
type Engine interface {
	ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
	CountWorkflow(ctx context.Context, request *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error)
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
	// closedLately is how far back a pass looks for workflows that were closed before their
	// time: further than passes are apart when Temporal is slow.
	closedLately = 10 * time.Minute
	// closedAtOnce is how many of those one pass takes up.
	closedAtOnce = 1000
	// inTurn is how many other calls one pass asks for, each when it is its turn.
	inTurn = 250
	// countedAtOnce is among how many calls those without a workflow are looked for at one
	// time, and whenMissing how many a pass asks for then.
	countedAtOnce, whenMissing = 250, 5000
	// resumedAtOnce is how many calls go on in one pass: more would drown a Temporal that
	// has lost everything.
	resumedAtOnce = 2000
	// askedAtOnce bounds the questions to Temporal or to a carrier at one time.
	askedAtOnce = 8
	// forcedSettled is how long the workflow of a call may tell of a forced end itself.
	forcedSettled = time.Minute
	// toldFor is how long people are tried to be told of a call that was closed, or ended by
	// force.
	toldFor = 24 * time.Hour
	// restoredAtOnce bounds how many agents' presence is told outside in one pass.
	restoredAtOnce = 100
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
	}
	now := time.Now()
	failed = errors.Join(failed, err, a.tellRestored(ctx), a.Store.GiveUpTelling(ctx, now.Add(-toldFor)))
	out.Untold, err = a.Store.ForcedEnds(ctx, now.Add(-forcedSettled), forcedAtOnce)
	return out, typed("reconcile calls", errors.Join(failed, err))
}

// tellRestored tells the outside presence system of what was put right without a workflow.
// What it does not take is tried again in the next pass, and keeps nothing else from being
// done in this one.
func (a *Activities) tellRestored(ctx context.Context) error {
	untold, err := a.Store.PresenceUntold(ctx, restoredAtOnce)
	if err != nil {
		return err //nolint:wrapcheck // ReconcileCalls wraps
	}
	var failing atomic.Bool // and hanging, perhaps: the next pass is soon enough
	rand.Shuffle(len(untold), func(i, j int) { untold[i], untold[j] = untold[j], untold[i] })
	inParallel(ctx, untold, func(one store.Untold) {
		activity.RecordHeartbeat(ctx)
		if failing.Load() {
			return
		}
		err := a.tellOutside(ctx, one.AgentID)
		if never, is := errors.AsType[*temporal.ApplicationError](err); is && never.NonRetryable() {
			a.Log.ErrorContext(ctx, "The outside presence system does not take what an agent shows; it may show something else", "agent", one.AgentID, "error", err)
			err = nil
		}
		if err == nil {
			err = a.Store.PresenceTold(ctx, one)
		}
		if err != nil {
			failing.Store(true)
			a.Log.WarnContext(ctx, "The outside presence system has yet to hear what an agent shows; trying again", "agent", one.AgentID, "error", err)
		}
	})
	return nil
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
	suspects, err := a.suspects(ctx, calls)
	var (
		mu      sync.Mutex
		repairs []emergency.Repair
		failed  = []error{err}
	)
	inParallel(ctx, suspects, func(call emergency.CallID) {
		activity.RecordHeartbeat(ctx)
		mu.Lock()
		enough := len(repairs) >= resumedAtOnce
		mu.Unlock()
		if enough {
			return
		}
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

// suspects are the calls whose workflow is to be asked for: first those that Temporal lists
// as closed before their time, then those among which it counts too few that run, then some
// of the others in turn. What is listed and counted is some time behind and may be wrong,
// so that it only says whom to ask for first; should it not be told, more are asked for.
func (a *Activities) suspects(ctx context.Context, calls []emergency.CallID) ([]emergency.CallID, error) {
	pass := int(a.passes.Add(1))
	suspects, err := a.closedEarly(ctx, calls)
	missing, failed := a.missing(ctx, calls)
	others := turn(calls, inTurn, pass)
	if failed != nil {
		others = turn(calls, whenMissing, pass)
	}
	suspects = append(append(suspects, turn(missing, whenMissing, pass)...), others...)
	return once(suspects), errors.Join(err, failed)
}

// closedEarly are those of the calls whose workflow Temporal lists as closed before its time.
func (a *Activities) closedEarly(ctx context.Context, calls []emergency.CallID) ([]emergency.CallID, error) {
	closed, err := a.Reconciling.Engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed', 'Canceled') AND CloseTime > '%s'",
			workflows.Type, time.Now().Add(-closedLately).UTC().Format(time.RFC3339)),
		PageSize: closedAtOnce,
	})
	if err != nil {
		return nil, fmt.Errorf("list closed workflows: %w", err)
	}
	var early []emergency.CallID
	for _, info := range closed.GetExecutions() {
		call := emergency.CallID(strings.TrimPrefix(info.GetExecution().GetWorkflowId(), workflows.WorkflowID("")))
		if _, open := slices.BinarySearch(calls, call); open {
			early = append(early, call)
		}
	}
	return early, nil
}

// missing are those of the calls that share a part with one that has no workflow, as far as
// Temporal counts them: all together first, and part by part when there are too few.
func (a *Activities) missing(ctx context.Context, calls []emergency.CallID) ([]emergency.CallID, error) {
	if all, err := a.running(ctx, ""); err != nil || all >= len(calls) {
		return nil, err
	}
	var (
		mu     sync.Mutex
		found  []emergency.CallID
		failed error
	)
	inParallel(ctx, slices.Collect(slices.Chunk(calls, countedAtOnce)), func(part []emergency.CallID) {
		activity.RecordHeartbeat(ctx)
		ids := make([]string, len(part))
		for i, call := range part {
			ids[i] = workflows.WorkflowID(call)
		}
		running, err := a.running(ctx, " AND WorkflowId IN ('"+strings.Join(ids, "', '")+"')")
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, err)
		if err == nil && running < len(part) {
			found = append(found, part...)
		}
	})
	return found, failed
}

// running is how many workflows of calls Temporal counts that run, and answer the condition.
func (a *Activities) running(ctx context.Context, condition string) (int, error) {
	counted, err := a.Reconciling.Engine.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'%s", workflows.Type, condition),
	})
	if err != nil {
		return 0, fmt.Errorf("count running workflows: %w", err)
	}
	return int(counted.GetCount()), nil
}

// once has each of all where it comes first.
func once[T comparable](all []T) []T {
	seen := make(map[T]bool, len(all))
	return slices.DeleteFunc(all, func(one T) bool {
		again := seen[one]
		seen[one] = true
		return again
	})
}

// turn gives so many of all at most, so that each has its turn as the passes go by.
func turn[T any](all []T, size, pass int) []T {
	if len(all) == 0 {
		return nil
	}
	turns := (len(all) + size - 1) / size
	first := pass % turns * size
	return slices.Clone(all[first:min(first+size, len(all))])
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
