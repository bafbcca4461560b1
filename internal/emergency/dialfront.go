package emergency

import (
	"slices"
	"strings"
)

// fronts are what may stand before a short number in one country without making another
// number of it. Classify takes them off, and the dial-plan check puts them on.
type fronts struct {
	// line is the prefix of the outside line; empty without one.
	line string
	// codes withhold the caller ID or show it.
	codes []string
	// international are a plus or an international prefix with what may follow it.
	international []string
	// usual is the international front that desktops in the country send.
	usual string
}

// frontsIn are the fronts of a country.
//
// Which calling code was put in front says how the desktop is set up, not where its
// user is, so any served one is taken off: +44911 from a British desktop in the
// United States is 911. There is no harm in it, because no calling code followed by
// so few digits is anybody's number. The same goes for a plus alone, for an international
// prefix, and for what is left behind a calling code of the trunk prefix, which people
// write there in brackets, or of the outside line, which a desktop has taken for the
// beginning of the number.
//
// An international prefix without a calling code is none of them: 00911 may be somebody's
// extension.
func (p DialPlan) frontsIn(country Country) fronts {
	f := fronts{line: p.OutsideLine, codes: country.callerIDCodes(), usual: "+" + numberings[country].CallingCode}
	add := func(front string) {
		if !slices.Contains(f.international, front) {
			f.international = append(f.international, front)
		}
	}
	add("+")
	add("+" + f.line)
	for _, other := range Countries() {
		numbering := numberings[other]
		for _, before := range []string{"+", numberings[country].InternationalPrefix} {
			if before == "" {
				continue // nobody knows how people in this country call another
			}
			for _, left := range []string{"", numbering.TrunkPrefix, f.line} {
				add(before + numbering.CallingCode + left)
			}
		}
	}
	return f
}

// all are the fronts in every order in which people put them together: a code for the
// caller ID before the outside line or behind it. The outside line is not dialed before
// a plus; and digits before an international prefix are the beginning of another number:
// 90 04 51 12 is a Danish one.
func (f fronts) all() []string {
	all := f.withLine()
	for _, code := range slices.Concat([]string{""}, f.codes, f.behindLine()) {
		all = append(all, code)
		for _, international := range f.international {
			if code == "" || international[0] == '+' || strings.ContainsAny(code, "*#") {
				all = append(all, code+international)
			}
		}
	}
	return all
}

// withLine are the fronts that end in the outside line.
func (f fronts) withLine() []string {
	if f.line == "" {
		return nil
	}
	all := []string{f.line}
	for _, code := range f.codes {
		all = append(all, code+f.line)
	}
	return all
}

// behindLine are the codes behind the outside line.
func (f fronts) behindLine() []string {
	if f.line == "" {
		return nil
	}
	var all []string
	for _, code := range f.codes {
		all = append(all, f.line+code)
	}
	return all
}

// callerIDCodes are what somebody in a country dials before a number to withhold or to
// show the caller ID. Those with a star or a number sign count everywhere: no number
// has such a key, and a desktop that has travelled still sends them.
func (c Country) callerIDCodes() []string {
	codes := slices.Clone(numberings[c].CallerIDCodes)
	for _, other := range Countries() {
		for _, code := range numberings[other].CallerIDCodes {
			if strings.ContainsAny(code, "*#") && !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	return codes
}
