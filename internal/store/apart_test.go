package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// apartRules are about numbers that must not be in two hands.
var apartRules = []rule{
	{"in every way to write them", inEveryWayToWriteThem},
	{"in every two hands", inEveryTwoHands},
	{"not at the same moment either", notAtTheSameMomentEither},
	{"a removed agent's is free", removedAgentsIsFree},
	{"a removed callback number is free", removedCallbackNumberIsFree},
	{"a standing number until lately", standingNumberUntilLately},
	{"a standing number of long ago", standingNumberOfLongAgo},
	{"what was kept before stays", whatWasKeptBeforeStays},
	{"of the country", fieldsOfTheCountry},
	{"whole", numbersThatAreWhole},
}

// spellings are ways to write that a device rings +12025550101.
var spellings = []string{
	"tel:+12025550101", "tel:+1-202-555-0101", "tel:1-202-555-0101", "tel:+1.202.555.0101", "tel:+1(202)555-0101", "TEL:+12025550101",
	"tel:+12025550101;ext=12", "tel:2025550101", "tel:0012025550101", "sip:+12025550101@example.com", "sips:12025550101@example.com",
	"sip:+1-202-5550101@example.com", "SIP:%2B12025550101@example.com;transport=tls", "sip:+1202555010%31@example.com",
	"sip:0101;phone-context=+1202555@example.com",
}

// lookalikes are no such devices.
var lookalikes = []string{
	"tel:+120255501010", "tel:+4512025550101", "tel:2025550102", "sip:one@example.com", "sip:one+12025550101@example.com",
	"sip:one@+12025550101.example.com",
}

// However a device is written, its number is in no pool, in either order of things (B5):
// a callback would ring itself, and the next caller's reach this device.
func inEveryWayToWriteThem(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	before, err := w.Agent(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range spellings {
		w.add(t, first, "us")
		changed := agentNamed("one", "us")
		changed.Endpoints = append(changed.Endpoints, uri)
		var invalid *emergency.Invalid
		if err := only(w.PutAgent(t.Context(), changed, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != "endpoints" {
			t.Errorf("%s gives %v, want *Invalid of endpoints", uri, err)
		}
		w.remove(t, first)
		if err := only(w.PutAgent(t.Context(), changed, emergency.Change{})); err != nil {
			t.Errorf("%s without the number in a pool gives %v", uri, err)
		}
		if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
			t.Errorf("the number of %s in a pool gives %v, want ErrNumberExists", uri, err)
		}
		if err := only(w.PutAgent(t.Context(), before, emergency.Change{})); err != nil {
			t.Fatal(err)
		}
	}
	w.add(t, first, "us")
	other := agentNamed("one", "us")
	other.Endpoints, other.CallingNumber = lookalikes, second
	if err := only(w.PutAgent(t.Context(), other, emergency.Change{})); err != nil {
		t.Errorf("other numbers give %v", err)
	}
	w.remove(t, first)
	w.add(t, first, "us")
}

// staffed is a world with both sites and both agents.
func (w *world) staffed(t *testing.T) {
	t.Helper()
	w.wipe(t)
	w.addSite(t, "us")
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one")
	w.addAgents(t, "pr", "two")
}

// A number that has one use is refused for any other that it must not have beside it, and
// for no other, whichever comes first (B5, B6).
func inEveryTwoHands(t *testing.T, w *world) {
	w.staffed(t)
	for i, holder := range hands {
		for j, taker := range hands {
			if i == j {
				continue
			}
			number := fmt.Sprintf("+1202556%02d%02d", i, j)
			if err := holder.take(w, t, number); err != nil {
				t.Fatalf("%s gives %v", holder.name, err)
			}
			err := taker.take(w, t, number)
			what := fmt.Sprintf("the %s as %s", holder.name, taker.name)
			switch replaces := holder.overwritten(taker); {
			case replaces || together(holder, taker):
				if err != nil {
					t.Errorf("%s gives %v", what, err)
				}
			default:
				refusedFor(t, what, taker, err)
			}
		}
	}
}

// Of two administrators who want one number for different things at the same moment,
// one gets it (B5).
func notAtTheSameMomentEither(t *testing.T, w *world) {
	other := w.beside(t)
	w.staffed(t)
	round := 0
	for i, one := range hands {
		for _, two := range hands[:i] {
			if together(one, two) || one.overwritten(two) {
				continue
			}
			number := fmt.Sprintf("+1202556%04d", round)
			round++
			errs := make([]error, 2)
			atOnce(t, 2, func(j int) error {
				errs[j] = []hand{one, two}[j].take([]*world{w, other}[j], t, number)
				return nil
			})
			what := fmt.Sprintf("a number as %s and %s at once", one.name, two.name)
			switch {
			case errs[0] == nil && errs[1] != nil:
				refusedFor(t, what, two, errs[1])
			case errs[0] != nil && errs[1] == nil:
				refusedFor(t, what, one, errs[0])
			default:
				t.Errorf("%s gives %v and %v, want that one of them has it", what, errs[0], errs[1])
			}
		}
	}
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

// A number that has been removed, and that nobody can be called back on any more, is as
// good as any other, also before housekeeping has dropped it. Until then it is not (B5).
func removedCallbackNumberIsFree(t *testing.T, w *world) {
	w.staffed(t)
	w.add(t, first, "us")
	w.finish(t, w.dial(t, "one").ID)
	w.remove(t, first)
	w.pass(agreed.Quarantine - time.Microsecond)
	for _, taker := range hands[1:] {
		refusedFor(t, "a number at rest as "+taker.name, taker, taker.take(w, t, first))
	}
	w.pass(time.Microsecond)
	for _, taker := range hands[2:] {
		w.run(t, `UPDATE agents SET calling_number = '', endpoints = '[]'`)
		w.run(t, `UPDATE sites SET standing_number = '', fallback_endpoint = '', final_number = ''`)
		if err := taker.take(w, t, first); err != nil {
			t.Errorf("a number that is gone as %s gives %v", taker.name, err)
		}
	}
}

// A number that has stood for a site is in no pool, stands for no other site and rings
// nobody as long as somebody who showed it may be called back on it (B5), although the
// site has another one by now. The site itself may have it back.
func standingNumberUntilLately(t *testing.T, w *world) {
	for _, taker := range hands {
		allowed := strings.Contains(taker.field, ".") || taker.field == "callingNumber" || taker.name == "standingNumber of us"
		w.staffed(t)
		call := w.dial(t, "one")
		us := siteNamed("us")
		us.StandingNumber = "+12025550110"
		if err := only(w.PutSite(t.Context(), us, emergency.Change{})); err != nil {
			t.Fatal(err)
		}
		what := "a number that was shown lately as " + taker.name
		if allowed {
			if err := taker.take(w, t, standing); err != nil {
				t.Errorf("%s gives %v", what, err)
			}
			continue
		}
		w.run(t, `UPDATE sites SET standing_number = '+12025550110' WHERE id = 'us'`)
		refusedFor(t, what, taker, taker.take(w, t, standing))
		w.finish(t, call.ID)
		w.pass(agreed.Quarantine - time.Microsecond)
		refusedFor(t, what, taker, taker.take(w, t, standing))
		w.pass(time.Microsecond)
		if taker.name == "fallbackEndpoint of us" {
			continue // which would be its own standing number again
		}
		if err := taker.take(w, t, standing); err != nil {
			t.Errorf("a number that nobody is called back on any more as %s gives %v", taker.name, err)
		}
	}
}

// That holds however many calls have shown the number since, and are over (B5).
func standingNumberOfLongAgo(t *testing.T, w *world) {
	w.staffed(t)
	long := w.dial(t, "one")
	w.pass(time.Hour)
	short := w.dial(t, "one")
	w.finish(t, short.ID)
	w.pass(time.Hour)
	columns := strings.Join(w.columns(t, "calls")[1:], ", ")
	for i := range 150 {
		w.run(t, `INSERT INTO calls (id, `+columns+`) SELECT $1, `+columns+` FROM calls WHERE id = $2`, fmt.Sprint("copy-", i), short.ID)
	}
	us := siteNamed("us")
	us.StandingNumber = "+12025550110"
	if err := only(w.PutSite(t.Context(), us, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	if err := w.AddNumber(t.Context(), standing, "pr", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("what %s shows gives %v, want ErrNumberExists", long.ID, err)
	}
}

// What an earlier version has let pass may be saved again, with whatever else is changed
// in it: an administrator who mends a name is not made to move numbers. What is new in it
// is held to the rules.
func whatWasKeptBeforeStays(t *testing.T, w *world) {
	w.staffed(t)
	w.add(t, first, "us")
	w.run(t, `UPDATE sites SET standing_number = $1, final_number = $2, fallback_endpoint = $3`, tollFree, first, "tel:"+first)
	w.run(t, `UPDATE agents SET calling_number = $1, endpoints = $2`, first, `["tel:`+first+`","tel:`+dansk+`"]`)
	w.run(t, `UPDATE voice_routing SET revision = revision + 1, document = $1`, `{"directOffers": [{"number": "`+dansk+`", "country": "US"}],
		"trunks": [{"trunkId": "sbc-1", "numbers": ["`+first+`"]}]}`)
	for _, id := range []emergency.SiteID{"us", "pr"} {
		site, err := w.Site(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		site.Name = "Another name"
		if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err != nil {
			t.Errorf("a site with another name: %v", err)
		}
		site.Country = emergency.PuertoRico
		if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err == nil {
			t.Error("a site in another country is not held to the rules")
		}
	}
	agent, err := w.Agent(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	agent.Endpoints = append(agent.Endpoints, "sip:one@example.com")
	if err := only(w.PutAgent(t.Context(), agent, emergency.Change{})); err != nil {
		t.Errorf("an agent with another device: %v", err)
	}
	agent.SiteID = "pr"
	var invalid *emergency.Invalid
	if err := only(w.PutAgent(t.Context(), agent, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != "callingNumber" {
		t.Errorf("an agent at another site gives %v, want *Invalid of callingNumber", err)
	}
	routing, err := w.VoiceRouting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	routing.DirectOffers = append(routing.DirectOffers, emergency.Offer{Number: "+12025550100", Country: emergency.UnitedStates})
	if err := only(w.PutVoiceRouting(t.Context(), routing, emergency.Change{})); err != nil {
		t.Errorf("a voice routing with another offer: %v", err)
	}
	w.add(t, second, "us")
	routing.Trunks[0].Numbers = append(routing.Trunks[0].Numbers, second)
	if err := only(w.PutVoiceRouting(t.Context(), routing, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != "trunks.0.numbers.1" {
		t.Errorf("a voice routing with another callback number gives %v, want *Invalid of trunks.0.numbers.1", err)
	}
}

// tollFree is in North America, but nobody's callback number.
const tollFree = "+18005550100"

// A standing number is of the country of its site, a direct offer of the one whose
// emergency services answer for it: they do not call back abroad (S15, B5).
func fieldsOfTheCountry(t *testing.T, w *world) {
	w.addSite(t, "us")
	var invalid *emergency.Invalid
	free := siteNamed("us")
	free.StandingNumber = tollFree
	if err := only(w.PutSite(t.Context(), free, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != "standingNumber" {
		t.Errorf("a toll-free standing number gives %v, want *Invalid of standingNumber", err)
	}
	for country, right := range standingIn {
		for _, number := range standingIn {
			site := siteNamed("pr")
			site.Country, site.StandingNumber = country, number[:len(number)-1]+"5"
			if err := only(w.PutSite(t.Context(), site, emergency.Change{})); number == right != (err == nil) ||
				err != nil && (!errors.As(err, &invalid) || invalid.Field != "standingNumber") {
				t.Errorf("a standing number like %s in %s gives %v", number, country, err)
			}
			routing := emergency.VoiceRouting{DirectOffers: []emergency.Offer{
				{Number: right, Country: country}, {Number: number[:len(number)-1] + "5", Country: country},
			}}
			if err := only(w.PutVoiceRouting(t.Context(), routing, emergency.Change{})); number == right != (err == nil) ||
				err != nil && (!errors.As(err, &invalid) || invalid.Field != "directOffers.1.number") {
				t.Errorf("a direct offer like %s in %s gives %v", number, country, err)
			}
		}
	}
	if err := only(w.PutVoiceRouting(t.Context(), emergency.VoiceRouting{}, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
}

// A number that nobody can have is refused wherever one is set up, and named: an
// emergency service would be shown it, and could not call back (S4, S15).
func numbersThatAreWhole(t *testing.T, w *world) {
	w.addSite(t, "us")
	site := func(change func(*emergency.Site)) error {
		changed := siteNamed("us")
		change(&changed)
		return only(w.PutSite(t.Context(), changed, emergency.Change{}))
	}
	for _, number := range []string{"+4510000", "+451000010512345", "+4599999", "+1202555010", "+44207946"} {
		agent := agentNamed("one", "us")
		agent.CallingNumber = number
		offer := emergency.Offer{Number: number, Country: "DK"}
		routing := func(v emergency.VoiceRouting) error {
			return only(w.PutVoiceRouting(t.Context(), v, emergency.Change{}))
		}
		for field, err := range map[string]error{
			"number":                w.AddNumber(t.Context(), number, "us", emergency.Change{}),
			"standingNumber":        site(func(s *emergency.Site) { s.StandingNumber, s.Country = number, "DK" }),
			"finalNumber":           site(func(s *emergency.Site) { s.FinalNumber = number }),
			"callingNumber":         only(w.PutAgent(t.Context(), agent, emergency.Change{})),
			"directOffers.0.number": routing(emergency.VoiceRouting{DirectOffers: []emergency.Offer{offer}}),
			"trunks.0.numbers.0":    routing(emergency.VoiceRouting{Trunks: []emergency.Trunk{{ID: "sbc", Numbers: []string{number}}}}),
			"outboundProfiles.0.numbers.0": routing(emergency.VoiceRouting{
				OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{number}}},
			}),
		} {
			if invalid, ok := errors.AsType[*emergency.Invalid](err); !ok || invalid.Field != field {
				t.Errorf("%s as %s gives %v", number, field, err)
			}
		}
	}
}
