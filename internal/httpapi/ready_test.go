package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The process is alive whatever else is broken.
func TestHealth(t *testing.T) {
	r := newRig(t)
	r.records.broken = errors.New("no database")
	if w := r.do(t, ask{method: http.MethodGet, path: "/healthz"}); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// A load balancer that asks with HEAD gets the status, and no body.
func TestHead(t *testing.T) {
	check := errors.New("no database")
	r := newRig(t, func(o *Options) {
		o.Checks = []Check{{"database", func(context.Context) error { return check }}}
	})
	server := httptest.NewServer(r)
	defer server.Close()
	head := func(path string, want int) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close() //nolint:errcheck // there is none
		if answer.StatusCode != want || answer.ContentLength <= 0 || answer.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s, %d bytes, %s", path, answer.Status, answer.ContentLength, answer.Header.Get("Content-Type"))
		}
		if body, err := io.ReadAll(answer.Body); err != nil || len(body) > 0 {
			t.Errorf("%s: body %q, %v", path, body, err)
		}
	}
	head("/healthz", http.StatusOK)
	head("/readyz", http.StatusServiceUnavailable)
	check = nil
	head("/readyz", http.StatusOK)
}

// Readiness tells of every check what it has found. A sentence made for showing
// is shown, any other error only logged; checks run at once and take a second at
// most, even one that does not heed its context.
func TestReady(t *testing.T) {
	good := func(context.Context) error { return nil }
	slow := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("dial 10.0.0.7: %w", ctx.Err())
	}
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		r := newRig(t, func(o *Options) {
			o.Checks = []Check{
				{"database", good},
				{"numbers", func(context.Context) error {
					return fmt.Errorf("ask: %w", NotReady("Site us-washington has none free."))
				}},
				{"temporal", func(context.Context) error { return errors.New("password=hunter2") }},
				{"mail", slow},
				{"presence", slow},
				{"deaf", func(context.Context) error { <-let; return nil }},
			}
		})
		begun := time.Now()
		w := r.do(t, ask{method: http.MethodGet, path: "/readyz"})
		if took := time.Since(begun); took != probeTime {
			t.Errorf("took %s", took)
		}
		close(let)
		want := Ready{Checks: map[string]string{
			"database": "ok", "numbers": "Site us-washington has none free.",
			"temporal": "It does not work at the moment; the log tells why.",
			"mail":     "No answer within a second.", "presence": "No answer within a second.", "deaf": "No answer within a second.",
		}}
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d", w.Code)
		}
		if diff := cmp.Diff(want, read[Ready](t, w)); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		if !strings.Contains(r.logs.String(), "hunter2") {
			t.Error("the log does not tell why")
		}
	})
	r := newRig(t, func(o *Options) { o.Checks = []Check{{"database", good}} })
	w := r.do(t, ask{method: http.MethodGet, path: "/readyz"})
	if diff := cmp.Diff(Ready{Ready: true, Checks: map[string]string{"database": "ok"}}, read[Ready](t, w)); w.Code != http.StatusOK || diff != "" {
		t.Errorf("all is well: status %d (-want +got):\n%s", w.Code, diff)
	}
}

// A check that takes all the time there is puts no blame on those that have been
// done for long.
func TestReadyBlamesTheSlowAlone(t *testing.T) {
	want := Ready{Checks: map[string]string{"temporal": "No answer within a second."}}
	checks := []Check{{"temporal", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}}
	for i := range 10 {
		name := fmt.Sprintf("good %d", i)
		checks = append(checks, Check{name, func(context.Context) error { return nil }})
		want.Checks[name] = "ok"
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Checks = checks })
		w := r.do(t, ask{method: http.MethodGet, path: "/readyz"})
		if diff := cmp.Diff(want, read[Ready](t, w)); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

// Metrics count by route template and status; a stranger's paths make no series,
// and open streams are counted.
func TestMetrics(t *testing.T) {
	r := newRig(t)
	r.do(t, dial(goodDial))
	r.do(t, dial(`{}`))
	r.do(t, ask{method: http.MethodGet, path: "/v1/agents/agent-us", as: "admin"})
	r.do(t, ask{method: "BREW", path: "/v1/agents/stranger"})
	r.do(t, ask{method: http.MethodGet, path: "/stranger"})
	r.do(t, ask{method: http.MethodGet, path: "/v1/events", as: "supervisor"})
	metrics := r.do(t, ask{method: http.MethodGet, path: "/metrics"}).Body.String()
	const count = "lifeline_http_request_duration_seconds_count"
	for _, want := range []string{
		count + `{method="POST",route="/v1/emergency-calls",status="201"} 1`,
		count + `{method="POST",route="/v1/emergency-calls",status="400"} 1`,
		count + `{method="GET",route="/v1/agents/:agentId",status="200"} 1`,
		count + `{method="other",route="none",status="404"} 1`,
		"lifeline_event_streams 0",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, unwanted := range []string{"stranger", `route="/v1/events"`} {
		if strings.Contains(metrics, unwanted) {
			t.Errorf("metrics hold %q", unwanted)
		}
	}
}
