package store_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// hand is something that a number may be for.
type hand struct {
	name string
	// field is the one at fault when the number is for something else; empty for a pool.
	field string
	take  func(w *world, t *testing.T, number string) error
}

// ofSite changes a site.
func ofSite(id emergency.SiteID, field string, with func(*emergency.Site, string)) hand {
	return hand{field + " of " + string(id), field, func(w *world, t *testing.T, number string) error {
		site := siteNamed(id)
		with(&site, number)
		return only(w.PutSite(t.Context(), site, emergency.Change{}))
	}}
}

// ofAgent changes an agent of a site.
func ofAgent(id emergency.AgentID, site emergency.SiteID, field string, with func(*emergency.Agent, string)) hand {
	return hand{field + " of " + string(id), field, func(w *world, t *testing.T, number string) error {
		agent := agentNamed(id, site)
		with(&agent, number)
		return only(w.PutAgent(t.Context(), agent, emergency.Change{}))
	}}
}

// ofRouting changes the voice routing.
func ofRouting(field string, with func(*emergency.VoiceRouting, string)) hand {
	return hand{field, field, func(w *world, t *testing.T, number string) error {
		var routing emergency.VoiceRouting
		with(&routing, number)
		return only(w.PutVoiceRouting(t.Context(), routing, emergency.Change{}))
	}}
}

func ofPool(id emergency.SiteID) hand {
	return hand{"pool of " + string(id), "", func(w *world, t *testing.T, number string) error {
		return w.AddNumber(t.Context(), number, id, emergency.Change{})
	}}
}

// hands are all that a number may be for. The agent "one" is at the site "us", and "two"
// at "pr".
var hands = []hand{
	ofPool("us"), ofPool("pr"),
	ofSite("us", "standingNumber", func(s *emergency.Site, n string) { s.StandingNumber = n }),
	ofSite("pr", "standingNumber", func(s *emergency.Site, n string) { s.StandingNumber = n }),
	ofSite("us", "fallbackEndpoint", func(s *emergency.Site, n string) { s.FallbackEndpoint = "sip:" + n + "@example.com" }),
	ofSite("pr", "finalNumber", func(s *emergency.Site, n string) { s.FinalNumber = n }),
	ofAgent("one", "us", "endpoints", func(a *emergency.Agent, n string) { a.Endpoints = append(a.Endpoints, "tel:"+n) }),
	ofAgent("two", "pr", "endpoints", func(a *emergency.Agent, n string) { a.Endpoints = []string{"tel:" + n} }),
	ofAgent("one", "us", "callingNumber", func(a *emergency.Agent, n string) { a.CallingNumber = n }),
	ofAgent("two", "pr", "callingNumber", func(a *emergency.Agent, n string) { a.CallingNumber = n }),
	ofRouting("directOffers.0.number", func(v *emergency.VoiceRouting, n string) {
		v.DirectOffers = []emergency.Offer{{Number: n, Country: emergency.UnitedStates}}
	}),
	ofRouting("trunks.1.numbers.0", func(v *emergency.VoiceRouting, n string) {
		v.Trunks = []emergency.Trunk{{ID: "sbc-1"}, {ID: "sbc-2", Numbers: []string{n}}}
	}),
	ofRouting("outboundProfiles.0.numbers.1", func(v *emergency.VoiceRouting, n string) {
		v.OutboundProfiles = []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{"+12025550100", n}}}
	}),
}

// together tells whether a number may be for both.
//
// In a pool it is for nothing else. One that stands for a site does so for no other, is
// no device, and answers no callback: that would go round in a circle, or to the caller
// of another site. An agent of that very site may call from it, since that is what those
// show who have no number of their own, and it is a direct offer as a rule.
func together(a, b hand) bool {
	if a.field == "" || b.field == "" {
		return false
	}
	for _, pair := range [][2]hand{{a, b}, {b, a}} {
		if pair[0].field != "standingNumber" {
			continue
		}
		switch pair[1].field {
		case "standingNumber", "fallbackEndpoint", "finalNumber", "endpoints":
			return false
		case "callingNumber":
			return pair[0].name == "standingNumber of us" && pair[1].name == "callingNumber of one" ||
				pair[0].name == "standingNumber of pr" && pair[1].name == "callingNumber of two"
		}
	}
	return true
}

// overwritten tells whether the taker's change takes the number from the holder, because
// both are parts of one thing.
func (h hand) overwritten(taker hand) bool {
	of := func(h hand) string { _, of, _ := strings.Cut(h.name, " of "); return of }
	return h.field != "" && taker.field != "" && (of(h) == of(taker) || strings.Contains(h.field, ".") && strings.Contains(taker.field, "."))
}

// longNumber is more of a number than anybody is shown.
var longNumber = regexp.MustCompile(`[0-9]{5}`)

// refusedFor checks that a change is refused because a number is for something else, by
// its field, and without telling the number.
func refusedFor(t *testing.T, what string, taker hand, err error) {
	t.Helper()
	invalid, isInvalid := errors.AsType[*emergency.Invalid](err)
	taken, isTaken := errors.AsType[*emergency.NumberTaken](err)
	switch {
	case taker.field == "" && (!isTaken || !errors.Is(err, emergency.ErrNumberExists) || taken.By == ""):
		t.Errorf("%s gives %v, want *NumberTaken", what, err)
	case taker.field != "" && (!isInvalid || invalid.Field != taker.field):
		t.Errorf("%s gives %v, want *Invalid of %s", what, err, taker.field)
	}
	if err != nil && longNumber.MatchString(err.Error()) {
		t.Errorf("%s tells the number: %v", what, err)
	}
}
