package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// guarded is something that several people change, as newFakeRecords has it.
type guarded struct {
	path, body string
	// tag is its ETag before any change, and next that after one.
	tag, next string
}

const emptyRouting = `{"directOffers":[],"trunks":[],"rules":[],"outboundProfiles":[]}`

var guardedThings = map[string]guarded{
	"site": {
		"/v1/sites/us-washington",
		`{"name":"W","country":"US","address":{"street":"1 Example Street","city":"Washington"},"standingNumber":"+12025550199"}`,
		`"3"`, `"4"`,
	},
	"agent":         {"/v1/agents/agent-us", `{"name":"A","siteId":"us-washington","endpoints":["tel:+12025550101"]}`, `"2"`, `"3"`},
	"contacts":      {"/v1/agents/agent-us/emergency-contacts", `{"recipients":"desk@example.org"}`, `"0"`, `"1"`},
	"voice routing": {"/v1/voice-routing", emptyRouting, `"5"`, `"6"`},
	"template":      {templatePath, plainTemplate, `"0"`, `"1"`},
}

func (g guarded) get() ask { return ask{method: http.MethodGet, path: g.path, as: "admin"} }

func (g guarded) put(ifMatch string) ask {
	a := ask{method: http.MethodPut, path: g.path, as: "admin", body: g.body}
	if ifMatch != "" {
		a = withHeader(a, "If-Match", ifMatch)
	}
	return a
}

// What is read comes with its revision as ETag. A change that is based on it is made,
// and has the next one; the same change again would undo what came between, and is
// refused with 412. Without If-Match, and with the asterisk, the last to write wins.
func TestLostUpdates(t *testing.T) {
	for name, thing := range guardedThings {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			wantTag := func(a ask, tag string) {
				t.Helper()
				w := r.do(t, a)
				if got := w.Header().Get("ETag"); w.Code != http.StatusOK || got != tag {
					t.Fatalf("%s %v: status %d, ETag %s, want %s: %s", a.method, a.headers, w.Code, got, tag, w.Body)
				}
			}
			wantTag(thing.get(), thing.tag)
			wantTag(thing.put(thing.tag), thing.next)
			wantTag(thing.get(), thing.next)
			for _, stale := range []string{thing.tag, `"9"`, `"0"`} {
				got := r.problem(t, thing.put(stale), http.StatusPreconditionFailed)
				if got.Code != "changed-meanwhile" || got.Field != "If-Match" || !strings.Contains(got.Detail, "Read it again") {
					t.Errorf("%s: problem %+v", stale, got)
				}
			}
			wantTag(thing.get(), thing.next)
			if w := r.do(t, thing.put("")); w.Code != http.StatusOK {
				t.Errorf("without If-Match: status %d", w.Code)
			}
			if w := r.do(t, thing.put("*")); w.Code != http.StatusOK {
				t.Errorf("with the asterisk: status %d", w.Code)
			}
		})
	}
}

// Nobody is removed on the base of what somebody else has changed since. Who is not
// there is unknown, whatever the request is based on.
func TestRemovalIsNoLostUpdate(t *testing.T) {
	r := newRig(t)
	remove := func(ifMatch string) ask {
		return withHeader(ask{method: http.MethodDelete, path: "/v1/agents/agent-us", as: "admin"}, "If-Match", ifMatch)
	}
	for _, stale := range []string{`"1"`, `"3"`, `"0"`} {
		got := r.problem(t, remove(stale), http.StatusPreconditionFailed)
		if got.Code != "changed-meanwhile" || got.Field != "If-Match" || r.changes() > 0 {
			t.Errorf("%s: problem %+v, %d changes", stale, got, r.changes())
		}
	}
	if got := r.problem(t, remove("2"), http.StatusBadRequest); got.Field != "If-Match" {
		t.Errorf("problem %+v", got)
	}
	if w := r.do(t, remove(`"2"`)); w.Code != http.StatusNoContent {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	for _, base := range []string{"*", `"2"`, `"0"`} {
		if got := r.problem(t, remove(base), http.StatusNotFound); got.Code != "unknown-agent" {
			t.Errorf("%s: code %q", base, got.Code)
		}
	}
	other := withHeader(ask{method: http.MethodDelete, path: "/v1/agents/agent-gb", as: "admin"}, "If-Match", "*")
	if w := r.do(t, other); w.Code != http.StatusNoContent {
		t.Errorf("with the asterisk: status %d: %s", w.Code, w.Body)
	}
}

// A change of what is not there (any more) is refused when it is based on something,
// be it anything; one that is based on nothing creates it.
func TestChangeOfWhatIsNotThere(t *testing.T) {
	for name, path := range map[string]string{"site": "/v1/sites/new", "agent": "/v1/agents/new"} {
		t.Run(name, func(t *testing.T) {
			thing := guardedThings[name]
			thing.path = path
			r := newRig(t)
			for _, base := range []string{"*", `"1"`} {
				if got := r.problem(t, thing.put(base), http.StatusPreconditionFailed); got.Code != "changed-meanwhile" {
					t.Errorf("%s: code %q", base, got.Code)
				}
			}
			if r.changes() > 0 {
				t.Error("a refused change was made")
			}
			if w := r.do(t, thing.put(`"0"`)); w.Code != http.StatusOK || w.Header().Get("ETag") != `"1"` {
				t.Errorf("the first: status %d, ETag %s", w.Code, w.Header().Get("ETag"))
			}
			r.problem(t, thing.put(`"0"`), http.StatusPreconditionFailed)
		})
	}
}

// An If-Match that is neither one strong tag of ours nor the asterisk is a problem
// that names the header, and changes nothing: to pass over it would lose an update.
func TestBadIfMatch(t *testing.T) {
	for _, bad := range []string{
		"", "7", `"7`, `W/"7"`, `"7", "8"`, `"seven"`, `""`, `"-1"`, `"07"`, `"7" `, "**", `"9999999999999999999"`,
	} {
		for name, thing := range guardedThings {
			r := newRig(t)
			a := thing.put("")
			a.headers = map[string]string{"If-Match": bad}
			got := r.problem(t, a, http.StatusBadRequest)
			if got.Code != "invalid" || got.Field != "If-Match" || !strings.Contains(got.Detail, "the ETag that you have read") || r.changes() > 0 {
				t.Errorf("%s with %q: problem %+v, %d changes", name, bad, got, r.changes())
			}
		}
	}
	r := newRig(t)
	a := guardedThings["site"].put("")
	request := a.request(t.Context())
	request.Header["If-Match"] = []string{`"3"`, `"3"`}
	if w := r.serve(request); w.Code != http.StatusBadRequest || r.changes() > 0 {
		t.Errorf("two If-Match: status %d", w.Code)
	}
}

// blind is a database that cannot read sites for a moment.
type blind struct{ *fakeRecords }

func (blind) Site(context.Context, emergency.SiteID) (emergency.Site, error) {
	return emergency.Site{}, errors.New("no database")
}

// The asterisk asks the records whether there is something; when they do not answer,
// nothing is changed.
func TestAsteriskWithoutDatabase(t *testing.T) {
	r := newRig(t)
	rest := newRig(t, func(o *Options) { o.Records = blind{r.records} })
	if got := rest.problem(t, guardedThings["site"].put("*"), http.StatusInternalServerError); got.Code != "internal" {
		t.Errorf("code %q", got.Code)
	}
	if len(r.records.changes) > 0 {
		t.Error("something was changed")
	}
}

// A change says who made it, so that two administrators can be told apart, by no more
// of the token than the beginning of its hash; and which request it was.
func TestWhoChanges(t *testing.T) {
	hash := sha256.Sum256([]byte(testTokens["admin"]))
	want := "admin " + hex.EncodeToString(hash[:])[:8]
	changes := map[string]ask{
		"add a number":    {method: http.MethodPost, path: "/v1/callback-numbers", as: "admin", body: `{"number":"+12025550101","siteId":"us-washington"}`},
		"remove a number": {method: http.MethodDelete, path: "/v1/callback-numbers/+12025550100", as: "admin"},
		"remove an agent": {method: http.MethodDelete, path: "/v1/agents/agent-us", as: "admin"},
		"set a presence":  {method: http.MethodPut, path: "/v1/agents/agent-us/presence", as: "admin", body: `{"status":"away"}`},
	}
	for name, thing := range guardedThings {
		changes[name] = thing.put(thing.tag)
	}
	for name, a := range changes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			w := r.do(t, a)
			if len(r.records.changes) != 1 {
				t.Fatalf("status %d, %d changes", w.Code, len(r.records.changes))
			}
			got := r.records.changes[0]
			if got.By != want || got.RequestID != w.Header().Get("X-Request-Id") {
				t.Errorf("change %+v, want by %q", got, want)
			}
		})
	}
	// What an agent chooses is nobody's change of the configuration.
	r := newRig(t)
	r.do(t, ask{method: http.MethodPut, path: "/v1/agents/agent-us/presence", as: "agent-us", body: `{"status":"away"}`})
	if len(r.records.changes) > 0 {
		t.Errorf("changes %+v", r.records.changes)
	}
	if got := newRig(t).tokens.find(testTokens["supervisor"]).key(); got == want[len("admin "):] {
		t.Error("two tokens look the same")
	}
}

// What an If-Match says reaches the records as the revision seen.
func TestSeen(t *testing.T) {
	for ifMatch, want := range map[string]int64{
		"": 0, "*": 0, `"0"`: emergency.SeenNothing, `"1"`: 1, `"999999999999999999"`: 999999999999999999,
	} {
		if got := seen(ifMatch); got != want {
			t.Errorf("%s: %d, want %d", ifMatch, got, want)
		}
	}
}
