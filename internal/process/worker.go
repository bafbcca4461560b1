package process

import (
	"context"
	"fmt"
	"time"

	"lifeline/activities"
	"lifeline/internal/engine"
	"lifeline/internal/notify"
	"lifeline/workflows"

	"go.temporal.io/sdk/worker"
)

// mailTimeout bounds one attempt to hand a notice to a mail provider.
const mailTimeout = 20 * time.Second

// Worker hosts the workflows and their activities. It waits for Temporal to be there.
func (b *Base) Worker() (Part, error) {
	mail, err := b.mail()
	if err != nil {
		return Part{}, err
	}
	links, err := b.links()
	if err != nil {
		return Part{}, err
	}
	reconciling, err := b.reconciling()
	if err != nil {
		return Part{}, err
	}
	steps := &activities.Activities{
		Store: b.Store, Notices: b.Store, Outside: b.Outside, Mail: mail, Links: links, Reconciling: reconciling, Log: b.Log,
	}
	schedule := background("reconciler schedule", b.keepSchedule)
	var running worker.Worker
	return Part{
		Name: "worker",
		Start: func(ctx context.Context) error {
			if err := b.awaitTemporal(ctx); err != nil {
				return err
			}
			if err := engine.EnsureSearchAttributes(ctx, b.Temporal, b.Config.TemporalNamespace, workflows.SearchAttributeKeys()...); err != nil {
				return fmt.Errorf("prepare namespace: %w", err)
			}
			running = worker.New(b.Temporal, workflows.TaskQueue, worker.Options{
				// Activities under way may finish; what takes longer is taken again.
				WorkerStopTimeout: stopTime - 5*time.Second,
				DeploymentOptions: b.deployment(),
			})
			running.RegisterWorkflowWithOptions(workflows.EmergencyCall, pinned(workflows.Type))
			running.RegisterWorkflowWithOptions(workflows.EmergencyRefusal, pinned(workflows.RefusalType))
			running.RegisterWorkflowWithOptions(workflows.EmergencyReconcile, pinned(workflows.ReconcileType))
			steps.Register(running)
			if err := running.Start(); err != nil {
				return fmt.Errorf("start worker: %w", err)
			}
			return schedule.Start(ctx)
		},
		Stop: func(ctx context.Context) error {
			err := schedule.Stop(ctx)
			running.Stop()
			return err
		},
	}, nil
}

// complainEvery is how often the log is told that Temporal is missing.
const complainEvery = 10 * time.Second

// awaitTemporal waits for Temporal for as long as it takes, and says so.
func (b *Base) awaitTemporal(ctx context.Context) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, complainEvery)
		err := engine.AwaitReady(attempt, b.Temporal)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for Temporal: %w", err)
		}
		b.Log.Warn("Waiting for Temporal; check LIFELINE_TEMPORAL_ADDR", "temporal", b.Config.TemporalAddr, "error", err)
	}
}

// mail is the transport that the configuration asks for.
func (b *Base) mail() (notify.Transport, error) {
	var (
		transport notify.Transport
		err       error
	)
	switch b.Config.MailTransport {
	case "sendgrid":
		transport, err = notify.NewSendGrid(b.Config.SendGridAPIKey, b.Config.SendGridHost, b.Config.MailFrom, mailTimeout)
	case "smtp":
		transport, err = notify.NewSMTP(b.Config.SMTPURL, b.Config.MailFrom, mailTimeout)
	default:
		transport, err = notify.NewFolder(b.Config.MailDir, b.Config.MailFrom)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare mail by %s: %w", b.Config.MailTransport, err)
	}
	return notify.Watched(transport, b.Registry, b.Log), nil
}
