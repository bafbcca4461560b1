package emergency_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

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

// advised is the pattern that a finding says to write.
var advised = regexp.MustCompile(`with the pattern (\S+) and the rewrite \$1`)

// Whatever is configured: what the findings advise helps. With the rules that they name
// in front, none shadows or rewrites a number any more (B11).
func TestFindingsAdviceHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		routing := drawRouting(t)
		sites := rapid.SliceOfN(rapid.SampledFrom(everywhere), 1, 3).Draw(t, "sites")
		plan := emergency.DialPlan{OutsideLine: rapid.SampledFrom([]string{"", "0", "9", "81"}).Draw(t, "outside line")}
		routing.Trunks = append(routing.Trunks, emergency.Trunk{ID: "sos", Emergency: true})
		for _, found := range compiled(t, routing).Findings(plan, sites) {
			if pattern := advised.FindStringSubmatch(found.Detail); pattern != nil {
				first := rule("advised "+found.Rule+found.Number+string(found.Country+"/"+emergency.Country(found.Kind)), pattern[1], "$1", "sos", found.Country)
				routing.Rules = slices.Concat([]emergency.RoutingRule{first}, routing.Rules)
			}
		}
		for _, found := range compiled(t, routing).Findings(plan, sites) {
			if advised.MatchString(found.Detail) {
				t.Fatalf("it helps nothing: %s", found.Detail)
			}
		}
	})
}

// Whatever is configured: a form of an emergency number that a phone system would send to
// a trunk without emergency behaviour, or make something else of than the number, is
// found, and a rule is blamed once for a number (B11).
func TestFindingsSeeEveryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		routing := drawRouting(t)
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		numbering, _ := country.Numbering()
		number := rapid.SampledFrom(numbering.Emergency).Draw(t, "number")
		form := rapid.SampledFrom(behind9.Forms(country, number)).Draw(t, "form")
		at := slices.IndexFunc(routing.Rules, func(rule emergency.RoutingRule) bool {
			return (len(rule.Countries) == 0 || slices.Contains(rule.Countries, country)) && regexp.MustCompile(rule.Pattern).MatchString(form)
		})
		if at < 0 {
			return
		}
		rule := routing.Rules[at]
		found := slices.DeleteFunc(compiled(t, routing).Findings(behind9, []emergency.Country{country}),
			func(f emergency.Finding) bool { return f.Country != country })
		if !carried(routing, rule) && blamed(found, emergency.FindingShadows, rule, number, form) != 1 {
			t.Fatalf("%s goes over %s by %q: %v", form, rule.Trunk, rule.Name, found)
		}
		made := regexp.MustCompile(rule.Pattern).ReplaceAllString(form, rule.Rewrite)
		wrong := rule.Rewrite != "" && made != form && strings.TrimRight(made, "#") != number &&
			(!strings.HasPrefix(form, "urn:") || !slices.Contains(numbering.Emergency, made))
		if wrong && blamed(found, emergency.FindingRewrites, rule, number, form) != 1 {
			t.Fatalf("%q makes %q of %s: %v", rule.Name, made, form, found)
		}
	})
}

// carried tells whether a rule's trunk takes emergency calls.
func carried(routing emergency.VoiceRouting, rule emergency.RoutingRule) bool {
	return slices.ContainsFunc(routing.Trunks, func(trunk emergency.Trunk) bool { return trunk.ID == rule.Trunk && trunk.Emergency })
}

// blamed is how often a rule is blamed for a number, with this form of it named.
func blamed(found []emergency.Finding, kind emergency.FindingKind, rule emergency.RoutingRule, number, form string) int {
	count := 0
	for _, f := range found {
		about := strings.HasSuffix(strings.TrimSuffix(f.Number, "#"), number) || strings.HasPrefix(f.Number, "urn:") && strings.HasPrefix(form, "urn:")
		if f.Kind == kind && f.Rule == rule.Name && about && (strings.Contains(f.Detail, form) || strings.Contains(f.Detail, "other forms")) {
			count++
		}
	}
	return count
}

// The check tries nothing but emergency numbers, and of what Classify takes off everything:
// whatever stands before a number by itself, and the key behind it (B11).
func TestFormsAreWhatIsClassified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		plan := emergency.DialPlan{OutsideLine: rapid.SampledFrom([]string{"", "0", "9", "81", "999"}).Draw(t, "outside line")}
		numbering, _ := country.Numbering()
		advised := regexp.MustCompile(plan.Advised(country))
		// A rule may have it.
		compiled(t, emergency.VoiceRouting{Trunks: two, Rules: []emergency.RoutingRule{rule("advised", advised.String(), "$1", "sos")}})
		for _, number := range numbering.Emergency {
			forms := plan.Forms(country, number)
			for _, form := range forms {
				got, err := plan.Classify(form, in(country))
				if err != nil || got.Kind != help || got.Number != number && got.Number != form {
					t.Fatalf("%s of %s is %+v, %v", form, number, got, err)
				}
				if made := advised.ReplaceAllString(form, "$1"); made != got.Number {
					t.Fatalf("the rule %s makes %s of %s", advised, made, form)
				}
			}
			for _, front := range simpleFronts(plan, country) {
				if !slices.Contains(forms, front+number) {
					t.Fatalf("%s is not tried", front+number)
				}
			}
			if !slices.Contains(forms, number+"#") || number == numbering.Emergency[0] && !slices.Contains(forms, "urn:service:sos") {
				t.Fatal("the key behind it is not tried, or a service")
			}
		}
	})
}

// The rules that the documentation gives are right for every form: put before an ordinary
// plan they leave nothing to be found (B11).
func TestFindingsOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/voice-routing.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules []emergency.RoutingRule
	for _, row := range regexp.MustCompile("(?m)^([A-Z]{2}(?:, [A-Z]{2})*):\n\n```\n(\\^.*)\n```$").FindAllStringSubmatch(string(text), -1) {
		for country := range strings.SplitSeq(row[1], ", ") {
			if advised := behind9.Advised(emergency.Country(country)); row[2] != advised {
				t.Errorf("for %s it has %s, and the check advises %s", country, row[2], advised)
			}
			rules = append(rules, rule(country, row[2], "$1", "sos", emergency.Country(country)))
		}
	}
	if len(rules) != len(everywhere) {
		t.Fatalf("it has rules for %d countries", len(rules))
	}
	rules = append(rules, rule("outside line", `^9(\d+)$`, "$1", "office"), rule("abroad", `^\+\d+$`, "", "office"), rule("the rest", ".*", "", "office"))
	for _, offers := range [][]emergency.Offer{nil, everyOffer} {
		plan := compiled(t, emergency.VoiceRouting{DirectOffers: offers, Trunks: two, Rules: rules})
		if got := plan.Findings(behind9, everywhere); len(got) > 0 {
			t.Errorf("it finds %v", brief(got))
		}
	}
}
