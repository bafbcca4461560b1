package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// concurrencyRules are about several requests at the same moment, in one process
// and in two: a Store of its own stands for the other process.
var concurrencyRules = []rule{
	{"never two on one number", neverTwoOnOneNumber},
	{"as many callers as numbers", asManyCallersAsNumbers},
	{"one agent dials twice", oneAgentDialsTwice},
	{"one dial arrives twice", oneDialArrivesTwice},
	{"one callback arrives twice", oneCallbackArrivesTwice},
	{"two legs end", twoLegsEnd},
	{"a callback as the window closes", callbackAsTheWindowCloses},
	{"two look for overdue calls", twoLookForOverdueCalls},
	{"a dial as its number is removed", dialAsItsNumberIsRemoved},
}

// atOnce runs jobs side by side, and fails the test for each that fails.
func atOnce(t *testing.T, count int, job func(i int) error) {
	t.Helper()
	var (
		ready = make(chan struct{})
		done  sync.WaitGroup
		errs  = make([]error, count)
	)
	for i := range count {
		done.Go(func() {
			<-ready
			errs[i] = job(i)
		})
	}
	close(ready)
	done.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("job %d: %v", i, err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// failed says what a job was doing when it failed; nil when it did not.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// crowd adds agents of a site.
func (w *world) crowd(t *testing.T, site emergency.SiteID, count int) []emergency.AgentID {
	t.Helper()
	ids := make([]emergency.AgentID, count)
	for i := range ids {
		ids[i] = emergency.AgentID(fmt.Sprintf("agent-%02d", i))
	}
	w.addAgents(t, site, ids...)
	return ids
}

// numbers are as many callback numbers.
func numbers(count int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprintf("+120255501%02d", i)
	}
	return all
}

// holders watches from outside who holds which number.
type holders struct {
	mu   sync.Mutex
	held map[string]emergency.AgentID
}

func (h *holders) take(number string, agent emergency.AgentID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if other, taken := h.held[number]; taken {
		return fmt.Errorf("%s and %s both hold %s", other, agent, number)
	}
	h.held[number] = agent
	return nil
}

func (h *holders) drop(number string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, number)
}

// However many agents call and hang up at once on a small pool without
// quarantine: two never hold one number, and every call has something to show (B5).
func neverTwoOnOneNumber(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(3)...)
	agents := w.crowd(t, "us", 12)
	stores := []*world{w, w.beside(t)}
	h := holders{held: map[string]emergency.AgentID{}}
	placements := make([][]store.Placement, len(agents))
	for i, agent := range agents {
		for range 5 {
			p := w.placement(t, agent)
			p.Terms.Quarantine = 0
			placements[i] = append(placements[i], p)
		}
	}
	var leases atomic.Int64
	atOnce(t, len(agents), func(i int) error {
		s := stores[i%2]
		for _, p := range placements[i] {
			call, err := s.PlaceCall(t.Context(), p)
			if err != nil {
				return failed("place call", err)
			}
			if call.NumberKind == emergency.NumberLeased {
				leases.Add(1)
				if err := h.take(call.Number, agents[i]); err != nil {
					return err
				}
			}
			if _, err := s.EndLegs(t.Context(), store.Ending{CallID: call.ID}); err != nil {
				return failed("end legs", err)
			}
			if call.NumberKind == emergency.NumberLeased {
				h.drop(call.Number)
			}
			if _, err := s.CloseCall(t.Context(), call.ID, "completed"); err != nil {
				return failed("close call", err)
			}
		}
		return nil
	})
	if leases.Load() < 3 {
		t.Errorf("only %d calls had a number of the pool", leases.Load())
	}
	w.states(t, map[string]emergency.NumberState{numbers(3)[0]: free, numbers(3)[1]: free, numbers(3)[2]: free})
	for _, agent := range agents {
		w.shows(t, agent, emergency.StatusAvailable)
	}
}

// A pool that is just big enough is enough, also for all at the same moment (B5).
func asManyCallersAsNumbers(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(10)...)
	agents := w.crowd(t, "us", 10)
	stores := []*world{w, w.beside(t)}
	placements := make([]store.Placement, len(agents))
	for i, agent := range agents {
		placements[i] = w.placement(t, agent)
	}
	h := holders{held: map[string]emergency.AgentID{}}
	atOnce(t, len(agents), func(i int) error {
		call, err := stores[i%2].PlaceCall(t.Context(), placements[i])
		if err != nil {
			return failed("place call", err)
		}
		if call.NumberKind != emergency.NumberLeased {
			return fmt.Errorf("%s has the %s number", agents[i], call.NumberKind)
		}
		return h.take(call.Number, agents[i])
	})
}

// An agent who dials at two desks at once shows one number (B2).
func oneAgentDialsTwice(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(4)...)
	w.addAgents(t, "us", "one")
	stores := []*world{w, w.beside(t)}
	placements := make([]store.Placement, 6)
	for i := range placements {
		placements[i] = w.placement(t, "one")
	}
	calls := make([]emergency.Call, len(placements))
	atOnce(t, len(placements), func(i int) (err error) {
		calls[i], err = stores[i%2].PlaceCall(t.Context(), placements[i])
		return failed("place call", err)
	})
	for _, call := range calls {
		has(t, call, calls[0].Number, emergency.NumberLeased)
		if call.PresenceBefore != emergency.StatusAvailable {
			t.Errorf("a call goes back to %q", call.PresenceBefore)
		}
	}
	if leases := w.count(t, `SELECT COUNT(*) FROM leases`); leases != 1 {
		t.Errorf("there are %d leases, want 1", leases)
	}
	for _, call := range calls {
		w.finish(t, call.ID)
	}
	w.shows(t, "one", emergency.StatusAvailable)
}

// A dial that is repeated before it was answered is one call, and nobody is shown
// an error (B7).
func oneDialArrivesTwice(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(4)...)
	w.addAgents(t, "us", "one")
	stores := []*world{w, w.beside(t)}
	p := w.placement(t, "one")
	calls := make([]emergency.Call, 6)
	atOnce(t, len(calls), func(i int) (err error) {
		again := p
		again.LegID = emergency.LegID(fmt.Sprint("try-", i))
		calls[i], err = stores[i%2].PlaceCall(t.Context(), again)
		return failed("place call", err)
	})
	for _, call := range calls {
		same(t, "the answer", w.read(t, p.CallID), call)
	}
	if messages := w.messages(t, p.CallID); len(messages) != 1 {
		t.Errorf("the workflow is ordered %d times", len(messages))
	}
}

// A carrier that asks two processes about one callback opens one leg (S5).
func oneCallbackArrivesTwice(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.hangUp(t, w.dial(t, "one").ID, "")
	stores := []*world{w, w.beside(t)}
	decisions := make([]emergency.Decision, 6)
	atOnce(t, len(decisions), func(i int) (err error) {
		decisions[i], err = stores[i%2].DecideInbound(t.Context(), store.Inbound{
			To: first, From: "+12025550911", At: noon, LegID: emergency.LegID(fmt.Sprint("callback-", i)),
		})
		return failed("decide inbound", err)
	})
	for _, decision := range decisions {
		same(t, "the decision", decisions[0], decision)
	}
	if legs := len(w.read(t, call.ID).Legs); legs != 2 {
		t.Errorf("there are %d legs, want 2", legs)
	}
}

// Two legs that end at the same moment restore presence once (B4).
func twoLegsEnd(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	stores := []*world{w, w.beside(t)}
	calls := []emergency.Call{w.dial(t, "one"), w.dial(t, "one")}
	before, err := w.Presence(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	atOnce(t, 4, func(i int) error {
		_, err := stores[i%2].EndLegs(t.Context(), store.Ending{CallID: calls[i/2].ID, Tell: true})
		return failed("end legs", err)
	})
	after, err := w.Presence(t.Context(), "one")
	if err != nil || after.Status != emergency.StatusAvailable || after.Revision != before.Revision+1 {
		t.Errorf("the agent shows %+v after %+v, %v", after, before, err)
	}
}

// A callback at the very end of the window either has the agent and the number, or
// neither: it never rings an agent on a number that is being given away (B1).
func callbackAsTheWindowCloses(t *testing.T, w *world) {
	other := w.beside(t)
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	for range 10 {
		w.pass(agreed.Quarantine)
		call := w.hangUp(t, w.dial(t, "one").ID, "")
		in := store.Inbound{To: first, At: w.clock.read(), LegID: emergency.LegID("back-" + string(call.ID))}
		var (
			closed   bool
			decision emergency.Decision
		)
		atOnce(t, 2, func(i int) (err error) {
			if i == 0 {
				closed, err = w.CloseCall(t.Context(), call.ID, "completed")
				return failed("close call", err)
			}
			decision, err = other.DecideInbound(t.Context(), in)
			return failed("decide inbound", err)
		})
		if connected := decision.Verdict == emergency.ConnectAgent; connected == closed {
			t.Fatalf("connected %v and closed %v", connected, closed)
		}
		if !closed {
			w.states(t, map[string]emergency.NumberState{first: leased})
			w.finish(t, call.ID)
		}
		w.states(t, map[string]emergency.NumberState{first: resting})
		w.shows(t, "one", emergency.StatusAvailable)
	}
}

// Two processes that look for overdue calls end each of them once.
func twoLookForOverdueCalls(t *testing.T, w *world) {
	w.addSite(t, "us", numbers(5)...)
	stores := []*world{w, w.beside(t)}
	var last emergency.Call
	for _, agent := range w.crowd(t, "us", 5) {
		last = w.dial(t, agent)
	}
	w.clock.set(last.ExpiresAt())
	atOnce(t, 4, func(i int) error { return stores[i%2].ExpireOverdue(t.Context()) })
	if audits := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'call-closed'`); audits != 5 {
		t.Errorf("the audit has %d lines, want 5", audits)
	}
	if closed := w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'call-closed'`); closed != 5 {
		t.Errorf("%d ends are told, want 5", closed)
	}
}

// A number that is removed while somebody dials either stays until that call is
// over, or was never shown (B5).
func dialAsItsNumberIsRemoved(t *testing.T, w *world) {
	other := w.beside(t)
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	for range 10 {
		if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); err != nil {
			t.Fatal(err)
		}
		p := w.placement(t, "one")
		var call emergency.Call
		atOnce(t, 2, func(i int) (err error) {
			if i == 0 {
				call, err = w.PlaceCall(t.Context(), p)
				return failed("place call", err)
			}
			return other.RemoveNumber(t.Context(), first, emergency.Change{})
		})
		if call.NumberKind == emergency.NumberLeased {
			w.states(t, map[string]emergency.NumberState{first: draining})
			if got := w.offer(t, first); got.CallID != call.ID {
				t.Errorf("a callback gives %+v", got)
			}
		}
		w.finish(t, call.ID)
		w.pass(agreed.Quarantine)
		w.states(t, map[string]emergency.NumberState{})
	}
}

// A dial waits for nobody else's: on PostgreSQL it passes over a number that
// somebody is about to take (B7). SQLite has one writer at a time.
func TestDialPassesOverANumberInUse(t *testing.T) {
	w := newWorld(t, postgres)
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	other, err := w.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback() //nolint:errcheck // it changes nothing
	if _, err := other.ExecContext(t.Context(), `SELECT 1 FROM callback_numbers WHERE number = $1 FOR UPDATE`, first); err != nil {
		t.Fatal(err)
	}
	p := w.placement(t, "one")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a dial that waits would do so for ever
	defer cancel()
	call, err := w.PlaceCall(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	has(t, call, second, emergency.NumberLeased)
}
