package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// However many transactions come through the gate, only so many compete for the
// database; the others follow one by one (B7).
func TestFewCompete(t *testing.T) {
	for _, most := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var competing atomic.Int64
			leave := make(chan struct{})
			gated := transactor(func(context.Context, func(session) error) error {
				competing.Add(1)
				<-leave
				competing.Add(-1)
				return nil
			}).atMost(most)
			const all = 10
			done := make(chan error, all)
			for range all {
				go func() { done <- gated(t.Context(), nil) }()
			}
			for left := all; left > 0; left-- {
				synctest.Wait()
				if got, want := int(competing.Load()), min(left, most); got != want {
					t.Errorf("with %d left, %d compete, want %d", left, got, want)
				}
				leave <- struct{}{}
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Whoever gives up at the gate is told so, and does not hold up the others; nor does
// one whose work fails or panics.
func TestGateIsLeftOpen(t *testing.T) {
	broken := errors.New("broken")
	gated := transactor(func(_ context.Context, work func(session) error) error { return work(nil) }).atMost(1)
	err := gated(t.Context(), func(session) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := gated(ctx, func(session) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("the error at the gate is %v, want context.Canceled", err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v, want the one of the work", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = gated(t.Context(), func(session) error { panic("in the middle") })
	}()
	if err := gated(t.Context(), func(session) error { return nil }); err != nil {
		t.Error(err)
	}
}

// What the relay and the workflows write goes through the gate, and what somebody
// waits for does not.
func TestWhoWaitsAtTheGate(t *testing.T) {
	j := newJotter(t)
	defer func() { _ = j.Close() }()
	reached := errors.New("past the gate")
	j.transact = func(context.Context, func(session) error) error { return reached }
	j.withBackground(1)
	at := errors.New("at the gate")
	j.background.transact = func(context.Context, func(session) error) error { return at }
	ctx := t.Context()
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"place call":        {func() error { _, err := j.PlaceCall(ctx, Placement{}); return err }, reached},
		"end of a request":  {func() error { _, err := j.EndLegs(ctx, Ending{Tell: true}); return err }, reached},
		"end of a workflow": {func() error { _, err := j.EndLegs(ctx, Ending{}); return err }, at},
		"set presence":      {func() error { _, err := j.SetPresence(ctx, "one", "available"); return err }, reached},
		"ensure lease":      {func() error { _, err := j.EnsureLease(ctx, "call"); return err }, at},
		"ensure route":      {func() error { return j.EnsureRoute(ctx, "call") }, at},
		"ensure override":   {func() error { return j.EnsureOverride(ctx, "call", "leg") }, at},
		"ensure restored":   {func() error { return j.EnsureRestored(ctx, "call") }, at},
		"close call":        {func() error { _, err := j.CloseCall(ctx, "call", "completed"); return err }, at},
		"delete message":    {func() error { return j.DeleteMessage(ctx, 1) }, at},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: the error is %v, want %v", name, err, c.want)
		}
	}
}
