package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/internal/httpapi"
	"lifeline/internal/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// refused is a request that cannot be granted.
type refused struct {
	why          string
	who          string
	method, path string
	body         string
	status       int
	code         string
}

const (
	dialing  = "/v1/emergency-calls"
	incoming = "/v1/inbound-calls"
	dialGB   = `{"agentId":"agent-gb","dialedNumber":"999"}`
	stranger = "nobody"
)

// LIVE stands for the call of agent-us that is up.
var badInput = []refused{
	{"unknown agent", "carrier", http.MethodPost, dialing, `{"agentId":"agent-xx","dialedNumber":"911"}`, 422, "unknown-agent"},
	{"no emergency number", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb","dialedNumber":"12345"}`, 422, "not-an-emergency-number"},
	{"broken JSON", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb",`, 400, "bad-json"},
	{"two values", "carrier", http.MethodPost, dialing, dialGB + dialGB, 400, "bad-json"},
	{"no object", "carrier", http.MethodPost, dialing, `[]`, 400, "invalid"},
	{"nothing", "carrier", http.MethodPost, dialing, ``, 400, "bad-json"},
	{"a number for a string", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb","dialedNumber":999}`, 400, "invalid"},
	{"a missing field", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb"}`, 400, "invalid"},
	{"an unknown field", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb","dialedNumber":"999","hurry":true}`, 400, "invalid"},
	{"a location off the earth", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb","dialedNumber":"999","location":{"latitude":91,"longitude":0}}`, 400, "invalid"},
	{"half a location", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb","dialedNumber":"999","location":{"latitude":51}}`, 400, "invalid"},
	{"a control character", "carrier", http.MethodPost, dialing, `{"agentId":"agent-gb","dialedNumber":"99\u00009"}`, 400, "invalid"},
	{"a body without end", "carrier", http.MethodPost, dialing, `{"agentId":"` + strings.Repeat("a", 70_000) + `"}`, 413, "too-large"},
	{"a foreign token", stranger, http.MethodPost, dialing, dialGB, 401, "unauthenticated"},
	{"no token", "", http.MethodPost, dialing, dialGB, 401, "unauthenticated"},
	{"another agent's dial", "agent/agent-us", http.MethodPost, dialing, dialGB, 403, "forbidden"},
	{"a supervisor's dial", "supervisor", http.MethodPost, dialing, dialGB, 403, "forbidden"},
	{"the end of another agent's call", "agent/agent-gb", http.MethodPost, dialing + "/LIVE/end", ``, 403, "forbidden"},
	{"the end by a stranger", stranger, http.MethodPost, dialing + "/LIVE/end", ``, 401, "unauthenticated"},
	{"the end of no leg", "carrier", http.MethodPost, dialing + "/LIVE/legs/none/end", ``, 404, "unknown-leg"},
	{"the end of no call", "carrier", http.MethodPost, dialing + "/none/end", ``, 404, "unknown-call"},
	{"an end with a wrong reason", "carrier", http.MethodPost, dialing + "/LIVE/end", `{"reason":7}`, 400, "invalid"},
	{"a transfer (B15)", "agent/agent-us", http.MethodPost, dialing + "/LIVE/actions/transfer", ``, 409, "action-not-allowed"},
	{"an inbound call without a number", "carrier", http.MethodPost, incoming, `{"from":"+12025550198"}`, 400, "invalid"},
	{"an agent's inbound call", "agent/agent-us", http.MethodPost, incoming, `{"to":"+12025550101"}`, 403, "forbidden"},
	{"an inbound call of a stranger", stranger, http.MethodPost, incoming, `{"to":"+12025550101"}`, 401, "unauthenticated"},
	{"no presence", "agent/agent-us", http.MethodPut, "/v1/agents/agent-us/presence", `{"status":""}`, 400, "invalid"},
	{"another agent's presence", "agent/agent-us", http.MethodPut, "/v1/agents/agent-gb/presence", `{"status":"away"}`, 403, "forbidden"},
	{"the presence of no agent", "admin", http.MethodPut, "/v1/agents/agent-xx/presence", `{"status":"away"}`, 404, "unknown-agent"},
	{"contacts that are no addresses", "admin", http.MethodPut, "/v1/agents/agent-us/emergency-contacts", `{"recipients":"not an address"}`, 400, "invalid"},
	{"a number that is none", "admin", http.MethodPost, "/v1/callback-numbers", `{"number":"555","siteId":"site-us"}`, 400, "invalid"},
	{"a number of no site", "admin", http.MethodPost, "/v1/callback-numbers", `{"number":"+12025550110","siteId":"site-xx"}`, 422, "unknown-site"},
	{"a number twice", "admin", http.MethodPost, "/v1/callback-numbers", `{"number":"+12025550101","siteId":"site-us"}`, 409, "number-exists"},
	{"the removal of no number", "admin", http.MethodDelete, "/v1/callback-numbers/+12025550110", ``, 404, "unknown-number"},
	{"a number of another country", "admin", http.MethodPost, "/v1/callback-numbers", `{"number":"+16135550110","siteId":"site-us"}`, 400, "invalid"},
	{"a callback number as an agent's own", "admin", http.MethodPut, "/v1/agents/agent-us", `{"name":"x","siteId":"site-us","endpoints":["tel:+1-202-555-0101"]}`, 400, "invalid"},
	{"a site in no country", "admin", http.MethodPut, "/v1/sites/site-us", `{"name":"x","country":"FR","address":{"street":"x","city":"x"},"standingNumber":"+12025550100"}`, 400, "invalid"},
	{"a rule that is no pattern", "admin", http.MethodPut, "/v1/voice-routing", `{"directOffers":[],"trunks":[{"trunkId":"a"}],"rules":[{"name":"r","pattern":"(","trunk":"a"}],"outboundProfiles":[]}`, 400, "invalid"},
	{"a voice routing by a supervisor", "supervisor", http.MethodPut, "/v1/voice-routing", `{"directOffers":[],"trunks":[],"rules":[],"outboundProfiles":[]}`, 403, "forbidden"},
	{"half a position", "agent/agent-us", http.MethodPut, "/v1/agents/agent-us/location", `{"latitude":38.9}`, 400, "invalid"},
	{"another agent's location", "agent/agent-us", http.MethodPut, "/v1/agents/agent-gb/location", `{"latitude":51.5,"longitude":0}`, 403, "forbidden"},
	{"the removal of no agent", "admin", http.MethodDelete, "/v1/agents/agent-xx", ``, 404, "unknown-agent"},
	{"a method that does not exist", "admin", http.MethodDelete, "/v1/sites/site-us", ``, 405, "method-not-allowed"},
	{"a path that does not exist", "admin", http.MethodGet, "/v1/everything", ``, 404, "not-found"},
}

// What cannot be granted is answered with a problem that says why, and changes
// nothing: no presence, no number, no call, no contact, no event, no workflow.
func TestBadInputChangesNothing(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	live := i.as("agent/agent-us").dial("agent-us", "911")
	(&life{T: t, installation: i, call: live}).awaitNotice()
	db := i.database()
	want := i.everything(db)
	for _, bad := range badInput {
		var told httpapi.Problem
		path := strings.ReplaceAll(bad.path, "LIVE", live.CallID)
		status, err := i.asAnybody(bad.who).sendRaw(bad.method, path, []byte(bad.body), &told)
		if err != nil {
			t.Fatalf("%s: %v", bad.why, err)
		}
		if status != bad.status || told.Code != bad.code || told.Status != status || told.Detail == "" || told.RequestID == "" {
			t.Errorf("%s: %d %+v, want %d %s", bad.why, status, told, bad.status, bad.code)
		}
		if diff := cmp.Diff(want, i.everything(db), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s changed something (-before +after)\n%s", bad.why, diff)
		}
	}
	if calls := search(t, i.engine(), "WorkflowType = 'EmergencyCall'"); len(calls) != 1 {
		t.Errorf("%d workflows, want 1", len(calls))
	}
}

// asAnybody may also be somebody without a token, or with a wrong one.
func (i *installation) asAnybody(who string) *caller {
	i.t.Helper()
	switch who {
	case "":
		return &caller{t: i.t, next: i.nextAPI}
	case stranger:
		return &caller{t: i.t, next: i.nextAPI, token: "not-a-token-of-this-service"}
	default:
		return i.as(who)
	}
}

// everything is all that can be read, as it stands now.
func (i *installation) everything(db *store.Store) map[string]any {
	i.t.Helper()
	all := map[string]any{}
	for path, who := range map[string]string{
		"/v1/agents": "admin", "/v1/sites": "admin", "/v1/callback-numbers": "admin", "/v1/emergency-calls": "supervisor",
		"/v1/agents/agent-us/emergency-contacts": "admin", "/v1/voice-routing": "admin", "/v1/readiness": "supervisor",
	} {
		var raw json.RawMessage
		i.as(who).must(http.StatusOK, http.MethodGet, path, nil, &raw)
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			i.t.Fatal("decode: ", err)
		}
		all[path] = value
	}
	events, err := db.Events(i.t.Context(), 0, 1000)
	if err != nil {
		i.t.Fatal("read events: ", err)
	}
	all["events"] = slices.DeleteFunc(events, func(e emergency.Event) bool {
		return slices.Contains(whenever, httpapi.EventType(e.Type))
	})
	return all
}
