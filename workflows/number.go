package workflows

import (
	"lifeline/internal/emergency"

	"go.temporal.io/sdk/workflow"
)

// numberStory is how the call came to the number that it has.
type numberStory struct {
	// late is what a message said became free for the call (B5); empty when none came.
	late string
	// shown is the standing number that the PSAP saw, of a call that has one of its
	// own by now.
	shown string
	// corrected is true once a message has said what the PSAP saw: nothing else counts
	// any more (B7).
	corrected bool
}

// secureNumber makes sure that the call has its number and that the number leads
// to the agent (S3, S5). Usually the dial has done both. It reports true when the
// call is over already, so that nothing is left to do.
func (c *call) secureNumber() (bool, error) {
	ref := CallRef{CallID: c.order.CallID}
	var lease Lease
	err := c.ensure(c.steps, ActivityLeaseNumber, "Callback number for the agent", ref, &lease)
	if unknownCall(err) || lease.Closed {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	c.hold(lease.Number, lease.Kind)
	c.preferLate()
	if err := c.ensure(c.steps, ActivityRegisterRoute, "Callbacks go to the agent", ref, nil); err != nil && !unknownCall(err) {
		return false, err
	}
	return false, nil
}

// keepNumber takes in what comes of a number leased late (B5), and of what the PSAP saw
// (B7). It runs beside the rest and wakes none of it: what the call does is the same
// whether and whenever a message comes, also in a history that an older version began.
// What comes together with the end of the call still has its turn. A message that
// cannot be read is passed over.
func (c *call) keepNumber(ctx workflow.Context) {
	news := workflow.NewSelector(ctx)
	news.AddReceive(c.leased, func(ch workflow.ReceiveChannel, _ bool) {
		var message emergency.LateLease
		if ch.ReceiveAsync(&message) {
			c.numberLeased(message)
		}
	})
	news.AddReceive(c.corrected, func(ch workflow.ReceiveChannel, _ bool) {
		var message emergency.CorrectedNumber
		if ch.ReceiveAsync(&message) && message.Number != "" {
			c.number = numberStory{corrected: true}
			c.order.Number, c.order.NumberKind = message.Number, message.Kind
		}
	})
	for {
		news.Select(ctx)
		c.describe(ctx)
	}
}

// numberLeased remembers the first number that is told: the store gives a call no
// second one.
func (c *call) numberLeased(m emergency.LateLease) {
	if c.number.late == "" {
		c.number.late = m.Number
	}
	c.preferLate()
}

// preferLate gives a call with a standing number the one that was leased late. The
// store may have been asked before that lease and have answered after it. A call
// that has a number of its own keeps it.
func (c *call) preferLate() {
	if c.number.late != "" && c.order.NumberKind == emergency.NumberStanding {
		c.hold(c.number.late, emergency.NumberLeased)
	}
}

// hold changes the number that the call has, unless it has been corrected: the store may
// have been asked before that and have answered after it. What the PSAP saw does not
// change.
func (c *call) hold(number string, kind emergency.NumberKind) {
	if c.number.corrected {
		return
	}
	if c.order.NumberKind == emergency.NumberStanding && kind == emergency.NumberLeased {
		c.number.shown = c.order.Number
	}
	c.order.Number, c.order.NumberKind = number, kind
}
