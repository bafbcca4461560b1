package emergency_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// field is which field an error blames; empty without an error.
func field(t *testing.T, err error) string {
	t.Helper()
	var invalid *emergency.Invalid
	if err != nil && !errors.As(err, &invalid) {
		t.Fatalf("the error is no *Invalid: %v", err)
	}
	if invalid == nil {
		return ""
	}
	return invalid.Field
}

// An agent who is accepted can be called back and kept in any database.
func TestAgentValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*emergency.Agent)
		blames string
	}{
		{"whole", func(*emergency.Agent) {}, ""},
		{"no ID", func(a *emergency.Agent) { a.ID = "" }, "agentId"},
		// IDs stand in workflow attributes and logs: no e-mail address, no space.
		{"an address as ID", func(a *emergency.Agent) { a.ID = "one@example.com" }, "agentId"},
		{"no name", func(a *emergency.Agent) { a.Name = " " }, "name"},
		{"the longest name", func(a *emergency.Agent) { a.Name = strings.Repeat("ø", 200) }, ""},
		{"a name too long", func(a *emergency.Agent) { a.Name = strings.Repeat("x", 201) }, "name"},
		// PostgreSQL keeps no null, and SQLite does: so neither is asked to.
		{"a null in the name", func(a *emergency.Agent) { a.Name = "One\x00" }, "name"},
		{"a name that is no text", func(a *emergency.Agent) { a.Name = "\xff" }, "name"},
		{"no site", func(a *emergency.Agent) { a.SiteID = "" }, "siteId"},
		// Without a device nobody can be called back (S4).
		{"no device", func(a *emergency.Agent) { a.Endpoints = nil }, "endpoints"},
		{"nine devices", func(a *emergency.Agent) { a.Endpoints = make([]string, 9) }, "endpoints"},
		// Who may not call yet is an agent all the same (S12, S15).
		{"no profile and no number", func(a *emergency.Agent) { a.CapacityProfiles, a.CallingNumber = nil, "" }, ""},
		{"profiles and a number", func(a *emergency.Agent) {
			a.CapacityProfiles, a.CallingNumber = []string{"voice", "chat-2"}, "+12025550100"
		}, ""},
		{"a national number", func(a *emergency.Agent) { a.CallingNumber = "2025550100" }, "callingNumber"},
		{"an emergency number to call from", func(a *emergency.Agent) { a.CallingNumber = "+911" }, "callingNumber"},
		{"a profile of two words", func(a *emergency.Agent) { a.CapacityProfiles = []string{"voice", "two words"} }, "capacityProfiles"},
		{"a profile without a name", func(a *emergency.Agent) { a.CapacityProfiles = []string{""} }, "capacityProfiles"},
		{"many profiles", func(a *emergency.Agent) { a.CapacityProfiles = slices.Repeat([]string{"voice"}, 20) }, ""},
		{"too many profiles", func(a *emergency.Agent) { a.CapacityProfiles = slices.Repeat([]string{"voice"}, 21) }, "capacityProfiles"},
	} {
		t.Run(c.name, func(t *testing.T) {
			agent := emergency.Agent{ID: "agent-us", Name: "One", SiteID: "us", Endpoints: []string{"tel:+12025550100", "sip:one@example.com"}}
			c.change(&agent)
			if got := field(t, agent.Validate()); got != c.blames {
				t.Errorf("Validate blames %q, want %q", got, c.blames)
			}
		})
	}
}

// An agent's device can be rung, and does not call for help itself (S4, B6).
func TestEndpointsValidate(t *testing.T) {
	for _, c := range []struct {
		name, uri string
		right     bool
	}{
		{"a bare number", "+12025550100", false},
		{"another scheme", "mailto:a@example.com", false},
		{"sip without a host", "sip:one", false},
		{"sips", "sips:one@example.com;transport=tls", true},
		{"an extension", "tel:4711", true},
		{"a number with an extension", "tel:+12025550100;ext=12", true},
		{"a number with brackets", "TEL:+1(202)555-0100", true},
		{"a number with many parameters", "tel:4711;phone-context=pbx.example;ext=1;isub=2;lr", true},
		{"sip in capitals", "SIP:+12025550100;ext=1@pbx.example;user=phone", true},
		{"brackets alone", "tel:()", false},
		{"a number at a host", "tel:+12025550100@pbx.example", false},
		{"half a parameter", "tel:+12025550100;ext=", false},
		{"a parameter in two lines", "tel:+12025550100;ext=1\n2", false},
		{"a letter", "tel:+1202555010x", false},
		// A callback that rings the emergency service calls it a second time (B6).
		{"911", "tel:911", false},
		{"a number of another country", "tel:9-9-9", false},
		{"112 on a telephone system", "sip:112@pbx.example;user=phone", false},
		{"911 in disguise", "SIPS:%2B1911;ext=2@pbx.example", false},
		{"the test number", "tel:933;phone-context=+1", false},
		{"a service", "sip:urn:service:sos.fire@pbx.example", false},
		{"a test of a service", "sip:urn%3Aservice%3Atest.sos@pbx.example", false},
		{"a host with such a name", "sip:one@911.example.com", true},
		{"a number that begins so", "tel:9115551234", true},
		{"another that does", "tel:9112", true},
		{"a line break", "tel:4711\nsip:a@example.com", false},
		{"no text", "sip:a\xffb@example.com", false},
		{"a null", "sip:a\x00b@example.com", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			agent := emergency.Agent{ID: "agent-us", Name: "One", SiteID: "us", Endpoints: []string{"sip:one@example.com", c.uri}}
			if got := field(t, agent.Validate()); (got == "") != c.right || !c.right && got != "endpoints" {
				t.Errorf("Validate blames %q", got)
			}
		})
	}
}

// A site's address lies in its country, where help is sent from; one in a territory may
// name the country to which that belongs.
func TestSiteAddressCountry(t *testing.T) {
	for _, c := range []struct {
		site    emergency.Country
		written string
		right   bool
	}{
		{emergency.UnitedStates, "US", true},
		{emergency.UnitedStates, "United States of America", true},
		{emergency.UnitedStates, "", true},
		{emergency.UnitedStates, "GB", false},
		{emergency.UnitedStates, "Denmark", false},
		{emergency.UnitedStates, "PR", false},
		{emergency.PuertoRico, "US", true},
		{emergency.PuertoRico, "PR", true},
	} {
		site := emergency.Site{
			ID: "one", Name: "One", Country: c.site, StandingNumber: "+12025550100",
			Address: emergency.Address{Street: "1 Example Street", City: "Example", Country: c.written},
		}
		if got := field(t, site.Validate()); (got == "") != c.right || !c.right && got != "address.country" {
			t.Errorf("of an address in %q of a site in %s, Validate blames %q", c.written, c.site, got)
		}
	}
}

// A site that is accepted can be found, shown and rung.
func TestSiteValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*emergency.Site)
		blames string
	}{
		{"whole", func(*emergency.Site) {}, ""},
		{"no ID", func(s *emergency.Site) { s.ID = "-" }, "siteId"},
		{"no name", func(s *emergency.Site) { s.Name = "" }, "name"},
		{"a blank name", func(s *emergency.Site) { s.Name = "  " }, "name"},
		{"a null in the name", func(s *emergency.Site) { s.Name = "One\x00" }, "name"},
		// Only five countries and territories are served (S1).
		{"another country", func(s *emergency.Site) { s.Country = "DE" }, "country"},
		// A call must have something to show when the pool is empty (B5).
		{"no standing number", func(s *emergency.Site) { s.StandingNumber = "" }, "standingNumber"},
		{"a national standing number", func(s *emergency.Site) { s.StandingNumber = "2025550100" }, "standingNumber"},
		// A desk is not demanded, but if there is one it can be rung (B6).
		{"no desk", func(s *emergency.Site) { s.FallbackEndpoint = "" }, ""},
		{"a desk that cannot be rung", func(s *emergency.Site) { s.FallbackEndpoint = "desk" }, "fallbackEndpoint"},
		// Help needs to know the door.
		{"the final number alone", func(s *emergency.Site) { s.FallbackEndpoint, s.FinalNumber = "", "+12025550110" }, ""},
		{"a final number that is none", func(s *emergency.Site) { s.FinalNumber = "0199" }, "finalNumber"},
		{"a final number as a URI", func(s *emergency.Site) { s.FinalNumber = "tel:+12025550110" }, "finalNumber"},
		// A callback to the standing number would ring the standing number.
		{"a desk at the standing number", func(s *emergency.Site) { s.FallbackEndpoint = "tel:+1-202-555-0100" }, "fallbackEndpoint"},
		{"a desk at it with an extension", func(s *emergency.Site) { s.FallbackEndpoint = "TEL:+1(202)555-0100;ext=9" }, "fallbackEndpoint"},
		{"a desk at it over SIP", func(s *emergency.Site) { s.FallbackEndpoint = "sip:12025550100@pbx.example" }, "fallbackEndpoint"},
		{"a desk at it without the country", func(s *emergency.Site) { s.FallbackEndpoint = "tel:202-555-0100" }, "fallbackEndpoint"},
		{"a desk next to it", func(s *emergency.Site) { s.FallbackEndpoint = "tel:+1-202-555-0101;ext=9" }, ""},
		// Nor may it become a call for help.
		{"a desk at 911", func(s *emergency.Site) { s.FallbackEndpoint = "tel:911" }, "fallbackEndpoint"},
		{"a desk at a service", func(s *emergency.Site) { s.FallbackEndpoint = "sip:urn:service:sos@pbx.example" }, "fallbackEndpoint"},
		{"911 as the final number", func(s *emergency.Site) { s.FinalNumber = "911" }, "finalNumber"},
		{"an international 112 as the final number", func(s *emergency.Site) { s.FinalNumber = "+45112" }, "finalNumber"},
		{"a final number that is the standing one", func(s *emergency.Site) { s.FinalNumber = "+12025550100" }, "finalNumber"},
		// A device rings long enough to be answered, and the emergency service waits (B6).
		{"the shortest rings", func(s *emergency.Site) { s.AgentRing, s.FallbackRing = 5*time.Second, 5*time.Second }, ""},
		{"the longest rings", func(s *emergency.Site) { s.AgentRing, s.FallbackRing = 2*time.Minute, 2*time.Minute }, ""},
		{"an agent's ring too short", func(s *emergency.Site) { s.AgentRing = 4 * time.Second }, "agentRingSeconds"},
		{"an agent's ring too long", func(s *emergency.Site) { s.AgentRing = 121 * time.Second }, "agentRingSeconds"},
		{"a desk's ring below nothing", func(s *emergency.Site) { s.FallbackRing = -time.Second }, "fallbackRingSeconds"},
		{"a desk's ring too long", func(s *emergency.Site) { s.FallbackRing = time.Hour }, "fallbackRingSeconds"},
		// Tests are told to a list of their own, or to nobody (B13).
		{"a list", func(s *emergency.Site) { s.Recipients = "Chief <chief@example.org>; desk@example.org;" }, ""},
		{"a list that is none", func(s *emergency.Site) { s.Recipients = "chief" }, "recipients"},
		{"a time zone", func(s *emergency.Site) { s.TimeZone = "Europe/Copenhagen" }, ""},
		{"a time zone that is none", func(s *emergency.Site) { s.TimeZone = "Europe/Nowhere" }, "timeZone"},
		{"whatever zone the machine is in", func(s *emergency.Site) { s.TimeZone = "Local" }, "timeZone"},
		{"a time zone from elsewhere on the disk", func(s *emergency.Site) { s.TimeZone = "../../etc/passwd" }, "timeZone"},
		{"a test list", func(s *emergency.Site) { s.TestRecipients = "Drills <drills@example.org>; lab@example.org;" }, ""},
		{"a test list that is none", func(s *emergency.Site) { s.TestRecipients = "drills" }, "testRecipients"},
		{"a test list too long", func(s *emergency.Site) { s.TestRecipients = many(51) }, "testRecipients"},
		{"no street", func(s *emergency.Site) { s.Address.Street = "" }, "address"},
		{"no city", func(s *emergency.Site) { s.Address.City = "" }, "address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			site := emergency.Site{
				ID: "us", Name: "Washington", Country: emergency.UnitedStates, StandingNumber: "+12025550100",
				FallbackEndpoint: "tel:+12025550109", Address: emergency.Address{Street: "1 Example Street", City: "Washington"},
			}
			c.change(&site)
			if got := field(t, site.Validate()); got != c.blames {
				t.Errorf("Validate blames %q, want %q", got, c.blames)
			}
		})
	}
}

// An address reads on one line, without gaps where a part is missing.
func TestAddressString(t *testing.T) {
	for want, address := range map[string]emergency.Address{
		"": {},
		"1 Example Street, Floor 3, Washington, DC 20001, US": {
			Street: "1 Example Street", Unit: "Floor 3", City: "Washington", Region: "DC", PostalCode: "20001", Country: "US",
		},
		"Eksempelvej 1, København, 1050": {Street: "Eksempelvej 1", City: "København", PostalCode: "1050"},
	} {
		if got := address.String(); got != want {
			t.Errorf("the address reads %q, want %q", got, want)
		}
	}
}

// A location is a place on earth, or is not there.
func TestLocationValidate(t *testing.T) {
	number := func(f float64) *float64 { return &f }
	east, west := time.FixedZone("east", 3600), time.FixedZone("west", -3600)
	for _, c := range []struct {
		name     string
		location *emergency.Location
		blames   string
	}{
		// A dial without a location is complete: the site's address is conveyed.
		{"none", nil, ""},
		{"empty", &emergency.Location{}, ""},
		{"a point", &emergency.Location{Latitude: number(-90), Longitude: number(180), Accuracy: number(0)}, ""},
		{"half a point", &emergency.Location{Latitude: number(1)}, "location.longitude"},
		{"the other half", &emergency.Location{Longitude: number(1)}, "location.latitude"},
		{"beyond the pole", &emergency.Location{Latitude: number(90.1), Longitude: number(0)}, "location.latitude"},
		{"around the world", &emergency.Location{Latitude: number(0), Longitude: number(-180.1)}, "location.longitude"},
		{"a negative radius", &emergency.Location{Accuracy: number(-1)}, "location.accuracy"},
		{"an endless radius", &emergency.Location{Accuracy: number(math.Inf(1))}, "location.accuracy"},
		{"no number", &emergency.Location{Latitude: number(math.NaN()), Longitude: number(0)}, "location.latitude"},
		{"no radius", &emergency.Location{Accuracy: number(math.NaN())}, "location.accuracy"},
		// Permissions are those of the W3C's Permissions API (S13).
		{"granted", &emergency.Location{Permission: "granted"}, ""},
		{"denied", &emergency.Location{Permission: "denied"}, ""},
		{"prompt", &emergency.Location{Permission: "prompt"}, ""},
		{"another permission", &emergency.Location{Permission: "Granted"}, "location.permission"},
		// Whether a time can be right is asked when it counts; it must be one that can be written.
		{"long ago", &emergency.Location{CapturedAt: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{"far ahead", &emergency.Location{CapturedAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, ""},
		{"before the year 0", &emergency.Location{CapturedAt: time.Date(0, 1, 1, 0, 0, 0, 0, east)}, "location.capturedAt"},
		{"after the year 9999", &emergency.Location{CapturedAt: time.Date(9999, 12, 31, 23, 59, 59, 0, west)}, "location.capturedAt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := field(t, c.location.Validate()); got != c.blames {
				t.Errorf("Validate blames %q, want %q", got, c.blames)
			}
		})
	}
}

// A location that passes can be written down, in UTC as everything is.
func TestLocationCanBeKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latitude, longitude := rapid.Float64().Draw(t, "latitude"), rapid.Float64().Draw(t, "longitude")
		zone := time.FixedZone("", rapid.IntRange(-86399, 86399).Draw(t, "zone"))
		year := rapid.SampledFrom([]int{-1, 0, 1, 2026, 9999, 10000}).Draw(t, "year")
		month := time.Month(rapid.SampledFrom([]int{1, 12}).Draw(t, "month"))
		location := &emergency.Location{
			Latitude: &latitude, Longitude: &longitude,
			CapturedAt: time.Date(year, month, rapid.SampledFrom([]int{1, 31}).Draw(t, "day"), 12, 0, 0, 0, zone),
		}
		if rapid.Bool().Draw(t, "no point") {
			location.Latitude, location.Longitude = nil, nil
		}
		if location.Validate() != nil {
			return
		}
		location.CapturedAt = location.CapturedAt.UTC()
		if _, err := json.Marshal(location); err != nil {
			t.Fatal(err)
		}
	})
}

// A number of the pool is written as ITU-T E.164 wants it.
func TestE164(t *testing.T) {
	for number, valid := range map[string]bool{
		"+12025550100": true, "+4520123456": true, "+123456789012345": true,
		"12025550100": false, "+02025550100": false, "+1234567890123456": false, "+1 202 555 0100": false,
		"+1202555010a": false, "": false, "911": false, "+12025550100\n": false,
	} {
		if got := emergency.ValidE164(number); got != valid {
			t.Errorf("ValidE164(%q) is %v", number, got)
		}
	}
}
