package emergency_test

import (
	"fmt"
	"slices"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	direct = emergency.Hop{Path: emergency.DirectOffer}
	none   = emergency.Hop{Path: emergency.NoPath}
)

func over(trunk emergency.TrunkID) emergency.Hop {
	return emergency.Hop{Path: emergency.DirectRouting, Trunk: trunk}
}

// compiled is a voice routing ready to be asked.
func compiled(t interface{ Fatal(args ...any) }, routing emergency.VoiceRouting) *emergency.VoicePlan {
	plan, err := routing.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// dialedIn is what somebody dials in a country.
func dialedIn(t interface{ Fatal(args ...any) }, number string, country emergency.Country) emergency.Dialed {
	dialed, err := emergency.DialPlan{}.Classify(number, in(country))
	if err != nil {
		t.Fatal(err)
	}
	return dialed
}

// carriers are four trunks: one agreed on, one that fails over to it and to all others,
// one that is not agreed on, and one whose carrier can be tested. They name each other.
var carriers = []emergency.Trunk{
	{ID: "main", Numbers: []string{"+442079460100"}, Emergency: true, FailOver: []emergency.TrunkID{"spare"}},
	{ID: "spare", Emergency: true, FailOver: []emergency.TrunkID{"office", "main", "lab"}},
	{ID: "office", Numbers: []string{"+12025550150"}, FailOver: []emergency.TrunkID{"main"}},
	{ID: "lab", Emergency: true, TestNumbers: []string{"933", "urn:service:test.sos"}, FailOver: []emergency.TrunkID{"main"}},
}

// A call goes over the first matching rule whose trunk is agreed on, then over what
// that trunk fails over to, and last over the direct offer (S15, S16).
func TestWay(t *testing.T) {
	american := []emergency.Offer{{Number: "+12025550100", Country: "US"}}
	rule := func(pattern string, trunk emergency.TrunkID, countries ...emergency.Country) emergency.RoutingRule {
		return emergency.RoutingRule{Pattern: pattern, Trunk: trunk, Countries: countries}
	}
	for _, c := range []struct {
		name    string
		offers  []emergency.Offer
		rules   []emergency.RoutingRule
		dialed  string
		country emergency.Country
		want    []emergency.Hop
	}{
		{"nothing configured", nil, nil, "911", "US", nil},
		// With a direct offer and no rule, the direct offer (S16).
		{"direct offer alone", american, nil, "911", "US", []emergency.Hop{direct}},
		// A line abroad reaches call takers abroad.
		{"direct offer of another country", american, nil, "112", "DK", nil},
		{"a rule alone", nil, []emergency.RoutingRule{rule("^999$", "main")}, "999", "GB", []emergency.Hop{over("main"), over("spare")}},
		{"rule and direct offer", american, []emergency.RoutingRule{rule("^911$", "main")}, "911", "US", []emergency.Hop{over("main"), over("spare"), direct}},
		{"a rule for another number", american, []emergency.RoutingRule{rule("^912$", "main")}, "911", "US", []emergency.Hop{direct}},
		{"a rule for another country", american, []emergency.RoutingRule{rule("^911$", "main", "CA", "GB")}, "911", "US", []emergency.Hop{direct}},
		{"a rule for this country among others", nil, []emergency.RoutingRule{rule("^911$", "main", "CA", "US")}, "911", "US", []emergency.Hop{over("main"), over("spare")}},
		// A trunk without emergency behaviour is passed over, in rules and behind (S15).
		{"a trunk not agreed on", american, []emergency.RoutingRule{rule("^911$", "office")}, "911", "US", []emergency.Hop{direct}},
		{"a trunk not agreed on, then another", nil, []emergency.RoutingRule{rule(".*", "office"), rule("^911$", "main")}, "911", "US", []emergency.Hop{over("main"), over("spare")}},
		{"the first that matches", nil, []emergency.RoutingRule{rule("11", "spare"), rule("^911$", "main")}, "911", "US", []emergency.Hop{over("spare"), over("main"), over("lab")}},
		// Phone systems have rules for digits, and a few for URNs.
		{"a URN by the country's number", nil, []emergency.RoutingRule{rule("^911$", "spare"), rule("^999$", "main")}, "urn:service:sos.fire", "GB", []emergency.Hop{over("main"), over("spare")}},
		{"a URN by itself", nil, []emergency.RoutingRule{rule("^urn:service:sos", "main")}, "urn:service:sos.fire", "GB", []emergency.Hop{over("main"), over("spare")}},
		// A number that goes out as another is carried by the other's rule, and by its own (S1).
		{"a foreign number by the country's", nil, []emergency.RoutingRule{rule("^999$", "main")}, "911", "GB", []emergency.Hop{over("main"), over("spare")}},
		{"a foreign number by itself", nil, []emergency.RoutingRule{rule("^911$", "main")}, "911", "DK", []emergency.Hop{over("main"), over("spare")}},
		{"a number of the country by another", nil, []emergency.RoutingRule{rule("^999$", "main")}, "112", "GB", nil},
		// A test takes a trunk whose carrier has that very number for it, and no other
		// trunk, neither first nor behind (B13).
		{"a test", american, []emergency.RoutingRule{rule("^9[13][13]$", "lab")}, "933", "US", []emergency.Hop{over("lab"), direct}},
		{"a test of another carrier", american, []emergency.RoutingRule{rule("^9[13][13]$", "main")}, "933", "US", []emergency.Hop{direct}},
		{"a test with a trunk behind", american, []emergency.RoutingRule{rule("^9[13][13]$", "spare"), rule("^933$", "lab")}, "933", "US", []emergency.Hop{over("lab"), direct}},
		{"a test URN by the country's number", nil, []emergency.RoutingRule{rule("^112$", "lab")}, "urn:service:test.sos", "DK", []emergency.Hop{over("lab")}},
		{"a test URN that the carrier does not have", nil, []emergency.RoutingRule{rule("^112$", "lab")}, "urn:service:test.sos.fire", "DK", []emergency.Hop{none}},
		{"a test with nowhere to go", nil, []emergency.RoutingRule{rule("^112$", "main")}, "urn:service:test.sos", "DK", []emergency.Hop{none}},
	} {
		t.Run(c.name, func(t *testing.T) {
			routing := emergency.VoiceRouting{DirectOffers: c.offers, Trunks: carriers, Rules: c.rules}
			for i := range routing.Rules {
				routing.Rules[i].Name = fmt.Sprint("rule ", i)
				// Whatever a phone system makes of other calls, this one stays what it is (B11).
				routing.Rules[i].Rewrite = "0"
			}
			got := compiled(t, routing).Way(c.country, dialedIn(t, c.dialed, c.country))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An installation where nobody has set up a voice routing says so, and does not break
// (S15).
func TestNoVoicePlan(t *testing.T) {
	for name, plan := range map[string]*emergency.VoicePlan{"none": nil, "the zero one": {}, "an empty one": compiled(t, emergency.VoiceRouting{})} {
		t.Run(name, func(t *testing.T) {
			if way := plan.Way("US", dialedIn(t, "911", "US")); way != nil {
				t.Errorf("a call goes %v", way)
			}
			if diff := cmp.Diff([]emergency.Hop{none}, plan.Way("US", dialedIn(t, "933", "US"))); diff != "" {
				t.Error(diff)
			}
			if way := plan.Way("XX", emergency.Dialed{Number: "urn:service:sos", Kind: help}); way != nil {
				t.Errorf("a call from nowhere goes %v", way)
			}
			agent := emergency.Agent{CapacityProfiles: []string{"default"}}
			if number := plan.CallingNumber(agent, "US"); number != "" || plan.MayCallFrom("") || plan.MayCallFrom("+12025550100") {
				t.Errorf("calls may originate from %q", number)
			}
			if findings := plan.Findings(behind9, nil); findings != nil {
				t.Errorf("the check finds %v", findings)
			}
		})
	}
}

// Calls originate from the agent's own number, else from the one of the outbound
// profiles that suits best where the caller is (S12, S15).
func TestCallingNumber(t *testing.T) {
	plan := compiled(t, emergency.VoiceRouting{
		DirectOffers: []emergency.Offer{{Number: "+12025550100", Country: "US"}, {Number: "+17875550100", Country: "PR"}},
		Trunks:       carriers,
		OutboundProfiles: []emergency.OutboundProfile{
			{ID: "chat", CapacityProfile: "chat"},
			{ID: "voice", CapacityProfile: "voice", Numbers: []string{"+4510000150", "+12025550100", "+17875550100", "+442079460100"}},
			{ID: "new", CapacityProfile: "new", Numbers: []string{"+4510000150", "+4510000151"}},
			{ID: "north", CapacityProfile: "north", Numbers: []string{"+12025550150", "+17875550100"}},
		},
	})
	for _, c := range []struct {
		name     string
		own      string
		profiles []string
		at       emergency.Country
		want     string
	}{
		{"the agent's own", "+12025550142", []string{"voice"}, "GB", "+12025550142"},
		{"no profile", "", nil, "US", ""},
		{"a profile of nobody's", "", []string{"mail"}, "US", ""},
		{"a profile without numbers", "", []string{"chat"}, "US", ""},
		{"the country's direct offer", "", []string{"voice"}, "US", "+12025550100"},
		{"another country's", "", []string{"voice"}, "PR", "+17875550100"},
		// A trunk's number has a calling code and no country of its own.
		{"a trunk's number", "", []string{"voice"}, "GB", "+442079460100"},
		{"a number with the calling code", "", []string{"north"}, "CA", "+17875550100"},
		// One that may call for help goes before the first, which may not.
		{"a number from elsewhere", "", []string{"voice"}, "DK", "+12025550100"},
		{"none that may", "", []string{"new"}, "US", "+4510000150"},
		// What the first profile lacks, another lends.
		{"the second profile", "", []string{"voice", "chat"}, "GB", "+442079460100"},
		{"an unserved country", "", []string{"voice"}, "DE", "+12025550100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			agent := emergency.Agent{CallingNumber: c.own, CapacityProfiles: c.profiles}
			if got := plan.CallingNumber(agent, c.at); got != c.want {
				t.Errorf("calls originate from %q, want %q", got, c.want)
			}
		})
	}
	// Direct offers, and numbers of trunks that are agreed on (S15).
	for number, may := range map[string]bool{"+12025550100": true, "+442079460100": true, "+12025550150": false, "+4510000150": false, "": false} {
		if plan.MayCallFrom(number) != may {
			t.Errorf("may calls originate from %q: %v", number, !may)
		}
	}
}

// A number that belongs to two trunks may call when either is agreed on.
func TestMayCallFromTwoTrunks(t *testing.T) {
	agreed := emergency.Trunk{ID: "a", Emergency: true, Numbers: []string{"+12025550100"}}
	other := emergency.Trunk{ID: "b", Numbers: []string{"+12025550100"}}
	for _, trunks := range [][]emergency.Trunk{{agreed, other}, {other, agreed}} {
		if !compiled(t, emergency.VoiceRouting{Trunks: trunks}).MayCallFrom("+12025550100") {
			t.Errorf("with %s first it may not", trunks[0].ID)
		}
	}
}

// Whatever is configured: an emergency call takes no trunk without emergency behaviour
// (S15), a test none whose carrier does not have that number for tests (B13), and no
// way is tried twice.
func TestWayTakesNoWrongTrunk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		routing, country := drawRouting(t), rapid.SampledFrom(everywhere).Draw(t, "country")
		dialed := dialedIn(t, drawSpecial(t, country), country)
		way := compiled(t, routing).Way(country, dialed)
		for i, hop := range way {
			if slices.Contains(way[:i], hop) {
				t.Fatalf("%v is tried twice: %v", hop, way)
			}
			if hop.Path != emergency.DirectRouting {
				continue
			}
			at := slices.IndexFunc(routing.Trunks, func(trunk emergency.Trunk) bool { return trunk.ID == hop.Trunk })
			if at < 0 {
				t.Fatalf("there is no trunk %q", hop.Trunk)
			}
			trunk := routing.Trunks[at]
			if dialed.Kind == help && !trunk.Emergency || dialed.Kind == test && !slices.Contains(trunk.TestNumbers, dialed.Number) {
				t.Fatalf("%v takes the trunk %+v", dialed, trunk)
			}
		}
	})
}

// Whatever is configured: the direct offer of the country comes last and is never left
// out, so that with one no emergency call is without a way (S16); nowhere is for
// tests alone, and they are never refused for want of a way (B13).
func TestWayEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		routing, country := drawRouting(t), rapid.SampledFrom(everywhere).Draw(t, "country")
		dialed := dialedIn(t, drawSpecial(t, country), country)
		way := compiled(t, routing).Way(country, dialed)
		offered := slices.ContainsFunc(routing.DirectOffers, func(o emergency.Offer) bool { return o.Country == country })
		switch at := slices.Index(way, direct); {
		case offered && (at < 0 || at != len(way)-1):
			t.Fatalf("the direct offer does not come last: %v", way)
		case !offered && at >= 0:
			t.Fatalf("there is no direct offer: %v", way)
		}
		switch at := slices.Index(way, none); {
		case at >= 0 && (dialed.Kind != test || len(way) != 1):
			t.Fatalf("a call goes nowhere: %v", way)
		case dialed.Kind == test && len(way) == 0:
			t.Fatal("a test is refused")
		}
	})
}

// drawSpecial draws something that is an emergency or test number in a country.
func drawSpecial(t *rapid.T, country emergency.Country) string {
	numbering, _ := country.Numbering()
	urns := []string{"urn:service:sos", "urn:service:sos.police", "urn:service:test.sos", "urn:service:test.sos.fire"}
	return rapid.SampledFrom(slices.Concat(numbering.Emergency, numbering.Test, urns)).Draw(t, "dialed")
}

// drawRouting draws a voice routing that can be used.
func drawRouting(t *rapid.T) emergency.VoiceRouting {
	ids := []emergency.TrunkID{"a", "b", "c", "d"}
	some := func(label string) []emergency.Country {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(everywhere), 0, 3, rapid.ID).Draw(t, label)
	}
	var v emergency.VoiceRouting
	for i, country := range some("offers") {
		numbering, _ := country.Numbering()
		v.DirectOffers = append(v.DirectOffers, emergency.Offer{Number: fmt.Sprintf("+%s20255501%02d", numbering.CallingCode, i), Country: country})
	}
	for _, id := range ids {
		others := slices.DeleteFunc(slices.Clone(ids), func(other emergency.TrunkID) bool { return other == id })
		v.Trunks = append(v.Trunks, emergency.Trunk{
			ID: id, Emergency: rapid.Bool().Draw(t, "emergency"),
			TestNumbers: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"933", "urn:service:test.sos"}), 0, 2, rapid.ID).Draw(t, "tests"),
			FailOver:    rapid.SliceOfNDistinct(rapid.SampledFrom(others), 0, 3, rapid.ID).Draw(t, "fail-over"),
		})
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "rules") {
		v.Rules = append(v.Rules, emergency.RoutingRule{
			Name: fmt.Sprint("rule ", i), Trunk: rapid.SampledFrom(ids).Draw(t, "trunk"), Countries: some("countries"),
			Pattern: rapid.SampledFrom([]string{
				".*", "^911$", "^(999|112)$", "^(911|112|999)$", "^9(.*)$", "^933$", "sos", `^\+?[0-9]+$`, "^112", "^(1)12$",
			}).Draw(t, "pattern"),
			Rewrite: rapid.SampledFrom([]string{"", "", "$0", "0$0", "999"}).Draw(t, "rewrite"),
		})
	}
	return v
}
