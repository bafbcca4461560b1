package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// demoContacts are the people told of every demo agent's call. The domain is
// reserved for documentation (RFC 2606).
const demoContacts = "Security Desk <security@example.org>; supervisor@example.org"

// demoTestRecipients are told of test calls.
const demoTestRecipients = "emergency-drills@example.org"

// demoProfile is the capacity profile of every demo agent.
const demoProfile = "default"

// demoChange is what the audit says of where the demo data came from.
var demoChange = emergency.Change{By: "demo data"}

// demoPlace is a site with its agent and its numbers.
type demoPlace struct {
	site    emergency.Site
	agent   emergency.Agent
	numbers []string
}

// demoPlaces are one site per country served. No number here can ring anybody:
// 555-01xx is reserved for fiction in the North American plan, 020 7946 0xxx is
// Ofcom's range for drama, and no Danish subscriber number begins with 1.
var demoPlaces = []demoPlace{
	place("us", "Washington service centre", emergency.UnitedStates, "America/New_York",
		emergency.Address{Street: "100 Example Avenue NW", Unit: "Floor 4", City: "Washington", Region: "DC", PostalCode: "20001", Country: "US"},
		"+12025550100", "+12025550101", "+12025550102", "+12025550103"),
	place("pr", "San Juan service centre", emergency.PuertoRico, "America/Puerto_Rico",
		emergency.Address{Street: "200 Calle Ejemplo", Unit: "Piso 2", City: "San Juan", Region: "PR", PostalCode: "00901", Country: "PR"},
		"+17875550100", "+17875550101", "+17875550102", "+17875550103"),
	place("ca", "Ottawa service centre", emergency.Canada, "America/Toronto",
		emergency.Address{Street: "300 Example Street", Unit: "Suite 12", City: "Ottawa", Region: "ON", PostalCode: "K1A 0A1", Country: "CA"},
		"+16135550100", "+16135550101", "+16135550102", "+16135550103"),
	place("gb", "London service centre", emergency.UnitedKingdom, "Europe/London",
		emergency.Address{Street: "4 Example Road", Unit: "Third floor", City: "London", PostalCode: "EC1A 1AA", Country: "GB"},
		"+442079460100", "+442079460101", "+442079460102", "+442079460103"),
	place("dk", "København service centre", emergency.Denmark, "Europe/Copenhagen",
		emergency.Address{Street: "Eksempelvej 5", Unit: "2. sal", City: "København", PostalCode: "1000", Country: "DK"},
		"+4510000100", "+4510000101", "+4510000102", "+4510000103"),
}

func place(
	code, name string, country emergency.Country, zone string, address emergency.Address, standing string, numbers ...string,
) demoPlace {
	site := emergency.SiteID("site-" + code)
	return demoPlace{
		site: emergency.Site{
			ID: site, Name: name, Country: country, Address: address,
			StandingNumber: standing, FallbackEndpoint: "sip:security-" + code + "@phones.example",
			TestRecipients: demoTestRecipients, TimeZone: zone,
		},
		agent: emergency.Agent{
			ID: emergency.AgentID("agent-" + code), Name: "Demo agent " + string(country), SiteID: site,
			Endpoints: []string{"sip:agent-" + code + "@phones.example"}, CapacityProfiles: []string{demoProfile},
		},
		numbers: numbers,
	}
}

// demoMarker is the file that says that the demo data has been added, so that what
// an administrator changes or removes afterwards stays changed.
const demoMarker = "demo-data-added"

// seedDemo fills an empty database, once. A crash halfway is made up for by the
// next start, since every step may be repeated. A database with sites of its own
// is left alone.
func seedDemo(ctx context.Context, db *store.Store, dir string) error {
	marker := filepath.Join(dir, demoMarker)
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	if err := db.Prepare(ctx); err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	own, err := hasOwnSites(ctx, db)
	if err != nil {
		return err
	}
	if !own {
		if err := seedAll(ctx, db); err != nil {
			return err
		}
	}
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		return fmt.Errorf("remember that it is done: %w", err)
	}
	return nil
}

func seedAll(ctx context.Context, db *store.Store) error {
	for _, p := range demoPlaces {
		if err := p.seed(ctx, db); err != nil {
			return fmt.Errorf("site %s: %w", p.site.ID, err)
		}
	}
	return seedRouting(ctx, db)
}

// hasOwnSites tells whether somebody has set up a site that is not the demo's.
func hasOwnSites(ctx context.Context, db *store.Store) (bool, error) {
	sites, err := db.Sites(ctx)
	if err != nil {
		return false, fmt.Errorf("look for sites: %w", err)
	}
	return slices.ContainsFunc(sites, func(site emergency.Site) bool {
		return !slices.ContainsFunc(demoPlaces, func(p demoPlace) bool { return p.site.ID == site.ID })
	}), nil
}

// seedRouting lets every demo agent call out from the standing number of the site, a
// direct offer of its country (S12, S15); unless somebody has changed the voice
// routing already.
func seedRouting(ctx context.Context, db *store.Store) error {
	kept, err := db.VoiceRouting(ctx)
	if err != nil {
		return fmt.Errorf("look for a voice routing: %w", err)
	}
	if kept.Revision > 1 {
		return nil
	}
	var demo emergency.VoiceRouting
	profile := emergency.OutboundProfile{ID: "default", CapacityProfile: demoProfile}
	for _, p := range demoPlaces {
		demo.DirectOffers = append(demo.DirectOffers, emergency.Offer{Number: p.site.StandingNumber, Country: p.site.Country})
		profile.Numbers = append(profile.Numbers, p.site.StandingNumber)
	}
	demo.OutboundProfiles = []emergency.OutboundProfile{profile}
	if _, err := db.PutVoiceRouting(ctx, demo, demoChange); err != nil {
		return fmt.Errorf("add voice routing: %w", err)
	}
	return nil
}

func (p demoPlace) seed(ctx context.Context, db *store.Store) error {
	if _, err := db.PutSite(ctx, p.site, demoChange); err != nil {
		return fmt.Errorf("add site: %w", err)
	}
	for _, number := range p.numbers {
		if err := db.AddNumber(ctx, number, p.site.ID, demoChange); err != nil && !errors.Is(err, emergency.ErrNumberExists) {
			return fmt.Errorf("add number: %w", err)
		}
	}
	if _, err := db.PutAgent(ctx, p.agent, demoChange); err != nil {
		return fmt.Errorf("add agent: %w", err)
	}
	if _, err := db.SetPresence(ctx, p.agent.ID, emergency.StatusAvailable); err != nil {
		return fmt.Errorf("set presence: %w", err)
	}
	if _, err := db.PutContacts(ctx, p.agent.ID, demoContacts, demoChange); err != nil {
		return fmt.Errorf("add contacts: %w", err)
	}
	return nil
}
