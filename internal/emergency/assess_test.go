package emergency_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A location that was fresh when it was reported never refuses a call that would have
// gone out without it: it is conveyed until it is forgotten (S13).
func TestReportedLocationNeverGrowsStale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(label string) time.Duration {
			return time.Duration(rapid.IntRange(0, int(2*maxAge/time.Second)).Draw(t, label)) * time.Second
		}
		caller := bureau(t)
		caller.Reported.CapturedAt = caller.Reported.At.Add(-min(maxAge, seconds("age when told")))
		passed := seconds("time passed")
		got := emergency.Attempt{Caller: caller, At: tuesday.Add(passed), LocationMaxAge: maxAge}.Assess()
		if len(got.Failed()) > 0 || (got.Conveyed != nil) != (passed <= maxAge) {
			t.Fatalf("after %s %v is conveyed: %v", passed, got.Conveyed, codes(got.Checks))
		}
	})
}

// What comes with the dial counts, else what was told before, for as long as may be; a
// location that says nothing at all does not hide one that does (S13).
func TestConveyed(t *testing.T) {
	denied := &emergency.Location{Permission: emergency.LocationDenied}
	point := &emergency.Location{Latitude: new(51.5), Longitude: new(-0.1)}
	for _, c := range []struct {
		name         string
		dialed, told *emergency.Location
		ago          time.Duration
		want         *emergency.Location
	}{
		{"nothing with the dial", nil, at("GB"), 0, at("GB")},
		{"nothing in it", &emergency.Location{}, at("GB"), 0, at("GB")},
		{"nothing but leave to know", &emergency.Location{Permission: emergency.LocationGranted}, at("GB"), 0, at("GB")},
		{"another place", at("DK"), at("GB"), 0, at("DK")},
		{"a point", point, at("GB"), 0, point},
		{"no leave to know", denied, at("GB"), 0, denied},
		{"told as long ago as may be", nil, at("GB"), maxAge, at("GB")},
		{"told too long ago", nil, at("GB"), maxAge + time.Nanosecond, nil},
		// Two clocks in one house differ a little.
		{"told in a moment", nil, at("GB"), -time.Second, at("GB")},
		{"told nothing", nil, &emergency.Location{Permission: emergency.LocationGranted}, 0, nil},
		{"told that it may not", nil, denied, 0, denied},
		{"never told", nil, nil, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			attempt := emergency.Attempt{Location: c.dialed, At: tuesday, LocationMaxAge: maxAge}
			if c.told != nil {
				attempt.Caller.Reported = &emergency.ReportedLocation{Location: *c.told, At: tuesday.Add(-c.ago)}
			}
			if diff := cmp.Diff(c.want, attempt.Conveyed()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Those answer who can help where the device says that the caller is, whatever country's
// number was dialed, and it goes out as a number that the line there knows. A number of
// the site goes over the site's line when there is none. Two countries are never silent
// (S1, S13, S15, S16).
func TestBoundForTwoCountries(t *testing.T) {
	british, danish, american := emergency.Dialed{Kind: help, Country: "GB"}, emergency.Dialed{Kind: help, Country: "DK"}, emergency.Dialed{Kind: help, Country: "US"}
	as := func(d emergency.Dialed, number string) emergency.Dialed { d.Number = number; return d }
	trunk, offer := []emergency.Hop{over("main"), over("spare")}, []emergency.Hop{direct}
	for _, c := range []struct {
		site, device emergency.Country
		dialed       string
		want         emergency.Dialed
		way          []emergency.Hop
	}{
		// The country's own number goes as it is, the British one of somebody who has travelled does not.
		{"GB", "DK", "", as(danish, "112"), offer},
		{"GB", "DK", "112", as(danish, "112"), offer},
		{"GB", "DK", "911", as(danish, "911"), offer},
		{"GB", "DK", "999", as(danish, "112"), offer},
		{"GB", "DK", "urn:service:sos.fire", as(danish, "urn:service:sos.fire"), offer},
		{"GB", "US", "112", as(american, "911"), offer},
		{"GB", "US", "999", as(american, "911"), offer},
		{"GB", "US", "911", as(american, "911"), offer},
		{"US", "DK", "911", as(danish, "911"), offer},
		{"US", "GB", "911", as(british, "911"), trunk},
		{"DK", "US", "112", as(american, "911"), offer},
		// Nothing carries calls in Canada: what was dialed goes where it is known.
		{"GB", "CA", "999", as(british, "999"), trunk},
		{"DK", "CA", "112", as(danish, "112"), offer},
		// A number that is known in both countries means the one where the caller is.
		{"GB", "CA", "911", as(emergency.Dialed{Kind: help, Country: "CA"}, "911"), nil},
		// A test rehearses what it names, and a test number of elsewhere is none.
		{"US", "DK", "933", emergency.Dialed{Number: "933", Kind: test, Country: "US"}, offer},
		{"GB", "US", "933", emergency.Dialed{Number: "933", Kind: test, Country: "US"}, offer},
		// Where nobody disagrees, nothing changes.
		{"GB", "GB", "112", as(british, "112"), trunk},
	} {
		t.Run(fmt.Sprintf("%s in %s of %s", c.dialed, c.device, c.site), func(t *testing.T) {
			attempt := emergency.Attempt{Caller: bureau(t), Location: at(string(c.device)), At: tuesday, LocationMaxAge: maxAge}
			attempt.Caller.Site.Country = c.site
			if c.dialed != "" {
				var err error
				if attempt.Dialed, err = (emergency.DialPlan{}).Classify(c.dialed, emergency.Locate(c.site, attempt.Location)); err != nil {
					t.Fatal(err)
				}
			}
			got := attempt.Assess()
			if diff := cmp.Diff(c.want, got.Dialed); diff != "" {
				t.Errorf("what goes out: %s", diff)
			}
			if diff := cmp.Diff(c.way, got.Way); diff != "" {
				t.Errorf("the way: %s", diff)
			}
			if slices.Contains(codes(got.Checks), emergency.CheckCountriesDiffer) != (c.site != c.device) {
				t.Errorf("the checks are %v", codes(got.Checks))
			}
			if (len(got.Failed()) > 0) != (c.way == nil) {
				t.Errorf("refused by %v", codes(got.Failed()))
			}
		})
	}
}

// Wherever device and directory are, and whatever is configured: what goes out is an
// emergency number of the country whose line it takes, and it is that of the device's
// country whenever a line there can carry one (S1, S15, S16).
func TestBoundForWhereTheCallerIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attempt := emergency.Attempt{Caller: bureau(t), At: tuesday, LocationMaxAge: maxAge}
		attempt.Caller.Routing = compiled(t, drawRouting(t))
		attempt.Caller.Site.Country = rapid.SampledFrom(everywhere).Draw(t, "site")
		device := rapid.SampledFrom(everywhere).Draw(t, "device")
		attempt.Location = at(string(device))
		numbering, _ := rapid.SampledFrom([]emergency.Country{device, attempt.Caller.Site.Country}).Draw(t, "whose number").Numbering()
		dialed := rapid.SampledFrom(numbering.Emergency).Draw(t, "dialed")
		var err error
		if attempt.Dialed, err = (emergency.DialPlan{}).Classify(dialed, emergency.Locate(attempt.Caller.Site.Country, attempt.Location)); err != nil {
			t.Fatal(err)
		}
		got := attempt.Assess()
		known, _ := got.Dialed.Country.Numbering()
		if !slices.Contains(known.Emergency, got.Dialed.Number) || got.Dialed.Kind != help {
			t.Fatalf("%s goes out as %+v", dialed, got.Dialed)
		}
		if diff := cmp.Diff(attempt.Caller.Routing.Way(got.Dialed.Country, got.Dialed), got.Way); diff != "" {
			t.Fatalf("%+v does not go that way: %s", got.Dialed, diff)
		}
		own, _ := device.Numbering()
		local := attempt.Caller.Routing.Way(device, emergency.Dialed{Number: own.Emergency[0], Kind: help, Country: device})
		if got.Dialed.Country != device && len(local) > 0 {
			t.Fatalf("%s goes out as %+v, and a line in %s could carry it", dialed, got.Dialed, device)
		}
	})
}

// A test passes the same checks, and none more: that nothing can carry it is what it
// may find out (B13).
func TestTestIsAssessedAlike(t *testing.T) {
	for _, c := range flaws {
		t.Run(c.name, func(t *testing.T) {
			attempt := emergency.Attempt{Caller: bureau(t), At: tuesday, LocationMaxAge: maxAge}
			c.spoil(&attempt)
			call := codes(attempt.Assess().Checks)
			attempt.Dialed = emergency.Dialed{Number: "urn:service:test.sos", Kind: test}
			want := slices.DeleteFunc(call, func(code emergency.CheckCode) bool { return code == emergency.CheckNoRoute })
			got := attempt.Assess()
			if diff := cmp.Diff(want, codes(got.Checks)); diff != "" && len(want)+len(got.Checks) > 0 {
				t.Error(diff)
			}
		})
	}
}

// However things stand: nothing in the way means that no check fails and none warns; a
// call that is not refused has a way; and readiness promises what a dial of the
// country's own number is given (S12 to S16, B12).
func TestAssessProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attempt := drawAttempt(t)
		got := attempt.Assess()
		if (got.Readiness() == emergency.Ready) != (len(got.Checks) == 0) {
			t.Fatalf("%s with %v", got.Readiness(), codes(got.Checks))
		}
		if (got.Readiness() == emergency.NotReady) != (got.Refusal("GB") != nil) {
			t.Fatalf("%s, and the refusal is %v", got.Readiness(), got.Refusal("GB"))
		}
		if len(got.Failed())+len(got.Warnings()) != len(got.Checks) {
			t.Fatalf("%v are neither refusals nor warnings", codes(got.Checks))
		}
		if !slices.IsSortedFunc(got.Checks, func(a, b emergency.Check) int { return warningOf(a) - warningOf(b) }) {
			t.Fatalf("a warning stands before a refusal: %v", codes(got.Checks))
		}
		if got.Readiness() != emergency.NotReady && len(got.Way) == 0 {
			t.Fatal("a call that is not refused has no way")
		}
		country := emergency.Locate(attempt.Caller.Site.Country, attempt.Conveyed())
		numbering, served := country.Country().Numbering()
		if !served {
			return
		}
		dial := attempt
		dial.Dialed = emergency.Dialed{Number: numbering.Emergency[0], Kind: help, Country: country.Country()}
		if diff := cmp.Diff(got, dial.Assess()); diff != "" {
			t.Fatalf("readiness and dial differ: %s", diff)
		}
	})
}

func warningOf(c emergency.Check) int {
	if c.Warning {
		return 1
	}
	return 0
}

// drawAttempt draws a caller with any number of flaws.
func drawAttempt(t *rapid.T) emergency.Attempt {
	attempt := emergency.Attempt{Caller: bureau(t), At: tuesday, LocationMaxAge: maxAge}
	if rapid.Bool().Draw(t, "another routing") {
		attempt.Caller.Routing = compiled(t, drawRouting(t))
	}
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(flaws)-1), 0, 4).Draw(t, "flaws") {
		if attempt.Caller.Reported == nil {
			attempt.Caller.Reported = bureau(t).Reported
		}
		flaws[i].spoil(&attempt)
	}
	return attempt
}

// The board begins with whoever cannot call, the most to be mended first; its order
// does not depend on the one before (B12).
func TestWorstFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []emergency.Assessment
		for i := range rapid.IntRange(0, 8).Draw(t, "agents") {
			attempt := drawAttempt(t)
			attempt.Caller.Agent.ID = emergency.AgentID(fmt.Sprint("agent-", i))
			all = append(all, attempt.Assess())
		}
		other := rapid.Permutation(slices.Clone(all)).Draw(t, "order")
		emergency.WorstFirst(all)
		emergency.WorstFirst(other)
		if diff := cmp.Diff(all, other); diff != "" {
			t.Fatalf("two orders: %s", diff)
		}
		for i := 1; i < len(all); i++ {
			a, b := all[i-1], all[i]
			if len(a.Failed()) < len(b.Failed()) || len(a.Failed()) == len(b.Failed()) && len(a.Checks) < len(b.Checks) {
				t.Fatalf("%v stands before %v", codes(a.Checks), codes(b.Checks))
			}
			if a.Readiness() != emergency.NotReady && b.Readiness() == emergency.NotReady {
				t.Fatal("somebody who can call stands before somebody who cannot")
			}
		}
	})
}
