package workflows

import (
	"errors"
	"time"

	"lifeline/internal/emergency"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const (
	// ReconcileType is the registered name of the workflow that puts right what others
	// have left behind.
	ReconcileType = "EmergencyReconcile"
	// ReconcileID is the ID of the schedule that starts it, and the beginning of its own.
	ReconcileID = "emergency-reconcile"
	// ReconcileEvery is how soon what is left behind is found.
	ReconcileEvery = 30 * time.Second
	// ReconcilePatience bounds one pass: the next one does what this one has not.
	ReconcilePatience = 10 * time.Minute
	// ActivityReconcileCalls gives a Reconciled.
	ActivityReconcileCalls = "ReconcileCalls"
	// ActivityCheckLegs takes a LegCheck and gives a LegReport.
	ActivityCheckLegs = "CheckLegs"
	// lookAgainAfter is how long a leg must be missing before it counts as lost: what a
	// carrier is just moving from one place to another is there again by then.
	lookAgainAfter = 5 * time.Second
)

// ReconcileOrder says what a pass looks at.
type ReconcileOrder struct {
	// Legs says that there is a carrier to be asked for them (B16).
	Legs bool `json:"legs"`
}

// Reconciled is what was found and put right of calls, numbers and presence.
type Reconciled struct {
	// Open counts the calls that were looked at, Repaired what was put right.
	Open     int                          `json:"open"`
	Repaired map[emergency.RepairKind]int `json:"repaired,omitempty"`
	// Untold are calls that were ended by force, of which somebody is yet to be told.
	Untold []emergency.CallID `json:"untold,omitempty"`
}

// LegCheck asks for the legs that are missing.
type LegCheck struct {
	// Suspects are those that were missing before: the ones that still are end. Empty
	// for a look at all of them, which ends none.
	Suspects []emergency.LegRef `json:"suspects,omitempty"`
}

// LegReport is what the carrier knows of legs.
type LegReport struct {
	// Missing are up as far as Lifeline knows, and not as far as the carrier does.
	Missing []emergency.LegRef `json:"missing,omitempty"`
	// Up and Unknown count the others, and those that could not be checked.
	Up      int `json:"up"`
	Unknown int `json:"unknown"`
	// Ended counts those that were missing twice.
	Ended int `json:"ended"`
}

// ReconcileOutcome is the result of one pass.
type ReconcileOutcome struct {
	Reconciled

	Legs *LegReport `json:"legs,omitempty"`
}

// EmergencyReconcile is one pass over everything that is open: calls without a workflow go
// on, what no call holds is given back, legs that the carrier has lost end, and people
// hear of those that were ended by force. A part that fails does not keep the others from
// their work; the next pass tries it again.
func EmergencyReconcile(ctx workflow.Context, order ReconcileOrder) (ReconcileOutcome, error) {
	var (
		out       ReconcileOutcome
		callsErr  error
		legsErr   error
		underWay  = 1
		reconcile = func(ctx workflow.Context) {
			defer func() { underWay-- }()
			if callsErr = look(ctx, ActivityReconcileCalls, nil, &out.Reconciled); callsErr == nil {
				tellForced(ctx, out.Untold)
			}
		}
	)
	workflow.Go(ctx, reconcile)
	if order.Legs {
		out.Legs, legsErr = checkLegs(ctx)
	}
	if err := workflow.Await(ctx, func() bool { return underWay == 0 }); err != nil {
		return out, err
	}
	return out, errors.Join(callsErr, legsErr)
}

// checkLegs ends the legs that are missing in two looks in a row.
func checkLegs(ctx workflow.Context) (*LegReport, error) {
	var first, second LegReport
	if err := look(ctx, ActivityCheckLegs, LegCheck{}, &first); err != nil || len(first.Missing) == 0 {
		return &first, err
	}
	if err := workflow.Sleep(ctx, lookAgainAfter); err != nil {
		return &first, err
	}
	err := look(ctx, ActivityCheckLegs, LegCheck{Suspects: first.Missing}, &second)
	first.Ended = second.Ended
	return &first, err
}

// look does one part of a pass. It beats while it works, so that another worker takes over
// from one that died.
func look(ctx workflow.Context, name string, in, out any) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Minute,
		ScheduleToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:       20 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 3},
	})
	if in == nil {
		return workflow.ExecuteActivity(ctx, name).Get(ctx, out)
	}
	return workflow.ExecuteActivity(ctx, name, in).Get(ctx, out)
}

// tellForced tells the contacts of calls that were ended by force (B16). Whom it does not
// reach is tried again by the next pass.
func tellForced(ctx workflow.Context, calls []emergency.CallID) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second, ScheduleToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:     "E-mail that tells of a call that was ended by force",
	})
	telling := make([]workflow.Future, 0, len(calls))
	for _, id := range calls {
		telling = append(telling, workflow.ExecuteActivity(ctx, ActivityNotifyContacts, NoticeRef{CallID: id, Event: emergency.NoticeEnded}))
	}
	for i, one := range telling {
		if err := one.Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("Not everybody could be told of a forced end", "callId", calls[i], "error", err)
		}
	}
}
