package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// Whoever's presence is put right without a workflow is to be told outside, each once, and
// again when that happens again before it was told (B4, S11).
func remembersWhomToTellOutside(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "cancelled", "expired", "orphan", "served")
	w.finish(t, w.dial(t, "served").ID) // by its workflow, which tells
	w.dial(t, "expired")
	w.pass(agreed.MaxCall + agreed.Grace + agreed.Lease + emergency.OverdueSlack)
	w.expire(t)
	w.pass(time.Second)
	if _, _, err := w.CloseCancelled(t.Context(), w.dial(t, "cancelled").ID); err != nil {
		t.Fatal(err)
	}
	w.run(t, `DELETE FROM presence_claims WHERE leg_id = $1`, w.dial(t, "orphan").Legs[0].ID)
	w.pass(time.Second)
	w.orphans(t, emergency.Repair{Kind: emergency.RepairPresence, AgentID: "orphan"})
	was := w.untold(t, "expired", "cancelled", "orphan")
	w.pass(time.Second)
	if _, _, err := w.CloseCancelled(t.Context(), w.dial(t, "expired").ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, told := range was {
			if err := w.PresenceTold(t.Context(), told); err != nil {
				t.Fatal(err)
			}
		}
		w.untold(t, "expired")
	}
}

// untold checks whom an outside presence system has yet to hear of, in order.
func (w *world) untold(t tb, want ...emergency.AgentID) []store.Untold {
	t.Helper()
	untold, err := w.PresenceUntold(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var agents []emergency.AgentID
	for _, one := range untold {
		agents = append(agents, one.AgentID)
	}
	same(t, "whom to tell of", want, agents)
	return untold
}
