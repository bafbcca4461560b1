package emergency_test

import (
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// behind9 is a phone system where 9 gets an outside line.
var behind9 = emergency.DialPlan{OutsideLine: "9"}

func in(country emergency.Country) emergency.Whereabouts {
	return emergency.Whereabouts{Site: country}
}

const (
	help = emergency.KindEmergency
	test = emergency.KindTest
)

// forms are what desktops and trunks send, and what it means in which countries.
var forms = []struct {
	dialed string
	in     []emergency.Country
	number string
	kind   emergency.Kind
}{
	// 911 is the emergency number of North America, and is understood in every
	// served country (S1).
	{"911", everywhere, "911", help},
	// 112 and 999 in the United Kingdom, 112 in Denmark (S1).
	{"112", europe, "112", help},
	{"999", unitedKingdom, "999", help},
	// 933 is the test number of the United States (S1, B13).
	{"933", unitedStates, "933", test},

	// What people and desktops put around digits does not keep anybody from help.
	{" 911 ", everywhere, "911", help},
	{"9-1-1", everywhere, "911", help},
	{"(9) 1.1", everywhere, "911", help},
	{"9\u00a011", everywhere, "911", help},
	{"9\u20111–1", everywhere, "911", help},
	{"\u202d911\u202c", everywhere, "911", help},
	{"９１１", everywhere, "911", help},
	{"（９）１－１", everywhere, "911", help},
	{"٩١١", everywhere, "911", help},
	{"𝟿𝟷𝟷", everywhere, "911", help},
	{"\u200e tel:911", everywhere, "911", help},
	{"\ufeffurn:service:sos", everywhere, "urn:service:sos", help},

	// A desktop may put its calling code before what was dialed. Which one says how
	// the desktop was set up, not where its user sits.
	{"+1911", everywhere, "911", help},
	{"+44 999", unitedKingdom, "999", help},
	{"+44112", europe, "112", help},
	{"+45112", europe, "112", help},
	{"+44911", everywhere, "911", help},
	{"＋1 911", everywhere, "911", help},
	{"+1 933", unitedStates, "933", test},
	// Or a plus alone.
	{"+911", everywhere, "911", help},
	// People write the trunk prefix behind it, in brackets.
	{"+44 (0) 999", unitedKingdom, "999", help},
	{"+44 (0)911", everywhere, "911", help},
	{"+1 (1) 911", everywhere, "911", help},
	// Or it is dialed: the international prefix of where the caller is.
	{"0044999", unitedKingdom, "999", help},
	{"00 44 112", europe, "112", help},
	{"00 44 (0) 112", europe, "112", help},
	{"0045112", europe, "112", help},
	{"001911", europe, "911", help},
	{"011 1 911", northAmerica, "911", help},
	{"01144911", northAmerica, "911", help},
	{"011 1 933", unitedStates, "933", test},
	{"*67 0045 112", europe, "112", help},

	// tel: URIs (RFC 3966), with parameters and in any case of letters.
	{"tel:911", everywhere, "911", help},
	{"TEL:112", europe, "112", help},
	{"tel:911;phone-context=+1", everywhere, "911", help},
	{"tel:112;phone-context=pbx.example", europe, "112", help},
	{"tel:9-1-1?reason=fire", everywhere, "911", help},
	{"tel:+44999", unitedKingdom, "999", help},
	{"tel:%2B1911", everywhere, "911", help},
	{"tel://911", everywhere, "911", help},

	// sip: URIs (RFC 3261): the user part, whatever host and parameters follow.
	{"sip:911@pbx.example;user=phone", everywhere, "911", help},
	{"sips:112@192.0.2.1:5061;transport=tls", europe, "112", help},
	{"SIP:+1911@[2001:db8::1]", everywhere, "911", help},
	{"sip:%39%31%31@pbx.example", everywhere, "911", help},
	{"sip:911;phone-context=+1@pbx.example", everywhere, "911", help},
	{"sip:911:secret@pbx.example", everywhere, "911", help},
	{"sip:911@pbx.example?subject=112233", everywhere, "911", help},
	{"sip:911", everywhere, "911", help},

	// A SIP header writes an address with a name, or in angle brackets (RFC 3261).
	{"<sip:911@pbx.example>", everywhere, "911", help},
	{`"Emergency" <sip:911@pbx.example>`, everywhere, "911", help},
	{"Emergency <tel:112>", europe, "112", help},
	{`"Help: \"<sip:alice@pbx.example>\"" <sip:911@pbx.example>;tag=1`, everywhere, "911", help},
	{"< sip:+44999@pbx.example ;user=phone>", unitedKingdom, "999", help},
	{"<urn:service:sos.fire>", everywhere, "urn:service:sos.fire", help},
	{"<911>", everywhere, "911", help},

	// Desktops leave the scheme of a URI out.
	{"911;ext=1", everywhere, "911", help},
	{"911;phone-context=+1", everywhere, "911", help},
	{"911@pbx.example", everywhere, "911", help},
	{"112@[2001:db8::1]:5060;user=phone", europe, "112", help},

	// The key that ends the dialing is sent along, or the end of a line.
	{"911#", everywhere, "911", help},
	{"tel:112#", europe, "112", help},
	{"911\n", everywhere, "911", help},
	{"\t911\r\n", everywhere, "911", help},

	// So is what withholds the caller ID, or shows it: of an emergency call the network
	// tells it anyway.
	{"*67911", everywhere, "911", help},
	{"*67 911", everywhere, "911", help},
	{"*82-911", everywhere, "911", help},
	{"tel:*67911", everywhere, "911", help},
	{"sip:*67911@pbx.example;user=phone", everywhere, "911", help},
	{"*67+1911", everywhere, "911", help},
	{"＊67911＃", everywhere, "911", help},
	{"*67933", unitedStates, "933", test},
	{"141999", unitedKingdom, "999", help},
	{"141 112", unitedKingdom, "112", help},
	{"1470999", unitedKingdom, "999", help},
	{"*31*112", europe, "112", help},
	{"*31#112", europe, "112", help},
	{"#31#112", europe, "112", help},
	{"sip:933@pbx.example", unitedStates, "933", test},

	// A SIP desktop dials a service URN, in any case of letters (RFC 5031).
	{"urn:service:sos", everywhere, "urn:service:sos", help},
	{"URN:service:SOS", everywhere, "urn:service:sos", help},
	{"urn:service:sos.police", everywhere, "urn:service:sos.police", help},
	{"urn:service:sos.fire", everywhere, "urn:service:sos.fire", help},
	{"Urn:Service:Sos.Ambulance", everywhere, "urn:service:sos.ambulance", help},
	{"urn:service:sos.marine", everywhere, "urn:service:sos.marine", help},
	{"urn:service:sos.mountain", everywhere, "urn:service:sos.mountain", help},
	{"urn:service:sos.physician", everywhere, "urn:service:sos.physician", help},
	{"urn:service:sos.poison", everywhere, "urn:service:sos.poison", help},
	{"urn:service:sos.gas", everywhere, "urn:service:sos.gas", help},
	{"urn:service:sos.animal-control", everywhere, "urn:service:sos.animal-control", help},
	// A dot at the end is that of a sentence.
	{"urn:service:sos.", everywhere, "urn:service:sos", help},
	{"urn:service:sos.fire.", everywhere, "urn:service:sos.fire", help},
	{"urn:service:test.sos.", everywhere, "urn:service:test.sos", test},
	{"urn:service:sos;user=phone", everywhere, "urn:service:sos", help},
	// One that is not registered yet is a call for help, too.
	{"urn:service:sos.ecall.manual", everywhere, "urn:service:sos.ecall.manual", help},
	// Some desktops make a sip: URI of all that is dialed.
	{"sip:urn:service:sos@pbx.example", everywhere, "urn:service:sos", help},
	{"sip:urn%3Aservice%3Asos.fire@pbx.example", everywhere, "urn:service:sos.fire", help},
	// The test URN is a test everywhere (RFC 6881 ED-77, B13).
	{"urn:service:test.sos", everywhere, "urn:service:test.sos", test},
	{"urn:service:TEST.sos.fire", everywhere, "urn:service:test.sos.fire", test},
}

// Emergency and test numbers are known in every served country (S1, B13), in every
// form in which a desktop or a trunk sends them (B11).
func TestClassify(t *testing.T) {
	for _, c := range forms {
		for _, country := range c.in {
			t.Run(c.dialed+" in "+string(country), func(t *testing.T) {
				// A prefix for the outside line changes nothing about what has none: it
				// must never be needed (47 CFR 9.16).
				for _, plan := range []emergency.DialPlan{{}, behind9} {
					got, err := plan.Classify(c.dialed, in(country))
					if err != nil {
						t.Fatal(err)
					}
					want := emergency.Dialed{Number: c.number, Kind: c.kind, Country: country}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Error(diff)
					}
				}
			})
		}
	}
}

// When the device and the directory name two countries, a number of either is one:
// somebody who has travelled dials what he learned at home, or what he read on the
// wall. What is true of the country conveyed goes first.
func TestClassifyInTwoCountries(t *testing.T) {
	for _, c := range []struct {
		dialed   string
		at       emergency.Whereabouts
		want     emergency.Dialed
		refusals string
	}{
		{"112", emergency.Whereabouts{Site: "GB", Conveyed: "DK"}, emergency.Dialed{Number: "112", Kind: emergency.KindEmergency, Country: "DK"}, ""},
		{"999", emergency.Whereabouts{Site: "GB", Conveyed: "DK"}, emergency.Dialed{Number: "999", Kind: emergency.KindEmergency, Country: "GB"}, ""},
		{"+44999", emergency.Whereabouts{Site: "GB", Conveyed: "US"}, emergency.Dialed{Number: "999", Kind: emergency.KindEmergency, Country: "GB"}, ""},
		{"911", emergency.Whereabouts{Site: "US", Conveyed: "DK"}, emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: "DK"}, ""},
		{"933", emergency.Whereabouts{Site: "CA", Conveyed: "US"}, emergency.Dialed{Number: "933", Kind: emergency.KindTest, Country: "US"}, ""},
		{"urn:service:sos", emergency.Whereabouts{Site: "GB", Conveyed: "DK"}, emergency.Dialed{Number: "urn:service:sos", Kind: emergency.KindEmergency, Country: "DK"}, ""},
		// Words that name no country leave it with the site.
		{"999", emergency.Whereabouts{Site: "GB", Conveyed: emergency.UnknownCountry}, emergency.Dialed{Number: "999", Kind: emergency.KindEmergency, Country: "GB"}, ""},
		// Neither of the two.
		{"999", emergency.Whereabouts{Site: "US", Conveyed: "DK"}, emergency.Dialed{}, "not-an-emergency-number"},
		// Where nobody can be sent, a person must hear at once that he has to find
		// another telephone (S13).
		{"911", emergency.Whereabouts{Site: "US", Conveyed: "DE"}, emergency.Dialed{}, "country-not-served"},
		{"0044 999", emergency.Whereabouts{Site: "GB", Conveyed: "DE"}, emergency.Dialed{}, "country-not-served"},
		{"112", emergency.Whereabouts{Site: "US", Conveyed: "DE"}, emergency.Dialed{}, "country-not-served"},
		{"110", emergency.Whereabouts{Site: "GB", Conveyed: "DE"}, emergency.Dialed{}, "country-not-served"},
		// An ordinary number is one there, too.
		{"+442079460100", emergency.Whereabouts{Site: "GB", Conveyed: "DE"}, emergency.Dialed{}, "not-an-emergency-number"},
	} {
		t.Run(c.dialed+" at "+string(c.at.Site)+"/"+string(c.at.Conveyed), func(t *testing.T) {
			got, err := emergency.DialPlan{}.Classify(c.dialed, c.at)
			if code := refusalOf(t, err); code != c.refusals {
				t.Errorf("the refusal is %q, want %q", code, c.refusals)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What goes to a line is a number that the lines of the country know, however it was
// dialed: its own number as it is, and its first for a foreign one or a service (S1, B11).
// A test never becomes a call for help (B13).
func TestSent(t *testing.T) {
	for _, c := range []struct {
		country emergency.Country
		dialed  string
		want    string
	}{
		{"US", "911", "911"},
		{"PR", "911", "911"},
		{"CA", "911", "911"},
		{"GB", "999", "999"},
		{"GB", "112", "112"},
		{"DK", "112", "112"},
		// A British or Danish line need not know it.
		{"GB", "911", "999"},
		{"DK", "911", "112"},
		// What stood around it is gone.
		{"US", "9911", "911"},
		{"US", "+1911", "911"},
		{"US", "tel:911", "911"},
		{"GB", "+44999", "999"},
		{"GB", "9911", "999"},
		{"DK", "sip:+45112@pbx.example;user=phone", "112"},
		// Few lines know a service.
		{"US", "urn:service:sos", "911"},
		{"PR", "urn:service:sos.ambulance", "911"},
		{"CA", "URN:service:SOS.fire", "911"},
		{"GB", "urn:service:sos.police", "999"},
		{"DK", "sip:urn:service:sos", "112"},
		// Tests.
		{"US", "933", "933"},
		{"GB", "urn:service:test.sos", "urn:service:test.sos"},
		{"DK", "urn:service:test.sos.fire", "urn:service:test.sos.fire"},
	} {
		t.Run(c.dialed+" in "+string(c.country), func(t *testing.T) {
			dialed, err := behind9.Classify(c.dialed, in(c.country))
			if err != nil {
				t.Fatal(err)
			}
			call := emergency.Call{Dialed: dialed.Number, Kind: dialed.Kind, Country: dialed.Country}
			if dialed.Sent() != c.want || call.Sent() != c.want {
				t.Errorf("%s is sent, and %s of the call; want %s", dialed.Sent(), call.Sent(), c.want)
			}
		})
	}
	// Of a country that has left the table nobody knows better.
	if sent := (emergency.Dialed{Number: "110", Kind: help, Country: "DE"}).Sent(); sent != "110" {
		t.Errorf("%s is sent for 110 in DE", sent)
	}
}
