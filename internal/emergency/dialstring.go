package emergency

import (
	"regexp"
	"slices"
	"strings"
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

// Sent is what to give to a line: what was dialed where the country's own lines know it,
// else the first of its numbers, since few know a service URN or the number of another
// country. A test stays what it is: the country's number would be a call for help (B13).
func (d Dialed) Sent() string {
	numbering, served := d.Country.Numbering()
	known := slices.Contains(numbering.Emergency, d.Number) && !slices.Contains(numbering.Foreign, d.Number)
	if !served || known || d.Kind == KindTest {
		return d.Number
	}
	return numbering.Emergency[0]
}

// DialPlan is what a phone system adds to a number before it comes to us.
type DialPlan struct {
	// OutsideLine is what people dial to get an outside line, for example "9". It
	// is never demanded before an emergency number (47 CFR 9.16).
	OutsideLine string
}

var outsideLinePattern = regexp.MustCompile(`^[0-9]{0,3}$`)

// Validate is an *Invalid for a plan that cannot be worked with. A prefix has at most
// three digits, since a longer one could turn a local number into an emergency; and it
// is no emergency number itself, nor one for tests, because whoever dials that would
// hear a dial tone, and nobody could tell which of the two was meant.
func (p DialPlan) Validate() error {
	special := func(country Country) bool {
		_, known := numberings[country].kindOf(p.OutsideLine)
		return known
	}
	switch {
	case !outsideLinePattern.MatchString(p.OutsideLine):
		return &Invalid{"outsideLine", "must be one to three digits, or empty"}
	case slices.ContainsFunc(Countries(), special):
		return &Invalid{"outsideLine", "must not be an emergency number, nor one for tests: " +
			"whoever dials it would get a line instead of help"}
	default:
		return nil
	}
}

// serviceURN asks for help from the nearest service (RFC 5031), or for a test of it
// (RFC 6881 ED-77). Any sub-service of sos does, because whoever does not know it
// takes the service above it.
var serviceURN = regexp.MustCompile(`^urn:service:(test\.)?sos(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// serviceIn is what serviceURN finds in what was dialed, where a dot at the end is that of
// a sentence.
func serviceIn(target string) []string {
	return serviceURN.FindStringSubmatch(strings.TrimSuffix(target, "."))
}

// codeNotEmergency is that of the refusal of an ordinary number.
const codeNotEmergency = "not-an-emergency-number"

// Classify tells what was dialed, before any dial-plan rule has seen it (B11) and
// before anything is normalised: a phone-number library makes a valid-looking
// +1911 out of 911.
//
// What counts is the short number, in the country where the caller is. When the
// device and the directory disagree on that, a number of either is taken, because
// the person in danger dials the one that he knows. The error is a *Refusal when
// the number is no emergency number there; or when it may be one, and the country is not
// served.
func (p DialPlan) Classify(dialed string, at Whereabouts) (Dialed, error) {
	target := targetOf(dialed)
	plan, ok := at.Country().Numbering()
	if !ok {
		return Dialed{}, p.refuseUnserved(target, at.Site)
	}
	if urn := serviceIn(target); urn != nil {
		kind := KindEmergency
		if urn[1] != "" {
			kind = KindTest
		}
		return Dialed{Number: urn[0], Kind: kind, Country: at.Country()}, nil
	}
	for _, country := range []Country{at.Country(), at.Site} {
		if known, ok := p.known(target, country); ok {
			return known, nil
		}
	}
	return Dialed{}, &Refusal{
		Code:    codeNotEmergency,
		Reason:  "This is not an emergency number in " + plan.Name + ".",
		Instead: "In an emergency dial " + plan.Emergency[0] + ", here or from a mobile phone.",
	}
}

// known reads a short number of a country, behind any of the country's fronts. A key that
// ends the dialing says nothing. Short numbers have three digits, so there is no second
// way to take one apart.
func (p DialPlan) known(target string, country Country) (Dialed, bool) {
	keys, ok := keysOf(target)
	if !ok {
		return Dialed{}, false
	}
	keys = strings.TrimRight(keys, "#")
	numbering := numberings[country]
	for _, number := range slices.Concat(numbering.Emergency, numbering.Test) {
		if front, found := strings.CutSuffix(keys, number); found && slices.Contains(p.frontsIn(country).all(), front) {
			kind, _ := numbering.kindOf(number)
			return Dialed{Number: number, Kind: kind, Country: country}, true
		}
	}
	return Dialed{}, false
}
