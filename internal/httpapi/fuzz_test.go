package httpapi

import (
	"encoding/json"
	"net/http"
	"testing"
)

// Whatever is sent as a dial, the answer keeps to the contract, is never an error
// of the service, and a refusal is a problem that has reached nobody.
func FuzzPlaceCall(f *testing.F) {
	for _, body := range []string{
		goodDial, ``, `null`, `{`, `{"agentId":"agent-gb","dialedNumber":"999"}`, "\xff", `{"agentId":"agent-us","dialedNumber":"\ud800"}`,
		`{"agentId":"agent-us","dialedNumber":"911","location":{"latitude":1e999,"longitude":-0}}`,
		`{"agentId":"agent-us","dialedNumber":"911","location":{"address":{"street":"\u0000"}}}`,
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
