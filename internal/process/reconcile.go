package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeline/activities"
	"lifeline/internal/carrier"
	"lifeline/internal/emergency"
	"lifeline/workflows"

	"github.com/prometheus/client_golang/prometheus"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// carrierTimeout bounds one question to the carrier.
const carrierTimeout = 5 * time.Second

// reconciling is what the reconciler works with.
func (b *Base) reconciling() (activities.Reconciling, error) {
	r := activities.Reconciling{
		Engine:     b.Temporal,
		Resumption: emergency.Resumption{PresenceOutside: b.Outside != nil, Notices: b.Config.NoticePlan()},
		Quarantine: b.Config.NumberQuarantine,
		Repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lifeline_repairs_total",
			Help: "What the reconciler has put right in this process, by kind; docs/operations.md says what each means.",
		}, []string{"what"}),
	}
	for _, kind := range []emergency.RepairKind{
		emergency.RepairResumed, emergency.RepairCancelled, emergency.RepairLegLost, emergency.RepairLease, emergency.RepairPresence,
	} {
		r.Repairs.WithLabelValues(string(kind)) // so that the first repair shows as a change
	}
	b.Registry.MustRegister(r.Repairs)
	if b.Config.CarrierURL != "" {
		legs, err := carrier.NewHTTP(b.Config.CarrierURL, b.Config.CarrierToken, carrierTimeout)
		if err != nil {
			return r, fmt.Errorf("LIFELINE_CARRIER_URL: %w", err)
		}
		r.Carrier = legs
	}
	return r, nil
}

// scheduleCheckedEvery is how soon a schedule is there again that somebody has deleted, or
// that was lost with all of Temporal's data: the live calls wait for it then (S11).
const scheduleCheckedEvery = workflows.ReconcileEvery

// keepSchedule has Temporal start the reconciler regularly, and now. The worker does its
// work whether or not that succeeds.
func (b *Base) keepSchedule(ctx context.Context) {
	again := b.scheduleReconciler
	for {
		wait := scheduleCheckedEvery
		if err := again(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			b.Log.Warn("The reconciler could not be scheduled; trying again", "error", err)
			wait = complainEvery
		} else {
			again = b.createSchedule
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// scheduleReconciler makes the schedule, or brings it up to date, and has it run at once.
// What a supervisor has said of it, such as to pause it, stays.
func (b *Base) scheduleReconciler(ctx context.Context) error {
	if err := b.createSchedule(ctx); err != nil {
		return err
	}
	schedule := b.Temporal.ScheduleClient().GetHandle(ctx, workflows.ReconcileID)
	if err := schedule.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			kept := in.Description.Schedule
			spec, action, policy := b.reconcilerSchedule()
			kept.Spec, kept.Action, kept.Policy = &spec, action, policy
			return &client.ScheduleUpdate{Schedule: &kept}, nil
		},
	}); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if err := schedule.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP}); err != nil {
		return fmt.Errorf("trigger: %w", err)
	}
	return nil
}

// createSchedule makes the schedule unless there is one.
func (b *Base) createSchedule(ctx context.Context) error {
	spec, action, policy := b.reconcilerSchedule()
	_, err := b.Temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: workflows.ReconcileID, Spec: spec, Action: action, Overlap: policy.Overlap, CatchupWindow: policy.CatchupWindow,
	})
	if err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

// reconcilerSchedule is when and how the reconciler runs: never twice at once, and what was
// missed while Temporal was down is not made up for.
func (b *Base) reconcilerSchedule() (client.ScheduleSpec, *client.ScheduleWorkflowAction, *client.SchedulePolicies) {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: workflows.ReconcileEvery}}},
		&client.ScheduleWorkflowAction{
			ID: workflows.ReconcileID, Workflow: workflows.ReconcileType, TaskQueue: workflows.TaskQueue,
			Args:                     []any{workflows.ReconcileOrder{Legs: b.Config.CarrierURL != ""}},
			WorkflowExecutionTimeout: workflows.ReconcilePatience,
			StaticSummary:            "Puts right what calls have left behind",
		},
		&client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: workflows.ReconcileEvery}
}
