package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeline/internal/httpapi"
)

// web makes a connection per request: a process that was killed leaves none behind
// that the next one would be asked on.
var web = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// caller is somebody who uses the API.
type caller struct {
	t     testing.TB
	token string
	next  func() string
	// cookie and origin are what a browser sends.
	cookie *http.Cookie
	origin string
	// idempotencyKey goes with every dial.
	idempotencyKey string
}

// send asks once and decodes the answer, whatever its status. It may be used by
// any goroutine.
func (c *caller) send(method, path string, body, into any) (int, error) {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return 0, fmt.Errorf("encode request: %w", err)
		}
	}
	return c.sendRaw(method, path, encoded, into)
}

func (c *caller) sendRaw(method, path string, body []byte, into any) (int, error) {
	response, err := c.open(method, path, body, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if into != nil && len(answer) > 0 {
		if err := json.Unmarshal(answer, into); err != nil {
			return 0, fmt.Errorf("decode answer %q: %w", answer, err)
		}
	}
	return response.StatusCode, nil
}

func (c *caller) open(method, path string, body []byte, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.url(path), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(request.Header, header)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.cookie != nil {
		request.AddCookie(c.cookie)
	}
	if c.origin != "" {
		request.Header.Set("Origin", c.origin)
	}
	if c.idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", c.idempotencyKey)
	}
	response, err := web.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	return response, nil
}

func (c *caller) url(path string) string {
	address := c.next()
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return address + path
}

// must asks once and demands a status.
func (c *caller) must(status int, method, path string, body, into any) {
	c.t.Helper()
	var answer json.RawMessage
	got, err := c.send(method, path, body, &answer)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if got != status {
		c.t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			c.t.Fatalf("%s %s: decode %s: %v", method, path, answer, err)
		}
	}
}

// withKey is the same caller with an idempotency key.
func (c *caller) withKey(key string) *caller {
	keyed := *c
	keyed.idempotencyKey = key
	return &keyed
}

func (c *caller) dial(agent, number string) (call httpapi.Call) {
	c.t.Helper()
	c.must(http.StatusCreated, http.MethodPost, "/v1/emergency-calls", httpapi.DialRequest{AgentID: agent, DialedNumber: number}, &call)
	return call
}

func (c *caller) end(call httpapi.Call) (after httpapi.Call) {
	c.t.Helper()
	c.must(http.StatusOK, http.MethodPost, "/v1/emergency-calls/"+call.CallID+"/end", nil, &after)
	return after
}

func (c *caller) endLeg(callID, legID string) {
	c.t.Helper()
	c.must(http.StatusOK, http.MethodPost, "/v1/emergency-calls/"+callID+"/legs/"+legID+"/end", nil, nil)
}

// callTaker is the number that the emergency service calls back from.
const callTaker = "+12025550198"

func (c *caller) inbound(to string) (decision httpapi.RoutingDecision) {
	c.t.Helper()
	c.must(http.StatusOK, http.MethodPost, "/v1/inbound-calls", httpapi.InboundCall{To: to, From: callTaker}, &decision)
	return decision
}

func (c *caller) call(id string) (call httpapi.Call) {
	c.t.Helper()
	c.must(http.StatusOK, http.MethodGet, "/v1/emergency-calls/"+id, nil, &call)
	return call
}

func (c *caller) liveCalls() (calls []httpapi.Call) {
	c.t.Helper()
	c.must(http.StatusOK, http.MethodGet, "/v1/emergency-calls", nil, &calls)
	return calls
}

func (c *caller) presence(agent string) string {
	c.t.Helper()
	var shown httpapi.Presence
	c.must(http.StatusOK, http.MethodGet, "/v1/agents/"+agent+"/presence", nil, &shown)
	return shown.Status
}

func (c *caller) setPresence(agent, status string) {
	c.t.Helper()
	c.must(http.StatusOK, http.MethodPut, "/v1/agents/"+agent+"/presence", httpapi.PresenceSetting{Status: status}, nil)
}

// numberStates tells of every callback number what may be done with it.
func (c *caller) numberStates() map[string]httpapi.CallbackNumberState {
	c.t.Helper()
	var numbers []httpapi.CallbackNumber
	c.must(http.StatusOK, http.MethodGet, "/v1/callback-numbers", nil, &numbers)
	states := map[string]httpapi.CallbackNumberState{}
	for _, number := range numbers {
		states[number.Number] = number.State
	}
	return states
}

// stream follows the events.
type stream struct {
	mu     sync.Mutex
	events []event
	// ended is closed when the service has ended the stream.
	ended chan struct{}
}

type event struct {
	httpapi.Event

	ID string
}

// follow opens an event stream and returns once it is joined, so that whatever
// happens afterwards is told. It goes on after an event, or with the next one.
func (c *caller) follow(after string) *stream {
	c.t.Helper()
	header := http.Header{}
	if after != "" {
		header.Set("Last-Event-ID", after)
	}
	response, err := c.open(http.MethodGet, "/v1/events", nil, header) //nolint:bodyclose // the reader of the stream does
	if err != nil {
		c.t.Fatal("follow events: ", err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close() // the status is what matters
		c.t.Fatalf("follow events: %s", response.Status)
	}
	s := &stream{ended: make(chan struct{})}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && lines.Text() != "" { // the first block tells where the stream begins
		continue
	}
	go func() {
		defer close(s.ended)
		defer response.Body.Close() //nolint:errcheck // the stream is over
		s.read(lines)
	}()
	return s
}

func (s *stream) read(lines *bufio.Scanner) {
	var one event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			one.ID = value
		case "data":
			if err := json.Unmarshal([]byte(value), &one.Event); err != nil {
				one.Type = httpapi.EventType("unreadable: " + value)
			}
		case "":
			if lines.Text() != "" || one.ID == "" {
				continue // a comment, or the blank line after one
			}
			s.mu.Lock()
			s.events = append(s.events, one)
			s.mu.Unlock()
			one = event{}
		}
	}
}

// told lists what the stream has told, as "type status", without events of the
// types left out.
func (s *stream) told(without ...httpapi.EventType) []string {
	told := []string{}
	for _, e := range s.all() {
		if !slices.Contains(without, e.Type) {
			told = append(told, strings.TrimSpace(string(e.Type)+" "+e.Status))
		}
	}
	return told
}

func (s *stream) all() []event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// count tells how often the stream has told of a type.
func (s *stream) count(of httpapi.EventType) int {
	all := s.all()
	return len(slices.DeleteFunc(all, func(e event) bool { return e.Type != of }))
}

// awaitEnd waits until the service has ended the stream.
func (s *stream) awaitEnd(t testing.TB) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal(errors.New("the event stream goes on"))
	}
}
