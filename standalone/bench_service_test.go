package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

// carrierToken is made for nothing but this.
const carrierToken = "benchmark-carrier-token"

// service is a standalone process with a data directory of its own, and the clients
// that measure it.
type service struct {
	dir      string
	api      string
	http     *http.Client
	process  *running
	temporal client.Client
	// outside is the presence system that it tells; nil for none.
	outside *presenceSystem
	agents  []emergency.AgentID
}

// startService starts one with so many agents, each with two contacts. The settings
// are environment variables.
func startService(b *testing.B, agents int, outside bool, settings ...string) *service {
	b.Helper()
	return startServiceTelling(b, func(int) string { return demoContacts }, agents, outside, settings...)
}

// startServiceTelling also says whom each agent's calls are told to.
func startServiceTelling(b *testing.B, contacts func(agent int) string, agents int, outside bool, settings ...string) *service {
	b.Helper()
	temporalAddr, httpAddr := shared.freeAddr(b), shared.freeAddr(b)
	s := &service{dir: diskDir(b), api: "http://" + httpAddr, http: keepAlive(b)}
	if err := s.populate(b.Context(), agents, contacts); err != nil {
		b.Fatal(err)
	}
	settings = append([]string{
		roleVariable + "=" + roleStandalone,
		"LIFELINE_DATA_DIR=" + s.dir,
		"LIFELINE_HTTP_ADDR=" + httpAddr,
		"LIFELINE_TEMPORAL_ADDR=" + temporalAddr,
		"LIFELINE_TEMPORAL_UI_ADDR=" + shared.freeAddr(b),
		"LIFELINE_TOKENS=carrier:" + carrierToken,
		"LIFELINE_LOG_LEVEL=warn",
		// A machine that cannot keep the budget is to show how far it is off.
		"LIFELINE_DIAL_BUDGET=30s",
	}, settings...)
	if outside {
		s.outside = startPresence(b)
		settings = append(settings, "LIFELINE_PRESENCE_URL="+s.outside.url)
	}
	s.process = launch(b, "standalone", itself(b), settings)
	await(b, "the service to be ready", s.ready)
	var err error
	if s.temporal, err = client.Dial(client.Options{
		HostPort: temporalAddr, Namespace: "default", Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.temporal.Close)
	return s
}

// populate gives the service a site of its own, and to every agent there is a
// number to lease.
func (s *service) populate(ctx context.Context, agents int, contacts func(agent int) string) error {
	db, err := store.Open(filepath.Join(s.dir, "lifeline.db"), time.Now)
	if err == nil {
		err = db.Prepare(ctx)
	}
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	site, agent := demoPlaces[0].site, demoPlaces[0].agent
	site.ID, agent.SiteID = "site-bench", "site-bench"
	err = errors.Join(only(db.PutSite(ctx, site, emergency.Change{})), seedRouting(ctx, db))
	for i := range agents {
		agent.ID = emergency.AgentID(fmt.Sprintf("agent-%04d", i))
		err = errors.Join(err, only(db.PutAgent(ctx, agent, emergency.Change{})), only(db.PutContacts(ctx, agent.ID, contacts(i), emergency.Change{})),
			db.AddNumber(ctx, fmt.Sprintf("+1%d55501%02d", 205+i/100, i%100), site.ID, emergency.Change{}))
		s.agents = append(s.agents, agent.ID)
	}
	return errors.Join(err, db.Close())
}

func (s *service) ready() error {
	response, err := s.http.Get(s.api + "/readyz") //nolint:noctx // the client has a time-out
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	_ = response.Body.Close() // only its status matters
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// placed is a call as its client saw it.
type placed struct {
	CallID             emergency.CallID
	CallbackNumber     string
	CallbackNumberKind emergency.NumberKind

	agent          emergency.AgentID
	sent, answered time.Time
}

func (p placed) took() time.Duration { return p.answered.Sub(p.sent) }

func (s *service) dial(ctx context.Context, agent emergency.AgentID) (placed, error) {
	call := placed{agent: agent}
	var err error
	call.sent, call.answered, err = s.post(ctx, "/v1/emergency-calls", fmt.Sprintf(`{"agentId":%q,"dialedNumber":"911"}`, agent), &call)
	if err == nil && call.CallbackNumberKind != emergency.NumberLeased {
		err = fmt.Errorf("a dial was answered with the %s number", call.CallbackNumberKind)
	}
	return call, err
}

func (s *service) end(ctx context.Context, call emergency.CallID) error {
	_, _, err := s.post(ctx, "/v1/emergency-calls/"+string(call)+"/end", `{}`, nil)
	return err
}

// inbound asks where a call to a number goes, and tells how long that took.
func (s *service) inbound(ctx context.Context, to string, want emergency.Verdict) (time.Duration, error) {
	var decision struct{ Decision emergency.Verdict }
	sent, answered, err := s.post(ctx, "/v1/inbound-calls", fmt.Sprintf(`{"to":%q,"from":%q}`, to, callTaker), &decision)
	if err == nil && decision.Decision != want {
		err = fmt.Errorf("an inbound call was decided as %s, not as %s", decision.Decision, want)
	}
	return answered.Sub(sent), err
}

func (s *service) post(ctx context.Context, path, body string, into any) (sent, answered time.Time, err error) {
	sent, answered, answer, err := post(ctx, s.http, s.api+path, body)
	if err != nil || into == nil {
		return sent, answered, err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return sent, answered, fmt.Errorf("decode answer: %w", err)
	}
	return sent, answered, nil
}

// post is one round trip, from before the request is sent until its answer has been
// read.
func post(ctx context.Context, c *http.Client, url, body string) (sent, answered time.Time, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return sent, answered, nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+carrierToken)
	request.Header.Set("Content-Type", "application/json")
	sent = time.Now()
	response, err := c.Do(request)
	if err != nil {
		return sent, answered, nil, fmt.Errorf("ask: %w", err)
	}
	answer, err = io.ReadAll(response.Body)
	answered = time.Now()
	_ = response.Body.Close() // it has been read
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s answered %d: %s", request.URL.Path, response.StatusCode, bytes.TrimSpace(answer))
	}
	return sent, answered, answer, err
}

// beginning is when others learned of a call.
type beginning struct{ started, taken, told time.Time }

// beginning reads from the call's history when Temporal had it and when a worker
// took it up.
func (s *service) beginning(ctx context.Context, call placed) (beginning, error) {
	at := beginning{told: s.outside.firstTold(call.agent)}
	got, err := history(ctx, s.temporal, string(call.CallID))
	if err != nil {
		return at, err
	}
	for _, event := range got.GetHistory().GetEvents() {
		switch event.GetEventType() { //nolint:exhaustive // the others do not matter
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
			at.started = event.GetEventTime().AsTime()
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			if at.taken.IsZero() {
				at.taken = event.GetEventTime().AsTime()
			}
		}
	}
	if at.started.IsZero() || at.taken.IsZero() || at.told.IsZero() {
		return at, fmt.Errorf("call %s has not begun everywhere: %+v", call.CallID, at)
	}
	return at, nil
}

// presenceSystem is an outside presence system that keeps when it was first told
// of each agent.
type presenceSystem struct {
	url  string
	mu   sync.Mutex
	seen map[emergency.AgentID]time.Time
	// changes counts what it was told altogether.
	changes int
}

func startPresence(b *testing.B) *presenceSystem {
	b.Helper()
	p := &presenceSystem{seen: map[emergency.AgentID]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /agents/{agent}/presence", func(w http.ResponseWriter, r *http.Request) {
		now, agent := time.Now(), emergency.AgentID(r.PathValue("agent"))
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changes++
		if p.seen[agent].IsZero() {
			p.seen[agent] = now
		}
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// toldOf is an error until it has been told of so many changes.
func (p *presenceSystem) toldOf(changes int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changes < changes {
		return fmt.Errorf("it was told of %d changes, not of %d", p.changes, changes)
	}
	return nil
}

func (p *presenceSystem) firstTold(agent emergency.AgentID) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[agent]
}

// diskDir is a new directory on a disk: the system's temporary one may be kept in
// memory, where a durable commit costs nothing.
func diskDir(b *testing.B) string {
	b.Helper()
	cache, err := os.UserCacheDir()
	if err == nil {
		err = os.MkdirAll(cache, 0o700)
	}
	if err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp(cache, "lifeline-bench-") //nolint:usetesting // see above
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) }) // what stays is only in the way
	return dir
}

// keepAlive is a client that keeps a connection for each of its users.
func keepAlive(b *testing.B) *http.Client {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: abreast}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// only is the error of something whose value does not matter.
func only[T any](_ T, err error) error { return err }
