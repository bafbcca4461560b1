package emergency_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
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

// plans are voice routings, and what the dial-plan check has to say of each: country,
// number, kind and rule (B11).
var plans = []struct {
	name   string
	offers []emergency.Offer
	rules  []emergency.RoutingRule
	sites  []emergency.Country
	want   []string
}{
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
			rule("emergency", "^(911|999|112)$", "", "sos"),
			rule("outside line", `^9(\d+)$`, "$1", "office"), rule("the rest", `^\+?\d+$`, "", "office"),
		}, everywhere, nil,
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
	{"what is before and behind", nil, []emergency.RoutingRule{rule("code", `^(\+45)?(112|911)$`, "+45$2", "sos", "DK")}, []emergency.Country{"DK"}, nil},

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
	// Shadows: a rule for ordinary numbers before the one that is meant for this.
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
		[]string{"GB 9999 rewrites code", "GB 9112 rewrites code", "GB 9911 rewrites code"},
	},
	{
		"an international prefix", everyOffer,
		[]emergency.RoutingRule{rule("prefix", `^\+(\d+)$`, "00$1", "office")},
		[]emergency.Country{"DK"},
		[]string{"DK +45112 rewrites prefix", "DK +45911 rewrites prefix"},
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
		[]string{"GB 112 misses 999", "GB 911 misses 999"},
	},
	{
		"a sister left to the direct offer", everyOffer,
		[]emergency.RoutingRule{rule("999", "^(999|112)$", "", "sos", "GB")},
		everywhere,
		[]string{"GB 911 misses 999"},
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
		[]string{"CA 911 shadows nines", "DK 911 shadows nines", "GB 999 shadows nines", "GB 911 shadows nines", "PR 911 shadows nines", "US 911 shadows nines"},
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
	for _, c := range plans {
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

// Each finding says what happens, and what to do about it (B11).
func TestFindingsSayWhatToDo(t *testing.T) {
	plan := func(offers []emergency.Offer, rules ...emergency.RoutingRule) *emergency.VoicePlan {
		return compiled(t, emergency.VoiceRouting{DirectOffers: offers, Trunks: two, Rules: rules})
	}
	all, sos := rule("all", `^\d+$`, "", "office"), rule("help", "^911$", "", "sos")
	for want, p := range map[string]*emergency.VoicePlan{
		`The rule "all" sends 911 over the trunk office, which has no emergency behaviour. Have its pattern leave the number out, ` +
			`or put a rule for it, to a trunk that has, before this one.`: plan(everyOffer, all),
		`The rule "all" sends 911 over the trunk office, which has no emergency behaviour. Move the rule "help" before it.`:                                                        plan(nil, all, sos),
		`The rule "all" takes 911 before the rule "help", which is meant for it. Move that one before it.`:                                                                         plan(nil, rule("all", ".*", "", "other"), sos),
		`The rule "cut" makes "11" of 911. Have its pattern leave that out, or put a rule for it, without a rewrite, before this one.`:                                             plan(nil, rule("cut", "^9(11)$", "$1", "sos")),
		`The rule "9911" takes 9911 and leaves 911, which goes over the direct offer instead. Have its pattern match 911, too, or add a rule for it.`:                              plan(everyOffer, rule("9911", "^9911$", "", "sos")),
		`The rule "9911" takes 9911 and leaves 911, which nothing else carries, so a dial is refused. Have its pattern match 911, too, or add a rule for it.`:                      plan(nil, rule("9911", "^9911$", "", "sos")),
		`Nothing carries 911 in the United States, so a dial is refused. Add a direct offer of the country, or a rule for 911 to a trunk whose emergency behaviour is configured.`: plan(nil),
	} {
		got := p.Findings(behind9, unitedStates)
		if len(got) != 1 || got[0].Detail != want {
			t.Errorf("it says %+v, want %s", got, want)
		}
	}
}

// What a finding says that a rule takes is what is nearest to what it leaves: a bare
// number, else the same one with something before it (B11).
func TestFindingsNameTheNearest(t *testing.T) {
	for pattern, want := range map[string]string{
		"^9(999|112|911)$":      "takes 9112 and leaves 112",
		`^(\+44112|9999|9112)$`: "takes 9112 and leaves 112",
		"^(9999|9911)$":         "takes 9999 and leaves 112",
		"^(9112|911)$":          "takes 911 and leaves 112",
		`^(\+44112|\+44999|9)$`: "takes +44112 and leaves 112",
	} {
		plan := compiled(t, emergency.VoiceRouting{Trunks: two, Rules: []emergency.RoutingRule{rule("r", pattern, "", "sos")}})
		at := func(f emergency.Finding) bool { return f.Number == "112" && strings.Contains(f.Detail, want) }
		if found := plan.Findings(behind9, unitedKingdom); !slices.ContainsFunc(found, at) {
			t.Errorf("%s: %+v", pattern, found)
		}
	}
}

// Without a prefix for the outside line nobody sends one, so no form is tried twice.
func TestFindingsWithoutOutsideLine(t *testing.T) {
	plan := compiled(t, emergency.VoiceRouting{Trunks: two, Rules: []emergency.RoutingRule{rule("cut", `^9(\d+)$`, "$1", "sos")}})
	for _, c := range []struct {
		plan emergency.DialPlan
		want []string
	}{
		{emergency.DialPlan{}, []string{"US 911 rewrites cut"}},
		{emergency.DialPlan{OutsideLine: "0"}, []string{"US 911 rewrites cut"}},
		// Behind 99, 99911 would have to become 911.
		{emergency.DialPlan{OutsideLine: "99"}, []string{"US 911 rewrites cut", "US 99911 rewrites cut"}},
	} {
		if diff := cmp.Diff(c.want, brief(plan.Findings(c.plan, unitedStates))); diff != "" {
			t.Errorf("%+v: %s", c.plan, diff)
		}
	}
}

// Whatever is configured: the check says the same each time and nothing twice, in the
// order of countries (B11).
func TestFindingsAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := compiled(t, drawRouting(t))
		sites := rapid.SliceOfN(rapid.SampledFrom(everywhere), 0, 6).Draw(t, "sites")
		got := plan.Findings(behind9, sites)
		slices.Reverse(sites)
		if diff := cmp.Diff(got, plan.Findings(behind9, sites)); diff != "" {
			t.Fatalf("another time it finds: %s", diff)
		}
		lines := brief(got)
		slices.Sort(lines)
		if len(slices.Compact(lines)) != len(got) {
			t.Fatalf("something twice: %v", brief(got))
		}
		if !slices.IsSortedFunc(got, func(a, b emergency.Finding) int { return strings.Compare(string(a.Country), string(b.Country)) }) {
			t.Fatalf("out of order: %v", brief(got))
		}
	})
}

// Whatever is configured: where somebody is, a number without a way is found; and what
// is said to be missed goes over no trunk (B11, S15).
func TestFindingsKnowTheWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := compiled(t, drawRouting(t))
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		numbering, _ := country.Numbering()
		number := rapid.SampledFrom(numbering.Emergency).Draw(t, "number")
		way := plan.Way(country, dialedIn(t, number, country))
		found := plan.Findings(behind9, []emergency.Country{country})
		i := slices.IndexFunc(found, func(f emergency.Finding) bool {
			return f.Kind == emergency.FindingMisses && f.Country == country && f.Number == number
		})
		switch {
		case i < 0 && len(way) == 0:
			t.Fatalf("it has no way, and nobody is told: %v", brief(found))
		case i >= 0 && slices.ContainsFunc(way, func(hop emergency.Hop) bool { return hop != direct }):
			t.Fatalf("it goes %v, and counts as missed", way)
		case i >= 0 && len(way) > 0 && found[i].Rule == "":
			t.Fatal("it has a way, and no rule is to blame")
		}
	})
}
