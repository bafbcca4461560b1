package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/prometheus/client_golang/prometheus"
)

// The tokens of the tests, by who holds them.
var testTokens = map[string]string{
	"agent-us":   "agent-us-token-0001",
	"agent-gb":   "agent-gb-token-0002",
	"supervisor": "supervisor-token-03",
	"admin":      "admin-token-0000004",
	"carrier":    "carrier-token-00005",
}

const testTokenList = "agent/agent-us:agent-us-token-0001, agent/agent-gb:agent-gb-token-0002," +
	"supervisor:supervisor-token-03,admin:admin-token-0000004,carrier:carrier-token-00005"

// rig is a service to be tested, and all around it.
type rig struct {
	http.Handler

	records *fakeRecords
	calls   *fakeCalls
	hub     *Hub
	tokens  Tokens
	logs    *logBuffer
}

// newRig makes a service whose hub has ended, so that event streams end at once.
func newRig(t testing.TB, change ...func(*Options)) *rig {
	t.Helper()
	tokens, err := ParseTokens(testTokenList)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{records: newFakeRecords(), tokens: tokens, logs: &logBuffer{}}
	r.calls = newFakeCalls(r.records)
	logger := slog.New(slog.NewJSONHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ended := NewHub(r.records, logger)
	ended.end()
	options := Options{
		Calls: r.calls, Records: r.records, Hub: ended, Tokens: tokens, Registry: prometheus.NewRegistry(), Logger: logger,
		Templates: fakeTemplates{}, Links: fakeLinks{},
	}
	for _, f := range change {
		f(&options)
	}
	r.hub, r.Handler = options.Hub, New(options)
	return r
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// ask is one request of a test.
type ask struct {
	method, path string
	// as is the holder of the token to send; empty for none.
	as      string
	body    string
	headers map[string]string
}

func (a ask) request(ctx context.Context) *http.Request {
	r := httptest.NewRequestWithContext(ctx, a.method, a.path, strings.NewReader(a.body))
	if a.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.as != "" {
		r.Header.Set("Authorization", "Bearer "+testTokens[a.as])
	}
	for name, value := range a.headers {
		r.Header.Set(name, value)
	}
	return r
}

// do asks, and holds the answer to the contract.
func (r *rig) do(t testing.TB, a ask) *httptest.ResponseRecorder {
	t.Helper()
	w := r.serve(a.request(t.Context()))
	holdToContract(t, a.request(t.Context()), w)
	return w
}

func (r *rig) serve(request *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	return w
}

// problem asks, and reads the problem that must come.
func (r *rig) problem(t testing.TB, a ask, status int) Problem {
	t.Helper()
	w := r.do(t, a)
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d: %s", a.method, a.path, w.Code, status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s %s: Content-Type %q", a.method, a.path, got)
	}
	problem := read[Problem](t, w)
	if problem.Status != status || problem.RequestID == "" || problem.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("%s %s: problem does not agree with its answer: %+v", a.method, a.path, problem)
	}
	return problem
}

func read[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var value T
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return value
}

// testContract is the contract with a router of kin-openapi's own, so that the
// tests do not lean on how the service reads it.
var testContract = sync.OnceValues(func() (routers.Router, error) {
	spec, err := openapi3.NewLoader().LoadFromFile("../../api/openapi.yaml")
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(spec)
})

// holdToContract checks an answer with the whole of JSON Schema 2020-12. What is
// not in the contract, and event streams, are not its concern.
func holdToContract(t testing.TB, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	router, err := testContract()
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := router.FindRoute(r)
	if err != nil || strings.HasPrefix(w.Header().Get("Content-Type"), "text/") {
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 w.Code,
		Header:                 w.Header(),
		Body:                   io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("%s %s: answer breaks the contract: %v", r.Method, r.URL.Path, err)
	}
}

// changes counts what requests have changed, or asked others to do.
func (r *rig) changes() int {
	return len(r.calls.dials) + len(r.calls.ends) + len(r.calls.inbound) + len(r.records.changes) + len(r.records.reported) +
		r.records.acknowledged + len(r.records.mailEvents)
}

func replaceAgent(text, agent string) string { return strings.ReplaceAll(text, "{a}", agent) }

// withCodec mounts a codec that says "clear" to those whom it may.
func withCodec(o *Options) {
	o.Codec = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions || o.Tokens.AuthorizeCodec(w, r) {
			_, _ = io.WriteString(w, "clear")
		}
	})
}

func quote(t testing.TB, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}
