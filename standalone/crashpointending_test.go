package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdktemporal "go.temporal.io/sdk/temporal"
)

// ending is what is left of a call, and how it came to that.
type ending struct {
	state   finalState
	history []*historypb.HistoryEvent
	// late says why the telling did not keep the pace of its tale; empty if it did.
	late string
	// counts is how often the first worker lived to see what.
	counts   map[moment]int
	died     bool
	repeated int
}

// finalState is all that must be the same whatever crashed. Times, and the numbers that
// differ between calls, are left out.
type finalState struct {
	Workflow string
	Result   map[string]any
	Answer   map[string]any
	Rows     map[string][]string
	Outside  any
	Letters  []string
}

// look looks at what is left of the call.
func (s *scene) look(e *ending) {
	s.Helper()
	s.delivered()
	e.state.Workflow, e.state.Result, e.state.Answer = s.outcome()
	e.state.Letters, e.repeated = s.post.letters(s)
	e.state.Rows, e.state.Outside = s.rows(), s.told.Load()
	for _, event := range s.history() {
		if failed := event.GetWorkflowTaskFailedEventAttributes(); failed.GetCause() != enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNSPECIFIED &&
			failed.GetCause() != enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND {
			s.Errorf("event %d: a workflow task failed: %s", event.GetEventId(), failed.GetCause())
		}
	}
}

// outcome is what the workflow gives back, and what it answers when it is asked.
func (s *scene) outcome() (status string, result, answer map[string]any) {
	s.Helper()
	described, err := s.stage.temp.DescribeWorkflowExecution(s.Context(), s.workflow(), "")
	s.ok(err)
	err = s.stage.temp.GetWorkflow(s.Context(), s.workflow(), "").Get(s.Context(), &result)
	if err != nil && !sdktemporal.IsCanceledError(err) {
		s.Errorf("the workflow failed: %v", err)
	}
	s.wait("an answer of the workflow", func() error {
		value, err := s.stage.temp.QueryWorkflow(s.Context(), s.workflow(), "", workflows.QueryState)
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := value.Get(&raw); err != nil {
			return err
		}
		return json.Unmarshal(raw, &answer)
	})
	return described.GetWorkflowExecutionInfo().GetStatus().String(), result, s.plain(answer).(map[string]any)
}

// plain leaves out times, and names what differs between scenes alike.
func (s *scene) plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = s.plain(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = s.plain(inner)
		}
	case string:
		if _, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return "a time"
		}
		return s.alike(v)
	}
	return value
}

// timesOf says when what happened, for whoever has to find out why.
func timesOf(events []*historypb.HistoryEvent) string {
	var lines strings.Builder
	for _, event := range events {
		fmt.Fprintf(&lines, "%3d %s %s\n", event.GetEventId(), event.GetEventTime().AsTime().Format("04:05.000"), kindOf(event))
	}
	return lines.String()
}
