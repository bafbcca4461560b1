package emergency_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// two are a trunk that is agreed on, another one, and one that is not.
var two = []emergency.Trunk{{ID: "sos", Emergency: true}, {ID: "other", Emergency: true}, {ID: "office"}}

// everyOffer has a direct offer in every country served.
var everyOffer = []emergency.Offer{
	{Number: "+12025550100", Country: "US"},
	{Number: "+17875550100", Country: "PR"},
	{Number: "+16135550100", Country: "CA"},
	{Number: "+442079460100", Country: "GB"},
	{Number: "+4510000100", Country: "DK"},
}

// brief is what a finding says but for its sentence.
func brief(findings []emergency.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", f.Country, f.Number, f.Kind, f.Rule)))
	}
	return all
}

// rule is one by a name.
func rule(name, pattern, rewrite string, trunk emergency.TrunkID, countries ...emergency.Country) emergency.RoutingRule {
	return emergency.RoutingRule{Name: name, Pattern: pattern, Rewrite: rewrite, Trunk: trunk, Countries: countries}
}

// checkedPlan is a voice routing, and what the dial-plan check has to say of it: country,
// number, kind and rule (B11).
type checkedPlan struct {
	name   string
	offers []emergency.Offer
	rules  []emergency.RoutingRule
	sites  []emergency.Country
	want   []string
}

// plans are voice routings of every kind.
var plans = []checkedPlan{
	// What is right raises no alarm.
	{"direct offers alone", everyOffer, nil, everywhere, nil},
	{
		"all emergency numbers over a trunk", nil,
		[]emergency.RoutingRule{rule("all", "^(911|999|112)$", "", "sos", "GB", "DK")},
		europe, nil,
	},
	{
		"only those of the country", nil,
		[]emergency.RoutingRule{rule("US", "^911$", "", "sos", "US"), rule("DK", "^(112|911)$", "", "sos", "DK")},
		[]emergency.Country{"DK", "US"},
		nil,
	},
	// A rule for anywhere need not know the numbers of countries where nobody is.
	{"911 for anywhere", nil, []emergency.RoutingRule{rule("911", "^911$", "", "sos")}, northAmerica, nil},
	{
		"the emergency rule before the ordinary ones", nil, []emergency.RoutingRule{
			rule("emergency", `^(\+1|\+44|\+45|9)?(911|999|112)$`, "$2", "sos"),
			rule("outside line", `^9([02-8]\d+)$`, "$1", "office"), rule("abroad", `^\+\d{7,15}$`, "", "office"),
			rule("extensions", `^[2-8]\d{2,3}$`, "", "office"),
		}, everywhere, nil,
	},
	// To leave what stands before it is right as well, if the carrier knows it so.
	{
		"every form as it is", nil, []emergency.RoutingRule{
			rule("emergency", `(911|999|112|sos.*)#*$`, "", "sos"), rule("the rest", `.*`, "", "office"),
		}, unitedKingdom, nil,
	},
	{
		"long numbers alone", everyOffer, []emergency.RoutingRule{
			rule("international", `^\+[1-9]\d{6,14}$`, "", "office"), rule("national", `^0(\d{9,10})$`, "+44$1", "office", "GB"),
		}, everywhere, nil,
	},
	// An all-purpose trunk with emergency behaviour does no harm to a direct offer.
	{
		"international calls over a trunk that is agreed on", everyOffer,
		[]emergency.RoutingRule{rule("international", `^\+\d+$`, "", "sos")},
		everywhere, nil,
	},
	{"everything over one trunk", nil, []emergency.RoutingRule{rule("all", `^\+?\d+$`, "", "sos")}, everywhere, nil},
	// 911 → 112 is another number; 9112 → 112 is the same.
	{"what stands before it taken off", nil, []emergency.RoutingRule{rule("off", `^9?(112|911)$`, "$1", "sos", "DK")}, []emergency.Country{"DK"}, nil},
	{"what stands before it left", nil, []emergency.RoutingRule{rule("code", `^(\+45)?(112|911)$`, "$1$2", "sos", "DK")}, []emergency.Country{"DK"}, nil},

	// Shadows: over a trunk that does not know emergency calls, with another way or without.
	{
		"a catch-all to the office trunk", everyOffer,
		[]emergency.RoutingRule{rule("all", `^\d+$`, "", "office")},
		[]emergency.Country{"GB", "US"},
		[]string{"GB 999 shadows all", "GB 112 shadows all", "GB 911 shadows all", "US 911 shadows all"},
	},
	{
		"a catch-all before the emergency rule", nil,
		[]emergency.RoutingRule{rule("all", `^\d+$`, "", "office"), rule("emergency", "^911$", "", "sos")},
		unitedStates,
		[]string{"US 911 shadows all"},
	},
	{
		"only where the rule applies", everyOffer,
		[]emergency.RoutingRule{rule("three digits", `^\d{3}$`, "", "office", "US")},
		everywhere,
		[]string{"US 911 shadows three digits"},
	},
	// A country that a rule names counts, even if nobody is there yet.
	{
		"a country without a site", everyOffer,
		[]emergency.RoutingRule{rule("short", `^112$`, "", "office", "DK")},
		unitedStates,
		[]string{"DK 112 shadows short"},
	},
	// A phone system that applies its rules in order sees what stands before the number.
	{
		"the bare number alone before a catch-all", nil,
		[]emergency.RoutingRule{
			rule("emergency", "^(911|999|112)$", "", "sos"), rule("outside line", `^9(\d+)$`, "$1", "office"), rule("the rest", `^\+?\d+$`, "", "office"),
		},
		[]emergency.Country{"GB", "US"},
		[]string{
			"GB 9999 shadows outside line", "GB +44999 shadows the rest", "GB 9141999 rewrites outside line",
			"GB 9112 shadows outside line", "GB +44112 shadows the rest", "GB 9141112 rewrites outside line",
			"GB 9911 shadows outside line", "GB +44911 shadows the rest", "GB 9141911 rewrites outside line", "US 9911 shadows outside line", "US +1911 shadows the rest",
		},
	},
	{
		"911 behind the outside line", everyOffer,
		[]emergency.RoutingRule{rule("9911", "^9911$", "", "office")},
		everywhere,
		[]string{"CA 9911 shadows 9911", "DK 9911 shadows 9911", "GB 9911 shadows 9911", "PR 9911 shadows 9911", "US 9911 shadows 9911"},
	},
	{
		"the calling code", everyOffer,
		[]emergency.RoutingRule{rule("British", `^\+44`, "", "office")},
		everywhere,
		[]string{
			"CA +44911 shadows British", "DK +44112 shadows British", "DK +44911 shadows British",
			"GB +44999 shadows British", "GB +44112 shadows British", "GB +44911 shadows British",
			"PR +44911 shadows British", "US +44911 shadows British",
		},
	},
	{
		"extensions of four digits", everyOffer,
		[]emergency.RoutingRule{rule("extensions", `^\d{4}$`, "", "office")},
		[]emergency.Country{"DK", "US"},
		[]string{"DK 9112 shadows extensions", "DK 9911 shadows extensions", "US 9911 shadows extensions"},
	},
	{
		"extensions of four digits but those", everyOffer,
		[]emergency.RoutingRule{rule("extensions", `^[1-8]\d{3}$`, "", "office")},
		everywhere, nil,
	},
	// One rule is blamed once for a number, and each for what is its own.
	{
		"two rules and three forms", everyOffer,
		[]emergency.RoutingRule{rule("nines", `^9`, "", "office"), rule("pluses", `^\+1`, "", "office")},
		unitedStates,
		[]string{"US 911 shadows nines", "US +1911 shadows pluses"},
	},
	// Shadows: a rule for ordinary numbers before the one that is meant for this.
	{
		"a general rule before one for the forms", nil, []emergency.RoutingRule{
			rule("bare", "^911$", "", "other"), rule("all", `^\+?\d+$`, "", "other"), rule("forms", `^(9|\+1)911$`, "", "sos"),
		}, unitedStates, []string{"US 9911 shadows all"},
	},
	{
		"a general rule before a dedicated one", nil,
		[]emergency.RoutingRule{rule("all", `^\d+$`, "", "other"), rule("emergency", "^911$", "", "sos")},
		unitedStates,
		[]string{"US 911 shadows all"},
	},
	{
		"short codes before a dedicated one", nil,
		[]emergency.RoutingRule{rule("short", `^[2-9]11$`, "", "other"), rule("emergency", "^911", "", "sos")},
		unitedStates,
		[]string{"US 911 shadows short"},
	},
	{
		"a general rule to the same trunk", nil,
		[]emergency.RoutingRule{rule("all", `^\d+$`, "", "sos"), rule("emergency", "^911$", "", "sos")},
		unitedStates, nil,
	},
	{
		"a dedicated rule before another", nil,
		[]emergency.RoutingRule{rule("first", `^(911|933)$`, "", "other"), rule("second", "^911$", "", "sos")},
		unitedStates, nil,
	},
	{
		"a general rule before another", nil,
		[]emergency.RoutingRule{rule("first", `^\d+$`, "", "other"), rule("second", ".*", "", "sos")},
		unitedStates, nil,
	},
	{
		"a general rule before a dedicated one elsewhere", nil,
		[]emergency.RoutingRule{rule("all", `^\d+$`, "", "other", "CA"), rule("emergency", "^911$", "", "sos", "US")},
		[]emergency.Country{"CA", "US"},
		nil,
	},
	{
		"a dedicated rule to the office trunk behind", nil,
		[]emergency.RoutingRule{rule("all", `^\d+$`, "", "other"), rule("porter", "^911$", "", "office")},
		unitedStates, nil,
	},

	// Rewrites: 9911 to 911 is right, 911 to 11 is not.
	{
		"an outside line that takes the number apart", nil,
		[]emergency.RoutingRule{rule("outside line", `^9(\d+)$`, "$1", "sos")},
		unitedStates,
		[]string{"US 911 rewrites outside line"},
	},
	{
		"a calling code put before it", nil,
		[]emergency.RoutingRule{rule("code", `^(\d+)$`, "+44$1", "sos", "GB")},
		unitedKingdom,
		[]string{"GB 999 rewrites code", "GB 112 rewrites code", "GB 911 rewrites code"},
	},
	{
		"an international prefix", everyOffer,
		[]emergency.RoutingRule{rule("prefix", `^\+(\d+)$`, "00$1", "office")},
		[]emergency.Country{"DK"},
		[]string{"DK +45112 shadows prefix", "DK +45112 rewrites prefix", "DK +45911 shadows prefix", "DK +45911 rewrites prefix"},
	},
	// What is well known to us need not be so to whatever comes behind.
	{
		"a calling code of its own", nil,
		[]emergency.RoutingRule{rule("code", `^(\+45|9)?(112|911)$`, "+45$2", "sos", "DK")},
		[]emergency.Country{"DK"},
		[]string{"DK 112 rewrites code", "DK 911 rewrites code"},
	},
	{
		"another calling code", nil,
		[]emergency.RoutingRule{rule("American", "^911$", "+1911", "sos", "US"), rule("British", "^911$", "+44911", "sos", "CA")},
		[]emergency.Country{"CA", "US"},
		[]string{"CA 911 rewrites British", "US 911 rewrites American"},
	},
	{
		"one front for another", nil,
		[]emergency.RoutingRule{rule("bare", "^911$", "", "sos"), rule("line", `^9(911)$`, "+1$1", "sos"), rule("plus", `^\+1(911)$`, "9$1", "sos")},
		unitedStates,
		[]string{"US 9911 rewrites line", "US +1911 rewrites plus"},
	},
	{
		"another emergency number", nil,
		[]emergency.RoutingRule{rule("one for all", `^(999|112|911)$`, "999", "sos")},
		unitedKingdom,
		[]string{"GB 112 rewrites one for all", "GB 911 rewrites one for all"},
	},
	{
		"nothing left", everyOffer,
		[]emergency.RoutingRule{rule("none", `^(\d)(11|12)()$`, "$3", "sos", "DK")},
		[]emergency.Country{"DK"},
		[]string{"DK 112 rewrites none", "DK 911 rewrites none"},
	},
	// A rewrite that no emergency number comes to is nobody's business.
	{
		"a rewrite behind the emergency rule", nil,
		[]emergency.RoutingRule{rule("emergency", "^9?(911)$", "", "sos"), rule("outside line", `^9(\d+)$`, "$1", "office")},
		unitedStates, nil,
	},

	// Misses: a number but not its sister, or not the bare one.
	{
		"a sister left out", nil,
		[]emergency.RoutingRule{rule("999", "^999$", "", "sos")},
		unitedKingdom,
		[]string{"GB 112 misses 999"},
	},
	{
		"a sister left to the direct offer", everyOffer,
		[]emergency.RoutingRule{rule("999", "^(999|911)$", "", "sos", "GB")},
		everywhere,
		[]string{"GB 112 misses 999"},
	},
	// 911 goes out as 999 there, and over its rule (S1).
	{
		"a foreign number left out", nil,
		[]emergency.RoutingRule{rule("999", "^(999|112)$", "", "sos", "GB")},
		unitedKingdom, nil,
	},
	{
		"all but a foreign number left out", nil,
		[]emergency.RoutingRule{rule("911", "^911$", "", "sos", "GB")},
		unitedKingdom,
		[]string{"GB 999 misses 911", "GB 112 misses 911"},
	},
	{
		"sisters over two rules", nil,
		[]emergency.RoutingRule{rule("999", "^999$", "", "sos"), rule("the others", "^(112|911)$", "", "other")},
		unitedKingdom, nil,
	},
	{
		"the bare number left out", everyOffer,
		[]emergency.RoutingRule{rule("9911", "^9911$", "", "sos")},
		unitedStates,
		[]string{"US 911 misses 9911"},
	},
	{
		"the bare number left out for a code", nil,
		[]emergency.RoutingRule{rule("international", `^\+\d+$`, "", "sos")},
		unitedStates,
		[]string{"US 911 misses international"},
	},
	{
		"all but those with something before", everyOffer, []emergency.RoutingRule{rule("911", "^911$", "", "sos")}, unitedStates, nil,
	},
	// A rule whose trunk carries no emergency call misses nothing.
	{
		"the office trunk", everyOffer,
		[]emergency.RoutingRule{rule("999", "^999$", "", "office")},
		unitedKingdom,
		[]string{"GB 999 shadows 999"},
	},
	// Or no way out at all, where somebody is.
	{"nothing configured", nil, nil, []emergency.Country{"US", "DK"}, []string{"DK 112 misses", "DK 911 misses", "US 911 misses"}},
	{"offers elsewhere", everyOffer[:1], nil, []emergency.Country{"CA", "US"}, []string{"CA 911 misses"}},
	{
		"the office trunk alone", nil,
		[]emergency.RoutingRule{rule("all", ".*", "", "office")},
		unitedStates,
		[]string{"US 911 shadows all", "US 911 misses"},
	},
	// Before there is any site, the rules themselves can still be wrong.
	{"no site", nil, nil, nil, nil},
	{
		"a rule for anywhere and no site", nil,
		[]emergency.RoutingRule{rule("nines", `^9\d*$`, "", "office")},
		nil,
		[]string{
			"CA 911 shadows nines", "DK 9112 shadows nines", "DK 911 shadows nines", "GB 999 shadows nines", "GB 9112 shadows nines",
			"GB 911 shadows nines", "PR 911 shadows nines", "US 911 shadows nines",
		},
	},
	{"a site out of this world", nil, nil, []emergency.Country{"XX"}, nil},
	{
		"a rule and no site", nil,
		[]emergency.RoutingRule{rule("outside line", `^9(11)$`, "$1", "sos", "US", "CA")},
		nil,
		[]string{"CA 911 rewrites outside line", "US 911 rewrites outside line"},
	},
}

// The dial-plan check tells of every rule that would keep an emergency number from
// where it must go, and of nothing else (B11).
func TestFindings(t *testing.T) {
	for _, c := range slices.Concat(plans, formPlans) {
		t.Run(c.name, func(t *testing.T) {
			plan := compiled(t, emergency.VoiceRouting{DirectOffers: c.offers, Trunks: two, Rules: c.rules})
			got := plan.Findings(behind9, c.sites)
			if diff := cmp.Diff(c.want, brief(got)); diff != "" {
				t.Error(diff)
			}
			for _, finding := range got {
				if !strings.HasSuffix(finding.Detail, ".") || !strings.Contains(finding.Detail, finding.Number) {
					t.Errorf("it says %q", finding.Detail)
				}
			}
		})
	}
}
