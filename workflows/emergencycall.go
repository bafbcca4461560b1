package workflows

import (
	"time"

	"lifeline/internal/emergency"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"
)

// EmergencyCall takes care of one emergency call from the dial until its callback
// number is back in the pool. Cancelling it cleans up; whatever else happens, it
// goes on until the number is released and presence restored.
func EmergencyCall(ctx workflow.Context, order emergency.Order) (Outcome, error) {
	call, err := setup(ctx, order)
	if err != nil {
		return Outcome{}, err
	}
	return call.run(ctx)
}

// call is what a running workflow remembers.
type call struct {
	order emergency.Order
	log   log.Logger
	// steps is the main coroutine's context for everything that must be done even
	// after a cancellation.
	steps workflow.Context

	ended     workflow.ReceiveChannel
	received  workflow.ReceiveChannel
	leased    workflow.ReceiveChannel
	corrected workflow.ReceiveChannel

	legs []emergency.Leg
	// endedEarly keeps ends that came before their start.
	endedEarly map[emergency.LegID]emergency.LegEnded

	number   numberStory
	phase    emergency.CallStatus
	deadline *deadline
	presence presenceKeeper
	// notice is of a call from before there was a plan; notices is of all others, and
	// hears who acknowledges either.
	notice   noticeStory
	notices  *noticeKeeper
	warnings []string
	// recheck is when to ask again whether the number can be released.
	recheck time.Time
}

// deadline is the one timer that a call has.
type deadline struct {
	at     time.Time
	timer  workflow.Future
	cancel workflow.CancelFunc
}

// setup makes the call ready to hear messages, before the first step is taken.
func setup(ctx workflow.Context, order emergency.Order) (*call, error) {
	steps, _ := workflow.NewDisconnectedContext(ctx)
	c := &call{
		order:      order,
		log:        log.With(workflow.GetLogger(ctx), "callId", order.CallID, "agentId", order.AgentID, "kind", order.Kind),
		steps:      steps,
		ended:      workflow.GetSignalChannel(ctx, SignalCallEnded),
		received:   workflow.GetSignalChannel(ctx, SignalCallbackReceived),
		leased:     workflow.GetSignalChannel(ctx, SignalNumberLeased),
		corrected:  workflow.GetSignalChannel(ctx, SignalNumberCorrected),
		legs:       []emergency.Leg{{ID: order.LegID, Direction: emergency.Outbound, StartedAt: order.DialedAt}},
		endedEarly: map[emergency.LegID]emergency.LegEnded{},
		phase:      emergency.CallActive,
		presence:   presenceKeeper{shown: map[emergency.LegID]bool{}},
	}
	c.notices = &noticeKeeper{
		about: subject{order.CallID, order.Kind}, log: c.log, plan: order.Notices,
		acknowledged: workflow.GetSignalChannel(ctx, SignalAcknowledged), undelivered: workflow.GetSignalChannel(ctx, SignalUndelivered),
		changed: c.describe, warn: c.warn,
	}
	if order.Notices == nil || !order.Notices.ByUse {
		c.notices.useful = order.Terms.Lease + order.Terms.Grace
	}
	return c, workflow.SetQueryHandlerWithOptions(ctx, QueryState, c.state, workflow.QueryHandlerOptions{
		Description: "Where the call stands: phase, number, legs, window.",
	})
}

// run is the story of a call.
func (c *call) run(ctx workflow.Context) (Outcome, error) {
	c.tell(ctx)
	workflow.Go(c.steps, c.keepPresence)
	workflow.Go(c.steps, c.keepNumber)
	workflow.Go(c.steps, c.notices.hear)
	over, err := c.secureNumber()
	if over && c.order.Notices != nil && c.order.Notices.Outlives {
		c.tellOfDial() // nobody may have been told while the call was open
	}
	if over || err != nil {
		return c.finish(ctx, OutcomeObsolete, err)
	}
	c.tellOfDial()
	for ctx.Err() == nil {
		c.follow(ctx)
		if c.windowOver(ctx) {
			released, err := c.release(OutcomeCompleted)
			if released || err != nil {
				return c.finish(ctx, OutcomeCompleted, err)
			}
			c.recheck = workflow.Now(ctx).Add(recheckAfter)
			c.setDeadline(ctx)
		}
		c.awaitNews(ctx)
	}
	return c.cleanUp(ctx)
}

// follow brings presence, phase and deadline in line with the legs.
func (c *call) follow(ctx workflow.Context) {
	c.endOverdueLegs(ctx)
	c.followPresence(ctx)
	c.setDeadline(ctx)
	c.tell(ctx)
	c.tellOfEnd()
}

// awaitNews waits for a message, the deadline or a cancellation, and takes in
// everything that has come by then. Messages are received without waiting: Receive
// would pass over one that cannot be read and then wait for the next, past any
// deadline.
func (c *call) awaitNews(ctx workflow.Context) {
	news := workflow.NewSelector(ctx)
	news.AddReceive(c.received, func(ch workflow.ReceiveChannel, _ bool) {
		var message emergency.CallbackReceived
		if ch.ReceiveAsync(&message) {
			c.callbackReceived(ctx, message)
		}
	})
	news.AddReceive(c.ended, func(ch workflow.ReceiveChannel, _ bool) {
		var message emergency.LegEnded
		if ch.ReceiveAsync(&message) {
			c.legEnded(ctx, message)
		}
	})
	if c.deadline != nil {
		news.AddFuture(c.deadline.timer, func(workflow.Future) { c.deadline = nil })
	}
	if ctx.Err() == nil {
		news.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	}
	news.Select(ctx)
	for ctx.Err() == nil && news.HasPending() {
		news.Select(ctx)
	}
}

// windowOver tells whether no leg is up and the callback window has passed (B1).
func (c *call) windowOver(ctx workflow.Context) bool {
	return !c.legUp() && !workflow.Now(ctx).Before(c.windowEnd()) && !workflow.Now(ctx).Before(c.recheck)
}

// cleanUp ends a cancelled call: legs down, presence back, number released.
func (c *call) cleanUp(ctx workflow.Context) (Outcome, error) {
	c.log.Info("Emergency call cancelled; cleaning up")
	c.warn("Cancelled by a supervisor: legs were marked ended, presence restored and the number given back.")
	for {
		if err := c.endLegs("", emergency.EndCancelled); err != nil {
			return Outcome{}, err
		}
		c.markEnded(ctx, emergency.EndCancelled)
		c.followPresence(c.steps)
		released, err := c.release(OutcomeCancelled)
		if err != nil {
			return Outcome{}, err
		}
		if released {
			return c.finish(ctx, OutcomeCancelled, ctx.Err())
		}
	}
}

// finish waits until presence is settled and everybody has been told, and lets go of
// messages that no longer matter, so that none counts as unhandled; keepNumber sees to its
// own. With an error, such as a cancellation, nobody is told any more.
func (c *call) finish(ctx workflow.Context, result string, err error) (Outcome, error) {
	c.phase = emergency.CallEnded
	c.notices.close(err == nil)
	c.setDeadline(ctx)
	c.describe(ctx)
	c.awaitPresence()
	if err == nil {
		err = c.awaitTold(ctx)
	}
	for c.ended.ReceiveAsync(nil) || c.received.ReceiveAsync(nil) {
		c.log.Debug("A message came after the end and changed nothing")
	}
	c.describe(ctx)
	return Outcome{Result: result, Legs: len(c.legs)}, err
}

// awaitTold waits for whoever has not heard of the call, which is over: mail or Temporal
// was away for its whole window (S9, S11). SQL gives them up after a day. A supervisor may
// do so before, by a cancellation.
func (c *call) awaitTold(ctx workflow.Context) error {
	if c.notices.told() {
		return nil
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, KeyPhase.ValueSet(string(c.phase))); err != nil {
		c.log.Error("Could not update the phase", "error", err)
	}
	return workflow.Await(ctx, c.notices.told)
}
