package notify

import (
	"cmp"
	"embed"
	"fmt"
	html "html/template"
	"io"
	"math"
	"strconv"
	"strings"
	text "text/template"
	"unicode"

	"lifeline/internal/emergency"
)

//go:embed templates
var files embed.FS

var (
	placedSubject = text.Must(text.ParseFS(files, "templates/placed.subject.tmpl"))
	placedText    = text.Must(text.ParseFS(files, "templates/placed.text.tmpl"))
	placedHTML    = html.Must(html.ParseFS(files, "templates/placed.html.tmpl"))
)

// Render words a notice for one recipient, so that a distressed reader sees in
// five seconds who called, from where, and which number to ring. What is missing
// from the notice is said to be missing: a notice with a gap is better than none.
// The error is a *SendError, and permanent.
func Render(n emergency.Notice, to string) (Message, error) {
	recipient, err := parseRecipient(to)
	if err != nil {
		return Message{}, err
	}
	if n.Event != emergency.NoticePlaced {
		return Message{}, permanent("no wording for this event")
	}
	facts := newFacts(n)
	m := Message{To: recipient.Address, CallID: n.CallID, Event: n.Event, Kind: cmp.Or(n.Kind, emergency.KindEmergency)}
	for _, part := range []struct {
		template interface{ Execute(io.Writer, any) error }
		into     *string
	}{{placedSubject, &m.Subject}, {placedText, &m.Text}, {placedHTML, &m.HTML}} {
		var out strings.Builder
		if err := part.template.Execute(&out, facts); err != nil {
			return Message{}, &SendError{Permanent: true, Reason: "fill template", Err: err}
		}
		*part.into = strings.TrimSpace(out.String())
	}
	return m, nil
}

// facts is what the templates may show: each a single line, whatever was typed
// into the records that it comes from.
type facts struct {
	Test   bool
	Agent  string
	Site   string
	Dialed string
	// Number is the callback number, in E.164; empty when there is none.
	Number string
	// Address is the site's, which the number is registered for.
	Address string
	// DeviceAddress and Position are what the caller's device reported; empty
	// when it did not. Geo is the position as RFC 5870 wants it.
	DeviceAddress string
	Position      string
	Geo           string
	// When is in UTC; WhenOffset is the same moment in RFC 3339 with its offset.
	When       string
	WhenOffset string
	CallID     string
}

func newFacts(n emergency.Notice) facts {
	at := n.DialedAt.UTC()
	f := facts{
		Test:       n.Kind == emergency.KindTest,
		Agent:      cmp.Or(oneLine(n.AgentName), "An agent"),
		Site:       cmp.Or(oneLine(n.SiteName), "an unnamed site"),
		Dialed:     cmp.Or(oneLine(n.Dialed), "an emergency number"),
		Number:     oneLine(n.Number),
		Address:    cmp.Or(oneLine(n.Conveyed.Site.String()), "No address was given with the call"),
		When:       at.Format("Monday 2 January 2006, 15:04:05") + " UTC",
		WhenOffset: at.Format("2006-01-02T15:04:05-07:00"),
		CallID:     oneLine(string(n.CallID)),
	}
	if strings.HasPrefix(f.Dialed, "urn:") {
		f.Dialed = "the emergency services (" + f.Dialed + ")"
	}
	if device := n.Conveyed.Device; device != nil {
		f.Position, f.Geo = position(*device)
		if device.Address != nil {
			f.DeviceAddress = oneLine(device.Address.String())
		}
	}
	return f
}

// position writes coordinates for people and for a map. Five decimals are about
// one metre, which is finer than any device knows.
func position(at emergency.Location) (forPeople, geo string) {
	if at.Latitude == nil || at.Longitude == nil {
		return "", ""
	}
	latitude := strconv.FormatFloat(*at.Latitude, 'f', 5, 64)
	longitude := strconv.FormatFloat(*at.Longitude, 'f', 5, 64)
	forPeople = latitude + ", " + longitude
	geo = latitude + "," + longitude
	if at.Accuracy == nil {
		return forPeople + " (accuracy not known)", geo
	}
	metres := strconv.FormatFloat(math.Ceil(*at.Accuracy), 'f', 0, 64)
	return fmt.Sprintf("%s (within %s m)", forPeople, metres), geo + ";u=" + metres
}

// oneLine takes from a value what could start another line or header, or turn
// the reading direction and so make a number read backwards.
func oneLine(s string) string {
	shown := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.Join(strings.Fields(shown), " ")
}
