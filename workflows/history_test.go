package workflows_test

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/engine"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// writeTranscripts adds the transcripts that a new version's histories still lack.
var writeTranscripts = flag.Bool("transcripts", false, "write the transcripts that are missing under testdata")

// recording is a history of a call on a real server; testdata/README.md tells where
// it comes from.
type recording struct {
	// name is the version's directory and the scenario.
	name   string
	events *historypb.History
}

// recordings reads all histories of all versions.
func recordings(t *testing.T) []recording {
	t.Helper()
	files, err := filepath.Glob("testdata/v*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recording
	for _, file := range files {
		all = append(all, readRecording(t, strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".json")))
	}
	return all
}

func readRecording(t *testing.T, name string) recording {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	events, err := client.HistoryFromJSON(bytes.NewReader(text), client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return recording{name, events}
}

// converters are those of every process, with the key that the recordings were
// encrypted with.
func converters(t *testing.T) (converter.DataConverter, converter.FailureConverter) {
	t.Helper()
	entry, err := os.ReadFile("testdata/payload-key")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := engine.ParseKeyring(strings.TrimSpace(string(entry)))
	if err != nil {
		t.Fatal(err)
	}
	return engine.Converters(ring)
}

// replay runs the workflow as it is now against a history, and gives what it
// commands. The error is the SDK's: the commands do not fit the history.
func replay(t *testing.T, history *historypb.History) (*transcript, error) {
	t.Helper()
	data, failure := converters(t)
	commanded := &transcript{}
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: data, FailureConverter: failure, DisableDeadlockDetection: true,
		Interceptors: []interceptor.WorkerInterceptor{commanded},
	})
	if err != nil {
		t.Fatal(err)
	}
	replayer.RegisterWorkflowWithOptions(workflows.EmergencyCall, workflow.RegisterOptions{Name: workflows.Type})
	replayer.RegisterWorkflowWithOptions(workflows.EmergencyRefusal, workflow.RegisterOptions{Name: workflows.RefusalType})
	started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	err = replayer.ReplayWorkflowHistoryWithOptions(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)), history,
		worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{
			ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId(),
		}})
	return commanded, err
}

// A call that runs when a new version comes goes on as it began: the workflow still
// commands what the histories of all versions say, and exactly what their
// transcripts say, which covers what the SDK's replayer does not compare.
func TestHistories(t *testing.T) {
	all := recordings(t)
	if len(all) == 0 {
		t.Fatal("there is no history under testdata")
	}
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			if last := r.events.GetEvents()[len(r.events.GetEvents())-1]; !closes(last.GetEventType()) {
				t.Fatalf("the history ends with %s: what comes last would not be compared", last.GetEventType())
			}
			commanded, err := replay(t, r.events)
			if err != nil {
				t.Fatalf("replay: %v", err)
			}
			same(t, "the transcript", transcriptOf(t, r.name, commanded.String()), commanded.String())
			same(t, "what was recorded and what is commanded", commandsIn(t, r.events), essence(commanded))
		})
	}
}

func closes(event enumspb.EventType) bool {
	return event == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED || event == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED
}

// transcriptOf reads the transcript of a history. One that is missing is an error,
// unless the command line asks for it to be written.
func transcriptOf(t *testing.T, name, now string) string {
	t.Helper()
	file := filepath.Join("testdata", name+".transcript.txt")
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) && *writeTranscripts {
		text, err = []byte(now), os.WriteFile(file, []byte(now), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// essence is the part of a transcript that a history keeps too. Local activities
// are recorded in the order in which they ended, and without their arguments.
func essence(commanded *transcript) []string {
	var all []string
	for _, c := range commanded.commands {
		c.how = ""
		if c.kind == commandLocal {
			c.input = ""
		}
		all = append(all, c.String())
	}
	slices.Sort(all)
	return all
}

// commandsIn reads the workflow's commands from a history.
func commandsIn(t *testing.T, history *historypb.History) []string {
	t.Helper()
	data, _ := converters(t)
	var all []string
	for _, event := range history.GetEvents() {
		var c command
		switch event.GetAttributes().(type) {
		case *historypb.HistoryEvent_MarkerRecordedEventAttributes:
			if event.GetMarkerRecordedEventAttributes().GetMarkerName() == "Version" {
				continue // which version a workflow is follows from what it commands
			}
			var marker struct{ ActivityType string }
			if err := data.FromPayloads(event.GetMarkerRecordedEventAttributes().GetDetails()["data"], &marker); err != nil {
				t.Fatal(err)
			}
			c = command{kind: commandLocal, what: marker.ActivityType}
		case *historypb.HistoryEvent_ActivityTaskScheduledEventAttributes:
			scheduled := event.GetActivityTaskScheduledEventAttributes()
			c = command{
				kind: commandOrdinary, what: scheduled.GetActivityType().GetName(),
				input: strings.Join(data.ToStrings(scheduled.GetInput()), " "),
			}
		case *historypb.HistoryEvent_TimerStartedEventAttributes:
			c = command{kind: commandTimer, what: event.GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration().String()}
		case *historypb.HistoryEvent_UpsertWorkflowSearchAttributesEventAttributes:
			if c = (command{kind: commandUpsert, what: upserted(t, event)}); c.what == "" {
				continue
			}
		case *historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes:
			result := event.GetWorkflowExecutionCompletedEventAttributes().GetResult()
			c = command{kind: commandComplete, what: strings.Join(data.ToStrings(result), " ")}
		case *historypb.HistoryEvent_WorkflowExecutionCanceledEventAttributes:
			c = command{kind: commandCancel}
		default:
			continue
		}
		all = append(all, c.String())
	}
	slices.Sort(all)
	return all
}

// upserted reads search attributes, which are not encrypted; without the one by which the
// SDK tells versions apart.
func upserted(t *testing.T, event *historypb.HistoryEvent) string {
	t.Helper()
	var pairs []string
	fields := event.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()
	for key, payload := range fields {
		if key == "TemporalChangeVersion" {
			continue
		}
		var value any
		if err := converter.GetDefaultDataConverter().FromPayload(payload, &value); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, key+"="+value.(string))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, " ")
}
