package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// mailEventRules are about what a mail system tells of its deliveries (B9).
var mailEventRules = []rule{
	{"once, and only further", mailEvents},
	{"in its own words", mailEventsInOtherWords},
	{"when all came back", allCameBack},
	{"when all came back after they had been taken", allCameBackLater},
}

// mailed has the mail system tell of a notice of the dial, and checks whether that was
// news.
func (w *world) mailed(t tb, event string, id emergency.CallID, address string, state emergency.DeliveryState, want bool) {
	t.Helper()
	news, err := w.RecordMailEvent(t.Context(), emergency.MailEvent{
		ID: event, Notice: emergency.NoticeID{CallID: id, Event: emergency.NoticePlaced}, Address: address, State: state, At: w.clock.read(),
	})
	if err != nil || news != want {
		t.Errorf("%s of %s: %v, %v, want %v", state, address, news, err, want)
	}
}

// What the mail system tells counts once per event, and only if it goes further; about
// mail that is not ours it counts nothing (B9).
func mailEvents(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	delivered, bounced := emergency.DeliveryDelivered, emergency.DeliveryBounced
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.record(t, call.ID, "night@example.org", emergency.DeliverySent)
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.mailed(t, "e-1", call.ID, "desk@example.com", delivered, true)
	w.mailed(t, "e-1", call.ID, "desk@example.com", delivered, false)
	w.mailed(t, "e-1", call.ID, "night@example.org", bounced, false) // an event is about one message
	w.mailed(t, "e-2", call.ID, "desk@example.com", delivered, false)
	w.mailed(t, "e-3", call.ID, "night@example.org", bounced, true)
	w.mailed(t, "e-4", call.ID, "night@example.org", delivered, false)
	w.mailed(t, "e-5", call.ID, "nobody@example.org", delivered, false)
	w.mailed(t, "e-6", "no-such-call", "desk@example.com", delivered, false)
	w.mailed(t, "e-7", call.ID, "desk@example.com", "opened", false)
	want := call.Notice.Deliveries
	want[0].State, want[0].MessageID, want[0].SentAt = delivered, "m-desk@example.com", noon
	want[0].DeliveredAt, want[0].UpdatedAt = w.clock.read(), w.clock.read()
	want[1].State, want[1].MessageID, want[1].SentAt, want[1].UpdatedAt = bounced, "m-night@example.org", noon, w.clock.read()
	same(t, "the deliveries", want, w.read(t, call.ID).Notice.Deliveries)
	if events := w.since(t, last); len(events) != 2 || events[0].Type != emergency.EventNoticeUpdated || events[0].CallID != call.ID {
		t.Errorf("the events are %+v", events)
	}
	sent, failed, err := w.counted(t.Context(), call.ID, emergency.NoticePlaced)
	if sent != 1 || failed != 1 || err != nil {
		t.Errorf("%d have been told, %d cannot be, %v", sent, failed, err)
	}
}

// A mail server that has taken an e-mail may send it back all the same: then nobody has it,
// and whatever is told late does not bring it there (B9).
func allCameBackLater(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	for n, address := range []string{"desk@example.com", "night@example.org"} {
		w.record(t, call.ID, address, emergency.DeliverySent)
		w.mailed(t, fmt.Sprint("delivered-", n), call.ID, address, emergency.DeliveryDelivered, true)
	}
	for n, address := range []string{"desk@example.com", "night@example.org"} {
		w.mailed(t, fmt.Sprint("bounced-", n), call.ID, address, emergency.DeliveryBounced, true)
		w.mailed(t, fmt.Sprint("late-", n), call.ID, address, emergency.DeliveryDelivered, false)
	}
	kinds := kindsOf(w.messages(t, call.ID))
	same(t, "the last message", emergency.MessageUndelivered, kinds[len(kinds)-1])
}

// A mail system may tell of an address in its own spelling.
func mailEventsInOtherWords(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "Vagt@rød-vagt.example; Desk@Example.com")
	call := w.dial(t, "one")
	w.mailed(t, "e-1", call.ID, "vagt@xn--rd-vagt-q1a.example", emergency.DeliveryDelivered, true)
	w.mailed(t, "e-2", call.ID, "desk@example.com", emergency.DeliveryBounced, true)
	same(t, "the deliveries", map[string]emergency.DeliveryState{
		"Vagt@rød-vagt.example": emergency.DeliveryDelivered, "Desk@Example.com": emergency.DeliveryBounced,
	}, w.reached(t, call.ID))
}

// When the last e-mail with a first notice has come back, the workflow is told, once:
// nobody knows of the call (B9). While one is on its way, or somebody may have read it,
// there is no hurry; nor for a notice of something else.
func allCameBack(t *testing.T, w *world) {
	bounced := emergency.DeliveryBounced
	call := w.place(t, everything(t, w))
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.mailed(t, "e-1", call.ID, "desk@example.com", bounced, true)
	w.record(t, call.ID, "night@example.org", emergency.DeliverySent)
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	for _, address := range []string{"desk@example.com", "night@example.org"} {
		news, err := w.RecordMailEvent(t.Context(), emergency.MailEvent{
			ID: "e-" + address, Address: address, State: bounced, At: noon,
			Notice: emergency.NoticeID{CallID: call.ID, Event: emergency.NoticeEscalated, Round: 1},
		})
		if err != nil || !news {
			t.Errorf("%s: %v, %v", address, news, err)
		}
	}
	same(t, "the messages before", []emergency.MessageKind{emergency.MessagePlaced}, kindsOf(w.messages(t, call.ID)))
	w.mailed(t, "e-2", call.ID, "night@example.org", bounced, true)
	w.mailed(t, "e-3", call.ID, "night@example.org", bounced, false)
	messages := w.messages(t, call.ID)
	same(t, "the messages", []emergency.MessageKind{emergency.MessagePlaced, emergency.MessageUndelivered}, kindsOf(messages))
	var body emergency.Undelivered
	if err := json.Unmarshal(messages[1].Body, &body); err != nil {
		t.Fatal(err)
	}
	same(t, "the message", emergency.Undelivered{Event: emergency.NoticePlaced, At: noon}, body)
	same(t, "the state", emergency.NotificationBounced, w.read(t, call.ID).Notice.State())
}
