// Api is the HTTP service: it answers dials, ends and inbound calls, and carries
// them to Temporal. Run as many as you like on one PostgreSQL database.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"lifeline/internal/config"
	"lifeline/internal/process"
)

func main() {
	process.Main("api: Lifeline's HTTP service.", run)
}

func run(_ context.Context, cfg config.Config, log *slog.Logger) (err error) {
	base, err := process.Open(cfg, log)
	if err != nil {
		return fmt.Errorf("start api: %w", err)
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	api, err := base.API()
	if err != nil {
		return fmt.Errorf("start api: %w", err)
	}
	ready := func() { log.Info("Ready", "api", "http://"+cfg.HTTPAddr) }
	return process.Run(log, ready, base.Relay(), api) //nolint:wrapcheck // each part names itself
}
