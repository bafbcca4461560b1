package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// acknowledgeRules are about somebody who has seen a notice (B9).
var acknowledgeRules = []rule{
	{"the first counts", firstAcknowledgementCounts},
	{"tells everybody", acknowledgementTellsEverybody},
	{"of another notice", acknowledgementOfAnotherNotice},
	{"by nobody we told", acknowledgementByNobody},
	{"in another spelling", acknowledgementInAnotherSpelling},
	{"of a closed call", acknowledgementOfClosedCall},
}

// linkFor is what a link in somebody's mail is for.
func linkFor(id emergency.CallID, event emergency.NoticeEvent, round int, address string) emergency.NoticeLink {
	return emergency.NoticeLink{
		Notice: emergency.NoticeID{CallID: id, Event: event, Round: round}, RecipientKey: emergency.RecipientKey(address),
	}
}

// acknowledges has somebody say that he has seen a notice, and checks the answer.
func (w *world) acknowledges(
	t tb, id emergency.CallID, event emergency.NoticeEvent, round int, address string, want emergency.Acknowledgement,
) {
	t.Helper()
	got, err := w.Acknowledge(t.Context(), linkFor(id, event, round, address), w.clock.read())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the answer to "+address, want, got)
}

func kindsOf(messages []emergency.Message) []emergency.MessageKind {
	var kinds []emergency.MessageKind
	for _, message := range messages {
		kinds = append(kinds, message.Kind)
	}
	return kinds
}

// The first word counts: whoever comes later, or again, is told who that was. What the
// others say is kept all the same, once for each (B9).
func firstAcknowledgementCounts(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.record(t, call.ID, "night@example.org", emergency.DeliverySent)
	w.pass(time.Minute)
	at := w.clock.read()
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "night@example.org",
		emergency.Acknowledgement{At: at, By: "night@example.org", First: true})
	w.pass(time.Minute)
	for range 2 {
		for _, address := range []string{"night@example.org", "desk@example.com"} {
			w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, address, emergency.Acknowledgement{At: at, By: "night@example.org"})
		}
		w.pass(time.Minute)
	}
	want, seen := call.Notice, emergency.DeliveryAcknowledged
	want.AcknowledgedAt, want.AcknowledgedBy = at, "night@example.org"
	desk, night := &want.Deliveries[0], &want.Deliveries[1]
	desk.State, desk.AcknowledgedAt, desk.UpdatedAt = seen, at.Add(time.Minute), at.Add(time.Minute)
	night.State, night.MessageID, night.SentAt, night.AcknowledgedAt, night.UpdatedAt = seen, "m-night@example.org", noon, at, at
	after := w.read(t, call.ID)
	same(t, "who was told", want, after.Notice)
	same(t, "the state", emergency.NotificationAcknowledged, after.Notice.State())
	// A mail system that is behind takes nothing back.
	w.mailed(t, "e-1", call.ID, "night@example.org", emergency.DeliveryBounced, false)
	w.record(t, call.ID, "night@example.org", emergency.DeliveryFailed)
	same(t, "who was told after that", want, w.read(t, call.ID).Notice)
}

// The workflow, whoever follows along and the audit hear of it: of the first word, and
// the workflow and the followers of each other one. The audit has no person (B14).
func acknowledgementTellsEverybody(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	at := w.clock.read()
	for i := range 2 {
		w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "desk@example.com",
			emergency.Acknowledgement{At: at, By: "desk@example.com", First: i == 0})
		w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "night@example.org", emergency.Acknowledgement{At: at, By: "desk@example.com"})
	}
	messages := w.messages(t, call.ID)
	same(t, "the messages", []emergency.MessageKind{
		emergency.MessagePlaced, emergency.MessageAcknowledged, emergency.MessageAcknowledged,
	}, kindsOf(messages))
	for i, by := range []string{"desk@example.com", "night@example.org"} {
		var body emergency.Acknowledged
		if err := json.Unmarshal(messages[1+i].Body, &body); err != nil {
			t.Fatal(err)
		}
		same(t, "the message", emergency.Acknowledged{Event: emergency.NoticePlaced, At: at, By: by}, body)
	}
	events := w.since(t, last)
	if len(events) != 2 {
		t.Fatalf("the events are %+v", events)
	}
	for _, event := range events {
		event.Seq = 0
		same(t, "what is told", emergency.Event{
			Type: emergency.EventNoticeUpdated, AgentID: "one", SiteID: "us", CallID: call.ID, Kind: emergency.KindEmergency, At: at,
		}, event)
	}
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'notice-acknowledged' AND call_id = $1 AND at = $2
		AND outcome = 'placed' AND subject = '' AND changed_by = ''`, call.ID, at); lines != 1 {
		t.Errorf("the audit has %d lines, want 1", lines)
	}
}

// Whichever notice somebody has seen, he knows of the call: the others need no
// acknowledgement of their own.
func acknowledgementOfAnotherNotice(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.list(t, "chief@example.org", "")
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	w.acknowledges(t, call.ID, emergency.NoticeEscalated, 1, "chief@example.org",
		emergency.Acknowledgement{At: noon, By: "chief@example.org", First: true})
	w.pass(time.Minute)
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "desk@example.com",
		emergency.Acknowledgement{At: noon, By: "chief@example.org"})
	notice := w.read(t, call.ID).Notice
	if !notice.AcknowledgedAt.Equal(noon) || notice.AcknowledgedBy != "chief@example.org" {
		t.Errorf("it is acknowledged by %s at %v", notice.AcknowledgedBy, notice.AcknowledgedAt)
	}
}

// Whoever was not sent that very notice acknowledges nothing.
func acknowledgementByNobody(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.list(t, "chief@example.org", "")
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	w.list(t, "other@example.org", "")
	w.ensure(t, call.ID, emergency.NoticeEscalated, 2)
	for _, link := range []emergency.NoticeLink{
		linkFor(call.ID, emergency.NoticePlaced, 0, "nobody@example.org"),
		linkFor(call.ID, emergency.NoticePlaced, 0, "chief@example.org"),
		linkFor(call.ID, emergency.NoticeEscalated, 1, "desk@example.com"),
		linkFor(call.ID, emergency.NoticeEscalated, 2, "chief@example.org"),
		linkFor(call.ID, emergency.NoticeCallback, 0, "desk@example.com"),
		linkFor("no-such-call", emergency.NoticePlaced, 0, "desk@example.com"),
		{Notice: emergency.NoticeID{CallID: call.ID, Event: emergency.NoticePlaced}},
	} {
		if got, err := w.Acknowledge(t.Context(), link, noon); !errors.Is(err, emergency.ErrUnknownNotice) {
			t.Errorf("%+v gives %+v, %v, want ErrUnknownNotice", link, got, err)
		}
	}
	same(t, "who was told", time.Time{}, w.read(t, call.ID).Notice.AcknowledgedAt)
}

// Capitals and the form of an international domain make no other recipient.
func acknowledgementInAnotherSpelling(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "Vagt@rød-vagt.example")
	for _, address := range []string{"vagt@RØD-vagt.example", "vagt@xn--rd-vagt-q1a.example"} {
		call := w.dial(t, "one")
		w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, address,
			emergency.Acknowledgement{At: noon, By: "Vagt@rød-vagt.example", First: true})
	}
}

// Somebody who reads his mail late says so even then.
func acknowledgementOfClosedCall(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.finish(t, call.ID)
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "desk@example.com",
		emergency.Acknowledgement{At: noon, By: "desk@example.com", First: true})
}
