// Package activities does to the world what the workflow decides: it leases and
// releases numbers, routes callbacks, changes presence and tells the contacts.
//
// Every activity may run twice, late or after a crash of the one before. Each is
// keyed by the call's ID and finds done what has been done already.
package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/internal/presence"
	"lifeline/internal/store"
	"lifeline/workflows"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
)

// Activities are the steps of a call with what they need to take them.
type Activities struct {
	Store *store.Store
	// Outside is a presence system beside Lifeline's own; nil when there is none.
	Outside presence.System
	// Notices is the store, for all but tests.
	Notices Notices
	Mail    notify.Transport
	// Links lead readers of a notice to where they acknowledge it.
	Links *notify.Links
	// Reconciling is for the two activities that look at all calls.
	Reconciling Reconciling
	Log         *slog.Logger

	// passes counts those of the reconciler here: by the clock, one that always comes
	// late would always come upon the same calls.
	passes atomic.Int64
	// unrecorded has what has gone out here and SQL would not write down: an
	// emergency.Delivery for each outgoing.
	unrecorded sync.Map
	// leftAlone has until when the mail system wants to hear no more of something here: a
	// time.Time for each outgoing.
	leftAlone sync.Map
}

// Register makes the steps known to a worker under the names that the workflow
// uses.
func (a *Activities) Register(w worker.ActivityRegistry) {
	for name, step := range map[string]any{
		workflows.ActivityLeaseNumber:     a.LeaseNumber,
		workflows.ActivityRegisterRoute:   a.RegisterRoute,
		workflows.ActivitySetDoNotDisturb: a.SetDoNotDisturb,
		workflows.ActivityRestorePresence: a.RestorePresence,
		workflows.ActivityNotifyContacts:  a.NotifyContacts,
		workflows.ActivityEndLegs:         a.EndLegs,
		workflows.ActivityReleaseNumber:   a.ReleaseNumber,
		workflows.ActivityReconcileCalls:  a.ReconcileCalls,
		workflows.ActivityCheckLegs:       a.CheckLegs,
	} {
		w.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: name})
	}
}

// typed turns what retrying cannot mend into a non-retryable error of a type that
// the workflow knows.
func typed(step string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, emergency.ErrUnknownCall), errors.Is(err, emergency.ErrUnknownAgent):
		return temporal.NewNonRetryableApplicationError(step+": the call is not in the database", workflows.ErrorUnknownCall, err)
	default:
		return fmt.Errorf("%s: %w", step, err)
	}
}

// EndLegs ends legs whose end nobody told, and restores presence with the last.
func (a *Activities) EndLegs(ctx context.Context, in workflows.Ending) error {
	_, err := a.Store.EndLegs(ctx, store.Ending{CallID: in.CallID, LegID: in.LegID, Reason: in.Reason})
	if errors.Is(err, emergency.ErrUnknownLeg) {
		return nil
	}
	return typed("end legs", err)
}
