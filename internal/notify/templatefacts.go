package notify

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a container may have no time zones of its own
	"unicode"

	"lifeline/internal/emergency"
)

// facts is what a wording may show. Its fields are the variables of the template
// language, and the administrator's handbook describes them by these comments: each
// text is a single line, whatever was typed into the records that it comes from, and
// empty when it is not known, unless it says so itself.
type facts struct {
	// What says in a few words what has happened, that a call failed, and that it is
	// a test.
	What string
	// Placed, Callback, Escalated and Ended say what the notice tells; none of them is
	// true of the first notice of a call that failed.
	Placed, Callback, Escalated, Ended bool
	// Failed says that the call did not get through, in every notice of it (B10).
	Failed bool
	// Test says that nobody is in danger (B13).
	Test bool
	// Agent and Site are names.
	Agent, Site string
	// Dialed is what was dialed; of a test it says that it is a test number.
	Dialed string
	// Number is the callback number, in E.164; empty when there is none.
	Number string
	// Location is everything that was conveyed: the following three.
	Location string
	// Address is the site's, which the number is registered for.
	Address string
	// DeviceAddress and Position are what the caller's device reported; Accuracy is
	// its radius in metres. Geo is the position as RFC 5870 wants it.
	DeviceAddress, Position, Accuracy, Geo string
	// When is the time of the dial at the site, with its zone and offset; Timestamp is
	// the same moment in RFC 3339 and UTC.
	When, Timestamp string
	// Done is what has been done, in sentences.
	Done []string
	// Reason and Instead say why a call failed, and what the agent was told to do.
	Reason, Instead string
	// AcknowledgeURL is where to say that one has seen the notice; empty when nobody
	// need do so (B9).
	AcknowledgeURL string
	CallID         string
}

// longestName keeps a subject readable that is made of names.
const longestName = 200

func newFacts(n emergency.Notice) facts {
	f := facts{
		What:           whatHappened(n),
		Placed:         n.Event == emergency.NoticePlaced,
		Callback:       n.Event == emergency.NoticeCallback,
		Escalated:      n.Event == emergency.NoticeEscalated,
		Ended:          n.Event == emergency.NoticeEnded,
		Failed:         n.Failed(),
		Test:           n.Kind == emergency.KindTest,
		Agent:          cmp.Or(shortened(oneLine(n.AgentName)), "An agent"),
		Site:           cmp.Or(shortened(oneLine(n.SiteName)), "an unnamed site"),
		Dialed:         dialed(n),
		Number:         oneLine(n.Number),
		Address:        cmp.Or(oneLine(n.Conveyed.Site.String()), "No address was given with the call"),
		Timestamp:      n.DialedAt.UTC().Format(time.RFC3339),
		AcknowledgeURL: oneLine(n.AcknowledgeURL),
		CallID:         oneLine(string(n.CallID)),
	}
	f.When = atSite(n.DialedAt, n.Zone)
	if device := n.Conveyed.Device; device != nil {
		f.locate(*device)
	}
	f.Location = f.location()
	if f.Failed {
		f.Number = ""
		f.Reason = cmp.Or(oneLine(n.Reason), "The reason is not known.")
		f.Instead = oneLine(n.Instead)
	}
	f.Done = f.done(n)
	if n.Late {
		f.Done = append([]string{"This comes late: it could not be sent when the call was made."}, f.Done...)
	}
	return f
}

// dialed is what was dialed, in words that people know: not everybody has heard of 933
// (B13) or of service URNs.
func dialed(n emergency.Notice) string {
	number := shortened(oneLine(n.Dialed))
	switch {
	case n.Kind == emergency.KindTest && number == "":
		return "a test number"
	case n.Kind == emergency.KindTest:
		return "a test number (" + number + ")"
	case strings.HasPrefix(number, "urn:"):
		return "the emergency services (" + number + ")"
	default:
		return cmp.Or(number, "an emergency number")
	}
}

// locate takes what the device reported. Five decimals are about one metre, which is
// finer than any device knows.
func (f *facts) locate(device emergency.Location) {
	if device.Address != nil {
		f.DeviceAddress = oneLine(device.Address.String())
	}
	if device.Latitude == nil || device.Longitude == nil {
		return
	}
	latitude := strconv.FormatFloat(*device.Latitude, 'f', 5, 64)
	longitude := strconv.FormatFloat(*device.Longitude, 'f', 5, 64)
	f.Position, f.Geo = latitude+", "+longitude, latitude+","+longitude
	if device.Accuracy != nil {
		f.Accuracy = strconv.FormatFloat(math.Ceil(*device.Accuracy), 'f', 0, 64)
		f.Geo += ";u=" + f.Accuracy
	}
}

func (f *facts) location() string {
	all := f.Address
	if f.DeviceAddress != "" {
		all += "; the device says " + f.DeviceAddress
	}
	switch {
	case f.Accuracy != "":
		all += fmt.Sprintf("; position %s (within %s m)", f.Position, f.Accuracy)
	case f.Position != "":
		all += fmt.Sprintf("; position %s (accuracy not known)", f.Position)
	}
	return all
}

// atSite tells a time as the clock at the site shows it, and by which clock that is.
func atSite(at time.Time, zone string) string {
	const clock = "15:04:05 on Monday 2 January 2006"
	place, err := time.LoadLocation(zone)
	if err != nil || place == time.Local || place == time.UTC {
		return at.UTC().Format(clock + " (UTC)")
	}
	return at.In(place).Format(clock) + fmt.Sprintf(" (%s, UTC%s)", oneLine(zone), at.In(place).Format("-07:00"))
}

// whatHappened is the notice in a few words; empty for an event that nobody has words
// for.
func whatHappened(n emergency.Notice) string {
	wording, known := map[emergency.NoticeEvent][3]string{ // for a call, one that failed, and a test
		emergency.NoticePlaced:    {"Emergency call", "Emergency call FAILED", "TEST, not an emergency"},
		emergency.NoticeFailed:    {"", "Emergency call FAILED", ""},
		emergency.NoticeCallback:  {"The emergency service is ringing back", "", "TEST, not an emergency, is rung back"},
		emergency.NoticeEscalated: {"Nobody has acknowledged an emergency call", "Nobody has acknowledged an emergency call that FAILED", "TEST, not an emergency, that nobody has acknowledged"},
		emergency.NoticeEnded:     {"Emergency call ended", "", "TEST ended, not an emergency"},
	}[n.Event]
	switch test := n.Kind == emergency.KindTest; {
	case !known:
		return ""
	case test && n.Failed():
		return "TEST FAILED, not an emergency"
	case test:
		return wording[2]
	case n.Failed():
		return cmp.Or(wording[1], wording[0])
	case n.Event == emergency.NoticePlaced && !n.ClosedAt.IsZero():
		return wording[0] + ", over by now"
	default:
		return wording[0]
	}
}

// done is what has been done, so that the reader neither does it again nor relies on
// what nobody has done.
func (f *facts) done(n emergency.Notice) []string {
	var said []string
	if f.Escalated {
		said = append(said, reached(n.Before))
	}
	switch {
	case f.Failed && f.Test:
		return append(said, "The test did not get through. Have that put right before somebody needs help.")
	case f.Failed:
		return append(said, "No emergency service has been reached by this call, and none can ring back.")
	case f.Test:
		return append(said, "The test was made with this number and this location.",
			"You need not do anything.")
	case f.Callback:
		return append(said, "The emergency service has rung this number. It reaches "+f.Agent+" before any other call.")
	case f.Ended && n.Forced:
		return append(said, "Nobody has told that the call is over: it counts as ended because it lasted for longer than any call may. Check on "+f.Agent+".",
			"For a while, the emergency service can still ring "+f.Agent+" back on this number.")
	case f.Ended:
		return append(said, "The call is over. For a while, the emergency service can still ring "+f.Agent+" back on this number.")
	case f.Escalated:
		return append(said, "The call was placed to the emergency service with this number and this location.")
	case !n.ClosedAt.IsZero():
		return append(said, "The call was placed to the emergency service with this number and this location.",
			"The call is over. This number does not reach "+f.Agent+" any more.")
	default:
		return append(said, "The call was placed to the emergency service with this number and this location.",
			"The emergency service may ring this number back: ring it only if you can help.")
	}
}

// reached tells whom the notices before an escalation have reached: readers rely on others
// only where there are any.
func reached(before emergency.Reach) string {
	var told string
	switch {
	case before.Told == 0 && before.Missed == 0:
		return "Nobody was written to before."
	case before.Told == 0:
		return "No e-mail about this has reached anybody before."
	case before.Told == 1:
		told = "One person was written to before, who has not acknowledged."
	default:
		told = strconv.Itoa(before.Told) + " people were written to before. None of them has acknowledged."
	}
	switch before.Missed {
	case 0:
		return told
	case 1:
		return told + " No e-mail has reached one more."
	default:
		return told + " No e-mail has reached " + strconv.Itoa(before.Missed) + " more."
	}
}

// shortened keeps the beginning of a name that is too long.
func shortened(s string) string {
	if runes := []rune(s); len(runes) > longestName {
		return string(runes[:longestName]) + "…"
	}
	return s
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
