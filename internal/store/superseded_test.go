package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// supersededRules are about escalations that nobody needs any more (B9).
var supersededRules = []rule{
	{"by the next one", supersededByTheNext},
	{"by an acknowledgement", supersededByAcknowledgement},
	{"before it was made", supersededBeforeItWasMade},
	{"of a refused dial", supersededOfRefused},
}

// statesOf are the states of a call's deliveries by event, round and address.
func statesOf(n emergency.Notification) map[string]emergency.DeliveryState {
	states := map[string]emergency.DeliveryState{}
	for _, d := range n.Deliveries {
		states[emergency.NoticeID{Event: d.Event, Round: d.Round}.String()+" "+d.Address] = d.State
	}
	return states
}

// What is still to be sent of an escalation when the next one is due is not sent, so
// that people who could not be told for long are told once. What has gone out of it
// stays, the call's first notice waits on, and what was on its way all the same counts.
func supersededByTheNext(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	gone := emergency.Delivery{Address: "desk@example.com", State: emergency.DeliverySent}
	if err := w.RecordDelivery(t.Context(), call.ID, emergency.NoticeEscalated, 1, gone); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	_, to := w.ensure(t, call.ID, emergency.NoticeEscalated, 2)
	same(t, "who is told", []string{"desk@example.com", "night@example.org"}, to)
	queued, superseded := emergency.DeliveryQueued, emergency.DeliverySuperseded
	want := map[string]emergency.DeliveryState{
		"/placed desk@example.com": queued, "/placed night@example.org": queued,
		"/escalated/1 desk@example.com": emergency.DeliverySent, "/escalated/1 night@example.org": superseded,
		"/escalated/2 desk@example.com": queued, "/escalated/2 night@example.org": queued,
	}
	kept := w.read(t, call.ID).Notice
	same(t, "the deliveries", want, statesOf(kept))
	for _, d := range kept.Deliveries {
		if d.State == superseded && !d.UpdatedAt.Equal(w.clock.read()) {
			t.Errorf("it was superseded at %s", d.UpdatedAt)
		}
	}
	// The attempt that was under way asks what is left to be sent, or has sent it.
	_, to = w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	same(t, "who is told by the first", nil, to)
	gone.Address = "night@example.org"
	if err := w.RecordDelivery(t.Context(), call.ID, emergency.NoticeEscalated, 1, gone); err != nil {
		t.Fatal(err)
	}
	want["/escalated/1 night@example.org"] = emergency.DeliverySent
	same(t, "the deliveries then", want, statesOf(w.read(t, call.ID).Notice))
}

// Once somebody has acknowledged, no escalation goes out any more; whoever is yet to be
// told of the call itself is told all the same (S9).
func supersededByAcknowledgement(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	w.ensure(t, call.ID, emergency.NoticeCallback, 0)
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "desk@example.com",
		emergency.Acknowledgement{At: noon, By: "desk@example.com", First: true})
	queued, superseded := emergency.DeliveryQueued, emergency.DeliverySuperseded
	same(t, "the deliveries", map[string]emergency.DeliveryState{
		"/placed desk@example.com": emergency.DeliveryAcknowledged, "/placed night@example.org": queued,
		"/callback desk@example.com": queued, "/callback night@example.org": queued,
		"/escalated/1 desk@example.com": superseded, "/escalated/1 night@example.org": superseded,
	}, statesOf(w.read(t, call.ID).Notice))
}

// An escalation that becomes due while the acknowledgement is on its way to the workflow
// is kept, as one that nobody was told of.
func supersededBeforeItWasMade(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.acknowledges(t, call.ID, emergency.NoticePlaced, 0, "desk@example.com",
		emergency.Acknowledgement{At: noon, By: "desk@example.com", First: true})
	_, to := w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	same(t, "who is told", nil, to)
	same(t, "the state of it", emergency.DeliverySuperseded, statesOf(w.read(t, call.ID).Notice)["/escalated/1 night@example.org"])
}

// The same holds for a refused dial (B10).
func supersededOfRefused(t *testing.T, w *world) {
	w.refusable(t)
	w.refuses(t, "refused", nil)
	w.ensure(t, "refused", emergency.NoticeEscalated, 1)
	w.ensure(t, "refused", emergency.NoticeEscalated, 2)
	w.acknowledges(t, "refused", emergency.NoticeFailed, 0, "desk@example.com",
		emergency.Acknowledgement{At: w.clock.read(), By: "desk@example.com", First: true})
	w.ensure(t, "refused", emergency.NoticeEscalated, 3)
	if waiting := w.count(t, `SELECT COUNT(*) FROM deliveries WHERE event = 'escalated' AND state <> 'superseded'`); waiting != 0 {
		t.Errorf("%d escalations go out", waiting)
	}
}
