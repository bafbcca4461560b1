package emergency_test

import (
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// Each finding says what happens, and what to do about it (B11).
func TestFindingsSayWhatToDo(t *testing.T) {
	plan := func(offers []emergency.Offer, rules ...emergency.RoutingRule) *emergency.VoicePlan {
		return compiled(t, emergency.VoiceRouting{DirectOffers: offers, Trunks: two, Rules: rules})
	}
	all, sos := rule("all", `^\d+$`, "", "office"), rule("help", "^911$", "", "sos")
	const instead = `Have its pattern leave that out, or put a rule for US before it, with the pattern ` +
		`^(?:(?:\*67|\*82|\*31\*|\*31#|#31#)?9|(?:(?:9)?(?:\*67|\*82|\*31\*|\*31#|#31#))?(?:\+(?:9|1|11|19|44|440|449|45|459)?)?|` +
		`011(?:1|11|19|44|440|449|45|459))(911|urn:service:sos(?:\..*)?)#*$ and the rewrite $1, ` +
		`to a trunk whose emergency behaviour is configured.`
	forms := rule("forms", `^(.+911#*|911#|urn:.*)$`, "", "sos")
	for want, p := range map[string]*emergency.VoicePlan{
		`The rule "all" sends 911, 9911, 0111911, 01111911 and 6 other forms of it over the trunk office, which has no emergency behaviour. ` + instead:                                         plan(everyOffer, all),
		`The rule "any" sends 911, 9911, +1911, *679911 and 43 other forms of it over the trunk office, which has no emergency behaviour. ` + instead:                                           plan(everyOffer, rule("any", ".*", "", "office")),
		`The rule "four" sends 9911 over the trunk office, which has no emergency behaviour. ` + instead:                                                                                        plan(everyOffer, rule("four", `^\d{4}$`, "", "office")),
		`The rule "three" sends 911 over the trunk office, which has no emergency behaviour. Move the rule "help" before it.`:                                                                   plan(nil, rule("three", `^\d{3}$`, "", "office"), sos),
		`The rule "any" sends 911, 9911, +1911, *679911 and 43 other forms of it over the trunk office, which has no emergency behaviour. Move the rule "help" and the rule "forms" before it.`: plan(nil, rule("any", ".*", "", "office"), sos, forms),
		// It does not help to move what leaves some of the forms.
		`The rule "two" sends 911, 9911, +1911, *679911 and 43 other forms of it over the trunk office, which has no emergency behaviour. ` + instead: plan(nil, rule("two", "..", "", "office"), sos),
		`The rule "all" takes 911 before the rule "help", which is meant for it. Move that one before it.`:                                            plan(nil, rule("all", ".*", "", "other"), sos),
		`The rule "cut" makes "11" of 911. ` + instead: plan(nil, rule("cut", "^9(11)$", "$1", "sos")),
		`The rule "zero" makes "0911" of 911, "09911" of 9911, "0+1911" of +1911, "0*679911" of *679911 and 43 other forms of it. ` + instead:                                      plan(nil, rule("zero", "^(.*)$", "0$1", "sos")),
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
		{emergency.DialPlan{OutsideLine: "99"}, []string{"US 911 rewrites cut"}},
	} {
		if diff := cmp.Diff(c.want, brief(plan.Findings(c.plan, unitedStates))); diff != "" {
			t.Errorf("%+v: %s", c.plan, diff)
		}
	}
}

// Fail-over to a trunk that takes no emergency call is told for the rules that emergency
// calls go by, once for each (B11, S15).
func TestFindingsOfFailOver(t *testing.T) {
	trunks := []emergency.Trunk{
		{ID: "main", Emergency: true, FailOver: []emergency.TrunkID{"office", "spare", "lab"}},
		{ID: "spare", Emergency: true, FailOver: []emergency.TrunkID{"main"}},
		// What one of these would fail over to is no matter: no emergency call comes to it.
		{ID: "office", FailOver: []emergency.TrunkID{"lab"}},
		{ID: "lab", TestNumbers: []string{"933"}},
	}
	british := rule("British", `^(\+44|9)?(999|112|911)$`, "$2", "main", "GB")
	for name, c := range map[string]struct {
		rules []emergency.RoutingRule
		want  []string
	}{
		"a rule to it":           {[]emergency.RoutingRule{british}, []string{"GB 999 skips British"}},
		"two rules to it":        {[]emergency.RoutingRule{rule("112", "^112$", "", "main", "GB"), british}, []string{"GB 999 skips British", "GB 112 skips 112"}},
		"to another":             {[]emergency.RoutingRule{rule("all", `^(\+44|9)?(999|112|911)$`, "$2", "spare", "GB")}, nil},
		"a rule that is not met": {[]emergency.RoutingRule{rule("all", `^(\+44|9)?(999|112|911)$`, "$2", "spare", "GB"), british}, nil},
		"no rule":                {nil, nil},
	} {
		plan := compiled(t, emergency.VoiceRouting{DirectOffers: everyOffer, Trunks: trunks, Rules: c.rules})
		if diff := cmp.Diff(c.want, brief(plan.Findings(behind9, unitedKingdom))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	plan := compiled(t, emergency.VoiceRouting{Trunks: trunks, Rules: []emergency.RoutingRule{british}})
	want := `The rule "British" sends 999, 112 and 911 over the trunk main, which does not fail over to office and lab, where no emergency ` +
		`behaviour is configured. Configure it, or take that out of the list.`
	if got := plan.Findings(behind9, unitedKingdom); len(got) != 1 || got[0].Detail != want {
		t.Errorf("it says %+v", got)
	}
}
