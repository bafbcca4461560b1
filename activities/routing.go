package activities

import (
	"context"

	"lifeline/workflows"
)

// RegisterRoute makes sure that callbacks to the number reach the agent, past
// every routing rule (S5).
func (a *Activities) RegisterRoute(ctx context.Context, in workflows.CallRef) error {
	return typed("register route", a.Store.EnsureRoute(ctx, in.CallID))
}
