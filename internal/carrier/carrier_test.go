package carrier_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lifeline/internal/carrier"
	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

const (
	token = "not-a-real-token"
	// longEnough never ends a question that a test expects to be answered.
	longEnough = time.Minute
)

func asking(t *testing.T, path string, answer http.HandlerFunc, timeout time.Duration) *carrier.HTTP {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c, err := carrier.NewHTTP(server.URL+path, token, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The connector is asked for one call, with the token; an ID cannot leave its place in
// the path.
func TestQuestion(t *testing.T) {
	for id, want := range map[emergency.CallID]string{
		"call-1": "GET /v2/calls/call-1/legs Bearer " + token,
		"a/../b": "GET /v2/calls/a%2F..%2Fb/legs Bearer " + token,
	} {
		var asked string
		c := asking(t, "/v2/", func(w http.ResponseWriter, r *http.Request) {
			asked = strings.Join([]string{r.Method, r.URL.EscapedPath(), r.Header.Get("Authorization")}, " ")
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"legs":[]}`))
		}, longEnough)
		if up, err := c.Legs(t.Context(), id); err != nil || len(up) > 0 {
			t.Errorf("%s: %v, %v", id, up, err)
		}
		if asked != want {
			t.Errorf("asked %q, want %q", asked, want)
		}
	}
}

// What an answer means: the legs that are up, that the call is not known, or that nobody
// can tell. Only a program that speaks JSON can say that a call is not known: a proxy's 404
// must not end calls (B16). Nothing of an answer is repeated.
func TestAnswers(t *testing.T) {
	const secret = "+12025550123"
	for _, c := range []struct {
		rule    string
		status  int
		kind    string
		body    string
		up      []emergency.LegID
		unknown bool
		failed  bool
	}{
		{"legs that are up", 200, "application/json", `{"legs":[{"legId":"a","state":"up"},{"legId":"b","state":"ended"}]}`, []emergency.LegID{"a"}, false, false},
		{"with a character set", 200, "application/json; charset=utf-8", `{"legs":[{"legId":"a","state":"up"}]}`, []emergency.LegID{"a"}, false, false},
		{"no legs", 200, "application/json", `{"legs":[]}`, nil, false, false},
		{"an unknown call", 404, "application/json", `{}`, nil, true, false},
		{"an unknown call as a problem", 404, "application/problem+json", `{}`, nil, true, false},
		{"a proxy's 404", 404, "text/html", `<h1>` + secret + `</h1>`, nil, false, true},
		{"a 404 of no kind", 404, "", "", nil, false, true},
		{"no list", 200, "application/json", `{"` + secret + `":1}`, nil, false, true},
		{"no JSON", 200, "application/json", secret, nil, false, true},
		{"a page", 200, "text/html", `{"legs":[]}`, nil, false, true},
		{"an unknown state", 200, "application/json", `{"legs":[{"legId":"` + secret + `","state":"held"}]}`, nil, false, true},
		{"trouble", 503, "application/json", `{"legs":[]}`, nil, false, true},
		{"not allowed", 401, "application/json", secret, nil, false, true},
		{"a redirect", 302, "application/json", "", nil, false, true},
		{"no content", 204, "", "", nil, false, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			asked := asking(t, "", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}, longEnough)
			up, err := asked.Legs(t.Context(), "call-1")
			if diff := cmp.Diff(c.up, up); diff != "" {
				t.Errorf("the legs differ (-want +got):\n%s", diff)
			}
			_, failed := errors.AsType[*carrier.AskError](err)
			if errors.Is(err, emergency.ErrUnknownCall) != c.unknown || failed != c.failed || (err != nil) != (c.unknown || c.failed) {
				t.Errorf("the error is %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), token)) {
				t.Errorf("the error repeats what nobody should read: %v", err)
			}
		})
	}
}

// A connector that hangs is no answer, nor is one that is not there; the error does not
// say where it was asked.
func TestNoAnswer(t *testing.T) {
	hanging := asking(t, "", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 50*time.Millisecond)
	_, err := hanging.Legs(t.Context(), "call-1")
	if _, failed := errors.AsType[*carrier.AskError](err); !failed || strings.Contains(err.Error(), "127.0.0.1/calls") {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hanging.Legs(ctx, "call-1"); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// What cannot be asked is refused at the start, without repeating what may be a secret.
func TestRefusedConfiguration(t *testing.T) {
	for _, c := range []struct {
		base, token string
		timeout     time.Duration
	}{
		{"", token, longEnough},
		{"carrier.example", token, longEnough},
		{"ftp://carrier.example", token, longEnough},
		{"https://user:hidden@carrier.example", token, longEnough},
		{"https://carrier.example/?hidden=1", token, longEnough},
		{"https://carrier.example", "hidden token", longEnough},
		{"https://carrier.example", token, 0},
	} {
		if _, err := carrier.NewHTTP(c.base, c.token, c.timeout); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q with token %q: %v", c.base, c.token, err)
		}
	}
}
