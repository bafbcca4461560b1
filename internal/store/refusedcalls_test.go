package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// refusedCallRules are about reading what became of a dial that could not work (B10).
var refusedCallRules = []rule{
	{"is read with who was told", refusedCallIsRead},
	{"with nobody to tell", refusedCallWithNobodyToTell},
	{"told with one like it", refusedCallToldWithAnother},
	{"the latest first", refusedCallsLatestFirst},
	{"is forgotten", refusedCallIsForgotten},
}

// refusal reads a refused dial.
func (w *world) refusal(t tb, id emergency.CallID) emergency.RefusedDial {
	t.Helper()
	one, err := w.RefusedCall(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// A refused dial is kept as what it was, with who was told of it, who was told again, and
// everybody who has seen it (B9).
func refusedCallIsRead(t *testing.T, w *world) {
	w.refusable(t)
	latitude, longitude := 38.9, -77.03
	at := &emergency.Location{Latitude: &latitude, Longitude: &longitude}
	want := w.refuses(t, "refused", func(r *emergency.RefusedCall) { r.Location = at })
	want.Kind = emergency.KindEmergency
	w.ensure(t, "refused", emergency.NoticeEscalated, 1)
	w.acknowledges(t, "refused", emergency.NoticeFailed, 0, "desk@example.com",
		emergency.Acknowledgement{At: noon, By: "desk@example.com", First: true})
	got := w.refusal(t, "refused")
	same(t, "the dial", want, got.RefusedCall)
	same(t, "what it was told as", want.CallID, got.ToldAs)
	same(t, "who was told", map[string]emergency.DeliveryState{
		"/failed desk@example.com": emergency.DeliveryAcknowledged, "/failed night@example.org": emergency.DeliveryQueued,
		"/escalated/1 desk@example.com": emergency.DeliverySuperseded, "/escalated/1 night@example.org": emergency.DeliverySuperseded,
	}, statesOf(got.Notice))
	if got.Notice.AcknowledgedBy != "desk@example.com" || !got.Notice.AcknowledgedAt.Equal(noon) {
		t.Errorf("it is acknowledged by %s at %s", got.Notice.AcknowledgedBy, got.Notice.AcknowledgedAt)
	}
	if _, err := w.RefusedCall(t.Context(), "no-such-call"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}

// A dial that nobody is told of can be read, too: somebody has to find out that.
func refusedCallWithNobodyToTell(t *testing.T, w *world) {
	w.refusable(t)
	w.contact(t, "two", "")
	for _, c := range []struct {
		id     emergency.CallID
		change func(*emergency.RefusedCall)
	}{
		{"no-contacts", func(r *emergency.RefusedCall) { r.AgentID = "two" }},
		{"no-test-list", func(r *emergency.RefusedCall) { r.Kind = emergency.KindTest }},
		{"no-site", func(r *emergency.RefusedCall) { r.SiteID = "nowhere" }},
		{"no-agent", func(r *emergency.RefusedCall) { r.AgentID = "nobody" }},
	} {
		want := w.refuses(t, c.id, c.change)
		got := w.refusal(t, c.id)
		if got.AgentID != want.AgentID || got.Dialed != want.Dialed || got.ToldAs != "" || got.Notice.State() != emergency.NotificationNone {
			t.Errorf("%s is %+v", c.id, got)
		}
	}
}

// A dial within a minute of one like it says which notice told of both.
func refusedCallToldWithAnother(t *testing.T, w *world) {
	w.refusable(t)
	w.refuses(t, "first", nil)
	w.pass(40 * time.Second)
	w.refuses(t, "second", nil)
	got := w.refusal(t, "second")
	same(t, "what it was told as", emergency.CallID("first"), got.ToldAs)
	same(t, "who was told", w.refusal(t, "first").Notice, got.Notice)
	// The minute is counted from the notice: a further one is due.
	w.pass(40 * time.Second)
	w.refuses(t, "third", nil)
	same(t, "what the third was told as", emergency.CallID("third"), w.refusal(t, "third").ToldAs)
}

// The list has the latest first, of everybody or of one agent, and never too many.
func refusedCallsLatestFirst(t *testing.T, w *world) {
	w.refusable(t)
	w.refuses(t, "old", func(r *emergency.RefusedCall) { r.AgentID = "two" })
	for i := range 202 {
		w.pass(time.Second)
		w.refuses(t, emergency.CallID(fmt.Sprint("refused-", i)), nil)
	}
	all, err := w.RefusedCalls(t.Context(), "")
	if err != nil || len(all) != 200 || all[0].CallID != "refused-201" || all[199].CallID != "refused-2" {
		t.Errorf("there are %d, %v", len(all), err)
	}
	own, err := w.RefusedCalls(t.Context(), "two")
	if err != nil || len(own) != 1 || own[0].CallID != "old" || len(own[0].Notice.Deliveries) != 1 {
		t.Errorf("of the other agent there is %+v, %v", own, err)
	}
}

// With its notices goes what the dial was (B14); what is written down again after that
// is not kept anew.
func refusedCallIsForgotten(t *testing.T, w *world) {
	w.refusable(t)
	r := w.refuses(t, "refused", nil)
	w.pass(time.Hour)
	if err := w.ForgetNotices(t.Context(), w.clock.read()); err != nil {
		t.Fatal(err)
	}
	if err := w.RefuseCall(t.Context(), r, insistent); err != nil {
		t.Fatal(err)
	}
	if _, err := w.RefusedCall(t.Context(), "refused"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}
