// Package process wires Lifeline's parts into processes. A process is a list of
// parts: api, worker and standalone differ in the list alone.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// Part is one thing that a process runs.
type Part struct {
	Name string
	// Start returns when the part works, or with the reason why it cannot. What it
	// leaves running goes on after the context has ended.
	Start func(ctx context.Context) error
	// Stop ends the part and returns when it has ended.
	Stop func(ctx context.Context) error
}

// stopTime bounds the shutdown of one part. What a part has not finished by then
// is finished after the next start.
const stopTime = 15 * time.Second

// Run starts the parts in order, says that they are ready, waits for SIGINT or
// SIGTERM, and stops them in reverse order: so that nothing loses what it stands
// on. A second signal ends the process at once.
func Run(log *slog.Logger, ready func(), parts ...Part) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	started, err := startAll(ctx, log, parts)
	if err == nil {
		ready()
		<-ctx.Done()
		log.Info("Stopping")
	}
	stop()
	return errors.Join(err, stopAll(log, started))
}

func startAll(ctx context.Context, log *slog.Logger, parts []Part) ([]Part, error) {
	for i, part := range parts {
		log.Debug("Starting", "part", part.Name)
		if err := part.Start(ctx); err != nil {
			if ctx.Err() != nil {
				err = nil // asked to stop before all had started
			}
			return parts[:i], errors.Join(err, ctx.Err())
		}
	}
	return parts, nil
}

func stopAll(log *slog.Logger, parts []Part) error {
	var all error
	for _, part := range slices.Backward(parts) {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		if err := part.Stop(ctx); err != nil {
			all = errors.Join(all, fmt.Errorf("stop %s: %w", part.Name, err))
		}
		cancel()
		log.Debug("Stopped", "part", part.Name)
	}
	return all
}

// background is a part that is a loop: it runs until its context ends.
func background(name string, loop func(ctx context.Context)) Part {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	return Part{
		Name: name,
		Start: func(context.Context) error {
			go func() {
				defer close(done)
				loop(ctx)
			}()
			return nil
		},
		Stop: func(waiting context.Context) error {
			cancel()
			select {
			case <-done:
				return nil
			case <-waiting.Done():
				return waiting.Err()
			}
		},
	}
}
