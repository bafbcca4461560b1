package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics serves what operators ask a process for that has no API, where they want it: what
// became of notices and what the reconciler has put right is known to workers alone.
func (b *Base) Metrics() Part {
	if b.Config.MetricsAddr == "" {
		idle := func(context.Context) error { return nil }
		return Part{Name: "metrics", Start: idle, Stop: idle}
	}
	b.measureOutbox()
	server := newServer(b.metricsHandler())
	return Part{
		Name: "metrics",
		Start: func(ctx context.Context) error {
			return b.listen(ctx, server, "LIFELINE_METRICS_ADDR", b.Config.MetricsAddr)
		},
		Stop: server.Shutdown,
	}
}

// metricsHandler answers as the API does.
func (b *Base) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok"}`)) // nobody is left to tell when the reader has gone
	})
	return mux
}

// newServer bounds how long a client may take over its request.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
}

// listen binds the address that a variable has before it returns, so that a port in use is
// told at once.
func (b *Base) listen(ctx context.Context, server *http.Server, variable, addr string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", variable, err)
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			b.Log.Error("HTTP has stopped", "address", variable, "error", err)
		}
	}()
	return nil
}

// measureOutbox shows how long Temporal has been behind.
func (b *Base) measureOutbox() {
	b.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lifeline_outbox_age_seconds",
		Help: "How long the oldest message to Temporal has been waiting; -1 when the database does not answer.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		age, err := b.Store.OutboxAge(ctx)
		if err != nil {
			return -1
		}
		return age.Seconds()
	}))
}
