package emergency

import "cmp"

// CheckCode names one condition for an emergency call that does not hold. It is
// stable and meant for programs.
type CheckCode string

// What keeps an agent from calling (S12, S13, S15).
const (
	CheckNoCapacityProfile       CheckCode = "no-capacity-profile"
	CheckNoOutboundProfile       CheckCode = "no-outbound-profile"
	CheckLocationOff             CheckCode = "location-off"
	CheckLocationStale           CheckCode = "location-stale"
	CheckCountryNotServed        CheckCode = "country-not-served"
	CheckNoCallingNumber         CheckCode = "no-calling-number"
	CheckCallingNumberInvalid    CheckCode = "calling-number-invalid"
	CheckCallingNumberNotAllowed CheckCode = "calling-number-not-allowed"
	CheckNoRoute                 CheckCode = "no-route"
)

// What should be mended although the call goes on (S9, S13, S14, B6).
const (
	CheckLocationUnknown CheckCode = "location-unknown"
	// CheckLocationCountryUnknown is of a place whose country nobody can tell.
	CheckLocationCountryUnknown CheckCode = "location-country-unknown"
	CheckCountriesDiffer        CheckCode = "countries-differ"
	CheckMailboxOff             CheckCode = "mailbox-off"
	CheckNoContacts             CheckCode = "no-contacts"
	CheckNoFallback             CheckCode = "no-fallback"
)

// Check is a condition that does not hold.
type Check struct {
	Code CheckCode
	// Warning says that the call goes on all the same.
	Warning bool
	// Agent is what the person who dials is told.
	Agent string
	// Administrator is what to do about it.
	Administrator string
}

// Readiness sums up what stands between an agent and an emergency call.
type Readiness string

const (
	// Ready means that nothing is in the way.
	Ready Readiness = "ready"
	// ReadyWithWarnings means that a call would go out, and something should be
	// mended.
	ReadyWithWarnings Readiness = "warning"
	// NotReady means that a dial would be refused.
	NotReady Readiness = "not-ready"
)

// checks words every condition, for the two who read it.
var checks = map[CheckCode]Check{
	CheckNoCapacityProfile: {
		Agent:         "You have no capacity profile that lets you call out.",
		Administrator: "Give the agent a capacity profile that an outbound profile of the voice routing names.",
	},
	CheckNoOutboundProfile: {
		Agent:         "Your capacity profile does not let you call out.",
		Administrator: "Associate one of the agent's capacity profiles with an outbound profile in the voice routing.",
	},
	CheckLocationOff: {
		Agent:         "Your browser does not share your location. Allow it, and dial again.",
		Administrator: "Have the agent allow the desktop's page to use the location.",
	},
	CheckLocationStale: {
		Agent:         "Your browser's location is too old to send help to, or its clock is wrong. Reload the desktop, and dial again.",
		Administrator: "Have the desktop ask for the location again, and check its clock; LIFELINE_LOCATION_MAX_AGE says how far off the time may be.",
	},
	CheckCountryNotServed: {
		Agent:         "Emergency calls from this country are not supported here.",
		Administrator: "The agent is in a country without an entry in the table of emergency numbers.",
	},
	CheckNoCallingNumber: {
		Agent:         "You have no number to call from.",
		Administrator: "Give the agent a calling number, or the outbound profile some.",
	},
	CheckCallingNumberInvalid: {
		Agent:         "The number that you call from is not valid.",
		Administrator: "Write the agent's calling number in E.164, such as +12025550100.",
	},
	CheckCallingNumberNotAllowed: {
		Agent:         "The number that you call from may not make emergency calls.",
		Administrator: "List the calling number as a direct offer, or with a trunk whose emergency behaviour is configured.",
	},
	CheckNoRoute: {
		Agent:         "There is no line that can carry an emergency call from here.",
		Administrator: "Add a direct offer of the country, or a rule to a trunk whose emergency behaviour is configured.",
	},
	CheckLocationUnknown: {
		Warning:       true,
		Agent:         "Your location is not known; the address of your site is given instead. Say where you are.",
		Administrator: "No desktop has told the agent's location lately; the address of the site is conveyed.",
	},
	CheckLocationCountryUnknown: {
		Warning:       true,
		Agent:         "Your device does not say in which country it is; the country of your site counts. Say where you are.",
		Administrator: "Have the desktop send the country with the location, by its code of two letters; the country of the site counts until then.",
	},
	CheckCountriesDiffer: {
		Warning:       true,
		Agent:         "Your device is in another country than your site. Say where you are.",
		Administrator: "The device names another country than the agent's site; check both.",
	},
	CheckMailboxOff: {
		Warning:       true,
		Agent:         "Your emergency contacts are not told by e-mail, because your mailbox is switched off.",
		Administrator: "Enable the agent's mailbox, or the agent's contacts are not told of a call.",
	},
	CheckNoContacts: {
		Warning:       true,
		Agent:         "Nobody is told by e-mail, because you have no emergency contacts.",
		Administrator: "Set the agent's emergency contacts, or nobody is told of a call.",
	},
	CheckNoFallback: {
		Warning:       true,
		Agent:         "If you do not answer a callback, nobody else will.",
		Administrator: "Give the site a fallback endpoint or a final number.",
	},
}

// newCheck words a condition that does not hold.
func newCheck(code CheckCode) Check {
	check := checks[code]
	check.Code = code
	return check
}

// Explain words a condition by its code, as a call keeps it. A code that a newer
// version has kept explains itself as well as it can.
func Explain(code CheckCode) Check {
	check := newCheck(code)
	check.Agent = cmp.Or(check.Agent, string(code))
	check.Administrator = cmp.Or(check.Administrator, string(code))
	return check
}
