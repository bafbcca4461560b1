package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
	"lifeline/workflows"

	"go.temporal.io/sdk/activity"
)

// Carrier knows which legs are up (B16).
type Carrier interface {
	// Legs lists the legs of a call that are up. emergency.ErrUnknownCall says that the
	// carrier knows nothing of the call; any other error, that nobody can tell.
	Legs(ctx context.Context, call emergency.CallID) ([]emergency.LegID, error)
}

// legSettled is how long a leg has been up before a carrier should know of it.
const legSettled = 30 * time.Second

// CheckLegs asks the carrier for the legs that are up as far as Lifeline knows (B16).
// Without suspects it only reports which are missing; of suspects it ends those that still
// are. One that cannot be checked stays: it ends after the longest call allowed.
func (a *Activities) CheckLegs(ctx context.Context, in workflows.LegCheck) (workflows.LegReport, error) {
	var report workflows.LegReport
	if a.Reconciling.Carrier == nil {
		return report, nil
	}
	legs, err := a.Store.LegsUp(ctx, time.Now().Add(-legSettled))
	if err != nil {
		return report, typed("check legs", err)
	}
	if len(in.Suspects) > 0 {
		legs = slices.DeleteFunc(legs, func(leg emergency.LegRef) bool { return !slices.Contains(in.Suspects, leg) })
	}
	report, unknown := a.askCarrier(ctx, legs)
	if unknown != nil {
		a.Log.WarnContext(ctx, "Legs cannot be checked with the carrier; they end after the longest call allowed",
			"legs", report.Unknown, "error", unknown)
	}
	if len(in.Suspects) == 0 {
		return report, nil
	}
	for _, leg := range report.Missing {
		ended, failed := a.endLost(ctx, leg)
		if ended {
			report.Ended++
		}
		err = errors.Join(err, failed)
	}
	return report, typed("end lost legs", err)
}

// askCarrier sorts legs by what the carrier knows of them. The error is one of those
// that kept it from answering.
func (a *Activities) askCarrier(ctx context.Context, legs []emergency.LegRef) (workflows.LegReport, error) {
	var (
		report  workflows.LegReport
		unknown error
		mu      sync.Mutex
		byCall  [][]emergency.LegRef
	)
	for _, leg := range legs { // which are in the order of their calls
		if last := len(byCall) - 1; last >= 0 && byCall[last][0].CallID == leg.CallID {
			byCall[last] = append(byCall[last], leg)
			continue
		}
		byCall = append(byCall, []emergency.LegRef{leg})
	}
	inParallel(ctx, byCall, func(legs []emergency.LegRef) {
		activity.RecordHeartbeat(ctx)
		up, err := a.Reconciling.Carrier.Legs(ctx, legs[0].CallID)
		mu.Lock()
		defer mu.Unlock()
		for _, leg := range legs {
			switch {
			case err != nil && !errors.Is(err, emergency.ErrUnknownCall):
				unknown = err
				report.Unknown++
			case slices.Contains(up, leg.LegID):
				report.Up++
			default:
				report.Missing = append(report.Missing, leg)
			}
		}
	})
	return report, unknown
}

// endLost ends a leg whose end was lost, as if its end had been told now. It is false when
// that has been told meanwhile.
func (a *Activities) endLost(ctx context.Context, leg emergency.LegRef) (bool, error) {
	before, err := a.Store.Call(ctx, leg.CallID)
	if errors.Is(err, emergency.ErrUnknownCall) || err == nil && !before.Leg(leg.LegID).Up() {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read call: %w", err)
	}
	after, err := a.Store.EndLegs(ctx, store.Ending{CallID: leg.CallID, LegID: leg.LegID, Reason: emergency.EndLost, Tell: true})
	if err != nil {
		return false, fmt.Errorf("end leg: %w", err)
	}
	if after.Leg(leg.LegID).Reason != emergency.EndLost {
		return false, nil
	}
	a.repaired(ctx, emergency.Repair{Kind: emergency.RepairLegLost, CallID: leg.CallID, AgentID: after.AgentID})
	return true, nil
}
