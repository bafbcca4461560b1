package store_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// directoryRules are about sites, agents and contacts.
var directoryRules = []rule{
	{"sites", sites},
	{"a site stays in its country", siteStaysInItsCountry},
	{"agents", agents},
	{"agents keep their presence", agentsKeepTheirPresence},
	{"contacts", contacts},
	{"caller", caller},
	{"serves", serves},
}

// A site is kept as it was put, with a new revision each time, and listed by ID.
func sites(t *testing.T, w *world) {
	before, other := siteNamed("us"), siteNamed("dk")
	site := emergency.Site{
		ID: "us", Name: "Anderswo", Country: emergency.Denmark,
		Address: emergency.Address{
			Street: `1 "Example" Street`, Unit: "3/12", City: "Århus", Region: "DC", PostalCode: "20001", Country: "DK",
		},
		StandingNumber: "+4510000100", FallbackEndpoint: "sip:desk@example.com", FinalNumber: "+4510000199",
		AgentRing: 15 * time.Second, FallbackRing: 2 * time.Minute,
		Recipients: "Chief <chief@example.org>;", TestRecipients: " drills@example.org ;", TimeZone: "Europe/Copenhagen",
	}
	for _, c := range []struct {
		put      *emergency.Site
		revision int64
	}{{&before, 1}, {&other, 1}, {&site, 2}} {
		answer, err := w.PutSite(t.Context(), *c.put, emergency.Change{})
		if err != nil {
			t.Fatal(err)
		}
		c.put.Revision = c.revision
		same(t, "the answer", *c.put, answer)
	}
	got, err := w.Site(t.Context(), "us")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the site", site, got)
	all, err := w.Sites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the sites", []emergency.Site{other, site}, all)
	if _, err := w.Site(t.Context(), "nowhere"); !errors.Is(err, emergency.ErrUnknownSite) {
		t.Errorf("the error is %v, want ErrUnknownSite", err)
	}
	var invalid *emergency.Invalid
	if err := only(w.PutSite(t.Context(), emergency.Site{ID: "us"}, emergency.Change{})); !errors.As(err, &invalid) {
		t.Errorf("half a site gives %v, want *Invalid", err)
	}
}

// An agent is kept as put, starts offline, and is listed by ID.
func agents(t *testing.T, w *world) {
	w.addSite(t, "us")
	for _, id := range []emergency.AgentID{"two", "one"} {
		if err := only(w.PutAgent(t.Context(), agentNamed(id, "us"), emergency.Change{})); err != nil {
			t.Fatal(err)
		}
	}
	want := agentNamed("one", "us")
	want.CapacityProfiles, want.CallingNumber, want.MailboxOff = []string{"voice", "night"}, "+12025550177", true
	want.Presence = emergency.Presence{Status: emergency.StatusOffline, Revision: 1, ChangedAt: noon}
	want.Revision = 2
	w.pass(time.Minute)
	answer, err := w.PutAgent(t.Context(), want, emergency.Change{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the answer", want, answer)
	got, err := w.Agent(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the agent", want, got)
	all, err := w.Agents(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("there are %d agents, %v", len(all), err)
	}
	same(t, "the first in the list", want, all[0])
	if _, err := w.Agent(t.Context(), "nobody"); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
	if err := only(w.PutAgent(t.Context(), agentNamed("one", "nowhere"), emergency.Change{})); !errors.Is(err, emergency.ErrUnknownSite) {
		t.Errorf("an agent of no site gives %v, want ErrUnknownSite", err)
	}
	var invalid *emergency.Invalid
	if err := only(w.PutAgent(t.Context(), emergency.Agent{ID: "one", Name: "One", SiteID: "us"}, emergency.Change{})); !errors.As(err, &invalid) {
		t.Errorf("an agent without a device gives %v, want *Invalid", err)
	}
}

// Changing an agent's name or devices leaves the presence alone, during a call
// too, so that it is restored after it (S10).
func agentsKeepTheirPresence(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	before, err := w.Presence(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	changed := agentNamed("one", "us")
	changed.Name, changed.Endpoints = "Somebody", []string{"tel:4711"}
	changed.Presence = emergency.Presence{Status: emergency.StatusOffline, Revision: 99}
	if err := only(w.PutAgent(t.Context(), changed, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	got, err := w.Agent(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	changed.Presence, changed.Revision = before, 2
	same(t, "the agent", changed, got)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusAvailable)
}

// A site with callback numbers stays in the country that they are registered in, so
// that no pool is left that leads abroad; without any it may move.
func siteStaysInItsCountry(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	site, err := w.Site(t.Context(), "us")
	if err != nil {
		t.Fatal(err)
	}
	site.Country, site.StandingNumber = emergency.Denmark, dansk
	var invalid *emergency.Invalid
	if err := only(w.PutSite(t.Context(), site, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != "country" {
		t.Errorf("with a number the error is %v, want *Invalid on the country", err)
	}
	if err := w.RemoveNumber(t.Context(), first, emergency.Change{}); err != nil {
		t.Fatal(err)
	}
	if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err != nil {
		t.Errorf("without numbers: %v", err)
	}
}

// Contacts stay as they were typed; what is no list of addresses is refused (S17).
func contacts(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	got, err := w.Contacts(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the contacts before any", emergency.Contacts{}, got)
	for i, typed := range []string{"", " Desk <desk@example.com> ;; night@example.org;", "desk@example.com", ""} {
		want := emergency.Contacts{AsTyped: typed, Revision: int64(i) + 1}
		answer, err := w.PutContacts(t.Context(), "one", typed, emergency.Change{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the answer", want, answer)
		if got, err = w.Contacts(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		same(t, "the contacts", want, got)
	}
	var invalid *emergency.Invalid
	if err := only(w.PutContacts(t.Context(), "one", "desk", emergency.Change{})); !errors.As(err, &invalid) {
		t.Errorf("no address gives %v, want *Invalid", err)
	}
	if err := only(w.PutContacts(t.Context(), "nobody", "desk@example.com", emergency.Change{})); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
	if _, err := w.Contacts(t.Context(), "nobody"); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
}

// A dial knows agent, site and contacts; contacts that cannot be read any more do
// not stop it (B7).
func caller(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	if err := only(w.PutContacts(t.Context(), "one", "desk@example.com;night@example.org", emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	got, err := w.Caller(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	want := emergency.Caller{Contacts: []string{"desk@example.com", "night@example.org"}}
	if want.Agent, err = w.Agent(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if want.Site, err = w.Site(t.Context(), "us"); err != nil {
		t.Fatal(err)
	}
	if got.Routing == nil {
		t.Error("the caller has no voice routing")
	}
	got.Routing = nil // which has tests of its own
	same(t, "the caller", want, got)
	w.run(t, `UPDATE contacts SET as_typed = 'nonsense'`)
	if got, err := w.Caller(t.Context(), "one"); err != nil || len(got.Contacts) != 0 {
		t.Errorf("contacts that cannot be read give %v, %v", got.Contacts, err)
	}
	if _, err := w.Caller(t.Context(), "nobody"); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
}

// A database that takes transactions says so.
func serves(t *testing.T, w *world) {
	if err := w.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
