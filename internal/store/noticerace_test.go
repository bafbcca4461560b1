package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// noticeRaceRules are about notices that several processes work on at the same moment.
var noticeRaceRules = []rule{
	{"two acknowledge", twoAcknowledge},
	{"two make a notice", twoMakeANotice},
	{"a notice as the call closes", noticeAsTheCallCloses},
	{"one mail event arrives twice", oneMailEventArrivesTwice},
	{"a mail event as the sending is recorded", mailEventAsSendingIsRecorded},
	{"all e-mails come back at once", allComeBackAtOnce},
	{"an escalation as somebody acknowledges", escalationAsSomebodyAcknowledges},
	{"an agent dials again and again", agentDialsAgainAndAgain},
	{"two save a wording", twoSaveAWording},
}

// Of several who acknowledge at once, also different notices, one is the first, and
// everybody is told the same (B9).
func twoAcknowledge(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	w.list(t, "chief@example.org", "")
	w.ensure(t, call.ID, emergency.NoticeEscalated, 1)
	links := []emergency.NoticeLink{
		linkFor(call.ID, emergency.NoticePlaced, 0, "desk@example.com"),
		linkFor(call.ID, emergency.NoticePlaced, 0, "night@example.org"),
		linkFor(call.ID, emergency.NoticeEscalated, 1, "chief@example.org"),
	}
	stores := []*world{w, w.beside(t)}
	answers := make([]emergency.Acknowledgement, 9)
	atOnce(t, len(answers), func(i int) (err error) {
		answers[i], err = stores[i%2].Acknowledge(t.Context(), links[i%3], noon.Add(time.Duration(i)*time.Second))
		return failed("acknowledge", err)
	})
	kept, firsts := w.read(t, call.ID).Notice, 0
	for _, answer := range answers {
		if answer.First {
			firsts++
		}
		if !answer.At.Equal(kept.AcknowledgedAt) || answer.By != kept.AcknowledgedBy || answer.By == "" {
			t.Errorf("%+v is told, but %s at %v is kept", answer, kept.AcknowledgedBy, kept.AcknowledgedAt)
		}
	}
	if told := len(w.messages(t, call.ID)); firsts != 1 || told != 4 {
		t.Errorf("%d were first, and there are %d messages, want one and four", firsts, told)
	}
	if said := len(kept.Acknowledged()); said != 3 {
		t.Errorf("the word of %d is kept, want 3", said)
	}
	if rows := w.count(t, `SELECT COUNT(*) FROM notices WHERE acknowledged_by <> ''`); rows != 1 {
		t.Errorf("%d notices are acknowledged, want 1", rows)
	}
}

// A step that two workers take at once makes one notice, and tells of it once.
func twoMakeANotice(t *testing.T, w *world) {
	w.refusable(t)
	call := w.dial(t, "one")
	w.refuses(t, "refused", func(r *emergency.RefusedCall) { r.AgentID = "two" })
	stores := []*world{w, w.beside(t)}
	for round, id := range []emergency.CallID{call.ID, "refused"} {
		last, err := w.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		atOnce(t, 8, func(i int) error {
			return failed("make notice", stores[i%2].EnsureNotice(t.Context(), id, emergency.NoticeEscalated, 1))
		})
		if _, to := w.ensure(t, id, emergency.NoticeEscalated, 1); len(to) != 2-round {
			t.Errorf("of %s %v are told", id, to)
		}
		if events := w.since(t, last); len(events) != 1 {
			t.Errorf("the events are %+v", events)
		}
	}
}

// A further notice that is made while its call closes is either given up with it or not
// made: nobody is told what has come of a call that is over.
func noticeAsTheCallCloses(t *testing.T, w *world) {
	w.refusable(t)
	stores := []*world{w, w.beside(t)}
	for range 10 {
		call := w.dial(t, "one")
		w.hangUp(t, call.ID, "")
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				_, err := stores[0].CloseCall(t.Context(), call.ID, "completed")
				return failed("close", err)
			}
			return failed("make notice", stores[1].EnsureNotice(t.Context(), call.ID, emergency.NoticeEnded, 0))
		})
	}
	if waiting := w.count(t, `SELECT COUNT(*) FROM deliveries WHERE state = 'queued' AND event <> 'placed'`); waiting != 0 {
		t.Errorf("%d are to be told what has come of calls that are over", waiting)
	}
}

// Of one event that the mail system tells several times at once, one is news (B9).
func oneMailEventArrivesTwice(t *testing.T, w *world) {
	call := w.place(t, everything(t, w))
	stores := []*world{w, w.beside(t)}
	var news atomic.Int64
	atOnce(t, 8, func(i int) error {
		first, err := stores[i%2].RecordMailEvent(t.Context(), emergency.MailEvent{
			ID: "e-1", Notice: emergency.NoticeID{CallID: call.ID, Event: emergency.NoticePlaced},
			Address: "desk@example.com", State: emergency.DeliveryDelivered, At: noon,
		})
		if first {
			news.Add(1)
		}
		return failed("record", err)
	})
	if news.Load() != 1 {
		t.Errorf("%d were news, want 1", news.Load())
	}
}

// The mail system may tell of a message while its sending is still being recorded:
// whichever comes first, it has been delivered (B9).
func mailEventAsSendingIsRecorded(t *testing.T, w *world) {
	w.refusable(t)
	stores := []*world{w, w.beside(t)}
	for n := range 10 {
		call := w.dial(t, "two")
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return failed("record", stores[0].RecordDelivery(t.Context(), call.ID, emergency.NoticePlaced, 0,
					emergency.Delivery{Address: "desk@example.com", State: emergency.DeliverySent, MessageID: "m"}))
			}
			return failed("tell", only(stores[1].RecordMailEvent(t.Context(), emergency.MailEvent{
				ID: fmt.Sprint("e-", n), Notice: emergency.NoticeID{CallID: call.ID, Event: emergency.NoticePlaced},
				Address: "desk@example.com", State: emergency.DeliveryDelivered, At: noon,
			})))
		})
		if d := w.read(t, call.ID).Notice.Deliveries[0]; d.State != emergency.DeliveryDelivered || d.MessageID != "m" {
			t.Errorf("the delivery is %+v", d)
		}
	}
}

// When the last e-mails with a notice come back at the same moment, by several servers,
// the workflow is told once (B9).
func allComeBackAtOnce(t *testing.T, w *world) {
	w.refusable(t)
	stores := []*world{w, w.beside(t)}
	addresses := []string{"desk@example.com", "night@example.org"}
	for n := range 10 {
		call := w.dial(t, "one")
		for _, address := range addresses {
			w.record(t, call.ID, address, emergency.DeliverySent)
		}
		atOnce(t, 2, func(i int) error {
			return failed("tell", only(stores[i].RecordMailEvent(t.Context(), emergency.MailEvent{
				ID: fmt.Sprint("e-", n, "-", i), Notice: emergency.NoticeID{CallID: call.ID, Event: emergency.NoticePlaced},
				Address: addresses[i], State: emergency.DeliveryBounced, At: noon,
			})))
		})
		same(t, "the messages", []emergency.MessageKind{emergency.MessagePlaced, emergency.MessageUndelivered}, kindsOf(w.messages(t, call.ID)))
	}
}

// Whichever comes first, an acknowledgement and the escalation that it makes needless
// leave nobody to be told again (B9).
func escalationAsSomebodyAcknowledges(t *testing.T, w *world) {
	w.refusable(t)
	stores := []*world{w, w.beside(t)}
	for n := range 10 {
		id := w.dial(t, "one").ID
		event := emergency.NoticePlaced
		if n%2 == 1 {
			id, event = emergency.CallID(fmt.Sprint("refused-", n)), emergency.NoticeFailed
			w.pass(time.Minute)
			w.refuses(t, id, nil)
		}
		atOnce(t, 2, func(i int) error {
			if i == 0 {
				return failed("escalate", stores[0].EnsureNotice(t.Context(), id, emergency.NoticeEscalated, 1))
			}
			return failed("acknowledge", only(stores[1].Acknowledge(t.Context(), linkFor(id, event, 0, "desk@example.com"), noon)))
		})
	}
	if waiting := w.count(t, `SELECT COUNT(*) FROM deliveries WHERE event = 'escalated' AND state <> 'superseded'`); waiting != 0 {
		t.Errorf("%d are told again", waiting)
	}
}

// Somebody who dials again and again, by several servers, makes one notice (B10).
func agentDialsAgainAndAgain(t *testing.T, w *world) {
	w.refusable(t)
	stores := []*world{w, w.beside(t)}
	atOnce(t, 8, func(i int) error {
		r := refusedCall()
		r.CallID = emergency.CallID(fmt.Sprint("refused-", i))
		return failed("refuse", stores[i%2].RefuseCall(t.Context(), r, insistent))
	})
	if notices, orders := w.count(t, `SELECT COUNT(*) FROM notices`), w.count(t, `SELECT COUNT(*) FROM outbox`); notices != 1 || orders != 1 {
		t.Errorf("there are %d notices and %d workflows, want one each", notices, orders)
	}
	if told := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'call-refused'`); told != 8 {
		t.Errorf("the audit has %d lines, want 8", told)
	}
}

// Of two who save a wording at once, based on the same, one is refused; two who do not
// mind make two versions.
func twoSaveAWording(t *testing.T, w *world) {
	stores := []*world{w, w.beside(t)}
	var kept atomic.Int64
	atOnce(t, 4, func(i int) error {
		if only(stores[i%2].PutTemplate(t.Context(), wording("text"), emergency.Change{Seen: emergency.SeenNothing})) == nil {
			kept.Add(1)
		}
		return nil
	})
	if kept.Load() != 1 {
		t.Errorf("%d are kept, want 1", kept.Load())
	}
	atOnce(t, 4, func(i int) error {
		return failed("save", only(stores[i%2].PutTemplate(t.Context(), wording("text"), emergency.Change{})))
	})
	if current, err := w.Template(t.Context()); err != nil || current.Version != 5 {
		t.Errorf("the last is version %d, %v, want 5", current.Version, err)
	}
}
