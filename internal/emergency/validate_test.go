package emergency_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

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
		{"a bare number", func(a *emergency.Agent) { a.Endpoints = []string{"+12025550100"} }, "endpoints"},
		{"another scheme", func(a *emergency.Agent) { a.Endpoints = []string{"mailto:a@example.com"} }, "endpoints"},
		{"sip without a host", func(a *emergency.Agent) { a.Endpoints = []string{"sip:one"} }, "endpoints"},
		{"sips", func(a *emergency.Agent) { a.Endpoints = []string{"sips:one@example.com;transport=tls"} }, ""},
		{"an extension", func(a *emergency.Agent) { a.Endpoints = []string{"tel:4711"} }, ""},
		{"a line break", func(a *emergency.Agent) { a.Endpoints = []string{"tel:4711\nsip:a@example.com"} }, "endpoints"},
		{"no text", func(a *emergency.Agent) { a.Endpoints = []string{"sip:a\xffb@example.com"} }, "endpoints"},
		{"a null", func(a *emergency.Agent) { a.Endpoints = []string{"sip:a\x00b@example.com"} }, "endpoints"},
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
	for _, c := range []struct {
		name     string
		location *emergency.Location
		blames   string
	}{
		// A dial without a location is complete: the site's address is conveyed.
		{"none", nil, ""},
		{"empty", &emergency.Location{}, ""},
		{"a point", &emergency.Location{Latitude: number(-90), Longitude: number(180), Accuracy: number(0)}, ""},
		{"half a point", &emergency.Location{Latitude: number(1)}, "location"},
		{"beyond the pole", &emergency.Location{Latitude: number(90.1), Longitude: number(0)}, "location.latitude"},
		{"around the world", &emergency.Location{Latitude: number(0), Longitude: number(-180.1)}, "location.longitude"},
		{"a negative radius", &emergency.Location{Accuracy: number(-1)}, "location.accuracy"},
		{"an endless radius", &emergency.Location{Accuracy: number(math.Inf(1))}, "location.accuracy"},
		{"no number", &emergency.Location{Latitude: number(math.NaN()), Longitude: number(0)}, "location.latitude"},
		{"no radius", &emergency.Location{Accuracy: number(math.NaN())}, "location.accuracy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := field(t, c.location.Validate()); got != c.blames {
				t.Errorf("Validate blames %q, want %q", got, c.blames)
			}
		})
	}
}

// A location that passes can be written down.
func TestLocationCanBeKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latitude, longitude := rapid.Float64().Draw(t, "latitude"), rapid.Float64().Draw(t, "longitude")
		location := &emergency.Location{Latitude: &latitude, Longitude: &longitude}
		if location.Validate() != nil {
			return
		}
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
