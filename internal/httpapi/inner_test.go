package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/emergency"
)

// While the database does not answer, lists and changes say so, and when to ask again;
// what the database has said stays in the log. Nothing is wrong with the service (B7).
func TestDatabaseDoesNotAnswer(t *testing.T) {
	r := newRig(t)
	r.records.broken = fmt.Errorf("read all: %w: password=hunter2", emergency.ErrUnavailable)
	for _, a := range asksOfRecords {
		got := r.problem(t, a, http.StatusServiceUnavailable)
		if got.Code != "unavailable" || !strings.Contains(got.Detail, "Try again") || strings.Contains(got.Detail, "hunter2") {
			t.Errorf("%s: problem %+v", a.path, got)
		}
		if !strings.Contains(r.logs.String(), got.RequestID) || !strings.Contains(r.logs.String(), "hunter2") {
			t.Errorf("%s: the log does not tell what request %s met", a.path, got.RequestID)
		}
		if after := r.do(t, a).Header().Get("Retry-After"); after != retryAfter {
			t.Errorf("%s: to be asked again after %q", a.path, after)
		}
	}
}

// hanging are records that answer when nobody waits any more.
type hanging struct{ *fakeRecords }

func (hanging) Agents(ctx context.Context) ([]emergency.Agent, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("read agents: %w: %w", emergency.ErrUnavailable, ctx.Err())
}

// Nobody waits for ever for a database that hangs.
func TestDatabaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Records = hanging{&fakeRecords{}} })
		begin := time.Now()
		r.problem(t, ask{method: http.MethodGet, path: "/v1/agents", as: "admin"}, http.StatusServiceUnavailable)
		if took := time.Since(begin); took != patience {
			t.Errorf("the answer took %s", took)
		}
	})
}

// An inner error is logged under the request's ID and never shown.
func TestInnerErrorsAreNotShown(t *testing.T) {
	r := newRig(t)
	r.records.broken = errors.New("password=hunter2")
	for _, a := range asksOfRecords {
		got := r.problem(t, a, http.StatusInternalServerError)
		if got.Code != "internal" || strings.Contains(got.Detail, "hunter2") {
			t.Errorf("%s: problem %+v", a.path, got)
		}
		if !strings.Contains(r.logs.String(), got.RequestID) || !strings.Contains(r.logs.String(), "hunter2") {
			t.Errorf("%s: the log does not tell what request %s met", a.path, got.RequestID)
		}
	}
}

// A panic takes down its own request alone, and shows nothing.
func TestPanic(t *testing.T) {
	r := newRig(t)
	r.calls.panics = true
	got := r.problem(t, dial(goodDial), http.StatusInternalServerError)
	if got.Code != "internal" || strings.Contains(got.Detail, "boom") || got.Instead != dialNow {
		t.Errorf("problem %+v", got)
	}
	if !strings.Contains(r.logs.String(), "problem_test.go") && !strings.Contains(r.logs.String(), "fakes_test.go") {
		t.Error("the log has no stack")
	}
	r.calls.panics = false
	if w := r.do(t, dial(goodDial)); w.Code != http.StatusCreated {
		t.Errorf("the next request: status %d", w.Code)
	}
}

// What has begun to be answered gets no problem appended.
func TestPanicInTheMiddle(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Codec = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("half an ans"))
			panic("boom")
		})
	})
	w := r.do(t, ask{method: http.MethodPost, path: "/codec/decode", as: "supervisor"})
	if w.Body.String() != "half an ans" {
		t.Errorf("body %q", w.Body)
	}
}
