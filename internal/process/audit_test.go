package process

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeline/internal/httpapi"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// adminRequest is something that an administrator asks for.
type adminRequest struct {
	method, path, body string
	// ifMatch is the base of the change; empty for any.
	ifMatch string
}

// adminChange is an operation by which administrators change something.
type adminChange struct {
	good adminRequest
	// bad are refused.
	bad []adminRequest
	// action and subject are what the audit says of the good one.
	action, subject string
}

// The bodies of the changes.
const (
	auditedSite = `{"name":"Washington","country":"US","address":{"street":"100 Example Avenue NW","city":"Washington"},
		"standingNumber":"+12025550100"}`
	auditedAgent   = `{"name":"Front desk","siteId":"site-us","endpoints":["sip:front@phones.example"]}`
	auditedRouting = `{"directOffers":[],"trunks":[],"rules":[],"outboundProfiles":[]}`
)

// auditedTemplate is the wording that comes with the program, to be saved.
func auditedTemplate() string {
	wording := wordings{}.Default()
	body, err := json.Marshal(map[string]string{"subject": wording.Subject, "html": wording.HTML, "text": wording.Text})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(body)
}

// adminChanges are all of them, by the operation's ID, upon what staff has set up.
var adminChanges = map[string]adminChange{
	"putSite": {
		good: adminRequest{"PUT", "/v1/sites/site-us", auditedSite, `"1"`},
		bad: []adminRequest{
			{"PUT", "/v1/sites/site-us", auditedSite, `"9"`},
			{"PUT", "/v1/sites/site-us", strings.Replace(auditedSite, "0100", "0101", 1), ""}, // a callback number
		},
		action: "site-changed", subject: "site-us",
	},
	"putAgent": {
		good: adminRequest{"PUT", "/v1/agents/agent-us", auditedAgent, "*"},
		bad: []adminRequest{
			{"PUT", "/v1/agents/agent-us", auditedAgent, `"9"`},
			{"PUT", "/v1/agents/agent-us", strings.Replace(auditedAgent, "sip:front@phones.example", "tel:+12025550101", 1), ""},
			{"PUT", "/v1/agents/agent-us", strings.Replace(auditedAgent, "site-us", "nowhere", 1), ""},
		},
		action: "agent-changed", subject: "agent-us",
	},
	"removeAgent": {
		good:   adminRequest{"DELETE", "/v1/agents/agent-us", "", `"1"`},
		bad:    []adminRequest{{"DELETE", "/v1/agents/agent-us", "", `"9"`}, {"DELETE", "/v1/agents/nobody", "", ""}},
		action: "agent-removed", subject: "agent-us",
	},
	"setPresence": {
		good:   adminRequest{"PUT", "/v1/agents/agent-us/presence", `{"status":"away"}`, ""},
		bad:    []adminRequest{{"PUT", "/v1/agents/nobody/presence", `{"status":"away"}`, ""}, {"PUT", "/v1/agents/agent-us/presence", `{"status":" "}`, ""}},
		action: "presence-changed", subject: "agent-us",
	},
	"setEmergencyContacts": {
		good: adminRequest{"PUT", "/v1/agents/agent-us/emergency-contacts", `{"recipients":"desk@example.com"}`, `"1"`},
		bad: []adminRequest{
			{"PUT", "/v1/agents/agent-us/emergency-contacts", `{"recipients":"nobody"}`, ""},
			{"PUT", "/v1/agents/agent-us/emergency-contacts", `{"recipients":""}`, `"0"`},
			{"PUT", "/v1/agents/nobody/emergency-contacts", `{"recipients":""}`, ""},
		},
		action: "contacts-changed", subject: "agent-us",
	},
	"addCallbackNumber": {
		good: adminRequest{"POST", "/v1/callback-numbers", `{"number":"+12025550103","siteId":"site-us"}`, ""},
		bad: []adminRequest{
			{"POST", "/v1/callback-numbers", `{"number":"+12025550101","siteId":"site-us"}`, ""},
			{"POST", "/v1/callback-numbers", `{"number":"+4510000103","siteId":"site-us"}`, ""},
			{"POST", "/v1/callback-numbers", `{"number":"+12025550103","siteId":"nowhere"}`, ""},
		},
		action: "number-added", subject: "…03 site-us",
	},
	"removeCallbackNumber": {
		good:   adminRequest{"DELETE", "/v1/callback-numbers/+12025550101", "", ""},
		bad:    []adminRequest{{"DELETE", "/v1/callback-numbers/+12025550109", "", ""}},
		action: "number-removed", subject: "…01 site-us",
	},
	"putVoiceRouting": {
		good: adminRequest{"PUT", "/v1/voice-routing", auditedRouting, `"1"`},
		bad: []adminRequest{
			{"PUT", "/v1/voice-routing", auditedRouting, `"9"`},
			{"PUT", "/v1/voice-routing", strings.Replace(auditedRouting, `"directOffers":[]`, `"directOffers":[{"number":"+12025550101","country":"US"}]`, 1), ""},
			{"PUT", "/v1/voice-routing", strings.Replace(auditedRouting, `"rules":[]`, `"rules":[{"name":"all","pattern":"(","trunk":"none"}]`, 1), ""},
		},
		action: "voice-routing-changed", subject: "voice-routing",
	},
	"putTemplate": {
		good: adminRequest{"PUT", "/v1/notification-template", auditedTemplate(), `"0"`},
		bad: []adminRequest{
			{"PUT", "/v1/notification-template", `{"subject":"Help","html":"","text":"Somebody has called."}`, ""},
			{"PUT", "/v1/notification-template", auditedTemplate(), `"9"`},
		},
		action: "template-changed", subject: "notification-template",
	},
	"restoreTemplate": {
		good:   adminRequest{"POST", "/v1/notification-template/versions/0/restore", "", `"0"`},
		bad:    []adminRequest{{"POST", "/v1/notification-template/versions/0/restore", "", `"9"`}, {"POST", "/v1/notification-template/versions/7/restore", "", ""}},
		action: "template-changed", subject: "notification-template",
	},
}

// changesNothing are operations of administrators that only look like changes.
var changesNothing = map[string]bool{"previewTemplate": true}

const adminToken = "admin-token-of-a-test"

// office is a service with an administrator and nobody who dials.
type office struct {
	http.Handler

	db *sql.DB
}

func newOffice(t *testing.T) *office {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lifeline.db")
	records, log := openStore(t, path, time.Now), slog.New(slog.DiscardHandler)
	staff(t, records)
	tokens, err := httpapi.ParseTokens("admin:" + adminToken)
	settle(t, err)
	raw, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	settle(t, err)
	t.Cleanup(func() { _ = raw.Close() })
	return &office{db: raw, Handler: httpapi.New(httpapi.Options{
		Records: records, Hub: httpapi.NewHub(records, log), Tokens: tokens, Templates: wordings{},
		Registry: prometheus.NewRegistry(), Logger: log,
	})}
}

func (o *office) do(t *testing.T, r adminRequest) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader(r.body))
	request.Header.Set("Authorization", "Bearer "+adminToken)
	if r.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.ifMatch != "" {
		request.Header.Set("If-Match", r.ifMatch)
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, request)
	return w
}

// auditLine is what the audit says of a change.
type auditLine struct{ Action, Subject, By, Request string }

// audited are the lines after the first ones, and how many there are now.
func (o *office) audited(t *testing.T, after int64) (lines []auditLine, last int64) {
	t.Helper()
	rows, err := o.db.QueryContext(t.Context(), `SELECT seq, action, subject, changed_by, request_id FROM audit WHERE seq > $1 ORDER BY seq`, after)
	settle(t, err)
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	last = after
	for rows.Next() {
		var line auditLine
		settle(t, rows.Scan(&last, &line.Action, &line.Subject, &line.By, &line.Request))
		lines = append(lines, line)
	}
	settle(t, rows.Err())
	return lines, last
}

// Every operation of the contract by which an administrator changes something leaves one
// line in the audit that says who did what, and in which request. What is refused leaves
// none, for whatever reason.
func TestEveryChangeIsAudited(t *testing.T) {
	spec, err := httpapi.GetSpec()
	settle(t, err)
	known := 0
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			id := op.OperationID
			if method == http.MethodGet || op.Security != nil {
				continue
			}
			change, changes := adminChanges[id]
			if !changes {
				place := strings.NewReplacer("{", "", "}", "").Replace(path)
				if w := newOffice(t).do(t, adminRequest{method: method, path: place}); w.Code != http.StatusForbidden && !changesNothing[id] {
					t.Errorf("%s is not forbidden to administrators (status %d), and nobody knows what it should leave in the audit", id, w.Code)
				}
				continue
			}
			known++
			t.Run(id, change.isAudited)
		}
	}
	if known != len(adminChanges) {
		t.Errorf("%d of the %d changes are in the contract", known, len(adminChanges))
	}
}

func (c adminChange) isAudited(t *testing.T) {
	o := newOffice(t)
	_, before := o.audited(t, 0)
	refused := c.bad
	if c.good.body != "" || c.good.ifMatch != "" {
		refused = append(refused, adminRequest{c.good.method, c.good.path, `{"nonsense":true}`, "nonsense"})
	}
	for _, bad := range refused {
		w := o.do(t, bad)
		if lines, _ := o.audited(t, before); w.Code < 400 || len(lines) > 0 {
			t.Errorf("%+v gives status %d and the audit %+v", bad, w.Code, lines)
		}
	}
	w := o.do(t, c.good)
	if w.Code >= 300 {
		t.Fatalf("%+v gives status %d: %s", c.good, w.Code, w.Body)
	}
	lines, _ := o.audited(t, before)
	hash := sha256.Sum256([]byte(adminToken))
	want := []auditLine{{c.action, c.subject, "admin " + hex.EncodeToString(hash[:4]), w.Header().Get("X-Request-Id")}}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("the audit (-want +got)\n%s", diff)
	}
}
