package emergency

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Findings tells where the rules stand in an emergency number's way (B11), in the
// countries of the sites and in those that a rule names; everywhere while there is no
// site. They come in the order of countries, numbers and kinds.
//
// Lifeline's own calls are safe: it classifies first. So this is about what a phone
// system does that applies the rules in their order to what desktops send, the number
// itself or with something before it; and about what Lifeline has no way for.
func (p *VoicePlan) Findings(plan DialPlan, sites []Country) []Finding {
	c := dialPlanCheck{
		VoicePlan: p.orEmpty(), plan: plan, sites: sites,
		matching: map[string][]bool{}, general: map[int]bool{},
	}
	for _, country := range c.countries() {
		c.check(country)
	}
	return c.findings
}

// dialPlanCheck is one run of the dial-plan check.
type dialPlanCheck struct {
	*VoicePlan

	plan     DialPlan
	sites    []Country
	findings []Finding
	// matching has which rules match a number, and general which rules are for
	// ordinary numbers, too. Both are found out once.
	matching map[string][]bool
	general  map[int]bool
}

// countries are those to look at. A rule for anywhere applies in all of them, and
// nobody wants to hear what it would do where nobody is.
func (c *dialPlanCheck) countries() []Country {
	all := slices.DeleteFunc(slices.Clone(c.sites), func(country Country) bool { return !country.Served() })
	if len(all) == 0 {
		return Countries()
	}
	for _, rule := range c.routing.Rules {
		all = append(all, rule.Countries...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// check looks at every emergency number of one country.
func (c *dialPlanCheck) check(country Country) {
	numbering, _ := country.Numbering()
	for _, number := range numbering.Emergency {
		c.shadows(country, number)
		for _, form := range c.forms(country, number) {
			c.rewrites(country, number, form)
		}
		c.misses(country, number)
	}
}

// forms are what a desktop may send when somebody dials an emergency number.
func (c *dialPlanCheck) forms(country Country, number string) []string {
	forms := []string{number, c.plan.OutsideLine + number, "+" + numberings[country].CallingCode + number}
	return slices.Compact(forms)
}

func (c *dialPlanCheck) add(found Finding) { c.findings = append(c.findings, found) }

// shadows looks for a rule that takes a number away from where it must go: over a trunk
// that does not know emergency calls, or, because it is for ordinary numbers, too,
// from a rule behind it that is meant for this one.
func (c *dialPlanCheck) shadows(country Country, number string) {
	first := c.taker(0, country, number, func(int) bool { return true })
	if first < 0 {
		return
	}
	rule := c.routing.Rules[first]
	meant := c.taker(first+1, country, number, func(i int) bool {
		return c.usable(i) && c.routing.Rules[i].Trunk != rule.Trunk && !c.isGeneral(i)
	})
	detail := ""
	switch {
	case !c.usable(first) && meant >= 0:
		detail = fmt.Sprintf("The rule %q sends %s over the trunk %s, which has no emergency behaviour. Move the rule %q before it.",
			rule.Name, number, rule.Trunk, c.routing.Rules[meant].Name)
	case !c.usable(first):
		detail = fmt.Sprintf("The rule %q sends %s over the trunk %s, which has no emergency behaviour. Have its pattern leave "+
			"the number out, or put a rule for it, to a trunk that has, before this one.", rule.Name, number, rule.Trunk)
	case meant >= 0 && c.isGeneral(first):
		detail = fmt.Sprintf("The rule %q takes %s before the rule %q, which is meant for it. Move that one before it.",
			rule.Name, number, c.routing.Rules[meant].Name)
	default:
		return
	}
	c.add(Finding{Kind: FindingShadows, Rule: rule.Name, Country: country, Number: number, Detail: detail})
}

// rewrites looks for a rule that makes something else of a number. To take off what
// stands before it is right.
func (c *dialPlanCheck) rewrites(country Country, number, form string) {
	first := c.taker(0, country, form, func(int) bool { return true })
	if first < 0 || c.routing.Rules[first].Rewrite == "" {
		return
	}
	rule := c.routing.Rules[first]
	made := c.patterns[first].ReplaceAllString(form, rule.Rewrite)
	if dialed, err := c.plan.Classify(made, Whereabouts{Site: country}); err == nil && dialed.Number == number {
		return
	}
	c.add(Finding{Kind: FindingRewrites, Rule: rule.Name, Country: country, Number: form, Detail: fmt.Sprintf(
		"The rule %q makes %q of %s. Have its pattern leave that out, or put a rule for it, without a rewrite, before this one.",
		rule.Name, made, form)})
}

// misses looks for a number that has no trunk although something near it has, or that
// has no way at all.
func (c *dialPlanCheck) misses(country Country, number string) {
	if c.taker(0, country, number, c.usable) >= 0 {
		return
	}
	for i, rule := range c.routing.Rules {
		taken := c.takes(i, country, number)
		if taken == "" {
			continue
		}
		otherwise := "which nothing else carries, so a dial is refused"
		if c.served[country] {
			otherwise = "which goes over the direct offer instead"
		}
		c.add(Finding{Kind: FindingMisses, Rule: rule.Name, Country: country, Number: number, Detail: fmt.Sprintf(
			"The rule %q takes %s and leaves %s, %s. Have its pattern match %s, too, or add a rule for it.",
			rule.Name, taken, number, otherwise, number)})
		return
	}
	if slices.Contains(c.sites, country) && !c.served[country] {
		c.add(Finding{Kind: FindingMisses, Country: country, Number: number, Detail: fmt.Sprintf(
			"Nothing carries %s in %s, so a dial is refused. "+
				"Add a direct offer of the country, or a rule for %s to a trunk whose emergency behaviour is configured.",
			number, numberings[country].Name, number)})
	}
}

// takes is what a usable rule takes of a country's emergency numbers: a bare one, else
// one with something before it, of the number asked for if it can be; empty when it
// takes none. A rule for ordinary numbers that takes none but the latter is no
// omission where a direct offer carries the bare ones.
func (c *dialPlanCheck) takes(i int, country Country, number string) string {
	if !c.usable(i) || !c.routing.Rules[i].appliesIn(country) {
		return ""
	}
	sisters := numberings[country].Emergency
	for _, sister := range sisters {
		if c.match(sister)[i] {
			return sister
		}
	}
	for _, sister := range slices.Concat([]string{number}, sisters) {
		for _, form := range c.forms(country, sister) {
			if !c.match(form)[i] {
				continue
			}
			if c.served[country] && c.isGeneral(i) {
				return ""
			}
			return form
		}
	}
	return ""
}

// taker is the first rule from an index on that applies in a country, matches a number
// and is wanted; -1 when there is none.
func (c *dialPlanCheck) taker(from int, country Country, number string, wanted func(int) bool) int {
	matching := c.match(number)
	for i := from; i < len(matching); i++ {
		if matching[i] && c.routing.Rules[i].appliesIn(country) && wanted(i) {
			return i
		}
	}
	return -1
}

// usable tells whether an emergency call may go where a rule sends it.
func (c *dialPlanCheck) usable(i int) bool { return c.trunks[c.routing.Rules[i].Trunk].Emergency }

// match tells of every rule whether its pattern matches a number.
func (c *dialPlanCheck) match(number string) []bool {
	matching, known := c.matching[number]
	if !known {
		for _, pattern := range c.patterns {
			matching = append(matching, pattern.MatchString(number))
		}
		c.matching[number] = matching
	}
	return matching
}

// isGeneral tells whether a rule is for ordinary numbers, too.
func (c *dialPlanCheck) isGeneral(i int) bool {
	general, known := c.general[i]
	if !known {
		general = slices.ContainsFunc(ordinaryNumbers(), c.patterns[i].MatchString)
		c.general[i] = general
	}
	return general
}

// ordinaryNumbers are samples of what people dial every day: short and long numbers
// with every first digit, international ones, and those that differ from an emergency
// number in one digit. Numbers that begin like a special one are none of them, so
// that a rule for it without an end still counts as meant for it.
var ordinaryNumbers = sync.OnceValue(func() []string {
	var all []string
	for _, country := range Countries() {
		numbering := numberings[country]
		for length := 6; length <= 10; length++ {
			all = append(all, "+"+numbering.CallingCode+"2345678901"[:length])
		}
		for _, number := range numbering.Emergency {
			for at := range number {
				for digit := range 10 {
					all = append(all, number[:at]+strconv.Itoa(digit)+number[at+1:])
				}
			}
		}
	}
	for first := range 10 {
		for length := 2; length <= 12; length++ {
			all = append(all, (strconv.Itoa(first) + "23456789012")[:length])
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), beginsSpecial)
})

// beginsSpecial tells whether a number begins like an emergency or test number.
func beginsSpecial(number string) bool {
	return slices.ContainsFunc(Countries(), func(country Country) bool {
		numbering := numberings[country]
		return slices.ContainsFunc(slices.Concat(numbering.Emergency, numbering.Test), func(special string) bool {
			return strings.HasPrefix(number, special)
		})
	})
}
