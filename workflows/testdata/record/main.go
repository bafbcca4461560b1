// Record plays calls on a real Temporal server and writes down their histories, as
// workflows/testdata/README.md says. The workflow is the production code; the
// activities are fakes under the production names, and the durations are seconds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeline/internal/engine"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var (
	address   = flag.String("temporal", "127.0.0.1:7233", "frontend of a Temporal server where no worker of Lifeline runs")
	namespace = flag.String("namespace", "default", "namespace on that server")
	to        = flag.String("to", "", "directory to make for the histories, for example workflows/testdata/v8")
	only      = flag.String("only", "", "record the scenarios whose names begin like this; all of them if empty")
	key       = flag.String("key", "workflows/testdata/payload-key", "file with the key that payloads are encrypted with")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := record(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// record plays every scenario, all at the same time.
func record(ctx context.Context) error {
	if *to == "" {
		return errors.New("say with -to where the histories are to go")
	}
	calls := slices.DeleteFunc(newCalls(), func(c *call) bool { return !strings.HasPrefix(c.name, *only) })
	if len(calls) == 0 {
		return fmt.Errorf("no scenario begins with %q", *only)
	}
	// A directory that exists holds the histories of a version: they are never changed.
	if err := os.Mkdir(*to, 0o755); err != nil {
		return err
	}
	temporal, err := connect(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	for _, c := range calls {
		if err := c.dial(ctx, temporal); err != nil {
			return err
		}
	}
	running := newWorker(temporal, calls)
	if err := running.Start(); err != nil {
		return err
	}
	defer running.Stop()
	playing, ctx := errgroup.WithContext(ctx)
	for _, c := range calls {
		playing.Go(func() error { return c.play(ctx, temporal) })
	}
	return playing.Wait()
}

func connect(ctx context.Context) (client.Client, error) {
	entry, err := os.ReadFile(*key)
	if err != nil {
		return nil, err
	}
	ring, err := engine.ParseKeyring(strings.TrimSpace(string(entry)))
	if err != nil {
		return nil, err
	}
	temporal, err := engine.NewClient(engine.Options{
		Address: *address, Namespace: *namespace, Keyring: ring, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return temporal, engine.EnsureSearchAttributes(ctx, temporal, *namespace, workflows.SearchAttributeKeys()...)
}

func newWorker(temporal client.Client, calls []*call) worker.Worker {
	w := worker.New(temporal, workflows.TaskQueue, worker.Options{WorkerStopTimeout: time.Second})
	w.RegisterWorkflowWithOptions(workflows.EmergencyCall, workflow.RegisterOptions{Name: workflows.Type})
	w.RegisterWorkflowWithOptions(workflows.EmergencyRefusal, workflow.RegisterOptions{Name: workflows.RefusalType})
	for name, fake := range fakes(calls) {
		w.RegisterActivityWithOptions(fake, activity.RegisterOptions{Name: name})
	}
	return w
}

// save writes the history of a closed call.
func (c *call) save(ctx context.Context, temporal client.Client) error {
	history := &historypb.History{}
	events := temporal.GetWorkflowHistory(ctx, c.workflowID(), "", false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		forgetIdentity(event.ProtoReflect())
		history.Events = append(history.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(history)
	if err != nil {
		return err
	}
	fmt.Printf("%-24s %d events\n", c.name, len(history.Events))
	return os.WriteFile(filepath.Join(*to, c.name+".json"), append(text, '\n'), 0o644)
}

// forgetIdentity removes the name of the machine that the recording was made on.
func forgetIdentity(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Name() == "identity":
			m.Clear(field)
		case field.Message() != nil && !field.IsList() && !field.IsMap():
			forgetIdentity(value.Message())
		}
		return true
	})
}
