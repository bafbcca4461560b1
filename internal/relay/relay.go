// Package relay carries the outbox to Temporal: it starts a call's workflow and
// sends its signals, in order per call, and forgets a message once Temporal has
// it. A message may be carried twice without harm, by this process or another.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// Outbox is what is waiting to be carried; package store implements it.
type Outbox interface {
	NextMessage(ctx context.Context, call emergency.CallID) (emergency.Message, bool, error)
	WaitingCalls(ctx context.Context, before time.Time, limit int) ([]emergency.CallID, error)
	DeleteMessage(ctx context.Context, seq int64) error
}

// Temporal is the part of a Temporal client that the relay needs.
type Temporal interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	SignalWorkflow(ctx context.Context, workflowID, runID, signalName string, arg any) error
}

const (
	// carriers is how many calls are carried side by side.
	carriers = 8
	// scanEvery is how often messages are looked for that nobody announced here:
	// those of a process that died, or that Temporal would not take.
	scanEvery = time.Second
	// leftBehind is how old a message must be before another process than the one
	// that wrote it carries it.
	leftBehind = 2 * time.Second
	// scanAtOnce is how many calls one look for such messages may find: so many that
	// some which Temporal will not take do not hide the others.
	scanAtOnce = 256
	// complainEvery is how often the log is told of what cannot be carried.
	complainEvery = 10 * time.Second
	// patience bounds one attempt to reach Temporal.
	patience = 5 * time.Second
)

// errUnknownKind is met when a newer version has written a message: it is left to
// that.
var errUnknownKind = errors.New("unknown kind of message")

// Relay carries messages until it is told to stop.
type Relay struct {
	outbox   Outbox
	temporal Temporal
	clock    func() time.Time
	log      *slog.Logger

	woken chan emergency.CallID
	mu    sync.Mutex
	// carrying holds the calls under way here; true means that a further message
	// was announced meanwhile.
	carrying map[emergency.CallID]bool
	// failures are those since complained, when the log was last told of one.
	failures   int
	complained time.Time
}

// New makes a relay; Run starts it.
func New(outbox Outbox, temporal Temporal, clock func() time.Time, log *slog.Logger) *Relay {
	return &Relay{
		outbox: outbox, temporal: temporal, clock: clock, log: log,
		woken: make(chan emergency.CallID, 1024), carrying: map[emergency.CallID]bool{},
	}
}

// Wake announces that a call has a message waiting. It never blocks: should too
// many be announced at once, the next scan finds the rest.
func (r *Relay) Wake(id emergency.CallID) {
	select {
	case r.woken <- id:
	default:
	}
}

// Run carries messages until the context ends, and returns when what is under way
// has ended too.
func (r *Relay) Run(ctx context.Context) {
	slots := make(chan struct{}, carriers)
	var busy sync.WaitGroup
	carry := func(id emergency.CallID) {
		if !r.begin(id) {
			return
		}
		slots <- struct{}{}
		busy.Go(func() {
			defer func() { <-slots }()
			for again := true; again; again = r.end(id) {
				r.carryCall(ctx, id)
			}
		})
	}
	scan := time.NewTicker(scanEvery)
	defer scan.Stop()
	for {
		select {
		case <-ctx.Done():
			busy.Wait()
			return
		case id := <-r.woken:
			carry(id)
		case <-scan.C:
			for _, id := range r.waiting(ctx) {
				carry(id)
			}
		}
	}
}

// begin is false when the call is under way already; it is then looked at again.
func (r *Relay) begin(id emergency.CallID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, busy := r.carrying[id]; busy {
		r.carrying[id] = true
		return false
	}
	r.carrying[id] = false
	return true
}

// end is true when the call must be looked at once more.
func (r *Relay) end(id emergency.CallID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.carrying[id] {
		r.carrying[id] = false
		return true
	}
	delete(r.carrying, id)
	return false
}

func (r *Relay) waiting(ctx context.Context) []emergency.CallID {
	ids, err := r.outbox.WaitingCalls(ctx, r.clock().Add(-leftBehind), scanAtOnce)
	if err != nil && ctx.Err() == nil {
		r.log.Warn("Cannot look into the outbox; trying again", "error", err)
	}
	return ids
}

// carryCall carries a call's messages in order. At the first that Temporal does
// not take it stops, and the next scan tries again.
func (r *Relay) carryCall(ctx context.Context, id emergency.CallID) {
	for ctx.Err() == nil {
		message, found, err := r.outbox.NextMessage(ctx, id)
		if err == nil && !found {
			return
		}
		if err == nil {
			err = r.carry(ctx, message)
		}
		if err == nil {
			err = r.outbox.DeleteMessage(ctx, message.Seq)
		}
		if err != nil {
			if ctx.Err() == nil {
				r.complain(id, err)
			}
			return
		}
	}
}

// complain tells of trouble, but not of all: while Temporal is down, every call that
// waits meets it every second.
func (r *Relay) complain(id emergency.CallID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures++
	if now := r.clock(); now.Sub(r.complained) >= complainEvery {
		r.log.Warn("A message could not be carried to Temporal; trying again", "callId", id, "error", err, "failures", r.failures)
		r.complained, r.failures = now, 0
	}
}

// carry brings one message to Temporal. That it has come there before is as good
// as done.
func (r *Relay) carry(ctx context.Context, m emergency.Message) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	switch m.Kind {
	case emergency.MessagePlaced:
		err = r.startCall(ctx, m, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)
	case emergency.MessageResumed:
		err = r.startCall(ctx, m, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
	case emergency.MessageRefused:
		err = r.startRefusal(ctx, m)
	case emergency.MessageCallEnded:
		err = signal[emergency.LegEnded](ctx, r.temporal, m, workflows.SignalCallEnded)
	case emergency.MessageCallbackReceived:
		err = signal[emergency.CallbackReceived](ctx, r.temporal, m, workflows.SignalCallbackReceived)
	case emergency.MessageNumberLeased:
		err = signal[emergency.LateLease](ctx, r.temporal, m, workflows.SignalNumberLeased)
	case emergency.MessageNumberCorrected:
		err = signal[emergency.CorrectedNumber](ctx, r.temporal, m, workflows.SignalNumberCorrected)
	case emergency.MessageAcknowledged:
		err = r.acknowledge(ctx, m)
	case emergency.MessageUndelivered:
		err = r.undelivered(ctx, m)
	default:
		err = errUnknownKind
	}
	if err != nil {
		return fmt.Errorf("carry %s: %w", m.Kind, err)
	}
	return nil
}

// startCall begins a call's workflow. A closed one is begun again only when it was closed
// before its time.
func (r *Relay) startCall(ctx context.Context, m emergency.Message, reuse enumspb.WorkflowIdReusePolicy) error {
	order, err := decode[emergency.Order](m)
	if err != nil {
		return err
	}
	return r.start(ctx, client.StartWorkflowOptions{
		ID:                    workflows.WorkflowID(m.CallID),
		WorkflowIDReusePolicy: reuse,
		TypedSearchAttributes: workflows.InitialSearchAttributes(order),
		StaticSummary:         workflows.Summary(order),
	}, workflows.Type, order)
}

// startRefusal begins the workflow that tells people of a dial that failed (B10).
func (r *Relay) startRefusal(ctx context.Context, m emergency.Message) error {
	order, err := decode[emergency.RefusedOrder](m)
	if err != nil {
		return err
	}
	return r.start(ctx, client.StartWorkflowOptions{
		ID:                    workflows.RefusalWorkflowID(m.CallID),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: workflows.RefusalSearchAttributes(order),
		StaticSummary:         workflows.RefusalSummary(order),
	}, workflows.RefusalType, order)
}

// start begins a workflow, or joins the one that runs.
func (r *Relay) start(ctx context.Context, options client.StartWorkflowOptions, workflow string, order any) error {
	options.TaskQueue = workflows.TaskQueue
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	_, err := r.temporal.ExecuteWorkflow(ctx, options, workflow, order)
	if _, begun := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); begun {
		return nil
	}
	return err //nolint:wrapcheck // carry wraps
}

// signal sends a message that a call's running workflow understands. A workflow that
// has closed needs it no more: its call is over, whatever the message says.
func signal[Body any](ctx context.Context, t Temporal, m emergency.Message, name string) error {
	body, err := decode[Body](m)
	if err != nil {
		return err
	}
	_, err = reach(ctx, t, workflows.WorkflowID(m.CallID), name, body)
	return err
}

// acknowledge tells that somebody has seen a notice (B9). It may be a call's or a
// refused dial's: an escalation does not say which, so both are tried.
func (r *Relay) acknowledge(ctx context.Context, m emergency.Message) error {
	body, err := decode[emergency.Acknowledged](m)
	if err != nil {
		return err
	}
	if body.Event != emergency.NoticeFailed {
		if reached, err := reach(ctx, r.temporal, workflows.WorkflowID(m.CallID), workflows.SignalAcknowledged, body); reached || err != nil {
			return err
		}
	}
	if body.Event != emergency.NoticeFailed && body.Event != emergency.NoticeEscalated {
		return nil
	}
	_, err = reach(ctx, r.temporal, workflows.RefusalWorkflowID(m.CallID), workflows.SignalAcknowledged, body)
	return err
}

// undelivered tells that every e-mail with a first notice has come back (B9).
func (r *Relay) undelivered(ctx context.Context, m emergency.Message) error {
	body, err := decode[emergency.Undelivered](m)
	if err != nil {
		return err
	}
	workflow := workflows.WorkflowID(m.CallID)
	if body.Event == emergency.NoticeFailed {
		workflow = workflows.RefusalWorkflowID(m.CallID)
	}
	_, err = reach(ctx, r.temporal, workflow, workflows.SignalUndelivered, body)
	return err
}

// reach signals a workflow; false says that none runs.
func reach(ctx context.Context, t Temporal, workflow, name string, body any) (bool, error) {
	err := t.SignalWorkflow(ctx, workflow, "", name, body)
	if _, closed := errors.AsType[*serviceerror.NotFound](err); closed {
		return false, nil
	}
	return err == nil, err //nolint:wrapcheck // carry wraps
}

func decode[Body any](m emergency.Message) (Body, error) {
	var body Body
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return body, fmt.Errorf("decode message: %w", err)
	}
	return body, nil
}
