package notify

import (
	"errors"
	"mime"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const callID = "0192f0c1-7a3e-7c55-9f7a-3d2b1e0a9c11"

// placed is a notice with everything that can be known.
func placed() emergency.Notice {
	return emergency.Notice{
		CallID:    callID,
		Event:     emergency.NoticePlaced,
		Kind:      emergency.KindEmergency,
		AgentName: "Demo Agent",
		SiteName:  "Washington office",
		Dialed:    "911",
		DialedAt:  time.Date(2026, time.October, 4, 23, 4, 5, 678_000, time.FixedZone("", 2*60*60)),
		Number:    "+12025550101",
		Conveyed: emergency.Conveyed{
			Site: emergency.Address{Street: "1 Example St", Unit: "Floor 4", City: "Washington", Region: "DC", PostalCode: "20001", Country: "US"},
			Device: &emergency.Location{
				Latitude: new(38.897675), Longitude: new(-77.036547), Accuracy: new(11.2),
				Address: &emergency.Address{Street: "1 Example St", Unit: "Room 412"},
			},
		},
	}
}

func render(t *testing.T, n emergency.Notice) Message {
	t.Helper()
	m, err := standard.Render(n, "desk@example.org")
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	return m
}

// The notice opens with who dialed what and where, then the place, the number and the
// time, which is the site's and says so (S9, B8).
func TestPlacedNoticeReadsTopDown(t *testing.T) {
	n := placed()
	n.Zone, n.AcknowledgeURL = "America/New_York", "https://lifeline.example.com/acknowledge/x"
	m := render(t, n)
	if want := "Emergency call: Demo Agent dialed 911 at Washington office"; m.Subject != want {
		t.Errorf("subject %q, want %q", m.Subject, want)
	}
	want := `*** Emergency call ***
Demo Agent dialed 911
at Washington office
at 17:04:05 on Sunday 4 October 2026 (America/New_York, UTC-04:00)

Where:            1 Example St, Floor 4, Washington, DC 20001, US
Device address:   1 Example St, Room 412
Device position:  38.89767, -77.03655 (within 12 m)
Number to ring:   +12025550101

What has been done
- The call was placed to the emergency service with this number and this location.
- The emergency service may ring this number back: ring it only if you can help.

Say that you have seen this, so that others know that you have:
https://lifeline.example.com/acknowledge/x

Call 0192f0c1-7a3e-7c55-9f7a-3d2b1e0a9c11, dialed at 2026-10-04T21:04:05Z`
	if diff := cmp.Diff(want, m.Text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if m.To != "desk@example.org" || m.CallID != callID || m.Event != emergency.NoticePlaced || m.Kind != emergency.KindEmergency {
		t.Errorf("message is addressed as %+v", m)
	}
}

// Text and HTML both carry the three facts, whatever else is missing (B8), and
// say what is missing.
func TestFactsStandInBothParts(t *testing.T) {
	for _, c := range factCases() {
		t.Run(c.rule, func(t *testing.T) {
			m := render(t, c.notice)
			if _, err := m.check(); err != nil {
				t.Errorf("no transport would send it: %v", err)
			}
			for part, got := range map[string]string{"text": spaced(m.Text), "html": seen(m.HTML)} {
				for _, want := range c.want {
					if !strings.Contains(got, want) {
						t.Errorf("%s lacks %q:\n%s", part, want, got)
					}
				}
				for _, absent := range c.absent {
					if strings.Contains(got, absent) {
						t.Errorf("%s has %q:\n%s", part, absent, got)
					}
				}
			}
		})
	}
}

// factCase says what both parts of a notice hold and do not hold.
type factCase struct {
	rule   string
	notice emergency.Notice
	want   []string
	absent []string
}

func factCases() []factCase {
	without := func(change func(*emergency.Notice)) emergency.Notice {
		n := placed()
		change(&n)
		return n
	}
	return []factCase{
		{
			"everything known", placed(),
			[]string{"dialed 911", "+12025550101", "1 Example St, Floor 4, Washington, DC 20001, US", "Room 412", "38.89767, -77.03655 (within 12 m)", "21:04:05 on Sunday 4 October 2026 (UTC)", "2026-10-04T21:04:05Z", callID},
			[]string{"TEST", "FAILED", "acknowledge"},
		},
		{
			"without a device the site's address stands alone",
			without(func(n *emergency.Notice) { n.Conveyed.Device = nil }),
			[]string{"dialed 911", "+12025550101", "1 Example St", "Washington office"},
			[]string{"evice"},
		},
		{
			"a device that reported nothing adds nothing",
			without(func(n *emergency.Notice) { n.Conveyed.Device = &emergency.Location{} }),
			[]string{"1 Example St"},
			[]string{"evice"},
		},
		{
			"a position without accuracy says so",
			without(func(n *emergency.Notice) { n.Conveyed.Device.Accuracy = nil }),
			[]string{"38.89767, -77.03655 (accuracy not known)"},
			nil,
		},
		{
			"a gap never stops a notice",
			emergency.Notice{CallID: callID, Event: emergency.NoticePlaced},
			[]string{"An agent dialed an emergency number", "at an unnamed site", "not known", "No address was given with the call"},
			nil,
		},
		{
			"a service URN is explained",
			without(func(n *emergency.Notice) { n.Dialed = "urn:service:sos" }),
			[]string{"dialed the emergency services (urn:service:sos)"},
			nil,
		},
	}
}

// unescape undoes what html/template does to a plus.
func unescape(html string) string { return strings.ReplaceAll(html, "&#43;", "+") }

// On a phone, the number rings and the position opens a map at a touch.
func TestHTMLLinksNumberAndPosition(t *testing.T) {
	html := unescape(render(t, placed()).HTML)
	for _, want := range []string{`href="tel:+12025550101"`, `href="geo:38.89767,-77.03655;u=12"`} {
		if !strings.Contains(html, want) {
			t.Errorf("html lacks %s:\n%s", want, html)
		}
	}
	n := placed()
	n.Number, n.Conveyed.Device.Accuracy = "", nil
	html = unescape(render(t, n).HTML)
	if !strings.Contains(html, `href="geo:38.89767,-77.03655"`) || strings.Contains(html, "tel:") {
		t.Errorf("html links what is not known:\n%s", html)
	}
}

// A test call is marked as a test in subject, text and HTML, and nobody is told
// that an emergency service was called (B13).
func TestTestCallIsMarked(t *testing.T) {
	for number, dialed := range map[string]string{
		"933": "dialed a test number (933)", "urn:service:test.sos": "dialed a test number (urn:service:test.sos)", "": "dialed a test number\n",
	} {
		n := placed()
		n.Kind, n.Dialed = emergency.KindTest, number
		m := render(t, n)
		if !strings.HasPrefix(m.Subject, "TEST, not an emergency") {
			t.Errorf("subject %q is not marked", m.Subject)
		}
		if !strings.Contains(m.Text, dialed) {
			t.Errorf("text does not say %q:\n%s", dialed, m.Text)
		}
		for part, got := range map[string]string{"text": m.Text, "html": m.HTML} {
			if !strings.Contains(got, "TEST") || !strings.Contains(got, "No emergency service has been called") {
				t.Errorf("%s is not marked:\n%s", part, got)
			}
			if strings.Contains(got, "was placed to the emergency service") || strings.Contains(got, "dialed the emergency services") {
				t.Errorf("%s claims a real call:\n%s", part, got)
			}
		}
	}
}

// A recipient that cannot be written to, and an event without a wording, fail for
// good, and the error does not repeat the address.
func TestRenderFailsForGood(t *testing.T) {
	unknown := placed()
	unknown.Event = "unheard-of"
	cases := []struct {
		rule string
		n    emergency.Notice
		to   string
	}{
		{"no address", placed(), "not an address"},
		{"empty address", placed(), ""},
		{"two addresses", placed(), "a@example.org, b@example.org"},
		{"a second header", placed(), "a@example.org\r\nBcc: secret@example.org"},
		{"no wording", unknown, "desk@example.org"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			_, err := standard.Render(c.n, c.to)
			var failed *SendError
			if !errors.As(err, &failed) || !failed.Permanent {
				t.Fatalf("error %v is not permanent", err)
			}
			if strings.Contains(err.Error(), "@") || strings.Contains(err.Error(), "not an address") {
				t.Errorf("error %q repeats the address", err)
			}
		})
	}
}

// Whatever stands in the records, a value stays on its line: it can add no line
// to the text, no header, no element, and cannot turn the reading direction.
func TestValuesStayInTheirPlace(t *testing.T) {
	plain := render(t, placed())
	nasty := rapid.StringOf(rapid.OneOf(
		rapid.Rune(),
		rapid.SampledFrom([]rune("\r\n\t\v\f\x00\x85\u2028\u2029\u202e\u2066<>&\"'{}:")),
	))
	rapid.Check(t, func(t *rapid.T) {
		n := placed()
		n.AgentName = nasty.Draw(t, "agent") + "<b>\r\nBcc: x@example.org\n\nNumber to ring: 666\u202e"
		n.SiteName = nasty.Draw(t, "site")
		n.Number = nasty.Draw(t, "number") + "x"
		n.Conveyed.Site.Street = nasty.Draw(t, "street") + "x"
		n.Conveyed.Device.Address.Unit = nasty.Draw(t, "unit") + "x"
		m, err := standard.Render(n, "desk@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.check(); err != nil {
			t.Fatalf("subject %q: %v", m.Subject, err)
		}
		if got, want := len(strings.FieldsFunc(m.Text, newLine)), len(strings.FieldsFunc(plain.Text, newLine)); got != want {
			t.Fatalf("text has %d lines, want %d:\n%s", got, want, m.Text)
		}
		if got, want := strings.Count(m.HTML, "<"), strings.Count(plain.HTML, "<"); got != want {
			t.Fatalf("html has %d tags, want %d:\n%s", got, want, m.HTML)
		}
		if strings.ContainsAny(m.Subject+m.Text+m.HTML, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
			t.Fatalf("a value turns the reading direction:\n%s", m.Text)
		}
	})
}

func newLine(r rune) bool { return strings.ContainsRune("\r\n\v\f\u0085\u2028\u2029", r) }

// seen is what can be read of a document.
func seen(document string) string { return readPage(document).visible }

// A name that looks like an encoded word is shown as it was typed: a mail program would
// make something else of it (RFC 2047, S18).
func TestSubjectHasNoEncodedWord(t *testing.T) {
	n := placed()
	n.AgentName = "=?utf-8?q?=0D=0ABcc:_x@example.org?="
	m := render(t, n)
	shown, err := new(mime.WordDecoder).DecodeHeader(m.Subject)
	if err != nil || shown != m.Subject || !strings.Contains(shown, "0D=0ABcc") {
		t.Errorf("the subject %q is shown as %q, %v", m.Subject, shown, err)
	}
}
