package activities_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/activities"
	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/workflows"
)

// refusing lets the mail system fail for one recipient.
func refusing(address string, err error) func(notify.Message) error {
	return func(m notify.Message) error {
		if m.To == address {
			return err
		}
		return nil
	}
}

// sorted are the recipients of what has gone out, by name: messages go out side by
// side.
func (r *rig) sorted() []string {
	sent := r.mail.sent()
	slices.Sort(sent)
	return sent
}

// Every contact is told once (S9).
func TestNotifyContacts(t *testing.T) {
	r := newRig(t, 0)
	var message notify.Message
	r.mail.refuse = func(m notify.Message) error {
		message = m
		return nil
	}
	for range 2 {
		told, err := r.NotifyContacts(t.Context(), notice())
		ok(t, err)
		same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
	}
	same(t, "mails", []string{ana, bo}, r.sorted())
	same(t, "deliveries", map[string]emergency.DeliveryState{ana: emergency.DeliverySent, bo: emergency.DeliverySent}, r.deliveries(t))
	for _, delivery := range r.picture(t).Call.Notice.Deliveries {
		same(t, "the message's name", "message-to-"+delivery.Address, delivery.MessageID)
	}
	same(t, "the message's call", callID, message.CallID)
	discreet(t, r.log.String())
}

// What fails for one contact is tried again for that one alone.
func TestNotifyTheRest(t *testing.T) {
	r := newRig(t, 0)
	r.mail.refuse = refusing(bo, &notify.SendError{Reason: "the mail system answered 503"})
	_, err := r.NotifyContacts(t.Context(), notice())
	failed := application(t, err)
	if failed.NonRetryable() || failed.NextRetryDelay() != 0 {
		t.Errorf("the error is non-retryable: %t, and asks for a pause of %s", failed.NonRetryable(), failed.NextRetryDelay())
	}
	discreet(t, err.Error())
	same(t, "deliveries", map[string]emergency.DeliveryState{ana: emergency.DeliverySent, bo: emergency.DeliveryQueued}, r.deliveries(t))
	r.mail.refuse = nil
	told, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
	same(t, "mails", []string{ana, bo}, r.sorted())
}

// A contact who can never be reached is recorded as such with the reason, does not keep the
// others waiting, and is not tried again; the log says so and names nobody (B9).
func TestNotifyUnreachable(t *testing.T) {
	r := newRig(t, 0)
	const reason = "the mail system refuses the recipient"
	r.mail.refuse = refusing(ana, &notify.SendError{Permanent: true, Reason: reason, Err: errors.New("what a server says of " + ana)})
	for range 2 {
		told, err := r.NotifyContacts(t.Context(), notice())
		ok(t, err)
		same(t, "the result", workflows.Deliveries{Sent: 1, Failed: 1, To: []string{bo}, Reasons: []string{reason}}, told)
	}
	same(t, "mails", []string{bo}, r.sorted())
	same(t, "deliveries", map[string]emergency.DeliveryState{ana: emergency.DeliveryFailed, bo: emergency.DeliverySent}, r.deliveries(t))
	for _, delivery := range r.picture(t).Call.Notice.Deliveries {
		want := ""
		if delivery.Address == ana {
			want = reason
		}
		same(t, "the reason of "+delivery.Address, want, delivery.Reason)
	}
	if r.log.Len() == 0 {
		t.Error("the log says nothing")
	}
	discreet(t, r.log.String())
}

// A reason that many share is said once.
func TestNotifyUnreachableAlike(t *testing.T) {
	r := newRig(t, 0)
	r.mail.refuse = func(notify.Message) error { return &notify.SendError{Permanent: true, Reason: "no"} }
	told, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{Failed: 2, Reasons: []string{"no"}}, told)
}

// A mail server that hangs on one recipient delays nobody else, not even those who have to
// be tried again (S9).
func TestNotifyBesideOneThatHangs(t *testing.T) {
	r := newRig(t, 0)
	told := make(chan struct{})
	attempts := 0
	r.mail.refuse = func(m notify.Message) error {
		if m.To != bo {
			return nil
		}
		if attempts++; attempts == 1 {
			return &notify.SendError{Reason: "the mail system answered 500"}
		}
		close(told)
		return nil
	}
	r.Mail = hangingMail{r.mail, ana, told}
	got, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, got)
}

// hangingMail hangs on one recipient until the other has been told.
type hangingMail struct {
	*mailroom

	on   string
	told chan struct{}
}

func (h hangingMail) Send(ctx context.Context, message notify.Message) (string, error) {
	if message.To == h.on {
		select {
		case <-h.told:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return h.mailroom.Send(ctx, message)
}

// A mail system that asks to be left alone is, about each recipient for as long as it asks:
// nobody waits for another's pause (B9).
func TestNotifyPause(t *testing.T) {
	r := newRig(t, 0)
	pauses := map[string]time.Duration{ana: 3 * time.Minute, bo: time.Minute}
	tried := map[string]int{}
	r.mail.refuse = func(m notify.Message) error {
		tried[m.To]++
		return &notify.SendError{RetryAfter: pauses[m.To], Reason: "the mail system answered 429"}
	}
	attempt := func(want time.Duration) {
		t.Helper()
		failed := application(t, alone(r.NotifyContacts(t.Context(), notice())))
		same(t, "the pause", want, failed.NextRetryDelay().Round(time.Minute))
		if failed.NonRetryable() {
			t.Error("it will not be tried again")
		}
	}
	attempt(time.Minute)
	attempt(time.Minute)
	same(t, "attempts while it is left alone", map[string]int{ana: 1, bo: 1}, tried)
	r.LeaveAlone(notice(), bo, time.Now())
	pauses[bo] = 0 // trouble that may be over in a moment
	attempt(0)
	same(t, "attempts once it may hear of one", map[string]int{ana: 1, bo: 2}, tried)
	r.mail.refuse = nil
	attempt(3 * time.Minute)
	same(t, "mails", []string{bo}, r.sorted())
	r.LeaveAlone(notice(), ana, time.Now())
	ok(t, alone(r.NotifyContacts(t.Context(), notice())))
	same(t, "mails in the end", []string{ana, bo}, r.sorted())
}

// Once a call is over, the pauses grow with the time since then, as a mailbox may be full
// for all of the day for which that is tried; what the mail system wants counts as well.
func TestNotifyPauseAfterTheEnd(t *testing.T) {
	for _, c := range []struct{ over, wanted, want time.Duration }{
		{9 * time.Minute, 0, 0}, {9 * time.Minute, time.Minute, time.Minute}, {5 * time.Hour, 0, 30 * time.Minute}, {5 * time.Hour, time.Hour, time.Hour},
	} {
		r := newRig(t, 10*time.Hour)
		ok(t, r.store.ExpireOverdue(t.Context()))
		r.sql(t, `UPDATE calls SET closed_at = '`+time.Now().Add(-c.over).UTC().Format("2006-01-02 15:04:05")+`'`)
		r.mail.refuse = func(notify.Message) error {
			return &notify.SendError{RetryAfter: c.wanted, Reason: "the mailbox is full"}
		}
		pause := application(t, alone(r.NotifyContacts(t.Context(), notice()))).NextRetryDelay()
		same(t, "the pause", c.want, pause.Round(time.Minute))
	}
}

// One who cannot be reached and one who can be later: the first is recorded, the
// second tried again.
func TestNotifyBoth(t *testing.T) {
	r := newRig(t, 0)
	r.mail.refuse = func(m notify.Message) error {
		return &notify.SendError{Permanent: m.To == ana, Reason: "no"}
	}
	if _, err := r.NotifyContacts(t.Context(), notice()); err == nil {
		t.Error("nobody is tried again")
	}
	same(t, "deliveries", map[string]emergency.DeliveryState{ana: emergency.DeliveryFailed, bo: emergency.DeliveryQueued}, r.deliveries(t))
}

// A crash between the sending and its record sends the notice again: at least once
// is the promise.
func TestNotifyCrash(t *testing.T) {
	r := newRig(t, 0)
	r.sql(t, `CREATE TRIGGER crash BEFORE UPDATE ON deliveries BEGIN SELECT RAISE(ABORT, 'crash'); END`)
	_, err := r.NotifyContacts(t.Context(), notice())
	if failed := application(t, err); failed.NonRetryable() {
		t.Error("it will not be tried again")
	}
	discreet(t, err.Error())
	same(t, "deliveries", map[string]emergency.DeliveryState{ana: emergency.DeliveryQueued, bo: emergency.DeliveryQueued}, r.deliveries(t))
	r.sql(t, `DROP TRIGGER crash`)
	next := &activities.Activities{Store: r.Store, Notices: r.Notices, Mail: r.Mail, Links: r.Links, Log: r.Log}
	told, err := next.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
	same(t, "mails", []string{ana, ana, bo, bo}, r.sorted())
}

// wavering are notices whose records do not answer a few times.
type wavering struct {
	activities.Notices

	times atomic.Int64
}

func (w *wavering) RecordDelivery(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int, d emergency.Delivery) error {
	if w.times.Add(-1) >= 0 {
		return emergency.ErrUnavailable
	}
	return w.Notices.RecordDelivery(ctx, id, event, round, d)
}

// While the database does not answer, what has gone out is recorded by the same attempt once
// it does: the next attempt may be another worker's, which would send it again (S9).
func TestNotifyRecordsOnceTheDatabaseAnswers(t *testing.T) {
	r := newRig(t, 0)
	records := &wavering{Notices: r.Notices}
	records.times.Store(4)
	r.Notices = records
	told, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
	same(t, "mails", []string{ana, bo}, r.sorted())
}

// Once the call is cancelled nobody is told any more.
func TestNotifyCancelled(t *testing.T) {
	r := newRig(t, 5*time.Minute)
	r.end(t, "", time.Minute)
	_, err := r.ReleaseNumber(t.Context(), workflows.Closing{CallID: callID, Outcome: workflows.OutcomeCancelled})
	ok(t, err)
	told, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{Failed: 2, Reasons: []string{emergency.ReasonCallClosed}}, told)
	same(t, "mails", nil, r.sorted())
}

// After an outage one escalation goes out: what was still to be sent of the one before is
// not, and counts neither as told nor as failed. Once somebody has acknowledged, none does
// (B9).
func TestNotifySuperseded(t *testing.T) {
	r := newRig(t, 0)
	ref := func(round int) workflows.NoticeRef {
		return workflows.NoticeRef{CallID: callID, Event: emergency.NoticeEscalated, Round: round}
	}
	down := true
	r.mail.refuse = func(notify.Message) error {
		if down {
			return &notify.SendError{Reason: "the mail system is down"}
		}
		return nil
	}
	for round := 1; round <= 2; round++ {
		if _, err := r.NotifyContacts(t.Context(), ref(round)); err == nil {
			t.Fatal("a mail system that is down takes a notice")
		}
	}
	down = false
	told, err := r.NotifyContacts(t.Context(), ref(1))
	ok(t, err)
	same(t, "the first", workflows.Deliveries{Superseded: 2}, told)
	told, err = r.NotifyContacts(t.Context(), ref(2))
	ok(t, err)
	same(t, "the second", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
	same(t, "mails", []string{ana, bo}, r.sorted())
	_, err = r.Store.Acknowledge(t.Context(), emergency.NoticeLink{
		Notice: emergency.NoticeID{CallID: callID, Event: emergency.NoticeEscalated, Round: 2}, RecipientKey: emergency.RecipientKey(bo),
	}, time.Now())
	ok(t, err)
	told, err = r.NotifyContacts(t.Context(), ref(3))
	ok(t, err)
	same(t, "the third", workflows.Deliveries{Superseded: 2}, told)
	told, err = r.NotifyContacts(t.Context(), ref(2))
	ok(t, err)
	same(t, "the second, once more", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
	same(t, "mails after that", []string{ana, bo}, r.sorted())
}
