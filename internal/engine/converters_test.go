package engine

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	querypb "go.temporal.io/api/query/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"
)

// secret stands for whatever is personal; it is in every field that a workflow can put text into.
const secret = "Reception, 5550199"

// mustNotShow fails when a request as it goes over the wire contains the secret anywhere.
func mustNotShow(t *testing.T, message proto.Message) {
	t.Helper()
	wire, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(wire, []byte(secret)) {
		t.Errorf("the secret is readable in %v", message)
	}
}

func mustRead(t *testing.T, ring *Keyring, what string, p *commonpb.Payload) {
	t.Helper()
	data, _ := Converters(ring)
	var got string
	if err := data.FromPayload(p, &got); err != nil || got != secret {
		t.Errorf("%s reads %q, %v", what, got, err)
	}
}

// A client sends arguments, memo, static summary, static details and signals encrypted (B14).
func TestClientEncrypts(t *testing.T) {
	ring := mustParse(t, NewKey())
	f := startFrontend(t, nil)
	c := f.client(t, ring)
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		TaskQueue: "q", StaticSummary: secret, StaticDetails: secret, Memo: map[string]any{"memo": secret},
	}, "Story", secret)
	if err != nil {
		t.Fatal(err)
	}
	start := receive(t, f.started, "start")
	mustNotShow(t, start)
	mustRead(t, ring, "argument", start.GetInput().GetPayloads()[0])
	mustRead(t, ring, "memo", start.GetMemo().GetFields()["memo"])
	mustRead(t, ring, "summary", start.GetUserMetadata().GetSummary())
	mustRead(t, ring, "details", start.GetUserMetadata().GetDetails())

	if err := c.SignalWorkflow(t.Context(), "w", "", "signal", secret); err != nil {
		t.Fatal(err)
	}
	signal := receive(t, f.signalled, "signal")
	mustNotShow(t, signal)
	mustRead(t, ring, "signal", signal.GetInput().GetPayloads()[0])
}

// story puts the text into everything that a workflow can say.
func story(ctx workflow.Context, text string) error {
	workflow.SetCurrentDetails(ctx, text)
	workflow.NewTimerWithOptions(ctx, time.Hour, workflow.TimerOptions{Summary: text})
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, Summary: text})
	workflow.ExecuteActivity(ctx, "Tell", text)
	var heard string
	workflow.GetSignalChannel(ctx, "signal").Receive(ctx, &heard)
	return temporal.NewApplicationErrorWithCause(heard, "Told", errors.New(heard), heard)
}

// event numbers are in order from 1.
func task(events ...*historypb.HistoryEvent) *workflowservice.PollWorkflowTaskQueueResponse {
	events = append(events,
		&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{},
		}},
		&historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, Attributes: &historypb.HistoryEvent_WorkflowTaskStartedEventAttributes{
			WorkflowTaskStartedEventAttributes: &historypb.WorkflowTaskStartedEventAttributes{},
		}},
	)
	for i, event := range events {
		event.EventId = int64(i + 1)
	}
	return &workflowservice.PollWorkflowTaskQueueResponse{
		TaskToken:         []byte("token"),
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: "w", RunId: "r"},
		WorkflowType:      &commonpb.WorkflowType{Name: "story"},
		StartedEventId:    int64(len(events)),
		Attempt:           1,
		History:           &historypb.History{Events: events},
	}
}

func startedWith(t *testing.T, ring *Keyring) *historypb.HistoryEvent {
	t.Helper()
	return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
			WorkflowType: &commonpb.WorkflowType{Name: "story"},
			TaskQueue:    &taskqueuepb.TaskQueue{Name: "q"},
			Input:        payloads(t, ring),
		},
	}}
}

func signalledWith(t *testing.T, ring *Keyring) *historypb.HistoryEvent {
	t.Helper()
	return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
		WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
			SignalName: "signal",
			Input:      payloads(t, ring),
		},
	}}
}

func payloads(t *testing.T, ring *Keyring) *commonpb.Payloads {
	t.Helper()
	data, _ := Converters(ring)
	encoded, err := data.ToPayloads(secret)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// runWorker runs a worker with the keyring until the test ends and gives it one workflow task.
func runWorker(t *testing.T, ring *Keyring, task *workflowservice.PollWorkflowTaskQueueResponse) *frontend {
	t.Helper()
	f := startFrontend(t, nil)
	w := worker.New(f.client(t, ring), "q", worker.Options{LocalActivityWorkerOnly: true})
	w.RegisterWorkflow(story)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	f.tasks <- task
	return f
}

// A worker sends activity arguments, activity and timer summaries and the current details encrypted (B14).
func TestWorkerEncrypts(t *testing.T) {
	ring := mustParse(t, NewKey())
	asked := task(startedWith(t, ring))
	asked.Queries = map[string]*querypb.WorkflowQuery{"q": {QueryType: "__temporal_workflow_metadata"}}
	answer := receive(t, runWorker(t, ring, asked).completed, "completed workflow task")
	mustNotShow(t, answer)

	seen := map[enumspb.CommandType]bool{}
	for _, command := range answer.GetCommands() {
		seen[command.GetCommandType()] = true
		mustRead(t, ring, "summary of "+command.GetCommandType().String(), command.GetUserMetadata().GetSummary())
		if activity := command.GetScheduleActivityTaskCommandAttributes(); activity != nil {
			mustRead(t, ring, "activity argument", activity.GetInput().GetPayloads()[0])
		}
	}
	if !seen[enumspb.COMMAND_TYPE_START_TIMER] || !seen[enumspb.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK] {
		t.Errorf("the worker commanded %v", seen)
	}

	data, _ := Converters(ring)
	var metadata sdkpb.WorkflowMetadata
	if err := data.FromPayloads(answer.GetQueryResults()["q"].GetAnswer(), &metadata); err != nil || metadata.GetCurrentDetails() != secret {
		t.Errorf("current details read %q, %v", metadata.GetCurrentDetails(), err)
	}
}

// A workflow's error is sent with its message, details and cause encrypted; its type stays readable.
func TestWorkerEncryptsErrors(t *testing.T) {
	ring := mustParse(t, NewKey())
	answer := receive(t, runWorker(t, ring, task(startedWith(t, ring), signalledWith(t, ring))).completed, "completed workflow task")
	mustNotShow(t, answer)

	commands := answer.GetCommands()
	failure := commands[len(commands)-1].GetFailWorkflowExecutionCommandAttributes().GetFailure()
	if failure.GetMessage() != "Encoded failure" || failure.GetApplicationFailureInfo().GetType() != "Told" {
		t.Errorf("the failure shows %q of type %q", failure.GetMessage(), failure.GetApplicationFailureInfo().GetType())
	}
	_, converted := Converters(ring)
	if told := converted.FailureToError(failure); told.Error() != secret+" (type: Told, retryable: true): "+secret {
		t.Errorf("the failure reads %v", told)
	}
}

// A worker with the wrong keyring neither ends a workflow nor loses a signal: the task fails and comes again, until a
// worker has the key (S11). What the wrong key is does not matter: one that is missing, or another under the same ID.
func TestWorkerWithoutTheKeyWaits(t *testing.T) {
	ring := mustParse(t, key("a", 'a'))
	for name, other := range map[string]*Keyring{"missing": mustParse(t, key("b", 'b')), "another": mustParse(t, key("a", 'x'))} {
		tests := map[string]*workflowservice.PollWorkflowTaskQueueResponse{
			"input":  task(startedWith(t, other)),
			"signal": task(startedWith(t, ring), signalledWith(t, other)),
		}
		for what, offered := range tests {
			t.Run(name+" key for the "+what, func(t *testing.T) {
				f := runWorker(t, ring, offered)
				select {
				case answer := <-f.completed:
					t.Errorf("the worker went on: %v", answer.GetCommands())
				case failure := <-f.failed:
					mustNotShow(t, failure)
				case <-time.After(30 * time.Second):
					t.Error("the worker said nothing")
				}
			})
		}
	}
}

// Outside of workflow code, and for values that are merely of the wrong type anywhere, an error is returned as usual.
func TestConvertersReturnErrors(t *testing.T) {
	ring, other := mustParse(t, key("a", 'a')), mustParse(t, key("b", 'b'))
	data, _ := Converters(ring)
	aware, ok := data.(converter.ContextAware)
	if !ok {
		t.Fatal("the converter does not know workflow code from other code")
	}
	var number int
	mine, foreign := payloads(t, ring).GetPayloads()[0], payloads(t, other).GetPayloads()[0]
	for name, err := range map[string]error{
		"wrong type in a workflow":  aware.WithWorkflowContext(nil).FromPayload(mine, &number),
		"wrong type in an activity": aware.WithContext(t.Context()).FromPayload(mine, &number),
		"wrong key in an activity":  aware.WithContext(t.Context()).FromPayload(foreign, &number),
		"wrong key in a client":     data.FromPayload(foreign, &number),
	} {
		if err == nil {
			t.Error(fmt.Sprint(name, " was accepted"))
		}
	}
}
