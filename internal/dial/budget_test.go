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

// No answer takes longer than the budget, whatever the database does; nor longer
// than whoever asks will wait (B7).
func TestBudget(t *testing.T) {
	for name := range requests(nil) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				desk := &dial.Desk{
					Records: hanging{}, Budget: 500 * time.Millisecond, Clock: time.Now,
					Wake: func(emergency.CallID) { t.Error("the relay is told") },
				}
				ask := requests(desk)[name]
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

// hanging are records that do not answer.
type hanging struct{}

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (hanging) Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error) {
	if ctx.Err() != nil {
		return emergency.Caller{}, ctx.Err()
	}
	return emergency.Caller{Agent: emergency.Agent{ID: id}, Site: emergency.Site{Country: emergency.UnitedStates}}, nil
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
