package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// eraseRules are about calls that are over for long (B14).
var eraseRules = []rule{
	{"leaves nothing behind", erasesAll},
	{"leaves what a regulator may ask", eraseLeavesTheAudit},
	{"leaves what is of use", eraseLeavesWhatIsOfUse},
	{"beside a workflow that is late", eraseBesideWorkflow},
	{"keeps counting events", eraseKeepsCountingEvents},
	{"tells erased from unknown", erasedIsNotUnknown},
	{"several at once", eraseAtOnce},
}

// erase erases what was closed before a time, and checks how many calls that are.
func (w *world) erase(t tb, before time.Time, want int) {
	t.Helper()
	got, err := w.EraseCalls(t.Context(), before)
	if err != nil || got != want {
		t.Errorf("%d calls are erased, want %d, %v", got, want, err)
	}
}

// longOver is a call with all that one can have, which was closed a day ago.
func (w *world) longOver(t *testing.T, agent emergency.AgentID) emergency.Call {
	t.Helper()
	w.addSite(t, "us", first)
	w.addAgents(t, "us", agent)
	w.contact(t, agent, "desk@example.com; night@example.org")
	call := w.dial(t, agent)
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.mailed(t, "e-1", call.ID, "desk@example.com", emergency.DeliveryDelivered, true)
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	w.pass(5 * time.Minute)
	w.hangUp(t, call.ID, "")
	w.offer(t, call.Number)
	w.pass(2 * time.Minute)
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "desk@example.com",
		emergency.Acknowledgement{At: w.clock.read(), By: "desk@example.com", First: true})
	w.finish(t, call.ID)
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "night@example.org",
		emergency.Acknowledgement{At: w.clock.read(), By: "desk@example.com"})
	w.pass(24 * time.Hour)
	return call
}

// holds counts the rows of a table in which a text stands.
func (w *world) holds(t *testing.T, table, where, text string) int {
	t.Helper()
	var stands []string
	for _, column := range w.columns(t, table) {
		stands = append(stands, "CAST("+column+" AS TEXT) LIKE $1")
	}
	return w.count(t, "SELECT COUNT(*) FROM "+table+" WHERE "+where+" AND ("+strings.Join(stands, " OR ")+")", "%"+text+"%")
}

// Nothing is left that has the call's ID, or that of a leg of it, but the audit, which
// names no leg. What does not belong to the call stays.
func erasesAll(t *testing.T, w *world) {
	call := w.longOver(t, "one")
	other := w.dial(t, "one")
	w.run(t, `INSERT INTO early_ends (call_id, leg_id, agent_id, reason, ended_at, kept_at) VALUES ($1, '', 'one', '', $2, $2)`, call.ID, noon)
	w.erase(t, w.clock.read(), 1)
	for _, table := range tables {
		for _, text := range []string{string(call.ID), string(call.Legs[0].ID)} {
			where := "1 = 1"
			if table == "audit" && text == string(call.ID) {
				where = "action NOT IN ('call-closed', 'call-erased', 'notice-acknowledged')"
			}
			if left := w.holds(t, table, where, text); left != 0 {
				t.Errorf("%d rows of %s have %s", left, table, text)
			}
		}
	}
	same(t, "the other call", other, w.read(t, other.ID))
	w.states(t, map[string]emergency.NumberState{first: emergency.NumberInLease})
	w.erase(t, w.clock.read(), 0)
}

// The audit keeps when the call was, where, what became of it, how long it was, and how
// many were told; but neither who nor what number.
func eraseLeavesTheAudit(t *testing.T, w *world) {
	call := w.longOver(t, "agent-x7")
	w.erase(t, w.clock.read(), 1)
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'call-erased' AND call_id = $1 AND country = 'US' AND kind = 'emergency'
		AND outcome = 'acknowledged' AND dialed_at = $2 AND legs = 2 AND callbacks = 1 AND seconds = 420 AND told = 2 AND at = $3`,
		call.ID, call.DialedAt, w.clock.read()); lines != 1 {
		t.Errorf("the audit has %d such lines, want 1", lines)
	}
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE call_id <> ''`); lines != 3 {
		t.Errorf("the audit has %d lines about the call, want 3", lines)
	}
	for _, person := range []string{"agent-x7", "Agent ", "sip:", "@", "202555", "911", "Example Street"} {
		if left := w.holds(t, "audit", "call_id <> ''", person); left != 0 {
			t.Errorf("%q stands in %d lines of the audit about calls", person, left)
		}
	}
}

// What is open or was closed lately stays, and so does a call of which somebody has yet
// to be told, or whose number still rests. None of them keeps the others from going.
func eraseLeavesWhatIsOfUse(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com")
	untold := w.dial(t, "one")
	w.finish(t, untold.ID)
	p := w.placement(t, "one")
	p.Terms.Quarantine = 48 * time.Hour
	resting := w.place(t, p)
	w.finish(t, resting.ID)
	gone := w.dial(t, "one")
	w.finish(t, gone.ID)
	for _, told := range []emergency.CallID{resting.ID, gone.ID} {
		w.record(t, told, "desk@example.com", emergency.DeliverySent)
	}
	open := w.dial(t, "one")
	w.pass(24 * time.Hour)
	before := w.clock.read()
	late := w.dial(t, "one")
	w.finish(t, late.ID)
	w.erase(t, before, 1)
	for _, kept := range []emergency.CallID{untold.ID, resting.ID, open.ID, late.ID} {
		w.read(t, kept)
	}
	w.pass(24 * time.Hour)
	w.run(t, `UPDATE deliveries SET state = 'sent' WHERE call_id = $1`, untold.ID)
	w.erase(t, before, 2)
}

// A workflow that is late with a call finds that there is nothing left to do, and so does
// whoever comes back to it: the reader of a notice, the mail system, and the spool, in
// which the dial may have been left (S11).
func eraseBesideWorkflow(t *testing.T, w *world) {
	call := w.longOver(t, "one")
	p := w.placement(t, "one")
	p.CallID, p.Warnings = call.ID, []emergency.CheckCode{emergency.CheckCountriesDiffer}
	w.erase(t, w.clock.read(), 1)
	ctx := t.Context()
	for step, err := range map[string]error{
		"lease":            only(w.EnsureLease(ctx, call.ID)),
		"route":            w.EnsureRoute(ctx, call.ID),
		"do not disturb":   w.EnsureOverride(ctx, call.ID, call.Legs[0].ID),
		"presence as ever": w.EnsureRestored(ctx, call.ID),
		"end":              only(w.EndLegs(ctx, store.Ending{CallID: call.ID})),
		"release":          only(w.CloseCall(ctx, call.ID, "completed")),
		"notice":           w.EnsureNotice(ctx, call.ID, emergency.NoticePlaced, 0),
		"delivery":         w.RecordDelivery(ctx, call.ID, emergency.NoticePlaced, 0, emergency.Delivery{Address: "desk@example.com"}),
	} {
		if !errors.Is(err, emergency.ErrUnknownCall) {
			t.Errorf("%s: %v, want ErrUnknownCall", step, err)
		}
	}
	if _, _, err := w.Notice(ctx, call.ID, emergency.NoticePlaced, 0); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the notice: %v, want ErrUnknownCall", err)
	}
	if _, err := w.Acknowledge(ctx, linkFor(call.ID, emergency.NoticePlaced, 0, "desk@example.com"), noon); !errors.Is(err, emergency.ErrUnknownNotice) {
		t.Errorf("an acknowledgement: %v, want ErrUnknownNotice", err)
	}
	w.mailed(t, "e-9", call.ID, "desk@example.com", emergency.DeliveryBounced, false)
	for range 2 {
		w.place(t, p)
		w.finish(t, call.ID)
		w.run(t, `UPDATE deliveries SET state = 'sent'`)
		w.pass(24 * time.Hour)
		w.erase(t, w.clock.read(), 1)
	}
}

// The stream of events goes on from where it was, and the last event names nobody.
func eraseKeepsCountingEvents(t *testing.T, w *world) {
	call := w.longOver(t, "one")
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.erase(t, w.clock.read(), 1)
	if now, err := w.LastEvent(t.Context()); err != nil || now != last {
		t.Errorf("the last event is %d, %v, want %d", now, err, last)
	}
	events := w.since(t, last-1)
	if len(events) != 1 {
		t.Fatalf("the events are %+v", events)
	}
	same(t, "the last event", emergency.Event{Seq: last, Type: events[0].Type, Kind: call.Kind, At: events[0].At}, events[0])
	for _, event := range w.since(t, 0) {
		if event.CallID == call.ID {
			t.Errorf("there is %+v", event)
		}
	}
}

// A call that was erased is known as one: its ID never becomes that of another.
func erasedIsNotUnknown(t *testing.T, w *world) {
	call := w.longOver(t, "one")
	w.erase(t, w.clock.read(), 1)
	if _, err := w.Call(t.Context(), call.ID); !errors.Is(err, emergency.ErrErasedCall) || !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrErasedCall", err)
	}
	if _, err := w.Call(t.Context(), "no-such-call"); !errors.Is(err, emergency.ErrUnknownCall) || errors.Is(err, emergency.ErrErasedCall) {
		t.Errorf("the error is %v, want ErrUnknownCall alone", err)
	}
}

// Several processes erase beside each other, and beside somebody who reads his mail late:
// each call goes once.
func eraseAtOnce(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com")
	var links []emergency.NoticeLink
	for range 8 {
		call := w.dial(t, "one")
		w.finish(t, call.ID)
		links = append(links, linkFor(call.ID, emergency.NoticePlaced, 0, "desk@example.com"))
	}
	w.pass(24 * time.Hour)
	stores := []*world{w, w.beside(t)}
	counts := make([]int, 12)
	atOnce(t, len(counts), func(i int) (err error) {
		if i < len(links) {
			_, err = stores[i%2].Acknowledge(t.Context(), links[i], w.clock.read())
			if errors.Is(err, emergency.ErrUnknownNotice) {
				err = nil
			}
			return failed("acknowledge", err)
		}
		counts[i], err = stores[i%2].EraseCalls(t.Context(), w.clock.read())
		return failed("erase", err)
	})
	sum := 0
	for _, count := range counts {
		sum += count
	}
	if sum != len(links) {
		t.Errorf("%d calls are erased, want %d", sum, len(links))
	}
	for _, table := range []string{"calls", "legs", "notices", "deliveries", "outbox"} {
		if left := w.count(t, "SELECT COUNT(*) FROM "+table); left != 0 {
			t.Errorf("%d rows are left in %s", left, table)
		}
	}
}
