package emergency

import (
	"regexp"
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
	// prefix is the international one that people there dial; empty when nobody knows it.
	prefix string
	// behindPlus and behindPrefix are what may follow a plus or that prefix.
	behindPlus, behindPrefix []string
	// usual is what desktops in the country send of that.
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
	home := numberings[country]
	f := fronts{line: p.OutsideLine, codes: country.callerIDCodes(), prefix: home.InternationalPrefix, usual: "+" + home.CallingCode}
	for _, other := range Countries() {
		code, trunk := numberings[other].CallingCode, numberings[other].TrunkPrefix
		f.behindPrefix = append(f.behindPrefix, code, code+trunk, code+f.line)
	}
	slices.Sort(f.behindPrefix)
	f.behindPrefix = slices.Compact(f.behindPrefix)
	for _, behind := range slices.Concat([]string{"", f.line}, f.behindPrefix) {
		if !slices.Contains(f.behindPlus, behind) {
			f.behindPlus = append(f.behindPlus, behind)
		}
	}
	return f
}

// international are a plus, and the prefix, with all that may follow.
func (f fronts) international() []string {
	var all []string
	for _, behind := range f.behindPlus {
		all = append(all, "+"+behind)
	}
	if f.prefix != "" {
		for _, behind := range f.behindPrefix {
			all = append(all, f.prefix+behind)
		}
	}
	return all
}

// all are the fronts in every order in which people put them together: a code for the
// caller ID before the outside line or behind it. The outside line is not dialed before
// a plus; and digits before an international prefix are the beginning of another number:
// 90 04 51 12 is a Danish one.
func (f fronts) all() []string {
	all := f.withLine()
	abroad := f.international()
	for _, code := range slices.Concat([]string{""}, f.codes, f.behindLine()) {
		all = append(all, code)
		for _, international := range abroad {
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

// each are all that people put before a number, one at a time; and with a code for the
// caller ID what often comes with it. To try every order of them on a thousand rules takes
// long, and finds no more.
func (f fronts) each() []string {
	all := slices.Concat(f.withLine(), f.codes, f.behindLine(), f.international())
	for _, code := range f.codes {
		all = append(all, code+f.usual)
	}
	return all
}

// pattern matches each of them, and nothing, in the syntax of package regexp.
func (f fronts) pattern() string {
	codes := "(?:" + alternatives(f.codes) + ")"
	withLine, behindLine := "", codes
	if f.line != "" {
		withLine, behindLine = codes+"?"+f.line+"|", "(?:"+f.line+")?"+codes
	}
	plus := `\+(?:` + alternatives(f.behindPlus[1:]) + ")?" // the first is nothing
	return "(?:" + withLine + "(?:" + behindLine + ")?(?:" + plus + ")?|" + f.prefix + "(?:" + alternatives(f.behindPrefix) + "))"
}

// advised is a pattern for a rule that takes every form of a country's emergency numbers, and
// no ordinary number; its group is the number, or the service.
func (p DialPlan) advised(country Country) string {
	return "^" + p.frontsIn(country).pattern() + "(" + alternatives(numberings[country].Emergency) + `|urn:service:sos(?:\..*)?)#*$`
}

// alternatives are texts of which a pattern matches one.
func alternatives(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = regexp.QuoteMeta(text)
	}
	return strings.Join(quoted, "|")
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
