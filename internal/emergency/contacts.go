package emergency

import (
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRecipients bounds what one dial may send.
const maxRecipients = 50

// Recipient is a person or a desk to be told.
type Recipient struct {
	// Name is what the administrator calls them; it may be empty.
	Name string
	// Address is the e-mail address without the name, as typed.
	Address string
}

// Contacts are an agent's recipients as they are kept (S17).
type Contacts struct {
	// AsTyped is the one field, as the administrator typed it.
	AsTyped string
	// Revision grows with every change; zero while nobody has typed anything.
	Revision int64
}

// ParseRecipients gives the addresses of Recipients, with the same error.
func ParseRecipients(field string) ([]string, error) {
	recipients, err := Recipients(field)
	var addresses []string
	for _, recipient := range recipients {
		addresses = append(addresses, recipient.Address)
	}
	return addresses, err
}

// Recipients reads the one field that an administrator types: addresses separated by
// semicolons (S17), with names, spaces and a trailing semicolon as people leave them
// and paste them from a mail program. Repeated addresses are merged.
//
// The error is an *Invalid that names the first part which is no address, and may be
// shown. With it come the others: what is kept was valid when it was saved, and a
// later rule must not keep anybody from being told.
func Recipients(field string) ([]Recipient, error) {
	var recipients []Recipient
	var refused error
	seen := map[string]bool{}
	for i, part := range recipientParts(field) {
		recipient, problem := readRecipient(part)
		switch {
		case problem != "" && refused == nil:
			refused = &Invalid{"recipients", fmt.Sprintf("has in part %d, %s, no e-mail address: %s", i+1, shown(part), problem)}
		case problem != "" || seen[recipient.key()]:
		case len(recipients) == maxRecipients:
			return recipients, &Invalid{"recipients", "must be at most 50 addresses"}
		default:
			seen[recipient.key()] = true
			recipients = append(recipients, recipient)
		}
	}
	return recipients, refused
}

// recipientParts splits at semicolons, but not at those between quotation marks, and
// leaves out what is empty.
func recipientParts(field string) []string {
	var parts []string
	start := 0
	end := func(at int) {
		if part := strings.TrimFunc(field[start:at], unseen); part != "" {
			parts = append(parts, part)
		}
		start = at + 1
	}
	for i := 0; i < len(field); i++ {
		switch field[i] {
		case '"':
			i += quotedLength(field[i:])
		case ';':
			end(i)
		}
	}
	end(len(field))
	return parts
}

// quotedLength is how far behind a quotation mark the next one closes it; zero if
// none does.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return 0
}

// unseen finds what comes along at the ends of a pasted address and shows nothing.
func unseen(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// readRecipient reads one part, or says what is wrong with it.
func readRecipient(part string) (recipient Recipient, problem string) {
	parsed, err := parseMailbox(part)
	if err != nil {
		return Recipient{}, whyNoMailbox(part)
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	mailbox, domain := parsed.Address[:at], parsed.Address[at+1:]
	if strings.ContainsRune(part, utf8.RuneError) {
		return Recipient{}, "it has a character that got lost on the way; type it again"
	}
	alone, err := mail.ParseAddress(parsed.Address)
	switch {
	case err != nil || alone.Address != parsed.Address || strings.ContainsFunc(mailbox, unprintable):
		return Recipient{}, "what stands before the @ must do without quotation marks, spaces and hidden characters"
	case !validDomain(domain):
		return Recipient{}, "what stands behind the @ is no domain"
	case strings.ContainsFunc(domain, notComposed):
		return Recipient{}, "what stands behind the @ has full-width letters, or an accent apart from its letter; type each as one ordinary character"
	case len(mailbox) > 64 || len(parsed.Address) > 254: // RFC 5321 section 4.5.3.1
		return Recipient{}, "it is too long"
	case parsed.Name != "" && (!readable(parsed.Name, maxName) || strings.ContainsFunc(parsed.Name, turning)):
		return Recipient{}, "the name before it is too long or has hidden characters"
	}
	return Recipient{Name: parsed.Name, Address: parsed.Address}, ""
}

// parseMailbox reads an address with or without a name as RFC 5322 has it, and as
// mail programs show it: with a comma in a name, or with the address for a name. A
// name with another address in it is refused, or somebody believes to have been heard.
func parseMailbox(part string) (*mail.Address, error) {
	parsed, err := mail.ParseAddress(part)
	angle := strings.LastIndexByte(part, '<')
	if err == nil || angle < 0 {
		return parsed, err //nolint:wrapcheck // whyNoMailbox words it
	}
	name := strings.TrimSpace(part[:angle])
	parsed, err = mail.ParseAddress(part[angle:])
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // whyNoMailbox words it
	case strings.EqualFold(name, parsed.Address):
		name = ""
	case strings.ContainsAny(name, "@<>\""):
		return nil, &Invalid{"name", "holds an address"}
	}
	parsed.Name = name
	return parsed, nil
}

// whyNoMailbox guesses at what went wrong while typing.
func whyNoMailbox(part string) string {
	switch count := strings.Count(part, "@"); {
	case !utf8.ValidString(part):
		return "it is not written in UTF-8"
	case strings.Count(part, `"`)%2 == 1:
		return "a quotation mark is not closed"
	case count == 0:
		return "it has no @"
	case count > 1 && strings.ContainsFunc(part[strings.IndexByte(part, '@'):strings.LastIndexByte(part, '@')], betweenAddresses):
		return "a semicolon must stand between two addresses"
	case count > 1:
		return "it has more than one @"
	default:
		return "write it like desk@example.org or Security Desk <desk@example.org>"
	}
}

// betweenAddresses finds what people put between two addresses, and what is in none.
func betweenAddresses(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",:/|<>", r) }

// shown quotes what somebody has typed so that it can be shown anywhere: on one line,
// with what cannot be seen spelled out, and not too long.
func shown(part string) string {
	if runes := []rune(part); len(runes) > 60 {
		part = string(runes[:60]) + "…"
	}
	return strconv.Quote(part)
}

func unprintable(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }

// turning finds what turns the reading direction, and so lets a name look like another.
func turning(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// key is the same for two ways to write one address. Strictly, only the domain does
// not care for upper and lower case; there is no mail server left that tells Desk
// from desk.
func (r Recipient) key() string {
	at := strings.LastIndexByte(r.Address, '@')
	return strings.ToLower(r.Address[:at]) + "@" + asciiDomain(r.Address[at+1:])
}

// notComposed finds what stands in no domain name, as each has another character in its
// place: accents apart from their letters, and forms of a certain width (RFC 5892 section
// 2.1). One domain could be written in two ways with them.
func notComposed(r rune) bool {
	return r >= 0x0300 && r <= 0x036F || r >= 0xFB00 && r <= 0xFB06 || r >= 0xFF00 && r <= 0xFFEF
}

// validDomain goes by the plain rules of domain names: dots between labels of letters,
// digits and dashes, in any script. What ends in a number is an address without its
// brackets.
func validDomain(domain string) bool {
	if utf8.RuneCountInString(domain) > 253 || len(asciiDomain(domain)) > 253 {
		return false
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if !validLabel(label) {
			return false
		}
	}
	return strings.ContainsFunc(labels[len(labels)-1], func(r rune) bool { return r < '0' || r > '9' })
}

func validLabel(label string) bool {
	first, _ := utf8.DecodeRuneInString(label)
	foreign := func(r rune) bool {
		ascii := r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !ascii && (r <= unicode.MaxASCII || !unicode.In(r, unicode.L, unicode.M, unicode.Nd))
	}
	return label != "" && len(asciiDomain(label)) <= 63 &&
		!strings.HasPrefix(label, "-") && !strings.HasSuffix(label, "-") &&
		!unicode.Is(unicode.M, first) && !strings.ContainsFunc(label, foreign)
}

// acePrefix begins the ASCII form of an international label (RFC 5890).
const acePrefix = "xn--"

// asciiDomain is a domain in lower case and ASCII, which is the same for both ways to
// write an international one.
func asciiDomain(domain string) string {
	labels := strings.Split(strings.ToLower(domain), ".")
	for i, label := range labels {
		if strings.ContainsFunc(label, func(r rune) bool { return r > unicode.MaxASCII }) {
			labels[i] = acePrefix + punycode([]rune(label))
		}
	}
	return strings.Join(labels, ".")
}

// The parameters of Punycode (RFC 3492 section 5).
const (
	punyBase        = 36
	punyLowest      = 1
	punyHighest     = 26
	punySkew        = 38
	punyDamp        = 700
	punyInitialBias = 72
	punyDigits      = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// punycode writes a label in ASCII (RFC 3492 section 6.3): first what is ASCII of it,
// then, from the lowest of the other characters to the highest, how far each is from
// the one before, counted in characters and places.
func punycode(label []rune) string {
	var out []byte
	for _, r := range label {
		if r <= unicode.MaxASCII {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	low, delta, bias := rune(unicode.MaxASCII+1), 0, punyInitialBias
	for done := basic; done < len(label); {
		next := rune(unicode.MaxRune)
		for _, r := range label {
			if r >= low {
				next = min(next, r)
			}
		}
		delta += int(next-low) * (done + 1)
		for _, r := range label {
			switch {
			case r < next:
				delta++
			case r == next:
				out = punyNumber(out, delta, bias)
				done++
				bias = punyAdapt(delta, done, done == basic+1)
				delta = 0
			}
		}
		low = next + 1
		delta++
	}
	return string(out)
}

// punyNumber appends a number whose digits say by themselves where it ends.
func punyNumber(out []byte, number, bias int) []byte {
	for k := punyBase; ; k += punyBase {
		threshold := min(max(k-bias, punyLowest), punyHighest)
		if number < threshold {
			return append(out, punyDigits[number])
		}
		out = append(out, punyDigits[threshold+(number-threshold)%(punyBase-threshold)])
		number = (number - threshold) / (punyBase - threshold)
	}
}

// punyAdapt follows the size of the numbers, so that the next one is short (section 6.1).
func punyAdapt(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (punyBase-punyLowest)*punyHighest/2; k += punyBase {
		delta /= punyBase - punyLowest
	}
	return k + (punyBase-punyLowest+1)*delta/(delta+punySkew)
}
