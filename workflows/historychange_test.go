package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"

	historypb "go.temporal.io/api/history/v1"
)

// The comparisons of TestHistories are worth something only while they notice a
// change. Instead of the workflow, which cannot be changed here, the history is: to
// the comparison that is the same.
func TestHistoriesNoticeChanges(t *testing.T) {
	t.Run("another order of steps", func(t *testing.T) {
		history := readRecording(t, "v1/ordinary").events
		change(t, history, func(event *historypb.HistoryEvent) bool {
			scheduled := event.GetActivityTaskScheduledEventAttributes()
			if scheduled == nil {
				return false
			}
			scheduled.ActivityType.Name = "NotifyNobody"
			return true
		})
		if _, err := replay(t, history); err == nil {
			t.Error("the replay goes well")
		}
	})
	// The SDK's replayer compares neither of the following.
	t.Run("another length of the timer", func(t *testing.T) {
		commanded := replayWithOrder(t, func(order *emergency.Order) { order.Terms.Lease -= 100 * time.Millisecond })
		notices(t, commanded, commandTimer)
	})
	t.Run("another argument", func(t *testing.T) {
		commanded := replayWithOrder(t, func(order *emergency.Order) { order.AgentID = "agent-gb" })
		notices(t, commanded, commandLocal)
	})
	// That tests are marked in the summaries came later than version 1 (B13).
	t.Run("another summary", func(t *testing.T) {
		commanded := replayWithOrder(t, func(order *emergency.Order) { order.Kind = emergency.KindTest })
		notices(t, commanded, commandTimer)
	})
	t.Run("another search attribute", func(t *testing.T) {
		history := readRecording(t, "v1/ordinary").events
		change(t, history, func(event *historypb.HistoryEvent) bool {
			fields := event.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()
			if fields == nil {
				return false
			}
			fields["EmergencyPhase"].Data = []byte(`"active"`)
			return true
		})
		commanded, err := replay(t, history)
		if err != nil {
			t.Fatalf("the replayer has learnt to see it: %v", err)
		}
		if strings.Join(commandsIn(t, history), "\n") == strings.Join(essence(commanded), "\n") {
			t.Error("the history fits what is commanded")
		}
	})
}

// change edits the one event that the function changes.
func change(t *testing.T, history *historypb.History, edit func(*historypb.HistoryEvent) bool) {
	t.Helper()
	if !slices.ContainsFunc(history.GetEvents(), edit) {
		t.Fatal("there is no such event")
	}
}

// replayWithOrder replays the ordinary call as if it had been ordered otherwise.
func replayWithOrder(t *testing.T, edit func(*emergency.Order)) *transcript {
	t.Helper()
	data, _ := converters(t)
	history := readRecording(t, "v1/ordinary").events
	started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	var order emergency.Order
	if err := data.FromPayloads(started.GetInput(), &order); err != nil {
		t.Fatal(err)
	}
	edit(&order)
	input, err := data.ToPayloads(order)
	if err != nil {
		t.Fatal(err)
	}
	started.Input = input
	commanded, err := replay(t, history)
	if err != nil {
		t.Fatalf("the replayer has learnt to see it: %v", err)
	}
	return commanded
}

// notices checks that the transcript differs in a line of that kind.
func notices(t *testing.T, commanded *transcript, kind string) {
	t.Helper()
	golden := transcriptOf(t, "v1/ordinary", "")
	for line := range strings.Lines(commanded.String()) {
		if strings.HasPrefix(line, kind) && !strings.Contains(golden, line) {
			return
		}
	}
	t.Errorf("the transcript is the same in every line that begins with %q", kind)
}
