package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"lifeline/workflows"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

const (
	// passesFor is how long the reconciler is watched while nothing else happens.
	passesFor = 10 * workflows.ReconcileEvery
	// ticksPerSecond is in what Linux counts the time of processes (sysconf(_SC_CLK_TCK)).
	ticksPerSecond = 100
)

// measurePasses says what it costs that somebody looks after so many calls: how long the
// reconciler's passes take, and how busy the processes are when nothing else happens.
func measurePasses(b *testing.B, t *table, full, empty *processes) {
	since := time.Now()
	fullBusy, emptyBusy := full.busy(b), empty.busy(b)
	time.Sleep(passesFor)
	watched := time.Since(since)
	for i, name := range processNames {
		t.row("processor of "+name+", nothing going on", "full "+share(full.busy(b)[i]-fullBusy[i], watched),
			"empty "+share(empty.busy(b)[i]-emptyBusy[i], watched))
	}
	for what, p := range map[string]*processes{"full": full, "empty": empty} {
		passes, err := p.passes(b.Context(), since)
		if err != nil {
			b.Fatal("look at the passes of the reconciler: ", err)
		}
		t.row(fmt.Sprintf("passes of the reconciler, %s, in %s", what, watched.Round(time.Second)),
			strconv.Itoa(len(passes)), "median "+millis(passes.quantile(0.5)), "longest "+millis(passes.quantile(0.99)))
	}
}

// measureRepair says how soon a deleted workflow runs again, and how long the passes of the
// reconciler take that find it.
func measureRepair(b *testing.B, t *table, full *processes, calls []placed) {
	var took series
	since := time.Now()
	for _, at := range []int{0, windows / 2, windows - 1} {
		id, begun := workflowID(string(calls[at].CallID)), time.Now()
		if _, err := full.temporal.WorkflowService().DeleteWorkflowExecution(b.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: id},
		}); err != nil {
			b.Fatal("delete workflow: ", err)
		}
		for again := false; !again; again = full.begunSince(b.Context(), id, begun) {
			if time.Since(begun) > takenUp {
				b.Fatal("a deleted workflow does not run again")
			}
			time.Sleep(200 * time.Millisecond)
		}
		took = append(took, time.Since(begun))
	}
	t.row("from the deletion of one workflow until it runs again", "median "+millis(took.quantile(0.5)), "longest "+millis(took.quantile(0.99)))
	passes, err := full.passes(b.Context(), since)
	if err != nil {
		b.Fatal("look at the passes of the reconciler: ", err)
	}
	t.row("passes of the reconciler meanwhile", strconv.Itoa(len(passes)), "median "+millis(passes.quantile(0.5)), "longest "+millis(passes.quantile(0.99)))
}

// begunSince tells whether a workflow runs that has begun since then.
func (p *processes) begunSince(ctx context.Context, id string, since time.Time) bool {
	described, err := p.temporal.DescribeWorkflowExecution(ctx, id, "")
	info := described.GetWorkflowExecutionInfo()
	return err == nil && info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING && info.GetStartTime().AsTime().After(since)
}

// passes is how long each pass took that has ended since then.
func (p *processes) passes(ctx context.Context, since time.Time) (series, error) {
	listed, err := p.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Completed' AND StartTime > '%s'",
			workflows.ReconcileType, since.UTC().Format(time.RFC3339Nano)),
	})
	if err != nil {
		return nil, err
	}
	var took series
	for _, pass := range listed.GetExecutions() {
		took = append(took, pass.GetCloseTime().AsTime().Sub(pass.GetStartTime().AsTime()))
	}
	if len(took) == 0 {
		return nil, errors.New("none has ended")
	}
	return took, nil
}

// busy is for how long each process has kept a processor so far.
func (p *processes) busy(b *testing.B) []time.Duration {
	b.Helper()
	var all []time.Duration
	for _, process := range p.processes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.cmd.Process.Pid))
		if err != nil {
			b.Fatal(err)
		}
		_, after, _ := bytes.Cut(stat, []byte(") ")) // a program's name may hold blanks
		fields := bytes.Fields(after)
		user, errUser := strconv.Atoi(string(fields[11]))
		system, errSystem := strconv.Atoi(string(fields[12]))
		if err := errors.Join(errUser, errSystem); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Duration(user+system)*time.Second/ticksPerSecond)
	}
	return all
}

// share is how much of one processor that is.
func share(busy, of time.Duration) string {
	return fmt.Sprintf("%.1f%%", 100*busy.Seconds()/of.Seconds())
}
