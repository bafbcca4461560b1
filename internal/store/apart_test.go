package store_test

import (
	"errors"
	"fmt"
	"testing"

	"lifeline/internal/emergency"
)

// apartRules are about numbers that must not be in two hands.
var apartRules = []rule{
	{"an agent's is no callback number", agentsIsNoCallbackNumber},
	{"a site's is no callback number", sitesIsNoCallbackNumber},
	{"a removed agent's is free", removedAgentsIsFree},
	{"not at the same moment either", notAtTheSameMomentEither},
}

// ringing changes an agent so that one of the agent's numbers is the first one, in
// every way to write it; each says which field it is in.
var ringing = map[string]struct {
	field string
	with  func(*emergency.Agent)
}{
	"calling number":          {"callingNumber", func(a *emergency.Agent) { a.CallingNumber = first }},
	"tel":                     {"endpoints", func(a *emergency.Agent) { a.Endpoints = []string{"tel:" + first} }},
	"tel with dashes":         {"endpoints", func(a *emergency.Agent) { a.Endpoints = []string{"tel:4711", "tel:+1-202-555-0101"} }},
	"tel without plus":        {"endpoints", func(a *emergency.Agent) { a.Endpoints = []string{"tel:1-202-555-0101"} }},
	"sip to a number":         {"endpoints", func(a *emergency.Agent) { a.Endpoints = []string{"sip:" + first + "@example.com"} }},
	"sips, and without plus":  {"endpoints", func(a *emergency.Agent) { a.Endpoints = []string{"sips:12025550101@example.com"} }},
	"sip, spelled with lines": {"endpoints", func(a *emergency.Agent) { a.Endpoints = []string{"sip:+1-202-5550101@example.com"} }},
}

// lookalikes are no such numbers.
var lookalikes = []string{
	"tel:+120255501010", "tel:+4512025550101", "tel:2025550102", "sip:one@example.com", "sip:one+12025550101@example.com",
	"sip:one@+12025550101.example.com",
}

// No agent has a number that may be leased to somebody else, in either order of
// things (B5): a callback would ring itself, and the next caller's reach this agent.
func agentsIsNoCallbackNumber(t *testing.T, w *world) {
	for name, c := range ringing {
		w.wipe(t)
		w.addSite(t, "us", first)
		w.addAgents(t, "us", "one")
		before, err := w.Agent(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		changed := agentNamed("one", "us")
		c.with(&changed)
		var invalid *emergency.Invalid
		if err := only(w.PutAgent(t.Context(), changed, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%s in a pool gives %v, want *Invalid of %s", name, err, c.field)
		}
		after, err := w.Agent(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the agent", before, after)

		w.wipe(t)
		w.addSite(t, "us")
		if err := only(w.PutAgent(t.Context(), changed, emergency.Change{})); err != nil {
			t.Fatal(err)
		}
		if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
			t.Errorf("%s added to a pool gives %v, want ErrNumberExists", name, err)
		}
		w.states(t, map[string]emergency.NumberState{})
	}
	w.wipe(t)
	w.addSite(t, "us", first)
	other := agentNamed("one", "us")
	other.Endpoints, other.CallingNumber = lookalikes, second
	if err := only(w.PutAgent(t.Context(), other, emergency.Change{})); err != nil {
		t.Errorf("other numbers give %v", err)
	}
	w.remove(t, first)
	w.add(t, first, "us")
}

// Nor does a site: none that stands for it, and none that answers there (B5, B6).
func sitesIsNoCallbackNumber(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	before, err := w.Site(t.Context(), "us")
	if err != nil {
		t.Fatal(err)
	}
	for field, with := range map[string]func(*emergency.Site){
		"standingNumber":   func(s *emergency.Site) { s.StandingNumber = first },
		"finalNumber":      func(s *emergency.Site) { s.FinalNumber = first },
		"fallbackEndpoint": func(s *emergency.Site) { s.FallbackEndpoint = "tel:+1-202-555-0101" },
	} {
		for _, id := range []emergency.SiteID{"us", "pr"} {
			site := siteNamed(id)
			with(&site)
			var invalid *emergency.Invalid
			if err := only(w.PutSite(t.Context(), site, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != field {
				t.Errorf("%s of %s in a pool gives %v, want *Invalid of it", field, id, err)
			}
		}
	}
	after, err := w.Sites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the sites", []emergency.Site{before}, after)
}

// The number of an agent who has been removed is free when nobody can be called back
// on it any more.
func removedAgentsIsFree(t *testing.T, w *world) {
	w.addSite(t, "us", second)
	w.addAgents(t, "us", "one")
	agent := agentNamed("one", "us")
	agent.Endpoints = []string{"tel:" + first}
	if err := only(w.PutAgent(t.Context(), agent, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	call := w.dial(t, "one")
	w.removeAgent(t, "one")
	if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("a device that is called back gives %v, want ErrNumberExists", err)
	}
	w.finish(t, call.ID)
	w.add(t, first, "us")
}

// Of two administrators who want one number for different things at the same moment,
// one gets it (B5).
func notAtTheSameMomentEither(t *testing.T, w *world) {
	other := w.beside(t)
	w.addSite(t, "us")
	w.addSite(t, "pr")
	for i := range 8 {
		number := numbers(8)[i]
		taken := []func() error{
			func() error {
				agent := agentNamed(emergency.AgentID(fmt.Sprint("agent-", i)), "us")
				agent.CallingNumber = number
				return only(other.PutAgent(t.Context(), agent, emergency.Change{}))
			},
			func() error {
				site := siteNamed("pr")
				site.StandingNumber = number
				return only(other.PutSite(t.Context(), site, emergency.Change{}))
			},
		}
		var added, other error
		atOnce(t, 2, func(j int) error {
			if j == 0 {
				added = w.AddNumber(t.Context(), number, "us", emergency.Change{})
			} else {
				other = taken[i%len(taken)]()
			}
			return nil
		})
		var invalid *emergency.Invalid
		if errors.Is(added, emergency.ErrNumberExists) == (other != nil) || other != nil && !errors.As(other, &invalid) {
			t.Errorf("the pool gets %v, the other %v: want that one of them has it", added, other)
		}
	}
}
