package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"lifeline/activities"
	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/internal/store"
	"lifeline/workflows"

	commandpb "go.temporal.io/api/command/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// moment is something in a worker's work that it may live to see or not.
type moment string

const (
	// momentTaken has a workflow task in hand, and nothing of it done.
	momentTaken moment = "task taken"
	// momentUnheard has it done, its steps in SQL included, and Temporal does not know.
	momentUnheard moment = "task done, unheard"
	// momentHeard is when Temporal knows, and the worker has not heard so.
	momentHeard moment = "task done, heard"
	// momentStepped has taken a step in Lifeline's own SQL; others of the same task may follow.
	momentStepped moment = "step in SQL done"
	// momentBegun has begun an ordinary activity, and nothing of it done.
	momentBegun moment = "activity begun"
	// momentUnreported has ended one, and Temporal does not know.
	momentUnreported moment = "activity done, unheard"
	// momentReported is when Temporal knows that it has ended.
	momentReported moment = "activity done, heard"
	// momentMailed has sent an e-mail, and not recorded so.
	momentMailed moment = "e-mail sent, unrecorded"
)

// errDead is what becomes of everything that a dead worker still tries. It is of a kind
// that the SDK does not try again: it would hold on to the workflow meanwhile, and all
// workers of a process share what they remember of workflows.
var errDead = status.Error(codes.PermissionDenied, "this worker is dead")

// mortal is a worker that dies when something happens for the nth time: from then on it
// reaches neither Temporal nor SQL nor mail, and its connections break as a killed
// process's do. With n zero it lives.
type mortal struct {
	scene *scene
	dies  moment
	nth   int

	mu     sync.Mutex
	counts map[moment]int
	dead   chan struct{}
	conns  []net.Conn

	client client.Client
	worker worker.Worker
}

// hire starts a worker, as often as it takes: on a machine with much to do, Temporal may
// not answer in time.
func (s *scene) hire(dies moment, nth int) *mortal {
	s.Helper()
	var m *mortal
	s.wait("a worker to start", func() (err error) {
		m, err = newMortal(s, dies, nth)
		return err
	})
	return m
}

// newMortal starts a worker on the scene's own task queue.
func newMortal(s *scene, dies moment, nth int) (*mortal, error) {
	m := &mortal{scene: s, dies: dies, nth: nth, counts: map[moment]int{}, dead: make(chan struct{})}
	var err error
	m.client, err = client.DialContext(s.Context(), client.Options{
		HostPort: s.stage.temporalAddr, Namespace: "default", DataConverter: s.stage.data, FailureConverter: s.stage.failure,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(m.dial), grpc.WithChainUnaryInterceptor(m.call),
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("connect worker: %w", err)
	}
	m.worker = worker.New(m.client, s.queue(), worker.Options{
		StickyScheduleToStartTimeout: time.Second, Interceptors: []interceptor.WorkerInterceptor{&witness{mortal: m}},
	})
	m.worker.RegisterWorkflowWithOptions(workflows.EmergencyCall, workflow.RegisterOptions{Name: workflows.Type})
	m.worker.RegisterWorkflowWithOptions(workflows.EmergencyRefusal, workflow.RegisterOptions{Name: workflows.RefusalType})
	(&activities.Activities{
		Store: s.stage.store, Notices: mortalNotices{s.stage.store, m}, Mail: mortalMail{m}, Outside: s.outside(),
		Links: s.stage.links, Log: slog.New(slog.DiscardHandler),
	}).Register(m.worker)
	if err := m.worker.Start(); err != nil && !m.isDead() {
		m.stop()
		return nil, fmt.Errorf("start worker: %w", err)
	}
	return m, nil
}

// stop ends what is left of the worker.
func (m *mortal) stop() {
	m.worker.Stop()
	m.client.Close()
}

// at says that something happens. True means that the worker is dead.
func (m *mortal) at(what moment) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isDead() {
		return true
	}
	m.counts[what]++
	if m.nth == 0 || what != m.dies || m.counts[what] != m.nth {
		return false
	}
	close(m.dead)
	for _, conn := range m.conns {
		_ = conn.Close() // it may have broken by itself
	}
	return true
}

// lived is how often it lived to see what, and whether it died.
func (m *mortal) lived() (map[moment]int, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.counts), m.isDead()
}

func (m *mortal) isDead() bool {
	select {
	case <-m.dead:
		return true
	default:
		return false
	}
}

func (m *mortal) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial Temporal: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isDead() {
		return nil, errors.Join(errDead, conn.Close())
	}
	m.conns = append(m.conns, conn)
	return conn, nil
}

// call sees every request of the worker and its answer.
func (m *mortal) call(
	ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	before, after := m.momentsOf(request)
	if m.isDead() || before != "" && m.at(before) {
		return errDead
	}
	err := invoke(ctx, method, request, answer, conn, options...)
	if task, is := answer.(*workflowservice.PollWorkflowTaskQueueResponse); is && err == nil && len(task.GetTaskToken()) > 0 && task.GetQuery() == nil {
		after = momentTaken
	}
	if m.isDead() || err == nil && after != "" && m.at(after) {
		return errDead
	}
	return err
}

// momentsOf are what a worker sees before and after a request; empty for most.
func (m *mortal) momentsOf(request any) (before, after moment) {
	switch r := request.(type) {
	case *workflowservice.RespondWorkflowTaskCompletedRequest:
		m.scene.hurry(r.GetCommands())
		return momentUnheard, momentHeard
	case *workflowservice.RespondWorkflowTaskFailedRequest:
		if !m.isDead() {
			m.scene.Errorf("a workflow task failed: %s: %s", r.GetCause(), r.GetFailure().GetMessage())
		}
	case *workflowservice.RespondActivityTaskCompletedRequest, *workflowservice.RespondActivityTaskFailedRequest:
		return momentUnreported, momentReported
	}
	return "", ""
}

// The production code's patience with an activity whose worker is gone is ten seconds and
// more. Like the terms of the call it is shortened here; the story stays the same.
const (
	hurriedActivity = 2 * time.Second
	hurriedRetry    = 200 * time.Millisecond
)

// hurry shortens what Temporal waits for.
func (s *scene) hurry(commands []*commandpb.Command) {
	for _, command := range commands {
		if scheduled := command.GetScheduleActivityTaskCommandAttributes(); scheduled != nil {
			scheduled.StartToCloseTimeout = durationpb.New(hurriedActivity * s.tale.pace)
			scheduled.RetryPolicy.InitialInterval = durationpb.New(hurriedRetry)
			scheduled.RetryPolicy.MaximumInterval = durationpb.New(hurriedRetry)
		}
	}
}

// witness sees every step that a worker takes.
type witness struct {
	interceptor.WorkerInterceptorBase

	mortal *mortal
}

// InterceptActivity is how the SDK asks.
func (w *witness) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &watchedStep{interceptor.ActivityInboundInterceptorBase{Next: next}, w.mortal}
}

type watchedStep struct {
	interceptor.ActivityInboundInterceptorBase

	mortal *mortal
}

// ExecuteActivity takes a step unless the worker is dead, or the story has it fail.
func (s *watchedStep) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	if s.mortal.isDead() || !info.IsLocalActivity && s.mortal.at(momentBegun) {
		return nil, errDead
	}
	if fail := s.mortal.scene.tale.fail; fail != nil && fail(info) {
		return nil, errors.New("the database is locked")
	}
	result, err := s.Next.ExecuteActivity(ctx, in)
	if release, is := result.(workflows.Release); is && err == nil && !release.Released {
		s.mortal.scene.refused.Store(true)
	}
	if !info.IsLocalActivity && time.Since(info.StartedTime) > hurriedActivity*s.mortal.scene.tale.pace*3/4 {
		s.mortal.scene.late.Store("a step took so long that it may have been taken twice")
	}
	if info.IsLocalActivity && s.mortal.at(momentStepped) {
		return nil, errDead
	}
	return result, err
}

// mortalNotices keep no record for the dead.
type mortalNotices struct {
	*store.Store

	mortal *mortal
}

// RecordDelivery keeps what became of an e-mail.
func (n mortalNotices) RecordDelivery(
	ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int, d emergency.Delivery,
) error {
	sent := d.State == emergency.DeliverySent
	if sent && n.mortal.at(momentMailed) || n.mortal.isDead() {
		n.mortal.scene.post.record(sent, false, event, round, d.Address)
		return errDead
	}
	err := n.Store.RecordDelivery(ctx, id, event, round, d)
	n.mortal.scene.post.record(sent, err == nil, event, round, d.Address)
	return err
}

// mortalMail takes nothing from the dead.
type mortalMail struct{ mortal *mortal }

// Send takes a message, unless the story has it fail.
func (t mortalMail) Send(_ context.Context, message notify.Message) (string, error) {
	if t.mortal.isDead() {
		return "", &notify.SendError{Reason: "nobody sends it", Err: errDead}
	}
	return t.mortal.scene.post.send(message)
}

// letterbox is the mail system of a scene.
type letterbox struct {
	mu sync.Mutex
	// tries and sent count e-mails by notice and recipient; of those sent, nobody lived to
	// record the lost ones.
	tries, sent, recorded, lost map[string]int
	// refuse decides on the nth try of a message; nil takes all.
	refuse func(message notify.Message, try int) error
}

func newLetterbox(refuse func(notify.Message, int) error) *letterbox {
	return &letterbox{tries: map[string]int{}, sent: map[string]int{}, recorded: map[string]int{}, lost: map[string]int{}, refuse: refuse}
}

func letterOf(event emergency.NoticeEvent, round int, to string) string {
	return fmt.Sprintf("%s/%d to %s", event, round, to)
}

func (p *letterbox) send(m notify.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	letter := letterOf(m.Event, m.Round, m.To)
	p.tries[letter]++
	if p.refuse != nil {
		if err := p.refuse(m, p.tries[letter]); err != nil {
			return "", err
		}
	}
	p.sent[letter]++
	return "", nil
}

func (p *letterbox) record(sent, done bool, event emergency.NoticeEvent, round int, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	letter := letterOf(event, round, to)
	switch {
	case sent && done:
		p.recorded[letter]++
	case sent:
		p.lost[letter]++
	}
}

// letters are those that went out: once each, and once more for each time that nobody
// lived to record it (S11). It also gives how many went out more than once.
func (p *letterbox) letters(t testing.TB) (letters []string, repeated int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for letter, times := range p.sent {
		letters = append(letters, letter)
		repeated += times - 1
		if p.recorded[letter] != 1 || times != 1+p.lost[letter] {
			t.Errorf("%s went out %d times, of which %d are on record and %d were cut off before that",
				letter, times, p.recorded[letter], p.lost[letter])
		}
	}
	slices.Sort(letters)
	return letters, repeated
}
