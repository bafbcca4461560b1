package main

import (
	"context"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/activity"
)

// attempt is one try of a step.
type attempt struct {
	step   string
	local  bool
	number int32
}

// fakes are the activities by their production names, for all calls.
func fakes(calls []*call) map[string]any {
	byID := map[emergency.CallID]*call{}
	for _, c := range calls {
		byID[c.order.CallID] = c
	}
	return map[string]any{
		workflows.ActivityLeaseNumber: func(ctx context.Context, in workflows.CallRef) (workflows.Lease, error) {
			c := byID[in.CallID]
			return workflows.Lease{Number: c.order.Number, Kind: c.order.NumberKind, Closed: c.closed}, c.take(ctx)
		},
		workflows.ActivityRegisterRoute: func(ctx context.Context, in workflows.CallRef) error {
			return byID[in.CallID].take(ctx)
		},
		workflows.ActivitySetDoNotDisturb: func(ctx context.Context, in workflows.PresenceStep) error {
			return byID[in.CallID].take(ctx)
		},
		workflows.ActivityRestorePresence: func(ctx context.Context, in workflows.PresenceStep) error {
			return byID[in.CallID].take(ctx)
		},
		workflows.ActivityNotifyContacts: func(ctx context.Context, in workflows.NoticeRef) (workflows.Deliveries, error) {
			c := byID[in.CallID]
			switch {
			case c.unreachable && in.Round == 0:
				return workflows.Deliveries{Failed: c.order.Contacts}, c.take(ctx)
			case c.superseded && in.Round > 0 && in.Round < c.plan.Escalations:
				return workflows.Deliveries{Superseded: c.order.Contacts}, c.take(ctx)
			case c.nobody:
				return workflows.Deliveries{}, c.take(ctx)
			}
			return workflows.Deliveries{Sent: c.order.Contacts}, c.take(ctx)
		},
		workflows.ActivityEndLegs: func(ctx context.Context, in workflows.Ending) error {
			return byID[in.CallID].take(ctx)
		},
		workflows.ActivityReleaseNumber: func(ctx context.Context, in workflows.Closing) (workflows.Release, error) {
			c := byID[in.CallID]
			if err := c.take(ctx); err != nil {
				return workflows.Release{}, err
			}
			return workflows.Release{Released: c.release()}, nil
		},
	}
}

// take fails when the scenario says so.
func (c *call) take(ctx context.Context) error {
	if c.fail == nil {
		return nil
	}
	info := activity.GetInfo(ctx)
	return c.fail(attempt{step: info.ActivityType.Name, local: info.IsLocalActivity, number: info.Attempt})
}

// release refuses as often as the scenario says.
func (c *call) release() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals > 0 {
		c.refusals--
		return false
	}
	return true
}
