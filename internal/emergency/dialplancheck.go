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
// site. They come in the order of countries, numbers and kinds, and one speaks of all the
// forms of a number that a rule does something to.
//
// Lifeline's own calls are safe: it classifies first. So this is about what a phone
// system does that applies the rules in their order to what desktops send, the number
// itself or with something before it; and about what Lifeline has no way for.
func (p *VoicePlan) Findings(plan DialPlan, sites []Country) []Finding {
	c := dialPlanCheck{
		VoicePlan: p.orEmpty(), plan: plan, sites: sites,
		matching: map[string][]verdict{}, general: map[int]bool{},
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
	matching map[string][]verdict
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
		c.rewrites(country, number)
		c.misses(country, number)
	}
	c.skips(country)
}

func (c *dialPlanCheck) add(found Finding) { c.findings = append(c.findings, found) }

// taken are the forms of a number that come to one rule.
type taken struct {
	rule  int
	forms []string
}

// wrongly are the rules that take forms of a number and should not, so that a rule is
// blamed once for a number, whatever stands before it.
func (c *dialPlanCheck) wrongly(country Country, number string, wrong func(rule int, form string) bool) []taken {
	var all []taken
	for _, form := range c.plan.forms(country, number) {
		first := c.taker(0, country, form, func(int) bool { return true })
		if first < 0 || !wrong(first, form) {
			continue
		}
		at := slices.IndexFunc(all, func(t taken) bool { return t.rule == first })
		if at < 0 {
			at, all = len(all), append(all, taken{rule: first})
		}
		all[at].forms = append(all[at].forms, form)
	}
	return all
}

// shadows looks for a rule that takes a number away from where it must go: over a trunk
// that does not know emergency calls, or, because it is for ordinary numbers, too,
// from a rule behind it that is meant for this one.
func (c *dialPlanCheck) shadows(country Country, number string) {
	for _, t := range c.wrongly(country, number, func(first int, form string) bool {
		return !c.usable(first) || c.isGeneral(first) && c.meant(first, country, form) >= 0
	}) {
		rule, behind := c.routing.Rules[t.rule], c.allMeant(t, country)
		detail := ""
		switch {
		case c.usable(t.rule):
			detail = fmt.Sprintf("The rule %q takes %s before %s, which is meant for it. Move that one before it.",
				rule.Name, listedForms(t.forms), behind)
		case behind != "":
			detail = fmt.Sprintf("The rule %q sends %s over the trunk %s, which has no emergency behaviour. Move %s before it.",
				rule.Name, listedForms(t.forms), rule.Trunk, behind)
		default:
			detail = fmt.Sprintf("The rule %q sends %s over the trunk %s, which has no emergency behaviour. %s",
				rule.Name, listedForms(t.forms), rule.Trunk, c.advice(country))
		}
		c.add(Finding{Kind: FindingShadows, Rule: rule.Name, Country: country, Number: t.forms[0], Detail: detail})
	}
}

// meant is the first rule behind another one that is meant for a number and for no
// ordinary one; -1 when there is none.
func (c *dialPlanCheck) meant(first int, country Country, form string) int {
	return c.taker(first+1, country, form, func(i int) bool {
		return c.usable(i) && c.routing.Rules[i].Trunk != c.routing.Rules[first].Trunk && !c.isGeneral(i)
	})
}

// allMeant names the rules behind that are meant for what one takes; it is empty when
// that would leave some of it.
func (c *dialPlanCheck) allMeant(t taken, country Country) string {
	var names []string
	for _, form := range t.forms {
		behind := c.meant(t.rule, country, form)
		if behind < 0 {
			return ""
		}
		if name := fmt.Sprintf("the rule %q", c.routing.Rules[behind].Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return listed(names)
}

// rewrites looks for a rule that makes something else of a number. To take off all that
// stands before it is right, and so is to leave it; anything between could be right only
// by what comes behind the phone system, which nobody here knows.
func (c *dialPlanCheck) rewrites(country Country, number string) {
	made := func(first int, form string) string {
		return c.patterns[first].ReplaceAllString(form, c.routing.Rules[first].Rewrite)
	}
	for _, t := range c.wrongly(country, number, func(first int, form string) bool {
		return c.routing.Rules[first].Rewrite != "" && !country.right(number, form, made(first, form))
	}) {
		var changes []string
		for _, form := range t.forms {
			changes = append(changes, fmt.Sprintf("%q of %s", made(t.rule, form), form))
		}
		name := c.routing.Rules[t.rule].Name
		c.add(Finding{Kind: FindingRewrites, Rule: name, Country: country, Number: t.forms[0], Detail: fmt.Sprintf(
			"The rule %q makes %s. %s", name, listedForms(changes), c.advice(country))})
	}
}

// advice is a rule that takes every form of the emergency numbers of a country and
// leaves nothing but the number. In every country of its own: 9999 may be somebody's
// extension where 999 is nobody's number.
func (c *dialPlanCheck) advice(country Country) string {
	return fmt.Sprintf("Have its pattern leave that out, or put a rule for %s before it, with the pattern %s and the rewrite $1, "+
		"to a trunk whose emergency behaviour is configured.", country, c.plan.advised(country))
}

// listed are things in a sentence.
func listed(things []string) string {
	last := len(things) - 1
	if last < 1 {
		return strings.Join(things, "")
	}
	return strings.Join(things[:last], ", ") + " and " + things[last]
}

// skips looks for trunks that a call is to fail over to and does not, because they do not
// know emergency calls: whoever counts on them is mistaken.
func (c *dialPlanCheck) skips(country Country) {
	var byRule []taken
	for _, number := range numberings[country].Emergency {
		first := c.taker(0, country, number, c.usable)
		if first < 0 {
			continue
		}
		at := slices.IndexFunc(byRule, func(t taken) bool { return t.rule == first })
		if at < 0 {
			at, byRule = len(byRule), append(byRule, taken{rule: first})
		}
		byRule[at].forms = append(byRule[at].forms, number)
	}
	for _, t := range byRule {
		rule := c.routing.Rules[t.rule]
		var passed []string
		for _, next := range c.trunks[rule.Trunk].FailOver {
			if !c.trunks[next].Emergency {
				passed = append(passed, string(next))
			}
		}
		if len(passed) > 0 {
			c.add(Finding{Kind: FindingSkips, Rule: rule.Name, Country: country, Number: t.forms[0], Detail: fmt.Sprintf(
				"The rule %q sends %s over the trunk %s, which does not fail over to %s, where no emergency behaviour is configured. "+
					"Configure it, or take that out of the list.", rule.Name, listed(t.forms), rule.Trunk, listed(passed))})
		}
	}
}

// misses looks for a number that has no trunk although something near it has, or that
// has no way at all.
func (c *dialPlanCheck) misses(country Country, number string) {
	if slices.ContainsFunc(country.writings(number), func(written string) bool {
		return c.taker(0, country, written, c.usable) >= 0
	}) {
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
		if c.match(i, sister) {
			return sister
		}
	}
	for _, sister := range slices.Concat([]string{number}, sisters) {
		for _, form := range c.plan.usualForms(country, sister) {
			if !c.match(i, form) {
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
	for i := from; i < len(c.patterns); i++ {
		if c.routing.Rules[i].appliesIn(country) && c.match(i, number) && wanted(i) {
			return i
		}
	}
	return -1
}

// usable tells whether an emergency call may go where a rule sends it.
func (c *dialPlanCheck) usable(i int) bool { return c.trunks[c.routing.Rules[i].Trunk].Emergency }

// verdict is whether a rule matches a number, as far as anybody has asked.
type verdict byte

const (
	unasked verdict = iota
	matches
	differs
)

// match tells whether a rule's pattern matches a number.
func (c *dialPlanCheck) match(i int, number string) bool {
	verdicts, known := c.matching[number]
	if !known {
		verdicts = make([]verdict, len(c.patterns))
		c.matching[number] = verdicts
	}
	if verdicts[i] == unasked {
		verdicts[i] = differs
		if c.patterns[i].MatchString(number) {
			verdicts[i] = matches
		}
	}
	return verdicts[i] == matches
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
