package emergency_test

import (
	"fmt"
	"testing"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// A device's number is known in every spelling, so that no line is in two hands by the
// way in which it is written (B5).
func TestEndpointNumber(t *testing.T) {
	for uri, want := range map[string]string{
		"tel:+12025550100":                           "+12025550100",
		"tel:+1-202-555-0100":                        "+12025550100",
		"tel:+1.202.555.0100":                        "+12025550100",
		"tel:+1(202)555-0100":                        "+12025550100",
		"TEL:+12025550100":                           "+12025550100",
		"tel:+12025550100;ext=12":                    "+12025550100",
		"tel:+12025550100;isub=1;ext=12":             "+12025550100",
		"tel:%2B12025550100":                         "+12025550100",
		"tel:+1%202025550100":                        "+12025550100",
		"tel:12025550100":                            "+12025550100",
		"tel:0012025550100":                          "+12025550100",
		"tel:2025550100;phone-context=+1":            "+12025550100",
		"tel:2025550100;ext=3;Phone-Context=%2B1":    "+12025550100",
		"tel:+12025550100;phone-context=+44":         "+12025550100",
		"sip:+12025550100@pbx.example":               "+12025550100",
		"sip:+12025550100;ext=1@host;user=phone":     "+12025550100",
		"SIPS:12025550100@[2001:db8::1]:5061":        "+12025550100",
		"sip:+1-202-555-0100:secret@pbx.example":     "+12025550100",
		"sip:%2b1%32025550100@pbx.example":           "+12025550100",
		"sip:2025550100;phone-context=+1@example":    "+12025550100",
		"tel:+45 10 00 01 00":                        "+4510000100",
		"tel:4711":                                   "",
		"tel:4711;phone-context=pbx.example":         "",
		"tel:911":                                    "",
		"tel:+12025550100123456":                     "",
		"tel:":                                       "",
		"":                                           "",
		"sip:one@example.com":                        "",
		"sip:one@+12025550100.example.com":           "",
		"sip:one+12025550100@example.com":            "",
		"sip:one@example.com;phone=+12025550100":     "",
		"urn:service:sos":                            "",
		"mailto:12025550100@example.com":             "",
		"tel:2025550100;phone-context=%zz":           "+2025550100",
		"tel:+12025550100;phone-context=example.com": "+12025550100",
	} {
		got, ok := emergency.EndpointNumber(uri)
		if got != want || ok != (want != "") {
			t.Errorf("EndpointNumber(%q) is %q, %v; want %q", uri, got, ok, want)
		}
	}
}

// However a number is written, it is the same one; and what comes out is one (B5).
func TestEndpointNumberInEverySpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`\+[1-9][0-9]{6,14}`).Draw(t, "number")
		uri := drawForm(t, number)
		if got, ok := emergency.EndpointNumber(uri); !ok || got != number {
			t.Fatalf("%q rings %q, %v; want %s", uri, got, ok, number)
		}
		wild := fmt.Sprint(rapid.SampledFrom([]string{"tel:", "sip:", ""}).Draw(t, "scheme"), rapid.String().Draw(t, "rest"))
		if got, ok := emergency.EndpointNumber(wild); ok != emergency.ValidE164(got) {
			t.Fatalf("%q rings %q, %v", wild, got, ok)
		}
	})
}
