package emergency

import (
	"regexp"
	"slices"
	"strings"
)

// VoicePlan is a voice routing that is ready to be asked. It is safe for concurrent
// use. A nil plan answers as one in which nothing is configured.
type VoicePlan struct {
	routing  VoiceRouting
	patterns []*regexp.Regexp
	trunks   map[TrunkID]Trunk
	// offers has the direct offers.
	offers map[Offer]bool
	// mayCall has the numbers that emergency calls may originate from.
	mayCall map[string]bool
	// served are the countries with a direct offer.
	served map[Country]bool
}

// orEmpty lets a nil plan be asked.
func (p *VoicePlan) orEmpty() *VoicePlan {
	if p == nil {
		return &VoicePlan{}
	}
	return p
}

// Way is how a call from this country goes out: over the first rule that matches and
// whose trunk has its emergency behaviour configured, then over that trunk's
// fail-over list, and last over a direct offer (S15, S16). It is empty when nothing
// can carry the call. A test takes no trunk but one whose carrier has that very
// number for tests (B13); it goes nowhere rather than being refused.
func (p *VoicePlan) Way(at Country, dialed Dialed) []Hop {
	p = p.orEmpty()
	var hops []Hop
	if rule, ok := p.ruleFor(at, dialed); ok {
		first := p.trunks[rule.Trunk]
		// The trunks behind are tried for their own sake: their fail-over lists do not
		// count, so that two that name each other do no harm.
		for _, id := range slices.Concat([]TrunkID{first.ID}, first.FailOver) {
			if p.trunks[id].carries(dialed) {
				hops = append(hops, Hop{Path: DirectRouting, Trunk: id})
			}
		}
	}
	if p.served[at] {
		hops = append(hops, Hop{Path: DirectOffer})
	}
	if len(hops) == 0 && dialed.Kind == KindTest {
		return []Hop{{Path: NoPath}}
	}
	return hops
}

// ruleFor is the first rule that sends the call where it may go. Rewriting is for
// the phone system's other calls (B11).
func (p *VoicePlan) ruleFor(at Country, dialed Dialed) (RoutingRule, bool) {
	numbers := at.writings(dialed.Number)
	for i, rule := range p.routing.Rules {
		if rule.appliesIn(at) && p.trunks[rule.Trunk].carries(dialed) && slices.ContainsFunc(numbers, p.patterns[i].MatchString) {
			return rule, true
		}
	}
	return RoutingRule{}, false
}

// writings are what a rule may know a dialed number by: itself, and for a service URN or
// a foreign number the country's own, too, since that is what goes out.
func (c Country) writings(dialed string) []string {
	numbering, ok := c.Numbering()
	if !ok || !serviceURN.MatchString(dialed) && !slices.Contains(numbering.Foreign, dialed) {
		return []string{dialed}
	}
	return []string{dialed, numbering.Emergency[0]}
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

// CallingNumber is the number that an agent's calls originate from in this country:
// the agent's own, or one that the outbound profiles lend. Of these, one that may call
// for help goes first, and among such a direct offer of the country, then a number of
// its calling code. It is empty when there is none.
func (p *VoicePlan) CallingNumber(agent Agent, at Country) string {
	p = p.orEmpty()
	if agent.CallingNumber != "" {
		return agent.CallingNumber
	}
	var best string
	var bestRank int
	for _, profile := range p.profilesOf(agent) {
		for _, number := range profile.Numbers {
			if rank := p.rank(number, at); rank > bestRank {
				best, bestRank = number, rank
			}
		}
	}
	return best
}

// rank is how well a number suits a caller in a country, from 1.
func (p *VoicePlan) rank(number string, at Country) int {
	switch {
	case p.offers[Offer{Number: number, Country: at}]:
		return 4
	case p.mayCall[number] && at.Served() && strings.HasPrefix(number, "+"+numberings[at].CallingCode):
		return 3
	case p.mayCall[number]:
		return 2
	default:
		return 1
	}
}

// profilesOf are the outbound profiles that the agent's capacity profiles are
// associated with (S12).
func (p *VoicePlan) profilesOf(agent Agent) []OutboundProfile {
	var found []OutboundProfile
	for _, profile := range p.orEmpty().routing.OutboundProfiles {
		if slices.Contains(agent.CapacityProfiles, profile.CapacityProfile) {
			found = append(found, profile)
		}
	}
	return found
}

// MayCallFrom tells whether emergency calls may originate from a number: it is a
// direct offer, or belongs to a trunk whose emergency behaviour is configured (S15).
func (p *VoicePlan) MayCallFrom(number string) bool { return p.orEmpty().mayCall[number] }
