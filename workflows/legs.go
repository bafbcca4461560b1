package workflows

import (
	"fmt"
	"time"

	"lifeline/internal/emergency"

	"go.temporal.io/sdk/workflow"
)

// recheckAfter is how soon a release is tried again when a callback has just been
// connected and its message is still on the way.
const recheckAfter = 30 * time.Second

// callbackReceived opens a leg (S4). A repeated message changes nothing; an end
// that came first counts. A leg without a name could never be ended, so it is not
// opened.
func (c *call) callbackReceived(ctx workflow.Context, m emergency.CallbackReceived) {
	if m.LegID == "" || c.leg(m.LegID) != nil {
		return
	}
	leg := emergency.Leg{ID: m.LegID, Direction: emergency.Callback, StartedAt: orNow(ctx, m.At)}
	if end, early := c.endedEarly[m.LegID]; early {
		delete(c.endedEarly, m.LegID)
		leg.EndedAt, leg.Reason = orNow(ctx, end.At), end.Reason
	}
	c.legs = append(c.legs, leg)
	c.recheck = time.Time{} // this is the message that the release waited for
	c.tellOfCallback()
}

// legEnded ends a leg, once; the end of a leg not heard of yet is remembered.
func (c *call) legEnded(ctx workflow.Context, m emergency.LegEnded) {
	leg, early := c.leg(m.LegID), c.endedEarly[m.LegID]
	switch {
	case leg == nil && early.LegID == "":
		m.At = orNow(ctx, m.At)
		c.endedEarly[m.LegID] = m
	case leg != nil && leg.Up():
		leg.EndedAt, leg.Reason = orNow(ctx, m.At), m.Reason
	}
}

// endOverdueLegs ends what has been up for longer than any call is believed to
// last: its end was lost (B16). While one is being ended another may become
// overdue, so it goes on until none is.
func (c *call) endOverdueLegs(ctx workflow.Context) {
	for leg := c.overdue(ctx); leg != nil; leg = c.overdue(ctx) {
		if err := c.endLegs(leg.ID, emergency.EndMaxDuration); err != nil {
			c.log.Error("Could not end a leg that is overdue", "error", err)
		}
		leg.EndedAt, leg.Reason = workflow.Now(ctx), emergency.EndMaxDuration
		c.warn(fmt.Sprintf("The %s leg was ended after %s because nobody told its end. Check on the agent.",
			leg.Direction, c.order.Terms.MaxCall))
	}
}

// overdue is a leg that has been up for longer than any may; nil when there is none.
func (c *call) overdue(ctx workflow.Context) *emergency.Leg {
	for i := range c.legs {
		if leg := &c.legs[i]; leg.Up() && !workflow.Now(ctx).Before(leg.StartedAt.Add(c.order.Terms.MaxCall)) {
			return leg
		}
	}
	return nil
}

// markEnded ends every leg in the workflow's own memory.
func (c *call) markEnded(ctx workflow.Context, reason emergency.EndReason) {
	for i := range c.legs {
		if c.legs[i].Up() {
			c.legs[i].EndedAt, c.legs[i].Reason = workflow.Now(ctx), reason
		}
	}
}

func (c *call) leg(id emergency.LegID) *emergency.Leg {
	for i := range c.legs {
		if c.legs[i].ID == id {
			return &c.legs[i]
		}
	}
	return nil
}

// latestUp is the leg that came up last of those that are up; nil when none is.
func (c *call) latestUp() *emergency.Leg {
	for i := len(c.legs) - 1; i >= 0; i-- {
		if c.legs[i].Up() {
			return &c.legs[i]
		}
	}
	return nil
}

func (c *call) legUp() bool { return c.latestUp() != nil }

// windowEnd is when the number goes back if no further leg comes (B1).
func (c *call) windowEnd() time.Time {
	return emergency.Call{DialedAt: c.order.DialedAt, Terms: c.order.Terms, Legs: c.legs}.WindowEndsAt()
}

// setDeadline keeps one timer for whatever is due next, and sets it anew only
// when that has moved.
func (c *call) setDeadline(ctx workflow.Context) {
	due, summary := c.nextDue(ctx)
	if c.deadline != nil {
		if c.deadline.at.Equal(due) {
			return
		}
		c.deadline.cancel()
		c.deadline = nil
	}
	wait := due.Sub(workflow.Now(ctx))
	if due.IsZero() || wait <= 0 {
		return
	}
	timing, cancel := workflow.WithCancel(ctx)
	c.deadline = &deadline{
		at:     due,
		timer:  workflow.NewTimerWithOptions(timing, wait, workflow.TimerOptions{Summary: c.marked(summary)}),
		cancel: cancel,
	}
}

// nextDue is when the call must be looked at even if no message comes. While a leg
// is up that is the end of the window so far, which most calls keep, and only
// after that the longest a leg may last: so that an ordinary call needs one timer.
func (c *call) nextDue(ctx workflow.Context) (time.Time, string) {
	if c.phase == emergency.CallEnded {
		return time.Time{}, ""
	}
	now, window := workflow.Now(ctx), c.windowEnd()
	if !c.legUp() {
		if c.recheck.After(now) && !window.After(now) {
			return c.recheck, "Waiting for the message of a callback"
		}
		return window, "Callback window until " + clock(window)
	}
	limit := time.Time{}
	for _, leg := range c.legs {
		if end := leg.StartedAt.Add(c.order.Terms.MaxCall); leg.Up() && (limit.IsZero() || end.Before(limit)) {
			limit = end
		}
	}
	if window.After(now) && window.Before(limit) {
		return window, "Callback window until " + clock(window) + " or longer"
	}
	return limit, "Longest call allowed until " + clock(limit)
}

// orNow is the time of a message, or of its arrival when it brings none.
func orNow(ctx workflow.Context, at time.Time) time.Time {
	if at.IsZero() {
		return workflow.Now(ctx)
	}
	return at
}
