package emergency

import (
	"regexp"
	"slices"
	"strings"
)

// Country is a served country or territory, by its ISO 3166-1 alpha-2 code.
// Puerto Rico has a code, and so an entry, of its own.
type Country string

// The countries and territories served (S1).
const (
	UnitedStates  Country = "US"
	PuertoRico    Country = "PR"
	Canada        Country = "CA"
	UnitedKingdom Country = "GB"
	Denmark       Country = "DK"
)

// Kind tells a call for help from a rehearsal of one.
type Kind string

const (
	// KindEmergency reaches a PSAP.
	KindEmergency Kind = "emergency"
	// KindTest runs the whole process and is marked as a test everywhere (B13).
	KindTest Kind = "test"
)

// numbering is what may be dialed in one country.
type numbering struct {
	emergency []string
	test      []string
}

// numberings lists, per country, the numbers that reach the emergency services.
// 911 stands in every entry, because a desktop that was set up for North America
// dials it wherever its user sits (S1). Sources: 47 CFR 9.4 (US, PR), CRTC
// Telecom Decision 97-8 (CA), Communications Act 2003 designations (GB) and the
// Danish numbering plan (DK).
var numberings = map[Country]numbering{
	UnitedStates:  {emergency: []string{"911"}, test: []string{"933"}},
	PuertoRico:    {emergency: []string{"911"}},
	Canada:        {emergency: []string{"911"}},
	UnitedKingdom: {emergency: []string{"999", "112", "911"}},
	Denmark:       {emergency: []string{"112", "911"}},
}

// The service URNs that a SIP desktop dials (RFC 5031), and those that ask for a
// test (RFC 6881, ED-77). Sub-services such as sos.fire are emergencies too.
var (
	sosURN     = regexp.MustCompile(`^urn:service:sos(\.[a-z0-9-]+)*$`)
	testSOSURN = regexp.MustCompile(`^urn:service:test\.sos(\.[a-z0-9-]+)*$`)
)

// Served tells whether emergency calls can be placed from this country.
func (c Country) Served() bool {
	_, ok := numberings[c]
	return ok
}

// Dialed is what a dialed string means in a country.
type Dialed struct {
	// Number is the emergency number without punctuation, or the service URN.
	Number string
	Kind   Kind
}

// Classify tells what was dialed, before any dial-plan rule has seen it (B11).
// The error is a *Refusal when the country is not served or the number is not an
// emergency number there.
func Classify(dialed string, in Country) (Dialed, error) {
	plan, ok := numberings[in]
	if !ok {
		return Dialed{}, &Refusal{
			Code:    "country-not-served",
			Reason:  "Emergency calls from this country are not supported here.",
			Instead: "Dial the local emergency number from a mobile phone.",
		}
	}
	number := strings.ToLower(strings.TrimSpace(dialed))
	switch {
	case sosURN.MatchString(number):
		return Dialed{Number: number, Kind: KindEmergency}, nil
	case testSOSURN.MatchString(number):
		return Dialed{Number: number, Kind: KindTest}, nil
	}
	number = stripPunctuation(number)
	switch {
	case slices.Contains(plan.emergency, number):
		return Dialed{Number: number, Kind: KindEmergency}, nil
	case slices.Contains(plan.test, number):
		return Dialed{Number: number, Kind: KindTest}, nil
	}
	return Dialed{}, &Refusal{
		Code:    "not-an-emergency-number",
		Reason:  "This is not an emergency number in " + string(in) + ".",
		Instead: "In an emergency dial " + plan.emergency[0] + ", here or from a mobile phone.",
	}
}

// stripPunctuation takes away what people and desktops put between digits.
func stripPunctuation(number string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()\u00a0", r) {
			return -1
		}
		return r
	}, strings.TrimPrefix(number, "tel:"))
}
