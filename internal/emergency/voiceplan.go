package emergency

import (
	"regexp"
	"slices"
)

// VoicePlan is a voice routing that is ready to be asked. It is safe for concurrent
// use.
type VoicePlan struct {
	routing  VoiceRouting
	patterns []*regexp.Regexp
	trunks   map[TrunkID]Trunk
}

// Way is how a call from this country goes out: over the first rule that matches and
// whose trunk has its emergency behaviour configured, then over that trunk's
// fail-over list, and last over a direct offer (S15, S16). It is empty when nothing
// can carry the call. A test takes no trunk but one whose carrier has that very
// number for tests (B13).
func (p *VoicePlan) Way(at Country, dialed Dialed) []Hop {
	var hops []Hop
	if rule, ok := p.ruleFor(at, dialed); ok {
		first := p.trunks[rule.Trunk]
		for _, id := range slices.Concat([]TrunkID{first.ID}, first.FailOver) {
			hop := Hop{Path: DirectRouting, Trunk: id}
			if p.trunks[id].carries(dialed) && !slices.Contains(hops, hop) {
				hops = append(hops, hop)
			}
		}
	}
	if p.offers(at) {
		hops = append(hops, Hop{Path: DirectOffer})
	}
	if len(hops) == 0 && dialed.Kind == KindTest {
		return []Hop{{Path: NoPath}}
	}
	return hops
}

// ruleFor is the first rule that sends the call somewhere where it may go.
func (p *VoicePlan) ruleFor(at Country, dialed Dialed) (RoutingRule, bool) {
	number := at.numberFor(dialed)
	for i, rule := range p.routing.Rules {
		if rule.appliesIn(at) && p.trunks[rule.Trunk].carries(dialed) && p.patterns[i].MatchString(number) {
			return rule, true
		}
	}
	return RoutingRule{}, false
}

// numberFor is what rules see of a dialed number: digits, also for a service URN.
func (c Country) numberFor(dialed Dialed) string {
	if serviceURN.MatchString(dialed.Number) && dialed.Kind == KindEmergency {
		return numberings[c].Emergency[0]
	}
	return dialed.Number
}

// appliesIn tells whether the rule is for callers in this country.
func (r RoutingRule) appliesIn(at Country) bool {
	return len(r.Countries) == 0 || slices.Contains(r.Countries, at)
}

// carries tells whether the trunk may take this call.
func (t Trunk) carries(dialed Dialed) bool {
	if dialed.Kind == KindTest {
		return slices.Contains(t.TestNumbers, dialed.Number)
	}
	return t.Emergency
}

// offers tells whether a direct offer serves callers in this country.
func (p *VoicePlan) offers(at Country) bool {
	return slices.ContainsFunc(p.routing.DirectOffers, func(o Offer) bool { return o.Country == at })
}

// CallingNumber is the number that an agent's calls originate from: the agent's own,
// or one of the outbound profile. It is empty when there is none.
func (p *VoicePlan) CallingNumber(agent Agent, at Country) string {
	if agent.CallingNumber != "" {
		return agent.CallingNumber
	}
	profile, _ := p.profileOf(agent)
	for _, number := range profile.Numbers {
		if slices.Contains(p.routing.DirectOffers, Offer{Number: number, Country: at}) {
			return number
		}
	}
	return slices.Concat(profile.Numbers, []string{""})[0]
}

// profileOf is the first outbound profile that one of the agent's capacity profiles
// is associated with (S12).
func (p *VoicePlan) profileOf(agent Agent) (OutboundProfile, bool) {
	for _, profile := range p.routing.OutboundProfiles {
		if slices.Contains(agent.CapacityProfiles, profile.CapacityProfile) {
			return profile, true
		}
	}
	return OutboundProfile{}, false
}

// MayCallFrom tells whether emergency calls may originate from a number: it is a
// direct offer, or belongs to a trunk whose emergency behaviour is configured (S15).
func (p *VoicePlan) MayCallFrom(number string) bool {
	return slices.ContainsFunc(p.routing.DirectOffers, func(o Offer) bool { return o.Number == number }) ||
		slices.ContainsFunc(p.routing.Trunks, func(t Trunk) bool { return t.Emergency && slices.Contains(t.Numbers, number) })
}
