package emergency

import "strings"

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

// Validate reports the first field that cannot be used, as an *Invalid.
func (s Site) Validate() error {
	switch {
	case !validID(string(s.ID)):
		return &Invalid{"siteId", "must be 1 to 64 letters, digits, dots, dashes or underscores"}
	case !readable(s.Name, maxName):
		return &Invalid{"name", "must be 1 to 200 printable characters"}
	case !s.Country.Served():
		return &Invalid{"country", "must be one of " + listCountries()}
	case !ValidE164(s.StandingNumber):
		return &Invalid{"standingNumber", "must be an E.164 number such as +12025550100"}
	case s.FallbackEndpoint != "" && !validEndpoint(s.FallbackEndpoint):
		return &Invalid{"fallbackEndpoint", "must be a tel: or sip: URI"}
	case s.Address.Street == "" || s.Address.City == "":
		return &Invalid{"address", "needs at least a street and a city"}
	}
	return nil
}
