package emergency_test

import (
	"errors"
	"lifeline/internal/emergency"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	everywhere    = []emergency.Country{emergency.UnitedStates, emergency.PuertoRico, emergency.Canada, emergency.UnitedKingdom, emergency.Denmark}
	northAmerica  = everywhere[:3]
	europe        = everywhere[3:]
	unitedStates  = everywhere[:1]
	unitedKingdom = everywhere[3:4]
)

// Emergency and test numbers are known in every served country (S1, B11).
func TestClassify(t *testing.T) {
	help, test := emergency.KindEmergency, emergency.KindTest
	for _, c := range []struct {
		dialed string
		in     []emergency.Country
		want   emergency.Dialed
	}{
		// 911 is the emergency number of North America, and is understood in every
		// served country (S1).
		{"911", everywhere, emergency.Dialed{Number: "911", Kind: help}},
		// 112 and 999 in the United Kingdom, 112 in Denmark (S1).
		{"112", europe, emergency.Dialed{Number: "112", Kind: help}},
		{"999", unitedKingdom, emergency.Dialed{Number: "999", Kind: help}},
		// 933 is the test number of the United States (S1, B13).
		{"933", unitedStates, emergency.Dialed{Number: "933", Kind: test}},
		// What people and desktops put around digits does not keep anybody from help.
		{" 911 ", everywhere, emergency.Dialed{Number: "911", Kind: help}},
		{"9-1-1", everywhere, emergency.Dialed{Number: "911", Kind: help}},
		{"(9) 1.1", everywhere, emergency.Dialed{Number: "911", Kind: help}},
		{"9\u00a011", everywhere, emergency.Dialed{Number: "911", Kind: help}},
		{"tel:911", everywhere, emergency.Dialed{Number: "911", Kind: help}},
		{"TEL:112", europe, emergency.Dialed{Number: "112", Kind: help}},
		// A SIP desktop dials a service URN, in any case of letters (RFC 5031).
		{"urn:service:sos", everywhere, emergency.Dialed{Number: "urn:service:sos", Kind: help}},
		{"URN:service:SOS", everywhere, emergency.Dialed{Number: "urn:service:sos", Kind: help}},
		{"urn:service:sos.fire", everywhere, emergency.Dialed{Number: "urn:service:sos.fire", Kind: help}},
		{"urn:service:sos.animal-control", everywhere, emergency.Dialed{Number: "urn:service:sos.animal-control", Kind: help}},
		// The test URN is a test everywhere (B13).
		{"urn:service:test.sos", everywhere, emergency.Dialed{Number: "urn:service:test.sos", Kind: test}},
		{"urn:service:test.sos.fire", everywhere, emergency.Dialed{Number: "urn:service:test.sos.fire", Kind: test}},
	} {
		for _, country := range c.in {
			t.Run(c.dialed+" in "+string(country), func(t *testing.T) {
				got, err := emergency.Classify(c.dialed, country)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// What cannot work is refused, with what to do instead.
func TestClassifyRefuses(t *testing.T) {
	for _, c := range []struct {
		dialed string
		in     []emergency.Country
		code   string
	}{
		// Numbers of other countries, ordinary ones, and none at all are no emergency.
		{"112", northAmerica, "not-an-emergency-number"},
		{"999", slices.Concat(northAmerica, europe[1:]), "not-an-emergency-number"},
		{"933", everywhere[1:], "not-an-emergency-number"},
		// 114 is the Danish police on an ordinary matter.
		{"114", everywhere, "not-an-emergency-number"},
		{"+12025550100", everywhere, "not-an-emergency-number"},
		{"91", everywhere, "not-an-emergency-number"},
		{"9111", everywhere, "not-an-emergency-number"},
		{"", everywhere, "not-an-emergency-number"},
		{"tel:", everywhere, "not-an-emergency-number"},
		// Other services have URNs too.
		{"urn:service:counseling", everywhere, "not-an-emergency-number"},
		{"urn:service:sosx", everywhere, "not-an-emergency-number"},
		// Characters that no URN has.
		{"urn:service:sos.\x00", everywhere, "not-an-emergency-number"},
		{"urn:service:sos.", everywhere, "not-an-emergency-number"},
		// A country that is not served is said to be so, whatever was dialed.
		{"911", []emergency.Country{"", "DE", "us", "GL"}, "country-not-served"},
		{"urn:service:sos", []emergency.Country{"DE"}, "country-not-served"},
	} {
		for _, country := range c.in {
			t.Run(c.dialed+" in "+string(country), func(t *testing.T) {
				got, err := emergency.Classify(c.dialed, country)
				var refusal *emergency.Refusal
				if !errors.As(err, &refusal) {
					t.Fatalf("Classify gives %v, %v; want a refusal", got, err)
				}
				if refusal.Code != c.code {
					t.Errorf("the refusal is %q, want %q", refusal.Code, c.code)
				}
				if refusal.Reason == "" || refusal.Instead == "" {
					t.Errorf("the refusal does not say why and what to do instead: %+v", refusal)
				}
			})
		}
	}
}

// Whatever is dialed: it is refused with words for the person, or it is a number
// that is safe to keep and to show.
func TestClassifyAnything(t *testing.T) {
	dialed := rapid.OneOf(rapid.String(), rapid.StringMatching(`(?s)(tel:|urn:service:(test\.)?sos\.?).{0,12}`))
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		got, err := emergency.Classify(dialed.Draw(t, "dialed"), country)
		if err != nil {
			if refusal := (*emergency.Refusal)(nil); !errors.As(err, &refusal) {
				t.Fatalf("the error is no refusal: %v", err)
			}
			return
		}
		odd := func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }
		if got.Number == "" || strings.ContainsFunc(got.Number, odd) {
			t.Fatalf("%q passes as an emergency number", got.Number)
		}
	})
}

// Five countries and territories are served, by their own codes (S1).
func TestServed(t *testing.T) {
	for _, country := range everywhere {
		if !country.Served() {
			t.Errorf("%s is not served", country)
		}
	}
	for _, country := range []emergency.Country{"", "us", "DE", "UK"} {
		if country.Served() {
			t.Errorf("%q is served", country)
		}
	}
}
