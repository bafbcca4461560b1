package store_test

import (
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// However many processes look at once, every call has one number and every number one
// agent, the oldest dials first, and everybody is told once.
func lateTwoProcesses(t *testing.T, w *world) {
	w.addSite(t, "us")
	stores := []*world{w, w.beside(t)}
	var calls []emergency.CallID
	for _, agent := range w.crowd(t, "us", 8) {
		calls = append(calls, w.dial(t, agent).ID)
		w.pass(time.Second)
	}
	w.slip(t, "us", numbers(5)...)
	atOnce(t, 4, func(i int) error { return failed("lease late", stores[i%2].LeaseLate(t.Context())) })
	w.leaseLate(t) // on PostgreSQL they may have passed over a number that another one gave up
	var shown []string
	for i, id := range calls {
		call := w.read(t, id)
		if late := i < 5; late != (call.NumberKind == emergency.NumberLeased) {
			t.Errorf("the %d. dial has the %s number", i+1, call.NumberKind)
		}
		if call.NumberKind == emergency.NumberLeased {
			shown = append(shown, call.Number)
		}
	}
	slices.Sort(shown)
	same(t, "the numbers", numbers(5), shown)
	if told := w.count(t, `SELECT COUNT(*) FROM outbox WHERE kind = 'number-leased'`); told != 5 {
		t.Errorf("the workflows are told %d times, want 5", told)
	}
}

// A call that is closed at the same moment either had the number and gave it back, or
// never had it.
func lateAsTheCallCloses(t *testing.T, w *world) {
	other := w.beside(t)
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	w.slip(t, "us", numbers(10)...)
	for i := range 10 {
		w.run(t, `UPDATE callback_numbers SET draining = TRUE`)
		call := w.hangUp(t, w.dial(t, "one").ID, "")
		has(t, call, standing, emergency.NumberStanding)
		w.run(t, `UPDATE callback_numbers SET draining = FALSE WHERE number = $1`, numbers(10)[i])
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return failed("lease late", other.LeaseLate(t.Context()))
			}
			_, err := w.CloseCall(t.Context(), call.ID, "completed")
			return failed("close call", err)
		})
		for _, query := range []string{
			`SELECT COUNT(*) FROM leases`, `SELECT COUNT(*) FROM lease_claims`, `SELECT COUNT(*) FROM routes`,
			`SELECT COUNT(*) FROM callback_numbers WHERE leased`,
		} {
			if left := w.count(t, query); left != 0 {
				t.Errorf("%s is %d after the call", query, left)
			}
		}
	}
}

// An agent who dials again at the same moment shows the number that the first call
// gets, or gets the one that it will hold too: never two (B2).
func lateAsTheAgentDials(t *testing.T, w *world) {
	other := w.beside(t)
	w.addSite(t, "us")
	for _, agent := range w.crowd(t, "us", 5) {
		w.wipe(t)
		w.addSite(t, "us")
		w.addAgents(t, "us", agent)
		before := w.dial(t, agent)
		w.slip(t, "us", first, second)
		p := w.placement(t, agent)
		var redial emergency.Call
		atOnce(t, 2, func(i int) (err error) {
			if i == 0 {
				return failed("lease late", other.LeaseLate(t.Context()))
			}
			redial, err = w.PlaceCall(t.Context(), p)
			return failed("place call", err)
		})
		has(t, redial, first, emergency.NumberLeased)
		w.leaseLate(t)
		w.hasLate(t, before.ID, first, emergency.NumberLeased)
		w.states(t, map[string]emergency.NumberState{first: leased, second: free})
	}
}
