package emergency

import (
	"net/url"
	"slices"
	"strings"
)

// CalledNumbers are the E.164 numbers that an inbound call may have been made to, the
// likeliest first. There is more than one when a trunk leaves the plus out, and perhaps
// the country: 4585550101 is a number in Denmark, and one in North America. Which of
// them it is only whoever knows the numbers in use can tell.
func CalledNumbers(to string) []string {
	digits, ok := digitsOf(targetOf(to))
	if !ok {
		return nil
	}
	context := phoneContext(to)
	abroad, international := strings.CutPrefix(digits, "00")
	var readings []string
	switch {
	case strings.HasPrefix(digits, "+"):
		readings = []string{digits}
	case context != "":
		readings = []string{context + digits}
	case international:
		readings = []string{"+" + abroad}
	default:
		readings = openReadings(digits)
	}
	for i := range readings {
		readings[i] = withoutTrunkPrefix(readings[i])
	}
	return slices.DeleteFunc(readings, func(number string) bool { return !ValidE164(number) })
}

// openReadings are what digits without a plus may be: a number with its country's calling
// code, or without it. Countries that are not served come last, since nobody's number
// here is one of theirs.
func openReadings(digits string) []string {
	var served []string
	add := func(number string) {
		if !slices.Contains(served, number) {
			served = append(served, number)
		}
	}
	for _, country := range Countries() {
		rest, found := strings.CutPrefix(digits, numberings[country].CallingCode)
		if found && numberings[country].National.MatchString(rest) {
			add("+" + digits)
		}
	}
	for _, country := range Countries() {
		if national := numberings[country].National.FindStringSubmatch(digits); national != nil {
			add("+" + numberings[country].CallingCode + national[1])
		}
	}
	add("+" + digits)
	return served
}

// withoutTrunkPrefix takes out of an international number what is dialed within its
// country alone: +44 (0)20 7946 0100 is +44 20 7946 0100.
func withoutTrunkPrefix(digits string) string {
	for _, country := range Countries() {
		code := "+" + numberings[country].CallingCode
		rest, found := strings.CutPrefix(digits, code)
		if national := numberings[country].National.FindStringSubmatch(rest); found && national != nil {
			return code + national[1]
		}
	}
	return digits
}

// phoneContext is what a URI says that a local number has to be read behind, if that
// is the beginning of a global number (RFC 3966, section 5.1.5); else it is empty.
func phoneContext(uri string) string {
	_, context, _ := strings.Cut(strings.ToLower(uri), ";phone-context=")
	if end := strings.IndexAny(context, ";@?>"); end >= 0 {
		context = context[:end]
	}
	plain, err := url.PathUnescape(context)
	if err != nil {
		return ""
	}
	digits, ok := digitsOf(plain)
	if !ok || !strings.HasPrefix(digits, "+") {
		return ""
	}
	return digits
}

// reachesHelp tells whether a URI asks for an emergency service, or for a test of it, in
// any country. A device of that kind would turn a callback into a call for help.
func reachesHelp(uri string) bool {
	return slices.ContainsFunc(Countries(), func(country Country) bool {
		_, err := DialPlan{}.Classify(uri, Whereabouts{Site: country})
		return err == nil
	})
}
