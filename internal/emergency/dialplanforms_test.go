package emergency_test

import "lifeline/internal/emergency"

// formPlans have rules for what stands around an emergency number, as desktops and trunks
// send it. All that Lifeline takes off is looked at.
var formPlans = []checkedPlan{
	{
		"a service", everyOffer,
		[]emergency.RoutingRule{rule("services", `^urn:service:sos(\..*)?$`, "", "office")},
		europe,
		[]string{"DK urn:service:sos shadows services", "GB urn:service:sos shadows services"},
	},
	{
		"a sub-service", everyOffer,
		[]emergency.RoutingRule{rule("police", `^urn:service:sos\.police$`, "", "office")},
		unitedStates,
		[]string{"US urn:service:sos.police shadows police"},
	},
	{
		"a service made another", everyOffer,
		[]emergency.RoutingRule{rule("services", `^urn:service:(.*)$`, "sip:$1", "sos")},
		unitedStates,
		[]string{"US urn:service:sos rewrites services"},
	},
	{
		"a service made a number", everyOffer,
		[]emergency.RoutingRule{rule("services", `^urn:service:sos.*$`, "112", "sos"), rule("not that", "^urn", "", "office")},
		europe, nil,
	},
	{
		"a caller ID withheld", everyOffer,
		[]emergency.RoutingRule{rule("withheld", `^\*67(.*)$`, "$1", "office")},
		unitedStates,
		[]string{"US *679911 shadows withheld", "US *679911 rewrites withheld"},
	},
	{
		"a caller ID withheld in the United Kingdom", everyOffer,
		[]emergency.RoutingRule{rule("withheld", `^141(\d{3})$`, "", "office")},
		europe,
		[]string{"GB 141999 shadows withheld", "GB 141112 shadows withheld", "GB 141911 shadows withheld"},
	},
	{
		"India", everyOffer,
		[]emergency.RoutingRule{rule("India", `^\+91(\d+)$`, "", "office")},
		northAmerica,
		[]string{"CA +911 shadows India", "PR +911 shadows India", "US +911 shadows India"},
	},
	{
		"another calling code before it", everyOffer,
		[]emergency.RoutingRule{rule("British", `^\+44(\d+)$`, "011$1", "office")},
		unitedStates,
		[]string{"US +44911 shadows British", "US +44911 rewrites British"},
	},
	{
		"the international prefix", everyOffer,
		[]emergency.RoutingRule{rule("abroad", `^00\d+$`, "", "office")},
		[]emergency.Country{"DK", "US"},
		[]string{"DK 001112 shadows abroad", "DK 001911 shadows abroad"},
	},
	{
		"the key at the end", everyOffer,
		[]emergency.RoutingRule{rule("zero", "#$", "0", "sos")},
		unitedStates,
		[]string{"US 911# rewrites zero"},
	},
	{
		"the key at the end left", nil,
		[]emergency.RoutingRule{rule("emergency", `^(9|\+1)?(911)`, "$2", "sos")},
		unitedStates, nil,
	},
	// A rule that takes these and leaves the bare number is meant for something else.
	{
		"a caller ID withheld, over a trunk that is agreed on", everyOffer,
		[]emergency.RoutingRule{rule("withheld", `^\*67(\d{3})$`, "$1", "sos")},
		unitedStates, nil,
	},
}
