package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lifeline/internal/emergency"
)

const (
	templatePath  = "/v1/notification-template"
	plainTemplate = `{"subject":"Call {{call}}","html":"<p>\n\tCall {{call}}</p>","text":"Call {{call}}\r\n"}`
)

func putTemplate(body string) ask {
	return ask{method: http.MethodPut, path: templatePath, as: "admin", body: body}
}

func (r *rig) template(t testing.TB, method, path string) Template {
	t.Helper()
	w := r.do(t, ask{method: method, path: templatePath + path, as: "admin"})
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: status %d: %s", method, path, w.Code, w.Body)
	}
	return read[Template](t, w)
}

// However long a busy machine takes to check a wording, the database has its whole time to
// save it.
func TestSlowTemplateIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		if w := r.do(t, putTemplate(`{"subject":"slow","html":"<p>1</p>","text":"1"}`)); w.Code != http.StatusOK {
			t.Errorf("it is answered with %d: %s", w.Code, w.Body)
		}
	})
}

// Until somebody saves a wording there is the program's own, as version 0. Each that is
// saved is kept with who and when, to the letter, and one can go back to any (S18).
func TestTemplateVersions(t *testing.T) {
	r := newRig(t)
	builtIn := fakeTemplates{}.Default()
	own := Template{Subject: builtIn.Subject, HTML: builtIn.HTML, Text: builtIn.Text}
	for _, path := range []string{"", "/versions/0"} {
		if diff := cmp.Diff(own, r.template(t, http.MethodGet, path)); diff != "" {
			t.Errorf("%q before anything is saved (-want +got):\n%s", path, diff)
		}
	}
	r.do(t, putTemplate(plainTemplate))
	r.do(t, putTemplate(`{"subject":"2","html":"<p>2</p>","text":"2"}`))
	by := r.records.changes[0].By
	first := Template{
		Version: 1, SavedBy: by, SavedAt: testTime, Subject: "Call {{call}}", HTML: "<p>\n\tCall {{call}}</p>", Text: "Call {{call}}\r\n",
	}
	if diff := cmp.Diff(first, r.template(t, http.MethodGet, "/versions/1")); diff != "" {
		t.Errorf("the first version (-want +got):\n%s", diff)
	}
	restored := first
	restored.Version = 3
	if diff := cmp.Diff(restored, r.template(t, http.MethodPost, "/versions/1/restore")); diff != "" {
		t.Errorf("back to the first (-want +got):\n%s", diff)
	}
	own.Version, own.SavedBy, own.SavedAt = 4, by, testTime
	if diff := cmp.Diff(own, r.template(t, http.MethodPost, "/versions/0/restore")); diff != "" {
		t.Errorf("back to the program's own (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(own, r.template(t, http.MethodGet, "")); diff != "" {
		t.Errorf("in use (-want +got):\n%s", diff)
	}
	var versions []int64
	for _, saved := range read[[]SavedTemplate](t, r.do(t, ask{method: http.MethodGet, path: templatePath + "/versions", as: "admin"})) {
		versions = append(versions, saved.Version)
		if saved.SavedBy != by || !saved.SavedAt.Equal(testTime) {
			t.Errorf("saved %+v", saved)
		}
	}
	if diff := cmp.Diff([]int64{4, 3, 2, 1}, versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

// previewOf asks what a wording looks like.
func previewOf(body string) ask {
	return ask{method: http.MethodPost, path: templatePath + "/preview", as: "admin", body: body}
}

// tooLong is more than a text may have.
var tooLong = strings.Repeat("x", 131073)

// brokenTemplates are wordings and previews that are refused, and why.
var brokenTemplates = map[string]struct {
	ask  ask
	want Problem
}{
	"HTML": {
		putTemplate(`{"subject":"S","html":"<p>\n  {{broken}}","text":"T"}`),
		Problem{Status: 400, Code: "invalid", Field: "html", Line: 2, Column: 3, Detail: "html has no value broken."},
	},
	"a subject": {
		putTemplate(`{"subject":"{{broken}}","html":"H","text":"T"}`),
		Problem{Status: 400, Code: "invalid", Field: "subject", Line: 1, Column: 1, Detail: "subject has no value broken."},
	},
	"a preview": {
		previewOf(`{"text":"a\nb {{broken}}"}`),
		Problem{Status: 400, Code: "invalid", Field: "text", Line: 2, Column: 3, Detail: "text has no value broken."},
	},
	"no text":       {putTemplate(`{"subject":"S","html":"H"}`), Problem{Status: 400, Code: "invalid", Field: "text"}},
	"an empty text": {putTemplate(`{"subject":"S","html":"H","text":""}`), Problem{Status: 400, Code: "invalid", Field: "text"}},
	// Of a wording, also what the contract alone rules out has a place (S18).
	"a text too long": {
		putTemplate(`{"subject":"S","html":"H","text":"` + tooLong + `"}`),
		Problem{Status: 400, Code: "invalid", Field: "text", Line: 1, Column: 131073, Detail: "text must be at most 131072 characters long."},
	},
	"HTML too long, in lines": {
		previewOf(`{"html":"é\n` + tooLong[:131070] + `\n"}`),
		Problem{Status: 400, Code: "invalid", Field: "html", Line: 2, Column: 131071},
	},
	"a subject too long": {
		putTemplate(`{"subject":"` + tooLong[:4097] + `","html":"H","text":"T"}`),
		Problem{Status: 400, Code: "invalid", Field: "subject", Line: 1, Column: 4097},
	},
	"a body too long": {putTemplate(`{"subject":"S","html":"` + tooLong + tooLong + `","text":"T"}`), Problem{Status: 413, Code: "too-large"}},
	"two subject lines": {
		putTemplate(`{"subject":"S\nBcc: x","html":"H","text":"T"}`), Problem{Status: 400, Code: "invalid", Field: "subject", Line: 1, Column: 2},
	},
	"a control in HTML": {
		putTemplate(`{"subject":"S","html":"a\n\té\u0000","text":"T"}`), Problem{Status: 400, Code: "invalid", Field: "html", Line: 2, Column: 3},
	},
	"lines elsewhere":  {previewOf(`{"sample":"pla\nced"}`), Problem{Status: 400, Code: "invalid", Field: "sample"}},
	"an unknown field": {putTemplate(`{"subject":"S","html":"H","text":"T","from":"x"}`), Problem{Status: 400, Code: "invalid", Field: "from"}},
	"a sample that is none": {
		previewOf(`{"sample":"moved"}`),
		Problem{Status: 400, Code: "invalid", Field: "sample", Detail: "sample must be one of placed, test."},
	},
	"data of no such name": {
		previewOf(`{"data":{"agentNmae":"Bo"}}`), Problem{Status: 400, Code: "invalid", Field: "data.agentNmae"},
	},
	"data within data of no such name": {
		previewOf(`{"data":{"location":{"address":{"flor":"4"}}}}`), Problem{Status: 400, Code: "invalid", Field: "data.location.address.flor"},
	},
	"an event that is none": {
		previewOf(`{"data":{"event":"moved"}}`), Problem{Status: 400, Code: "invalid", Field: "data.event"},
	},
	"a name too long": {
		previewOf(`{"data":{"agentName":"` + tooLong[:201] + `"}}`), Problem{Status: 400, Code: "invalid", Field: "data.agentName"},
	},
	"a street too long": {
		previewOf(`{"data":{"siteAddress":{"street":"` + tooLong[:201] + `"}}}`), Problem{Status: 400, Code: "invalid", Field: "data.siteAddress.street"},
	},
	"half a position": {
		previewOf(`{"data":{"location":{"latitude":1}}}`),
		Problem{Status: 400, Code: "invalid", Field: "data.location.longitude", Detail: "data.location.longitude is missing: latitude and longitude come together."},
	},
	"a time zone that is none": {
		previewOf(`{"data":{"timeZone":"Europe/Nowhere"}}`),
		Problem{
			Status: 400, Code: "invalid", Field: "data.timeZone",
			Detail: "data.timeZone must be the IANA name of a time zone, for example Europe/Copenhagen.",
		},
	},
	"whatever zone the machine is in": {
		previewOf(`{"data":{"timeZone":"Local"}}`), Problem{Status: 400, Code: "invalid", Field: "data.timeZone"},
	},
	"a time that is none": {
		previewOf(`{"data":{"dialedAt":"2026-02-31T00:00:00Z"}}`), Problem{Status: 400, Code: "invalid", Field: "data.dialedAt"},
	},
	"a link that runs a program": {
		previewOf(`{"data":{"acknowledgeUrl":"javascript:alert(1)"}}`), Problem{Status: 400, Code: "invalid", Field: "data.acknowledgeUrl"},
	},
	"lines in data": {
		previewOf(`{"data":{"siteName":"a\nb"}}`), Problem{Status: 400, Code: "invalid", Field: "data.siteName"},
	},
	"more people than there are": {
		previewOf(`{"data":{"peopleTold":1001}}`), Problem{Status: 400, Code: "invalid", Field: "data.peopleTold"},
	},
	"a version that was never saved": {
		ask{method: http.MethodGet, path: templatePath + "/versions/9", as: "admin"}, Problem{Status: 404, Code: "unknown-template"},
	},
	"back to a version that was never saved": {
		ask{method: http.MethodPost, path: templatePath + "/versions/9/restore", as: "admin"}, Problem{Status: 404, Code: "unknown-template"},
	},
	"a version that is no number": {
		ask{method: http.MethodGet, path: templatePath + "/versions/01", as: "admin"}, Problem{Status: 404, Code: "not-found"},
	},
}

// A wording that cannot be saved is refused with the part, line and column at fault, and
// so is its preview; nothing is kept, and what was in use stays (S18, B8).
func TestBrokenTemplates(t *testing.T) {
	for name, c := range brokenTemplates {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			got := r.problem(t, c.ask, c.want.Status)
			if got.Code != c.want.Code || got.Field != c.want.Field || got.Line != c.want.Line || got.Column != c.want.Column {
				t.Errorf("problem %+v, want %+v", got, c.want)
			}
			if c.want.Detail != "" && got.Detail != c.want.Detail {
				t.Errorf("detail %q", got.Detail)
			}
			if r.changes() > 0 {
				t.Error("something was changed")
			}
		})
	}
}

// The rules of a wording may have changed since it was saved: to go back to one that
// breaks them now is refused (B8), and so is going back over somebody else's change.
func TestRestoreIsChecked(t *testing.T) {
	r := newRig(t)
	r.records.templates = []emergency.Template{{Version: 1, Subject: "S", HTML: "{{broken}}", Text: "T"}}
	restore := ask{method: http.MethodPost, path: templatePath + "/versions/1/restore", as: "admin"}
	if got := r.problem(t, restore, http.StatusBadRequest); got.Field != "html" || r.changes() > 0 {
		t.Errorf("problem %+v, %d changes", got, r.changes())
	}
	r.records.templates[0].HTML = "H"
	r.problem(t, withHeader(restore, "If-Match", `"7"`), http.StatusPreconditionFailed)
	if w := r.do(t, withHeader(restore, "If-Match", `"1"`)); w.Code != http.StatusOK || w.Header().Get("ETag") != `"2"` {
		t.Errorf("status %d, ETag %s", w.Code, w.Header().Get("ETag"))
	}
}

// A preview shows a notice of a sample call with the parts that are given, and those in
// use for the rest; it saves nothing (S18).
func TestPreview(t *testing.T) {
	r := newRig(t)
	r.do(t, putTemplate(`{"subject":"Saved {{call}}","html":"<p>Saved</p>","text":"Saved"}`))
	for body, want := range map[string]Preview{
		`{}`:                                     {Subject: "Saved sample-placed", HTML: "<p>Saved</p>", Text: "Saved"},
		`{"sample":"test","text":"a\n{{call}}"}`: {Subject: "Saved sample-test", HTML: "<p>Saved</p>", Text: "a\nsample-test"},
		`{"subject":"1","html":"2","text":"3"}`:  {Subject: "1", HTML: "2", Text: "3"},
	} {
		got := read[Preview](t, r.do(t, ask{method: http.MethodPost, path: templatePath + "/preview", as: "admin", body: body}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	if len(r.records.templates) != 1 {
		t.Errorf("%d versions", len(r.records.templates))
	}
}

// What is given is told in place of what the sample tells, each by itself; what is empty is
// not known, and what is absent stays as it is. Nothing of it is kept (S18).
func TestPreviewData(t *testing.T) {
	sample := func(change func(*emergency.Notice)) emergency.Notice {
		n, _ := fakeTemplates{}.Sample("placed")
		change(&n)
		return n
	}
	for data, want := range map[string]func(*emergency.Notice){
		`{}`: func(*emergency.Notice) {},
		`{"agentName":"<b>Bo</b>","siteName":"","callId":"call-7","dialedNumber":"112","timeZone":"Europe/Copenhagen","callbackNumber":""}`: func(n *emergency.Notice) {
			n.AgentName, n.SiteName, n.CallID, n.Dialed, n.Zone, n.Number = "<b>Bo</b>", "", "call-7", "112", "Europe/Copenhagen", ""
		},
		`{"dialedAt":"2026-01-31T12:00:00+01:00"}`: func(n *emergency.Notice) {
			n.DialedAt = time.Date(2026, time.January, 31, 11, 0, 0, 0, time.UTC)
		},
		`{"event":"escalated","peopleTold":2,"peopleMissed":1}`: func(n *emergency.Notice) {
			n.Event, n.Round, n.Before = emergency.NoticeEscalated, 1, emergency.Reach{Told: 2, Missed: 1}
		},
		`{"event":"failed","reason":"There is no line.","instead":"Dial 112 from a mobile phone."}`: func(n *emergency.Notice) {
			n.Event, n.Reason, n.Instead = emergency.NoticeFailed, "There is no line.", "Dial 112 from a mobile phone."
		},
		`{"kind":"test"}`: func(n *emergency.Notice) { n.Kind, n.AcknowledgeURL = emergency.KindTest, "" },
		`{"kind":"test","acknowledgeUrl":"https://example.org/x"}`: func(n *emergency.Notice) {
			n.Kind, n.AcknowledgeURL = emergency.KindTest, "https://example.org/x"
		},
		`{"siteAddress":{"street":"1 Example Road"},"location":{"latitude":55.5,"longitude":-12,"accuracy":0,"address":{"unit":"4"}}}`: func(n *emergency.Notice) {
			n.Conveyed = emergency.Conveyed{Site: emergency.Address{Street: "1 Example Road"}, Device: &emergency.Location{
				Latitude: new(55.5), Longitude: new(-12.0), Accuracy: new(0.0), Address: &emergency.Address{Unit: "4"},
			}}
		},
		`{"location":{}}`: func(n *emergency.Notice) { n.Conveyed.Device = &emergency.Location{} },
	} {
		r := newRig(t)
		got := read[Preview](t, r.do(t, ask{
			method: http.MethodPost, path: templatePath + "/preview", as: "admin", body: `{"text":"{{all}}","data":` + data + `}`,
		}))
		all, err := json.Marshal(sample(want))
		if err != nil {
			t.Fatal(err)
		}
		if utc := strings.ReplaceAll(got.Text, "2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00Z"); utc != string(all) {
			t.Errorf("%s is told as\n%s, want\n%s", data, got.Text, all)
		}
		if r.changes() > 0 {
			t.Errorf("%s: something was changed", data)
		}
	}
}

// A wording may be as long as the contract says, in both of its bodies.
func TestLongTemplate(t *testing.T) {
	long := strings.Repeat("x", 130_000)
	w := newRig(t).do(t, putTemplate(`{"subject":"S","html":"`+long+`","text":"`+long+`"}`))
	if w.Code != http.StatusOK {
		t.Errorf("status %d: %.200s", w.Code, w.Body)
	}
}
