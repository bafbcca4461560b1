package emergency_test

import (
	"fmt"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// wholeRouting is a voice routing with everything in it.
func wholeRouting() emergency.VoiceRouting {
	return emergency.VoiceRouting{
		DirectOffers: []emergency.Offer{{Number: "+12025550100", Country: "US"}, {Number: "+4510000100", Country: "DK"}},
		Trunks: []emergency.Trunk{
			{ID: "main", Numbers: []string{"+442079460100"}, Emergency: true, FailOver: []emergency.TrunkID{"spare"}},
			// Two that name each other do no harm: each is tried for its own sake.
			{ID: "spare", TestNumbers: []string{"933", "urn:service:test.sos", "urn:service:test.sos.fire"}, FailOver: []emergency.TrunkID{"main"}},
		},
		Rules: []emergency.RoutingRule{
			{Name: "British", Pattern: "^(999|112|911)$", Trunk: "main", Countries: []emergency.Country{"GB"}},
			{Name: "Outside", Pattern: `^9(?P<rest>\d+)$`, Rewrite: "$1", Trunk: "spare"},
		},
		OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{"+12025550100"}}},
	}
}

// long is a list that is longer than any may be.
func long[T any]() []T { return make([]T, 1001) }

// routings are changes to a whole voice routing, and the field that each makes wrong.
var routings = []struct {
	name   string
	change func(*emergency.VoiceRouting)
	blames string
}{
	{"whole", func(*emergency.VoiceRouting) {}, ""},
	{"empty", func(v *emergency.VoiceRouting) { *v = emergency.VoiceRouting{} }, ""},

	// No dial waits for an endless list.
	{"too many offers", func(v *emergency.VoiceRouting) { v.DirectOffers = long[emergency.Offer]() }, "directOffers"},
	{"too many trunks", func(v *emergency.VoiceRouting) { v.Trunks = long[emergency.Trunk]() }, "trunks"},
	{"too many rules", func(v *emergency.VoiceRouting) { v.Rules = long[emergency.RoutingRule]() }, "rules"},
	{"too many profiles", func(v *emergency.VoiceRouting) { v.OutboundProfiles = long[emergency.OutboundProfile]() }, "outboundProfiles"},
	{"too many numbers of a trunk", func(v *emergency.VoiceRouting) { v.Trunks[1].Numbers = long[string]() }, "trunks.1.numbers"},
	{"too many test numbers", func(v *emergency.VoiceRouting) { v.Trunks[1].TestNumbers = long[string]() }, "trunks.1.testNumbers"},
	{"too many to fail over to", func(v *emergency.VoiceRouting) { v.Trunks[0].FailOver = long[emergency.TrunkID]() }, "trunks.0.failOver"},
	{"too many countries", func(v *emergency.VoiceRouting) { v.Rules[1].Countries = long[emergency.Country]() }, "rules.1.countries"},
	{"too many numbers of a profile", func(v *emergency.VoiceRouting) { v.OutboundProfiles[0].Numbers = long[string]() }, "outboundProfiles.0.numbers"},

	// A direct offer is a number, and reaches the call takers of its country.
	{"an offer that is no number", func(v *emergency.VoiceRouting) { v.DirectOffers[1].Number = "10000100" }, "directOffers.1.number"},
	{"an offer twice", func(v *emergency.VoiceRouting) { v.DirectOffers[1] = v.DirectOffers[0] }, "directOffers.1.number"},
	{"an offer in a country not served", func(v *emergency.VoiceRouting) { v.DirectOffers[1].Country = "DE" }, "directOffers.1.country"},
	// What the upgrade made of standing numbers must be of use (S16).
	{"a number for two countries", func(v *emergency.VoiceRouting) {
		v.DirectOffers[1] = emergency.Offer{Number: "+12025550100", Country: "CA"}
	}, ""},
	{"a number from abroad", func(v *emergency.VoiceRouting) { v.DirectOffers[1].Country = "GB" }, ""},

	{"a trunk without ID", func(v *emergency.VoiceRouting) { v.Trunks[0].ID = "" }, "trunks.0.trunkId"},
	{"a trunk twice", func(v *emergency.VoiceRouting) { v.Trunks[1].ID = "main" }, "trunks.1.trunkId"},
	{"a trunk's number that is none", func(v *emergency.VoiceRouting) { v.Trunks[0].Numbers = []string{"+442079460100", "911"} }, "trunks.0.numbers.1"},
	{"a trunk's number twice", func(v *emergency.VoiceRouting) {
		v.Trunks[0].Numbers = []string{"+442079460100", "+442079460101", "+442079460100"}
	}, "trunks.0.numbers.2"},
	{"a number of two trunks", func(v *emergency.VoiceRouting) { v.Trunks[1].Numbers = []string{"+442079460100"} }, ""},
	{"a test number twice", func(v *emergency.VoiceRouting) { v.Trunks[1].TestNumbers[1] = "933" }, "trunks.1.testNumbers.1"},
	// A test over a trunk must reach the carrier's test, never a person (B13).
	{"an emergency number as test", func(v *emergency.VoiceRouting) { v.Trunks[1].TestNumbers[0] = "911" }, "trunks.1.testNumbers.0"},
	{"an emergency URN as test", func(v *emergency.VoiceRouting) { v.Trunks[1].TestNumbers[1] = "urn:service:sos" }, "trunks.1.testNumbers.1"},
	{"an ordinary number as test", func(v *emergency.VoiceRouting) { v.Trunks[1].TestNumbers[2] = "+12025550100" }, "trunks.1.testNumbers.2"},
	{"fail-over to nowhere", func(v *emergency.VoiceRouting) { v.Trunks[0].FailOver[0] = "third" }, "trunks.0.failOver.0"},
	{"fail-over to itself", func(v *emergency.VoiceRouting) { v.Trunks[1].FailOver = []emergency.TrunkID{"main", "spare"} }, "trunks.1.failOver.1"},
	{"fail-over to another twice", func(v *emergency.VoiceRouting) { v.Trunks[1].FailOver = []emergency.TrunkID{"main", "main"} }, "trunks.1.failOver.1"},

	{"a rule without a name", func(v *emergency.VoiceRouting) { v.Rules[0].Name = " " }, "rules.0.name"},
	{"a rule's name in two lines", func(v *emergency.VoiceRouting) { v.Rules[0].Name = "a\nb" }, "rules.0.name"},
	{"two rules by one name", func(v *emergency.VoiceRouting) { v.Rules[1].Name = "British" }, "rules.1.name"},
	{"a rule to nowhere", func(v *emergency.VoiceRouting) { v.Rules[1].Trunk = "third" }, "rules.1.trunk"},
	{"a rule for a country not served", func(v *emergency.VoiceRouting) { v.Rules[0].Countries = []emergency.Country{"GB", "DE"} }, "rules.0.countries.1"},
	{"a rule for a country twice", func(v *emergency.VoiceRouting) { v.Rules[0].Countries = []emergency.Country{"GB", "DK", "GB"} }, "rules.0.countries.2"},
	{"no pattern", func(v *emergency.VoiceRouting) { v.Rules[0].Pattern = "" }, "rules.0.pattern"},
	{"the longest pattern", func(v *emergency.VoiceRouting) { v.Rules[0].Pattern = strings.Repeat("9", 256) }, ""},
	{"a pattern too long", func(v *emergency.VoiceRouting) { v.Rules[0].Pattern = strings.Repeat("9", 257) }, "rules.0.pattern"},
	{"a pattern that is none", func(v *emergency.VoiceRouting) { v.Rules[1].Pattern = "^9(" }, "rules.1.pattern"},
	// Short to write, long to match.
	{"a pattern without measure", func(v *emergency.VoiceRouting) { v.Rules[1].Pattern = `^9(\d{0,999})$` }, "rules.1.pattern"},
	{"a pattern that multiplies", func(v *emergency.VoiceRouting) { v.Rules[1].Pattern = `((\d{1000}){1000})` }, "rules.1.pattern"},
	{"a pattern that says how many", func(v *emergency.VoiceRouting) { v.Rules[1].Pattern = `^(\+?[1-9]\d{6,14})$` }, ""},

	{"the longest rewrite", func(v *emergency.VoiceRouting) { v.Rules[0].Rewrite = strings.Repeat("9", 256) }, ""},
	{"a rewrite too long", func(v *emergency.VoiceRouting) { v.Rules[0].Rewrite = strings.Repeat("9", 257) }, "rules.0.rewrite"},
	// What the pattern does not have would be left out in silence.
	{"a group that is not there", func(v *emergency.VoiceRouting) { v.Rules[1].Rewrite = "$2" }, "rules.1.rewrite"},
	{"a group with a digit behind", func(v *emergency.VoiceRouting) { v.Rules[1].Rewrite = "$10" }, "rules.1.rewrite"},
	{"a group with a letter behind", func(v *emergency.VoiceRouting) { v.Rules[1].Rewrite = "$1x" }, "rules.1.rewrite"},
	{"a group with a zero before", func(v *emergency.VoiceRouting) { v.Rules[1].Rewrite = "$01" }, "rules.1.rewrite"},
	{"a name that is not there", func(v *emergency.VoiceRouting) { v.Rules[1].Rewrite = "0${line}" }, "rules.1.rewrite"},
	{"groups that are there", func(v *emergency.VoiceRouting) { v.Rules[1].Rewrite = "$0-$1-${1}0-$rest-${rest}x-$$2-$" }, ""},

	{"a profile without ID", func(v *emergency.VoiceRouting) { v.OutboundProfiles[0].ID = "" }, "outboundProfiles.0.profileId"},
	{"a profile twice", func(v *emergency.VoiceRouting) {
		v.OutboundProfiles = append(v.OutboundProfiles, v.OutboundProfiles[0])
	}, "outboundProfiles.1.profileId"},
	{"a profile for nobody", func(v *emergency.VoiceRouting) { v.OutboundProfiles[0].CapacityProfile = "two words" }, "outboundProfiles.0.capacityProfile"},
	{"a profile's number that is none", func(v *emergency.VoiceRouting) { v.OutboundProfiles[0].Numbers[0] = "0" }, "outboundProfiles.0.numbers.0"},
}

// A voice routing that cannot be used is refused as a whole, by the path of the first
// field that is wrong (S15).
func TestCompile(t *testing.T) {
	for _, c := range routings {
		t.Run(c.name, func(t *testing.T) {
			routing := wholeRouting()
			c.change(&routing)
			plan, err := routing.Compile()
			if got := field(t, err); got != c.blames || (plan == nil) != (err != nil) {
				t.Errorf("Compile blames %q, want %q: %v", got, c.blames, err)
			}
			if err != nil && strings.Contains(err.Error(), "+4510000100") {
				t.Errorf("a whole number stands in %q", err)
			}
		})
	}
}

// A pattern that cannot be read is told why, and not repeated.
func TestCompileSaysWhy(t *testing.T) {
	routing := wholeRouting()
	routing.Rules[0].Pattern = "^(999"
	_, err := routing.Compile()
	if want := "rules.0.pattern is no regular expression: missing closing )"; fmt.Sprint(err) != want {
		t.Errorf("it says %v, want %s", err, want)
	}
}

// Trunks that name each other are tried once each, from whichever the rule names
// (S16).
func TestFailOverInACircle(t *testing.T) {
	for first, want := range map[emergency.TrunkID][]emergency.Hop{
		"main":  {over("main"), over("spare")},
		"spare": {over("spare"), over("main")},
	} {
		routing := wholeRouting()
		routing.Trunks[1].Emergency, routing.Rules[0].Trunk = true, first
		if diff := cmp.Diff(want, compiled(t, routing).Way("GB", dialedIn(t, "999", "GB"))); diff != "" {
			t.Error(diff)
		}
	}
}
