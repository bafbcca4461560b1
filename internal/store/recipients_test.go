package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// The lists of a large site go out in as few statements as those of a small one: whoever
// dials waits for each (B7).
func TestManyRecipientsInFewStatements(t *testing.T) {
	w := newWorld(t, sqlite)
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	var many strings.Builder
	for i := range 50 {
		fmt.Fprintf(&many, "desk-%d@example.com;", i)
	}
	w.contact(t, "one", "desk@example.org")
	w.contact(t, "two", many.String())
	statements := func(agent emergency.AgentID) int {
		p, count := w.placement(t, agent), 0
		w.Watch(func(string, []any) { count++ })
		w.place(t, p)
		return count
	}
	few := statements("one")
	w.Store = openStore(t, w.address, w.clock.read)
	if got := statements("two"); got != few {
		t.Errorf("50 are told in %d statements, one in %d", got, few)
	}
}

// counted counts whom the first notice of an event has reached, and whom it never will.
func (w *world) counted(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent) (sent, failed int, err error) {
	deliveries, err := w.Deliveries(ctx, id, event, 0)
	for _, delivery := range deliveries {
		switch {
		case delivery.State.Arrived():
			sent++
		case delivery.State != emergency.DeliveryQueued:
			failed++
		}
	}
	return sent, failed, err
}
