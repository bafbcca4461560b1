package httpapi

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What an admin puts is what an admin gets, with the recipients as they are read (S17);
// those are not taken back.
func TestSites(t *testing.T) {
	r := newRig(t)
	put := ask{method: http.MethodPut, path: "/v1/sites/gb-leeds", as: "admin", body: `{"name":"Leeds","country":"GB",
		"address":{"street":"1 Example Road","unit":"Floor 2","city":"Leeds","postalCode":"LS1 1AA","country":"United Kingdom"},
		"standingNumber":"+442079460100","fallbackEndpoint":"tel:+442079460101","finalNumber":"+442079460102",
		"agentRingSeconds":15,"fallbackRingSeconds":120,"testRecipients":"drill@example.org;",
		"recipients":"Security Desk <desk@example.org>","timeZone":"Europe/London",
		"parsedRecipients":[{"address":"old@example.org"}],"parsedTestRecipients":[]}`}
	want := Site{
		SiteID: "gb-leeds", Name: "Leeds", Country: "GB", StandingNumber: "+442079460100", FallbackEndpoint: "tel:+442079460101",
		FinalNumber: "+442079460102", AgentRingSeconds: 15, FallbackRingSeconds: 120, TestRecipients: "drill@example.org;",
		Recipients: "Security Desk <desk@example.org>", TimeZone: "Europe/London",
		ParsedRecipients:     []Contact{{Name: "Security Desk", Address: "desk@example.org"}},
		ParsedTestRecipients: []Contact{{Address: "drill@example.org"}},
		Address:              Address{Street: "1 Example Road", Unit: "Floor 2", City: "Leeds", PostalCode: "LS1 1AA", Country: "United Kingdom"},
	}
	for _, a := range []ask{put, {method: http.MethodGet, path: "/v1/sites/gb-leeds", as: "admin"}} {
		if diff := cmp.Diff(want, read[Site](t, r.do(t, a))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", a.method, diff)
		}
	}
	sites := read[[]Site](t, r.do(t, ask{method: http.MethodGet, path: "/v1/sites", as: "admin"}))
	if len(sites) != 2 || sites[0].SiteID != "gb-leeds" {
		t.Errorf("sites %+v", sites)
	}
}

// What was read can be sent back as it is, and changes nothing but the ETag; what was read
// of one is not written over another.
func TestWhatWasReadIsTakenBack(t *testing.T) {
	for _, path := range []string{
		"/v1/sites/us-washington", "/v1/agents/agent-us", "/v1/agents/agent-us/emergency-contacts", "/v1/voice-routing", "/v1/notification-template",
	} {
		r := newRig(t)
		before := r.do(t, ask{method: http.MethodGet, path: path, as: "admin"})
		back := r.do(t, withHeader(ask{method: http.MethodPut, path: path, as: "admin", body: before.Body.String()}, "If-Match", before.Header().Get("ETag")))
		if back.Code != http.StatusOK {
			t.Errorf("%s: what was read is answered %d: %s", path, back.Code, back.Body)
		}
		ignored := func(name string, _ any) bool { return name == "version" || name == "savedBy" || name == "savedAt" }
		if diff := cmp.Diff(read[map[string]any](t, before), read[map[string]any](t, back), cmpopts.IgnoreMapEntries(ignored)); diff != "" {
			t.Errorf("%s: what was read and sent back has changed:\n%s", path, diff)
		}
	}
	r := newRig(t)
	for path, field := range map[string]string{"/v1/sites/us-washington": "siteId", "/v1/agents/agent-us": "agentId"} {
		other := path + "-2"
		body := r.do(t, ask{method: http.MethodGet, path: path, as: "admin"}).Body.String()
		if got := r.problem(t, ask{method: http.MethodPut, path: other, as: "admin", body: body}, http.StatusBadRequest); got.Field != field {
			t.Errorf("%s: the problem is %+v", other, got)
		}
	}
}

// A new agent is offline; a change keeps the presence of one who is known.
func TestAgents(t *testing.T) {
	r := newRig(t)
	body := `{"name":"Front desk","siteId":"us-washington","endpoints":["sip:new@example.com","tel:+12025550102"]}`
	want := Agent{
		AgentID: "agent-new", Name: "Front desk", SiteID: "us-washington",
		Endpoints: []string{"sip:new@example.com", "tel:+12025550102"}, Presence: Presence{Status: "offline", ChangedAt: testTime},
		CapacityProfiles: []string{"default"}, MailboxEnabled: true,
	}
	for _, a := range []ask{
		{method: http.MethodPut, path: "/v1/agents/agent-new", as: "admin", body: body},
		{method: http.MethodGet, path: "/v1/agents/agent-new", as: "admin"},
	} {
		if diff := cmp.Diff(want, read[Agent](t, r.do(t, a))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", a.method, diff)
		}
	}
	changed := read[Agent](t, r.do(t, ask{method: http.MethodPut, path: "/v1/agents/agent-us", as: "admin", body: body}))
	if changed.Presence.Status != "available" || changed.Name != "Front desk" {
		t.Errorf("changed agent %+v", changed)
	}
	if agents := read[[]Agent](t, r.do(t, ask{method: http.MethodGet, path: "/v1/agents", as: "admin"})); len(agents) != 3 {
		t.Errorf("agents %+v", agents)
	}
}

// Who is to call from a number of their own, has no capacity profile or no mailbox,
// is kept so (S12, S14, S15): nothing of that is taken for the default.
func TestAgentEligibility(t *testing.T) {
	r := newRig(t)
	for _, a := range []ask{
		{method: http.MethodPut, path: "/v1/agents/agent-new", as: "admin", body: `{"name":"A","siteId":"us-washington",
			"endpoints":["tel:+12025550102"],"capacityProfiles":[],"callingNumber":"+12025550103","mailboxEnabled":false}`},
		{method: http.MethodGet, path: "/v1/agents/agent-new", as: "admin"},
	} {
		got := read[Agent](t, r.do(t, a))
		if got.CapacityProfiles == nil || len(got.CapacityProfiles) > 0 || got.CallingNumber != "+12025550103" || got.MailboxEnabled {
			t.Errorf("%s: agent %+v", a.method, got)
		}
	}
}

// An agent who is removed is gone, and cannot be removed again.
func TestRemoveAgent(t *testing.T) {
	r := newRig(t)
	remove := ask{method: http.MethodDelete, path: "/v1/agents/agent-gb", as: "admin"}
	if w := r.do(t, remove); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if agents := read[[]Agent](t, r.do(t, ask{method: http.MethodGet, path: "/v1/agents", as: "admin"})); len(agents) != 1 {
		t.Errorf("agents %+v", agents)
	}
	if got := r.problem(t, remove, http.StatusNotFound); got.Code != "unknown-agent" {
		t.Errorf("code %q", got.Code)
	}
}

// A status that Lifeline does not know is kept verbatim (S10).
func TestPresence(t *testing.T) {
	r := newRig(t)
	want := Presence{Status: "In a call – Küche", ChangedAt: testTime}
	for _, a := range []ask{
		{method: http.MethodPut, path: "/v1/agents/agent-us/presence", as: "agent-us", body: `{"status":"In a call – Küche"}`},
		{method: http.MethodGet, path: "/v1/agents/agent-us/presence", as: "agent-us"},
	} {
		if diff := cmp.Diff(want, read[Presence](t, r.do(t, a))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", a.method, diff)
		}
	}
}

// Recipients are one field, kept as it was typed, and shown as they are understood; what
// was read can be sent back (S17).
func TestEmergencyContacts(t *testing.T) {
	r := newRig(t)
	const typed = "desk@example.com; Guard <guard@example.com>; DESK@example.com;"
	want := EmergencyContacts{
		Recipients: typed,
		Parsed:     []Contact{{Address: "desk@example.com"}, {Name: "Guard", Address: "guard@example.com"}},
	}
	for _, a := range []ask{
		{method: http.MethodPut, path: "/v1/agents/agent-us/emergency-contacts", as: "admin", body: `{"recipients":"` + typed + `"}`},
		{
			method: http.MethodPut, path: "/v1/agents/agent-us/emergency-contacts", as: "admin",
			body: `{"recipients":"` + typed + `","parsed":[{"address":"desk@example.com"},7]}`,
		},
		{method: http.MethodGet, path: "/v1/agents/agent-us/emergency-contacts", as: "admin"},
	} {
		if diff := cmp.Diff(want, read[EmergencyContacts](t, r.do(t, a))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", a.method, diff)
		}
	}
}

// A number is added with the state that it really has, listed, and removed; in a
// path its plus may be escaped or not.
func TestCallbackNumbers(t *testing.T) {
	r := newRig(t)
	w := r.do(t, ask{
		method: http.MethodPost, path: "/v1/callback-numbers", as: "admin", body: `{"number":"+12025550101","siteId":"us-washington"}`,
	})
	if w.Code != http.StatusCreated {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	want := CallbackNumber{Number: "+12025550101", SiteID: "us-washington", State: CallbackNumberStateQuarantined, FreeAt: testTime}
	if diff := cmp.Diff(want, read[CallbackNumber](t, w)); diff != "" {
		t.Errorf("added (-want +got):\n%s", diff)
	}
	for _, path := range []string{"/v1/callback-numbers/+12025550100", "/v1/callback-numbers/%2B12025550101"} {
		if w := r.do(t, ask{method: http.MethodDelete, path: path, as: "admin"}); w.Code != http.StatusNoContent {
			t.Errorf("%s: status %d: %s", path, w.Code, w.Body)
		}
	}
	if left := read[[]CallbackNumber](t, r.do(t, ask{method: http.MethodGet, path: "/v1/callback-numbers", as: "admin"})); len(left) != 0 {
		t.Errorf("left %+v", left)
	}
}
