package emergency

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Country is a country or territory by its ISO 3166-1 alpha-2 code. Puerto Rico
// has a code, and so an entry in the table of numbers, of its own.
type Country string

// The countries and territories served (S1). A further one needs no name here, only
// its entry in the table.
const (
	UnitedStates  Country = "US"
	PuertoRico    Country = "PR"
	Canada        Country = "CA"
	UnitedKingdom Country = "GB"
	Denmark       Country = "DK"
)

// UnknownCountry stands for words in a device's address that name no country we
// can make out. The code is the one that Unicode's locale data has for an unknown
// region, and ISO assigns it to nobody.
const UnknownCountry Country = "ZZ"

// Countries lists every country and territory served, by code.
func Countries() []Country { return slices.Sorted(maps.Keys(numberings)) }

// listCountries names the codes of all countries served, for people.
func listCountries() string {
	codes := make([]string, 0, len(numberings))
	for _, country := range Countries() {
		codes = append(codes, string(country))
	}
	return strings.Join(codes, ", ")
}

// Served tells whether emergency calls can be placed from this country.
func (c Country) Served() bool {
	_, ok := c.Numbering()
	return ok
}

// Whereabouts is in which country a caller is, by the two who may know: the device
// that dials, and the directory.
type Whereabouts struct {
	// Site is the country of the agent's site.
	Site Country
	// Conveyed is the country of the address that the device gave with the call;
	// empty when it named none, UnknownCountry when it named one in words that we
	// do not know.
	Conveyed Country
}

// Locate tells in which country a caller is. The location may be nil.
func Locate(site Country, device *Location) Whereabouts {
	w := Whereabouts{Site: site}
	if device != nil && device.Address != nil {
		w.Conveyed = device.Address.country()
	}
	return w
}

// Country is the one whose emergency services are meant: where the device says it
// is, else where the agent's site is. It need not be served. Words that we cannot
// read are no reason to refuse help, so then it is the site's, too.
func (w Whereabouts) Country() Country {
	if w.Conveyed == "" || w.Conveyed == UnknownCountry {
		return w.Site
	}
	return w.Conveyed
}

// Disagree tells that the device names another country than the directory, or one
// that cannot be read. Help may then be sent to the wrong place, so it must not
// pass in silence.
func (w Whereabouts) Disagree() bool { return w.Conveyed != "" && w.Conveyed != w.Site }

// Told tells whether the device names a country that can be read.
func (w Whereabouts) Told() bool { return w.Conveyed != "" && w.Conveyed != UnknownCountry }

// country reads the country of an address. Desktops should write the code, as RFC
// 5139 asks for, and often write the name. Codes are known of every country; names of
// those served alone, so that any other is UnknownCountry.
func (a Address) country() Country {
	written := strings.ToUpper(strings.TrimSpace(a.Country))
	if written == "" {
		return ""
	}
	found := UnknownCountry
	for country, plan := range numberings {
		switch {
		case plan.Within != "" && plan.Within.writtenAs(written) && country.writtenAs(a.Region):
			return country
		case country.writtenAs(written):
			found = country
		}
	}
	if found == UnknownCountry && isCode(written) {
		return Country(written)
	}
	return found
}

// within tells whether an address may lie in a country, as far as it says where it lies. One
// in a territory may name the country to which that belongs.
func (a Address) within(at Country) bool {
	written := a.country()
	return written == "" || written == UnknownCountry || written == at || written == numberings[at].Within
}

// writtenAs tells whether a text is the code of the country or one of its names.
func (c Country) writtenAs(text string) bool {
	written := lettersOf(text)
	same := func(name string) bool { return lettersOf(name) == written }
	plan := numberings[c]
	return same(string(c)) || same(plan.Name) || slices.ContainsFunc(plan.AlsoWritten, same)
}

// lettersOf are the capital letters of a name, without an article or accents: U.K. is
// UK, and the United States are UNITEDSTATES. What it does not have is left out, so that
// a name in another script does not pass for one in ours.
func lettersOf(name string) string {
	name, _ = strings.CutPrefix(strings.ToUpper(strings.TrimSpace(name)), "THE ")
	return strings.Map(func(r rune) rune {
		if plain, accented := plainLetters[r]; accented {
			return plain
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

// plainLetters are the letters with accents in the names of the countries served.
var plainLetters = map[rune]rune{'É': 'E', 'Á': 'A', 'Ñ': 'N'}

func isCode(text string) bool {
	return len(text) == 2 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
