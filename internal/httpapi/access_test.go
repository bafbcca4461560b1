package httpapi

import (
	"net/http"
	"slices"
	"testing"
)

// sample is how to ask for one operation, about something of one agent.
type sample struct {
	method, path, body string
	// roles may do it; an agent only to what is their own when foreign is refused.
	roles []string
	// whose tells that it is about one agent, so that another agent is refused.
	whose bool
}

// samples says who may do what a second time, so that a slip in the table of
// roles is seen. {a} stands for the agent.
var samples = map[string]sample{
	"placeCall": {
		http.MethodPost, "/v1/emergency-calls", `{"agentId":"{a}","dialedNumber":"911"}`,
		[]string{"agent", "carrier"},
		true,
	},
	"listCalls":        {http.MethodGet, "/v1/emergency-calls", "", []string{"agent", "supervisor"}, false},
	"getCall":          {http.MethodGet, "/v1/emergency-calls/call-{a}", "", []string{"agent", "supervisor"}, true},
	"endCall":          {http.MethodPost, "/v1/emergency-calls/call-{a}/end", "", []string{"agent", "carrier"}, true},
	"endLeg":           {http.MethodPost, "/v1/emergency-calls/call-{a}/legs/leg-1/end", "", []string{"agent", "carrier"}, true},
	"refuseAction":     {http.MethodPost, "/v1/emergency-calls/call-{a}/actions/hold", "", []string{"agent"}, false},
	"listRefusedCalls": {http.MethodGet, "/v1/refused-calls", "", []string{"agent", "supervisor"}, false},
	"getRefusedCall":   {http.MethodGet, "/v1/refused-calls/refused-{a}", "", []string{"agent", "supervisor"}, true},
	"routeInboundCall": {http.MethodPost, "/v1/inbound-calls", `{"to":"+12025550100"}`, []string{"carrier"}, false},
	"listSites":        {http.MethodGet, "/v1/sites", "", []string{"admin"}, false},
	"getSite":          {http.MethodGet, "/v1/sites/us-washington", "", []string{"admin"}, false},
	"putSite": {
		http.MethodPut, "/v1/sites/gb-leeds",
		`{"name":"Leeds","country":"GB","address":{"street":"1 Example Road","city":"Leeds"},"standingNumber":"+441134960100"}`,
		[]string{"admin"},
		false,
	},
	"listAgents": {http.MethodGet, "/v1/agents", "", []string{"admin"}, false},
	"getAgent":   {http.MethodGet, "/v1/agents/{a}", "", []string{"admin"}, false},
	"putAgent": {
		http.MethodPut, "/v1/agents/{a}", `{"name":"A","siteId":"us-washington","endpoints":["tel:+12025550101"]}`,
		[]string{"admin"},
		false,
	},
	"removeAgent": {http.MethodDelete, "/v1/agents/{a}", "", []string{"admin"}, false},
	"reportLocation": {
		http.MethodPut, "/v1/agents/{a}/location", `{"latitude":38.9,"longitude":-77}`,
		[]string{"agent"},
		true,
	},
	"getAgentReadiness": {http.MethodGet, "/v1/agents/{a}/readiness", "", []string{"agent", "supervisor", "admin"}, true},
	"getReadinessBoard": {http.MethodGet, "/v1/readiness", "", []string{"supervisor", "admin"}, false},
	"getVoiceRouting":   {http.MethodGet, "/v1/voice-routing", "", []string{"supervisor", "admin"}, false},
	"putVoiceRouting": {
		http.MethodPut, "/v1/voice-routing", `{"directOffers":[],"trunks":[],"rules":[],"outboundProfiles":[]}`,
		[]string{"admin"},
		false,
	},
	"getPresence":          {http.MethodGet, "/v1/agents/{a}/presence", "", []string{"agent", "admin"}, true},
	"setPresence":          {http.MethodPut, "/v1/agents/{a}/presence", `{"status":"away"}`, []string{"agent", "admin"}, true},
	"getEmergencyContacts": {http.MethodGet, "/v1/agents/{a}/emergency-contacts", "", []string{"admin"}, false},
	"setEmergencyContacts": {http.MethodPut, "/v1/agents/{a}/emergency-contacts", `{"recipients":""}`, []string{"admin"}, false},
	"listCallbackNumbers":  {http.MethodGet, "/v1/callback-numbers", "", []string{"admin"}, false},
	"addCallbackNumber": {
		http.MethodPost, "/v1/callback-numbers", `{"number":"+12025550101","siteId":"us-washington"}`,
		[]string{"admin"},
		false,
	},
	"removeCallbackNumber": {http.MethodDelete, "/v1/callback-numbers/+12025550100", "", []string{"admin"}, false},
	"getTemplate":          {http.MethodGet, templatePath, "", []string{"admin"}, false},
	"putTemplate": {
		http.MethodPut, templatePath, `{"subject":"S","html":"<p>H</p>","text":"T"}`,
		[]string{"admin"},
		false,
	},
	"listTemplateVersions": {http.MethodGet, templatePath + "/versions", "", []string{"admin"}, false},
	"getTemplateVersion":   {http.MethodGet, templatePath + "/versions/0", "", []string{"admin"}, false},
	"restoreTemplate":      {http.MethodPost, templatePath + "/versions/0/restore", "", []string{"admin"}, false},
	"previewTemplate":      {http.MethodPost, templatePath + "/preview", `{}`, []string{"admin"}, false},
	"streamEvents":         {http.MethodGet, "/v1/events", "", []string{"agent", "supervisor"}, false},
	decodePayloads:         {http.MethodPost, "/codec/decode", `{}`, []string{"supervisor"}, false},
}

// Each role does what the contract gives it, and nothing else; an agent does it
// to what is their own; nobody does anything without a token.
func TestRoles(t *testing.T) {
	for id := range access {
		if _, ok := samples[id]; !ok {
			t.Errorf("no sample of %s", id)
		}
	}
	for id, s := range samples {
		for _, holder := range []string{"agent-us", "agent-gb", "supervisor", "admin", "carrier", ""} {
			t.Run(id+"/"+holder, func(t *testing.T) {
				r := newRig(t, withCodec)
				w := r.do(t, s.ask("agent-us", holder))
				switch want := s.want("agent-us", holder); {
				case want == 0 && (w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden || w.Code >= 500):
					t.Errorf("status %d for one who may: %s", w.Code, w.Body)
				case want != 0 && w.Code != want:
					t.Errorf("status %d, want %d: %s", w.Code, want, w.Body)
				}
				if s.want("agent-us", holder) != 0 && r.changes() > 0 {
					t.Error("a refused request has changed something")
				}
			})
		}
	}
}

func (s sample) ask(agent, holder string) ask {
	fill := func(text string) string { return replaceAgent(text, agent) }
	return ask{method: s.method, path: fill(s.path), body: fill(s.body), as: holder}
}

// want is the status of the refusal; zero when there is to be none.
func (s sample) want(agent, holder string) int {
	role := holder
	if holder == "agent-us" || holder == "agent-gb" {
		role = "agent"
	}
	switch {
	case holder == "":
		return http.StatusUnauthorized
	case !slices.Contains(s.roles, role):
		return http.StatusForbidden
	case s.whose && role == "agent" && holder != agent:
		return http.StatusForbidden
	}
	return 0
}
