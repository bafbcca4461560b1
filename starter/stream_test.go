package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve is a service that answers in one way alone.
func serve(t *testing.T, answer http.HandlerFunc) service {
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return newService(strings.TrimPrefix(server.URL, "http://"))
}

// A stream is read as the HTML standard writes it: comments and unknown fields are
// skipped, data may take several lines, lines may end in CR LF, an event that breaks
// off is none, and a block without data moves on from where to resume.
func TestStreamIsReadAsTheStandardSays(t *testing.T) {
	s := newStream(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Join([]string{
			"retry: 7", "id: 3", "",
			": heartbeat", "",
			"id:4", "event: leg-ended", "data: {\"type\":\"leg-ended\",", "data:\"callId\":\"call-1\",\"at\":\"2026-11-22T20:00:00Z\"}", "\r",
			"id: 5", "surprise", "",
			"id: 6", `data: {"type":"call-closed","at":"2026-11-22T20:00:00Z"}`, "",
		}, "\n")))
	}), "secret")
	var begun int
	var got []Event
	err := s.follow(t.Context(), func(context.Context) error { begun++; return nil }, func(_ context.Context, e Event) error {
		got = append(got, e)
		return nil
	})
	want := []Event{{Type: EventTypeLegEnded, CallID: "call-1", At: began}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if !errors.Is(err, errClosed) || begun != 1 || s.last != "5" || s.retry != 7*time.Millisecond {
		t.Errorf("follow = %v, begun %d times, last %s, retry %s; want the end of the stream, 1, 5, 7ms", err, begun, s.last, s.retry)
	}
}

// A stream that says nothing for too long, not even a heartbeat, is given up.
func TestSilentStreamIsGivenUp(t *testing.T) {
	s := newStream(serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("id: 1\n\n"))
		w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's can
		<-r.Context().Done()
	}), "secret")
	s.silence = 50 * time.Millisecond
	err := s.follow(t.Context(), func(context.Context) error { return nil }, nil)
	if !errors.Is(err, errSilent) {
		t.Errorf("follow = %v, want %v", err, errSilent)
	}
}

// A service that accepts a dial and says nothing is not waited for without end; the
// dialer learns what to do now, and how to ask again without a second call.
func TestSlowAnswerToADialIsNotWaitedFor(t *testing.T) {
	slow := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http sees no client go before
		<-r.Context().Done()
	})
	slow.patience = 50 * time.Millisecond
	term := &terminal{service: slow, tokens: tokens{held: []token{{carrier, "secret"}}}}
	err := (&dialCommand{Agent: demoAgent, Number: "911", Key: "k"}).Run(term)
	if err == nil || !strings.Contains(err.Error(), "did not answer in time, so the call may have been placed or not. In an emergency") ||
		!strings.Contains(err.Error(), "--key k`") {
		t.Errorf("dial = %v", err)
	}
}
