package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// contract is the contract, with a router of kin-openapi's own.
var contract = sync.OnceValues(func() (routers.Router, error) {
	spec, err := openapi3.NewLoader().LoadFromFile("../api/openapi.yaml")
	if err != nil {
		return nil, fmt.Errorf("load contract: %w", err)
	}
	return gorillamux.NewRouter(spec)
})

// began is when the clock of every script begins; each change takes a second.
var began = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

// The demo agent of the scripts, its numbers and the tokens of its installation.
const (
	demoAgent = "agent-us"
	leasedOne = "+12025550101"
	leasedTwo = "+12025550102"
	allTokens = "supervisor:supervisor-secret-1,admin:admin-secret-1,carrier:carrier-secret-1,agent/agent-us:agent-secret-1"
)

// lifeline stands in for the service: one agent, a clock that the script moves,
// and answers that hold to the contract.
type lifeline struct {
	t      testing.TB
	server *httptest.Server

	mu    sync.Mutex
	clock time.Time
	calls []*Call
	// presence and before are what the agent shows, and showed before Do not disturb.
	presence, before string
	events           []Event
	// streams counts the event streams that are open; read is how many events there
	// were when a watcher last read a call.
	streams, read int
	// knocks counts the streams that were refused because of a cut.
	knocks int
	// from is who rang last.
	from string
	// meanwhile happens just before the next reading of a call.
	meanwhile func()
	// told sends every notice at once; stuck leaves the agent on Do not disturb.
	told, stuck bool
	// acknowledged says that somebody has acknowledged the notice by then.
	acknowledged bool
	// country is where the site of the agents is.
	country string
	// cut ends all streams and lets no new one begin; hangUp ends the next request
	// without an answer; unwell fails the next reading of a call; foreign makes
	// another program of it.
	cut, hangUp, unwell, foreign bool
	changed                      chan struct{}
}

func newLifeline(t testing.TB) *lifeline {
	l := &lifeline{t: t, clock: began, presence: "available", country: "US", meanwhile: func() {}, changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/emergency-calls", l.place)
	mux.HandleFunc("GET /v1/emergency-calls", l.list)
	mux.HandleFunc("GET /v1/emergency-calls/{call}", l.get)
	mux.HandleFunc("POST /v1/emergency-calls/{call}/end", l.end)
	mux.HandleFunc("POST /v1/emergency-calls/{call}/legs/{leg}/end", l.end)
	mux.HandleFunc("POST /v1/inbound-calls", l.inbound)
	mux.HandleFunc("GET /v1/agents", l.agents)
	mux.HandleFunc("GET /v1/sites", l.sites)
	mux.HandleFunc("GET /v1/events", l.stream)
	l.server = httptest.NewServer(l.holdToContract(mux))
	return l
}

// change is one second of the service's life; it wakes whoever waits.
func (l *lifeline) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.changed)
	l.changed = make(chan struct{})
}

// wait returns once something is true; what is true tells the script's reader what
// it stands still for.
func (l *lifeline) wait(what string, is func() bool) {
	guard := time.After(30 * time.Second) // only a script that fails waits so long
	for {
		l.mu.Lock()
		done, changed := is(), l.changed
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-guard:
			l.t.Fatalf("nothing more happens, and this is not so: %s", what)
		}
	}
}

// tick is the time of the next change.
func (l *lifeline) tick() time.Time {
	l.clock = l.clock.Add(time.Second)
	return l.clock
}

func (l *lifeline) tell(e Event) {
	e.AgentID = demoAgent
	l.events = append(l.events, e)
}

func (l *lifeline) show(presence string) {
	if l.presence != presence {
		l.presence = presence
		l.tell(Event{Type: EventTypePresenceChanged, Status: presence, At: l.clock})
	}
}

func (l *lifeline) call(id string) *Call {
	for _, call := range l.calls {
		if call.CallID == id {
			return call
		}
	}
	return nil
}

// addLeg puts the agent on Do not disturb.
func (l *lifeline) addLeg(call *Call, direction LegDirection) Leg {
	at := l.tick()
	leg := Leg{LegID: fmt.Sprintf("leg-%d", len(call.Legs)+1), Direction: direction, State: LegStateUp, StartedAt: at}
	call.Legs = append(call.Legs, leg)
	call.Status = CallStatusActive
	call.Controls = Controls{Panel: []string{"device-settings", "end-call"}, Warning: "Emergency call in progress."}
	if isTest(*call) {
		call.Controls.Warning = "Test in progress."
	}
	if l.presence != "do-not-disturb" {
		l.before = l.presence
	}
	l.tell(Event{
		Type:   map[LegDirection]EventType{LegDirectionOutbound: EventTypeCallPlaced, LegDirectionCallback: EventTypeCallbackReceived}[direction],
		CallID: call.CallID, LegID: leg.LegID, At: at,
	})
	l.show("do-not-disturb")
	return leg
}

// endLegs ends one leg, or without one every leg that is up.
func (l *lifeline) endLegs(call *Call, only, reason string) {
	at := l.tick()
	for i, leg := range call.Legs {
		if leg.State != LegStateUp || only != "" && leg.LegID != only {
			continue
		}
		call.Legs[i].State, call.Legs[i].EndedAt, call.Legs[i].Reason = LegStateEnded, at, reason
		l.tell(Event{Type: EventTypeLegEnded, CallID: call.CallID, LegID: leg.LegID, At: at})
	}
	if legsUp(*call) > 0 {
		return
	}
	call.Status = CallStatusCallbackWindow
	call.WindowEndsAt = call.DialedAt.Add(time.Hour)
	if grace := at.Add(30 * time.Minute); grace.After(call.WindowEndsAt) {
		call.WindowEndsAt = grace
	}
	call.Controls = Controls{Panel: []string{}}
	if !l.stuck {
		l.show(l.before)
	}
}

// view is a call as it is answered now.
func (l *lifeline) view(call *Call) Call {
	view := *call
	view.Legs = slices.Clone(call.Legs)
	view.Presence = CallPresence{Current: l.presence, Previous: l.before}
	return view
}

// role is whose token a request bears.
func role(r *http.Request) string {
	secret := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	held, _ := parseTokens(allTokens)
	for _, token := range held {
		if token.secret == secret {
			return token.holder
		}
	}
	return ""
}

// holdToContract fails the test when a request or an answer breaks the contract.
func (l *lifeline) holdToContract(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		hangUp, foreign := l.hangUp, l.foreign
		l.hangUp = false
		l.mu.Unlock()
		switch {
		case hangUp:
			panic(http.ErrAbortHandler)
		case foreign:
			http.NotFound(w, r)
			return
		}
		input := l.checkRequest(r)
		if input == nil || r.URL.Path == "/v1/events" {
			next.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		next.ServeHTTP(recorded, r)
		l.checkAnswer(r, input, recorded)
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	})
}

func (l *lifeline) checkRequest(r *http.Request) *openapi3filter.RequestValidationInput {
	router, err := contract()
	if err != nil {
		l.t.Error(err)
		return nil
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		l.t.Errorf("%s %s is not in the contract: %v", r.Method, r.URL.Path, err)
		return nil
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		l.t.Errorf("%s %s breaks the contract: %v", r.Method, r.URL.Path, err)
	}
	return input
}

func (l *lifeline) checkAnswer(r *http.Request, input *openapi3filter.RequestValidationInput, w *httptest.ResponseRecorder) {
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: w.Code, Header: w.Header(),
		Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: input.Options,
	})
	if err != nil {
		l.t.Errorf("the answer to %s %s breaks the contract: %v", r.Method, r.URL.Path, err)
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func refuse(w http.ResponseWriter, status int, code, detail, instead string, checks ...FailedCheck) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code,
		Detail: detail, Instead: instead, Checks: checks, RequestID: "request-1",
	})
}
