package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// numberRules are about the administrator's pool.
var numberRules = []rule{
	{"added and listed", addedAndListed},
	{"refused", numbersRefused},
	{"of the site's country", numbersOfTheCountry},
	{"of nobody else", numbersOfNobodyElse},
	{"not of a site until lately", numbersOfASiteUntilLately},
	{"removed when free", removedWhenFree},
	{"drained when leased", drainedWhenLeased},
	{"drained in quarantine", drainedInQuarantine},
	{"comes back from draining", comesBackFromDraining},
	{"comes back with its quarantine", comesBackWithItsQuarantine},
	{"moves to another site", movesToAnotherSite},
	{"forgotten in time", forgottenInTime},
	{"leave a line in the audit", numbersLeaveAuditLines},
}

func (w *world) add(t tb, number string, site emergency.SiteID) {
	t.Helper()
	if err := w.AddNumber(t.Context(), number, site, emergency.Change{}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) remove(t tb, number string) {
	t.Helper()
	if err := w.RemoveNumber(t.Context(), number, emergency.Change{}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) forgetNumbers(t tb) {
	t.Helper()
	if err := w.ForgetNumbers(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The pool is listed by site and number.
func addedAndListed(t *testing.T, w *world) {
	w.addSite(t, "us", second, first)
	w.addSite(t, "pr", third)
	numbers, err := w.Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the pool", []emergency.CallbackNumber{
		{Number: third, SiteID: "pr", State: free},
		{Number: first, SiteID: "us", State: free},
		{Number: second, SiteID: "us", State: free},
	}, numbers)
	for _, want := range numbers {
		got, err := w.Number(t.Context(), want.Number)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the number by itself", want, got)
	}
	w.remove(t, third)
	if _, err := w.Number(t.Context(), third); !errors.Is(err, emergency.ErrUnknownNumber) {
		t.Errorf("a number that is gone gives %v, want ErrUnknownNumber", err)
	}
}

// What cannot be a number of this pool is refused in words, and changes nothing.
func numbersRefused(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one")
	if err := w.AddNumber(t.Context(), first, "us", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("added twice gives %v, want ErrNumberExists", err)
	}
	if err := w.AddNumber(t.Context(), first, "pr", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("added at another site gives %v, want ErrNumberExists", err)
	}
	if err := w.AddNumber(t.Context(), second, "nowhere", emergency.Change{}); !errors.Is(err, emergency.ErrUnknownSite) {
		t.Errorf("added nowhere gives %v, want ErrUnknownSite", err)
	}
	if err := w.RemoveNumber(t.Context(), second, emergency.Change{}); !errors.Is(err, emergency.ErrUnknownNumber) {
		t.Errorf("removing what is not there gives %v, want ErrUnknownNumber", err)
	}
	// A drained number belongs to its site's address until it is gone.
	w.dial(t, "one")
	w.remove(t, first)
	if err := w.AddNumber(t.Context(), first, "pr", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("a drained number added at another site gives %v, want ErrNumberExists", err)
	}
	w.states(t, map[string]emergency.NumberState{first: draining})
}

// standingIn are standing numbers of every country.
var standingIn = map[emergency.Country]string{
	"US": "+12025550199", "PR": "+17875550199", "CA": "+16135550199", "GB": "+442079460199", "DK": dansk,
}

// A number is of the country of its site, or no carrier could register the site's
// address for it; that it has been given to anybody is not asked (B5). Territories
// and islands that share a calling code with a country are apart from it.
func numbersOfTheCountry(t *testing.T, w *world) {
	for _, c := range []struct {
		country emergency.Country
		number  string
		right   bool
	}{
		{"US", "+12025550101", true},
		{"US", "+17875550101", false}, // Puerto Rico
		{"US", "+16135550101", false}, // Canada
		{"US", "+18765550101", false}, // Jamaica
		{"US", "+442079460101", false},
		// No address can be registered for a number that everybody calls for nothing, or dearly.
		{"US", "+18005550101", false},
		{"US", "+19005550101", false},
		{"GB", "+448081570101", false},
		{"GB", "+449098790101", false},
		{"DK", "+4580000101", false},
		{"DK", "+4590000101", false},
		{"PR", "+17875550101", true},
		{"PR", "+19395550101", true},
		{"PR", "+12025550101", false},
		{"CA", "+16135550101", true},
		{"CA", "+12025550101", false},
		{"GB", "+442079460101", true},
		{"GB", "+441481960101", false}, // Guernsey
		{"GB", "+447781960101", false}, // Guernsey, mobile
		{"GB", "+12025550101", false},
		{"DK", "+4510000101", true}, // not given to anybody
		// The public data tells the country of a Danish number by its first digits.
		{"DK", "+4510000", false},
		{"DK", "+451000010", false},
		{"DK", "+451000010512345", false},
		{"DK", "+4599999", false},
		{"DK", "+4501000101", false},
		{"DK", "+2995550101", false},
		{"DK", "+12025550101", false},
		{"US", "202 555 0101", false},
		{"US", "+1 202 555 0101", false},
		{"US", "12025550101", false},
		{"US", "+1202555010", false}, // a digit short
		{"US", "+12025550101;ext=1", false},
		{"US", "+120255501O1", false},
		{"US", "", false},
		{"US", "+", false},
		{"US", "\x00", false},
	} {
		w.wipe(t)
		site := siteNamed("here")
		site.Country, site.StandingNumber = c.country, standingIn[c.country]
		if err := only(w.PutSite(t.Context(), site, emergency.Change{})); err != nil {
			t.Fatal(err)
		}
		err := w.AddNumber(t.Context(), c.number, "here", emergency.Change{})
		want := map[string]emergency.NumberState{}
		if c.right {
			want[c.number] = free
		}
		if invalid, ok := errors.AsType[*emergency.Invalid](err); c.right != (err == nil) || !c.right && (!ok || invalid.Field != "number") {
			t.Errorf("%q at a site in %s gives %v, want it taken: %v", c.number, c.country, err, c.right)
		}
		w.states(t, want)
	}
}

// A number in a pool rings whoever has called for help from it and nobody else, so it
// stands for no site, answers no callback, belongs to no agent, and no customer is called
// from it (B5, B6). Whoever adds it is told what it is for.
func numbersOfNobodyElse(t *testing.T, w *world) {
	us := siteNamed("us")
	us.StandingNumber, us.FinalNumber, us.FallbackEndpoint = "+12025550110", "+12025550111", "tel:+1-202-555-0112"
	one := agentNamed("one", "us")
	one.CallingNumber, one.Endpoints = "+12025550113", []string{"sip:one@example.com", "tel:+12025550114"}
	if err := errors.Join(
		only(w.PutSite(t.Context(), us, emergency.Change{})), only(w.PutAgent(t.Context(), one, emergency.Change{})),
	); err != nil {
		t.Fatal(err)
	}
	pr := siteNamed("pr")
	pr.FallbackEndpoint = "sip:12025550115@example.com"
	if err := only(w.PutSite(t.Context(), pr, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	w.routes(t, routed)
	w.add(t, first, "us")
	w.add(t, second, "us")
	w.run(t, `UPDATE callback_numbers SET draining = TRUE, free_at = $2 WHERE number = $1`, second, noon.Add(time.Hour))
	for what, number := range map[string]string{
		"the standing number of site us":         us.StandingNumber,
		"the final number of site us":            us.FinalNumber,
		"the fallback endpoint of site us":       "+12025550112",
		"the fallback endpoint of site pr":       "+12025550115",
		"the calling number of agent one":        one.CallingNumber,
		"a device of agent one":                  "+12025550114",
		"a direct offer of the voice routing":    "+12025550100",
		"a number of trunk sbc-1":                "+12025550120",
		"a callback number of site us":           first,
		"a callback number of site us, from whi": second,
	} {
		for _, site := range []emergency.SiteID{"us", "pr"} {
			if site == "us" && number == second {
				continue // where it may come back
			}
			err := w.AddNumber(t.Context(), number, site, emergency.Change{})
			taken, ok := errors.AsType[*emergency.NumberTaken](err)
			if !ok || !errors.Is(err, emergency.ErrNumberExists) || !strings.HasPrefix(taken.By, what) {
				t.Errorf("%s in the pool of %s gives %v", what, site, err)
			}
		}
	}
	w.states(t, map[string]emergency.NumberState{first: free, second: draining})
}

// A number that has stood for a site is leased to nobody as long as somebody who showed
// it may be called back on it (B5).
func numbersOfASiteUntilLately(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	us := siteNamed("us")
	us.StandingNumber = "+12025550110"
	if err := only(w.PutSite(t.Context(), us, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		if err := w.AddNumber(t.Context(), standing, "us", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
			t.Errorf("adding gives %v, want ErrNumberExists", err)
		}
	}
	refused()
	w.add(t, first, "us") // which the call gets, and it has shown the other one all the same
	w.finish(t, call.ID)
	w.pass(agreed.Quarantine - time.Microsecond)
	refused()
	w.decides(t, standing, toTheDesk(call))
	w.pass(time.Microsecond)
	w.add(t, standing, "us")
	w.decides(t, standing, ordinary)
}

// A number that nobody could be called back on goes at once.
func removedWhenFree(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one")
	w.finish(t, w.dial(t, "one").ID)
	w.pass(agreed.Quarantine)
	w.states(t, map[string]emergency.NumberState{first: free, second: free})
	for _, number := range []string{first, second} {
		w.remove(t, number)
	}
	w.states(t, map[string]emergency.NumberState{})
	if kept := w.count(t, `SELECT COUNT(*) FROM callback_numbers`); kept != 0 {
		t.Errorf("%d numbers are kept", kept)
	}
}

// No caller loses a number that a PSAP has seen: a redial keeps it, and a callback
// reaches somebody until its quarantine is over (S4, B2, B5).
func drainedWhenLeased(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	call := w.dial(t, "one")
	for range 2 {
		w.remove(t, first)
	}
	w.states(t, map[string]emergency.NumberState{first: draining})
	if got := w.offer(t, first); got.CallID != call.ID {
		t.Errorf("a callback gives %+v", got)
	}
	again := w.dial(t, "one")
	has(t, again, first, emergency.NumberLeased)
	w.finish(t, call.ID)
	w.states(t, map[string]emergency.NumberState{first: draining})
	w.finish(t, again.ID)
	w.states(t, map[string]emergency.NumberState{first: draining})
	if got := w.offer(t, first); got.Verdict != emergency.ConnectFallback || got.CallID != again.ID {
		t.Errorf("a late callback gives %+v", got)
	}
	w.pass(agreed.Quarantine)
	w.states(t, map[string]emergency.NumberState{})
	has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
}

// A number that rests leaves when its quarantine is over, and is nobody's until then
// (B5). Until it is gone, removing it again changes nothing; then it is unknown.
func drainedInQuarantine(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	w.finish(t, w.dial(t, "one").ID)
	w.remove(t, first)
	freeAt := noon.Add(agreed.Quarantine)
	numbers, err := w.Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the number", []emergency.CallbackNumber{{Number: first, SiteID: "us", State: draining, FreeAt: freeAt}}, numbers)
	w.clock.set(freeAt.Add(-time.Microsecond))
	w.remove(t, first)
	w.states(t, map[string]emergency.NumberState{first: draining})
	w.pass(time.Microsecond)
	w.states(t, map[string]emergency.NumberState{})
	if err := w.RemoveNumber(t.Context(), first, emergency.Change{}); !errors.Is(err, emergency.ErrUnknownNumber) {
		t.Errorf("removing what is gone gives %v, want ErrUnknownNumber", err)
	}
	has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
}

// An administrator may change their mind while the number drains.
func comesBackFromDraining(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.remove(t, first)
	w.add(t, first, "us")
	w.states(t, map[string]emergency.NumberState{first: leased})
	w.finish(t, call.ID)
	w.states(t, map[string]emergency.NumberState{first: resting})
}

// Removing a number and adding it again does not cut its rest short (B5).
func comesBackWithItsQuarantine(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two", "three")
	call := w.dial(t, "one")
	w.remove(t, first)
	w.finish(t, call.ID)
	w.pass(agreed.Quarantine - time.Microsecond)
	w.forgetNumbers(t)
	w.add(t, first, "us")
	w.states(t, map[string]emergency.NumberState{first: resting})
	has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
	w.pass(time.Microsecond)
	w.states(t, map[string]emergency.NumberState{first: free})
	has(t, w.dial(t, "three"), first, emergency.NumberLeased)
}

// A number can be added at another site once nobody can be called back on it (B5).
func movesToAnotherSite(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one", "two")
	w.finish(t, w.dial(t, "one").ID)
	w.remove(t, first)
	w.pass(agreed.Quarantine - time.Microsecond)
	if err := w.AddNumber(t.Context(), first, "pr", emergency.Change{}); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("a number at rest added at another site gives %v, want ErrNumberExists", err)
	}
	w.pass(time.Microsecond)
	w.add(t, first, "pr")
	numbers, err := w.Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the pool", []emergency.CallbackNumber{{Number: first, SiteID: "pr", State: free}}, numbers)
	has(t, w.dial(t, "two"), standing, emergency.NumberStanding)
}

// What was removed is dropped when its time has come, and nothing else.
func forgottenInTime(t *testing.T, w *world) {
	w.addSite(t, "us", first, second, third)
	w.addAgents(t, "us", "one", "two")
	w.finish(t, w.dial(t, "one").ID)
	w.dial(t, "two")
	w.remove(t, first)
	w.remove(t, second)
	kept := func() int { return w.count(t, `SELECT COUNT(*) FROM callback_numbers`) }
	w.pass(agreed.Quarantine - time.Microsecond)
	w.forgetNumbers(t)
	if kept() != 3 {
		t.Errorf("%d numbers are kept, want all 3", kept())
	}
	w.pass(time.Microsecond)
	w.forgetNumbers(t)
	if kept() != 2 {
		t.Errorf("%d numbers are kept, want the leased one and the free one", kept())
	}
	w.states(t, map[string]emergency.NumberState{second: draining, third: free})
}
