package emergency

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// nameAddr is what a SIP header may write around an address: a name, in quotation marks
// or without, and angle brackets (RFC 3261, section 20.10).
var nameAddr = regexp.MustCompile(`(?s)^(?:"(?:[^"\\]|\\.)*"|[^"<:;@]*)\s*<([^<>]*)>`)

// targetOf is the number or service that a dialed string asks for, in lower case:
// what a tel: URI (RFC 3966), a sip: URI (RFC 3261), or a number that was written like
// one, has before its parameters and its host.
func targetOf(dialed string) string {
	text := strings.ToLower(strings.TrimSpace(strings.Map(visible, dialed)))
	if inner := nameAddr.FindStringSubmatch(text); inner != nil {
		text = strings.TrimSpace(inner[1])
	}
	scheme, rest, _ := strings.Cut(text, ":")
	uri := scheme == "tel" || scheme == "sip" || scheme == "sips"
	if uri {
		text = rest
	}
	text, _, _ = strings.Cut(text, "@")
	if plain, err := url.PathUnescape(text); err == nil {
		text = strings.ToLower(plain)
	}
	if end := strings.IndexAny(text, ";?"); end >= 0 {
		text = text[:end]
	}
	if uri && !strings.HasPrefix(text, "urn:") {
		text, _, _ = strings.Cut(text, ":") // a password
	}
	return text
}

// visible drops what cannot be seen, such as the direction marks that come along
// when a number is copied from an address book.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// keysOf leaves of a number what a telephone has keys for, in ASCII, and the plus. It is
// false for what is no number.
func keysOf(number string) (string, bool) {
	var keys strings.Builder
	for _, r := range number {
		value, isDigit := digitValue(r)
		switch {
		case isDigit:
			keys.WriteByte('0' + value)
		case r == '+' || r == '＋':
			keys.WriteByte('+')
		case r == '*' || r == '＊':
			keys.WriteByte('*')
		case r == '#' || r == '＃':
			keys.WriteByte('#')
		case !separates(r):
			return "", false
		}
	}
	return keys.String(), true
}

// digitsOf is that of a number without a star or a number sign.
func digitsOf(number string) (string, bool) {
	keys, ok := keysOf(number)
	return keys, ok && !strings.ContainsAny(keys, "*#")
}

// separates tells what people and desktops put around digits: spaces of any kind,
// dashes, brackets and the marks that some countries write.
func separates(r rune) bool {
	return unicode.In(r, unicode.White_Space, unicode.Dash, unicode.Ps, unicode.Pe, unicode.Cf) ||
		strings.ContainsRune(".,/·．", r)
}

// digitValue is the value of a decimal digit in any script. Unicode keeps the ten
// digits of a script together and in order, beginning with zero.
func digitValue(r rune) (value byte, ok bool) {
	if !unicode.IsDigit(r) {
		return 0, false
	}
	for unicode.IsDigit(r - 1) {
		r--
		value++
	}
	return value % 10, true
}
