package emergency_test

import (
	"fmt"
	"testing"

	"lifeline/internal/emergency"
)

// mostForms is how many forms of a number are tried at most: each is looked for in every
// rule.
const mostForms = 100

// The forms of a number stay few, however many ways there are to put them together.
func TestFormsAreFew(t *testing.T) {
	for _, country := range everywhere {
		numbering, _ := country.Numbering()
		for _, number := range numbering.Emergency {
			if got := len(behind9.Forms(country, number)); got > mostForms {
				t.Errorf("%d forms of %s in %s", got, number, country)
			}
		}
	}
}

// The longest list of rules is checked with bounded work: at most one finding of a kind
// for each form of each number, one that it is missed, and one of what it fails over to.
func TestFindingsAreBounded(t *testing.T) {
	var routing emergency.VoiceRouting
	for i := range 1000 {
		id := emergency.TrunkID(fmt.Sprint("trunk-", i))
		routing.Trunks = append(routing.Trunks, emergency.Trunk{ID: id, Emergency: i%2 == 1})
		routing.Rules = append(routing.Rules, rule(fmt.Sprint("rule ", i), fmt.Sprintf(`^((\+?\d{0,9})|%d)$`, i), "0$1", id))
	}
	if got := len(compiled(t, routing).Findings(behind9, everywhere)); got == 0 || got > 5*3*(mostForms+mostForms+1+1) {
		t.Errorf("it finds %d", got)
	}
}

// BenchmarkFindings checks as many rules as there may be, none of which is right.
func BenchmarkFindings(b *testing.B) {
	routing := emergency.VoiceRouting{Trunks: two}
	for i := range 1000 {
		routing.Rules = append(routing.Rules, rule(fmt.Sprint("rule ", i), fmt.Sprintf(`^(91%d?\d{0,9}|9?(911|112)%d?)$`, i, i), "$1", "other"))
	}
	routing.Rules = append(routing.Rules[:999], rule("emergency", "^911$", "", "sos"))
	plan := compiled(b, routing)
	for b.Loop() {
		plan.Findings(behind9, everywhere)
	}
}
