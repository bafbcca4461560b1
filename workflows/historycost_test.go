package workflows_test

import (
	"testing"

	historypb "go.temporal.io/api/history/v1"
)

// An ordinary call stays cheap: at most 40 events in its history, and at most 8
// actions on Temporal Cloud's bill beside the notice, also where an outside presence
// system is told of every change.
func TestCostOfACall(t *testing.T) {
	for _, name := range []string{"v1/ordinary", "v1/presence-outside"} {
		t.Run(name, func(t *testing.T) {
			history := readRecording(t, name).events
			events, actions, notices := len(history.GetEvents()), billableActions(history), count(history, isNotice)
			t.Logf("%d events, %d actions of which %d for the notice", events, actions, notices)
			if events > 40 {
				t.Errorf("the history has %d events, want at most 40", events)
			}
			if notices != 1 || actions-notices > 8 {
				t.Errorf("the call takes %d actions beside %d for the notice, want at most 8 and 1", actions-notices, notices)
			}
		})
	}
}

// billableActions counts what Temporal Cloud bills for a history, after
// https://docs.temporal.io/cloud/actions: the start, each signal, each timer, each
// activity with each of its further attempts, each upsert of search attributes, and
// one for all the markers of local activities in a workflow task.
func billableActions(history *historypb.History) int {
	actions := 0
	tasksWithMarkers := map[int64]bool{}
	for _, event := range history.GetEvents() {
		switch event.GetAttributes().(type) {
		case *historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes,
			*historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes,
			*historypb.HistoryEvent_TimerStartedEventAttributes,
			*historypb.HistoryEvent_UpsertWorkflowSearchAttributesEventAttributes:
			actions++
		case *historypb.HistoryEvent_ActivityTaskStartedEventAttributes:
			actions += int(event.GetActivityTaskStartedEventAttributes().GetAttempt())
		case *historypb.HistoryEvent_MarkerRecordedEventAttributes:
			tasksWithMarkers[event.GetMarkerRecordedEventAttributes().GetWorkflowTaskCompletedEventId()] = true
		}
	}
	return actions + len(tasksWithMarkers)
}

func count(history *historypb.History, is func(*historypb.HistoryEvent) bool) int {
	n := 0
	for _, event := range history.GetEvents() {
		if is(event) {
			n++
		}
	}
	return n
}

func isNotice(event *historypb.HistoryEvent) bool {
	return event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "NotifyContacts"
}
