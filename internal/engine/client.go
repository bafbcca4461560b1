package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

const (
	probeTimeout  = 5 * time.Second
	probeInterval = 500 * time.Millisecond
)

// Options say where Temporal is and how to talk to it.
type Options struct {
	// Address is the frontend's host:port. The connection has neither TLS nor an API key, so Temporal Cloud is out of
	// reach for now.
	Address   string
	Namespace string
	Keyring   *Keyring
	// Logger receives the SDK's messages; its level decides how many.
	Logger *slog.Logger
}

// NewClient returns a client that connects when it is first used, so that an API process starts, and answers dials,
// while Temporal is down (B7). Every payload is encrypted with the keyring.
func NewClient(options Options) (client.Client, error) {
	data, failure := Converters(options.Keyring)
	c, err := client.NewLazyClient(client.Options{
		HostPort:         options.Address,
		Namespace:        options.Namespace,
		Logger:           sdklog.NewStructuredLogger(options.Logger),
		DataConverter:    data,
		FailureConverter: failure,
	})
	if err != nil {
		return nil, fmt.Errorf("make Temporal client for %s: %w", options.Address, err)
	}
	return c, nil
}

// AwaitReady waits until Temporal answers on the client's connection. A worker calls it before it starts, because
// the SDK's worker gives up when Temporal is not there yet. The error is the context's, with the last answer in it.
func AwaitReady(ctx context.Context, c client.Client) error {
	for {
		err := probe(ctx, c)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for Temporal: %w (last answer: %w)", ctx.Err(), err)
		case <-time.After(probeInterval):
		}
	}
}

func probe(ctx context.Context, c client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("check health: %w", err)
	}
	return nil
}
