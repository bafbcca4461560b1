package emergency

import (
	"net/url"
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
	digits, isNumber := digitsOf(targetOf(uri))
	if !isNumber {
		return "", false
	}
	if context := phoneContext(uri); context != "" && !strings.HasPrefix(digits, "+") {
		digits = context + digits
	}
	if abroad, found := strings.CutPrefix(digits, "00"); found {
		digits = abroad
	}
	e164 = "+" + strings.TrimPrefix(digits, "+")
	if !ValidE164(e164) {
		return "", false
	}
	return e164, true
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
