// Worker hosts the EmergencyCall workflow and its activities on the task queue.
// Run two or more, so that one can die.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"lifeline/internal/config"
	"lifeline/internal/process"
	"lifeline/workflows"
)

func main() {
	process.Main("worker: hosts Lifeline's workflows and activities.", run)
}

func run(_ context.Context, cfg config.Config, log *slog.Logger) (err error) {
	base, err := process.Open(cfg, log)
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	worker, err := base.Worker()
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	ready := func() { log.Info("Ready", "taskQueue", workflows.TaskQueue, "temporal", cfg.TemporalAddr) }
	return process.Run(log, ready, base.Metrics(), base.Database(), worker, base.FirstVersion(), base.Relay(), base.Housekeeping()) //nolint:wrapcheck // each part names itself
}
