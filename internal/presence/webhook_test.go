package presence

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	token = "not-a-real-token"
	// longEnough never ends an attempt that a test expects to be answered.
	longEnough = time.Minute
)

var busy = emergency.Presence{
	Status:    emergency.StatusDoNotDisturb,
	Revision:  7,
	ChangedAt: time.Date(2026, time.October, 4, 23, 4, 5, 678_000, time.FixedZone("", 2*60*60)),
}

// outside is a presence system that keeps the highest revision of each agent and
// answers 409 to any that it has already passed.
type outside struct {
	mu       sync.Mutex
	requests []string
	shown    map[string]wirePresence
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var told wirePresence
	if err != nil || json.Unmarshal(body, &told) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.requests = append(o.requests, strings.Join([]string{
		r.Method, r.URL.EscapedPath(), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), string(body),
	}, " "))
	if o.shown == nil {
		o.shown = map[string]wirePresence{}
	}
	if held, ok := o.shown[r.URL.Path]; ok && held.Revision >= told.Revision {
		w.WriteHeader(http.StatusConflict)
		return
	}
	o.shown[r.URL.Path] = told
	w.WriteHeader(http.StatusNoContent)
}

func newWebhook(t *testing.T, handler http.Handler, path, token string, timeout time.Duration) *Webhook {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	webhook, err := NewWebhook(server.URL+path, token, timeout)
	if err != nil {
		t.Fatalf("configure webhook: %v", err)
	}
	return webhook
}

// The system is told the status verbatim, its revision, and the time of the
// change in UTC; the token goes along when there is one (S2).
func TestWebhookTellsAPresence(t *testing.T) {
	cases := []struct {
		rule  string
		path  string
		token string
		agent emergency.AgentID
		p     emergency.Presence
		want  string
	}{
		{
			"with a token, below a path", "/presence/v1/", token, "agent-us", busy,
			`PUT /presence/v1/agents/agent-us/presence application/json Bearer ` + token +
				` {"status":"do-not-disturb","revision":7,"changedAt":"2026-10-04T21:04:05.000678Z"}`,
		},
		{
			"without a token, a status of the system's own", "", "", "agent-us",
			emergency.Presence{Status: "At lunch", Revision: 8, ChangedAt: busy.ChangedAt},
			`PUT /agents/agent-us/presence application/json  ` +
				`{"status":"At lunch","revision":8,"changedAt":"2026-10-04T21:04:05.000678Z"}`,
		},
		{
			"an agent's ID cannot leave its place in the path", "", "", "a/../b?c", busy,
			`PUT /agents/a%2F..%2Fb%3Fc/presence application/json  ` +
				`{"status":"do-not-disturb","revision":7,"changedAt":"2026-10-04T21:04:05.000678Z"}`,
		},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			system := &outside{}
			if err := newWebhook(t, system, c.path, c.token, longEnough).Set(t.Context(), c.agent, c.p); err != nil {
				t.Fatalf("set: %v", err)
			}
			if diff := cmp.Diff([]string{c.want}, system.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// However often and in whatever order the changes arrive, every one of them
// succeeds and the system ends on the latest (B4).
func TestWebhookMessagesMayComeLateAndTwice(t *testing.T) {
	system := &outside{}
	webhook := newWebhook(t, system, "", token, longEnough)
	rapid.Check(t, func(t *rapid.T) {
		system.shown = nil
		revisions := rapid.SliceOfN(rapid.Int64Range(1, 5), 1, 12).Draw(t, "revisions")
		var latest int64
		for _, revision := range revisions {
			latest = max(latest, revision)
			p := emergency.Presence{Status: emergency.StatusBusy, Revision: revision, ChangedAt: busy.ChangedAt}
			if err := webhook.Set(context.Background(), "agent-us", p); err != nil {
				t.Fatalf("revision %d: %v", revision, err)
			}
		}
		if got := system.shown["/agents/agent-us/presence"].Revision; got != latest {
			t.Fatalf("the system shows revision %d, want %d", got, latest)
		}
	})
}

// 2xx and 409 are success; 4xx is permanent but for 408 and 429; everything else
// may pass. No error repeats what the system said, and no redirect is followed.
func TestWebhookAnswers(t *testing.T) {
	cases := []struct {
		status    int
		ok        bool
		permanent bool
	}{
		{status: 200, ok: true},
		{status: 202, ok: true},
		{status: 204, ok: true},
		{status: 409, ok: true},
		{status: 301},
		{status: 307},
		{status: 400, permanent: true},
		{status: 401, permanent: true},
		{status: 404, permanent: true},
		{status: 408},
		{status: 422, permanent: true},
		{status: 429},
		{status: 500},
		{status: 503},
	}
	for _, c := range cases {
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			requests := 0
			answer := func(w http.ResponseWriter, r *http.Request) {
				requests++
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				if c.status != http.StatusNoContent {
					_, _ = io.WriteString(w, "SECRET "+r.Header.Get("Authorization"))
				}
			}
			err := newWebhook(t, http.HandlerFunc(answer), "", token, longEnough).Set(t.Context(), "agent-us", busy)
			if requests != 1 {
				t.Errorf("%d requests for one attempt", requests)
			}
			if c.ok {
				if err != nil {
					t.Errorf("error %v, want success", err)
				}
				return
			}
			wantFailure(t, err, c.permanent)
		})
	}
}

// wantFailure checks a typed error that shows neither token nor answer.
func wantFailure(t *testing.T, err error, permanent bool) {
	t.Helper()
	failed, ok := errors.AsType[*SetError](err)
	if !ok || failed.Permanent != permanent {
		t.Fatalf("error %v, want a *SetError with permanent %v", err, permanent)
	}
	if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("error %q shows token or answer", err)
	}
}

// A system that never answers ends with the attempt's time-out; one whose answer
// never ends has been told.
func TestWebhookHangs(t *testing.T) {
	release := make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { <-release }
	silent := newWebhook(t, http.HandlerFunc(hang), "", token, 20*time.Millisecond)
	talk := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 64<<10))
		_ = http.NewResponseController(w).Flush()
		<-release
	}
	endless := newWebhook(t, http.HandlerFunc(talk), "", token, longEnough)
	t.Cleanup(func() { close(release) })

	err := silent.Set(t.Context(), "agent-us", busy)
	wantFailure(t, err, false)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v does not tell of the time-out", err)
	}
	if err := endless.Set(t.Context(), "agent-us", busy); err != nil {
		t.Errorf("an answer without end: %v", err)
	}
}

// A caller that gives up ends the attempt.
func TestWebhookHonoursCancellation(t *testing.T) {
	release, asked := make(chan struct{}), make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { close(asked); <-release }
	webhook := newWebhook(t, http.HandlerFunc(hang), "", token, longEnough)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	err := webhook.Set(ctx, "agent-us", busy)
	wantFailure(t, err, false)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v does not tell of the cancellation", err)
	}
}

// A connection that breaks, and a host where nobody listens, may pass.
func TestWebhookConnectionBreaks(t *testing.T) {
	reset := func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
	}
	wantFailure(t, newWebhook(t, http.HandlerFunc(reset), "", token, longEnough).Set(t.Context(), "agent-us", busy), false)

	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	webhook, err := NewWebhook(closed.URL, token, longEnough)
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, webhook.Set(t.Context(), "agent-us", busy), false)
}

// A configuration that cannot work is found at the start, and the error shows
// neither the URL, which may hold a password, nor the token.
func TestWebhookConfiguration(t *testing.T) {
	cases := []struct {
		rule    string
		url     string
		token   string
		timeout time.Duration
		ok      bool
	}{
		{"https", "https://presence.example.org", token, time.Second, true},
		{"http with port and path", "http://127.0.0.1:8089/v1/", "", time.Second, true},
		{"a token with a trailing line feed", "https://presence.example.org", token + "\n", time.Second, true},
		{"no URL", "", token, time.Second, false},
		{"no host", "https:///v1", token, time.Second, false},
		{"no scheme", "presence.example.org", token, time.Second, false},
		{"another scheme", "file:///etc/passwd", token, time.Second, false},
		{"not a URL", "http://[::1", token, time.Second, false},
		{"a password in the URL", "https://lifeline:hunter2@presence.example.org", token, time.Second, false},
		{"a query", "https://presence.example.org?tenant=hunter2", token, time.Second, false},
		{"a token that adds a header", "https://presence.example.org", token + "\r\nX-Other: hunter2", time.Second, false},
		{"no time-out", "https://presence.example.org", token, 0, false},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			_, err := NewWebhook(c.url, c.token, c.timeout)
			if (err == nil) != c.ok {
				t.Fatalf("error %v, want ok %v", err, c.ok)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), token)) {
				t.Errorf("error %q shows a secret", err)
			}
		})
	}
}
