package dial_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// A database that fails is told as that, and no relay is told of anything.
func TestRecordsFail(t *testing.T) {
	r := newRig(t)
	ok(t, r.store.Close())
	for name, ask := range requests(r.Desk) {
		if err := ask(t.Context()); err == nil {
			t.Errorf("%s goes well without a database", name)
		}
	}
	same(t, "calls that the relay was told of", 0, len(r.woken))
}

// requests are all that a desk can be asked.
func requests(desk *dial.Desk) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"a dial": func(ctx context.Context) error {
			_, err := desk.Place(ctx, emergency.DialRequest{AgentID: caller, DialedNumber: "911"})
			return err
		},
		"a dial with a key": func(ctx context.Context) error {
			_, err := desk.Place(ctx, emergency.DialRequest{AgentID: caller, DialedNumber: "911", IdempotencyKey: "key"})
			return err
		},
		"an end": func(ctx context.Context) error {
			_, err := desk.End(ctx, "call", "", "")
			return err
		},
		"a callback": func(ctx context.Context) error {
			_, err := desk.Inbound(ctx, number, "")
			return err
		},
	}
}

// No answer takes longer than the budget, whether the database never answers or hangs
// at the last moment; nor longer than whoever asks will wait. Nobody is told that
// such a dial was refused: it was not (B7, B10).
func TestBudget(t *testing.T) {
	for name, records := range map[string]hanging{"everything hangs": {}, "all but the caller hangs": {caller: callerOf(t)}} {
		for request := range requests(nil) {
			t.Run(name+"/"+request, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					desk := &dial.Desk{
						Records: records, Budget: 500 * time.Millisecond, Clock: time.Now,
						Wake:    func(emergency.CallID) { t.Error("the relay is told") },
						Refused: func(emergency.RefusedCall) { t.Error("a refusal is told") },
					}
					ask := requests(desk)[request]
					begin := time.Now()
					if err := ask(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the error is %v", err)
					}
					same(t, "the time until the answer", desk.Budget, time.Since(begin))
					hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					begin = time.Now()
					if err := ask(hurried); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("the error is %v", err)
					}
					same(t, "the time until the answer to somebody in a hurry", 100*time.Millisecond, time.Since(begin))
				})
			})
		}
	}
}

// callerOf is a caller who may call.
func callerOf(t *testing.T) *emergency.Caller {
	t.Helper()
	plan, err := offers.Compile()
	ok(t, err)
	return &emergency.Caller{Agent: avery, Site: washington, Routing: plan}
}

// hanging are records that do not answer, save perhaps with a caller.
type hanging struct{ caller *emergency.Caller }

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h hanging) Caller(ctx context.Context, _ emergency.AgentID) (emergency.Caller, error) {
	if h.caller == nil {
		return emergency.Caller{}, hang(ctx)
	}
	return *h.caller, ctx.Err()
}

func (hanging) Call(ctx context.Context, _ emergency.CallID) (emergency.Call, error) {
	return emergency.Call{}, hang(ctx)
}

func (hanging) PlaceCall(ctx context.Context, _ store.Placement) (emergency.Call, error) {
	return emergency.Call{}, hang(ctx)
}

func (hanging) EndLegs(ctx context.Context, _ store.Ending) (emergency.Call, error) {
	return emergency.Call{}, hang(ctx)
}

func (hanging) DecideInbound(ctx context.Context, _ store.Inbound) (emergency.Decision, error) {
	return emergency.Decision{}, hang(ctx)
}
