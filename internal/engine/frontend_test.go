package engine

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// frontend is as much of a Temporal frontend as it takes to see, byte for byte, what a client and a worker send.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer

	address   string
	started   chan *workflowservice.StartWorkflowExecutionRequest
	signalled chan *workflowservice.SignalWorkflowExecutionRequest
	tasks     chan *workflowservice.PollWorkflowTaskQueueResponse
	completed chan *workflowservice.RespondWorkflowTaskCompletedRequest
	failed    chan *workflowservice.RespondWorkflowTaskFailedRequest
	// unknownFor is how many counts are refused because an attribute is not known yet.
	mu         sync.Mutex
	unknownFor int
	counted    []string
}

// startFrontend serves on loopback until the test ends; operator may be nil.
func startFrontend(t *testing.T, operator operatorservice.OperatorServiceServer) *frontend {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &frontend{
		address:   listener.Addr().String(),
		started:   make(chan *workflowservice.StartWorkflowExecutionRequest, 1),
		signalled: make(chan *workflowservice.SignalWorkflowExecutionRequest, 1),
		tasks:     make(chan *workflowservice.PollWorkflowTaskQueueResponse, 1),
		completed: make(chan *workflowservice.RespondWorkflowTaskCompletedRequest, 1),
		failed:    make(chan *workflowservice.RespondWorkflowTaskFailedRequest, 1),
	}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, f)
	if operator != nil {
		operatorservice.RegisterOperatorServiceServer(server, operator)
	}
	healthServer := health.NewServer()
	healthServer.SetServingStatus("temporal.api.workflowservice.v1.WorkflowService", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, healthServer)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *frontend) client(t *testing.T, ring *Keyring) client.Client {
	t.Helper()
	c, err := NewClient(Options{Address: f.address, Namespace: "default", Keyring: ring, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (f *frontend) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (f *frontend) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (f *frontend) StartWorkflowExecution(
	_ context.Context, request *workflowservice.StartWorkflowExecutionRequest,
) (*workflowservice.StartWorkflowExecutionResponse, error) {
	f.started <- request
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run"}, nil
}

func (f *frontend) SignalWorkflowExecution(
	_ context.Context, request *workflowservice.SignalWorkflowExecutionRequest,
) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	f.signalled <- request
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func (f *frontend) PollWorkflowTaskQueue(
	ctx context.Context, _ *workflowservice.PollWorkflowTaskQueueRequest,
) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	select {
	case task := <-f.tasks:
		return task, nil
	case <-ctx.Done():
		return &workflowservice.PollWorkflowTaskQueueResponse{}, nil
	}
}

func (f *frontend) RespondWorkflowTaskCompleted(
	_ context.Context, request *workflowservice.RespondWorkflowTaskCompletedRequest,
) (*workflowservice.RespondWorkflowTaskCompletedResponse, error) {
	f.completed <- request
	return &workflowservice.RespondWorkflowTaskCompletedResponse{}, nil
}

func (f *frontend) RespondWorkflowTaskFailed(
	_ context.Context, request *workflowservice.RespondWorkflowTaskFailedRequest,
) (*workflowservice.RespondWorkflowTaskFailedResponse, error) {
	f.failed <- request
	return &workflowservice.RespondWorkflowTaskFailedResponse{}, nil
}

func (f *frontend) CountWorkflowExecutions(
	_ context.Context, request *workflowservice.CountWorkflowExecutionsRequest,
) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counted = append(f.counted, request.GetQuery())
	if f.unknownFor > 0 {
		f.unknownFor--
		return nil, onTheWire(serviceerror.NewInvalidArgument("invalid search attribute"))
	}
	return &workflowservice.CountWorkflowExecutionsResponse{}, nil
}

// operator holds a namespace's search attributes.
type operator struct {
	operatorservice.UnimplementedOperatorServiceServer

	mu         sync.Mutex
	attributes map[string]enumspb.IndexedValueType
	added      []map[string]enumspb.IndexedValueType
	// refuse is what adding returns, after another process has added them when raced is true.
	refuse error
	raced  bool
}

func (o *operator) ListSearchAttributes(
	context.Context, *operatorservice.ListSearchAttributesRequest,
) (*operatorservice.ListSearchAttributesResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: o.attributes}, nil
}

func (o *operator) AddSearchAttributes(
	_ context.Context, request *operatorservice.AddSearchAttributesRequest,
) (*operatorservice.AddSearchAttributesResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.added = append(o.added, request.GetSearchAttributes())
	if o.refuse == nil || o.raced {
		maps.Copy(o.attributes, request.GetSearchAttributes())
	}
	if o.refuse != nil {
		return nil, onTheWire(o.refuse)
	}
	return &operatorservice.AddSearchAttributesResponse{}, nil
}

func onTheWire(err error) error {
	return serviceerror.ToStatus(err).Err()
}

// receive fails the test when nothing comes; the time is generous, and only a broken test uses it up.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(30 * time.Second):
		t.Fatalf("no %s came", what)
		panic("unreachable")
	}
}
