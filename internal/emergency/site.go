package emergency

import (
	"errors"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the machine need not have the zones
)

// SiteID names a site, for example "us-washington".
type SiteID string

// Site is one emergency address with the callback numbers that carriers have
// registered for it. A number is never leased to a caller at another site, or
// help would go to the wrong door.
type Site struct {
	ID      SiteID
	Name    string
	Country Country
	Address Address
	// StandingNumber is shown when no callback number is free, in E.164 (B5).
	StandingNumber string
	// FallbackEndpoint answers a callback that the agent does not: the site's
	// security desk, as a tel: or sip: URI (B6).
	FallbackEndpoint string
	// FinalNumber is rung when the desk does not answer, in E.164; empty for none
	// (B6).
	FinalNumber string
	// AgentRing and FallbackRing are how long a callback rings each device of the
	// agent, and each of those behind; zero for the default.
	AgentRing, FallbackRing time.Duration
	// Recipients are always told of a call here, and again when nobody acknowledges
	// (S17, B9): one field like an agent's contacts.
	Recipients string
	// TestRecipients are told of test calls, in one field like an agent's contacts
	// (B13).
	TestRecipients string
	// TimeZone is the IANA name of the zone that notices tell the time in; empty for
	// UTC.
	TimeZone string
	// Revision grows with every change, from 1.
	Revision int64
}

// Contacts are the addresses of the site's own list. What is stored was valid when it
// was saved; if a later rule refuses it, a call goes on without them (B7).
func (s Site) Contacts() []string {
	addresses, _ := ParseRecipients(s.Recipients)
	return addresses
}

// TestContacts are the addresses of the test list. What is stored was valid when it
// was saved; if a later rule refuses it, a test goes on without a notice.
func (s Site) TestContacts() []string {
	addresses, _ := ParseRecipients(s.TestRecipients)
	return addresses
}

// Address is a dispatchable location: where help should go, down to the floor
// and room (47 CFR 9.3).
type Address struct {
	Street     string `json:"street,omitempty"`
	Unit       string `json:"unit,omitempty"`
	City       string `json:"city,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country,omitempty"`
}

// String is the address on one line, for people.
func (a Address) String() string {
	parts := []string{a.Street, a.Unit, a.City, strings.TrimSpace(a.Region + " " + a.PostalCode), a.Country}
	filled := parts[:0]
	for _, part := range parts {
		if part != "" {
			filled = append(filled, part)
		}
	}
	return strings.Join(filled, ", ")
}

// Validate reports the first field that cannot be used, as an *Invalid. Whether the
// standing number is one that can be called back is for CheckCallback to say where it is
// new: sites that have another since long keep it until somebody changes it.
func (s Site) Validate() error {
	switch {
	case !validID(string(s.ID)):
		return &Invalid{"siteId", "must be 1 to 64 letters, digits, dots, dashes or underscores"}
	case !readable(s.Name, maxName):
		return &Invalid{"name", "must be 1 to 200 printable characters"}
	case !s.Country.Served():
		return &Invalid{"country", "must be one of " + listCountries()}
	case !ValidE164(s.StandingNumber):
		return &Invalid{"standingNumber", mustBeE164}
	case s.Address.Street == "" || s.Address.City == "":
		return &Invalid{"address", "needs at least a street and a city"}
	case !s.Address.within(s.Country):
		return &Invalid{"address.country", "must be the site's country, " + string(s.Country) + ", or be left out: help is sent to this address"}
	}
	for _, list := range []struct{ field, typed string }{{"recipients", s.Recipients}, {"testRecipients", s.TestRecipients}} {
		_, err := ParseRecipients(list.typed)
		if refused, ok := errors.AsType[*Invalid](err); ok {
			return &Invalid{list.field, refused.Problem}
		}
	}
	if err := CheckZone("timeZone", s.TimeZone); err != nil {
		return err
	}
	return s.validateCallbacks()
}

// CheckZone is an *Invalid for the field unless everybody means the same time zone by the
// name: the machine's own is none. The empty name is UTC's.
func CheckZone(field, name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return &Invalid{field, "must be the IANA name of a time zone, for example Europe/Copenhagen"}
	}
	return nil
}

// validateCallbacks looks at who is rung when the agent does not answer (B6).
func (s Site) validateCallbacks() error {
	const circle = "must not be the standing number: a callback to it would go round in a circle"
	switch {
	case s.FallbackEndpoint != "" && !validEndpoint(s.FallbackEndpoint):
		return &Invalid{"fallbackEndpoint", "must be a tel: or sip: URI"}
	case reachesHelp(s.FallbackEndpoint):
		return &Invalid{"fallbackEndpoint", noDevice}
	case slices.Contains(CalledNumbers(s.FallbackEndpoint), s.StandingNumber):
		return &Invalid{"fallbackEndpoint", circle}
	case s.FinalNumber != "" && !ValidE164(s.FinalNumber):
		return &Invalid{"finalNumber", mustBeE164}
	case s.FinalNumber == s.StandingNumber:
		return &Invalid{"finalNumber", circle}
	case !validRing(s.AgentRing):
		return &Invalid{"agentRingSeconds", "must be 5 to 120, or 0 for the default"}
	case !validRing(s.FallbackRing):
		return &Invalid{"fallbackRingSeconds", "must be 5 to 120, or 0 for the default"}
	default:
		return nil
	}
}

// validRing tells whether a device can ring for so long: a PSAP gives up soon.
func validRing(ring time.Duration) bool {
	return ring == 0 || ring >= 5*time.Second && ring <= 2*time.Minute
}
