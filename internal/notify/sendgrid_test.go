package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
)

const key = "SG.test-key.not-a-real-one"

// mailSend answers like SendGrid's POST /v3/mail/send: 202 with an X-Message-Id
// and no body, 401 for a foreign key, 413 above its limit, 400 for a request
// without what it needs, each refusal with its error document.
type mailSend struct {
	mu       sync.Mutex
	accepted []map[string]any
}

const mailSendLimit = 100_000

func (s *mailSend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mailSendLimit))
	var letter map[string]any
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v3/mail/send":
		refuse(w, http.StatusNotFound, "")
	case r.Header.Get("Authorization") != "Bearer "+key:
		refuse(w, http.StatusUnauthorized, "")
	case err != nil:
		refuse(w, http.StatusRequestEntityTooLarge, "")
	case r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &letter) != nil:
		refuse(w, http.StatusBadRequest, "")
	case strings.Contains(string(body), "refused.example"):
		refuse(w, http.StatusBadRequest, "personalizations.0.to.0.email")
	default:
		s.mu.Lock()
		s.accepted = append(s.accepted, letter)
		id := fmt.Sprintf("message-%d", len(s.accepted))
		s.mu.Unlock()
		w.Header().Set("X-Message-Id", id)
		w.WriteHeader(http.StatusAccepted)
	}
}

// refuse quotes the recipient in its message, as nothing forbids.
func refuse(w http.ResponseWriter, status int, field string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	document := map[string]any{"errors": []any{map[string]any{"message": "no good: desk@example.org " + key, "field": field, "help": nil}}}
	_ = json.NewEncoder(w).Encode(document)
}

// newSendGrid connects to a server of the test's own.
func newSendGrid(t *testing.T, handler http.Handler, key string, timeout time.Duration) *SendGrid {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	transport, err := NewSendGrid(key, server.URL, sender, timeout)
	if err != nil {
		t.Fatalf("configure SendGrid: %v", err)
	}
	return transport
}

// longEnough never ends an attempt that a test expects to be answered.
const longEnough = time.Minute

// A message that SendGrid takes has one recipient, both parts, what names call
// and notice for its event webhook, and nothing that follows the reader.
func TestSendGridTakesAMessage(t *testing.T) {
	service := &mailSend{}
	transport := newSendGrid(t, service, key, longEnough)
	m := render(t, placed())
	if id := send(t, transport, m); id != "message-1" {
		t.Errorf("message ID %q, want SendGrid's", id)
	}
	want := map[string]any{
		"from":             map[string]any{"name": "Lifeline", "email": "lifeline@example.com"},
		"subject":          m.Subject,
		"personalizations": []any{map[string]any{"to": []any{map[string]any{"email": "desk@example.org"}}}},
		"content": []any{
			map[string]any{"type": "text/plain", "value": m.Text},
			map[string]any{"type": "text/html", "value": m.HTML},
		},
		"custom_args": map[string]any{"lifeline_call": callID, "lifeline_notice": callID + "/placed"},
		"headers": map[string]any{
			"Auto-Submitted": "auto-generated", "Importance": "high", "X-Lifeline-Call": callID,
			"X-Lifeline-Notice": callID + "/placed", "X-Lifeline-Kind": "emergency",
			"References": "<" + callID + "@example.com>", "In-Reply-To": "<" + callID + "@example.com>",
		},
		"mail_settings": map[string]any{"bypass_list_management": map[string]any{"enable": true}},
		"tracking_settings": map[string]any{
			"click_tracking": map[string]any{"enable": false, "enable_text": false},
			"open_tracking":  map[string]any{"enable": false},
		},
	}
	if diff := cmp.Diff(want, service.accepted[0]); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// A rehearsal respects the lists of people who unsubscribed (B13).
func TestSendGridBypassesNoListForATest(t *testing.T) {
	service := &mailSend{}
	n := placed()
	n.Kind = emergency.KindTest
	send(t, newSendGrid(t, service, key, longEnough), render(t, n))
	if got, ok := service.accepted[0]["mail_settings"]; ok {
		t.Errorf("mail settings %v, want none", got)
	}
}

// One transport serves many goroutines at once.
func TestSendGridSendsConcurrently(t *testing.T) {
	service := &mailSend{}
	transport := newSendGrid(t, service, key, longEnough)
	var group sync.WaitGroup
	for i := range 8 {
		m := render(t, placed())
		m.To = fmt.Sprintf("contact-%d@example.org", i)
		group.Go(func() {
			if _, err := transport.Send(context.Background(), m); err != nil {
				t.Errorf("send: %v", err)
			}
		})
	}
	group.Wait()
	recipients := map[any]bool{}
	for _, letter := range service.accepted {
		recipients[fmt.Sprint(letter["personalizations"])] = true
	}
	if len(recipients) != 8 {
		t.Errorf("%d recipients were told, want 8", len(recipients))
	}
}

// What SendGrid refuses of a message is permanent, and a key that it does not know is for
// an administrator to mend: the notice goes out with the right one. The error names the
// field but neither recipient nor key.
func TestSendGridRefusals(t *testing.T) {
	long, unwanted := render(t, placed()), render(t, placed())
	long.Text = strings.Repeat("x", mailSendLimit)
	unwanted.To = "desk@refused.example"
	cases := []struct {
		rule      string
		key       string
		m         Message
		permanent bool
		want      string
	}{
		{"a foreign key is 401, which the client library calls a success", "SG.foreign", render(t, placed()), false, "SendGrid answered 401"},
		{"a bad field is 400", key, unwanted, true, "SendGrid answered 400 because of personalizations.0.to.0.email"},
		{"too large is 413", key, long, true, "SendGrid answered 413"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			service := &mailSend{}
			transport := newSendGrid(t, service, c.key, longEnough)
			_, err := transport.Send(t.Context(), c.m)
			var failed *SendError
			if !errors.As(err, &failed) || failed.Permanent != c.permanent || failed.Misconfigured == c.permanent || err.Error() != c.want {
				t.Errorf("error %#v, want permanent %v: %s", err, c.permanent, c.want)
			}
			if len(service.accepted) != 0 {
				t.Errorf("accepted %v", service.accepted)
			}
			if transport.key = key; !c.permanent {
				send(t, transport, c.m)
			}
		})
	}
}

// Which answers may pass, which are for good and which are for an administrator to mend;
// RetryAfter only where the answer asks for it.
func TestSendGridAnswers(t *testing.T) {
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat)
	cases := []struct {
		rule   string
		status int
		header map[string]string
		field  string
		want   SendError
	}{
		{"too many requests with seconds", 429, map[string]string{"Retry-After": "30"}, "", SendError{RetryAfter: 30 * time.Second}},
		{"too many requests with a date", 429, map[string]string{"Retry-After": tomorrow}, "", SendError{RetryAfter: longestPause}},
		{"too many requests without a time", 429, nil, "", SendError{}},
		{"no key that is known", 401, nil, "", SendError{Misconfigured: true}},
		{"no right to send, or shut out for a while", 403, map[string]string{"Retry-After": "20"}, "", SendError{Misconfigured: true, RetryAfter: 20 * time.Second}},
		{"a sender that it does not know", 403, nil, "from", SendError{Misconfigured: true}},
		{"a sender that is none", 400, nil, "from.email", SendError{Misconfigured: true}},
		{"no such endpoint", 404, nil, "", SendError{Misconfigured: true}},
		{"bound to another region", 451, nil, "", SendError{Misconfigured: true}},
		{"request time-out", 408, nil, "", SendError{}},
		{"server error", 500, nil, "", SendError{}},
		{"out of service with seconds", 503, map[string]string{"Retry-After": "5"}, "", SendError{RetryAfter: 5 * time.Second}},
		{"a redirect is not followed", 307, map[string]string{"Location": "/elsewhere"}, "", SendError{}},
		{"only 202 means taken", 200, nil, "", SendError{}},
		{"bad request", 400, map[string]string{"Retry-After": "30"}, "", SendError{Permanent: true}},
		{"too large", 413, map[string]string{"Retry-After": "30"}, "", SendError{Permanent: true}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			requests := 0
			handler := func(w http.ResponseWriter, _ *http.Request) {
				requests++
				for name, value := range c.header {
					w.Header().Set(name, value)
				}
				refuse(w, c.status, c.field)
			}
			_, err := newSendGrid(t, http.HandlerFunc(handler), key, longEnough).Send(t.Context(), render(t, placed()))
			var failed *SendError
			if !errors.As(err, &failed) {
				t.Fatalf("error %v is no *SendError", err)
			}
			if failed.RetryAfter != c.want.RetryAfter || failed.Permanent != c.want.Permanent || failed.Misconfigured != c.want.Misconfigured {
				t.Errorf("%+v, want %+v", failed, c.want)
			}
			if strings.Contains(err.Error(), "desk@") || strings.Contains(err.Error(), key) {
				t.Errorf("error %q shows recipient or key", err)
			}
			if requests != 1 {
				t.Errorf("%d requests for one attempt", requests)
			}
		})
	}
}

// The pause is read from seconds, from a date, or from SendGrid's own header, and
// is never negative nor longer than a notice can wait.
func TestPauseAsked(t *testing.T) {
	now := time.Date(2026, time.October, 4, 21, 0, 0, 0, time.UTC)
	cases := []struct {
		rule   string
		header map[string]string
		want   time.Duration
	}{
		{"seconds", map[string]string{"Retry-After": "120"}, 2 * time.Minute},
		{"date", map[string]string{"Retry-After": "Sun, 04 Oct 2026 21:00:45 GMT"}, 45 * time.Second},
		{"a date that is over", map[string]string{"Retry-After": "Sun, 04 Oct 2026 20:00:00 GMT"}, 0},
		{"reset time", map[string]string{"X-RateLimit-Reset": "1791147660"}, time.Minute},
		{"a reset time that is over", map[string]string{"X-RateLimit-Reset": "1392815263"}, 0},
		{"Retry-After goes first", map[string]string{"Retry-After": "1", "X-RateLimit-Reset": "1791147660"}, time.Second},
		{"longer than a notice can wait", map[string]string{"Retry-After": "86400"}, longestPause},
		{"nonsense", map[string]string{"Retry-After": "soon"}, 0},
		{"negative", map[string]string{"Retry-After": "-5"}, 0},
		{"nothing", nil, 0},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			header := http.Header{}
			for name, value := range c.header {
				header.Set(name, value)
			}
			if got := pauseAsked(header, now); got != c.want {
				t.Errorf("pause %v, want %v", got, c.want)
			}
		})
	}
}

// A server that never answers ends with the attempt's time-out, and another
// attempt may help.
func TestSendGridHangs(t *testing.T) {
	release := make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { <-release }
	transport := newSendGrid(t, http.HandlerFunc(hang), key, 20*time.Millisecond)
	t.Cleanup(func() { close(release) })
	_, err := transport.Send(t.Context(), render(t, placed()))
	wantRetryable(t, err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v does not tell of the time-out", err)
	}
}

// A caller that gives up ends the attempt.
func TestSendGridHonoursCancellation(t *testing.T) {
	release, asked := make(chan struct{}), make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { close(asked); <-release }
	transport := newSendGrid(t, http.HandlerFunc(hang), key, longEnough)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err := transport.Send(ctx, render(t, placed()))
	wantRetryable(t, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v does not tell of the cancellation", err)
	}
}

// A connection that breaks, and a host where nobody listens, may pass.
func TestSendGridConnectionBreaks(t *testing.T) {
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
	_, err := newSendGrid(t, http.HandlerFunc(reset), key, longEnough).Send(t.Context(), render(t, placed()))
	wantRetryable(t, err)

	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	transport, err := NewSendGrid(key, closed.URL, sender, longEnough)
	if err != nil {
		t.Fatal(err)
	}
	_, err = transport.Send(t.Context(), render(t, placed()))
	wantRetryable(t, err)
	if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "desk@") {
		t.Errorf("error %q shows recipient or key", err)
	}
}

// What cannot be a message never reaches SendGrid.
func TestSendGridRefusesBadMessages(t *testing.T) {
	for rule, m := range badMessages(t) {
		t.Run(rule, func(t *testing.T) {
			unreached := func(http.ResponseWriter, *http.Request) { t.Error("the message was sent") }
			_, err := newSendGrid(t, http.HandlerFunc(unreached), key, longEnough).Send(t.Context(), m)
			wantRefusedForGood(t, err)
		})
	}
}

// A configuration that cannot work is found at the start, without showing the key.
func TestSendGridConfiguration(t *testing.T) {
	cases := []struct {
		rule    string
		key     string
		host    string
		timeout time.Duration
		ok      bool
	}{
		{"global host by default", key, "", time.Second, true},
		{"regional host", key, "https://api.eu.sendgrid.com/", time.Second, true},
		{"key with a trailing line feed", key + "\n", "http://127.0.0.1:1", time.Second, true},
		{"key that adds a header", key + "\r\nX-Other: 1", "", time.Second, false},
		{"no key", " ", "", time.Second, false},
		{"host without scheme", key, "api.sendgrid.com", time.Second, false},
		{"host with a path", key, "https://api.sendgrid.com/v3", time.Second, false},
		{"host with a user", key, "https://user:secret@api.sendgrid.com", time.Second, false},
		{"another scheme", key, "ftp://api.sendgrid.com", time.Second, false},
		{"no time-out", key, "", 0, false},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			_, err := NewSendGrid(c.key, c.host, sender, c.timeout)
			if (err == nil) != c.ok {
				t.Fatalf("error %v, want ok %v", err, c.ok)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("error %q shows the key", err)
			}
		})
	}
}
