package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"
)

// cost is what one call costs Temporal.
type cost struct {
	events, bytes int
	// actions are what Temporal Cloud bills, but for those that mails holds.
	actions, mails int
}

type costs []cost

// costedCalls is how many calls are counted, one after the other: each goes as it
// does in life, where nothing comes so late that a step is left out.
const costedCalls = 10

func (s *service) countCosts(ctx context.Context) (costs, error) {
	var all costs
	for _, agent := range s.agents[:costedCalls] {
		call, err := s.dial(ctx, agent)
		if err != nil {
			return nil, err
		}
		time.Sleep(callTime)
		if err := s.end(ctx, call.CallID); err != nil {
			return nil, err
		}
		if err := s.temporal.GetWorkflow(ctx, workflows.WorkflowID(call.CallID), "").Get(ctx, nil); err != nil {
			return nil, fmt.Errorf("wait for the end of a call: %w", err)
		}
		got, err := history(ctx, s.temporal, string(call.CallID))
		if err != nil {
			return nil, err
		}
		all = append(all, costOf(got.GetHistory()))
	}
	return all, nil
}

// rows show the middle call and the dearest.
func (c costs) rows(t *table) {
	for _, figure := range []struct {
		name string
		of   func(cost) int
		aim  string
	}{
		{"billable actions a call, beside e-mails", func(c cost) int { return c.actions }, "aim: at most 8"},
		{"billable actions for the e-mails", func(c cost) int { return c.mails }, ""},
		{"history events a call", func(c cost) int { return c.events }, "aim: at most 40"},
		{"history bytes a call, encrypted", func(c cost) int { return c.bytes }, ""},
	} {
		var values []int
		for _, one := range c {
			values = append(values, figure.of(one))
		}
		slices.Sort(values)
		reached := []string{fmt.Sprintf("median %d", values[len(values)/2]), fmt.Sprintf("at most %d", values[len(values)-1])}
		if figure.aim != "" {
			reached = append(reached, figure.aim)
		}
		t.row(figure.name, reached...)
	}
}

// costOf counts actions as Temporal Cloud does (its documentation, under "Actions"):
// one for the start, for each attempt of an activity, for each timer, signal,
// accepted update and upsert of search attributes, and one for all the markers
// that a workflow task leaves, which is how its local activities show.
func costOf(history *historypb.History) cost {
	c := cost{events: len(history.GetEvents()), bytes: proto.Size(history)}
	notices, marked := map[int64]bool{}, map[int64]bool{}
	for _, event := range history.GetEvents() {
		switch event.GetEventType() { //nolint:exhaustive // the others cost nothing
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
			enumspb.EVENT_TYPE_TIMER_STARTED,
			enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
			enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
			enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			c.actions++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			name := event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
			notices[event.GetEventId()] = name == workflows.ActivityNotifyContacts
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			begun := event.GetActivityTaskStartedEventAttributes()
			if notices[begun.GetScheduledEventId()] {
				c.mails += int(begun.GetAttempt())
			} else {
				c.actions += int(begun.GetAttempt())
			}
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			task := event.GetMarkerRecordedEventAttributes().GetWorkflowTaskCompletedEventId()
			if !marked[task] {
				c.actions++
			}
			marked[task] = true
		}
	}
	return c
}
