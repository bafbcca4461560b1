package emergency_test

import (
	"fmt"
	"slices"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// likeliest is the first of the numbers that may be meant.
func likeliest(to string) (string, bool) {
	readings := emergency.CalledNumbers(to)
	if len(readings) == 0 {
		return "", false
	}
	return readings[0], true
}

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
		"tel:+44(0)20-7946-0100":                     "+442079460100",
		"tel:020-7946-0100;phone-context=+44":        "+442079460100",
		"tel:1-202-555-0100;phone-context=+1":        "+12025550100",
		"<tel:+12025550100>":                         "+12025550100",
		"tel:*67+12025550100":                        "",
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
		"tel:2025550100;phone-context=%zz":           "+12025550100",
		"tel:+12025550100;phone-context=example.com": "+12025550100",
	} {
		got, ok := likeliest(uri)
		if got != want || ok != (want != "") {
			t.Errorf("%q is read as %q, %v; want %q", uri, got, ok, want)
		}
	}
}

// However a number is written, it is the same one; and what comes out is one (B5).
func TestEndpointNumberInEverySpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`\+(1[2-9][0-9]{2}[2-9][0-9]{6}|44[1-9][0-9]{8,9}|45[1-9][0-9]{7}|[235-9][0-9]{6,14})`).Draw(t, "number")
		uri := drawForm(t, number)
		if got, ok := likeliest(uri); !ok || got != number {
			t.Fatalf("%q rings %q, %v; want %s", uri, got, ok, number)
		}
		wild := fmt.Sprint(rapid.SampledFrom([]string{"tel:", "sip:", ""}).Draw(t, "scheme"), rapid.String().Draw(t, "rest"))
		if got, ok := likeliest(wild); ok != emergency.ValidE164(got) {
			t.Fatalf("%q rings %q, %v", wild, got, ok)
		}
	})
}

// A callback reaches the agent in whatever form the trunk writes the number (S4).
func TestCalledNumber(t *testing.T) {
	for to, want := range map[string]string{
		"+12025550101":                              "+12025550101",
		"12025550101":                               "+12025550101",
		"0012025550101":                             "+12025550101",
		" +1 (202) 555-0101 ":                       "+12025550101",
		"tel:+1-202-555-0101;phone-context=+1":      "+12025550101",
		"tel:202-555-0101;phone-context=+1":         "+12025550101",
		"sip:+12025550101@pbx.example;user=phone":   "+12025550101",
		"sips:12025550101@pbx.example":              "+12025550101",
		"<sip:+12025550101@pbx.example>;tag=1":      "+12025550101",
		`"Callback" <sip:+12025550101@pbx.example>`: "+12025550101",
		"+44 (0)20 7946 0100":                       "+442079460100",
		"02079460100":                               "+442079460100",
		"2025550101":                                "+12025550101",
		"tel:(202)555-0101":                         "+12025550101",
		"10000101":                                  "+4510000101",
		"4505550101":                                "+14505550101",
		"201234567":                                 "+201234567",
		"":                                          "",
		"911":                                       "",
		"security desk":                             "",
		"sip:alice@pbx.example":                     "",
		"sip:+12025550101;phone-context=+1@x;x=<1>":  "+12025550101",
		"sip:one@example.com;phone-context=+1202555": "",
	} {
		if got, _ := likeliest(to); got != want {
			t.Errorf("%q is read as %q, want %q", to, got, want)
		}
	}
}

// A trunk may leave the country out. Then a number may be meant in every country that
// writes its numbers so, and in none that does not (S4).
func TestCalledNumbers(t *testing.T) {
	for to, want := range map[string][]string{
		"2025550101":                 {"+12025550101", "+2025550101"},
		"sip:2025550101@pbx.example": {"+12025550101", "+2025550101"},
		"<tel:(202)555-0101;ext=3>":  {"+12025550101", "+2025550101"},
		"12025550101":                {"+12025550101"},
		"02079460100":                {"+442079460100"},
		"10000101":                   {"+4510000101", "+10000101"},
		"4510000101":                 {"+4510000101"},
		// Denmark, or Oregon.
		"4585550101":                    {"+4585550101", "+14585550101"},
		"+2025550101":                   {"+2025550101"},
		"002025550101":                  {"+2025550101"},
		"2025550101;phone-context=+45":  {"+452025550101"},
		"tel:10000101;phone-context=+1": {"+110000101"},
		"911":                           nil,
		"4711":                          nil,
		"sip:alice@pbx.example":         nil,
		"#31#10000101":                  nil,
	} {
		if diff := cmp.Diff(want, emergency.CalledNumbers(to), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: %s", to, diff)
		}
	}
}

// However somebody in a served country writes a number of that country, it is among
// those that a call may have been made to, once; and all of them are E.164 (S4).
func TestCalledNumbersHaveIt(t *testing.T) {
	national := map[string]*rapid.Generator[string]{
		"+1": rapid.StringMatching(`[2-9][0-9]{2}[2-9][0-9]{6}`), "+44": rapid.StringMatching(`[1-9][0-9]{8,9}`), "+45": rapid.StringMatching(`[1-9][0-9]{7}`),
	}
	trunk := map[string][]string{"+1": {"", "1", "001", "+1"}, "+44": {"0", "44", "0044", "+44", "+440"}, "+45": {"", "45", "0045", "+45"}}
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom([]string{"+1", "+44", "+45"}).Draw(t, "code")
		rest := national[code].Draw(t, "number")
		to := drawForm(t, rapid.SampledFrom(trunk[code]).Draw(t, "front")+rest)
		got := emergency.CalledNumbers(to)
		slices.Sort(got)
		if !slices.Contains(got, code+rest) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("%q was made to one of %v, want %s", to, got, code+rest)
		}
		if slices.ContainsFunc(got, func(number string) bool { return !emergency.ValidE164(number) }) {
			t.Fatalf("%q was made to one of %v", to, got)
		}
	})
}
