package activities

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"pgregory.net/rapid"
)

// listed is a Temporal that lists these as closed, and counts as many that run.
type listed struct {
	Engine
	closed  []emergency.CallID
	running int64
}

func (l listed) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, call := range l.closed {
		answer.Executions = append(answer.Executions, &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: workflows.WorkflowID(call)},
		})
	}
	return answer, nil
}

func (l listed) CountWorkflow(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{Count: l.running}, nil
}

// Calls that are listed as closed are asked for before all others, however many those are;
// nobody is asked for twice, and nobody whose call is not under way.
func TestSuspects(t *testing.T) {
	calls := make([]emergency.CallID, 4000)
	for i := range calls {
		calls[i] = emergency.CallID(fmt.Sprintf("call-%04d", i))
	}
	rapid.Check(t, func(t *rapid.T) {
		closed := rapid.SliceOfN(rapid.SampledFrom(append(slices.Clone(calls[:20]), "unknown", "call-3999")), 0, 8).Draw(t, "closed")
		running := rapid.SampledFrom([]int64{0, 3999, 4000, 5000}).Draw(t, "running")
		a := &Activities{Reconciling: Reconciling{Engine: listed{closed: closed, running: running}}}
		a.passes.Store(rapid.Int64Range(0, 1<<30).Draw(t, "pass"))
		suspects, err := a.suspects(context.Background(), calls)
		if err != nil {
			t.Fatal(err)
		}
		var first []emergency.CallID
		for _, call := range closed {
			if call != "unknown" && !slices.Contains(first, call) {
				first = append(first, call)
			}
		}
		if len(suspects) < len(first) || !slices.Equal(suspects[:len(first)], first) {
			t.Fatalf("%v are asked for first, of closed %v", suspects[:min(len(first), len(suspects))], closed)
		}
		most := len(first) + inTurn
		if running < int64(len(calls)) {
			most = len(calls)
		}
		if len(suspects) > most || len(suspects) < most-len(first) {
			t.Fatalf("%d are asked for, at most %d", len(suspects), most)
		}
		slices.Sort(suspects)
		if len(slices.Compact(slices.Clone(suspects))) != len(suspects) || slices.Contains(suspects, "unknown") {
			t.Fatal("one is asked for twice, or is not under way")
		}
	})
}

// Everything has its turn once before anything has it again, and no turn is larger than
// was asked for.
func TestTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]int, rapid.IntRange(1, 100).Draw(t, "all"))
		for i := range all {
			all[i] = i
		}
		size, first := rapid.IntRange(1, 120).Draw(t, "size"), rapid.IntRange(0, 1<<30).Draw(t, "first")
		var seen []int
		for pass := first; len(seen) < len(all); pass++ {
			some := turn(all, size, pass)
			if len(some) == 0 || len(some) > size {
				t.Fatalf("a turn of %d, where %d is most", len(some), size)
			}
			seen = append(seen, some...)
		}
		slices.Sort(seen)
		if !slices.Equal(seen, all) {
			t.Fatalf("%v had their turns", seen)
		}
	})
}
