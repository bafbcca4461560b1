package workflows_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A number leased late may come to any call that runs when this version is
// released, at any moment. To each history, at each place where a message can come,
// the call commands what it did without: it goes on as it began (B5).
func TestLateLeaseInEveryHistory(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			for _, place := range places(r.events) {
				history := withLateLease(t, r.events, place)
				commanded, err := replay(t, history)
				if err != nil {
					t.Fatalf("replay with a message before event %d: %v", place+1, err)
				}
				same(t, fmt.Sprintf("the transcript with a message before event %d", place+1),
					transcriptOf(t, r.name, ""), commanded.String())
			}
		})
	}
}

// A call that began before there was anything to acknowledge may get an acknowledgement
// all the same: its notice may be sent by this version. Wherever it comes, the call
// commands what it did without (B9).
func TestAcknowledgementInEveryOldHistory(t *testing.T) {
	for _, r := range recordings(t) {
		if !strings.HasPrefix(r.name, "v1/") && !strings.HasPrefix(r.name, "v2/") {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			for _, place := range places(r.events) {
				commanded, err := replay(t, withMessage(t, r.events, place, workflows.SignalAcknowledged,
					emergency.Acknowledged{Event: emergency.NoticePlaced, At: noon}))
				if err != nil {
					t.Fatalf("replay with a message before event %d: %v", place+1, err)
				}
				same(t, fmt.Sprintf("the transcript with a message before event %d", place+1),
					transcriptOf(t, r.name, ""), commanded.String())
			}
		})
	}
}

// On a real server the message and what ends the call may come together, which the
// suite keeps apart. The number is not lost then, nor anywhere else (B5).
func TestLateLeaseIsNeverLost(t *testing.T) {
	for _, name := range []string{"v2/late-lease", "v2/late-lease-in-trouble"} {
		recorded := readRecording(t, name).events
		same(t, "the numbers as recorded", gotLate, numbersIn(t, recorded))
		for _, event := range recorded.GetEvents() {
			signal := event.GetWorkflowExecutionSignaledEventAttributes()
			if signal.GetSignalName() == workflows.SignalNumberLeased {
				signal.SignalName = "nothing-to-the-call"
			}
		}
		same(t, "the numbers without a message", stands, numbersIn(t, recorded))
		for _, place := range places(recorded) {
			same(t, fmt.Sprintf("%s: the numbers with a message before event %d", name, place+1),
				gotLate, numbersIn(t, withLateLease(t, recorded, place)))
		}
	}
}

// numbersIn are the call's numbers at the end of a history.
func numbersIn(t *testing.T, history *historypb.History) numbers {
	t.Helper()
	commanded, err := replay(t, history)
	if err != nil {
		t.Fatalf("replay: %v", err)
	}
	state, err := commanded.state()
	if err != nil {
		t.Fatal(err)
	}
	return numbers{state.Number, state.NumberKind, state.ShownNumber}
}

// places are the positions of the events before which a server may put a message:
// where it tells the workflow of something.
func places(history *historypb.History) []int {
	var all []int
	for i, event := range history.GetEvents() {
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED {
			all = append(all, i)
		}
	}
	return all
}

// withLateLease is a copy of the history in which a number was leased late.
func withLateLease(t *testing.T, history *historypb.History, place int) *historypb.History {
	t.Helper()
	return withMessage(t, history, place, workflows.SignalNumberLeased, emergency.LateLease{Number: late, At: noon})
}

// withMessage is a copy of the history in which a message came. Events after it get the
// next number, and so do references to them.
func withMessage(t *testing.T, history *historypb.History, place int, name string, message any) *historypb.History {
	t.Helper()
	data, _ := converters(t)
	body, err := data.ToPayloads(message)
	if err != nil {
		t.Fatal(err)
	}
	events := history.GetEvents()
	id := events[place].GetEventId()
	came := &historypb.HistoryEvent{
		EventId: id, EventTime: events[place].GetEventTime(), EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
				SignalName: name, Input: body,
			},
		},
	}
	longer := &historypb.History{}
	for i, event := range events {
		if i == place {
			longer.Events = append(longer.Events, came)
		}
		moved := proto.CloneOf(event)
		moveOn(moved.ProtoReflect(), id)
		longer.Events = append(longer.Events, moved)
	}
	return longer
}

// moveOn adds one to the IDs of events, from the given one on. The SDK names a timer
// and an activity after the event with which it begins.
func moveOn(m protoreflect.Message, from int64) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch name := string(field.Name()); {
		case field.IsList() || field.IsMap():
		case field.Kind() == protoreflect.MessageKind:
			moveOn(value.Message(), from)
		case field.Kind() == protoreflect.Int64Kind && strings.HasSuffix(name, "event_id") && value.Int() >= from:
			m.Set(field, protoreflect.ValueOfInt64(value.Int()+1))
		case name == "timer_id" || name == "activity_id":
			if id, err := strconv.ParseInt(value.String(), 10, 64); err == nil && id >= from {
				m.Set(field, protoreflect.ValueOfString(strconv.FormatInt(id+1, 10)))
			}
		}
		return true
	})
}
