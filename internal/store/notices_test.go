package store_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// noticeRules are about who is told of a call.
var noticeRules = []rule{
	{"says what and to whom", noticeSaysWhatAndToWhom},
	{"goes to the site's list too", noticeGoesToTheSitesList},
	{"is made once", noticeIsMadeOnce},
	{"of a callback", noticeOfCallback},
	{"escalated", noticeIsEscalated},
	{"to nobody", noticeToNobody},
	{"of a test", noticeOfTest},
	{"of a closed call", noticeOfClosedCall},
	{"is recorded", deliveryIsRecorded},
	{"is given up with the call", noticeIsGivenUp},
	{"never goes back", deliveryNeverGoesBack},
	{"says why it failed", deliverySaysWhyItFailed},
}

// insistent is a plan that waits for an acknowledgement.
var insistent = emergency.NoticePlan{AcknowledgeWithin: 5 * time.Minute, Escalations: 2, TellEnd: true}

// list changes who is told at a site.
func (w *world) list(t tb, recipients, tests string) {
	t.Helper()
	site, err := w.Site(t.Context(), "us")
	if err != nil {
		t.Fatal(err)
	}
	site.Recipients, site.TestRecipients, site.TimeZone = recipients, tests, "America/New_York"
	if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
}

// contact changes who is told for an agent.
func (w *world) contact(t tb, agent emergency.AgentID, recipients string) {
	t.Helper()
	if err := only(w.PutContacts(t.Context(), agent, recipients, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
}

// ensure makes a notice, and gives what it says and who is yet to be told.
func (w *world) ensure(t tb, id emergency.CallID, event emergency.NoticeEvent, round int) (emergency.Notice, []string) {
	t.Helper()
	if err := w.EnsureNotice(t.Context(), id, event, round); err != nil {
		t.Fatal(err)
	}
	notice, waiting, err := w.Notice(t.Context(), id, event, round)
	if err != nil {
		t.Fatal(err)
	}
	var to []string
	for _, d := range waiting {
		if d.Event != event || d.Round != round || d.State != emergency.DeliveryQueued {
			t.Errorf("of %s %d there is %+v", event, round, d)
		}
		to = append(to, d.Address)
	}
	return notice, to
}

// record tells what became of a notice of the dial.
func (w *world) record(t tb, id emergency.CallID, address string, state emergency.DeliveryState) {
	t.Helper()
	d := emergency.Delivery{Address: address, State: state, MessageID: "m-" + address}
	if err := w.RecordDelivery(t.Context(), id, emergency.NoticePlaced, 0, d); err != nil {
		t.Fatal(err)
	}
}

// reached are the states of a call's deliveries by address.
func (w *world) reached(t tb, id emergency.CallID) map[string]emergency.DeliveryState {
	t.Helper()
	states := map[string]emergency.DeliveryState{}
	for _, d := range w.read(t, id).Notice.Deliveries {
		states[d.Address] = d.State
	}
	return states
}

// A notice has the three facts of B8, and goes to whom it has not reached yet.
func noticeSaysWhatAndToWhom(t *testing.T, w *world) {
	p := everything(t, w)
	w.list(t, "", "")
	call := w.place(t, p)
	notice, queued, err := w.Notice(t.Context(), call.ID, emergency.NoticePlaced, 0)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the notice", emergency.Notice{
		CallID: call.ID, Event: emergency.NoticePlaced, Kind: emergency.KindEmergency,
		AgentName: "Agent one", SiteName: "Site us", Dialed: "911", DialedAt: call.DialedAt,
		Number: first, Conveyed: call.Conveyed, Zone: "America/New_York",
	}, notice)
	same(t, "the recipients", call.Notice.Deliveries, queued)
	if _, _, err := w.Notice(t.Context(), "no-such-call", emergency.NoticePlaced, 0); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
	if err := w.EnsureNotice(t.Context(), "no-such-call", emergency.NoticePlaced, 0); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}

// The site's own list is told of every dial there, whoever is on both lists once; with
// the agent's mailbox off it is told alone (S14, S17).
func noticeGoesToTheSitesList(t *testing.T, w *world) {
	everything(t, w)
	w.list(t, "chief@example.org; DESK@example.com", "drills@example.org")
	call := w.dial(t, "one")
	same(t, "who is told", map[string]emergency.DeliveryState{
		"chief@example.org": emergency.DeliveryQueued, "desk@example.com": emergency.DeliveryQueued, "night@example.org": emergency.DeliveryQueued,
	}, w.reached(t, call.ID))
	same(t, "the call as read", call, w.read(t, call.ID))
	off := agentNamed("one", "us")
	off.MailboxOff = true
	if err := only(w.PutAgent(t.Context(), off, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	same(t, "who is told with the mailbox off", map[string]emergency.DeliveryState{
		"DESK@example.com": emergency.DeliveryQueued, "chief@example.org": emergency.DeliveryQueued,
	}, w.reached(t, w.dial(t, "one").ID))
}

// Who is told is decided once: neither a repeated step nor a change of the lists adds
// anybody, and a call that told nobody finds its people when its workflow asks.
func noticeIsMadeOnce(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two")
	w.contact(t, "one", "desk@example.com")
	call, other := w.dial(t, "one"), w.dial(t, "two")
	w.contact(t, "one", "night@example.org")
	w.contact(t, "two", "night@example.org")
	for range 2 {
		_, to := w.ensure(t, call.ID, emergency.NoticePlaced, 0)
		same(t, "who is told", []string{"desk@example.com"}, to)
		_, to = w.ensure(t, other.ID, emergency.NoticePlaced, 0)
		same(t, "who is told by the workflow", []string{"night@example.org"}, to)
	}
}

// A callback and the end are told to whoever would be told of a dial now (S4), in rows
// of their own; who follows along hears of it once.
func noticeOfCallback(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.contact(t, "one", "later@example.org")
	w.list(t, "chief@example.org", "")
	w.pass(time.Minute)
	begin, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, event := range []emergency.NoticeEvent{emergency.NoticeCallback, emergency.NoticeEnded} {
			notice, to := w.ensure(t, call.ID, event, 0)
			same(t, "who is told of "+string(event), []string{"chief@example.org", "later@example.org"}, to)
			if notice.Event != event || notice.Number != first || notice.AgentName != "Agent one" {
				t.Errorf("the notice is %+v", notice)
			}
		}
	}
	if all := w.read(t, call.ID).Notice.Deliveries; len(all) != 6 || all[0].Event != emergency.NoticePlaced {
		t.Errorf("the deliveries are %+v", all)
	}
	for i, event := range w.since(t, begin) {
		event.Seq = 0
		same(t, "what is told", emergency.Event{
			Type: emergency.EventNoticeUpdated, AgentID: "one", SiteID: "us", CallID: call.ID,
			Kind: emergency.KindEmergency, At: w.clock.read(),
		}, event)
		if i > 1 {
			t.Error("it is told more than once")
		}
	}
}

// When nobody acknowledges, the site's own list is told, round after round; a site
// without one has the agent's contacts told again (B9).
func noticeIsEscalated(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	_, to := w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	same(t, "who is told again", []string{"desk@example.com", "night@example.org"}, to)
	w.list(t, "chief@example.org", "")
	notice, to := w.ensure(t, call.ID, emergency.NoticeEscalated, 2)
	same(t, "who is told then", []string{"chief@example.org"}, to)
	if notice.Round != 2 || notice.Event != emergency.NoticeEscalated {
		t.Errorf("the notice is %+v", notice)
	}
	if got := w.read(t, call.ID).Notice.Escalations(); got != 2 {
		t.Errorf("there are %d escalations, want 2", got)
	}
	// The second takes the place of the first.
	for round, want := range []int{2, 0, 1, 0} {
		event := emergency.NoticeEscalated
		if round == 0 {
			event = emergency.NoticePlaced
		}
		if _, waiting, err := w.Notice(t.Context(), call.ID, event, round); err != nil || len(waiting) != want {
			t.Errorf("%d wait for round %d, %v, want %d", len(waiting), round, err, want)
		}
	}
}

// An agent whose mailbox is off, or who has no contacts, leaves nobody to be told where the
// site has no list; neither is anybody told again, and the call says so (S14, B9).
func noticeToNobody(t *testing.T, w *world) {
	everything(t, w)
	w.addAgents(t, "us", "alone")
	off := agentNamed("one", "us")
	off.MailboxOff = true
	if err := only(w.PutAgent(t.Context(), off, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	for _, agent := range []emergency.AgentID{"one", "alone"} {
		call := w.dial(t, agent)
		_, to := w.ensure(t, call.ID, emergency.NoticePlaced, 0)
		same(t, "who is told", nil, to)
		_, to = w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
		same(t, "who is told again", nil, to)
		same(t, "the state", emergency.NotificationNone, w.read(t, call.ID).Notice.State())
	}
}

// Of a test the test list is told, and nobody else whatever happens (B13).
func noticeOfTest(t *testing.T, w *world) {
	everything(t, w)
	w.list(t, "chief@example.org", "lab@example.org; drills@example.org")
	call := w.test(t, "one")
	for _, event := range []emergency.NoticeEvent{
		emergency.NoticePlaced, emergency.NoticeCallback, emergency.NoticeEscalated, emergency.NoticeEnded,
	} {
		notice, to := w.ensure(t, call.ID, event, 0)
		same(t, "who is told of "+string(event), []string{"drills@example.org", "lab@example.org"}, to)
		same(t, "the kind", emergency.KindTest, notice.Kind)
	}
}

// Once a call is closed, nobody is told of anything new.
func noticeOfClosedCall(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.finish(t, call.ID)
	before := w.read(t, call.ID)
	_, to := w.ensure(t, call.ID, emergency.NoticeCallback, 0)
	same(t, "who is told", nil, to)
	same(t, "the call", before, w.read(t, call.ID))
	sent, failed, err := w.counted(t.Context(), call.ID, emergency.NoticeCallback)
	if sent != 0 || failed != 0 || err != nil {
		t.Errorf("%d have been told, %d cannot be, %v", sent, failed, err)
	}
}

// What became of a notice is kept per recipient, and followers hear of it (B9).
func deliveryIsRecorded(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	record := emergency.Delivery{Event: emergency.NoticePlaced, Address: "desk@example.com", State: emergency.DeliverySent, MessageID: "m-1"}
	if err := w.RecordDelivery(t.Context(), call.ID, emergency.NoticePlaced, 0, record); err != nil {
		t.Fatal(err)
	}
	record.QueuedAt, record.SentAt, record.UpdatedAt = call.DialedAt, w.clock.read(), w.clock.read()
	same(t, "the deliveries", []emergency.Delivery{record, call.Notice.Deliveries[1]}, w.read(t, call.ID).Notice.Deliveries)
	if _, queued, err := w.Notice(t.Context(), call.ID, emergency.NoticePlaced, 0); err != nil || len(queued) != 1 {
		t.Errorf("%d are yet to be told, %v", len(queued), err)
	}
	events := w.since(t, last)
	if len(events) != 1 || events[0].Type != emergency.EventNoticeUpdated || events[0].AgentID != "one" {
		t.Errorf("the events are %+v", events)
	}
	for _, c := range []struct {
		id   emergency.CallID
		to   string
		want error
	}{{"no-such-call", record.Address, emergency.ErrUnknownCall}, {call.ID, "nobody@example.org", emergency.ErrUnknownNotice}} {
		record.Address = c.to
		if err := w.RecordDelivery(t.Context(), c.id, emergency.NoticePlaced, 0, record); !errors.Is(err, c.want) {
			t.Errorf("the error is %v, want %v", err, c.want)
		}
	}
}

// Of notices that have not gone out when the call closes, that of the call itself may
// still, and no other will; one that has gone out stays as it is.
func noticeIsGivenUp(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.finish(t, call.ID)
	var got []emergency.DeliveryState
	for _, d := range w.read(t, call.ID).Notice.Deliveries {
		got = append(got, d.State)
	}
	failed := emergency.DeliveryFailed
	same(t, "the deliveries", []emergency.DeliveryState{failed, failed, emergency.DeliverySent, emergency.DeliveryQueued}, got)
	sent, lost, err := w.counted(t.Context(), call.ID, emergency.NoticePlaced)
	if sent != 1 || lost != 0 || err != nil {
		t.Errorf("%d have been told, %d cannot be, %v", sent, lost, err)
	}
	w.record(t, call.ID, "night@example.org", emergency.DeliverySent)
	same(t, "the late record", emergency.DeliverySent, w.reached(t, call.ID)["night@example.org"])
}

// What a slow attempt records late changes nothing that is known better, but the
// message's ID is kept (B9).
func deliveryNeverGoesBack(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.mailed(t, "e-1", call.ID, "desk@example.com", emergency.DeliveryDelivered, true)
	at := w.clock.read()
	last, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.record(t, call.ID, "desk@example.com", emergency.DeliveryFailed)
	same(t, "the delivery", emergency.Delivery{
		Event: emergency.NoticePlaced, Address: "desk@example.com", State: emergency.DeliveryDelivered,
		MessageID: "m-desk@example.com", QueuedAt: call.DialedAt, SentAt: at, DeliveredAt: at, UpdatedAt: at,
	}, w.read(t, call.ID).Notice.Deliveries[0])
	if events := w.since(t, last); len(events) != 0 {
		t.Errorf("the events are %+v", events)
	}
	sent, failed, err := w.counted(t.Context(), call.ID, emergency.NoticePlaced)
	if sent != 1 || failed != 0 || err != nil {
		t.Errorf("%d have been told, %d cannot be, %v", sent, failed, err)
	}
}

// Why a notice failed is kept for as long as it counts as failed (B9).
func deliverySaysWhyItFailed(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	why := func(address string) string {
		t.Helper()
		for _, d := range w.read(t, call.ID).Notice.Deliveries {
			if d.Address == address {
				return d.Reason
			}
		}
		return "no such recipient"
	}
	failed := emergency.Delivery{Address: "desk@example.com"}.Fail("mail server answered 550 to RCPT")
	if err := w.RecordDelivery(t.Context(), call.ID, emergency.NoticePlaced, 0, failed); err != nil {
		t.Fatal(err)
	}
	same(t, "the reason", failed.Reason, why("desk@example.com"))
	w.finish(t, call.ID)
	if _, _, err := w.CloseCancelled(t.Context(), call.ID); err != nil {
		t.Fatal(err)
	}
	same(t, "the reason once the call is closed", failed.Reason, why("desk@example.com"))
	same(t, "the reason of one that waited", emergency.ReasonCallClosed, why("night@example.org"))
	// It was on its way when it was given up.
	w.record(t, call.ID, "night@example.org", emergency.DeliverySent)
	same(t, "the reason of one that went out", "", why("night@example.org"))
}
