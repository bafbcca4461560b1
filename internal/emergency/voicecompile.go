package emergency

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
)

// Bounds of a voice routing: far above any real one, so that a dial never waits for
// an endless list.
const (
	maxRoutingEntries = 1000
	maxPattern        = 256
)

// Compile makes a voice routing ready to be asked. The error is an *Invalid that
// names the field.
func (v VoiceRouting) Compile() (*VoicePlan, error) {
	p := &VoicePlan{routing: v, trunks: map[TrunkID]Trunk{}}
	for _, part := range []func() error{v.checkSizes, v.checkOffers, p.addTrunks, p.addRules, v.checkProfiles} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (v VoiceRouting) checkSizes() error {
	for _, list := range []struct {
		name string
		size int
	}{
		{"directOffers", len(v.DirectOffers)}, {"trunks", len(v.Trunks)},
		{"rules", len(v.Rules)}, {"outboundProfiles", len(v.OutboundProfiles)},
	} {
		if list.size > maxRoutingEntries {
			return &Invalid{list.name, "must have at most 1000 entries"}
		}
	}
	return nil
}

func (v VoiceRouting) checkOffers() error {
	seen := map[Offer]bool{} // sites of two countries may share a number
	for i, offer := range v.DirectOffers {
		field := fmt.Sprintf("directOffers.%d.", i)
		switch {
		case !ValidE164(offer.Number):
			return &Invalid{field + "number", mustBeE164}
		case seen[offer]:
			return &Invalid{field + "number", "is listed twice"}
		case !offer.Country.Served():
			return &Invalid{field + "country", "must be one of " + listCountries()}
		}
		seen[offer] = true
	}
	return nil
}

// mustBeE164 completes the sentence about a number that is not.
const mustBeE164 = "must be an E.164 number such as +12025550100"

func (p *VoicePlan) addTrunks() error {
	for i, trunk := range p.routing.Trunks {
		field := fmt.Sprintf("trunks.%d.", i)
		_, twice := p.trunks[trunk.ID]
		switch {
		case !validID(string(trunk.ID)):
			return &Invalid{field + "trunkId", "must be 1 to 64 letters, digits, dots, dashes or underscores"}
		case twice:
			return &Invalid{field + "trunkId", "is listed twice"}
		}
		for j, number := range trunk.Numbers {
			if !ValidE164(number) {
				return &Invalid{fmt.Sprintf("%snumbers.%d", field, j), mustBeE164}
			}
		}
		for j, number := range trunk.TestNumbers {
			if !isTestNumber(number) {
				return &Invalid{fmt.Sprintf("%stestNumbers.%d", field, j), "must be a test number, such as 933 or urn:service:test.sos"}
			}
		}
		p.trunks[trunk.ID] = trunk
	}
	return p.checkFailOver()
}

// isTestNumber tells whether a test can be dialed so in any country served.
func isTestNumber(number string) bool {
	if urn := serviceURN.FindStringSubmatch(number); urn != nil {
		return urn[1] != ""
	}
	return slices.ContainsFunc(Countries(), func(c Country) bool {
		return slices.Contains(numberings[c].Test, number)
	})
}

func (p *VoicePlan) checkFailOver() error {
	for i, trunk := range p.routing.Trunks {
		for j, next := range trunk.FailOver {
			field := fmt.Sprintf("trunks.%d.failOver.%d", i, j)
			switch _, known := p.trunks[next]; {
			case !known:
				return &Invalid{field, "must name one of the trunks"}
			case next == trunk.ID || slices.Contains(trunk.FailOver[:j], next):
				return &Invalid{field, "names a trunk that has been tried by then"}
			}
		}
	}
	return nil
}

func (p *VoicePlan) addRules() error {
	names := map[string]bool{}
	for i, rule := range p.routing.Rules {
		field := fmt.Sprintf("rules.%d.", i)
		pattern, err := regexp.Compile(rule.Pattern)
		_, known := p.trunks[rule.Trunk]
		switch {
		case !readable(rule.Name, maxName):
			return &Invalid{field + "name", "must be 1 to 200 printable characters"}
		case names[rule.Name]:
			return &Invalid{field + "name", "is another rule's name already"}
		case rule.Pattern == "" || len(rule.Pattern) > maxPattern:
			return &Invalid{field + "pattern", "must be 1 to 256 characters long"}
		case err != nil:
			return &Invalid{field + "pattern", "is no regular expression: " + whyNot(err)}
		case len(rule.Rewrite) > maxPattern:
			return &Invalid{field + "rewrite", "must be at most 256 characters long"}
		case !known:
			return &Invalid{field + "trunk", "must name one of the trunks"}
		}
		for j, country := range rule.Countries {
			if !country.Served() {
				return &Invalid{fmt.Sprintf("%scountries.%d", field, j), "must be one of " + listCountries()}
			}
		}
		names[rule.Name] = true
		p.patterns = append(p.patterns, pattern)
	}
	return nil
}

func (v VoiceRouting) checkProfiles() error {
	seen := map[string]bool{}
	for i, profile := range v.OutboundProfiles {
		field := fmt.Sprintf("outboundProfiles.%d.", i)
		switch {
		case !validID(profile.ID):
			return &Invalid{field + "profileId", "must be 1 to 64 letters, digits, dots, dashes or underscores"}
		case seen[profile.ID]:
			return &Invalid{field + "profileId", "is listed twice"}
		case !validID(profile.CapacityProfile):
			return &Invalid{field + "capacityProfile", "must be 1 to 64 letters, digits, dots, dashes or underscores"}
		}
		for j, number := range profile.Numbers {
			if !ValidE164(number) {
				return &Invalid{fmt.Sprintf("%snumbers.%d", field, j), mustBeE164}
			}
		}
		seen[profile.ID] = true
	}
	return nil
}

// whyNot is what regexp/syntax says, without the pattern.
func whyNot(err error) string {
	if broken, ok := errors.AsType[*syntax.Error](err); ok {
		return broken.Code.String()
	}
	return "it cannot be read"
}
