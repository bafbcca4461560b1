package process

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// deploymentName is what all workers of one namespace are together, to Temporal.
const deploymentName = "lifeline"

// deployment has Temporal send a worker with a build ID only what is meant for that
// build. Without one, any worker without a build ID takes any call.
func (b *Base) deployment() worker.DeploymentOptions {
	if b.Config.BuildID == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning: true,
		Version:       worker.WorkerDeploymentVersion{DeploymentName: deploymentName, BuildID: b.Config.BuildID},
	}
}

// pinned registers a workflow that ends on the build that it began on. It means
// nothing to a worker without a build ID.
func pinned(name string) workflow.RegisterOptions {
	return workflow.RegisterOptions{Name: name, VersioningBehavior: workflow.VersioningBehaviorPinned}
}

// askVersionEvery is how often a worker looks whether it is known to Temporal yet,
// and lets it have the first calls.
const askVersionEvery = time.Second

// FirstVersion makes the build of this worker the one that takes new calls, if no
// build ever was: nobody has to remember that at the first deploy. Later builds wait
// for an operator. It belongs after the worker.
func (b *Base) FirstVersion() Part {
	return background("first version", func(ctx context.Context) {
		if b.Config.BuildID == "" {
			return
		}
		for complained := time.Now(); ; {
			err := b.becomeFirst(ctx)
			if err == nil {
				return
			}
			if time.Since(complained) >= complainEvery && ctx.Err() == nil {
				b.Log.Warn("It is not known yet which build takes new calls", "buildId", b.Config.BuildID, "error", err)
				complained = time.Now()
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(askVersionEvery):
			}
		}
	})
}

// becomeFirst fails until Temporal has noticed the worker. Of several builds that
// start together one wins: the token is no longer valid for the others, who ask again.
func (b *Base) becomeFirst(ctx context.Context) error {
	deployment := b.Temporal.WorkerDeploymentClient().GetHandle(deploymentName)
	known, err := deployment.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return fmt.Errorf("look up the deployment: %w", err)
	}
	routing := known.Info.RoutingConfig
	if chosen := routing.CurrentVersion != nil; chosen || routing.CurrentVersionChangedTime.After(time.Unix(0, 0)) {
		current := "" // an operator wants workers without a build ID
		if chosen {
			current = routing.CurrentVersion.BuildID
		}
		if current != b.Config.BuildID {
			b.Log.Warn("New calls go to another build until an operator makes this one current; docs/runbook.md tells how",
				"buildId", b.Config.BuildID, "current", current)
		}
		return nil
	}
	if _, err := deployment.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{
		BuildID: b.Config.BuildID, ConflictToken: known.ConflictToken,
	}); err != nil {
		return fmt.Errorf("make this build current: %w", err)
	}
	b.Log.Info("This build takes new calls, as the first", "buildId", b.Config.BuildID)
	return nil
}
