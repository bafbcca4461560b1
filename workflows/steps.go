package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// presenceKeeper is what the call knows of the agent's presence.
type presenceKeeper struct {
	// due is the step that has to be taken next; empty when presence is settled.
	due string
	// leg is the one that the step due is for; empty when presence is restored.
	leg emergency.LegID
	// busy is true while a step is under way.
	busy bool
	// shown are the legs that Do not disturb has been asked for.
	shown map[emergency.LegID]bool
	// restored is true once the step that restores presence has been asked for, and
	// no leg has come up since.
	restored bool
}

// noticeStory is what became of the notice to the contacts.
type noticeStory struct {
	done   bool
	failed bool
	result Deliveries
}

// followPresence asks for the step that the legs call for: Do not disturb for
// each leg that comes up, the previous presence once none is (S2, S10, B3).
func (c *call) followPresence(ctx workflow.Context) {
	p := &c.presence
	up := c.latestUp()
	switch {
	case up != nil && !p.shown[up.ID]:
		p.due, p.leg, p.restored = ActivitySetDoNotDisturb, up.ID, false
		p.shown[up.ID] = true
	case up == nil && (!p.restored || c.missedLeg(ctx)):
		p.due, p.leg, p.restored = ActivityRestorePresence, "", true
		for _, leg := range c.legs {
			p.shown[leg.ID] = true
		}
	}
}

// missedLeg tells whether a leg has come and gone that was never followed: its start and
// its end were taken in together. SQL has changed presence twice by then, and another
// call may have told the outside system in between.
func (c *call) missedLeg(ctx workflow.Context) bool {
	missed := slices.ContainsFunc(c.legs, func(leg emergency.Leg) bool { return !c.presence.shown[leg.ID] })
	return missed && workflow.GetVersion(ctx, "restore-after-missed-leg", workflow.DefaultVersion, 1) >= 1
}

// keepPresence takes the steps asked for, one at a time. It runs beside the rest,
// because an outside presence system may be slow or down for hours.
func (c *call) keepPresence(ctx workflow.Context) {
	p := &c.presence
	for {
		if err := workflow.Await(ctx, func() bool { return p.due != "" }); err != nil {
			return
		}
		step := PresenceStep{CallID: c.order.CallID, AgentID: c.order.AgentID, LegID: p.leg}
		name := p.due
		p.due, p.busy = "", true
		if err := c.takePresenceStep(ctx, name, step); err != nil && !unknownCall(err) {
			c.log.Error("Presence step cannot be taken", "step", name, "error", err)
			c.warn("Presence could not be changed: see the failed activity.")
		}
		p.busy = false
		c.describe(ctx)
	}
}

// takePresenceStep is a local activity while only Lifeline's own SQL is concerned
// and an ordinary one where an outside system has to hear of it.
func (c *call) takePresenceStep(ctx workflow.Context, name string, step PresenceStep) error {
	summary := "Do not disturb"
	if name == ActivityRestorePresence {
		summary = "Presence as before"
	}
	if !c.order.PresenceOutside {
		return c.ensure(ctx, name, summary, step, nil)
	}
	return workflow.ExecuteActivity(untilDone(ctx, c.marked(summary)), name, step).Get(ctx, nil)
}

// awaitPresence waits until nothing is left to be done for presence.
func (c *call) awaitPresence() {
	_ = workflow.Await(c.steps, func() bool { return c.presence.due == "" && !c.presence.busy }) // steps is never cancelled
}

// tellOfDial tells people of the call, beside everything else: a notice never delays
// a call (S9).
func (c *call) tellOfDial() {
	if c.order.Notices == nil {
		workflow.Go(c.steps, c.notifyContacts)
		return
	}
	placed := c.notices.begin(c.steps, emergency.NoticePlaced, 0)
	workflow.Go(c.steps, func(ctx workflow.Context) { c.notices.insist(ctx, placed) })
}

// notifyContacts tells the contacts of a call from before there was a plan. It gives
// up when the notice could be of no use any more.
func (c *call) notifyContacts(ctx workflow.Context) {
	if c.order.Contacts == 0 {
		c.notice.done = true
		return
	}
	useful := c.order.Terms.Lease + c.order.Terms.Grace
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    time.Minute,
		ScheduleToCloseTimeout: useful,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
		Summary:                c.marked("E-mail to the " + strings.ToLower(c.notices.about.recipients())),
	})
	ref := NoticeRef{CallID: c.order.CallID, Event: emergency.NoticePlaced}
	err := workflow.ExecuteActivity(ctx, ActivityNotifyContacts, ref).Get(ctx, &c.notice.result)
	c.notice.done, c.notice.failed = true, err != nil
	switch {
	case err != nil && !unknownCall(err):
		c.log.Warn("Contacts could not all be told", "error", err)
		c.warn("Not every contact could be told: see the failed activity.")
	case c.notice.result.Failed > 0:
		c.warn(fmt.Sprintf("%d of %d contacts cannot be reached by e-mail.", c.notice.result.Failed, c.order.Contacts))
	}
	c.describe(ctx)
}

// tellOfCallback tells people of the first callback (S4). Calls from before there was
// a plan tell of nothing but the dial.
func (c *call) tellOfCallback() {
	if c.order.Notices != nil {
		c.notices.beginOnce(c.steps, emergency.NoticeCallback)
	}
}

// tellOfEnd tells people when no leg is up for the first time, if that is wanted.
func (c *call) tellOfEnd() {
	if c.order.Notices != nil && c.order.Notices.TellEnd && !c.legUp() {
		c.notices.beginOnce(c.steps, emergency.NoticeEnded)
	}
}

// endLegs ends legs in SQL whose end nobody told.
func (c *call) endLegs(leg emergency.LegID, reason emergency.EndReason) error {
	err := c.ensure(c.steps, ActivityEndLegs, "End what nobody ended", Ending{CallID: c.order.CallID, LegID: leg, Reason: reason}, nil)
	if unknownCall(err) {
		return nil
	}
	return err
}

// release gives the number back. It reports false when SQL knows of a leg that is
// up and whose message is still on the way: the number is not released then (B1).
func (c *call) release(outcome string) (bool, error) {
	var release Release
	err := c.ensure(c.steps, ActivityReleaseNumber, "Callback number back to the pool",
		Closing{CallID: c.order.CallID, Outcome: outcome}, &release)
	if unknownCall(err) {
		return true, nil
	}
	return release.Released, err
}

// ensure takes a step in Lifeline's own SQL, as a local activity that costs
// nothing extra. Should the database be in trouble, an ordinary activity takes
// over, which retries for as long as it takes without growing the history and
// which supervisors see as pending. The context belongs to the coroutine that asks.
func (c *call) ensure(ctx workflow.Context, name, summary string, arg, result any) error {
	summary = c.marked(summary)
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    2 * time.Second,
		ScheduleToCloseTimeout: 4 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, MaximumAttempts: 3},
		Summary:                summary,
	})
	err := workflow.ExecuteLocalActivity(local, name, arg).Get(local, result)
	if err == nil || final(err) {
		return err
	}
	return workflow.ExecuteActivity(untilDone(ctx, summary), name, arg).Get(ctx, result)
}

// untilDone are the options of a step that is retried as long as it takes.
func untilDone(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: 15 * time.Second},
		Summary:             summary,
	})
}

// final tells whether retrying cannot help.
func final(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

// unknownCall tells whether the call's rows are gone, so that nothing is left to
// be done for it.
func unknownCall(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == ErrorUnknownCall
}
