package relay_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/serviceerror"
)

// A Temporal that does not answer holds up nobody for longer than a few seconds an
// attempt, and the relay ends with its context whatever is under way.
func TestHangingTemporal(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var attempts, underWay atomic.Int64
		r.temporal.answer = func(ctx context.Context, _ told) error {
			attempts.Add(1)
			underWay.Add(1)
			defer underWay.Add(-1)
			<-ctx.Done()
			time.Sleep(time.Second)
			return ctx.Err()
		}
		relay := r.relay()
		stop := run(t, relay)
		for n := range 30 {
			r.dial(t, n)
			relay.Wake(callID(n))
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if n := attempts.Load(); n < 30 {
			t.Errorf("there were %d attempts at 30 calls in 40 seconds", n)
		}
		begin := time.Now()
		stop()
		same(t, "the time until it ended", time.Second, time.Since(begin))
		same(t, "attempts still under way", 0, underWay.Load())
		for n := range 30 {
			same(t, "left in the outbox", true, r.left(t, n))
		}
	})
}

// Calls whose messages Temporal will not take do not keep others from being found.
func TestStuckCalls(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		for n := range 41 {
			r.dial(t, n)
		}
		r.temporal.answer = func(_ context.Context, m told) error {
			if m != started(40) {
				return serviceerror.NewInvalidArgument("no")
			}
			return nil
		}
		defer run(t, r.relay())()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "what Temporal heard", []told{started(40)}, r.temporal.of(40))
	})
}

// A database in trouble is no reason to stop.
func TestOutboxInTrouble(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		broken := &unreadable{Outbox: r.Store}
		broken.down.Store(true)
		defer run(t, r.relayOf(broken))()
		r.dial(t, 1)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "what Temporal heard", 0, r.temporal.count())
		broken.down.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		same(t, "what Temporal heard", []told{started(1)}, r.temporal.of(1))
	})
}
