package activities

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/testsuite"
	"pgregory.net/rapid"
)

// counting is a Temporal that lists some workflows as closed, and counts some as gone.
type counting struct {
	Engine

	closed, gone []emergency.CallID
	calls        int
}

func (c counting) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	answer := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, call := range c.closed {
		answer.Executions = append(answer.Executions, &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: workflows.WorkflowID(call)},
		})
	}
	return answer, nil
}

func (c counting) CountWorkflow(_ context.Context, request *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	count := c.calls
	_, ids, some := strings.Cut(request.GetQuery(), "WorkflowId IN")
	if some {
		count = strings.Count(ids, ",") + 1
	}
	for _, call := range c.gone {
		if !some || strings.Contains(ids, "'"+workflows.WorkflowID(call)+"'") {
			count--
		}
	}
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(count)}, nil
}

// Calls that are listed as closed are asked for before all others, then the part of the
// calls in which workflows are missing, however many calls there are; nobody is asked for
// twice, and nobody whose call is not under way (S11).
func TestSuspects(t *testing.T) {
	calls := make([]emergency.CallID, 4*countedAtOnce)
	for i := range calls {
		calls[i] = emergency.CallID(fmt.Sprintf("call-%04d", i))
	}
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SliceOfN(rapid.SampledFrom(append(slices.Clone(calls), "unknown")), 0, 8)
		temporal := counting{closed: of.Draw(t, "closed"), gone: once(rapid.SliceOfN(rapid.SampledFrom(calls), 0, 3).Draw(t, "gone")), calls: len(calls)}
		a := &Activities{Reconciling: Reconciling{Engine: temporal}}
		a.passes.Store(rapid.Int64Range(0, 1<<30).Draw(t, "pass"))
		suspects := a.suspectsInWorker(t, calls)
		first := once(slices.DeleteFunc(slices.Clone(temporal.closed), func(call emergency.CallID) bool { return call == "unknown" }))
		if len(suspects) < len(first) || !slices.Equal(suspects[:len(first)], first) {
			t.Fatalf("%v are asked for first, of closed %v", suspects[:min(len(first), len(suspects))], temporal.closed)
		}
		for _, call := range temporal.gone {
			at := slices.Index(suspects, call)
			if most := len(first) + len(temporal.gone)*countedAtOnce; at < 0 || at >= most {
				t.Errorf("%s, which is gone, is asked for as number %d", call, at)
			}
		}
		if most := len(first) + len(temporal.gone)*countedAtOnce + inTurn; len(suspects) > most || len(suspects) < inTurn {
			t.Errorf("%d are asked for, at most %d", len(suspects), most)
		}
		if len(once(slices.Clone(suspects))) != len(suspects) || slices.Contains(suspects, "unknown") {
			t.Error("one is asked for twice, or is not under way")
		}
	})
}

// suspectsInWorker asks as a worker does.
func (a *Activities) suspectsInWorker(t *rapid.T, calls []emergency.CallID) []emergency.CallID {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	env := suite.NewTestActivityEnvironment()
	look := func(ctx context.Context) ([]emergency.CallID, error) { return a.suspects(ctx, calls) }
	env.RegisterActivity(look)
	var suspects []emergency.CallID
	result, err := env.ExecuteActivity(look)
	if err == nil {
		err = result.Get(&suspects)
	}
	if err != nil {
		t.Fatal(err)
	}
	return suspects
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
