package dial_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
)

// denied is a location that the browser would not give.
var denied = emergency.Location{Permission: emergency.LocationDenied}

// hindrances keep the caller of a rig from calling, one by one and all together, each
// with the checks that must be named (S12 to S15).
var hindrances = []struct {
	name     string
	happen   func(*testing.T, *rig)
	location *emergency.Location
	want     []emergency.CheckCode
}{
	{
		"no capacity profile",
		func(t *testing.T, r *rig) { r.hire(t, without(func(a *emergency.Agent) { a.CapacityProfiles = nil })) },
		nil,
		[]emergency.CheckCode{emergency.CheckNoCapacityProfile, emergency.CheckNoCallingNumber},
	},
	{
		"no outbound profile for it",
		func(t *testing.T, r *rig) {
			r.hire(t, without(func(a *emergency.Agent) { a.CapacityProfiles, a.CallingNumber = []string{"chat"}, standing }))
		},
		nil,
		[]emergency.CheckCode{emergency.CheckNoOutboundProfile},
	},
	{
		"location off",
		func(*testing.T, *rig) {},
		&denied,
		[]emergency.CheckCode{emergency.CheckLocationOff},
	},
	{
		"location too old",
		func(*testing.T, *rig) {},
		&emergency.Location{CapturedAt: noon.Add(-time.Hour - time.Second)},
		[]emergency.CheckCode{emergency.CheckLocationStale},
	},
	{
		"a country that is not served",
		func(*testing.T, *rig) {},
		&emergency.Location{Address: &emergency.Address{Country: "DE"}},
		[]emergency.CheckCode{emergency.CheckCountryNotServed},
	},
	{
		"a calling number of nobody's",
		func(t *testing.T, r *rig) {
			r.hire(t, without(func(a *emergency.Agent) { a.CallingNumber = "+12025550123" }))
		},
		nil,
		[]emergency.CheckCode{emergency.CheckCallingNumberNotAllowed},
	},
	{
		"no direct offer where the device is",
		func(*testing.T, *rig) {},
		&emergency.Location{Address: &emergency.Address{Country: "CA"}},
		[]emergency.CheckCode{emergency.CheckNoRoute},
	},
	{
		"everything at once",
		func(t *testing.T, r *rig) {
			r.hire(t, without(func(a *emergency.Agent) { a.CapacityProfiles = []string{"chat"} }))
			r.route(t, emergency.VoiceRouting{})
		},
		&emergency.Location{Permission: emergency.LocationPrompt, Address: &emergency.Address{Country: "CA"}},
		[]emergency.CheckCode{
			emergency.CheckNoOutboundProfile, emergency.CheckLocationOff, emergency.CheckNoCallingNumber, emergency.CheckNoRoute,
		},
	},
}

// without is the agent with something changed.
func without(change func(*emergency.Agent)) emergency.Agent {
	agent := avery
	change(&agent)
	return agent
}

// A dial that cannot work is refused with every check that fails and with what to do
// instead; it changes nothing, and people are told of it once (S12 to S15, B10).
func TestAdmitRefuses(t *testing.T) {
	for _, c := range hindrances {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			c.happen(t, r)
			_, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "9-1-1", Location: c.location})
			refusal, refused := errors.AsType[*emergency.Refusal](err)
			if !refused {
				t.Fatalf("the error is %v", err)
			}
			same(t, "the checks", c.want, codes(refusal.Checks))
			same(t, "the code", string(c.want[0]), refusal.Code)
			if refusal.Reason == "" || !strings.HasPrefix(refusal.Instead, "Dial ") {
				t.Errorf("the person is told %q and %q", refusal.Reason, refusal.Instead)
			}
			r.untouched(t)
			same(t, "refusals told", 1, len(r.refused))
			want := emergency.RefusedCall{
				CallID: r.refused[0].CallID, AgentID: caller, SiteID: washington.ID, Dialed: "9-1-1", Kind: emergency.KindEmergency,
				Country: emergency.Locate(washington.Country, c.location).Country(), Location: c.location, Code: c.want[0], At: noon,
			}
			if want.CallID == "" || want.CallID != refusal.CallID {
				t.Errorf("people are told of %q, and whoever dialed of %q", want.CallID, refusal.CallID)
			}
			same(t, "the refusal told", want, r.refused[0])
		})
	}
}

func codes(checks []emergency.Check) []emergency.CheckCode {
	var all []emergency.CheckCode
	for _, check := range checks {
		all = append(all, check.Code)
	}
	return all
}

// A repeated dial is given its call while that lives, whatever has come in the way
// meanwhile, and nobody is told of a refusal; once the call is over, the same request
// is a new dial and is refused (B7, S11).
func TestRepeatedDialIsNotRefused(t *testing.T) {
	for _, c := range hindrances {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			call := r.dial(t, "key")
			c.happen(t, r)
			repeated := emergency.DialRequest{AgentID: caller, DialedNumber: "911", IdempotencyKey: "key", Location: c.location}
			again, err := r.Place(t.Context(), repeated)
			ok(t, err)
			same(t, "the call", call, again)
			same(t, "messages", 1, len(r.sent(t, call.ID)))
			same(t, "refusals told", 0, len(r.refused))

			ok(t, only(r.End(t.Context(), call.ID, "", "")))
			ok(t, only(r.store.CloseCall(t.Context(), call.ID, "completed")))
			if _, err = r.Place(t.Context(), repeated); err == nil {
				t.Error("the dial that is no repetition goes well")
			}
			same(t, "refusals told", 1, len(r.refused))
		})
	}
}

// A device in another country than the directory says is no reason to refuse: the
// call goes on, and says so itself, and so does the log, without an address or a
// number in it (S13).
func TestCountriesDiffer(t *testing.T) {
	r := newRig(t)
	call, err := r.Place(t.Context(), emergency.DialRequest{
		AgentID: caller, DialedNumber: "112",
		Location: &emergency.Location{Address: &emergency.Address{Street: "Hemmelig Vej", Country: "DK"}},
	})
	ok(t, err)
	same(t, "the country", emergency.Denmark, call.Country)
	same(t, "the warnings", []emergency.CheckCode{emergency.CheckCountriesDiffer}, call.Warnings)
	for _, word := range []string{"another country", "conveyedCountry=DK", "siteCountry=US", "agent=agent-us"} {
		if !strings.Contains(r.log.String(), word) {
			t.Errorf("the log lacks %q: %s", word, &r.log)
		}
	}
	for _, secret := range []string{"Hemmelig", "Example Street", "+1202", "+45", "Avery"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("%q stands in the log: %s", secret, &r.log)
		}
	}
}

// Somebody who has travelled dials the number of home. It goes out as the one of the
// country where the caller is, over a line there; the callback number stays the one that
// is registered for the site (S1, S3, S16).
func TestNumberOfHome(t *testing.T) {
	r := newRig(t)
	copenhagen := washington
	copenhagen.ID, copenhagen.Country, copenhagen.StandingNumber = "dk-copenhagen", emergency.Denmark, "+4510000100"
	agent := avery
	agent.SiteID = copenhagen.ID
	ok(t, errors.Join(
		only(r.store.PutSite(t.Context(), copenhagen, emergency.Change{})),
		r.store.AddNumber(t.Context(), "+4510000101", copenhagen.ID, emergency.Change{}),
		only(r.store.PutAgent(t.Context(), agent, emergency.Change{})),
	))
	request := emergency.DialRequest{
		AgentID: caller, DialedNumber: "112", IdempotencyKey: "key",
		Location: &emergency.Location{Address: &emergency.Address{Country: "US"}},
	}
	call, err := r.Place(t.Context(), request)
	ok(t, err)
	same(t, "the country", emergency.UnitedStates, call.Country)
	same(t, "the number that goes out", "911", call.Dialed)
	same(t, "the path", emergency.DirectOffer, call.Route.Path)
	same(t, "the callback number", "+4510000101", call.Number)
	same(t, "the warnings", []emergency.CheckCode{emergency.CheckCountriesDiffer}, call.Warnings)
	again, err := r.Place(t.Context(), request)
	ok(t, err)
	same(t, "the call of the repeated dial", call.ID, again.ID)
}

// told are records that know what a desktop has reported.
type told struct {
	dial.Records

	reported emergency.ReportedLocation
}

func (r told) Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error) {
	who, err := r.Records.Caller(ctx, id)
	who.Reported = &r.reported
	return who, err
}

// What the desktop told before counts when the dial brings no location, until it is
// too old; then the site's address is conveyed alone, with a warning. What comes with
// the dial always counts more (S13).
func TestReportedLocation(t *testing.T) {
	here := &emergency.Address{Country: "US"}
	before := emergency.Location{Latitude: new(38.9), Longitude: new(-77.0), Address: here}
	now := emergency.Location{Latitude: new(38.8), Longitude: new(-77.1), Address: here}
	point := emergency.Location{Latitude: new(38.8), Longitude: new(-77.1)}
	for _, c := range []struct {
		name     string
		reported emergency.ReportedLocation
		dialed   *emergency.Location
		conveyed *emergency.Location
		warnings []emergency.CheckCode
	}{
		{"just told", emergency.ReportedLocation{Location: before, At: noon}, nil, &before, nil},
		{"told as long ago as may be", emergency.ReportedLocation{Location: before, At: noon.Add(-time.Hour)}, nil, &before, nil},
		{
			"told too long ago",
			emergency.ReportedLocation{Location: before, At: noon.Add(-time.Hour - time.Nanosecond)},
			nil, nil,
			[]emergency.CheckCode{emergency.CheckLocationUnknown},
		},
		{"denied, but too long ago", emergency.ReportedLocation{Location: denied, At: noon.Add(-2 * time.Hour)}, nil, nil, []emergency.CheckCode{emergency.CheckLocationUnknown}},
		{"another with the dial", emergency.ReportedLocation{Location: before, At: noon}, &now, &now, nil},
		// Coordinates tell no country, and that is never silent.
		{"a point with the dial", emergency.ReportedLocation{Location: before, At: noon}, &point, &point, []emergency.CheckCode{emergency.CheckLocationCountryUnknown}},
		{"denied before, given with the dial", emergency.ReportedLocation{Location: denied, At: noon}, &now, &now, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.Records = told{r.store, c.reported}
			call, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "911", Location: c.dialed})
			ok(t, err)
			same(t, "the location conveyed", c.conveyed, call.Conveyed.Device)
			same(t, "the warnings", c.warnings, call.Warnings)
			kept, err := r.store.Call(t.Context(), call.ID)
			ok(t, err)
			same(t, "the warnings kept", c.warnings, kept.Warnings)
		})
	}
}

// A desktop that has just told that it may not know where it is refuses the next dial
// that brings no location (S13).
func TestReportedDenialRefuses(t *testing.T) {
	r := newRig(t)
	r.Records = told{r.store, emergency.ReportedLocation{Location: denied, At: noon}}
	_, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "911"})
	refusal, refused := errors.AsType[*emergency.Refusal](err)
	if !refused || refusal.Code != string(emergency.CheckLocationOff) {
		t.Errorf("the error is %v", err)
	}
	r.untouched(t)
}

// trunks has two carriers of which the first fails over to the second, and no direct
// offer.
var trunks = emergency.VoiceRouting{
	Trunks: []emergency.Trunk{
		{ID: "first", Numbers: []string{standing}, Emergency: true, FailOver: []emergency.TrunkID{"second"}},
		{ID: "second", Emergency: true},
	},
	Rules:            []emergency.RoutingRule{{Name: "short", Pattern: "^9[13][13]$", Trunk: "first"}},
	OutboundProfiles: offers.OutboundProfiles,
}

// both has the trunks and the direct offers; a carrier that can be tested has a number
// for that.
func both(testNumbers ...string) emergency.VoiceRouting {
	routing := trunks
	routing.DirectOffers = offers.DirectOffers
	routing.Trunks = slices.Clone(trunks.Trunks)
	routing.Trunks[0].TestNumbers = testNumbers
	return routing
}

// A call says by which way it goes out, and what to try next when that way does not
// answer: the matching rule's trunk, its fail-over trunks, last the direct offer. A
// test takes a trunk only if its carrier has that number for tests, and no way at all
// rather than another (S15, S16, B13).
func TestRouteOfCall(t *testing.T) {
	direct := emergency.Route{Path: emergency.DirectOffer, CallerID: number}
	for _, c := range []struct {
		name, dialed string
		routing      emergency.VoiceRouting
		want         emergency.Route
	}{
		{"direct offers alone", "911", offers, direct},
		{"trunks alone", "911", trunks, emergency.Route{
			Path: emergency.DirectRouting, Trunk: "first", CallerID: number,
			FailOver: []emergency.Hop{{Path: emergency.DirectRouting, Trunk: "second"}},
		}},
		{"trunks and a direct offer", "911", both(), emergency.Route{
			Path: emergency.DirectRouting, Trunk: "first", CallerID: number,
			FailOver: []emergency.Hop{{Path: emergency.DirectRouting, Trunk: "second"}, {Path: emergency.DirectOffer}},
		}},
		{"a test by the direct offer", "933", both(), direct},
		{"a test that the carrier offers", "933", both("933"), emergency.Route{
			Path: emergency.DirectRouting, Trunk: "first", CallerID: number, FailOver: []emergency.Hop{{Path: emergency.DirectOffer}},
		}},
		{"a test with nowhere to go", "933", trunks, emergency.Route{Path: emergency.NoPath, CallerID: number}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			// A test takes a number only if enough stay free, and shows the standing one else.
			for _, spare := range []string{"+12025550102", "+12025550103", "+12025550104", "+12025550105"} {
				ok(t, r.store.AddNumber(t.Context(), spare, washington.ID, emergency.Change{}))
			}
			r.route(t, c.routing)
			call, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: c.dialed})
			ok(t, err)
			same(t, "the route", c.want, call.Route)
			kept, err := r.store.Call(t.Context(), call.ID)
			ok(t, err)
			same(t, "the route kept", c.want, kept.Route)
		})
	}
}

// A mailbox that is off keeps notices back, and says so; it never keeps a call back.
// A test is told to the test list alone (S14, B13).
func TestWhoIsTold(t *testing.T) {
	for _, c := range []struct {
		name, dialed string
		mailboxOff   bool
		recipients   []string
		warnings     []emergency.CheckCode
	}{
		{"a call", "911", false, []string{"ana@example.com"}, []emergency.CheckCode{emergency.CheckLocationUnknown}},
		{"a call with the mailbox off", "911", true, nil, []emergency.CheckCode{emergency.CheckLocationUnknown, emergency.CheckMailboxOff}},
		{"a test", "933", false, []string{"drills@example.com"}, []emergency.CheckCode{emergency.CheckLocationUnknown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.hire(t, without(func(a *emergency.Agent) { a.MailboxOff = c.mailboxOff }))
			call, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: c.dialed})
			ok(t, err)
			var recipients []string
			for _, delivery := range call.Notice.Deliveries {
				recipients = append(recipients, delivery.Address)
			}
			same(t, "those to tell", c.recipients, recipients)
			same(t, "the warnings", c.warnings, call.Warnings)
			same(t, "presence", emergency.StatusDoNotDisturb, call.PresenceNow)
		})
	}
}

// Whoever tests is not told to dial for help when the test cannot be made (B13).
func TestRefusedTestIsNoEmergency(t *testing.T) {
	r := newRig(t)
	_, err := r.Place(t.Context(), emergency.DialRequest{
		AgentID: caller, DialedNumber: "933", Location: &emergency.Location{Permission: emergency.LocationDenied},
	})
	refusal, ok := errors.AsType[*emergency.Refusal](err)
	if !ok || strings.Contains(refusal.Instead, "911") {
		t.Errorf("a refused test says %+v", refusal)
	}
	if len(r.refused) != 1 || r.refused[0].Kind != emergency.KindTest {
		t.Errorf("told is %+v", r.refused)
	}
}
