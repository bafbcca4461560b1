package notify

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func compile(t testing.TB, template emergency.Template) *Wording {
	t.Helper()
	w, err := Compile(template)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A notice is worded as the administrator has it, and says which version that is (S18).
func TestWordingIsTheAdministrators(t *testing.T) {
	n := placed()
	n.AcknowledgeURL = "https://lifeline.example.com/acknowledge/x?a=1&b=2"
	m, err := compile(t, shortest()).Render(n, "Desk <desk@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	const location = "1 Example St, Floor 4, Washington, DC 20001, US; the device says 1 Example St, Room 412; position 38.89767, -77.03655 (within 12 m)"
	want := Message{
		To: "desk@example.org", Subject: "Emergency call: Demo Agent",
		Text:   "Emergency call: Demo Agent dialed 911. +12025550101 " + location + "  https://lifeline.example.com/acknowledge/x?a=1&b=2",
		HTML:   "<p>Emergency call: Demo Agent dialed 911. &#43;12025550101 " + location + `  <a href="https://lifeline.example.com/acknowledge/x?a=1&amp;b=2">Seen</a></p>`,
		CallID: callID, Event: emergency.NoticePlaced, Kind: emergency.KindEmergency, TemplateVersion: 7,
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

// Where a wording leaves out what a notice owes, or does not work with this very notice,
// the wording that comes with the program stands in: people are told whatever an
// administrator has written (S9, B8). None of these could be saved; they stand for what was
// saved under other rules.
func TestDefaultStandsIn(t *testing.T) {
	for name, change := range map[string]func(*emergency.Template){
		"the number is left out":    func(w *emergency.Template) { w.Text = onlyFor(w.Text, "{{.Number}}") },
		"the place is left out":     func(w *emergency.Template) { w.HTML = onlyFor(w.HTML, "{{.Location}}") },
		"the link is left out":      func(w *emergency.Template) { w.Text = onlyFor(w.Text, "{{.AcknowledgeURL}}") },
		"the subject has two lines": func(w *emergency.Template) { w.Subject += `{{if eq .Agent "Demo Agent"}}` + "\n{{end}}a" },
		"there is no subject":       func(w *emergency.Template) { w.Subject = onlyFor(w.Subject, w.Subject) },
		"a tag does not end":        func(w *emergency.Template) { w.HTML += `{{if eq .Agent "Demo Agent"}}<b>{{end}}` },
		"it becomes too long": func(w *emergency.Template) {
			w.Text += `{{if eq .Agent "Demo Agent"}}` + strings.Repeat("{{.Location}}", 4000) + "{{end}}"
		},
	} {
		t.Run(name, func(t *testing.T) {
			template := shortest()
			change(&template)
			if err := CheckTemplate(template); err == nil {
				t.Error("it can be saved")
			}
			n := placed()
			n.AcknowledgeURL = "https://lifeline.example.com/acknowledge/x"
			got, err := compile(t, template).Render(n, "desk@example.org")
			if err != nil {
				t.Fatal(err)
			}
			want, err := standard.Render(n, "desk@example.org")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("default (-want +got):\n%s", diff)
			}
			if got.TemplateVersion != 0 {
				t.Errorf("the version is %d", got.TemplateVersion)
			}
			n.AgentName = "Another Agent"
			if got, err := compile(t, template).Render(n, "desk@example.org"); err != nil || got.TemplateVersion != template.Version {
				t.Errorf("without the fault, the version is %d, %v", got.TemplateVersion, err)
			}
		})
	}
}

// onlyFor leaves a piece of a template out for the agent of placed.
func onlyFor(source, piece string) string {
	return strings.Replace(source, piece, `{{if ne .Agent "Demo Agent"}}`+piece+"{{end}}", 1)
}

// The default has no other behind it. However long its values are, it words the notice.
func TestDefaultHasNoLimit(t *testing.T) {
	n := placed()
	n.AgentName, n.SiteName, n.Dialed = strings.Repeat("𝄞", 10_000), strings.Repeat("𝄞", 10_000), strings.Repeat("9", 10_000)
	n.Conveyed.Site.Street = strings.Repeat("Long Street ", 20_000)
	m := render(t, n)
	if _, err := m.check(); err != nil {
		t.Error(err)
	}
	// Names are shortened, so that the subject can be read; a place never is.
	if got := len([]rune(m.Subject)); got > 700 {
		t.Errorf("the subject has %d characters", got)
	}
	if !strings.Contains(m.Text, strings.TrimSpace(n.Conveyed.Site.Street)) {
		t.Error("the place is cut off")
	}
}

// Whatever is known of a call, and whatever stands in the records: a notice in any
// wording carries the facts that it owes, in one line each, and nothing of what the
// records hold becomes a header, an element or a line of its own (B8).
func TestEveryNoticeCarriesItsFacts(t *testing.T) {
	wordings := []*Wording{Default(), compile(t, shortest()), compile(t, ownWords())}
	rapid.Check(t, func(t *rapid.T) {
		n := drawNotice(t)
		w := wordings[rapid.IntRange(0, len(wordings)-1).Draw(t, "wording")]
		m, err := w.Render(n, "desk@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.check(); err != nil {
			t.Fatal(err)
		}
		f := newFacts(n)
		if missing := append(w.html.missing(m.HTML, f), w.text.missing(m.Text, f)...); len(missing) > 0 {
			t.Fatalf("it lacks %v:\n%s\n%s", missing, m.Text, m.HTML)
		}
		if w != Default() && m.TemplateVersion == 0 {
			t.Fatal("the default stands in without need")
		}
		if strings.ContainsAny(m.Subject+m.Text+m.HTML, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
			t.Fatalf("a value turns the reading direction:\n%s", m.Text)
		}
		if n.Failed() && strings.Contains(m.Text, "+12025550101") {
			t.Fatalf("a number to ring for a call that failed:\n%s", m.Text)
		}
	})
}

func drawNotice(t *rapid.T) emergency.Notice {
	nasty := rapid.StringOf(rapid.OneOf(
		rapid.Rune(),
		rapid.SampledFrom([]rune("aaaa111 \r\n\t\v\f\x00\x85\u00a0\u2028\u2029\u202e\u2066<>&\"'`{}:;=/")),
	))
	n := emergency.Notice{
		CallID:    callID,
		Event:     rapid.SampledFrom([]emergency.NoticeEvent{"placed", "failed", "callback", "escalated", "ended"}).Draw(t, "event"),
		Kind:      rapid.SampledFrom([]emergency.Kind{"emergency", "test", ""}).Draw(t, "kind"),
		AgentName: nasty.Draw(t, "agent"), SiteName: nasty.Draw(t, "site"), Dialed: nasty.Draw(t, "dialed"),
		Zone:     rapid.SampledFrom([]string{"", "America/New_York", "nowhere", "Local", "../etc", "Asia/Kathmandu"}).Draw(t, "zone"),
		DialedAt: time.Unix(rapid.Int64Range(-1<<35, 1<<37).Draw(t, "at"), 0),
		Number:   rapid.SampledFrom([]string{"", "+12025550101", "<b>\r\n"}).Draw(t, "number"),
		Conveyed: emergency.Conveyed{Site: emergency.Address{Street: nasty.Draw(t, "street"), City: nasty.Draw(t, "city")}},
	}
	if rapid.Bool().Draw(t, "device") {
		n.Conveyed.Device = &emergency.Location{
			Latitude: new(rapid.Float64Range(-90, 90).Draw(t, "latitude")), Longitude: new(rapid.Float64Range(-180, 180).Draw(t, "longitude")),
			Address: &emergency.Address{Unit: nasty.Draw(t, "unit")},
		}
	}
	if n.Event == emergency.NoticeFailed || n.Event == emergency.NoticeEscalated && rapid.Bool().Draw(t, "failed") {
		n.Reason, n.Instead = nasty.Draw(t, "reason"), nasty.Draw(t, "instead")
	}
	if rapid.Bool().Draw(t, "to be acknowledged") {
		n.AcknowledgeURL = "https://lifeline.example.com/acknowledge/" + rapid.StringMatching(`[A-Za-z0-9_-]{20,60}`).Draw(t, "token")
	}
	return n
}

// The time is the one on the clock at the site, and says by how much that clock differs
// from UTC that day. Where nobody knows the zone it is UTC, and says so.
func TestTimeIsTheSites(t *testing.T) {
	winter := time.Date(2026, time.January, 5, 18, 4, 5, 999_999_999, time.UTC)
	summer := time.Date(2026, time.July, 5, 18, 4, 5, 0, time.FixedZone("", -2*60*60))
	for _, c := range []struct {
		zone string
		at   time.Time
		want string
	}{
		{"America/New_York", winter, "13:04:05 on Monday 5 January 2026 (America/New_York, UTC-05:00)"},
		{"America/New_York", summer, "16:04:05 on Sunday 5 July 2026 (America/New_York, UTC-04:00)"},
		{"Europe/London", winter, "18:04:05 on Monday 5 January 2026 (Europe/London, UTC+00:00)"},
		{"Europe/Copenhagen", summer, "22:04:05 on Sunday 5 July 2026 (Europe/Copenhagen, UTC+02:00)"},
		{"Asia/Kathmandu", winter, "23:49:05 on Monday 5 January 2026 (Asia/Kathmandu, UTC+05:45)"},
		{"America/Puerto_Rico", winter, "14:04:05 on Monday 5 January 2026 (America/Puerto_Rico, UTC-04:00)"},
		{"", summer, "20:04:05 on Sunday 5 July 2026 (UTC)"},
		{"UTC", summer, "20:04:05 on Sunday 5 July 2026 (UTC)"},
		{"Local", winter, "18:04:05 on Monday 5 January 2026 (UTC)"},
		{"Nowhere/At_All", winter, "18:04:05 on Monday 5 January 2026 (UTC)"},
		{"../../etc/passwd", winter, "18:04:05 on Monday 5 January 2026 (UTC)"},
	} {
		if got := atSite(c.at, c.zone); got != c.want {
			t.Errorf("%s: %s, want %s", c.zone, got, c.want)
		}
	}
}

// Samples cover every event, both kinds of call, and calls that failed; each has a name
// for programs and a title for people, and is found by its name (S18).
func TestSamples(t *testing.T) {
	var names, titles, seen []string
	for _, sample := range Samples() {
		names, titles = append(names, sample.Name), append(titles, sample.Title)
		seen = append(seen, string(sample.Notice.Event), string(sample.Notice.Kind))
		notice, ok := SampleNamed(sample.Name)
		if diff := cmp.Diff(sample.Notice, notice); diff != "" || !ok {
			t.Errorf("%s is found as\n%s", sample.Name, diff)
		}
		if strings.ContainsFunc(sample.Name, func(r rune) bool { return r != '-' && !unicode.IsLower(r) }) || sample.Title == "" {
			t.Errorf("the sample is called %q, %q", sample.Name, sample.Title)
		}
	}
	for _, list := range [][]string{names, titles} {
		if slices.Sort(list); len(slices.Compact(list)) != len(Samples()) {
			t.Errorf("two samples are called the same: %v", list)
		}
	}
	for _, want := range []string{"placed", "failed", "callback", "escalated", "ended", "emergency", "test"} {
		if !slices.Contains(seen, want) {
			t.Errorf("no sample is %s", want)
		}
	}
	if _, ok := SampleNamed("nothing"); ok {
		t.Error("there is a sample that nobody made")
	}
}

// What a preview shows is what would be sent (S18).
func TestPreviewIsTheMessage(t *testing.T) {
	for _, sample := range Samples() {
		subject, html, text, err := Preview(DefaultTemplate(), sample.Notice)
		if err != nil {
			t.Fatalf("%s: %v", sample.Name, err)
		}
		m := render(t, sample.Notice)
		if subject != m.Subject || html != m.HTML || text != m.Text {
			t.Errorf("the preview of %s differs from the message", sample.Name)
		}
	}
}

// A preview shows what a wording lacks, too; only what cannot be shown is refused.
func TestPreviewOfAnUnfinishedWording(t *testing.T) {
	subject, html, text, err := Preview(emergency.Template{Subject: "S {{.Agent}}", HTML: "<p>{{.Agent}}</p>", Text: "T"},
		emergency.Notice{Event: emergency.NoticePlaced, AgentName: "<b>\n"})
	if err != nil || subject != "S <b>" || html != "<p>&lt;b&gt;</p>" || text != "T" {
		t.Errorf("%q, %q, %q, %v", subject, html, text, err)
	}
	_, _, _, err = Preview(emergency.Template{Subject: "S", HTML: "<p>", Text: "T"}, placed())
	refused, ok := errors.AsType[*emergency.TemplateError](err)
	if !ok || refused.Part != partHTML || refused.Line != 1 || refused.Column != 1 {
		t.Errorf("the error is %v", err)
	}
	_, _, _, err = Preview(emergency.Template{Subject: "S", HTML: "H", Text: `{{if eq .Agent "Demo Agent"}}` + strings.Repeat("{{.Location}}", 4000) + `{{end}}`}, placed())
	if _, ok := errors.AsType[*emergency.TemplateError](err); !ok {
		t.Errorf("the error is %v", err)
	}
}

// Every notice of a call that failed says that help is not on its way, whatever else it
// tells; one of a call that got through never does (B10).
func TestFailedCallsCannotBeMistaken(t *testing.T) {
	for _, sample := range Samples() {
		m := render(t, sample.Notice)
		if got, want := strings.Contains(m.Subject, "FAILED"), sample.Notice.Failed(); got != want {
			t.Errorf("%s: the subject is %q", sample.Name, m.Subject)
		}
		for part, shown := range map[string]string{"text": spaced(m.Text), "html": seen(m.HTML)} {
			unhelped := strings.Contains(shown, "No help is coming because of this call")
			if want := sample.Notice.Failed() && sample.Notice.Kind != emergency.KindTest; unhelped != want {
				t.Errorf("%s: the %s says that no help is coming: %v", sample.Name, part, unhelped)
			}
			through := strings.Contains(shown, "did NOT get through")
			if want := sample.Notice.Failed(); through != want {
				t.Errorf("%s: the %s says that the call did not get through: %v", sample.Name, part, through)
			}
			if got, want := strings.Contains(shown, "TEST"), sample.Notice.Kind == emergency.KindTest; got != want {
				t.Errorf("%s: the %s is marked as a test: %v", sample.Name, part, got)
			}
		}
	}
}

// A notice says what has been done and no more: nobody may rely on what was not (S9, S4,
// B9, B10, B13).
func TestNoticeSaysWhatHasBeenDone(t *testing.T) {
	const (
		written = "2 people were written to before. None of them has acknowledged."
		unread  = "No e-mail about this has reached anybody before."
		out     = "The call was placed to the emergency service with this number and this location."
		nobody  = "No emergency service has been reached by this call, and none can ring back."
	)
	want := map[string][]string{
		"placed":                  {out, "The emergency service may ring this number back: ring it only if you can help."},
		"placed-without-location": {out, "The emergency service may ring this number back: ring it only if you can help."},
		"redial":                  {out, "The emergency service may ring this number back: ring it only if you can help."},
		"callback":                {"The emergency service has rung this number. It reaches Sample Agent before any other call."},
		"failed":                  {nobody},
		"escalated":               {written, out},
		"escalated-failed":        {unread, nobody},
		"ended":                   {"The call is over. For a while, the emergency service can still ring Sample Agent back on this number."},
		"test":                    {"The test was made with this number and this location.", "You need not do anything."},
		"test-failed":             {"The test did not get through. Have that put right before somebody needs help."},
	}
	for _, sample := range Samples() {
		if diff := cmp.Diff(want[sample.Name], newFacts(sample.Notice).Done); diff != "" {
			t.Errorf("%s:\n%s", sample.Name, diff)
		}
	}
}

// An escalation says whom the notices before it have reached, and not that people were told
// of whom nobody was: the mailbox may be off, or the mail system down (S14, B9).
func TestEscalationSaysWhoWasTold(t *testing.T) {
	for _, c := range []struct {
		before emergency.Reach
		want   string
	}{
		{emergency.Reach{}, "Nobody was written to before."},
		{emergency.Reach{Missed: 3}, "No e-mail about this has reached anybody before."},
		{emergency.Reach{Told: 1}, "One person was written to before, who has not acknowledged."},
		{emergency.Reach{Told: 3}, "3 people were written to before. None of them has acknowledged."},
		{emergency.Reach{Told: 1, Missed: 1}, "One person was written to before, who has not acknowledged. No e-mail has reached one more."},
		{emergency.Reach{Told: 2, Missed: 3}, "2 people were written to before. None of them has acknowledged. No e-mail has reached 3 more."},
	} {
		n := placed()
		n.Event, n.Round, n.Before = emergency.NoticeEscalated, 1, c.before
		m := render(t, n)
		for part, shown := range map[string]string{"text": spaced(m.Text), "html": seen(m.HTML)} {
			if !strings.Contains(shown, c.want) {
				t.Errorf("%+v: the %s lacks %q:\n%s", c.before, part, c.want, shown)
			}
		}
	}
}

// A call that failed for a reason that nobody wrote down still says so, and a second
// round of an escalation is a message of its own (B9, B10).
func TestNoticeOfAnUnknownFailure(t *testing.T) {
	n := placed()
	n.Event, n.Number, n.Round = emergency.NoticeFailed, "", 2
	m := render(t, n)
	for part, shown := range map[string]string{"text": m.Text, "html": seen(m.HTML)} {
		if !strings.Contains(shown, "The reason is not known.") {
			t.Errorf("the %s gives no reason:\n%s", part, shown)
		}
	}
	if m.Round != 2 {
		t.Errorf("the round is %d", m.Round)
	}
}

// One wording serves everybody who is told at the same time.
func TestWordingServesMany(t *testing.T) {
	w := compile(t, shortest())
	want, err := w.Render(placed(), "desk@example.org")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if got, err := w.Render(placed(), "desk@example.org"); err != nil || got != want {
					t.Errorf("%v, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}
