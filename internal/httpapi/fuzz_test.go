package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Whatever is sent as a dial, the answer keeps to the contract, is never an error
// of the service, and a refusal is a problem that has reached nobody.
func FuzzPlaceCall(f *testing.F) {
	for _, body := range []string{
		goodDial, ``, `null`, `{`, `{"agentId":"agent-gb","dialedNumber":"999"}`, "\xff", `{"agentId":"agent-us","dialedNumber":"\ud800"}`,
		`{"agentId":"agent-us","dialedNumber":"911","location":{"latitude":1e999,"longitude":-0}}`,
		`{"agentId":"agent-us","dialedNumber":"911","location":{"address":{"street":"\u0000"}}}`,
		`{"agentId":"agent-us","dialedNumber":"911","location":{"capturedAt":"9999-12-31T23:59:59-01:00","permission":"prompt"}}`,
		`{"agentId":"agent-us","dialedNumber":"911","location":{"capturedAt":"2026-02-31T12:00:00.5Z","permission":""}}`,
		`{"agentId":"agent-us","agentId":"agent-gb","dialedNumber":"911"}`, `[[[[[[[[]]]]]]]]`, `{"":{"":[]}}`,
	} {
		f.Add(body)
	}
	r := newRig(f)
	f.Fuzz(func(t *testing.T, body string) {
		r.calls.dials = nil
		r.logs.text.Reset()
		a := dial(body)
		a.headers = map[string]string{"Content-Type": "application/json"}
		w := r.do(t, a)
		switch {
		case w.Code >= 500:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		case w.Code == http.StatusCreated:
			if len(r.calls.dials) != 1 || r.calls.dials[0].AgentID != "agent-us" || r.calls.dials[0].DialedNumber == "" {
				t.Fatalf("dials %+v", r.calls.dials)
			}
		default:
			var problem Problem
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Code == "" || problem.Instead == "" {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if len(r.calls.dials) > 0 {
				t.Fatal("a refused dial has been placed")
			}
		}
	})
}

// Whatever is put, with whatever If-Match, the answer keeps to the contract, is never
// an error of the service, and nothing is changed but by what is answered with 200 and
// an ETag.
func FuzzPut(f *testing.F) {
	paths := []string{templatePath, routingPath, locationPath, "/v1/sites/us-washington", "/v1/agents/agent-us", "/v1/agents/agent-us/emergency-contacts"}
	for i := range paths {
		for _, body := range []string{
			plainTemplate, `{"subject":"\n","html":"\n","text":"{{broken}}"}`, fullRouting, emptyRouting, `{"directOffers":[null],"trunks":[],"rules":[],"outboundProfiles":[],"findings":[{"":[]},7]}`,
			`{"capturedAt":"2026-01-31T12:00:00+23:59","latitude":-0,"longitude":1e-300}`, `{"recipients":"\"a;b\"@example.org;;"}`,
			guardedThings["site"].body, `{"name":"S","country":"GB","address":{},"standingNumber":"","agentRingSeconds":1e2}`,
			guardedThings["agent"].body, `{"name":"A","siteId":"x","endpoints":["tel:1"],"capacityProfiles":[],"mailboxEnabled":false}`,
		} {
			f.Add(uint8(i), body, "")
		}
		f.Add(uint8(i), `{}`, `"5"`)
		f.Add(uint8(i), emptyRouting, `*`)
	}
	f.Fuzz(func(t *testing.T, which uint8, body, ifMatch string) {
		r := newRig(t)
		a := ask{method: http.MethodPut, path: paths[int(which)%len(paths)], as: "admin", body: body}
		a.headers = map[string]string{"Content-Type": "application/json", "If-Match": ifMatch}
		if a.path == locationPath {
			a.as, a.headers["If-Match"] = "agent-us", ""
		}
		if ifMatch == "" {
			delete(a.headers, "If-Match")
		}
		w := r.do(t, a)
		switch {
		case w.Code >= 500:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		case w.Code == http.StatusOK:
			if a.path != locationPath && !strings.HasPrefix(w.Header().Get("ETag"), `"`) || r.changes() != 1 {
				t.Fatalf("ETag %q, %d changes", w.Header().Get("ETag"), r.changes())
			}
		default:
			var problem Problem
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Code == "" || r.changes() > 0 {
				t.Fatalf("status %d, %d changes: %s", w.Code, r.changes(), w.Body)
			}
		}
	})
}
