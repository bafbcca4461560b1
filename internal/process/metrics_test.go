package process

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeline/internal/config"

	"github.com/prometheus/client_golang/prometheus"
)

// metricsOf is a base that shows metrics at an address.
func metricsOf(t *testing.T, addr string) *Base {
	t.Helper()
	return &Base{
		Config: config.Config{MetricsAddr: addr}, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
		Store: openStore(t, filepath.Join(t.TempDir(), "lifeline.db"), time.Now),
	}
}

// Whoever watches a worker sees how far Temporal is behind and what else the process
// counts, as of an API.
func TestMetrics(t *testing.T) {
	b := metricsOf(t, "127.0.0.1:0")
	part := b.Metrics()
	if err := part.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { settle(t, part.Stop(t.Context())) }()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "lifeline_something_total"})
	b.Registry.MustRegister(counter)
	counter.Inc()
	for path, want := range map[string]string{
		"/metrics": "lifeline_outbox_age_seconds 0\n",
		// What the parts of the process count stands beside it.
		"/metrics?": "lifeline_something_total 1\n",
		"/healthz":  `{"status":"ok"}`,
	} {
		w := httptest.NewRecorder()
		b.metricsHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s says %d, and has no %q in\n%s", path, w.Code, want, w.Body)
		}
	}
}

// Without an address nothing is served, and an address in use is told with the variable
// that has it.
func TestMetricsAddress(t *testing.T) {
	nowhere := metricsOf(t, "").Metrics()
	settle(t, nowhere.Start(t.Context()))
	settle(t, nowhere.Stop(t.Context()))
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { settle(t, taken.Close()) }()
	err = metricsOf(t, taken.Addr().String()).Metrics().Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "LIFELINE_METRICS_ADDR") {
		t.Errorf("the error is %v", err)
	}
}
