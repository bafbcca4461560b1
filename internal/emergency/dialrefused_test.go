package emergency_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"lifeline/internal/emergency"
)

// unserved are countries whose numbers nobody here knows.
var unserved = []emergency.Country{"", "DE", "us", "GL"}

// refusals are what is dialed and cannot work, and why.
var refusals = []struct {
	dialed string
	in     []emergency.Country
	code   string
}{
	// Numbers of other countries, ordinary ones, and none at all are no emergency.
	{"112", northAmerica, "not-an-emergency-number"},
	{"999", slices.Concat(northAmerica, europe[1:]), "not-an-emergency-number"},
	{"933", everywhere[1:], "not-an-emergency-number"},
	// A calling code changes nothing about that: it says how a desktop was set up,
	// and nobody in the United States is helped by the police of London.
	{"+44999", slices.Concat(northAmerica, europe[1:]), "not-an-emergency-number"},
	{"+45112", northAmerica, "not-an-emergency-number"},
	// Nor is a code of a country that is not served taken off.
	{"+49112", everywhere, "not-an-emergency-number"},
	// 114 is the Danish police on an ordinary matter.
	{"114", everywhere, "not-an-emergency-number"},
	// Numbers that only begin or end like one.
	{"9115551234", everywhere, "not-an-emergency-number"},
	{"112233", everywhere, "not-an-emergency-number"},
	{"9119", everywhere, "not-an-emergency-number"},
	{"1911", everywhere, "not-an-emergency-number"},
	// Without a calling code, or with the trunk prefix alone, it may be an extension.
	{"00911", everywhere, "not-an-emergency-number"},
	{"011911", everywhere, "not-an-emergency-number"},
	{"00999", everywhere, "not-an-emergency-number"},
	{"0999", everywhere, "not-an-emergency-number"},
	// An international prefix of elsewhere is an ordinary number's beginning here.
	{"0111911", europe, "not-an-emergency-number"},
	{"0044911", northAmerica, "not-an-emergency-number"},
	{"0045112", northAmerica, "not-an-emergency-number"},
	{"141 0044 999", everywhere, "not-an-emergency-number"},
	{"0049112", everywhere, "not-an-emergency-number"},
	{"+450112", everywhere, "not-an-emergency-number"},
	{"+4400999", everywhere, "not-an-emergency-number"},
	{"004499900", everywhere, "not-an-emergency-number"},
	{"00442079460999", everywhere, "not-an-emergency-number"},
	{"+19115551234", everywhere, "not-an-emergency-number"},
	{"+4511223344", everywhere, "not-an-emergency-number"},
	{"+12025550100", everywhere, "not-an-emergency-number"},
	{"+12025550911", everywhere, "not-an-emergency-number"},
	{"tel:+12025550100;ext=911", everywhere, "not-an-emergency-number"},
	{"sip:alice@911", everywhere, "not-an-emergency-number"},
	{"sip:alice@pbx.example;phone=911", everywhere, "not-an-emergency-number"},
	{"mailto:911@example.com", everywhere, "not-an-emergency-number"},
	{"91", everywhere, "not-an-emergency-number"},
	{"9111", everywhere, "not-an-emergency-number"},
	{"#911", everywhere, "not-an-emergency-number"},
	{"*911", everywhere, "not-an-emergency-number"},
	{"9#11", everywhere, "not-an-emergency-number"},
	{"#", everywhere, "not-an-emergency-number"},
	// What withholds the caller ID changes nothing about an ordinary number.
	{"*679115551234", everywhere, "not-an-emergency-number"},
	{"*67*67911", everywhere, "not-an-emergency-number"},
	{"*67", everywhere, "not-an-emergency-number"},
	{"*69911", everywhere, "not-an-emergency-number"},
	{"141112233", everywhere, "not-an-emergency-number"},
	// 141 is a code in the United Kingdom alone, and 999 no number elsewhere.
	{"141911", append(slices.Clone(northAmerica), "DK"), "not-an-emergency-number"},
	{"1471999", everywhere, "not-an-emergency-number"},
	{"#31#999", append(slices.Clone(northAmerica), "DK"), "not-an-emergency-number"},
	// What counts is the address, not the name before it or what is behind it.
	{`"911" <sip:alice@pbx.example>`, everywhere, "not-an-emergency-number"},
	{`"<911>" <tel:+12025550100>`, everywhere, "not-an-emergency-number"},
	{"911 <tel:+12025550100>;x=<911>", everywhere, "not-an-emergency-number"},
	{"sip:alice@pbx.example;x=<911>", everywhere, "not-an-emergency-number"},
	{"<tel:+12025550100>, <tel:911>", everywhere, "not-an-emergency-number"},
	{`"911"`, everywhere, "not-an-emergency-number"},
	{"<911", everywhere, "not-an-emergency-number"},
	{"<>911", everywhere, "not-an-emergency-number"},
	{"9115551234;ext=911", everywhere, "not-an-emergency-number"},
	{"alice@911", everywhere, "not-an-emergency-number"},
	{"9+11", everywhere, "not-an-emergency-number"},
	{"++911", everywhere, "not-an-emergency-number"},
	{"911\x00", everywhere, "not-an-emergency-number"},
	{"tel:%911", everywhere, "not-an-emergency-number"},
	{"", everywhere, "not-an-emergency-number"},
	{"+", everywhere, "not-an-emergency-number"},
	{"tel:", everywhere, "not-an-emergency-number"},
	{"sip:@911", everywhere, "not-an-emergency-number"},
	// Other services have URNs too.
	{"urn:service:counseling", everywhere, "not-an-emergency-number"},
	{"urn:service:sosx", everywhere, "not-an-emergency-number"},
	{"urn:service:tests.sos", everywhere, "not-an-emergency-number"},
	{"urn:service:test.test.sos", everywhere, "not-an-emergency-number"},
	// Characters, and an order of them, that no URN has.
	{"urn:service:sos.\x00", everywhere, "not-an-emergency-number"},
	{"urn:service:sos..", everywhere, "not-an-emergency-number"},
	{"urn:service:.", everywhere, "not-an-emergency-number"},
	{"urn:service:sos.-fire", everywhere, "not-an-emergency-number"},
	{"urn:service:sos\n.fire", everywhere, "not-an-emergency-number"},
	// A country that is not served is said to be so, whatever was dialed that may be an
	// emergency number somewhere: nobody here knows those of that country.
	{"911", unserved, "country-not-served"},
	{"urn:service:sos", unserved, "country-not-served"},
	{"urn:service:sos.fire.", unserved, "country-not-served"},
	{"urn:service:test.sos", unserved, "country-not-served"},
	{"110", unserved, "country-not-served"},
	{"15", unserved, "country-not-served"},
	{"10111", unserved, "country-not-served"},
	{"tel:1-1-0", unserved, "country-not-served"},
	{"sip:110@pbx.example", unserved, "country-not-served"},
	{"110#", unserved, "country-not-served"},
	{"*67110", unserved, "country-not-served"},
	{"#31#112", unserved, "country-not-served"},
	{"+110", unserved, "country-not-served"},
	{"+49110", unserved, "country-not-served"},
	{"+353112", unserved, "country-not-served"},
	// What cannot be one anywhere is an ordinary number there, too.
	{"+14155550123", unserved, "not-an-emergency-number"},
	{"5551234", unserved, "not-an-emergency-number"},
	{"9115551234", unserved, "not-an-emergency-number"},
	{"112233", unserved, "not-an-emergency-number"},
	{"+4510000", unserved, "not-an-emergency-number"},
	{"*67112233", unserved, "not-an-emergency-number"},
	{"sip:alice@110", unserved, "not-an-emergency-number"},
	{"hello", unserved, "not-an-emergency-number"},
	{"urn:service:counseling", unserved, "not-an-emergency-number"},
	{"7", unserved, "not-an-emergency-number"},
	{"+", unserved, "not-an-emergency-number"},
	{"", unserved, "not-an-emergency-number"},
	{"1+10", unserved, "not-an-emergency-number"},
	// A test number of elsewhere may be one, too: in Tonga 933 is the police.
	{"933", append(slices.Clone(unserved), "TO"), "country-not-served"},
}

// What cannot work is refused, with what to do instead.
func TestClassifyRefuses(t *testing.T) {
	for _, c := range refusals {
		for _, country := range c.in {
			t.Run(c.dialed+" in "+string(country), func(t *testing.T) {
				got, err := emergency.DialPlan{}.Classify(c.dialed, in(country))
				if code := refusalOf(t, err); code != c.code {
					t.Errorf("Classify gives %v, the refusal is %q, want %q", got, code, c.code)
				}
			})
		}
	}
}

// refusalOf is the code of a refusal, which must say why and what to do instead;
// empty without an error.
func refusalOf(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	refusal, ok := errors.AsType[*emergency.Refusal](err)
	if !ok {
		t.Fatalf("the error is no refusal: %v", err)
	}
	if refusal.Reason == "" || refusal.Instead == "" {
		t.Errorf("the refusal does not say why and what to do instead: %+v", refusal)
	}
	return refusal.Code
}

// People read the name of their country, not its code.
func TestRefusalNamesTheCountry(t *testing.T) {
	_, err := emergency.DialPlan{}.Classify("999", in(emergency.UnitedStates))
	want := emergency.Refusal{
		Code:    "not-an-emergency-number",
		Reason:  "This is not an emergency number in the United States.",
		Instead: "In an emergency dial 911, here or from a mobile phone.",
	}
	if refusal, _ := errors.AsType[*emergency.Refusal](err); refusal == nil || !reflect.DeepEqual(*refusal, want) {
		t.Errorf("the refusal is %+v, want %+v", refusal, want)
	}
}
