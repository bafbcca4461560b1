package emergency_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lifeline/internal/emergency"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

// known is what S1 and B13 ask for, written down a second time so that the table
// cannot agree with itself.
var known = map[emergency.Country]map[string]emergency.Kind{
	"US": {"911": emergency.KindEmergency, "933": emergency.KindTest},
	"PR": {"911": emergency.KindEmergency},
	"CA": {"911": emergency.KindEmergency},
	"GB": {"911": emergency.KindEmergency, "999": emergency.KindEmergency, "112": emergency.KindEmergency},
	"DK": {"911": emergency.KindEmergency, "112": emergency.KindEmergency},
}

// callerIDCodes are what a telephone in a country may send before a number to withhold
// the caller ID or to show it, written down a second time. A number has no star, so those
// with one are understood in every country.
func callerIDCodes(country emergency.Country) []string {
	codes := []string{"*67", "*82", "*31*", "*31#", "#31#"}
	if country == emergency.UnitedKingdom {
		codes = append(codes, "141", "1470")
	}
	return codes
}

// fronts are what may stand before an emergency number in a country, written down a second
// time: what simpleFronts has, and a code for the caller ID before a plus or an
// international prefix.
func fronts(plan emergency.DialPlan, country emergency.Country) []string {
	all := simpleFronts(plan, country)
	for _, front := range internationalFronts(plan, country) {
		for _, code := range callerIDCodes(country) {
			if front[0] == '+' || strings.ContainsAny(code, "*#") {
				all = append(all, code+front, plan.OutsideLine+code+front)
			}
		}
	}
	return all
}

// simpleFronts are nothing, the outside line, a code for the caller ID, and both; a plus or
// the country's international prefix; and behind it a calling code with what was left there.
func simpleFronts(plan emergency.DialPlan, country emergency.Country) []string {
	line := plan.OutsideLine
	all := append(internationalFronts(plan, country), "", line)
	for _, code := range callerIDCodes(country) {
		all = append(all, code, line+code, code+line)
	}
	return all
}

// internationalFronts are those of them that begin with a plus or the international prefix.
// That may be the outside line as well, which is another thing.
func internationalFronts(plan emergency.DialPlan, country emergency.Country) []string {
	line := plan.OutsideLine
	all := []string{"+", "+" + line}
	for _, before := range []string{"+", internationalPrefix(country)} {
		for _, behind := range []string{"1", "11", "44", "440", "45", "1" + line, "44" + line, "45" + line} {
			all = append(all, before+behind)
		}
	}
	return all
}

func internationalPrefix(country emergency.Country) string {
	if country == emergency.UnitedKingdom || country == emergency.Denmark {
		return "00"
	}
	return "011"
}

// An emergency number never comes out as an ordinary one, whatever is put around
// it, and what is kept of it is the bare number (B11).
func TestEmergencyIsNeverOrdinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		number := rapid.SampledFrom(slices.Sorted(maps.Keys(known[country]))).Draw(t, "number")
		plan := emergency.DialPlan{OutsideLine: rapid.StringMatching(`[0-9]{0,3}`).Draw(t, "outside line")}
		front := rapid.SampledFrom(fronts(plan, country)).Draw(t, "front")
		end := rapid.SampledFrom([]string{"", "", "#", "##"}).Draw(t, "end")
		dialed := drawForm(t, front+number+end)
		got, err := plan.Classify(dialed, in(country))
		want := emergency.Dialed{Number: number, Kind: known[country][number], Country: country}
		if err != nil || got != want {
			t.Fatalf("%q is %+v, %v; want %+v", dialed, got, err, want)
		}
	})
}

// What passes for an emergency number behind a plus or an international prefix is
// nobody's number in the public data, in the country where it is dialed (B11).
func TestEmergencyIsNobodysNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		number := rapid.SampledFrom(slices.Sorted(maps.Keys(known[country]))).Draw(t, "number")
		plan := emergency.DialPlan{OutsideLine: rapid.StringMatching(`[0-9]{0,3}`).Draw(t, "outside line")}
		front := rapid.SampledFrom(fronts(plan, country)).Draw(t, "front")
		if front == plan.OutsideLine || strings.ContainsAny(front, "*#") || !strings.HasPrefix(front, "+") && !strings.HasPrefix(front, "0") {
			return // the outside line is a local matter, and a code no part of a number
		}
		parsed, err := phonenumbers.Parse(front+number, string(country))
		if err == nil && phonenumbers.IsValidNumber(parsed) {
			t.Fatalf("%s is a number, with the outside line %q in %s", front+number, plan.OutsideLine, country)
		}
	})
}

// So it is with service URNs (RFC 5031).
func TestServiceURNIsNeverOrdinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		urn := rapid.StringMatching(`urn:service:(test\.)?sos(\.[a-z0-9](-?[a-z0-9]){0,8}){0,3}`).Draw(t, "urn")
		kind := emergency.KindEmergency
		if strings.Contains(urn, "test.sos") && !strings.HasPrefix(urn, "urn:service:sos") {
			kind = emergency.KindTest
		}
		dialed := drawCase(t, urn) + rapid.SampledFrom([]string{"", "", "."}).Draw(t, "end")
		if rapid.Bool().Draw(t, "as a sip: URI") {
			dialed = "sip:" + drawEscapes(t, dialed) + "@pbx.example"
		}
		dialed = drawName(t, dialed) + rapid.SampledFrom([]string{"", "\n", "\t "}).Draw(t, "space")
		got, err := emergency.DialPlan{}.Classify(dialed, in(country))
		if err != nil || got != (emergency.Dialed{Number: urn, Kind: kind, Country: country}) {
			t.Fatalf("%q is %+v, %v; want %s", dialed, got, err, urn)
		}
	})
}

// An ordinary number never comes out as an emergency: neither a national or an
// international one, nor an extension, nor one that begins or ends like an
// emergency number (B11).
func TestOrdinaryIsNeverEmergency(t *testing.T) {
	const sos = `(911|933|112|999)`
	number := rapid.OneOf(
		rapid.StringMatching(`1?[2-9][0-9]{2}[2-9][0-9]{6}`), // North America
		rapid.StringMatching(`0[1-9][0-9]{8,9}`),             // United Kingdom
		rapid.StringMatching(`[2-9][0-9]{7}`),                // Denmark
		rapid.StringMatching(`\+(1[2-9][0-9]{9}|44[1-9][0-9]{8,9}|45[2-9][0-9]{7})`),
		rapid.StringMatching(`\+[1-9][0-9]{6,14}`),           // anywhere (E.164)
		rapid.StringMatching(`\+(1|44|45)`+sos+`[0-9]{4,8}`), // begins like one
		rapid.StringMatching(`[0-9]{1,6}`),                   // an extension
		rapid.StringMatching(sos+`[0-9]{1,9}`),
		rapid.StringMatching(`[0-9]{1,9}`+sos),
		rapid.StringMatching(`[*#]{1,2}[0-9]{0,4}`+sos), // some feature code
		rapid.StringMatching(`(\*67|\*82|[*#]31#|\*31\*)[0-9*#+]{0,3}`+sos+`[0-9*+]{0,4}`),
		rapid.StringMatching(`14(1|70)[0-9]{0,2}`+sos+`[0-9]{0,4}`),
		rapid.StringMatching(`(\+|00|011)(1|44|45)[0-9]{0,4}`+sos+`[0-9]{0,4}`),
		rapid.StringMatching(`[0-9]{0,3}(00|011)[0-9]{0,3}`+sos),
	)
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom(everywhere).Draw(t, "country")
		plan := emergency.DialPlan{OutsideLine: rapid.StringMatching(`([0-9]{1,3})?`).Draw(t, "outside line")}
		digits := number.Draw(t, "number")
		if isKnown(digits, plan, country) {
			return
		}
		// Nor does the rule take it that the dial-plan check advises.
		if regexp.MustCompile(plan.Advised(country)).MatchString(digits) {
			t.Fatalf("%s matches %s", plan.Advised(country), digits)
		}
		dialed := drawForm(t, digits)
		got, err := plan.Classify(dialed, in(country))
		refusal, ok := errors.AsType[*emergency.Refusal](err)
		if !ok || refusal.Code != "not-an-emergency-number" {
			t.Fatalf("%q with the prefix %q is %+v, %v", dialed, plan.OutsideLine, got, err)
		}
	})
}

// isKnown tells whether somebody who presses these keys asks for help.
func isKnown(keys string, plan emergency.DialPlan, country emergency.Country) bool {
	keys = strings.TrimRight(keys, "#")
	for number := range known[country] {
		if front, found := strings.CutSuffix(keys, number); found && slices.Contains(fronts(plan, country), front) {
			return true
		}
	}
	return false
}

// Nothing that can be dialed breaks the service: it is refused with words for the
// person, or it is a number that is safe to keep and to show, and that is the same
// emergency when it is dialed in its turn.
func FuzzClassify(f *testing.F) {
	for _, dialed := range []string{
		"911", "9911", "+44 999", "tel:911;phone-context=+1", "sip:911@pbx.example;user=phone", "sips:%39%31%31@[::1]",
		"urn:service:sos.animal-control", "URN:SERVICE:TEST.SOS", "sip:urn%3Aservice%3Asos@h", "９１１", "٩١١", "\u202d911\u202c",
		`"911" <sip:911@pbx.example>;tag=1`, "<tel:112>", "911;ext=1", "911@pbx.example", "112#", "*67 911", "#31#112", "1470999",
		"9115551234", "+19115551234", "tel:%", `"<"<>`, "sip:@", "\xff911", "urn:service:sos.\x00", "+", ":", "",
	} {
		for _, country := range everywhere {
			f.Add(dialed, "9", string(country), "")
		}
		f.Add(dialed, "", "GB", "DK")
		f.Add(dialed, "0", "DE", "ZZ")
	}
	f.Fuzz(func(t *testing.T, dialed, outside, site, conveyed string) {
		plan := emergency.DialPlan{OutsideLine: outside}
		at := emergency.Locate(emergency.Country(site), &emergency.Location{Address: &emergency.Address{Country: conveyed}})
		got, err := plan.Classify(dialed, at)
		if err != nil {
			refusalOf(t, err)
			return
		}
		odd := func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) || unicode.IsSpace(r) }
		if got.Number == "" || strings.ContainsFunc(got.Number, odd) {
			t.Fatalf("%q passes as %q", dialed, got.Number)
		}
		if _, short := known[got.Country][got.Number]; !short && !strings.HasPrefix(got.Number, "urn:service:") {
			t.Fatalf("%q passes as %q in %s", dialed, got.Number, got.Country)
		}
		again, err := emergency.DialPlan{}.Classify(got.Number, in(got.Country))
		if err != nil || again != got {
			t.Fatalf("%q is %+v, and that is %+v, %v", dialed, got, again, err)
		}
	})
}

// drawForm writes a number as some desktop or trunk might: in another script, with
// something between the digits, as a URI, with escapes, with a name before it.
func drawForm(t *rapid.T, number string) string {
	between := rapid.StringOfN(rapid.SampledFrom([]rune("   --.()/,\t\u00a0\u2009\u2011–−\u200b\u202d\u2060（）－．·")), 0, 2, -1)
	zero := rapid.SampledFrom([]rune("0000０٠०")).Draw(t, "script")
	var written strings.Builder
	written.WriteString(between.Draw(t, "before"))
	for _, r := range number {
		if unicode.IsDigit(r) {
			r += zero - '0'
		}
		written.WriteRune(r)
		written.WriteString(between.Draw(t, "after"))
	}
	scheme := rapid.SampledFrom([]string{"", "", "tel:", "sip:", "sips:"}).Draw(t, "scheme")
	user := written.String()
	if scheme != "" {
		user = drawEscapes(t, user)
	}
	parameters := rapid.SampledFrom([]string{"", ";phone-context=pbx.example", ";ext=911;phone-context=pbx.example"}).Draw(t, "parameters")
	host := ""
	if scheme != "tel:" {
		host = rapid.SampledFrom([]string{"", "@pbx.example;user=phone", "@192.0.2.1:5060", "@[2001:db8::911]?subject=x"}).Draw(t, "host")
	}
	return drawName(t, drawCase(t, scheme)+user+parameters+host)
}

// drawName puts an address into a SIP header, behind whatever name (RFC 3261).
func drawName(t *rapid.T, address string) string {
	header := rapid.SampledFrom([]string{
		"%s", "%s", "<%s>", "911 <%s>;tag=911", `"Emergency" <%s>`, `"Desk \"112\" <999>"<%s>`, "%s\r\n", "\t%s",
	}).Draw(t, "header")
	return fmt.Sprintf(header, address)
}

// drawCase changes small letters into capitals here and there.
func drawCase(t *rapid.T, text string) string {
	return strings.Map(func(r rune) rune {
		if rapid.Bool().Draw(t, "capital") {
			return unicode.ToUpper(r)
		}
		return r
	}, text)
}

// drawEscapes percent-encodes some of a text's characters (RFC 3986).
func drawEscapes(t *rapid.T, text string) string {
	var escaped strings.Builder
	for _, r := range text {
		if rapid.IntRange(0, 3).Draw(t, "escape") > 0 {
			escaped.WriteRune(r)
			continue
		}
		for _, b := range []byte(string(r)) {
			fmt.Fprintf(&escaped, "%%%02X", b)
		}
	}
	return escaped.String()
}
