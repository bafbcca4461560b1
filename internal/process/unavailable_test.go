package process

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
	"lifeline/internal/httpapi"
	"lifeline/internal/journal"
	"lifeline/internal/store"

	"github.com/prometheus/client_golang/prometheus"
)

// newOfficeWithoutDatabase is a service that remembers an agent, and whose database has
// never answered.
func newOfficeWithoutDatabase(t *testing.T) http.Handler {
	t.Helper()
	dir := t.TempDir()
	records, err := store.Open(filepath.Join(dir, "lifeline.db"), time.Now)
	settle(t, err)
	t.Cleanup(func() { _ = records.Close() })
	kept, _ := journal.OpenCopy(filepath.Join(dir, "copy"))
	t.Cleanup(func() { _ = kept.Close() })
	site := emergency.Site{
		ID: "us", Country: emergency.UnitedStates, StandingNumber: "+12025550199", FallbackEndpoint: "sip:desk@example.com",
		Address: emergency.Address{Street: "1 Example Street", City: "Washington"},
	}
	agent := emergency.Agent{ID: "avery", SiteID: site.ID, CapacityProfiles: []string{"default"}, Endpoints: []string{"sip:avery@example.com"}}
	memory, log := dial.NewMemory(kept), slog.New(slog.DiscardHandler)
	memory.Replace(emergency.LastKnown{
		At: time.Now(), Sites: []emergency.Site{site}, Callers: []emergency.Caller{{Agent: agent, Site: site}},
		Routing: emergency.VoiceRouting{
			DirectOffers:     []emergency.Offer{{Number: site.StandingNumber, Country: site.Country}},
			OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{site.StandingNumber}}},
		},
	})
	tokens, err := httpapi.ParseTokens("carrier:carrier-token-of-a-test,admin:" + adminToken)
	settle(t, err)
	return httpapi.New(httpapi.Options{
		Calls: &dial.Desk{
			Records: records, Memory: memory, Keep: func(context.Context, dial.Intent) {}, Improvised: func(dial.Request) {},
			Terms: emergency.Terms{Lease: time.Hour}, Budget: time.Second, LocationMaxAge: time.Hour,
			Refused: func(emergency.RefusedCall) {}, Wake: func(emergency.CallID) {}, Clock: time.Now, Log: log,
		},
		Records: records, Hub: httpapi.NewHub(records, log), Tokens: tokens, Templates: wordings{},
		Registry: prometheus.NewRegistry(), Logger: log,
	})
}

// Without a database, what carries a call is answered and never an error of the service;
// lists and changes are 503, and say when to ask again (B7).
func TestRequestsWithoutDatabase(t *testing.T) {
	office := newOfficeWithoutDatabase(t)
	ask := func(token, method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		office.ServeHTTP(w, r)
		return w
	}
	carrier := func(path, body string) *httptest.ResponseRecorder {
		return ask("carrier-token-of-a-test", http.MethodPost, path, body)
	}
	dialed := carrier("/v1/emergency-calls", `{"agentId":"avery","dialedNumber":"911"}`)
	call := dialed.Header().Get("Location")
	for _, c := range []struct {
		what   string
		answer *httptest.ResponseRecorder
		status int
	}{
		{"a dial", dialed, http.StatusCreated},
		{"a dial by nobody", carrier("/v1/emergency-calls", `{"agentId":"nobody","dialedNumber":"911"}`), http.StatusUnprocessableEntity},
		{"a callback", carrier("/v1/inbound-calls", `{"to":"+12025550199","from":"+12025550911"}`), http.StatusOK},
		{"a call to anybody", carrier("/v1/inbound-calls", `{"to":"+12025550123"}`), http.StatusOK},
		{"an end", carrier(call+"/end", "{}"), http.StatusOK},
		{"an end of what is not known", carrier("/v1/emergency-calls/nothing/end", "{}"), http.StatusNotFound},
	} {
		if c.answer.Code != c.status {
			t.Errorf("%s is answered with %d: %s", c.what, c.answer.Code, c.answer.Body)
		}
	}
	for name, change := range adminChanges {
		w := ask(adminToken, change.good.method, change.good.path, change.good.body)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s is answered with %d: %s", name, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/v1/agents", "/v1/agents/avery", "/v1/sites", "/v1/callback-numbers", "/v1/readiness", "/v1/voice-routing", "/v1/notification-template"} {
		w := ask(adminToken, http.MethodGet, path, "")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s is answered with %d: %s", path, w.Code, w.Body)
		}
	}
}
