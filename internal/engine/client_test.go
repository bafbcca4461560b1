package engine

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
)

// A client can be made while Temporal is down, and a call on it then fails within the caller's deadline (B7).
func TestNewClientDoesNotNeedTemporal(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := NewClient(Options{Address: nobody, Namespace: "default", Keyring: mustParse(t, NewKey()), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "q"}, "W"); err == nil {
		t.Error("a workflow was started at nobody")
	}
	if err := AwaitReady(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("AwaitReady: %v, want the context's error", err)
	}
}

// AwaitReady returns once Temporal answers.
func TestAwaitReady(t *testing.T) {
	c := startFrontend(t, nil).client(t, mustParse(t, NewKey()))
	if err := AwaitReady(t.Context(), c); err != nil {
		t.Error(err)
	}
}
