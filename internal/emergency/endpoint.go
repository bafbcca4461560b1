package emergency

import (
	"net/url"
	"slices"
	"strings"
)

// EndpointNumber is the E.164 number that a tel: or sip: URI rings, however it is
// spelled: in any case of letters, with separators, with percent-encoding, with an
// extension or other parameters, with or without the plus. It is false for a URI that
// names somebody, or an extension, rather than a number of the public network.
//
// It is for telling whether two spellings ring the same line. A number that is never
// in two hands (B5) must not slip through because one of them was written with dashes.
func EndpointNumber(uri string) (e164 string, ok bool) {
	if readings := globalReadings(uri); len(readings) > 0 {
		return readings[0], true
	}
	return "", false
}

// CalledNumber is the E.164 number that an inbound call was most likely made to,
// whatever form a trunk sends it in: with separators, as a tel: or sip: URI, with a name
// before it, or without the plus. What is no number stays as it is; it will be nobody's.
func CalledNumber(to string) string {
	if called := CalledNumbers(to); len(called) > 0 {
		return called[0]
	}
	return to
}

// CalledNumbers are the E.164 numbers that an inbound call may have been made to, the
// likeliest first. There is more than one when a trunk leaves the country out:
// 2025550101 is +1 202 555 0101 where somebody has that number. Which country's form it
// is only whoever knows the numbers in use can tell.
func CalledNumbers(to string) []string {
	readings := globalReadings(to)
	digits, ok := digitsOf(targetOf(to))
	if !ok || strings.HasPrefix(digits, "+") || phoneContext(to) != "" {
		return readings
	}
	for _, country := range Countries() {
		numbering := numberings[country]
		national := numbering.National.FindStringSubmatch(digits)
		if national == nil {
			continue
		}
		if number := "+" + numbering.CallingCode + national[1]; !slices.Contains(readings, number) {
			readings = append(readings, number)
		}
	}
	return readings
}

// globalReadings is the number that a URI says in full, with a plus or as if the plus
// was left out; empty when it is none.
func globalReadings(uri string) []string {
	digits, ok := digitsOf(targetOf(uri))
	if !ok {
		return nil
	}
	context := phoneContext(uri)
	abroad, international := strings.CutPrefix(digits, "00")
	switch {
	case strings.HasPrefix(digits, "+"):
	case context != "":
		digits = context + digits
	case international:
		digits = "+" + abroad
	default:
		digits = "+" + digits
	}
	if digits = withoutTrunkPrefix(digits); !ValidE164(digits) {
		return nil
	}
	return []string{digits}
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
