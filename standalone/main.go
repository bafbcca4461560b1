// Standalone is all of Lifeline in one process: API, worker, an embedded Temporal
// server with its Web UI, and SQLite, all in one data directory. It is the default
// way to run. Temporal offers its embedded server for development and trials, so
// production is api and worker on PostgreSQL and a Temporal cluster.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeline/internal/config"
	"lifeline/internal/engine"
	"lifeline/internal/engine/embedded"
	"lifeline/internal/process"
	"lifeline/workflows"
)

func main() {
	process.Main("standalone: all of Lifeline in one process, with an embedded Temporal server and demo data.", run)
}

func run(ctx context.Context, cfg config.Config, log *slog.Logger) (err error) {
	began := time.Now()
	if cfg.BuildID != "" {
		return errors.New("leave LIFELINE_BUILD_ID empty: it is for workers of two releases side by side, and standalone has one")
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make LIFELINE_DATA_DIR: %w", err)
	}
	if err := cfg.MakeSecrets(newSecrets); err != nil {
		return fmt.Errorf("make the first tokens and payload key: %w", err)
	}
	base, err := process.Open(cfg, log)
	if err != nil {
		return fmt.Errorf("start standalone: %w", err)
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	if err := seedDemo(ctx, base.Store, cfg.DataDir); err != nil {
		return fmt.Errorf("add demo data: %w", err)
	}
	worker, err := base.Worker()
	if err != nil {
		return fmt.Errorf("start standalone: %w", err)
	}
	api, err := base.API()
	if err != nil {
		return fmt.Errorf("start standalone: %w", err)
	}
	ready := func() { printReady(os.Stdout, cfg, time.Since(began)) }
	// Dials are answered from the first moment to the last, whatever the rest waits for (B7).
	return process.Run(log, ready, api, temporal(cfg, log), worker, base.Relay(), base.Housekeeping()) //nolint:wrapcheck // each part names itself
}

// webUIColumns let a supervisor see at a glance which calls there are and where
// they stand.
var webUIColumns = []string{
	"Status", workflows.KeyPhase.GetName(), workflows.KeyAgent.GetName(), workflows.KeyCountry.GetName(),
	workflows.KeyTest.GetName(), "Start", "End", "Workflow ID",
}

// temporal is the embedded server as a part; everything else stands on it.
func temporal(cfg config.Config, log *slog.Logger) process.Part {
	var server *embedded.Server
	return process.Part{
		Name: "temporal",
		Start: func(ctx context.Context) (err error) {
			server, err = embedded.Start(ctx, embedded.Options{
				Dir:              filepath.Join(cfg.DataDir, "temporal"),
				Addr:             cfg.TemporalAddr,
				UIAddr:           cfg.TemporalUIAddr,
				CodecEndpoint:    "http://" + cfg.HTTPAddr + "/codec",
				Namespace:        cfg.TemporalNamespace,
				SearchAttributes: workflows.SearchAttributeKeys(),
				Columns:          webUIColumns,
				Logger:           log,
			})
			if err != nil {
				return fmt.Errorf("start the embedded Temporal server: %w", err)
			}
			return nil
		},
		Stop: func(context.Context) error { return server.Stop() },
	}
}

// newSecrets makes a payload key, and one token for each role and demo agent.
func newSecrets() (config.Secrets, error) {
	var tokens []string
	for _, holder := range []string{"supervisor", "admin", "carrier"} {
		tokens = append(tokens, holder+":"+rand.Text())
	}
	for _, place := range demoPlaces {
		tokens = append(tokens, "agent/"+string(place.agent.ID)+":"+rand.Text())
	}
	return config.Secrets{PayloadKeys: engine.NewKey(), Tokens: strings.Join(tokens, ",")}, nil
}
