package emergency

import (
	"cmp"
	"slices"
	"time"
)

// Attempt is a dial as far as eligibility is concerned.
type Attempt struct {
	Caller Caller
	// Dialed is what was dialed; the zero value asks whether a call to the
	// country's own emergency number would go out.
	Dialed Dialed
	// Location is what came with the dial; nil when nothing did.
	Location *Location
	At       time.Time
	// LocationMaxAge is how old a location may be, and for how long one counts that
	// a desktop has told outside any call.
	LocationMaxAge time.Duration
}

// Assessment is what stands between an agent and an emergency call, and the way that
// the call would take.
type Assessment struct {
	AgentID AgentID
	SiteID  SiteID
	// Checks are the conditions that do not hold, the refusals first.
	Checks []Check
	// Conveyed is the location to give with the call; nil when nobody knows better
	// than the site's address.
	Conveyed *Location
	// Dialed is what goes out: what was dialed, or the country's own number where a line
	// there would not know that.
	Dialed Dialed
	// Way is how the call goes out, the first choice first.
	Way []Hop
}

// Assess tells whether a call can be made, and what should be mended although it can
// (S12 to S16). Readiness and dial ask the same question, so that the one never
// promises what the other refuses.
func (a Attempt) Assess() Assessment {
	out := Assessment{AgentID: a.Caller.Agent.ID, SiteID: a.Caller.Site.ID, Conveyed: a.Conveyed()}
	at := Locate(a.Caller.Site.Country, out.Conveyed)
	numbering, served := at.Country().Numbering()
	if a.Dialed.Number == "" && served {
		a.Dialed = Dialed{Number: numbering.Emergency[0], Kind: KindEmergency, Country: at.Country()}
	}
	out.Dialed = a.Dialed
	if served {
		out.Dialed, out.Way = a.bound(at.Country(), numbering)
	}
	country := cmp.Or(out.Dialed.Country, at.Country())
	codes := slices.Concat(a.profileCodes(), a.locationCodes(at), a.numberCodes(country))
	if served && len(out.Way) == 0 {
		codes = append(codes, CheckNoRoute)
	}
	for _, code := range append(codes, a.warningCodes(at)...) {
		out.Checks = append(out.Checks, newCheck(code))
	}
	return out
}

// bound is what goes out for a dial, and how. Those who can help are where the caller
// is, so a number that is known at the site alone becomes that country's own: a line
// there would not know it (S1, S16; RFC 6443, section 5: devices know the emergency
// numbers of home and of where they are, and the place decides who answers). Where no
// line can carry that, the number goes as dialed over the site's: the device may be
// wrong, and whoever answers is asked for. A test stays what it is (B13).
func (a Attempt) bound(at Country, numbering Numbering) (Dialed, []Hop) {
	if a.Dialed.Kind == KindEmergency && a.Dialed.Country != "" && a.Dialed.Country != at {
		local := Dialed{Number: numbering.Emergency[0], Kind: KindEmergency, Country: at}
		if way := a.Caller.Routing.Way(at, local); len(way) > 0 {
			return local, way
		}
	}
	return a.Dialed, a.Caller.Routing.Way(cmp.Or(a.Dialed.Country, at), a.Dialed)
}

// Conveyed is what came with the dial, else what the desktop told last, unless that
// was too long ago to say anything; nil when nobody knows better than the site.
func (a Attempt) Conveyed() *Location {
	given, _ := a.conveyed()
	return given
}

// conveyed is that, and when it was told.
func (a Attempt) conveyed() (given *Location, told time.Time) {
	switch reported := a.Caller.Reported; {
	case a.Location != nil && !a.Location.silent():
		return a.Location, a.At
	case reported != nil && !reported.silent() && a.At.Sub(reported.At) <= a.LocationMaxAge:
		return &reported.Location, reported.At
	default:
		return nil, a.At
	}
}

func (a Attempt) profileCodes() []CheckCode {
	switch {
	case len(a.Caller.Agent.CapacityProfiles) == 0:
		return []CheckCode{CheckNoCapacityProfile}
	case len(a.Caller.Routing.profilesOf(a.Caller.Agent)) == 0:
		return []CheckCode{CheckNoOutboundProfile}
	default:
		return nil
	}
}

// locationCodes holds the location to S13. Without any, the call goes on with the
// address of the site, which the number is registered for: a telephone tells no
// location, and an agent without a browser must be able to call for help.
//
// How old a location is counts from when it was told. So one that was fresh when a
// desktop reported it is forgotten one day, and never refuses a call that would have
// gone out without it.
func (a Attempt) locationCodes(at Whereabouts) []CheckCode {
	var codes []CheckCode
	switch given, told := a.conveyed(); {
	case given == nil:
	case !given.On():
		codes = append(codes, CheckLocationOff)
	case !given.freshAt(told, a.LocationMaxAge):
		codes = append(codes, CheckLocationStale)
	}
	if !at.Country().Served() {
		codes = append(codes, CheckCountryNotServed)
	}
	return codes
}

func (a Attempt) numberCodes(at Country) []CheckCode {
	switch number := a.Caller.Routing.CallingNumber(a.Caller.Agent, at); {
	case number == "":
		return []CheckCode{CheckNoCallingNumber}
	case !ValidE164(number):
		return []CheckCode{CheckCallingNumberInvalid}
	case !a.Caller.Routing.MayCallFrom(number):
		return []CheckCode{CheckCallingNumberNotAllowed}
	default:
		return nil
	}
}

// warningCodes are what never keeps a call from being made (S9, S14, B6).
func (a Attempt) warningCodes(at Whereabouts) []CheckCode {
	var codes []CheckCode
	switch given := a.Conveyed(); {
	case given == nil || given.On() && !given.placed():
		codes = append(codes, CheckLocationUnknown)
	case given.abroad() && !at.Told():
		codes = append(codes, CheckLocationCountryUnknown)
	}
	if at.Disagree() && at.Country().Served() {
		codes = append(codes, CheckCountriesDiffer)
	}
	switch {
	case a.Caller.Agent.MailboxOff:
		codes = append(codes, CheckMailboxOff)
	case len(a.Caller.Recipients(KindEmergency)) == 0:
		codes = append(codes, CheckNoContacts)
	}
	if a.Caller.Site.FallbackEndpoint == "" && a.Caller.Site.FinalNumber == "" {
		codes = append(codes, CheckNoFallback)
	}
	return codes
}

// Failed are the checks that keep the call from being made.
func (a Assessment) Failed() []Check {
	return slices.DeleteFunc(slices.Clone(a.Checks), func(c Check) bool { return c.Warning })
}

// Warnings are the codes of what should be mended although the call goes on.
func (a Assessment) Warnings() []CheckCode {
	var codes []CheckCode
	for _, check := range a.Checks {
		if check.Warning {
			codes = append(codes, check.Code)
		}
	}
	return codes
}

// Readiness sums the assessment up.
func (a Assessment) Readiness() Readiness {
	switch {
	case len(a.Failed()) > 0:
		return NotReady
	case len(a.Checks) > 0:
		return ReadyWithWarnings
	default:
		return Ready
	}
}

// Refusal is what the person who dialed is told; nil when the call can be made.
func (a Assessment) Refusal(at Country) *Refusal {
	failed := a.Failed()
	if len(failed) == 0 {
		return nil
	}
	return &Refusal{Code: string(failed[0].Code), Reason: failed[0].Agent, Instead: insteadIn(at), Checks: failed}
}

// WorstFirst orders assessments for a board: who cannot call comes before who can,
// then whoever has more to be mended (B12).
func WorstFirst(all []Assessment) {
	slices.SortStableFunc(all, func(a, b Assessment) int {
		return cmp.Or(
			cmp.Compare(len(b.Failed()), len(a.Failed())),
			cmp.Compare(len(b.Checks), len(a.Checks)),
			cmp.Compare(a.AgentID, b.AgentID),
		)
	})
}
