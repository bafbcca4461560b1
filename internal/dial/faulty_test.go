package dial_test

import (
	"context"
	"errors"
	"sync"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// errDown is what a database says that is not there.
var errDown = errors.New("connection refused")

// trouble is what becomes of a request to SQL: with nil it is answered.
type trouble func(ctx context.Context) error

// down answers with an error at once.
func down(context.Context) error { return errDown }

// hang does not answer at all.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// faulty are records between which and the desk something may go wrong, before SQL does
// what it is asked to, or after it.
type faulty struct {
	*store.Store

	mu            sync.Mutex
	before, after map[string]trouble
}

// every is for all requests that have no trouble of their own.
const every = ""

// breaks has all requests fail, or with nil works again.
func (f *faulty) breaks(how trouble) { f.breaksAt(every, how, nil) }

// breaksAt has one request fail before or after SQL has done it.
func (f *faulty) breaksAt(request string, before, after trouble) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = map[string]trouble{request: before}, map[string]trouble{request: after}
}

func (f *faulty) meet(ctx context.Context, troubles func() map[string]trouble, request string) error {
	f.mu.Lock()
	how, is := troubles()[request]
	if !is {
		how = troubles()[every]
	}
	f.mu.Unlock()
	if how == nil {
		return nil
	}
	return how(ctx)
}

// with does a request, unless something goes wrong.
func with[T any](ctx context.Context, f *faulty, request string, do func() (T, error)) (T, error) {
	var none T
	if err := f.meet(ctx, func() map[string]trouble { return f.before }, request); err != nil {
		return none, err
	}
	done, err := do()
	if err != nil {
		return none, err
	}
	return done, f.meet(ctx, func() map[string]trouble { return f.after }, request)
}

func (f *faulty) Ping(ctx context.Context) error {
	_, err := with(ctx, f, "ping", func() (int, error) { return 0, f.Store.Ping(ctx) })
	return err
}

func (f *faulty) Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error) {
	return with(ctx, f, "caller", func() (emergency.Caller, error) { return f.Store.Caller(ctx, id) })
}

func (f *faulty) Call(ctx context.Context, id emergency.CallID) (emergency.Call, error) {
	return with(ctx, f, "call", func() (emergency.Call, error) { return f.Store.Call(ctx, id) })
}

func (f *faulty) PlaceCall(ctx context.Context, p store.Placement) (emergency.Call, error) {
	return with(ctx, f, "place", func() (emergency.Call, error) { return f.Store.PlaceCall(ctx, p) })
}

func (f *faulty) EndLegs(ctx context.Context, e store.Ending) (emergency.Call, error) {
	return with(ctx, f, "end", func() (emergency.Call, error) { return f.Store.EndLegs(ctx, e) })
}

func (f *faulty) DecideInbound(ctx context.Context, in store.Inbound) (emergency.Decision, error) {
	return with(ctx, f, "inbound", func() (emergency.Decision, error) { return f.Store.DecideInbound(ctx, in) })
}

func (f *faulty) KeepCallback(ctx context.Context, a store.Answered) error {
	_, err := with(ctx, f, "callback", func() (int, error) { return 0, f.Store.KeepCallback(ctx, a) })
	return err
}

func (f *faulty) RefuseCall(ctx context.Context, refused emergency.RefusedCall, plan emergency.NoticePlan) error {
	_, err := with(ctx, f, "refuse", func() (int, error) { return 0, f.Store.RefuseCall(ctx, refused, plan) })
	return err
}

func (f *faulty) LastEvent(ctx context.Context) (int64, error) {
	return with(ctx, f, "last event", func() (int64, error) { return f.Store.LastEvent(ctx) })
}

func (f *faulty) Events(ctx context.Context, after int64, limit int) ([]emergency.Event, error) {
	return with(ctx, f, "events", func() ([]emergency.Event, error) { return f.Store.Events(ctx, after, limit) })
}
