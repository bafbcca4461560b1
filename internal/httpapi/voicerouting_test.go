package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lifeline/internal/emergency"
)

const routingPath = "/v1/voice-routing"

// fullRouting has every field of the document.
const fullRouting = `{
	"directOffers":[{"number":"+12025550180","country":"US"},{"number":"+4510000100","country":"DK"}],
	"trunks":[
		{"trunkId":"east","numbers":["+442079460100"],"emergency":true,"testNumbers":["933"],"failOver":["west"]},
		{"trunkId":"west","numbers":[],"emergency":false,"testNumbers":[],"failOver":[]}],
	"rules":[
		{"name":"British emergency numbers","pattern":"^(999|112|911)$","trunk":"east","countries":["GB"]},
		{"name":"Everything else","pattern":"^0(.*)$","rewrite":"+44$1","trunk":"west","countries":[]}],
	"outboundProfiles":[{"profileId":"voice","capacityProfile":"default","numbers":["+12025550180"]}]}`

func putRouting(body string) ask {
	return ask{method: http.MethodPut, path: routingPath, as: "admin", body: body}
}

// What an admin puts is what is kept and shown, every field of it (S15), and what was
// shown can be sent back as it is: findings are passed over.
func TestVoiceRouting(t *testing.T) {
	r := newRig(t)
	want := emergency.VoiceRouting{
		DirectOffers: []emergency.Offer{{Number: "+12025550180", Country: "US"}, {Number: "+4510000100", Country: "DK"}},
		Trunks: []emergency.Trunk{
			{ID: "east", Numbers: []string{"+442079460100"}, Emergency: true, TestNumbers: []string{"933"}, FailOver: []emergency.TrunkID{"west"}},
			{ID: "west", Numbers: []string{}, TestNumbers: []string{}, FailOver: []emergency.TrunkID{}},
		},
		Rules: []emergency.RoutingRule{
			{Name: "British emergency numbers", Pattern: "^(999|112|911)$", Trunk: "east", Countries: []emergency.Country{"GB"}},
			{Name: "Everything else", Pattern: "^0(.*)$", Rewrite: "+44$1", Trunk: "west", Countries: []emergency.Country{}},
		},
		OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{"+12025550180"}}},
	}
	shown := fullRouting
	for range 2 {
		put := r.do(t, putRouting(shown))
		if put.Code != http.StatusOK {
			t.Fatalf("status %d: %s", put.Code, put.Body)
		}
		want.Revision = r.records.routing.Revision
		if diff := cmp.Diff(want, r.records.routing, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
		got := r.do(t, ask{method: http.MethodGet, path: routingPath, as: "supervisor"})
		if got.Body.String() != put.Body.String() || got.Header().Get("ETag") != put.Header().Get("ETag") {
			t.Errorf("put %s, got %s", put.Body, got.Body)
		}
		shown = got.Body.String()
		var view map[string]any
		if err := json.Unmarshal(got.Body.Bytes(), &view); err != nil {
			t.Fatal(err)
		}
		delete(view, "findings")
		sameJSON(t, fullRouting, view)
	}
}

// Without an entry a list is empty, not null; so are lists that nobody gave. A trunk
// of which nothing is said has no emergency behaviour (S15).
func TestSparseVoiceRouting(t *testing.T) {
	r := newRig(t)
	w := r.do(t, putRouting(`{"directOffers":[],"rules":[{"name":"r","pattern":"1","trunk":"t"}],"trunks":[{"trunkId":"t"}],
		"outboundProfiles":[{"profileId":"p","capacityProfile":"c"}]}`))
	view := read[map[string]any](t, w)
	delete(view, "findings")
	sameJSON(t, `{"directOffers":[],"rules":[{"name":"r","pattern":"1","trunk":"t","countries":[]}],
		"trunks":[{"trunkId":"t","numbers":[],"emergency":false,"testNumbers":[],"failOver":[]}],
		"outboundProfiles":[{"profileId":"p","capacityProfile":"c","numbers":[]}]}`, view)
}

// A document that cannot be used is refused as a whole, and the problem names the
// field however deep it lies.
func TestBadVoiceRoutings(t *testing.T) {
	change := func(old, replacement string) string {
		t.Helper()
		changed := strings.Replace(fullRouting, old, replacement, 1)
		if changed == fullRouting {
			t.Fatalf("the document has no %s", old)
		}
		return changed
	}
	for name, test := range map[string]struct{ body, field string }{
		"a list that is missing":     {`{"directOffers":[],"trunks":[],"rules":[]}`, "outboundProfiles"},
		"an unknown list":            {change(`"rules":`, `"ruels":[],"rules":`), "ruels"},
		"an unknown inner field":     {change(`"rewrite":`, `"rewritten":`), "rules.1.rewritten"},
		"a pattern that is none":     {change(`^0(.*)$`, `^0(.*$`), "rules.1.pattern"},
		"no pattern":                 {change(`"pattern":"^0(.*)$",`, ``), "rules.1.pattern"},
		"a rule to nowhere":          {change(`"rewrite":"+44$1","trunk":"west"`, `"trunk":"north"`), "rules.1.trunk"},
		"a rule without a name":      {change(`Everything else`, ``), "rules.1.name"},
		"a country of a rule":        {change(`["GB"]`, `["GB","FR"]`), "rules.0.countries.1"},
		"a number that is none":      {change(`+442079460100`, `999`), "trunks.0.numbers.0"},
		"a test number that is none": {change(`933`, `911`), "trunks.0.testNumbers.0"},
		"a fail-over to nowhere":     {change(`["west"]`, `["west","north"]`), "trunks.0.failOver.1"},
		"a trunk of a wrong type":    {change(`"emergency":true`, `"emergency":"yes"`), "trunks.0.emergency"},
		"an offer twice":             {change(`"number":"+4510000100","country":"DK"`, `"number":"+12025550180","country":"US"`), "directOffers.1.number"},
		"an offer abroad":            {change(`"country":"DK"`, `"country":"FR"`), "directOffers.1.country"},
		"a profile without a name":   {change(`"profileId":"voice"`, `"profileId":""`), "outboundProfiles.0.profileId"},
		"a profile's number":         {change(`"numbers":["+12025550180"]`, `"numbers":["+12025550180",""]`), "outboundProfiles.0.numbers.1"},
		"a control character":        {change(`^0(.*)$`, `^0\u0007$`), "rules.1.pattern"},
		"findings that are no list":  {change(`"rules":`, `"findings":{},"rules":`), "findings"},
		"more rules than there may be": {
			`{"directOffers":[],"trunks":[],"outboundProfiles":[],"rules":[` + strings.Repeat(`{"name":"","pattern":"","trunk":""},`, 1000) +
				`{"name":"","pattern":"","trunk":""}]}`, "rules",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			before := r.records.routing
			got := r.problem(t, putRouting(test.body), http.StatusBadRequest)
			if got.Code != "invalid" || got.Field != test.field {
				t.Errorf("problem %+v, want %s", got, test.field)
			}
			if diff := cmp.Diff(before, r.records.routing); diff != "" || r.changes() > 0 {
				t.Errorf("a refused document has changed something:\n%s", diff)
			}
		})
	}
}

// Both the answer to a change and what is read later tell what the dial-plan check has
// found (B11): in the countries of the sites, and behind the outside-line prefix.
func TestFindings(t *testing.T) {
	r := newRig(t, func(o *Options) { o.DialPlan = emergency.DialPlan{OutsideLine: "8"} })
	r.records.sites["dk-aarhus"] = emergency.Site{ID: "dk-aarhus", Country: emergency.Denmark, Revision: 1}
	body := `{"directOffers":[{"number":"+12025550180","country":"US"}],"outboundProfiles":[],"trunks":[{"trunkId":"west"}],
		"rules":[{"name":"Outside","pattern":"^8(.*)$","rewrite":"00$1","trunk":"west","countries":["US"]}]}`
	type brief struct{ Kind, Rule, Country, Number string }
	want := []brief{
		{"misses", "", "DK", "112"}, {"misses", "", "DK", "911"}, {"shadows", "Outside", "US", "8911"}, {"rewrites", "Outside", "US", "8911"},
	}
	for _, a := range []ask{putRouting(body), {method: http.MethodGet, path: routingPath, as: "supervisor"}} {
		var got []brief
		for _, f := range read[VoiceRouting](t, r.do(t, a)).Findings {
			got = append(got, brief{string(f.Kind), f.Rule, f.Country, f.Number})
			if f.Detail == "" {
				t.Errorf("%s: nothing is said of %+v", a.method, f)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", a.method, diff)
		}
	}
}

// Where nothing is found, the list is empty.
func TestNoFindings(t *testing.T) {
	w := newRig(t).do(t, ask{method: http.MethodGet, path: routingPath, as: "admin"})
	if findings, ok := read[map[string]any](t, w)["findings"].([]any); !ok || len(findings) > 0 {
		t.Errorf("findings %v", findings)
	}
}

// siteless is a database that cannot list sites for a moment.
type siteless struct{ *fakeRecords }

func (siteless) Sites(context.Context) ([]emergency.Site, error) {
	return nil, errors.New("no database")
}

// What is saved is answered: sites that cannot be read keep it from being saved.
func TestFindingsWithoutSites(t *testing.T) {
	r := newRig(t)
	rest := newRig(t, func(o *Options) { o.Records = siteless{r.records} })
	rest.problem(t, putRouting(emptyRouting), http.StatusInternalServerError)
	if r.changes() > 0 {
		t.Error("the change was made")
	}
}

// A document with as many rules as there may be, each as long as it may be, is taken;
// one MiB is the end. No other body may be longer for it.
func TestLongVoiceRouting(t *testing.T) {
	var rules []string
	for i := range 1000 {
		rules = append(rules, fmt.Sprintf(`{"name":"%0200d","pattern":"%0256d","rewrite":"%0256d","trunk":"t"}`, i, i, i))
	}
	body := func(padding int) string {
		return `{"directOffers":[],"trunks":[{"trunkId":"t"}],"outboundProfiles":[],"rules":[` + strings.Join(rules, ",") + `]` +
			strings.Repeat(" ", padding) + `}`
	}
	fits := maxRoutingBody - len(body(0))
	if fits < 0 {
		t.Fatalf("such a document has %d bytes", len(body(0)))
	}
	r := newRig(t)
	if w := r.do(t, putRouting(body(fits))); w.Code != http.StatusOK {
		t.Errorf("status %d: %.200s", w.Code, w.Body)
	}
	got := r.problem(t, putRouting(body(fits+1)), http.StatusRequestEntityTooLarge)
	if got.Code != "too-large" || got.Detail != "The body must be at most 1024 KiB long." {
		t.Errorf("problem %+v", got)
	}
	long := strings.Repeat(" ", maxBody)
	for _, thing := range []string{"site", "agent", "contacts"} {
		a := guardedThings[thing].put("")
		a.body += long
		if got := r.problem(t, a, http.StatusRequestEntityTooLarge); got.Detail != "The body must be at most 64 KiB long." {
			t.Errorf("%s: problem %+v", thing, got)
		}
	}
}

// A voice routing that a later rule of ours refuses is a fault of the service, not of
// A document that a later version refuses is shown, with a finding that says what is
// wrong, so that it can be mended.
func TestVoiceRoutingThatIsNoLongerValid(t *testing.T) {
	r := newRig(t)
	r.records.routing = emergency.VoiceRouting{Rules: []emergency.RoutingRule{{Name: "broken", Pattern: "911", Trunk: "gone"}}, Revision: 3}
	shown := read[VoiceRouting](t, r.do(t, ask{method: http.MethodGet, path: routingPath, as: "admin"}))
	if len(shown.Rules) != 1 || len(shown.Findings) != 1 || !strings.Contains(shown.Findings[0].Detail, "rules.0.trunk") {
		t.Errorf("the answer is %+v", shown)
	}
}
