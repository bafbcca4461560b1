package activities

import (
	"context"
	"errors"
	"fmt"

	"lifeline/internal/emergency"
	"lifeline/internal/presence"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// errorPresenceRefused is the type of the error that says that the outside system
// will not take this message, however often it is sent.
const errorPresenceRefused = "PresenceRefused"

// SetDoNotDisturb makes sure that a leg which is up shows in the agent's presence,
// and tells the outside system (S2, B3).
func (a *Activities) SetDoNotDisturb(ctx context.Context, in workflows.PresenceStep) error {
	if err := a.Store.EnsureOverride(ctx, in.CallID, in.LegID); err != nil {
		return typed("set do not disturb", err)
	}
	return a.tellOutside(ctx, in.AgentID)
}

// RestorePresence makes sure that ended legs no longer show, and tells the outside
// system (S10, B4). That one may have been down until the call was erased: it hears
// what the agent shows all the same.
func (a *Activities) RestorePresence(ctx context.Context, in workflows.PresenceStep) error {
	restored := typed("restore presence", a.Store.EnsureRestored(ctx, in.CallID))
	if restored != nil && !errors.Is(restored, emergency.ErrUnknownCall) {
		return restored
	}
	if err := a.tellOutside(ctx, in.AgentID); err != nil {
		return err
	}
	return restored
}

// tellOutside sends what the agent shows at this moment, not what was asked for:
// so a message that comes late or twice still tells the truth. When the presence
// changes while it is being sent, it is sent again.
func (a *Activities) tellOutside(ctx context.Context, agent emergency.AgentID) error {
	if a.Outside == nil {
		return nil
	}
	var told int64
	for {
		shown, err := a.Store.Presence(ctx, agent)
		if err != nil {
			return typed("read presence", err)
		}
		if shown.Revision == told {
			return nil
		}
		if err := a.Outside.Set(ctx, agent, shown); err != nil {
			return refused(err)
		}
		told = shown.Revision
	}
}

// refused keeps Temporal from repeating what the outside system will never take.
func refused(err error) error {
	var failed *presence.SetError
	if errors.As(err, &failed) && failed.Permanent {
		return temporal.NewNonRetryableApplicationError("tell presence system: "+failed.Reason, errorPresenceRefused, err)
	}
	return fmt.Errorf("tell presence system: %w", err)
}
