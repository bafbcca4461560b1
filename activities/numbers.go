package activities

import (
	"context"
	"time"

	"lifeline/workflows"
)

// LeaseNumber makes sure that the call has its callback number (S3).
func (a *Activities) LeaseNumber(ctx context.Context, in workflows.CallRef) (workflows.Lease, error) {
	lease, err := a.Store.EnsureLease(ctx, in.CallID)
	if err != nil {
		return workflows.Lease{}, typed("lease number", err)
	}
	return workflows.Lease{Number: lease.Number, Kind: lease.Kind, Closed: lease.Closed}, nil
}

// ReleaseNumber gives the number back and closes the call, unless a leg is up or the
// window is open again because of a callback that the workflow has not heard of yet
// (B1). A cancelled call has no window.
func (a *Activities) ReleaseNumber(ctx context.Context, in workflows.Closing) (workflows.Release, error) {
	if in.Outcome != workflows.OutcomeCancelled {
		call, err := a.Store.Call(ctx, in.CallID)
		if err != nil {
			return workflows.Release{}, typed("release number", err)
		}
		if call.ClosedAt.IsZero() && time.Until(call.WindowEndsAt()) > clocksApart {
			return workflows.Release{}, nil
		}
	}
	closed, err := a.Store.CloseCall(ctx, in.CallID, in.Outcome)
	return workflows.Release{Released: closed}, typed("release number", err)
}

// clocksApart is how far this machine's clock and Temporal's may be apart. Within
// it the workflow's timer is believed, or an ordinary call would have to wait.
const clocksApart = time.Minute
