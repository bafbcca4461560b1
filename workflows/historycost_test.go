package workflows_test

import (
	"testing"

	historypb "go.temporal.io/api/history/v1"
)

// An ordinary call stays cheap: at most 40 events in its history, and at most 8
// actions on Temporal Cloud's bill beside the notices, also where an outside presence
// system is told of every change. That somebody should acknowledge, and does, costs two
// more: a timer and a message (B9). A refused dial takes 3 (B10).
func TestCostOfACall(t *testing.T) {
	for _, c := range []struct {
		name                     string
		events, actions, notices int
	}{
		{"v1/ordinary", 40, 8, 1},
		{"v1/presence-outside", 40, 8, 1},
		{"v3/notice-acknowledged", 40, 10, 1},
		{"v3/notice-refused-acknowledged", 20, 3, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			history := readRecording(t, c.name).events
			events, actions, notices := len(history.GetEvents()), billableActions(history), count(history, isNotice)
			t.Logf("%d events, %d actions of which %d for notices", events, actions, notices)
			if events > c.events {
				t.Errorf("the history has %d events, want at most %d", events, c.events)
			}
			if notices != c.notices || actions-notices > c.actions {
				t.Errorf("it takes %d actions beside %d for notices, want at most %d and %d", actions-notices, notices, c.actions, c.notices)
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
