package emergency_test

import (
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// Whoever was in danger is told what to dial instead, by the country; of a test nobody is
// told to call for help, nor do its notices say so (B10, B13).
func TestInsteadOfARefusedCall(t *testing.T) {
	for _, c := range []struct {
		kind emergency.Kind
		at   emergency.Country
		want string
	}{
		{emergency.KindEmergency, emergency.Denmark, "Dial 112 from a mobile phone."},
		{emergency.KindEmergency, "DE", "Dial the local emergency number from a mobile phone."},
		{"", emergency.UnitedStates, "Dial 911 from a mobile phone."},
		{emergency.KindTest, emergency.UnitedStates, "This was a test, so nobody has to be called."},
	} {
		if got := (emergency.RefusedCall{Kind: c.kind, Country: c.at}).Instead(); !strings.HasPrefix(got, c.want) {
			t.Errorf("kind %q in %s: %q, want %q", c.kind, c.at, got, c.want)
		}
	}
}
