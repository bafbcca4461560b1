package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// outboxRules are about what the relay finds to carry.
var outboxRules = []rule{
	{"in order per call", inOrderPerCall},
	{"waiting calls", waitingCalls},
	{"age", outboxAge},
	{"with the change or not at all", withTheChangeOrNotAtAll},
}

// eventRules are about the stream that people follow.
var eventRules = []rule{
	{"the life of a call", eventsOfACall},
	{"of a test", eventsOfATest},
	{"of before", eventsOfBefore},
	{"after the last one seen", eventsAfter},
	{"forgotten by age", eventsForgotten},
}

// messages empties a call's outbox the way the relay does.
func (w *world) messages(t tb, id emergency.CallID) []emergency.Message {
	t.Helper()
	var all []emergency.Message
	rows, err := w.raw.QueryContext(t.Context(), `SELECT seq, kind, body FROM outbox WHERE call_id = $1 ORDER BY seq`, id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	for rows.Next() {
		m := emergency.Message{CallID: id}
		if err := rows.Scan(&m.Seq, &m.Kind, &m.Body); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// The relay gets a call's messages one by one in the order in which they became
// true, and the same one until it is deleted (S11).
func inOrderPerCall(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	call := w.dial(t, "one")
	w.dial(t, "two")
	w.hangUp(t, call.ID, "")
	back := w.offer(t, first)
	w.hangUp(t, call.ID, back.LegID)
	var kinds []emergency.MessageKind
	for {
		message, found, err := w.NextMessage(t.Context(), call.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			break
		}
		again, _, err := w.NextMessage(t.Context(), call.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the message asked for again", message, again)
		kinds = append(kinds, message.Kind)
		for range 2 { // two processes may have carried it
			if err := w.DeleteMessage(t.Context(), message.Seq); err != nil {
				t.Fatal(err)
			}
		}
	}
	same(t, "the order", []emergency.MessageKind{
		emergency.MessagePlaced, emergency.MessageCallEnded, emergency.MessageCallbackReceived, emergency.MessageCallEnded,
	}, kinds)
	if left := w.count(t, `SELECT COUNT(*) FROM outbox`); left != 1 {
		t.Errorf("the outbox has %d messages, want the other call's one", left)
	}
}

// A process that looks for messages left behind finds each call once, the longest
// waiting first, and not those that are too young.
func waitingCalls(t *testing.T, w *world) {
	w.addSite(t, "us", first, second, third)
	w.addAgents(t, "us", "one", "two", "three")
	a := w.dial(t, "one")
	w.pass(time.Second)
	b := w.dial(t, "two")
	w.pass(time.Second)
	w.hangUp(t, a.ID, "")
	c := w.dial(t, "three")
	waiting := func(before time.Time, limit int) []emergency.CallID {
		t.Helper()
		ids, err := w.WaitingCalls(t.Context(), before, limit)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	same(t, "all", []emergency.CallID{a.ID, b.ID, c.ID}, waiting(noon.Add(time.Hour), 10))
	same(t, "all before now", []emergency.CallID{a.ID, b.ID}, waiting(noon.Add(time.Second), 10))
	same(t, "the first", []emergency.CallID{a.ID}, waiting(noon.Add(time.Second), 1))
	same(t, "before the first", nil, waiting(noon.Add(-time.Second), 10))
	for _, message := range w.messages(t, a.ID) {
		if err := w.DeleteMessage(t.Context(), message.Seq); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "without the first call", []emergency.CallID{b.ID}, waiting(noon.Add(time.Second), 10))
}

// The age of the oldest message says how far Temporal is behind.
func outboxAge(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	age := func() time.Duration {
		t.Helper()
		age, err := w.OutboxAge(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return age
	}
	same(t, "the age of nothing", 0, age())
	call := w.dial(t, "one")
	w.pass(90 * time.Second)
	w.hangUp(t, call.ID, "")
	same(t, "the age", 90*time.Second, age())
	w.clock.set(noon.Add(-time.Second))
	same(t, "the age by a clock that is behind", 0, age())
}

// What fails leaves no message, no event and no leg behind (S11).
func withTheChangeOrNotAtAll(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	messages, events := w.messages(t, call.ID), w.count(t, `SELECT COUNT(*) FROM events`)
	p := w.placement(t, "one")
	p.LegID = call.Legs[0].ID // a leg that exists makes the dial fail half-way
	if _, err := w.PlaceCall(t.Context(), p); err == nil {
		t.Fatal("two calls have one leg")
	}
	if waiting, _, err := w.NextMessage(t.Context(), p.CallID); err != nil || waiting.Seq != 0 {
		t.Errorf("a failed dial left %+v, %v", waiting, err)
	}
	same(t, "the first call's messages", messages, w.messages(t, call.ID))
	if now := w.count(t, `SELECT COUNT(*) FROM events`); now != events {
		t.Errorf("a failed dial left %d events", now-events)
	}
	if claims := w.count(t, `SELECT COUNT(*) FROM lease_claims`); claims != 1 {
		t.Errorf("a failed dial left %d claims", claims-1)
	}
}

// since lists the events after one, without their numbers.
func (w *world) since(t *testing.T, after int64) []emergency.Event {
	t.Helper()
	events, err := w.Events(t.Context(), after, 100)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Everything that people follow is told once, in the order in which it happened, and
// what concerns the call says which kind it is of (B13).
func eventsOfACall(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	begin, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	call := w.dial(t, "one")
	leg := call.Legs[0].ID
	w.hangUp(t, call.ID, "")
	back := w.offer(t, first)
	w.finish(t, call.ID)
	quiet, before, help := emergency.StatusDoNotDisturb, emergency.StatusAvailable, emergency.KindEmergency
	want := []emergency.Event{
		{Type: emergency.EventCallPlaced, AgentID: "one", CallID: call.ID, Kind: help, LegID: leg, At: noon},
		{Type: emergency.EventPresenceChanged, AgentID: "one", Status: quiet, At: noon},
		{Type: emergency.EventPresenceChanged, AgentID: "one", Status: before, At: noon},
		{Type: emergency.EventLegEnded, AgentID: "one", CallID: call.ID, Kind: help, LegID: leg, At: noon},
		{Type: emergency.EventCallbackReceived, AgentID: "one", CallID: call.ID, Kind: help, LegID: back.LegID, At: noon},
		{Type: emergency.EventPresenceChanged, AgentID: "one", Status: quiet, At: noon},
		{Type: emergency.EventPresenceChanged, AgentID: "one", Status: before, At: noon},
		{Type: emergency.EventLegEnded, AgentID: "one", CallID: call.ID, Kind: help, LegID: back.LegID, At: noon},
		{Type: emergency.EventCallClosed, AgentID: "one", CallID: call.ID, Kind: help, At: noon},
	}
	got := w.since(t, begin)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(emergency.Event{}, "Seq")); diff != "" {
		t.Errorf("the events differ (-want +got):\n%s", diff)
	}
	for i := 1; i < len(got); i++ {
		if got[i].Seq <= got[i-1].Seq {
			t.Errorf("event %d comes after %d", got[i].Seq, got[i-1].Seq)
		}
	}
}

// A test is marked in every event that concerns it, from the dial to the end, also of one
// that was refused, whatever people are told and do (B13).
func eventsOfATest(t *testing.T, w *world) {
	w.refusable(t)
	w.list(t, "", "drills@example.org")
	w.remove(t, first)
	begin, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := w.placement(t, "one")
	p.Dialed = emergency.Dialed{Number: "933", Kind: emergency.KindTest, Country: emergency.UnitedStates}
	p.Warnings = []emergency.CheckCode{emergency.CheckCountriesDiffer}
	call := w.place(t, p)
	w.add(t, first, "us")
	w.add(t, second, "us") // so that a test may have one
	w.hangUp(t, call.ID, "")
	w.offer(t, standing)
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	w.record(t, call.ID, "drills@example.org", emergency.DeliverySent)
	w.mailed(t, "e-1", call.ID, "drills@example.org", emergency.DeliveryDelivered, true)
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "drills@example.org",
		emergency.Acknowledgement{At: noon, By: "drills@example.org", First: true})
	w.finish(t, call.ID)
	w.refuses(t, "refused", func(r *emergency.RefusedCall) {
		r.Kind, r.Location = emergency.KindTest, &emergency.Location{Address: &emergency.Address{Country: "DK"}}
	})
	w.ensure(t, "refused", emergency.NoticeFailed, 1)
	seen := map[emergency.EventType]bool{}
	for _, event := range w.since(t, begin) {
		want := emergency.KindTest
		if event.CallID == "" {
			want = ""
		}
		if event.Kind != want {
			t.Errorf("an event is of the kind %q, want %q: %+v", event.Kind, want, event)
		}
		seen[event.Type] = true
	}
	for _, each := range []emergency.EventType{
		emergency.EventCallPlaced, emergency.EventCallbackReceived, emergency.EventLegEnded, emergency.EventCallClosed,
		emergency.EventNoticeUpdated, emergency.EventCallRefused, emergency.EventCountriesDiffer, emergency.EventNumberLeased,
	} {
		if !seen[each] {
			t.Errorf("%s is not told", each)
		}
	}
}

// What was told before there was a kind has none.
func eventsOfBefore(t *testing.T, w *world) {
	w.run(t, `INSERT INTO events (type, agent_id, call_id, leg_id, status, at) VALUES ('call-placed', 'one', 'old', 'leg', '', $1)`, noon)
	events := w.since(t, 0)
	if len(events) != 1 || events[0].Kind != "" || events[0].Subject != "" {
		t.Errorf("the events are %+v", events)
	}
}

// A reader goes on after the last event seen, as many at a time as wanted.
func eventsAfter(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	begin, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []emergency.Status{emergency.StatusAway, emergency.StatusBusy, emergency.StatusAvailable} {
		w.choose(t, "one", status)
	}
	all := w.since(t, begin)
	if len(all) != 3 {
		t.Fatalf("there are %d events, want 3", len(all))
	}
	same(t, "after the first", all[1:], w.since(t, all[0].Seq))
	same(t, "after the last", nil, w.since(t, all[2].Seq))
	one, err := w.Events(t.Context(), all[0].Seq, 1)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "one of them", all[1:2], one)
	last, err := w.LastEvent(t.Context())
	if err != nil || last != all[2].Seq {
		t.Errorf("the last event is %d, %v, want %d", last, err, all[2].Seq)
	}
}

// Old events go, and the last one always stays: the numbers of new ones never start
// again, or a reader would miss them.
func eventsForgotten(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	atNoon := len(w.since(t, 0))
	w.pass(time.Hour)
	w.choose(t, "one", emergency.StatusAway)
	for _, c := range []struct {
		before time.Time
		left   int
	}{
		{noon, atNoon + 1},
		{noon.Add(time.Microsecond), 1},
		{noon.Add(24 * time.Hour), 1},
	} {
		if err := w.ForgetEvents(t.Context(), c.before); err != nil {
			t.Fatal(err)
		}
		if events := w.since(t, 0); len(events) != c.left {
			t.Errorf("without those before %v there are %+v, want %d", c.before, events, c.left)
		}
	}
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.choose(t, "one", emergency.StatusBusy)
	if events := w.since(t, last); len(events) != 1 {
		t.Errorf("after %d there are %+v, want the new one", last, events)
	}
}
