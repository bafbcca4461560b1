package emergency

import (
	"fmt"
	"slices"
)

// Bounds of a voice routing: far above any real one, so that a dial never waits for
// an endless list.
const (
	// maxRoutingEntries bounds every list, also those within an entry.
	maxRoutingEntries = 1000
	// maxPattern bounds a pattern's characters, and maxSteps what it is compiled to: a
	// pattern that says {1000} is short and takes long.
	maxPattern = 256
	maxSteps   = 500
)

// Compile makes a voice routing ready to be asked; it must not be changed afterwards.
// The error is an *Invalid that names the field.
func (v VoiceRouting) Compile() (*VoicePlan, error) {
	p := &VoicePlan{
		routing: v, trunks: map[TrunkID]Trunk{},
		offers: map[Offer]bool{}, mayCall: map[string]bool{}, served: map[Country]bool{},
	}
	for _, part := range []func() error{v.checkSizes, p.addOffers, p.addTrunks, p.checkFailOver, p.addRules, v.checkProfiles} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (v VoiceRouting) checkSizes() error {
	type list struct {
		field string
		size  int
	}
	lists := []list{
		{"directOffers", len(v.DirectOffers)},
		{"trunks", len(v.Trunks)},
		{"rules", len(v.Rules)},
		{"outboundProfiles", len(v.OutboundProfiles)},
	}
	for i, trunk := range v.Trunks {
		field := fmt.Sprintf("trunks.%d.", i)
		lists = append(lists, list{field + "numbers", len(trunk.Numbers)},
			list{field + "testNumbers", len(trunk.TestNumbers)}, list{field + "failOver", len(trunk.FailOver)})
	}
	for i, rule := range v.Rules {
		lists = append(lists, list{fmt.Sprintf("rules.%d.countries", i), len(rule.Countries)})
	}
	for i, profile := range v.OutboundProfiles {
		lists = append(lists, list{fmt.Sprintf("outboundProfiles.%d.numbers", i), len(profile.Numbers)})
	}
	for _, l := range lists {
		if l.size > maxRoutingEntries {
			return &Invalid{l.field, "must have at most 1000 entries"}
		}
	}
	return nil
}

// addOffers takes an administrator's word for the country whose emergency services
// answer for a number: the upgrade made direct offers of standing numbers, which were
// never held to a country, and who could call before must be able to call still. So
// sites of two countries may share a number, too.
func (p *VoicePlan) addOffers() error {
	for i, offer := range p.routing.DirectOffers {
		field := fmt.Sprintf("directOffers.%d.", i)
		switch {
		case !ValidE164(offer.Number):
			return &Invalid{field + "number", mustBeE164}
		case p.offers[offer]:
			return &Invalid{field + "number", listedTwice}
		case !offer.Country.Served():
			return &Invalid{field + "country", "must be one of " + listCountries()}
		}
		p.offers[offer], p.served[offer.Country], p.mayCall[offer.Number] = true, true, true
	}
	return nil
}

// mustBeE164 completes the sentence about a number that is not.
const mustBeE164 = "must be an E.164 number such as +12025550100"

// listedTwice completes the sentence about what says nothing new. Two trunks may have
// the same numbers: those of one provider often do.
const listedTwice = "is listed twice"

func (p *VoicePlan) addTrunks() error {
	for i, trunk := range p.routing.Trunks {
		field := fmt.Sprintf("trunks.%d.", i)
		_, twice := p.trunks[trunk.ID]
		switch {
		case !validID(string(trunk.ID)):
			return &Invalid{field + "trunkId", "must be 1 to 64 letters, digits, dots, dashes or underscores"}
		case twice:
			return &Invalid{field + "trunkId", listedTwice}
		}
		for j, number := range trunk.Numbers {
			switch {
			case !ValidE164(number):
				return &Invalid{fmt.Sprintf("%snumbers.%d", field, j), mustBeE164}
			case slices.Contains(trunk.Numbers[:j], number):
				return &Invalid{fmt.Sprintf("%snumbers.%d", field, j), listedTwice}
			}
			p.mayCall[number] = p.mayCall[number] || trunk.Emergency
		}
		for j, number := range trunk.TestNumbers {
			switch {
			case !isTestNumber(number):
				return &Invalid{fmt.Sprintf("%stestNumbers.%d", field, j), "must be a test number, such as 933 or urn:service:test.sos"}
			case slices.Contains(trunk.TestNumbers[:j], number):
				return &Invalid{fmt.Sprintf("%stestNumbers.%d", field, j), listedTwice}
			}
		}
		p.trunks[trunk.ID] = trunk
	}
	return nil
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

// checkFailOver wants every trunk to try to be there, and none to be tried twice. Two
// trunks may name each other.
func (p *VoicePlan) checkFailOver() error {
	for i, trunk := range p.routing.Trunks {
		tried := map[TrunkID]bool{trunk.ID: true}
		for j, next := range trunk.FailOver {
			field := fmt.Sprintf("trunks.%d.failOver.%d", i, j)
			switch _, known := p.trunks[next]; {
			case !known:
				return &Invalid{field, "must name one of the trunks"}
			case tried[next]:
				return &Invalid{field, "names a trunk that has been tried by then"}
			}
			tried[next] = true
		}
	}
	return nil
}

func (p *VoicePlan) addRules() error {
	names := map[string]bool{}
	for i, rule := range p.routing.Rules {
		field := fmt.Sprintf("rules.%d.", i)
		_, known := p.trunks[rule.Trunk]
		switch {
		case !readable(rule.Name, maxName):
			return &Invalid{field + "name", "must be 1 to 200 printable characters"}
		case names[rule.Name]:
			return &Invalid{field + "name", "is another rule's name already"}
		case !known:
			return &Invalid{field + "trunk", "must name one of the trunks"}
		}
		for j, country := range rule.Countries {
			switch {
			case !country.Served():
				return &Invalid{fmt.Sprintf("%scountries.%d", field, j), "must be one of " + listCountries()}
			case slices.Contains(rule.Countries[:j], country):
				return &Invalid{fmt.Sprintf("%scountries.%d", field, j), listedTwice}
			}
		}
		pattern, err := compilePattern(field+"pattern", rule.Pattern)
		if err != nil {
			return err
		}
		if err := checkRewrite(field+"rewrite", rule.Rewrite, pattern); err != nil {
			return err
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
			return &Invalid{field + "profileId", listedTwice}
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
