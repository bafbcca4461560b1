package emergency_test

import (
	"slices"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// What an earlier version has taken and this one refuses costs nobody a way out: what is
// said twice is taken once, and a rule keeps the countries that are right (B7). Whoever
// else has the document keeps it whole.
func TestSalvageOfWhatIsSaidTwice(t *testing.T) {
	for name, spoil := range map[string]func(*emergency.VoiceRouting){
		"a country":             func(v *emergency.VoiceRouting) { v.Rules[0].Countries = []emergency.Country{"GB", "GB"} },
		"a country not served":  func(v *emergency.VoiceRouting) { v.Rules[0].Countries = []emergency.Country{"DE", "GB", "FR"} },
		"a number of a trunk":   func(v *emergency.VoiceRouting) { v.Trunks[0].Numbers = slices.Repeat(v.Trunks[0].Numbers, 3) },
		"a test number":         func(v *emergency.VoiceRouting) { v.Trunks[1].TestNumbers[1] = "933" },
		"a rule for nowhere":    func(v *emergency.VoiceRouting) { v.Rules[1].Countries = []emergency.Country{"DE"} },
		"a rule for everywhere": func(v *emergency.VoiceRouting) { v.Rules[1].Countries = make([]emergency.Country, 1001) },
	} {
		t.Run(name, func(t *testing.T) {
			routing := wholeRouting()
			spoil(&routing)
			before := wholeRouting()
			spoil(&before)
			plan := routing.Salvage()
			if diff := cmp.Diff([]emergency.Hop{over("main")}, plan.Way("GB", dialedIn(t, "999", "GB"))); diff != "" {
				t.Error(diff)
			}
			if got := plan.Way("CA", emergency.Dialed{Number: "999", Kind: help}); got != nil {
				t.Errorf("a rule for the United Kingdom is one for Canada, too: %v", got)
			}
			if !plan.MayCallFrom("+442079460100") {
				t.Error("the trunk has lost its number")
			}
			if diff := cmp.Diff(before, routing); diff != "" {
				t.Errorf("the document has changed: %s", diff)
			}
		})
	}
}
