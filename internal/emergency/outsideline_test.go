package emergency_test

import (
	"testing"

	"lifeline/internal/emergency"
)

// Behind the prefix for an outside line, and only there, an emergency number is one
// as well (B11).
func TestClassifyOutsideLine(t *testing.T) {
	for _, c := range []struct {
		prefix, dialed string
		in             emergency.Country
		want           string
	}{
		{"9", "9911", "US", "911"},
		{"9", "9 911", "US", "911"},
		{"9", "9,911", "US", "911"},
		{"9", "9-112", "DK", "112"},
		{"9", "9999", "GB", "999"},
		{"9", "9933", "US", "933"},
		{"9", "tel:9911", "US", "911"},
		{"9", "sip:9911@pbx.example;user=phone", "US", "911"},
		{"0", "0112", "GB", "112"},
		{"99", "99911", "US", "911"},
		// The number alone is not taken for a prefix and a rest.
		{"9", "911", "US", "911"},
		{"9", "999", "GB", "999"},
		{"91", "911", "US", "911"},
		// A code for the caller ID stands before it or behind it.
		{"9", "9*67911", "US", "911"},
		{"9", "*679911", "US", "911"},
		{"9", "9141999", "GB", "999"},
		{"9", "1419999", "GB", "999"},
		{"9", "9*679911", "US", ""},
		{"9", "*6799911", "US", ""},
		// The prefix counts once, in front, and is not dialed before a plus.
		{"9", "99911", "US", ""},
		{"9", "9119", "US", ""},
		{"9", "99911", "DK", ""},
		{"9", "9+1911", "US", ""},
		{"9", "900451", "DK", ""},
		{"9", "90045112", "DK", ""}, // a Danish number
		{"9", "*67 90045112", "DK", ""},
		{"9", "90044999", "GB", ""}, // a number of Belfast
		{"9", "90111911", "US", ""},
		// A desktop makes an international number of all that is dialed.
		{"9", "+9911", "US", "911"},
		{"9", "+19911", "US", "911"},
		{"9", "+449999", "GB", "999"},
		{"9", "+459112", "DK", "112"},
		{"9", "tel:+19911", "PR", "911"},
		{"9", "*67+9911", "US", "911"},
		{"9", "00459112", "DK", "112"},
		{"99", "+9999112", "GB", ""},
		{"9", "+99911", "US", ""},
		{"9", "+199911", "US", ""},
		{"9", "+91911", "US", ""},
		{"", "+9911", "US", ""},
		{"", "+19911", "US", ""},
		{"8", "+19911", "US", ""},
		// It does not make anything else an emergency.
		{"9", "99115551234", "US", ""},
		{"9", "9112", "US", ""},
		{"9", "912345", "US", ""},
		{"1", "1911", "CA", "911"},
		// Without one, or with another, it is an extension.
		{"", "9911", "US", ""},
		{"0", "9911", "US", ""},
	} {
		t.Run(c.prefix+" "+c.dialed+" in "+string(c.in), func(t *testing.T) {
			plan := emergency.DialPlan{OutsideLine: c.prefix}
			got, err := plan.Classify(c.dialed, in(c.in))
			if got.Number != c.want || (err == nil) != (c.want != "") {
				t.Errorf("Classify gives %+v, %v; want %q", got, err, c.want)
			}
		})
	}
}

// In a country not served a number is short enough to be one of its emergency numbers with
// the prefix or without it.
func TestClassifyOutsideLineUnserved(t *testing.T) {
	for dialed, want := range map[string]string{
		"9110": "country-not-served", "910111": "country-not-served", "9*67110": "country-not-served", "*679110": "country-not-served",
		"9112233": "not-an-emergency-number", "99115551234": "not-an-emergency-number",
	} {
		_, err := behind9.Classify(dialed, emergency.Whereabouts{Site: "GB", Conveyed: "DE"})
		if code := refusalOf(t, err); code != want {
			t.Errorf("%s gives %q, want %q", dialed, code, want)
		}
	}
}

// A prefix is a few digits, or there is none. It is nobody's way to call for help, in
// any country (B11): 911 for a line and 911 for help could not be told apart.
func TestDialPlanValidate(t *testing.T) {
	for prefix, valid := range map[string]bool{
		"": true, "9": true, "0": true, "81": true, "99": true, "91": true, "119": true,
		"1234": false, "+": false, "9-": false, "*9": false, "９": false, "9\n": false,
		"911": false, "999": false, "112": false, "933": false,
	} {
		if got := field(t, emergency.DialPlan{OutsideLine: prefix}.Validate()); (got == "") != valid {
			t.Errorf("a prefix of %q is blamed on %q", prefix, got)
		}
	}
}
