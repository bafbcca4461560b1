package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/relay"
	"lifeline/internal/store"
	"lifeline/workflows"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"
)

// rig is a database with an outbox, in a bubble where time passes only when
// everybody waits, and a Temporal that remembers what it was told.
type rig struct {
	*store.Store

	temporal *server
	log      *bytes.Buffer
	who      emergency.Caller
}

// inBubble runs a test with a rig of its own.
func inBubble(t *testing.T, test func(*testing.T, *rig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(filepath.Join(dir, "lifeline.db"), time.Now)
		if err == nil {
			err = db.Prepare(t.Context())
		}
		ok(t, err)
		defer func() { ok(t, db.Close()) }()
		r := &rig{Store: db, temporal: &server{}, log: &bytes.Buffer{}}
		site := emergency.Site{
			ID: "us-washington", Name: "Washington", Country: emergency.UnitedStates,
			Address: emergency.Address{Street: "1 Example Street", City: "Washington"}, StandingNumber: "+12025550199",
		}
		agent := emergency.Agent{ID: "agent-us", Name: "Avery Example", SiteID: site.ID, Endpoints: []string{"sip:avery@example.com"}}
		ok(t, errors.Join(only(r.PutSite(t.Context(), site, emergency.Change{})), only(r.PutAgent(t.Context(), agent, emergency.Change{}))))
		r.who, err = r.Caller(t.Context(), agent.ID)
		ok(t, err)
		test(t, r)
	})
}

// relay is one process's relay; it runs until the context ends.
func (r *rig) relay() *relay.Relay { return r.relayOf(r.Store) }

func (r *rig) relayOf(outbox relay.Outbox) *relay.Relay {
	return relay.New(outbox, r.temporal, time.Now, slog.New(slog.NewTextHandler(r.log, nil)))
}

// run starts relays; the function that it gives ends them and waits for that.
func run(t *testing.T, relays ...*relay.Relay) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, each := range relays {
		running.Go(func() { each.Run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func callID(n int) emergency.CallID { return emergency.CallID(fmt.Sprintf("call-%03d", n)) }

// dial places a call, which leaves the message that starts its workflow.
func (r *rig) dial(t *testing.T, n int) {
	t.Helper()
	_, err := r.PlaceCall(t.Context(), store.Placement{
		CallID: callID(n), LegID: emergency.LegID(fmt.Sprintf("dial-%03d", n)), Caller: r.who, At: time.Now(),
		Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates},
		Terms:  emergency.Terms{Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour},
	})
	ok(t, err)
}

// end hangs up, which leaves a message for each leg that was up.
func (r *rig) end(t *testing.T, n int) {
	t.Helper()
	_, err := r.EndLegs(t.Context(), store.Ending{CallID: callID(n), Reason: emergency.EndHungUp, At: time.Now(), Tell: true})
	ok(t, err)
}

// ring has the PSAP call the standing number, which belongs to the latest call.
func (r *rig) ring(t *testing.T, leg emergency.LegID) {
	t.Helper()
	decision, err := r.DecideInbound(t.Context(), store.Inbound{To: "+12025550199", From: "+12025550911", At: time.Now(), LegID: leg})
	ok(t, err)
	if decision.LegID != leg {
		t.Fatalf("the callback is answered with %v", decision)
	}
}

// left counts what is still in the outbox of a call.
func (r *rig) left(t *testing.T, n int) bool {
	t.Helper()
	_, found, err := r.NextMessage(t.Context(), callID(n))
	ok(t, err)
	return found
}

// told is something that Temporal was told.
type told struct {
	Workflow string
	// What is the workflow's type or the signal's name.
	What string
	Leg  emergency.LegID
	// Number is the one that was leased, the code of a refusal, or the event that was
	// acknowledged or came back.
	Number string
}

// server is a Temporal that remembers what it was told. Its answers are the test's.
type server struct {
	mu    sync.Mutex
	heard []told
	// options are those of the last start.
	options client.StartWorkflowOptions
	// answer decides on a message before it is heard; nil takes all.
	answer func(context.Context, told) error
	// after may still fail what has been heard: the answer was lost.
	after func(told) error
}

func (s *server) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	s.mu.Lock()
	s.options = o
	s.mu.Unlock()
	message := told{Workflow: o.ID, What: workflow.(string)}
	switch order := args[0].(type) {
	case emergency.Order:
		message.Leg = order.LegID
	case emergency.RefusedOrder:
		message.Number = string(order.Code)
	default:
		return nil, fmt.Errorf("a start with an order of type %T", order)
	}
	return nil, s.hear(ctx, message)
}

func (s *server) SignalWorkflow(ctx context.Context, id, run, name string, body any) error {
	if run != "" {
		return errors.New("a signal to one run would miss the workflow")
	}
	message := told{Workflow: id, What: name}
	switch body := body.(type) {
	case emergency.LegEnded:
		message.Leg = body.LegID
	case emergency.CallbackReceived:
		message.Leg = body.LegID
	case emergency.LateLease:
		message.Number = body.Number
	case emergency.CorrectedNumber:
		message.Number = body.Number
	case emergency.Acknowledged:
		message.Number = string(body.Event)
	case emergency.Undelivered:
		message.Number = string(body.Event)
	default:
		return fmt.Errorf("a signal with a body of type %T", body)
	}
	return s.hear(ctx, message)
}

func (s *server) hear(ctx context.Context, message told) error {
	if s.answer != nil {
		if err := s.answer(ctx, message); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.heard = append(s.heard, message)
	s.mu.Unlock()
	if s.after != nil {
		return s.after(message)
	}
	return nil
}

// of is what Temporal heard of one call.
func (s *server) of(n int) []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.heard), func(m told) bool { return m.Workflow != workflows.WorkflowID(callID(n)) })
}

// count is how much Temporal heard of all calls.
func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.heard)
}

// started, rung, leased, corrected and ended are what is told of a call, in the order of its life.
func started(n int) told {
	return told{Workflow: workflows.WorkflowID(callID(n)), What: workflows.Type, Leg: emergency.LegID(fmt.Sprintf("dial-%03d", n))}
}

func ended(n int, leg emergency.LegID) told {
	return told{Workflow: workflows.WorkflowID(callID(n)), What: workflows.SignalCallEnded, Leg: leg}
}

func rung(n int, leg emergency.LegID) told {
	return told{Workflow: workflows.WorkflowID(callID(n)), What: workflows.SignalCallbackReceived, Leg: leg}
}

func leased(n int, number string) told {
	return told{Workflow: workflows.WorkflowID(callID(n)), What: workflows.SignalNumberLeased, Number: number}
}

func corrected(n int, number string) told {
	return told{Workflow: workflows.WorkflowID(callID(n)), What: workflows.SignalNumberCorrected, Number: number}
}

// dialOf is the leg of a call's dial.
func dialOf(n int) emergency.LegID { return started(n).Leg }

// discreet checks that the log names nobody.
func (r *rig) discreet(t *testing.T) {
	t.Helper()
	for _, secret := range []string{"+1202", "agent-us", "Avery"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("%q stands in the log: %s", secret, r.log)
		}
	}
}

// letter is a message that is written by hand.
func letter(kind emergency.MessageKind, body any) emergency.Message {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return emergency.Message{Seq: 1, CallID: callID(1), Kind: kind, Body: encoded}
}

// same compares two things that should be alike.
func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// ok fails at an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// only is the error of something whose value does not matter.
func only[T any](_ T, err error) error { return err }
