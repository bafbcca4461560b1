package activities

import (
	"context"
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

// ReleaseNumber gives the number back and closes the call, unless a leg is up
// (B1).
func (a *Activities) ReleaseNumber(ctx context.Context, in workflows.Closing) (workflows.Release, error) {
	closed, err := a.Store.CloseCall(ctx, in.CallID, in.Outcome)
	return workflows.Release{Released: closed}, typed("release number", err)
}
