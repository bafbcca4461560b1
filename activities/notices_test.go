package activities_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// shelf keeps notices in memory, and remembers what it was asked.
type shelf struct {
	mu    sync.Mutex
	asked []string
	// recipients are those of a notice that is made; queued those who have not had it.
	recipients, queued []string
	recorded           []emergency.Delivery
	// event is what its notices tell; that a call was placed when empty.
	event emergency.NoticeEvent
	// refuse fails what it names.
	refuse map[string]error
}

func (s *shelf) ask(what string, id emergency.CallID, event emergency.NoticeEvent, round int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf("%s %s %s %d", what, id, event, round))
	return s.refuse[what]
}

// EnsureNotice makes a notice once.
func (s *shelf) EnsureNotice(_ context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) error {
	if err := s.ask("ensure", id, event, round); err != nil {
		return err
	}
	s.queued, s.recipients = append(s.queued, s.recipients...), nil
	return nil
}

// Notice reads it as that of a dial, which is the one that can be rendered for sure.
func (s *shelf) Notice(_ context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) (emergency.Notice, []emergency.Delivery, error) {
	err := s.ask("read", id, event, round)
	var queued []emergency.Delivery
	for _, address := range s.queued {
		queued = append(queued, emergency.Delivery{Address: address, State: emergency.DeliveryQueued})
	}
	return emergency.Notice{
		CallID: id, Event: cmp.Or(s.event, emergency.NoticePlaced), Kind: emergency.KindEmergency, AgentName: "Avery Example",
		SiteName: "Washington", Dialed: "911", Number: number,
	}, queued, err
}

// RecordDelivery needs a context that has not ended, as a database does.
func (s *shelf) RecordDelivery(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int, d emergency.Delivery) error {
	if err := errors.Join(s.ask("record", id, event, round), ctx.Err()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queued = slices.DeleteFunc(slices.Clone(s.queued), func(address string) bool { return address == d.Address })
	s.recorded = append(s.recorded, d)
	return nil
}

// Deliveries lists what was recorded.
func (s *shelf) Deliveries(_ context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) ([]emergency.Delivery, error) {
	err := s.ask("count", id, event, round)
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(slices.Values(s.recorded), func(a, b emergency.Delivery) int { return strings.Compare(a.Address, b.Address) }), err
}

// newShelfRig is a rig whose notices are on a shelf, for two people.
func newShelfRig(t *testing.T) (*rig, *shelf) {
	t.Helper()
	r := newRig(t, 0)
	s := &shelf{recipients: []string{ana, bo}}
	r.Notices = s
	return r, s
}

// Every event of a call and every round of an escalation is a notice of its own: it is
// made before it is read, each result is recorded with it, and it alone is counted (B9,
// B10).
func TestNoticeOfEachEvent(t *testing.T) {
	for _, in := range []workflows.NoticeRef{
		{CallID: callID, Event: emergency.NoticeCallback},
		{CallID: callID, Event: emergency.NoticeEscalated, Round: 2},
		{CallID: "0198c0de-0000-7000-8000-00000000dead", Event: emergency.NoticeFailed},
	} {
		t.Run(string(in.Event), func(t *testing.T) {
			r, shelf := newShelfRig(t)
			told, err := r.NotifyContacts(t.Context(), in)
			ok(t, err)
			same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
			same(t, "mails", []string{ana, bo}, r.sorted())
			of := fmt.Sprintf(" %s %s %d", in.CallID, in.Event, in.Round)
			want := []string{"ensure" + of, "read" + of}
			if in.Event == emergency.NoticeEscalated { // which says whom those before it have reached
				call := "count " + string(in.CallID)
				want = append(want, call+" placed 0", call+" failed 0", call+" escalated 1")
			}
			same(t, "what was asked", append(want, "record"+of, "record"+of, "count"+of), shelf.asked)
		})
	}
}

// An escalation says whom the notices before it have reached, each round anew: one who was
// sent an e-mail, and one whose e-mail was never taken until now (B9).
func TestEscalationCountsWhoWasTold(t *testing.T) {
	r := newRig(t, 0)
	r.mail.refuse = refusing(bo, &notify.SendError{Permanent: true, Reason: "the mail system refuses the recipient"})
	_, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	for round, want := range []string{
		"One person was written to before, who has not acknowledged. No e-mail has reached one more.",
		"2 people were written to before. None of them has acknowledged.",
	} {
		var text string
		r.mail.refuse = func(m notify.Message) error {
			text = m.Text
			return nil
		}
		_, err := r.NotifyContacts(t.Context(), workflows.NoticeRef{CallID: callID, Event: emergency.NoticeEscalated, Round: round + 1})
		ok(t, err)
		if !strings.Contains(text, want) {
			t.Errorf("round %d lacks %q:\n%s", round+1, want, text)
		}
	}
}

// An agent whose mailbox is off has had no contact told: an escalation does not say that
// one was (S14, B9).
func TestEscalationWithoutAMailbox(t *testing.T) {
	r, shelf := newShelfRig(t)
	shelf.event = emergency.NoticeEscalated
	var text string
	r.mail.refuse = func(m notify.Message) error {
		text = m.Text
		return nil
	}
	_, err := r.NotifyContacts(t.Context(), workflows.NoticeRef{CallID: callID, Event: emergency.NoticeEscalated, Round: 1})
	ok(t, err)
	if !strings.Contains(text, "Nobody was written to before.") {
		t.Errorf("it says\n%s", text)
	}
}

// A notice that nobody is to have is made, and counts nobody.
func TestNoticeToNobody(t *testing.T) {
	r, shelf := newShelfRig(t)
	shelf.recipients = nil
	told, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{}, told)
	same(t, "mails", nil, r.sorted())
}

// What cannot be made, read or counted is tried again, unless its rows are gone; and
// who has had it does not get it again.
func TestNoticeInTrouble(t *testing.T) {
	for _, what := range []string{"ensure", "read", "count"} {
		for name, refusal := range map[string]error{"for now": errors.New("the database is locked"), "for good": emergency.ErrUnknownCall} {
			t.Run(what+" "+name, func(t *testing.T) {
				r, shelf := newShelfRig(t)
				shelf.refuse = map[string]error{what: refusal}
				_, err := r.NotifyContacts(t.Context(), notice())
				same(t, "non-retryable", name == "for good", err != nil && nonRetryable(err))
				if err == nil {
					t.Error("it goes well")
				}
				shelf.refuse = nil
				told, err := r.NotifyContacts(t.Context(), notice())
				ok(t, err)
				same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
				same(t, "mails", []string{ana, bo}, r.sorted())
			})
		}
	}
}

// What has gone out and cannot be written down does not go out once more while the worker
// lives: the next attempt writes it down (S9).
func TestNoticeThatCannotBeRecorded(t *testing.T) {
	r, shelf := newShelfRig(t)
	shelf.refuse = map[string]error{"record": errors.New("the database is locked")}
	for range 3 {
		if _, err := r.NotifyContacts(t.Context(), notice()); err == nil || nonRetryable(err) {
			t.Errorf("the error is %v", err)
		}
	}
	shelf.refuse = nil
	told, err := r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "the result", workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, told)
	same(t, "mails", []string{ana, bo}, r.sorted())
}

// A notice that goes out just when the time of the attempt is over is recorded all the
// same, and does not go out once more.
func TestNoticeAtTheLastMoment(t *testing.T) {
	r, _ := newShelfRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.mail.refuse = func(notify.Message) error {
		cancel()
		return nil
	}
	_, err := r.NotifyContacts(ctx, notice())
	ok(t, err)
	_, err = r.NotifyContacts(t.Context(), notice())
	ok(t, err)
	same(t, "mails", []string{ana, bo}, r.sorted())
}

// nonRetryable tells whether Temporal is told that trying again cannot help.
func nonRetryable(err error) bool {
	failed, is := errors.AsType[*temporal.ApplicationError](err)
	return is && failed.NonRetryable()
}

// Template is the wording that nobody has changed.
func (*shelf) Template(context.Context) (emergency.Template, error) { return emergency.Template{}, nil }
