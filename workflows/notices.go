package workflows

import (
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// noticeKeeper tells people, and tells more of them until somebody says that they
// have seen it (B9, B10). A call and a refused dial each have one. All that it does
// runs beside the rest, which never waits for it.
type noticeKeeper struct {
	about subject
	log   log.Logger
	// plan is how far the telling goes; nil for a call from before there was one.
	plan *emergency.NoticePlan
	// useful is how long a notice is worth trying; zero for as long as the workflow goes
	// on, which gives up what is still being tried when it ends.
	useful time.Duration

	acknowledged, undelivered workflow.ReceiveChannel
	// changed and warn tell supervisors.
	changed func(workflow.Context)
	warn    func(string)

	notices []*notice
	// acknowledgedAt is when somebody first said that they had seen a notice; zero
	// while nobody has.
	acknowledgedAt time.Time
	// acknowledgements are everybody's who did, the first one first, one of each person.
	acknowledgements []emergency.Acknowledged
	// due is when people are told again if nobody acknowledges; zero when nobody is
	// waited for.
	due time.Time
	// escalated counts how often the site's list has been told.
	escalated int
	// over is true once the call needs no more telling, but for what outlives it; outliving
	// says that something may.
	over, outliving bool
}

// subject is what people are told of.
type subject struct {
	id   emergency.CallID
	kind emergency.Kind
}

// notice is one message to all of its recipients.
type notice struct {
	event emergency.NoticeEvent
	// round counts the escalations; zero for every other event.
	round int
	// at is when the sending began.
	at     time.Time
	done   bool
	err    error
	result Deliveries
	// returned says that every e-mail that went out has come back.
	returned bool
}

// begin sends a notice without waiting for it.
func (k *noticeKeeper) begin(ctx workflow.Context, event emergency.NoticeEvent, round int) *notice {
	n := &notice{event: event, round: round, at: workflow.Now(ctx)}
	k.notices = append(k.notices, n)
	workflow.Go(ctx, func(ctx workflow.Context) { k.send(ctx, n) })
	return n
}

// beginOnce sends a notice unless there is one of this event already.
func (k *noticeKeeper) beginOnce(ctx workflow.Context, event emergency.NoticeEvent) {
	for _, n := range k.notices {
		if n.event == event {
			return
		}
	}
	k.begin(ctx, event, 0)
}

// send is tried again until everybody has been told or can never be, or until the
// notice could be of no use any more.
func (k *noticeKeeper) send(ctx workflow.Context, n *notice) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: k.patience(n),
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
		Summary:                k.about.marked(k.summary(n)),
	})
	ref := NoticeRef{CallID: k.about.id, Event: n.event, Round: n.round}
	n.err = workflow.ExecuteActivity(ctx, ActivityNotifyContacts, ref).Get(ctx, &n.result)
	n.done = true
	switch {
	case n.gone(), n.round > 1: // what went wrong with the list is said once
	case n.nobody() && n.first():
		k.warn(k.about.untold())
	case n.err != nil:
		k.log.Warn("A notice could not be brought to everybody", "event", n.event, "round", n.round, "error", n.err)
		k.warn(fmt.Sprintf("Not everybody could be told %s: see the failed activity.", ofWhat[n.event]))
	case n.result.Failed > 0:
		k.warn(fmt.Sprintf("%d of %d cannot be reached by e-mail to be told %s.", n.result.Failed, n.people(), ofWhat[n.event]))
	}
	k.changed(ctx)
}

// patience is how long a notice is tried. An escalation is of no use once the next one
// is due: after an outage people would hear of both.
func (k *noticeKeeper) patience(n *notice) time.Duration {
	if k.plan.ByUse && n.event == emergency.NoticeEscalated && k.plan.AcknowledgeWithin > 0 && n.round < k.plan.Escalations {
		return k.plan.AcknowledgeWithin
	}
	return k.useful
}

// insist tells the site's list when nobody acknowledges the first notice, and again.
// The time to acknowledge runs from the beginning of the telling: that ends only when
// the last mail system has answered, and one that is down would keep the others from
// hearing.
func (k *noticeKeeper) insist(ctx workflow.Context, first *notice) {
	if k.about.kind == emergency.KindTest {
		return
	}
	k.await(ctx, first)
	waited, told := k.plan.AcknowledgeWithin > 0, first
	for k.wanted() && !told.nobody() && k.escalated < k.plan.Escalations && (waited || (told == first && told.hopeless())) {
		k.escalated++
		told = k.begin(ctx, emergency.NoticeEscalated, k.escalated)
		k.await(ctx, told)
	}
	if k.wanted() && waited && !first.nobody() {
		k.warn("Nobody has acknowledged" + k.although() + ".")
	}
	k.changed(ctx)
}

// await waits for an acknowledgement until it is due, or until waiting for it is
// pointless. Where nobody need acknowledge, it waits for what becomes of the notice.
func (k *noticeKeeper) await(ctx workflow.Context, n *notice) {
	over := func() bool { return !k.wanted() || n.pointless() }
	if k.plan.AcknowledgeWithin <= 0 {
		_ = workflow.Await(ctx, func() bool { return over() || n.done }) // ctx is never cancelled
		return
	}
	if over() {
		return
	}
	k.due = workflow.Now(ctx).Add(k.plan.AcknowledgeWithin)
	timing, cancel := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timing, k.plan.AcknowledgeWithin, workflow.TimerOptions{
		Summary: k.about.marked("Somebody should acknowledge by " + k.due.UTC().Format("15:04:05 UTC")),
	})
	k.changed(ctx)
	_ = workflow.Await(ctx, func() bool { return over() || timer.IsReady() }) // ctx is never cancelled
	cancel()
	k.due = time.Time{}
	k.changed(ctx)
}

// wanted tells whether an acknowledgement still matters. Rows that are gone leave
// nothing to be told.
func (k *noticeKeeper) wanted() bool {
	if k.over || !k.acknowledgedAt.IsZero() {
		return false
	}
	for _, n := range k.notices {
		if n.gone() {
			return false
		}
	}
	return true
}

// hear takes in what becomes of notices that are out.
func (k *noticeKeeper) hear(ctx workflow.Context) {
	news := workflow.NewSelector(ctx)
	news.AddReceive(k.acknowledged, func(ch workflow.ReceiveChannel, _ bool) { k.hearAcknowledged(ctx, ch) })
	news.AddReceive(k.undelivered, func(ch workflow.ReceiveChannel, _ bool) { k.hearUndelivered(ch) })
	for {
		news.Select(ctx)
		k.changed(ctx)
	}
}

// hearAcknowledged takes in an acknowledgement. The first counts, whichever notice it is
// for. One that cannot be read counts too, at the time of its arrival: it was sent by
// hand, and whoever did so knows of the call.
func (k *noticeKeeper) hearAcknowledged(ctx workflow.Context, ch workflow.ReceiveChannel) {
	var message emergency.Acknowledged
	if !ch.ReceiveAsync(&message) {
		message = emergency.Acknowledged{}
	}
	message.At = orNow(ctx, message.At)
	if k.acknowledgedAt.IsZero() {
		k.acknowledgedAt = message.At
	}
	if !slices.ContainsFunc(k.acknowledgements, func(a emergency.Acknowledged) bool { return a.By == message.By }) {
		k.acknowledgements = append(k.acknowledgements, message)
	}
}

// hearUndelivered takes in that nobody has the first notice any more, so that others are
// told at once. Of other notices nothing depends on that.
func (k *noticeKeeper) hearUndelivered(ch workflow.ReceiveChannel) {
	var message emergency.Undelivered
	if !ch.ReceiveAsync(&message) {
		return
	}
	for _, n := range k.notices {
		if n.event == message.Event && n.first() && !n.returned {
			n.returned = true
			k.warn(fmt.Sprintf("Every e-mail that told %s has come back.", ofWhat[n.event]))
		}
	}
}

// close ends the telling with the call. What is still being tried is given up, unless it
// outlives the call.
func (k *noticeKeeper) close(outlive bool) {
	waiting := !k.due.IsZero() && k.wanted()
	k.over, k.due, k.outliving = true, time.Time{}, outlive && k.plan != nil && k.plan.Outlives
	for _, n := range k.notices {
		if !n.done && !k.outlives(n) {
			k.warn(fmt.Sprintf("Not everybody had been told %s when the call was closed; it is not tried any more.", ofWhat[n.event]))
		}
	}
	if waiting {
		k.warn("Nobody had acknowledged when the call was closed" + k.although() + ".")
	}
}

// outlives tells whether a notice is still tried although its call is over.
func (k *noticeKeeper) outlives(n *notice) bool {
	return k.outliving && n.event == emergency.NoticePlaced
}

// told tells whether nothing is being sent that outlives the call.
func (k *noticeKeeper) told() bool {
	return !slices.ContainsFunc(k.notices, func(n *notice) bool { return !n.done && k.outlives(n) })
}

// settled tells whether nothing is being sent.
func (k *noticeKeeper) settled() bool {
	for _, n := range k.notices {
		if !n.done {
			return false
		}
	}
	return true
}

// gone tells whether the rows that the notice is about do not exist any more.
func (n *notice) gone() bool { return unknownCall(n.err) }

// first tells whether it is the notice that somebody should acknowledge.
func (n *notice) first() bool {
	return n.event == emergency.NoticePlaced || n.event == emergency.NoticeFailed
}

// hopeless tells whether not one of several people could be told.
func (n *notice) hopeless() bool {
	return n.returned || n.done && !n.gone() && n.result.Sent == 0 && (n.err != nil || n.result.Failed > 0)
}

// nobody tells whether there was nobody to be told.
func (n *notice) nobody() bool { return n.done && n.err == nil && n.people() == 0 }

// pointless tells whether an acknowledgement is not to be waited for: nobody has the
// notice. The site's list is told again all the same, when its time has come.
func (n *notice) pointless() bool { return n.nobody() || (n.round == 0 && n.hopeless()) }

// people are the recipients whose end is known.
func (n *notice) people() int { return n.result.Sent + n.result.Failed + n.result.Superseded }
