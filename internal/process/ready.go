package process

import (
	"context"
	"fmt"
	"time"

	"lifeline/internal/httpapi"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

const (
	// workerSilence is how long ago a worker may have asked for work: it asks
	// again at least every minute.
	workerSilence = 75 * time.Second
	// outboxBehind is how long a message may wait before a call's workflow counts
	// as late.
	outboxBehind = 10 * time.Second
)

// checks are what a dial needs to work fully: the answer itself needs no more than
// the database.
func (b *Base) checks() []httpapi.Check {
	return []httpapi.Check{
		{Name: "database", Probe: b.Store.Ping},
		{Name: "temporal", Probe: b.probeTemporal},
		{Name: "worker", Probe: b.probeWorker},
		{Name: "outbox", Probe: b.probeOutbox},
	}
}

func (b *Base) probeTemporal(ctx context.Context) error {
	if _, err := b.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("check Temporal: %w", err)
	}
	return nil
}

// probeWorker looks for somebody who takes new calls from the task queue.
func (b *Base) probeWorker(ctx context.Context) error {
	queue, err := b.Temporal.DescribeTaskQueue(ctx, workflows.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return fmt.Errorf("look for workers: %w", err)
	}
	return takesNewCalls(queue, time.Now())
}

// takesNewCalls is nil if some worker is of the build that new calls go to; without a
// current build they go to workers without a build ID. Calls that began on another build
// wait for that one all the same, which nobody here looks for.
func takesNewCalls(queue *workflowservice.DescribeTaskQueueResponse, now time.Time) error {
	current := queue.GetVersioningInfo().GetCurrentDeploymentVersion()
	others := false
	for _, poller := range queue.GetPollers() {
		if now.Sub(poller.GetLastAccessTime().AsTime()) >= workerSilence {
			continue
		}
		name, build := "", ""
		if is := poller.GetDeploymentOptions(); is.GetWorkerVersioningMode() == enumspb.WORKER_VERSIONING_MODE_VERSIONED {
			name, build = is.GetDeploymentName(), is.GetBuildId()
		}
		if name == current.GetDeploymentName() && build == current.GetBuildId() {
			return nil
		}
		others = true
	}
	//nolint:wrapcheck // each is the whole answer
	switch {
	case !others:
		return httpapi.NotReady("no worker is taking calls from the task queue")
	case current == nil:
		return httpapi.NotReady("new calls go to workers without a build ID, and there are none")
	default:
		return httpapi.NotReady("new calls go to workers of build " + current.GetBuildId() + ", and there are none")
	}
}

func (b *Base) probeOutbox(ctx context.Context) error {
	age, err := b.Store.OutboxAge(ctx)
	if err != nil {
		return fmt.Errorf("look into the outbox: %w", err)
	}
	if age > outboxBehind {
		return httpapi.NotReady("messages to Temporal have been waiting for " + age.Round(time.Second).String()) //nolint:wrapcheck // it is the whole answer
	}
	return nil
}
