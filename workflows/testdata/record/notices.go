package main

import (
	"errors"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"
)

// noticeCalls are the scenarios of version 3, in which people are to acknowledge (B9)
// and refused dials are told (B10).
func noticeCalls() []*call {
	patient := &emergency.NoticePlan{AcknowledgeWithin: 3 * time.Second, Escalations: 2}
	hasty := &emergency.NoticePlan{AcknowledgeWithin: time.Second, Escalations: 2}
	chatty := &emergency.NoticePlan{AcknowledgeWithin: 3 * time.Second, Escalations: 2, TellEnd: true}
	return []*call{
		{name: "notice-acknowledged", plan: patient, script: []act{
			acknowledged(500*time.Millisecond, emergency.NoticePlaced), ended(time.Second, dial),
		}},
		{name: "notice-escalated-twice", plan: hasty, script: []act{
			ended(time.Second, dial), acknowledged(2700*time.Millisecond, emergency.NoticeEscalated),
			acknowledged(2900*time.Millisecond, emergency.NoticePlaced),
		}},
		{name: "notice-in-vain", plan: hasty, script: []act{ended(time.Second, dial)}},
		{
			name: "notice-of-callback-and-end", plan: chatty,
			early: []act{acknowledged(0, emergency.NoticePlaced)},
			script: []act{
				ended(500*time.Millisecond, dial), rung(1500*time.Millisecond, first), ended(2000*time.Millisecond, first),
				rung(2500*time.Millisecond, second), ended(3000*time.Millisecond, second),
			},
		},
		{name: "notice-undeliverable", plan: patient, unreachable: true, script: []act{
			ended(500*time.Millisecond, dial), acknowledged(time.Second, emergency.NoticeEscalated),
		}},
		{name: "notice-unreadable-acknowledgement", plan: patient, script: []act{
			unreadable(500*time.Millisecond, workflows.SignalAcknowledged), ended(time.Second, dial),
		}},
		{name: "notice-mail-is-down", plan: hasty, fail: mailIsDown, script: []act{ended(time.Second, dial)}},
		{name: "notice-cancelled", plan: patient, script: []act{cancel(time.Second)}, cancelled: true},
		{name: "notice-refused-acknowledged", plan: patient, refused: &emergency.RefusedOrder{}, script: []act{
			acknowledged(500*time.Millisecond, emergency.NoticeFailed),
		}},
		{name: "notice-refused-escalated", plan: hasty, refused: &emergency.RefusedOrder{}, script: []act{
			acknowledged(2700*time.Millisecond, emergency.NoticeEscalated),
		}},
		{name: "notice-refused-in-vain", plan: hasty, refused: &emergency.RefusedOrder{}, unreachable: true},
		{name: "notice-refused-cancelled", plan: patient, refused: &emergency.RefusedOrder{}, script: []act{cancel(time.Second)}, cancelled: true},
	}
}

// usefulCalls are the scenarios of version 4, in which a notice is tried for as long as
// it is of use, and e-mails come back (B9).
func usefulCalls() []*call {
	patient := &emergency.NoticePlan{AcknowledgeWithin: 3 * time.Second, Escalations: 2, ByUse: true}
	hasty := &emergency.NoticePlan{AcknowledgeWithin: time.Second, Escalations: 2, ByUse: true}
	return []*call{
		{name: "useful-acknowledged-by-two", plan: patient, script: []act{
			acknowledged(500*time.Millisecond, emergency.NoticePlaced), acknowledged(700*time.Millisecond, emergency.NoticePlaced),
			ended(time.Second, dial),
		}},
		{name: "useful-in-vain", plan: hasty, script: []act{ended(time.Second, dial)}},
		{name: "useful-mail-is-down", plan: hasty, fail: mailIsDown, script: []act{ended(time.Second, dial)}},
		{name: "useful-returned", plan: patient, script: []act{
			returned(500*time.Millisecond, emergency.NoticePlaced), returned(600*time.Millisecond, emergency.NoticePlaced),
			unreadable(700*time.Millisecond, workflows.SignalUndelivered), ended(time.Second, dial),
			acknowledged(1500*time.Millisecond, emergency.NoticeEscalated),
		}},
		{name: "useful-superseded", plan: hasty, superseded: true, script: []act{ended(time.Second, dial)}},
		{name: "useful-to-nobody", plan: hasty, nobody: true, script: []act{ended(time.Second, dial)}},
		{name: "useful-refused-mail-is-down", plan: hasty, refused: &emergency.RefusedOrder{}, fail: mailIsDownAtFirst},
		{name: "useful-refused-returned", plan: patient, refused: &emergency.RefusedOrder{}, script: []act{
			returned(500*time.Millisecond, emergency.NoticeFailed), acknowledged(time.Second, emergency.NoticeEscalated),
		}},
	}
}

// outlivingCalls are the scenarios of version 7, in which people are told of a call that
// is over.
func outlivingCalls() []*call {
	plan := &emergency.NoticePlan{AcknowledgeWithin: time.Minute, Escalations: 2, ByUse: true, Outlives: true}
	return []*call{
		{name: "outlives-mail-is-back", plan: plan, fail: mailIsDownInTheWindow, script: []act{
			ended(time.Second, dial), rung(6*time.Second, first), acknowledged(6*time.Second, emergency.NoticePlaced),
		}},
		{name: "outlives-obsolete", plan: plan, closed: true},
		{name: "outlives-cancelled", plan: plan, fail: mailIsDown, script: []act{ended(time.Second, dial), cancel(6 * time.Second)}, cancelled: true},
	}
}

// mailIsDownInTheWindow fails a notice until its fourth attempt, seven seconds after the
// first, when the window has been over for three.
func mailIsDownInTheWindow(a attempt) error {
	if a.step == workflows.ActivityNotifyContacts && a.number < 4 {
		return errors.New("the mail system is down")
	}
	return nil
}

// mailIsDownAtFirst fails every notice twice.
func mailIsDownAtFirst(a attempt) error {
	if a.step == workflows.ActivityNotifyContacts && a.number < 3 {
		return errors.New("the mail system is down")
	}
	return nil
}

func returned(after time.Duration, event emergency.NoticeEvent) act {
	return send(after, workflows.SignalUndelivered, func(at time.Time) any {
		return emergency.Undelivered{Event: event, At: at}
	})
}

// mailIsDown fails every attempt at a notice.
func mailIsDown(a attempt) error {
	if a.step == workflows.ActivityNotifyContacts {
		return errors.New("the mail system is down")
	}
	return nil
}

func acknowledged(after time.Duration, event emergency.NoticeEvent) act {
	return send(after, workflows.SignalAcknowledged, func(at time.Time) any {
		return emergency.Acknowledged{Event: event, At: at}
	})
}
