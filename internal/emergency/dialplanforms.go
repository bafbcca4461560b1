package emergency

import (
	"fmt"
	"slices"
	"strings"
)

// usualForms are what desktops send, as a rule, when somebody dials an emergency number.
func (p DialPlan) usualForms(country Country, number string) []string {
	front := p.frontsIn(country)
	return slices.Compact([]string{number, front.line + number, front.usual + number})
}

// services are how a desktop asks for help without a number: for any, and for those that
// every country has.
var services = []string{"urn:service:sos", "urn:service:sos.police", "urn:service:sos.fire", "urn:service:sos.ambulance"}

// forms are all that a desktop or a trunk may send for an emergency number, the usual ones
// first: with whatever Classify takes off, and for the number that goes out for them the
// services. Separators and URIs are not among them: a phone system takes them off before
// it looks at its rules.
func (p DialPlan) forms(country Country, number string) []string {
	all := p.usualForms(country, number)
	add := func(form string) {
		if !slices.Contains(all, form) {
			all = append(all, form)
		}
	}
	for _, front := range p.frontsIn(country).each() {
		add(front + number)
	}
	for _, form := range p.usualForms(country, number) {
		add(form + "#")
	}
	if number == numberings[country].Emergency[0] {
		for _, service := range services {
			add(service)
		}
	}
	return all
}

// right tells whether what a rule makes of a form is the number still, or the form itself;
// of a service any number of the country is. A key that ends the dialing may stay.
func (country Country) right(number, form, made string) bool {
	bare := strings.TrimRight(made, "#")
	return made == form || bare == number || slices.Contains(services, form) && slices.Contains(numberings[country].Emergency, bare)
}

// maxListed is how many forms of a number a sentence names, the usual ones before all.
const maxListed = 4

// listedForms are forms of a number in a sentence.
func listedForms(forms []string) string {
	if more := len(forms) - maxListed; more > 1 {
		return fmt.Sprintf("%s and %d other forms of it", strings.Join(forms[:maxListed], ", "), more)
	}
	return listed(forms)
}
