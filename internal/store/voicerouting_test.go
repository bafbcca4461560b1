package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"lifeline/internal/emergency"
)

// routingRules are about how calls leave the contact centre.
var routingRules = []rule{
	{"kept as put", routingKeptAsPut},
	{"none at first", noRoutingAtFirst},
	{"refused", routingRefused},
	{"changed by another process", routingChangedByAnotherProcess},
	{"never older than what is kept", routingNeverOlder},
	{"used as far as possible", routingUsedAsFarAsPossible},
	{"unreadable", routingUnreadable},
}

// routed is a voice routing with a bit of everything.
var routed = emergency.VoiceRouting{
	DirectOffers: []emergency.Offer{{Number: "+12025550100", Country: emergency.UnitedStates}},
	Trunks: []emergency.Trunk{
		{
			ID: "sbc-1", Numbers: []string{"+12025550120"}, Emergency: true, TestNumbers: []string{"933"},
			FailOver: []emergency.TrunkID{"sbc-2"},
		},
		{ID: "sbc-2", Emergency: true},
	},
	Rules: []emergency.RoutingRule{{
		Name: `emergency "numbers"`, Pattern: `^(911|112)$`, Rewrite: "9$1", Trunk: "sbc-1",
		Countries: []emergency.Country{emergency.UnitedStates, emergency.Canada},
	}},
	OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{"+12025550120"}}},
}

// routes has an administrator change the voice routing.
func (w *world) routes(t *testing.T, routing emergency.VoiceRouting) emergency.VoiceRouting {
	t.Helper()
	kept, err := w.PutVoiceRouting(t.Context(), routing, emergency.Change{})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// plan is what a dial of "one" goes by.
func (w *world) plan(t *testing.T) *emergency.VoicePlan {
	t.Helper()
	caller, err := w.Caller(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	return caller.Routing
}

// help is a dial of 911.
var help = emergency.Dialed{Number: "911", Kind: emergency.KindEmergency}

// overSBC is the way that a call from the United States takes by the routing above.
var overSBC = []emergency.Hop{
	{Path: emergency.DirectRouting, Trunk: "sbc-1"}, {Path: emergency.DirectRouting, Trunk: "sbc-2"}, {Path: emergency.DirectOffer},
}

// A voice routing is kept as put, with a new revision, and a dial goes by it (S15).
func routingKeptAsPut(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	before, err := w.VoiceRouting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := routed
	want.Revision = before.Revision + 1
	same(t, "the answer", want, w.routes(t, routed))
	got, err := w.VoiceRouting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the voice routing", want, got)
	same(t, "the way", overSBC, w.plan(t).Way(emergency.UnitedStates, help))
	callers, err := w.Callers(t.Context())
	if err != nil || len(callers) != 1 {
		t.Fatalf("the callers are %+v, %v", callers, err)
	}
	same(t, "the way of everybody", overSBC, callers[0].Routing.Way(emergency.UnitedStates, help))
}

// Where nobody has set one up, there is no way out, and the default profile has no
// number.
func noRoutingAtFirst(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	got, err := w.VoiceRouting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the voice routing", emergency.VoiceRouting{
		OutboundProfiles: []emergency.OutboundProfile{{ID: "default", CapacityProfile: "default", Numbers: []string{}}},
		Revision:         got.Revision,
	}, got)
	if way := w.plan(t).Way(emergency.UnitedStates, help); len(way) > 0 {
		t.Errorf("a call goes %v", way)
	}
}

// What cannot be used is refused by its field, and what is kept stays.
func routingRefused(t *testing.T, w *world) {
	kept := w.routes(t, routed)
	broken := routed
	broken.Rules = []emergency.RoutingRule{{Name: "broken", Pattern: "(", Trunk: "sbc-1"}}
	var invalid *emergency.Invalid
	if _, err := w.PutVoiceRouting(t.Context(), broken, emergency.Change{}); !errors.As(err, &invalid) || invalid.Field != "rules.0.pattern" {
		t.Errorf("the error is %v, want *Invalid of rules.0.pattern", err)
	}
	got, err := w.VoiceRouting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the voice routing", kept, got)
}

// The next dial goes by what an administrator has changed in any process.
func routingChangedByAnotherProcess(t *testing.T, w *world) {
	other := w.beside(t)
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	for range 3 {
		for _, c := range []struct {
			routing emergency.VoiceRouting
			way     []emergency.Hop
		}{{routed, overSBC}, {emergency.VoiceRouting{}, nil}} {
			other.routes(t, c.routing)
			for range 2 {
				same(t, "the way", c.way, w.plan(t).Way(emergency.UnitedStates, help))
				same(t, "the way in the other process", c.way, other.plan(t).Way(emergency.UnitedStates, help))
			}
		}
	}
}

// However many dials there are while the voice routing changes, none goes by one that
// was replaced before.
func routingNeverOlder(t *testing.T, w *world) {
	stores := []*world{w, w.beside(t)}
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	const changes = 20
	// The routing of each round lends the agent another number.
	put := func(round int) error {
		profile := emergency.OutboundProfile{ID: "voice", CapacityProfile: "default", Numbers: []string{fmt.Sprint("+1202555", 1000+round)}}
		_, err := w.PutVoiceRouting(t.Context(), emergency.VoiceRouting{OutboundProfiles: []emergency.OutboundProfile{profile}}, emergency.Change{})
		return failed("put voice routing", err)
	}
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	var done atomic.Int64
	atOnce(t, 6, func(i int) error {
		if i == 0 {
			for round := 1; round <= changes; round++ {
				if err := put(round); err != nil {
					return err
				}
				done.Store(int64(round))
			}
			return nil
		}
		for done.Load() < changes {
			least := int(done.Load())
			caller, err := stores[i%2].Caller(t.Context(), "one")
			if err != nil {
				return failed("read caller", err)
			}
			caller.Agent.CapacityProfiles = []string{"default"}
			if got := caller.Routing.CallingNumber(caller.Agent, emergency.UnitedStates); got < fmt.Sprint("+1202555", 1000+least) {
				return fmt.Errorf("after change %d a dial shows %s", least, got)
			}
		}
		return nil
	})
}

// What today's rules refuse is left out, and what is well stays in use: whoever is in
// danger is not refused for the sake of a document (B7). What is kept does not change.
func routingUsedAsFarAsPossible(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	const (
		offers  = `{"number": "+12025550100", "country": "US"}`
		sbc1    = `{"trunkId": "sbc-1", "emergency": true, "numbers": ["+12025550120"], "failOver": ["sbc-2"]}`
		sbc2    = `{"trunkId": "sbc-2", "emergency": true}`
		rule    = `{"name": "all", "pattern": "911", "trunk": "sbc-1"}`
		profile = `{"profileId": "voice", "capacityProfile": "default", "numbers": ["+12025550120"]}`
	)
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, `, {"number": "+1202555%d", "country": "US"}`, 2000+i)
	}
	for _, c := range []struct {
		what, offers, trunks, rules, profile string
		way                                  []emergency.Hop
	}{
		{what: "nothing"},
		{what: "an offer in a country that is not served any more", offers: `{"number": "+33100000000", "country": "FR"},` + offers},
		{what: "an offer abroad", offers: `{"number": "+4510000100", "country": "US"},` + offers},
		{what: "an offer twice", offers: offers + "," + offers},
		{what: "two thousand offers", offers: offers + many.String()},
		{what: "a pattern", rules: `{"name": "broken", "pattern": "(", "trunk": "sbc-1"},` + rule},
		{what: "a rule for another country alone", rules: `{"name": "broken", "pattern": "9", "trunk": "sbc-2", "countries": ["FR"]},` + rule},
		{what: "a trunk's name", trunks: sbc1 + "," + sbc2 + `,{"trunkId": "three words long"}`},
		{what: "a trunk that others fail over to", trunks: sbc1 + `,{"trunkId": "sbc 2", "emergency": true}`, way: []emergency.Hop{overSBC[0], overSBC[2]}},
		{what: "a trunk that a rule needs", trunks: `{"trunkId": ""},` + sbc2, way: overSBC[2:]},
		{what: "a number of a trunk", trunks: strings.Replace(sbc1, `[`, `["120", `, 1) + "," + sbc2},
		{what: "a test number", trunks: strings.Replace(sbc1, `{`, `{"testNumbers": ["911"], `, 1) + "," + sbc2},
		{what: "a profile", profile: `{"profileId": ""},` + profile},
		{what: "a number of a profile", profile: strings.Replace(profile, `[`, `["4711", `, 1)},
		{what: "two thousand numbers of a profile", profile: strings.Replace(profile, `]`, strings.Repeat(`, "+12025550121"`, 2000)+`]`, 1)},
	} {
		document := fmt.Sprintf(`{"directOffers": [%s], "trunks": [%s], "rules": [%s], "outboundProfiles": [%s], "later": true}`,
			cmp.Or(c.offers, offers), cmp.Or(c.trunks, sbc1+","+sbc2), cmp.Or(c.rules, rule), cmp.Or(c.profile, profile))
		w.run(t, `UPDATE voice_routing SET document = $1, revision = revision + 1`, document)
		plan := w.plan(t)
		if c.way == nil {
			c.way = overSBC
		}
		same(t, "the way without "+c.what, c.way, plan.Way(emergency.UnitedStates, help))
		agent := emergency.Agent{CapacityProfiles: []string{"default"}}
		same(t, "the number without "+c.what, "+12025550120", plan.CallingNumber(agent, emergency.UnitedStates))
		if w.count(t, `SELECT COUNT(*) FROM voice_routing WHERE document = $1`, document) != 1 {
			t.Errorf("without %s what is kept has changed", c.what)
		}
	}
}

// One that cannot be read at all leaves those in use who have read one before (B7). The
// others say so, and an administrator mends it.
func routingUnreadable(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	w.routes(t, routed)
	w.plan(t)
	w.run(t, `UPDATE voice_routing SET document = '<html>', revision = revision + 1`)
	same(t, "the way", overSBC, w.plan(t).Way(emergency.UnitedStates, help))
	other := w.beside(t)
	if _, err := other.Caller(t.Context(), "one"); err == nil || errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("who has never read it gets %v", err)
	}
	w.routes(t, emergency.VoiceRouting{DirectOffers: routed.DirectOffers})
	same(t, "the way", overSBC[2:], w.plan(t).Way(emergency.UnitedStates, help))
	same(t, "the way of the other", overSBC[2:], other.plan(t).Way(emergency.UnitedStates, help))
}
