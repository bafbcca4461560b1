package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// untoldRules are about people who have not heard of a call while it was open: mail,
// Temporal or the database was away for its whole window (S9, S11).
var untoldRules = []rule{
	{"they are told when it is closed", untoldOutliveTheCall},
	{"also of one that was over when it was written down", untoldOfThePast},
	{"for a day", untoldForADay},
	{"unless it is cancelled", untoldOfCancelled},
	{"a notice says that it is late", lateNoticeSaysSo},
}

// pastWindow is a call that nobody but one of two people has heard of in its window, and
// that nobody has closed but the clock.
func (w *world) pastWindow(t tb) emergency.CallID {
	t.Helper()
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com; night@example.org")
	call := w.dial(t, "one")
	w.delivered(t)
	w.record(t, call.ID, "desk@example.com", emergency.DeliverySent)
	w.hangUp(t, call.ID, "")
	w.delivered(t)
	w.clock.set(w.read(t, call.ID).ExpiresAt())
	w.expire(t)
	return call.ID
}

// A call ends at its time whoever has heard of it; whoever has not is still to be told,
// which is its workflow's task, or a new one's.
func untoldOutliveTheCall(t *testing.T, w *world) {
	call := w.pastWindow(t)
	w.states(t, map[string]emergency.NumberState{first: resting})
	w.underWay(t, call)
	kinds, _ := w.resume(t, call)
	same(t, "what is told", []emergency.MessageKind{emergency.MessageResumed, emergency.MessageCallEnded}, kinds)
	_, to := w.ensure(t, call, emergency.NoticePlaced, 0)
	same(t, "who is told", []string{"night@example.org"}, to)
	w.record(t, call, "night@example.org", emergency.DeliveryFailed)
	w.underWay(t)
	if resumed, err := w.ResumeCall(t.Context(), call, emergency.Resumption{}); err != nil || resumed {
		t.Errorf("a call that is over and told is resumed: %t, %v", resumed, err)
	}
}

// What was answered without SQL and is over when it is written down is closed at once, and
// told.
func untoldOfThePast(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com; night@example.org")
	p := w.showing(t, "one", standing)
	w.pass(5*time.Hour + time.Minute)
	w.place(t, p)
	w.expire(t)
	if w.read(t, p.CallID).ClosedAt.IsZero() {
		t.Error("the call is not closed")
	}
	w.delivered(t)
	w.pass(time.Minute)
	w.underWay(t, p.CallID)
	_, to := w.ensure(t, p.CallID, emergency.NoticePlaced, 0)
	same(t, "who is told", []string{"desk@example.com", "night@example.org"}, to)
}

// A day after the call was closed nobody is told any more, so that it can be erased (B14).
func untoldForADay(t *testing.T, w *world) {
	call := w.pastWindow(t)
	giveUp := func() {
		t.Helper()
		do(t, w.GiveUpTelling(t.Context(), w.clock.read().Add(-24*time.Hour)))
	}
	w.pass(24*time.Hour - time.Second)
	giveUp()
	w.underWay(t, call)
	if erased, err := w.EraseCalls(t.Context(), w.clock.read()); err != nil || erased != 0 {
		t.Errorf("%d calls are erased, %v", erased, err)
	}
	w.pass(time.Second)
	giveUp()
	w.underWay(t)
	same(t, "whom it has reached", map[string]emergency.DeliveryState{
		"desk@example.com": emergency.DeliverySent, "night@example.org": emergency.DeliveryFailed,
	}, w.reached(t, call))
	same(t, "why", emergency.ReasonGivenUp, w.read(t, call).Notice.Deliveries[1].Reason)
	if erased, err := w.EraseCalls(t.Context(), w.clock.read()); err != nil || erased != 1 {
		t.Errorf("%d calls are erased, %v", erased, err)
	}
}

// Who cancels a call, before or after its end, has nobody told of it any more.
func untoldOfCancelled(t *testing.T, w *world) {
	after := w.pastWindow(t)
	before := w.dial(t, "one")
	w.delivered(t)
	for _, id := range []emergency.CallID{after, before.ID} {
		if _, _, err := w.CloseCancelled(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		same(t, "what became of it", emergency.DeliveryFailed, w.reached(t, id)["night@example.org"])
	}
	w.pass(time.Minute)
	w.underWay(t)
}

// Who hears of a call minutes after it was made, or was refused, is told so; and when it is
// over by then.
func lateNoticeSaysSo(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	w.contact(t, "one", "desk@example.com")
	call := w.dial(t, "one")
	late := func(event emergency.NoticeEvent) bool {
		t.Helper()
		notice, _ := w.ensure(t, call.ID, event, 0)
		return notice.Late
	}
	w.pass(5 * time.Minute)
	same(t, "late after five minutes", false, late(emergency.NoticePlaced))
	w.pass(time.Second)
	same(t, "late after that", true, late(emergency.NoticePlaced))
	same(t, "late to tell of a callback", false, late(emergency.NoticeCallback))
	open, _ := w.ensure(t, call.ID, emergency.NoticePlaced, 0)
	w.finish(t, call.ID)
	closed, _ := w.ensure(t, call.ID, emergency.NoticePlaced, 0)
	same(t, "when it was closed", []time.Time{{}, w.clock.read()}, []time.Time{open.ClosedAt, closed.ClosedAt})
	w.refuses(t, "refused", nil)
	w.pass(6 * time.Minute)
	refused, _ := w.ensure(t, "refused", emergency.NoticeFailed, 0)
	same(t, "late to tell of a refused dial", true, refused.Late)
}
