package emergency_test

import (
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// maxAge is how old a location may be here.
const maxAge = time.Hour

// bureau is an agent in London who may call: over a trunk there, over direct offers in
// Denmark and the United States.
func bureau(t interface{ Fatal(args ...any) }) emergency.Caller {
	return emergency.Caller{
		Agent: emergency.Agent{ID: "one", CapacityProfiles: []string{"voice"}},
		Site: emergency.Site{
			ID: "london", Country: emergency.UnitedKingdom,
			FallbackEndpoint: "tel:+442079460109", TestRecipients: "drills@example.org",
		},
		Contacts: []string{"desk@example.org"},
		Reported: &emergency.ReportedLocation{
			Location: emergency.Location{Address: &emergency.Address{Street: "4 Example Road", Country: "GB"}}, At: tuesday,
		},
		Routing: compiled(t, emergency.VoiceRouting{
			DirectOffers: []emergency.Offer{{Number: "+4510000100", Country: "DK"}, {Number: "+12025550100", Country: "US"}},
			Trunks:       carriers,
			Rules:        []emergency.RoutingRule{{Name: "British", Pattern: "^(999|112|911)$", Trunk: "main", Countries: []emergency.Country{"GB"}}},
			OutboundProfiles: []emergency.OutboundProfile{
				{ID: "voice", CapacityProfile: "voice", Numbers: []string{"+442079460100"}},
				{ID: "chat", CapacityProfile: "chat"},
			},
		}),
	}
}

// at is a location in a country.
func at(country string) *emergency.Location {
	return &emergency.Location{Address: &emergency.Address{Street: "1 Example Street", Country: country}}
}

// Nothing is in the way of a caller for whom everything is set up (S12 to S15).
func TestReady(t *testing.T) {
	got := emergency.Attempt{Caller: bureau(t), At: tuesday, LocationMaxAge: maxAge}.Assess()
	want := emergency.Assessment{
		AgentID: "one", SiteID: "london", Conveyed: at("GB"), Dialed: emergency.Dialed{Number: "999", Kind: help, Country: "GB"},
		Way: []emergency.Hop{over("main"), over("spare")},
	}
	want.Conveyed.Address.Street = "4 Example Road"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Readiness() != emergency.Ready || len(got.Failed()) > 0 || got.Refusal("GB") != nil {
		t.Errorf("the caller is %s: %v", got.Readiness(), got.Failed())
	}
}

// A floor or a room is one of the site's, so nobody need say in which country (S13).
func TestRoomIsAtTheSite(t *testing.T) {
	room := &emergency.Location{Address: &emergency.Address{Unit: "Floor 3, room 7"}}
	got := emergency.Attempt{Caller: bureau(t), Location: room, At: tuesday, LocationMaxAge: maxAge}.Assess()
	if got.Readiness() != emergency.Ready || got.Dialed.Country != emergency.UnitedKingdom {
		t.Errorf("the caller is %s in %s: %v", got.Readiness(), got.Dialed.Country, got.Checks)
	}
}

// flaws spoil one thing about a caller or a dial each. Every check has one at least.
var flaws = []struct {
	name  string
	spoil func(*emergency.Attempt)
	// refuses are the checks that fail; warns are those that only warn.
	refuses, warns []emergency.CheckCode
}{
	// Without a profile nobody calls out (S12), and none lends a number (S15).
	{
		"no capacity profile", func(a *emergency.Attempt) { a.Caller.Agent.CapacityProfiles = nil },
		[]emergency.CheckCode{emergency.CheckNoCapacityProfile, emergency.CheckNoCallingNumber},
		nil,
	},
	{
		"a capacity profile of no outbound profile", func(a *emergency.Attempt) { a.Caller.Agent.CapacityProfiles = []string{"mail"} },
		[]emergency.CheckCode{emergency.CheckNoOutboundProfile, emergency.CheckNoCallingNumber},
		nil,
	},
	// What the desktop says of its location is believed (S13).
	{
		"location denied", func(a *emergency.Attempt) { a.Location = &emergency.Location{Permission: emergency.LocationDenied} },
		[]emergency.CheckCode{emergency.CheckLocationOff},
		nil,
	},
	{
		"location not asked for yet", func(a *emergency.Attempt) { a.Location = &emergency.Location{Permission: emergency.LocationPrompt} },
		[]emergency.CheckCode{emergency.CheckLocationOff},
		nil,
	},
	{
		"location denied before the dial", func(a *emergency.Attempt) {
			a.Caller.Reported = &emergency.ReportedLocation{Location: emergency.Location{Permission: emergency.LocationDenied}, At: tuesday}
		},
		[]emergency.CheckCode{emergency.CheckLocationOff},
		nil,
	},
	{
		"location too old", func(a *emergency.Attempt) {
			a.Location = at("GB")
			a.Location.CapturedAt = tuesday.Add(-maxAge - time.Nanosecond)
		},
		[]emergency.CheckCode{emergency.CheckLocationStale},
		nil,
	},
	// A clock that is far ahead does not make a location new for ever.
	{
		"location from the future", func(a *emergency.Attempt) {
			a.Location = at("GB")
			a.Location.CapturedAt = tuesday.Add(maxAge + time.Nanosecond)
		},
		[]emergency.CheckCode{emergency.CheckLocationStale},
		nil,
	},
	{
		"location from the end of time", func(a *emergency.Attempt) {
			a.Location = at("GB")
			a.Location.CapturedAt = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		},
		[]emergency.CheckCode{emergency.CheckLocationStale},
		nil,
	},
	{
		"location that was too old when it was reported", func(a *emergency.Attempt) {
			reported := emergency.ReportedLocation{Location: *at("GB"), At: tuesday.Add(-time.Minute)}
			reported.CapturedAt = reported.At.Add(-maxAge - time.Second)
			a.Caller.Reported = &reported
		},
		[]emergency.CheckCode{emergency.CheckLocationStale},
		nil,
	},
	{
		"a country that is not served", func(a *emergency.Attempt) { a.Location = at("DE") },
		[]emergency.CheckCode{emergency.CheckCountryNotServed},
		nil,
	},
	{
		"a site in such a country", func(a *emergency.Attempt) { a.Caller.Site.Country, a.Caller.Reported = "DE", nil },
		[]emergency.CheckCode{emergency.CheckCountryNotServed},
		[]emergency.CheckCode{emergency.CheckLocationUnknown},
	},
	// The number is there, is one, and may call for help (S15).
	{
		"no number to call from", func(a *emergency.Attempt) { a.Caller.Agent.CapacityProfiles = []string{"chat"} },
		[]emergency.CheckCode{emergency.CheckNoCallingNumber},
		nil,
	},
	{
		"a number that is none", func(a *emergency.Attempt) { a.Caller.Agent.CallingNumber = "020 7946 0100" },
		[]emergency.CheckCode{emergency.CheckCallingNumberInvalid},
		nil,
	},
	{
		"a number of nobody's", func(a *emergency.Attempt) { a.Caller.Agent.CallingNumber = "+442079460142" },
		[]emergency.CheckCode{emergency.CheckCallingNumberNotAllowed},
		nil,
	},
	{
		"a number of a trunk that is not agreed on", func(a *emergency.Attempt) { a.Caller.Agent.CallingNumber = "+12025550150" },
		[]emergency.CheckCode{emergency.CheckCallingNumberNotAllowed},
		nil,
	},
	// Neither rule nor direct offer where the caller is (S15, S16).
	{
		"no way out", func(a *emergency.Attempt) { a.Location = at("CA") },
		[]emergency.CheckCode{emergency.CheckNoRoute},
		[]emergency.CheckCode{emergency.CheckCountriesDiffer},
	},
	{
		"nothing configured", func(a *emergency.Attempt) { a.Caller.Routing = nil },
		[]emergency.CheckCode{emergency.CheckNoOutboundProfile, emergency.CheckNoCallingNumber, emergency.CheckNoRoute},
		nil,
	},
	{
		"nothing configured but the agent's number", func(a *emergency.Attempt) {
			a.Caller.Routing, a.Caller.Agent.CallingNumber = nil, "+442079460100"
		},
		[]emergency.CheckCode{emergency.CheckNoOutboundProfile, emergency.CheckCallingNumberNotAllowed, emergency.CheckNoRoute},
		nil,
	},
	// All that fails is named at once.
	{
		"everything", func(a *emergency.Attempt) {
			a.Caller.Agent.CapacityProfiles, a.Caller.Routing = nil, nil
			a.Location = &emergency.Location{Permission: emergency.LocationDenied, Address: &emergency.Address{Country: "DE"}}
		},
		[]emergency.CheckCode{
			emergency.CheckNoCapacityProfile, emergency.CheckLocationOff, emergency.CheckCountryNotServed, emergency.CheckNoCallingNumber,
		},
		nil,
	},
	// A telephone tells no location, and its holder must be able to call.
	{
		"no location", func(a *emergency.Attempt) { a.Caller.Reported = nil },
		nil,
		[]emergency.CheckCode{emergency.CheckLocationUnknown},
	},
	{
		"a location told too long ago", func(a *emergency.Attempt) { a.Caller.Reported.At = tuesday.Add(-maxAge - time.Nanosecond) },
		nil,
		[]emergency.CheckCode{emergency.CheckLocationUnknown},
	},
	{
		"a denial told too long ago", func(a *emergency.Attempt) {
			a.Caller.Reported = &emergency.ReportedLocation{
				Location: emergency.Location{Permission: emergency.LocationDenied}, At: tuesday.Add(-maxAge - time.Nanosecond),
			}
		},
		nil,
		[]emergency.CheckCode{emergency.CheckLocationUnknown},
	},
	// A location that names no place is none.
	{
		"a location without a place", func(a *emergency.Attempt) {
			a.Caller.Reported, a.Location = nil, &emergency.Location{Permission: emergency.LocationGranted, Address: &emergency.Address{}}
		},
		nil,
		[]emergency.CheckCode{emergency.CheckLocationUnknown},
	},
	{
		"a time without a place", func(a *emergency.Attempt) { a.Location = &emergency.Location{CapturedAt: tuesday} },
		nil,
		[]emergency.CheckCode{emergency.CheckLocationUnknown},
	},
	{
		"another country", func(a *emergency.Attempt) { a.Location = at("DK") },
		nil,
		[]emergency.CheckCode{emergency.CheckCountriesDiffer},
	},
	{
		"a country in unknown words", func(a *emergency.Attempt) { a.Location = at("nowhere") },
		nil,
		[]emergency.CheckCode{emergency.CheckLocationCountryUnknown, emergency.CheckCountriesDiffer},
	},
	// A place is known, and in which country it is, is not: never silent, never refused.
	{
		"coordinates alone", func(a *emergency.Attempt) {
			a.Location = &emergency.Location{Latitude: new(51.5), Longitude: new(-0.1)}
		},
		nil,
		[]emergency.CheckCode{emergency.CheckLocationCountryUnknown},
	},
	{
		"coordinates alone, told before", func(a *emergency.Attempt) {
			a.Caller.Reported.Location = emergency.Location{Latitude: new(55.7), Longitude: new(12.6), Permission: emergency.LocationGranted}
		},
		nil,
		[]emergency.CheckCode{emergency.CheckLocationCountryUnknown},
	},
	{
		"an address without a country", func(a *emergency.Attempt) { a.Location = at(" ") },
		nil,
		[]emergency.CheckCode{emergency.CheckLocationCountryUnknown},
	},
	{
		"a room and coordinates", func(a *emergency.Attempt) {
			a.Location = &emergency.Location{Latitude: new(51.5), Longitude: new(-0.1), Address: &emergency.Address{Unit: "Room 7"}}
		},
		nil,
		[]emergency.CheckCode{emergency.CheckLocationCountryUnknown},
	},
	{
		"a country by a name that is not known here", func(a *emergency.Attempt) { a.Location = at("Deutschland") },
		nil,
		[]emergency.CheckCode{emergency.CheckLocationCountryUnknown, emergency.CheckCountriesDiffer},
	},
	// E-mail never refuses a call (S14).
	{
		"mailbox off", func(a *emergency.Attempt) { a.Caller.Agent.MailboxOff = true },
		nil,
		[]emergency.CheckCode{emergency.CheckMailboxOff},
	},
	{
		"mailbox off and nobody to tell", func(a *emergency.Attempt) { a.Caller.Agent.MailboxOff, a.Caller.Contacts = true, nil },
		nil,
		[]emergency.CheckCode{emergency.CheckMailboxOff},
	},
	{
		"nobody to tell", func(a *emergency.Attempt) { a.Caller.Contacts = nil },
		nil,
		[]emergency.CheckCode{emergency.CheckNoContacts},
	},
	// Nobody behind the agent is bad, and better than no call (B6).
	{
		"nobody behind the agent", func(a *emergency.Attempt) { a.Caller.Site.FallbackEndpoint = "" },
		nil,
		[]emergency.CheckCode{emergency.CheckNoFallback},
	},
}

// Each condition that does not hold is named, refusals first; warnings never refuse,
// and whatever refuses says what to do instead (S12 to S16).
func TestChecks(t *testing.T) {
	shown := map[emergency.CheckCode]bool{}
	for _, c := range flaws {
		t.Run(c.name, func(t *testing.T) {
			attempt := emergency.Attempt{Caller: bureau(t), At: tuesday, LocationMaxAge: maxAge}
			c.spoil(&attempt)
			got := attempt.Assess()
			if diff := cmp.Diff(slices.Concat(c.refuses, c.warns), codes(got.Checks)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.warns, got.Warnings()); diff != "" {
				t.Errorf("warnings: %s", diff)
			}
			want := emergency.ReadyWithWarnings
			if len(c.refuses) > 0 {
				want = emergency.NotReady
			}
			if got.Readiness() != want {
				t.Errorf("the caller is %s, want %s", got.Readiness(), want)
			}
			refusal := got.Refusal("GB")
			if len(c.refuses) == 0 {
				if refusal != nil {
					t.Errorf("warnings refuse the call: %v", refusal)
				}
				return
			}
			if diff := cmp.Diff(c.refuses, codes(refusal.Checks)); diff != "" {
				t.Errorf("refusal: %s", diff)
			}
			if refusal.Code != string(c.refuses[0]) || refusal.Reason == "" || refusal.Instead != "Dial 999 from a mobile phone." {
				t.Errorf("the person is told %+v", refusal)
			}
		})
		for _, code := range slices.Concat(c.refuses, c.warns) {
			shown[code] = true
		}
	}
	for _, code := range allChecks {
		if !shown[code] {
			t.Errorf("nothing shows the check %s", code)
		}
	}
}

// allChecks are the codes that programs know.
var allChecks = []emergency.CheckCode{
	"no-capacity-profile", "no-outbound-profile", "location-off", "location-stale", "country-not-served",
	"no-calling-number", "calling-number-invalid", "calling-number-not-allowed", "no-route",
	"location-unknown", "location-country-unknown", "countries-differ", "mailbox-off", "no-contacts", "no-fallback",
}

func codes(checks []emergency.Check) []emergency.CheckCode {
	var all []emergency.CheckCode
	for _, check := range checks {
		all = append(all, check.Code)
	}
	return all
}

// Every check has a sentence for each of its readers; a code from a newer version
// explains itself.
func TestExplain(t *testing.T) {
	said := map[string]emergency.CheckCode{}
	for _, code := range allChecks {
		check := emergency.Explain(code)
		for _, sentence := range []string{check.Agent, check.Administrator} {
			if len(sentence) < 20 || sentence[len(sentence)-1] != '.' {
				t.Errorf("%s says %q", code, sentence)
			}
			if other, twice := said[sentence]; twice {
				t.Errorf("%s and %s both say %q", code, other, sentence)
			}
			said[sentence] = code
		}
	}
	if diff := cmp.Diff(emergency.Check{Code: "new", Agent: "new", Administrator: "new"}, emergency.Explain("new")); diff != "" {
		t.Error(diff)
	}
}
