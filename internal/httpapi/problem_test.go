package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lifeline/internal/emergency"
)

const (
	dialPath = "/v1/emergency-calls"
	goodDial = `{"agentId":"agent-us","dialedNumber":"911"}`
	dialNow  = "In an emergency dial the local emergency number from a mobile phone."
)

func dial(body string) ask {
	return ask{method: http.MethodPost, path: dialPath, body: body, as: "agent-us"}
}

func withHeader(a ask, name, value string) ask {
	a.headers = map[string]string{name: value}
	return a
}

// contractBreach is a request that breaks the contract, and the problem that it is.
type contractBreach struct {
	ask  ask
	want Problem
}

// badDials break the contract where it matters most.
var badDials = map[string]contractBreach{
	"broken JSON": {
		dial("{\n  \"agentId\": \"agent-us\",\n  \"dialedNumber\" 911}"),
		Problem{Status: 400, Code: "bad-json", Line: 3, Column: 18},
	},
	"JSON that ends too early": {
		dial(`{"agentId":`), Problem{Status: 400, Code: "bad-json", Line: 1, Column: 11},
	},
	"something after the JSON": {
		dial(goodDial + "}"), Problem{Status: 400, Code: "bad-json", Line: 1, Column: 44},
	},
	"a number that no computer holds": {
		dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"latitude":1e999}}`),
		Problem{Status: 400, Code: "bad-json", Line: 1, Column: 72},
	},
	"not UTF-8": {
		dial("{\"agentId\":\"\xff\"}"), Problem{Status: 400, Code: "bad-json", Line: 1, Column: 13},
	},
	"an empty body": {
		dial(""), Problem{Status: 400, Code: "bad-json", Line: 1, Column: 1},
	},
	"not an object":        {dial(`[]`), Problem{Status: 400, Code: "invalid"}},
	"null":                 {dial(`null`), Problem{Status: 400, Code: "invalid"}},
	"a missing field":      {dial(`{"agentId":"agent-us"}`), Problem{Status: 400, Code: "invalid", Field: "dialedNumber"}},
	"an unknown field":     {dial(`{"agentId":"agent-us","dialedNumber":"911","lokation":{}}`), Problem{Status: 400, Code: "invalid", Field: "lokation"}},
	"another case":         {dial(`{"agentid":"agent-us","dialedNumber":"911"}`), Problem{Status: 400, Code: "invalid", Field: "agentid"}},
	"a field twice":        {dial(`{"agentId":"agent-us","dialedNumber":"911","agentId":"agent-us"}`), Problem{Status: 400, Code: "invalid", Field: "agentId"}},
	"an inner field twice": {dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"address":{"city":"x","city":"y"}}}`), Problem{Status: 400, Code: "invalid", Field: "location.address.city"}},
	"a wrong type":         {dial(`{"agentId":"agent-us","dialedNumber":911}`), Problem{Status: 400, Code: "invalid", Field: "dialedNumber"}},
	"a null field":         {dial(`{"agentId":null,"dialedNumber":"911"}`), Problem{Status: 400, Code: "invalid", Field: "agentId"}},
	"an empty field":       {dial(`{"agentId":"agent-us","dialedNumber":""}`), Problem{Status: 400, Code: "invalid", Field: "dialedNumber"}},
	"a field of nothing":   {dial(`{"agentId":"agent-us","dialedNumber":" \n"}`), Problem{Status: 400, Code: "invalid", Field: "dialedNumber"}},
	"an over-long field":   {dial(`{"agentId":"agent-us","dialedNumber":"` + strings.Repeat("1", 129) + `"}`), Problem{Status: 400, Code: "invalid", Field: "dialedNumber"}},
	"a control character":  {dial(`{"agentId":"agent-us","dialedNumber":"9\u000011"}`), Problem{Status: 400, Code: "invalid", Field: "dialedNumber"}},
	"a wrong inner type":   {dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"address":{"street":7}}}`), Problem{Status: 400, Code: "invalid", Field: "location.address.street"}},
	"an unknown inner":     {dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"address":{"strit":"x"}}}`), Problem{Status: 400, Code: "invalid", Field: "location.address.strit"}},
	"off the earth":        {dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"latitude":90.1,"longitude":0}}`), Problem{Status: 400, Code: "invalid", Field: "location.latitude"}},
	"half a position":      {dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"latitude":1}}`), Problem{Status: 400, Code: "invalid", Field: "location.longitude"}},
	"an over-long body":    {dial(`{"agentId":"` + strings.Repeat("a", maxBody) + `"}`), Problem{Status: 413, Code: "too-large"}},
	"another content type": {withHeader(dial(goodDial), "Content-Type", "text/plain"), Problem{Status: 415, Code: "unsupported-media-type"}},
	"no content type":      {withHeader(dial(goodDial), "Content-Type", ""), Problem{Status: 415, Code: "unsupported-media-type"}},
	"an empty key":         {withHeader(dial(goodDial), "Idempotency-Key", ""), Problem{Status: 400, Code: "invalid", Field: "Idempotency-Key"}},
	"an over-long key":     {withHeader(dial(goodDial), "Idempotency-Key", strings.Repeat("k", 201)), Problem{Status: 400, Code: "invalid", Field: "Idempotency-Key"}},
	"an unprintable key":   {withHeader(dial(goodDial), "Idempotency-Key", "é"), Problem{Status: 400, Code: "invalid", Field: "Idempotency-Key"}},
	"no token":             {ask{method: http.MethodPost, path: dialPath, body: goodDial}, Problem{Status: 401, Code: "unauthenticated"}},
	"a foreign token":      {withHeader(dial(goodDial), "Authorization", "Bearer nobody-has-this-token"), Problem{Status: 401, Code: "unauthenticated"}},
	"another scheme":       {withHeader(dial(goodDial), "Authorization", "Basic YTpi"), Problem{Status: 401, Code: "unauthenticated"}},
	"for another agent":    {dial(`{"agentId":"agent-gb","dialedNumber":"999"}`), Problem{Status: 403, Code: "forbidden"}},
}

// badRequests break it elsewhere.
var badRequests = map[string]contractBreach{
	"an unknown path":       {ask{method: http.MethodGet, path: "/v1/nothing"}, Problem{Status: 404, Code: "not-found"}},
	"a trailing slash":      {ask{method: http.MethodGet, path: dialPath + "/", as: "supervisor"}, Problem{Status: 404, Code: "not-found"}},
	"a wrong method":        {ask{method: http.MethodDelete, path: dialPath, as: "agent-us"}, Problem{Status: 405, Code: "method-not-allowed"}},
	"an unknown action":     {ask{method: http.MethodPost, path: dialPath + "/call-1/actions/dance", as: "agent-us"}, Problem{Status: 404, Code: "not-found"}},
	"an impossible ID":      {ask{method: http.MethodGet, path: dialPath + "/%00", as: "supervisor"}, Problem{Status: 404, Code: "not-found"}},
	"an impossible new ID":  {ask{method: http.MethodPut, path: "/v1/agents/-", as: "admin", body: `{"name":"A","siteId":"us-washington","endpoints":["tel:1"]}`}, Problem{Status: 400, Code: "invalid", Field: "agentId"}},
	"no endpoint":           {ask{method: http.MethodPut, path: "/v1/agents/a", as: "admin", body: `{"name":"A","siteId":"us-washington","endpoints":[]}`}, Problem{Status: 400, Code: "invalid", Field: "endpoints"}},
	"a wrong endpoint":      {ask{method: http.MethodPut, path: "/v1/agents/a", as: "admin", body: `{"name":"A","siteId":"us-washington","endpoints":["sip:a@b",3]}`}, Problem{Status: 400, Code: "invalid", Field: "endpoints.1"}},
	"a country not served":  {putSite(`"FR"`, ""), Problem{Status: 400, Code: "invalid", Field: "country"}},
	"a country in words":    {putSite(`"France"`, ""), Problem{Status: 400, Code: "invalid", Field: "country"}},
	"a short ring":          {putSite(`"US"`, `,"agentRingSeconds":4`), Problem{Status: 400, Code: "invalid", Field: "agentRingSeconds"}},
	"a long ring":           {putSite(`"US"`, `,"fallbackRingSeconds":121`), Problem{Status: 400, Code: "invalid", Field: "fallbackRingSeconds"}},
	"a broken second":       {putSite(`"US"`, `,"agentRingSeconds":5.5`), Problem{Status: 400, Code: "invalid", Field: "agentRingSeconds"}},
	"a second written 5.0":  {putSite(`"US"`, `,"agentRingSeconds":5.0`), Problem{Status: 400, Code: "invalid", Field: "agentRingSeconds"}},
	"a final number abroad": {putSite(`"US"`, `,"finalNumber":"0199"`), Problem{Status: 400, Code: "invalid", Field: "finalNumber"}},
	"a test list of words":  {putSite(`"US"`, `,"testRecipients":"nobody"`), Problem{Status: 400, Code: "invalid", Field: "testRecipients"}},
	"a wrong own number":    {putAgent(`"callingNumber":"555"`), Problem{Status: 400, Code: "invalid", Field: "callingNumber"}},
	"a wrong profile":       {putAgent(`"capacityProfiles":["voice","two words"]`), Problem{Status: 400, Code: "invalid", Field: "capacityProfiles"}},
	"a profile of no kind":  {putAgent(`"capacityProfiles":["voice",7]`), Problem{Status: 400, Code: "invalid", Field: "capacityProfiles.1"}},
	"no profile at all":     {putAgent(`"capacityProfiles":null`), Problem{Status: 400, Code: "invalid", Field: "capacityProfiles"}},
	"a mailbox of words":    {putAgent(`"mailboxEnabled":"yes"`), Problem{Status: 400, Code: "invalid", Field: "mailboxEnabled"}},
	"a recipient too few":   {ask{method: http.MethodPut, path: "/v1/agents/agent-us/emergency-contacts", as: "admin", body: `{"recipients":"nobody"}`}, Problem{Status: 400, Code: "invalid", Field: "recipients"}},
	"a blank status":        {ask{method: http.MethodPut, path: "/v1/agents/agent-us/presence", as: "agent-us", body: `{"status":" "}`}, Problem{Status: 400, Code: "invalid", Field: "status"}},
	"a number not in E.164": {ask{method: http.MethodPost, path: "/v1/callback-numbers", as: "admin", body: `{"number":"555","siteId":"us-washington"}`}, Problem{Status: 400, Code: "invalid", Field: "number"}},
	"a reason too long":     {ask{method: http.MethodPost, path: dialPath + "/call-agent-us/end", as: "agent-us", body: `{"reason":"` + strings.Repeat("r", 65) + `"}`}, Problem{Status: 400, Code: "invalid", Field: "reason", Instead: "Hang up all the same. Then check this request and send it again."}},
	"a wrong Last-Event-ID": {withHeader(ask{method: http.MethodGet, path: "/v1/events", as: "supervisor"}, "Last-Event-ID", "abc"), Problem{Status: 400, Code: "invalid", Field: "Last-Event-ID"}},
	"two lastEventId":       {ask{method: http.MethodGet, path: "/v1/events?lastEventId=1&lastEventId=2", as: "supervisor"}, Problem{Status: 400, Code: "invalid", Field: "lastEventId"}},
}

// putSite puts a site in this country, with more fields after the usual ones.
func putSite(country, more string) ask {
	return ask{method: http.MethodPut, path: "/v1/sites/s", as: "admin", body: `{"name":"S","country":` + country +
		`,"address":{"street":"1 Example Street","city":"Washington"},"standingNumber":"+12025550199"` + more + `}`}
}

// putAgent puts an agent with one field more than the usual ones.
func putAgent(field string) ask {
	return ask{
		method: http.MethodPut, path: "/v1/agents/a", as: "admin",
		body: `{"name":"A","siteId":"us-washington","endpoints":["sip:a@example.com"],` + field + `}`,
	}
}

// A dial that breaks the contract is answered with a problem that says where, and
// reaches nobody. Whoever dials is told what to do instead, always.
func TestBadDials(t *testing.T) {
	for name, test := range badDials {
		test.want.Instead = dialNow
		t.Run(name, test.run)
	}
	// Whoever dialed may be in danger, so that the log tells of it; without what was sent.
	r := newRig(t)
	got := r.problem(t, dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"latitude":91,"longitude":-77.036547}}`), http.StatusBadRequest)
	if logged := r.logs.String(); !strings.Contains(logged, "could not be understood") || !strings.Contains(logged, got.RequestID) || strings.Contains(logged, "77.036547") {
		t.Errorf("log:\n%s", logged)
	}
}

// So is any other request.
func TestBadRequests(t *testing.T) {
	for name, test := range badRequests {
		t.Run(name, test.run)
	}
}

func (b contractBreach) run(t *testing.T) {
	r := newRig(t)
	got := r.problem(t, b.ask, b.want.Status)
	if diff := cmp.Diff(b.want, got, cmpopts.IgnoreFields(Problem{}, "Type", "Title", "Detail", "RequestID")); diff != "" {
		t.Errorf("problem (-want +got):\n%s", diff)
	}
	if got.Type != "about:blank" || got.Title != http.StatusText(got.Status) || !strings.HasSuffix(got.Detail, ".") {
		t.Errorf("type, title or detail: %+v", got)
	}
	if r.changes() > 0 {
		t.Error("a bad request has changed something")
	}
}

// What the domain says is one problem each: 404 for what the path names, 422 for
// what the body names, and the refusal's own code and words.
func TestDomainErrors(t *testing.T) {
	end := ask{method: http.MethodPost, path: dialPath + "/call-9/end", as: "carrier"}
	inbound := ask{method: http.MethodPost, path: "/v1/inbound-calls", as: "carrier", body: `{"to":"+12025550100"}`}
	tests := map[string]struct {
		err    error
		ask    ask
		status int
		code   string
	}{
		"unknown agent dials":    {emergency.ErrUnknownAgent, dial(goodDial), 422, "unknown-agent"},
		"refused":                {&emergency.Refusal{Code: "country-not-served", Reason: "Not here."}, dial(goodDial), 422, "country-not-served"},
		"invalid":                {&emergency.Invalid{Field: "dialedNumber", Problem: "is odd"}, dial(goodDial), 400, "invalid"},
		"wrapped":                {fmt.Errorf("place call: %w", emergency.ErrUnknownAgent), dial(goodDial), 422, "unknown-agent"},
		"dial finds no database": {errors.New("secret dsn"), dial(goodDial), 503, "unavailable"},
		"end finds no database":  {errors.New("secret dsn"), end, 503, "unavailable"},
		"inbound finds none":     {errors.New("secret dsn"), inbound, 503, "unavailable"},
		"end of an unknown call": {emergency.ErrUnknownCall, end, 404, "unknown-call"},
		"end of an unknown leg": {
			emergency.ErrUnknownLeg,
			ask{method: http.MethodPost, path: dialPath + "/call-9/legs/leg-9/end", as: "carrier"},
			404, "unknown-leg",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.calls.err = test.err
			got := r.problem(t, test.ask, test.status)
			if got.Code != test.code {
				t.Errorf("code %q, want %q", got.Code, test.code)
			}
			if got.Instead == "" {
				t.Error("nobody is told what to do instead")
			}
		})
	}
}

// A dial that is refused names all that keeps the call from being made, for the agent
// and for the administrator, under the code and in the words of the first, and says
// what to do instead (S12 to S16), and where to read who is told of it (B10).
func TestRefusedDial(t *testing.T) {
	r := newRig(t)
	failed := []emergency.Check{emergency.Explain(emergency.CheckNoOutboundProfile), emergency.Explain(emergency.CheckLocationOff)}
	r.calls.err = fmt.Errorf("place call: %w", &emergency.Refusal{
		Code: "no-outbound-profile", Reason: failed[0].Agent, Instead: "Dial 911 from a mobile phone.", Checks: failed,
		CallID: "refused-1",
	})
	got := r.problem(t, dial(goodDial), http.StatusUnprocessableEntity)
	want := Problem{
		Type: "about:blank", Title: "Unprocessable Entity", Status: 422, Code: "no-outbound-profile",
		Detail: failed[0].Agent, Instead: "Dial 911 from a mobile phone.", CallID: "refused-1",
		Checks: []FailedCheck{
			{Code: "no-outbound-profile", Agent: failed[0].Agent, Administrator: failed[0].Administrator},
			{Code: "location-off", Agent: failed[1].Agent, Administrator: failed[1].Administrator},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Problem{}, "RequestID")); diff != "" {
		t.Errorf("problem (-want +got):\n%s", diff)
	}
}

// Of a number that is nobody's emergency number, the field is named.
func TestNoEmergencyNumber(t *testing.T) {
	_, refusal := emergency.DialPlan{}.Classify("5551234", emergency.Whereabouts{Site: emergency.UnitedStates})
	r := newRig(t)
	r.calls.err = refusal
	if got := r.problem(t, dial(goodDial), http.StatusUnprocessableEntity); got.Code != "not-an-emergency-number" || got.Field != "dialedNumber" {
		t.Errorf("problem %+v", got)
	}
}

// The domain knows which countries are served, and the problem lists them.
func TestCountriesServed(t *testing.T) {
	got := newRig(t).problem(t, putSite(`"FR"`, ""), http.StatusBadRequest)
	if got.Detail != "country must be one of CA, DK, GB, PR, US." {
		t.Errorf("detail %q", got.Detail)
	}
}

// A record that is not there is 404, and 422 where the body names it; a number
// that is there already is 409.
func TestUnknownRecords(t *testing.T) {
	const agent = `{"name":"A","siteId":"nowhere","endpoints":["tel:+12025550101"]}`
	tests := []struct {
		ask    ask
		status int
		code   string
	}{
		{ask{method: http.MethodGet, path: dialPath + "/call-9", as: "supervisor"}, 404, "unknown-call"},
		{ask{method: http.MethodGet, path: "/v1/agents/nobody", as: "admin"}, 404, "unknown-agent"},
		{ask{method: http.MethodPut, path: "/v1/agents/agent-us", as: "admin", body: agent}, 422, "unknown-site"},
		{ask{method: http.MethodGet, path: "/v1/agents/nobody/presence", as: "admin"}, 404, "unknown-agent"},
		{ask{method: http.MethodPut, path: "/v1/agents/nobody/presence", as: "admin", body: `{"status":"away"}`}, 404, "unknown-agent"},
		{ask{method: http.MethodGet, path: "/v1/agents/nobody/emergency-contacts", as: "admin"}, 404, "unknown-agent"},
		{ask{method: http.MethodPut, path: "/v1/agents/nobody/emergency-contacts", as: "admin", body: `{"recipients":""}`}, 404, "unknown-agent"},
		{ask{method: http.MethodDelete, path: "/v1/agents/nobody", as: "admin"}, 404, "unknown-agent"},
		{ask{method: http.MethodDelete, path: "/v1/agents/-", as: "admin"}, 404, "not-found"},
		{ask{method: http.MethodGet, path: "/v1/agents/nobody/readiness", as: "supervisor"}, 404, "unknown-agent"},
		{ask{method: http.MethodGet, path: "/v1/sites/nowhere", as: "admin"}, 404, "unknown-site"},
		{ask{method: http.MethodPost, path: "/v1/callback-numbers", as: "admin", body: `{"number":"+12025550101","siteId":"nowhere"}`}, 422, "unknown-site"},
		{ask{method: http.MethodPost, path: "/v1/callback-numbers", as: "admin", body: `{"number":"+12025550100","siteId":"us-washington"}`}, 409, "number-exists"},
		{ask{method: http.MethodDelete, path: "/v1/callback-numbers/+12025550101", as: "admin"}, 404, "unknown-number"},
	}
	for _, test := range tests {
		t.Run(test.ask.method+test.ask.path, func(t *testing.T) {
			if got := newRig(t).problem(t, test.ask, test.status); got.Code != test.code {
				t.Errorf("code %q, want %q", got.Code, test.code)
			}
		})
	}
}

// Whoever adds a number that is for something already is told for what, without being
// shown a whole number, and which field it is.
func TestNumberTaken(t *testing.T) {
	got := newRig(t).problem(t, ask{
		method: http.MethodPost, path: "/v1/callback-numbers", as: "admin", body: `{"number":"+12025550100","siteId":"us-washington"}`,
	}, http.StatusConflict)
	if got.Code != "number-exists" || got.Field != "number" || got.Detail != "This number is a callback number of site us-washington." {
		t.Errorf("problem %+v", got)
	}
}

// asksOfRecords are requests that cannot do without records.
var asksOfRecords = []ask{
	{method: http.MethodGet, path: dialPath, as: "supervisor"},
	{method: http.MethodGet, path: "/v1/agents", as: "admin"},
	{method: http.MethodGet, path: "/v1/sites", as: "admin"},
	{method: http.MethodGet, path: "/v1/callback-numbers", as: "admin"},
	{method: http.MethodGet, path: "/v1/voice-routing", as: "admin"},
	{method: http.MethodPut, path: "/v1/voice-routing", as: "admin", body: emptyRouting},
	{method: http.MethodGet, path: "/v1/readiness", as: "supervisor"},
	{method: http.MethodGet, path: "/v1/agents/agent-us/readiness", as: "supervisor"},
	{method: http.MethodPut, path: locationPath, as: "agent-us", body: `{}`},
	{method: http.MethodDelete, path: "/v1/agents/agent-us", as: "admin"},
	{method: http.MethodGet, path: "/v1/events", as: "supervisor"},
}

// A refusal for want of a token says how to send one.
func TestChallenge(t *testing.T) {
	w := newRig(t).do(t, ask{method: http.MethodGet, path: dialPath})
	if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="lifeline"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
}

// A wrong method is told which would be right (RFC 9110).
func TestAllow(t *testing.T) {
	w := newRig(t).do(t, ask{method: http.MethodDelete, path: dialPath})
	if got := w.Header().Get("Allow"); !strings.Contains(got, "GET") || !strings.Contains(got, "POST") {
		t.Errorf("Allow %q", got)
	}
}

// No log line, even at debug, holds a token, a number, an address or a path.
func TestLogsAreClean(t *testing.T) {
	r := newRig(t)
	r.do(t, withHeader(dial(goodDial), "Idempotency-Key", "key-from-the-desktop"))
	r.do(t, ask{method: http.MethodDelete, path: "/v1/callback-numbers/+12025550100", as: "admin"})
	r.do(t, ask{method: http.MethodPut, path: "/v1/agents/agent-us/emergency-contacts", as: "admin", body: `{"recipients":"x@example.com"}`})
	r.do(t, ask{method: http.MethodPut, path: locationPath, as: "agent-us", body: `{"latitude":38.987654,"longitude":-77,"address":{"street":"Example Street"}}`})
	r.do(t, ask{method: http.MethodPut, path: "/v1/voice-routing", as: "admin", body: emptyRouting})
	r.do(t, ask{method: http.MethodPost, path: "/login", body: `{"token":"admin-token-0000004"}`})
	r.do(t, ask{method: http.MethodGet, path: "/v1/emergency-callz/+12025550100"})
	logs := r.logs.String()
	for _, secret := range []string{"token-0", "2025550100", "example.com", "key-from", "callz", "987654", "Example Street"} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log holds %q:\n%s", secret, logs)
		}
	}
	if strings.Count(logs, `"msg":"request"`) != 7 {
		t.Errorf("not one line per request:\n%s", logs)
	}
}
