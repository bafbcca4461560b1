package emergency

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// Kind tells a call for help from a rehearsal of one.
type Kind string

const (
	// KindEmergency reaches a PSAP.
	KindEmergency Kind = "emergency"
	// KindTest runs the whole process and is marked as a test everywhere (B13).
	KindTest Kind = "test"
)

// Dialed is what a dialed string means.
type Dialed struct {
	// Number is the emergency number in ASCII digits and nothing else, or the
	// service URN in lower case. It never carries an outside-line prefix, a calling
	// code or a plus.
	Number string
	Kind   Kind
	// Country is the one whose number it is.
	Country Country
}

// DialPlan is what a phone system adds to a number before it comes to us.
type DialPlan struct {
	// OutsideLine is what people dial to get an outside line, for example "9". It
	// is never demanded before an emergency number (47 CFR 9.16).
	OutsideLine string
}

var outsideLinePattern = regexp.MustCompile(`^[0-9]{0,3}$`)

// Valid tells whether the plan can be worked with: a prefix of at most three
// digits. A longer one could turn a local number into an emergency.
func (p DialPlan) Valid() bool { return outsideLinePattern.MatchString(p.OutsideLine) }

// serviceURN asks for help from the nearest service (RFC 5031), or for a test of it
// (RFC 6881 ED-77). Any sub-service of sos does, because whoever does not know it
// takes the service above it.
var serviceURN = regexp.MustCompile(`^urn:service:(test\.)?sos(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// Classify tells what was dialed, before any dial-plan rule has seen it (B11) and
// before anything is normalised: a phone-number library makes a valid-looking
// +1911 out of 911.
//
// What counts is the short number, in the country where the caller is. When the
// device and the directory disagree on that, a number of either is taken, because
// the person in danger dials the one that he knows. The error is a *Refusal when
// the country is not served or the number is no emergency number there.
func (p DialPlan) Classify(dialed string, at Whereabouts) (Dialed, error) {
	plan, ok := at.Country().Numbering()
	if !ok {
		return Dialed{}, &Refusal{
			Code:    "country-not-served",
			Reason:  "Emergency calls from this country are not supported here.",
			Instead: "Dial the local emergency number from a mobile phone.",
		}
	}
	target := targetOf(dialed)
	if urn := serviceURN.FindStringSubmatch(target); urn != nil {
		kind := KindEmergency
		if urn[1] != "" {
			kind = KindTest
		}
		return Dialed{Number: target, Kind: kind, Country: at.Country()}, nil
	}
	readings := p.readings(target)
	for _, country := range []Country{at.Country(), at.Site} {
		for _, number := range readings {
			if kind, ok := numberings[country].kindOf(number); ok {
				return Dialed{Number: number, Kind: kind, Country: country}, nil
			}
		}
	}
	return Dialed{}, &Refusal{
		Code:    "not-an-emergency-number",
		Reason:  "This is not an emergency number in " + plan.Name + ".",
		Instead: "In an emergency dial " + plan.Emergency[0] + ", here or from a mobile phone.",
	}
}

// targetOf is the number or service that a dialed string asks for, in lower case:
// what a tel: URI (RFC 3966) or a sip: URI (RFC 3261) has before its parameters and
// its host, or the string as it is.
func targetOf(dialed string) string {
	text := strings.ToLower(strings.TrimSpace(strings.Map(visible, dialed)))
	scheme, rest, _ := strings.Cut(text, ":")
	uri := scheme == "tel" || scheme == "sip" || scheme == "sips"
	if uri {
		text, _, _ = strings.Cut(rest, "@")
	}
	if plain, err := url.PathUnescape(text); err == nil {
		text = strings.ToLower(plain)
	}
	if end := strings.IndexAny(text, ";:?"); uri && end >= 0 && !serviceURN.MatchString(text) {
		return text[:end]
	}
	return text
}

// visible drops what cannot be seen, such as the direction marks that come along
// when a number is copied from an address book.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// readings are the short numbers that a dialed number may be meant as: as it is
// and without the outside-line prefix, or after a plus without a calling code.
//
// Which calling code was put in front says how the desktop is set up, not where its
// user is, so any served one is taken off: +44911 from a British desktop in the
// United States is 911. There is no harm in it, because no calling code followed by
// so few digits is anybody's number. The same goes for a plus alone.
func (p DialPlan) readings(dialed string) []string {
	digits, ok := digitsOf(dialed)
	if !ok {
		return nil
	}
	national, international := strings.CutPrefix(digits, "+")
	readings := []string{national}
	if !international {
		if outside, found := strings.CutPrefix(national, p.OutsideLine); found {
			readings = append(readings, outside)
		}
		return readings
	}
	for _, country := range Countries() {
		if short, found := strings.CutPrefix(national, numberings[country].CallingCode); found {
			readings = append(readings, short)
		}
	}
	return readings
}

// CalledNumber is the E.164 number that an inbound call was made to, whatever form a
// trunk sends it in: with separators, as a tel: or sip: URI, or without the plus. What
// is no number stays as it is; it will be nobody's.
func CalledNumber(to string) string {
	digits, ok := digitsOf(targetOf(to))
	if !ok || digits == "" {
		return to
	}
	return "+" + strings.TrimPrefix(digits, "+")
}

// digitsOf leaves of a number its digits in ASCII and the plus. It is false for what
// is no number.
func digitsOf(number string) (string, bool) {
	var digits strings.Builder
	for _, r := range number {
		value, isDigit := digitValue(r)
		switch {
		case isDigit:
			digits.WriteByte('0' + value)
		case r == '+' || r == '＋':
			digits.WriteByte('+')
		case !separates(r):
			return "", false
		}
	}
	return digits.String(), true
}

// separates tells what people and desktops put around digits: spaces of any kind,
// dashes, brackets and the marks that some countries write.
func separates(r rune) bool {
	return unicode.In(r, unicode.White_Space, unicode.Dash, unicode.Ps, unicode.Pe, unicode.Cf) ||
		strings.ContainsRune(".,/·．", r)
}

// digitValue is the value of a decimal digit in any script. Unicode keeps the ten
// digits of a script together and in order, beginning with zero.
func digitValue(r rune) (value byte, ok bool) {
	if !unicode.IsDigit(r) {
		return 0, false
	}
	for unicode.IsDigit(r - 1) {
		r--
		value++
	}
	return value % 10, true
}
