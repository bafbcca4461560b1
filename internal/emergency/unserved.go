package emergency

import (
	"regexp"
	"slices"
	"strings"
)

// perhapsShort is what may be an emergency number in a country whose numbers nobody here
// knows: none has more digits, and behind a plus the country's calling code may stand
// before it. No E.164 number is so short.
var perhapsShort = regexp.MustCompile(`^([0-9]{2,5}|\+[0-9]{2,6})$`)

// refuseUnserved is the refusal of what somebody in a country not served has dialed. What
// may be a call for help has to be told to people, and anything else must not be.
func (p DialPlan) refuseUnserved(target string, site Country) *Refusal {
	if p.perhapsHelp(target, site) {
		return &Refusal{
			Code: string(CheckCountryNotServed), Reason: "Emergency calls from this country are not supported here.",
			Instead: "Dial the local emergency number from a mobile phone.",
		}
	}
	return &Refusal{
		Code: codeNotEmergency, Reason: "This is not an emergency number.",
		Instead: "In an emergency dial the local emergency number from a mobile phone.",
	}
}

// perhapsHelp tells whether something may be an emergency number in a country not served,
// or a test: a service URN, a short number of the agent's site, or any number that is
// short enough. The test number of another country is no exception: 933 is the police of
// Tonga.
func (p DialPlan) perhapsHelp(target string, site Country) bool {
	if _, known := p.known(target, site); known || serviceIn(target) != nil {
		return true
	}
	keys, ok := keysOf(target)
	if !ok {
		return false
	}
	keys = strings.TrimRight(keys, "#")
	before := p.frontsIn("")
	return slices.ContainsFunc(slices.Concat([]string{""}, before.codes, before.withLine(), before.behindLine()), func(front string) bool {
		rest, found := strings.CutPrefix(keys, front)
		return found && perhapsShort.MatchString(rest)
	})
}
