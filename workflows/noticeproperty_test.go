package workflows_test

import (
	"strings"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"pgregory.net/rapid"
)

// acknowledges lays down how far the telling of people goes, and has acknowledgements
// come at any time, as often as they like, readable or not, and all e-mails come back.
// That counts for nothing but who is told.
func (w *world) acknowledges(t *rapid.T) {
	if !rapid.Bool().Draw(t, "with a plan") {
		return
	}
	w.order.Notices = &emergency.NoticePlan{
		AcknowledgeWithin: drawn(t, "to acknowledge", time.Hour), Escalations: rapid.IntRange(0, 3).Draw(t, "escalations"),
		TellEnd: rapid.Bool().Draw(t, "the end is told"), ByUse: rapid.Bool().Draw(t, "tried by use"), Outlives: rapid.Bool().Draw(t, "told after the end"),
	}
	w.told = rapid.SampledFrom([]workflows.Deliveries{{Sent: 2}, {Sent: 1, Failed: 1}, {Failed: 2}, {Superseded: 2}, {}}).Draw(t, "deliveries")
	mail := []plan{nil, failing(3), always(refusesMail()), always(gone()), pending}
	if w.order.Notices.Outlives { // then only SQL, which gives up after a day, ends what is pending
		mail = mail[:len(mail)-1]
	}
	w.plans[workflows.ActivityNotifyContacts] = rapid.SampledFrom(mail).Draw(t, "mail")
	for range rapid.IntRange(0, 2).Draw(t, "times that all came back") {
		w.at(w.moment(drawn(t, "came back", 2*time.Hour)), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.released) == 0 {
				w.env.SignalWorkflow(workflows.SignalUndelivered, emergency.Undelivered{Event: emergency.NoticePlaced})
			}
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "acknowledgements") {
		message := rapid.SampledFrom([]any{
			emergency.Acknowledged{Event: emergency.NoticePlaced}, emergency.Acknowledged{Event: emergency.NoticeEscalated}, "hello",
		}).Draw(t, "acknowledgement")
		w.at(w.moment(drawn(t, "acknowledged", 2*time.Hour)), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.released) > 0 {
				return
			}
			if w.seenAt == 0 {
				w.seenAt = w.now()
			}
			w.env.SignalWorkflow(workflows.SignalAcknowledged, message)
		})
	}
}

// checkNotices looks at who was told: of the dial always, of everything else at most
// once each, of escalations not more and not sooner than planned, and not after
// somebody has acknowledged.
func (w *world) checkNotices(t *rapid.T) {
	asked := map[string]time.Duration{}
	for _, c := range w.asked.of(commandOrdinary) {
		if c.what != workflows.ActivityNotifyContacts {
			continue
		}
		if _, twice := asked[c.input]; twice {
			t.Errorf("people are told twice: %s", c.input)
		}
		asked[c.input] = c.at.Sub(noon)
	}
	plan := w.order.Notices
	if plan == nil {
		if len(asked) != 1 || len(w.noticeTimers()) != 0 {
			t.Errorf("without a plan, people are told %v", asked)
		}
		return
	}
	escalations := 0
	for notice, at := range asked {
		if !strings.Contains(notice, string(emergency.NoticeEscalated)) {
			continue
		}
		escalations++
		if w.seenAt != 0 && at > w.seenAt {
			t.Errorf("the site's list is told at %s, and somebody had acknowledged at %s", at, w.seenAt)
		}
	}
	if escalations > plan.Escalations {
		t.Errorf("the site's list is told %d times, want at most %d", escalations, plan.Escalations)
	}
	if seen := w.state().Notices.AcknowledgedAt; w.seenAt != 0 && !seen.Equal(noon.Add(w.seenAt)) {
		t.Errorf("acknowledged at %s, want %s after noon", seen, w.seenAt)
	}
}
