package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lifeline/internal/emergency"
)

// CheckTemplate tells whether notices can be made from a template: it must be readable
// and whole, and tell in every notice that there can be what that notice owes (B8, B9,
// B10, B13). The error is an *emergency.TemplateError.
func CheckTemplate(t emergency.Template) error {
	w, err := Compile(t)
	if err != nil {
		return err
	}
	for _, p := range w.parts() {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

// check tries a part with every notice that it needs.
func (p *part) check() error {
	trials, err := p.trials()
	if err != nil {
		return err
	}
	for _, trial := range trials {
		if err := p.try(trial); err != nil {
			return err
		}
	}
	return nil
}

// try makes a notice from a part and holds it to the rules.
func (p *part) try(t trial) error {
	if p.name == partHTML && t.plain {
		if err := p.checkShape(t.facts); err != nil {
			return inTrial(err, t)
		}
	}
	filled, err := p.fill(t.facts, limits[p.name].filled)
	if err != nil {
		return inTrial(err, t)
	}
	if missing := p.missing(filled, t.facts); len(missing) > 0 {
		return p.lacks(missing, t)
	}
	if mistaken := p.mistaken(filled, t.notice, t.facts); mistaken != "" {
		return inTrial(p.problem(whole, "does not tell "+mistaken), t)
	}
	return nil
}

// inTrial says which notice it is that an error was found with.
func inTrial(err error, t trial) error {
	found := *err.(*emergency.TemplateError) //nolint:errorlint,forcetypeassert // all that parts complain of are
	found.Problem += ", in " + t.name
	return &found
}

// fact is something that a notice must tell. One of its forms is enough.
type fact struct {
	name      string
	variables []string
	forms     []string
}

// mandatory are the facts that a notice owes: of every call, that it was made, the
// callback number and the location conveyed (B8, 47 CFR 9.16(b)). A call that failed has
// no callback number. Then it is the reason that people need: it says whether
// something keeps the next call from getting through as well.
func (f facts) mandatory() []fact {
	all := []fact{
		{"that an emergency call was made", []string{"Dialed", "What"}, []string{f.Dialed, f.What}},
		{"the address conveyed", []string{"Address", "Location"}, []string{f.Address}},
		{"the address that the device reported", []string{"DeviceAddress", "Location"}, []string{f.DeviceAddress}},
		{"the position that the device reported", []string{"Position", "Location"}, []string{f.Position}},
	}
	if f.Failed {
		all = append(all, fact{"why the call failed", []string{"Reason"}, []string{f.Reason}})
	} else {
		all = append(all, fact{"the callback number", []string{"Number"}, []string{f.Number}})
	}
	return append(all, fact{"the link by which people acknowledge", []string{acknowledgeURL}, []string{f.AcknowledgeURL}})
}

const acknowledgeURL = "AcknowledgeURL"

// missing are the facts that a part owes and does not tell. They must be there to be read:
// in the HTML, only the link to acknowledge may be behind something else.
func (p *part) missing(filled string, f facts) []fact {
	if p.name == partSubject {
		return nil
	}
	shown, links := p.shown(filled)
	return slices.DeleteFunc(f.mandatory(), func(owed fact) bool {
		return slices.ContainsFunc(owed.forms, func(form string) bool {
			return stands(shown, form) || owed.variables[0] == acknowledgeURL && slices.Contains(links, form)
		})
	})
}

// stands tells whether a text has something as it is: with more digits at its ends, a number
// would be another, and with more of a link behind it, a link.
func stands(text, form string) bool {
	for at := 0; form != ""; at++ {
		next := strings.Index(text[at:], form)
		if next < 0 {
			return false
		}
		at += next
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(form):])
		if unglued(form, before, after) {
			return true
		}
	}
	return true
}

// unglued tells whether something ends where it seems to.
func unglued(form string, before, after rune) bool {
	first, _ := utf8.DecodeRuneInString(form)
	last, _ := utf8.DecodeLastRuneInString(form)
	switch {
	case partOfNumber(first) && partOfNumber(before), partOfNumber(last) && partOfNumber(after):
		return false
	default:
		return !strings.Contains(form, "://") || !partOfLink(after)
	}
}

func partOfNumber(r rune) bool { return r == '+' || unicode.IsDigit(r) }

// partOfLink finds what a mail program takes for a part of a link: not what ends a sentence.
func partOfLink(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("/_-=&%#~", r)
}

// shown is what a reader sees of a part that is filled in, with single spaces, and where
// it leads.
func (p *part) shown(filled string) (text string, links []string) {
	if p.name == partHTML {
		page := readPage(filled)
		return turned.ReplaceAllString(page.visible, " "), page.links
	}
	return spaced(turned.ReplaceAllString(filled, " ")), nil
}

// turned is what is written backwards: a number in it reads as another.
var turned = regexp.MustCompile(`[\x{202D}\x{202E}][^\x{202C}\n]*`)

// spaced is a text as people read it, whatever space stands between its words.
func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// mistaken says what a part does not tell apart: it has to say of itself that a call
// failed or is a test, however it is worded. It looks at what changes with the flags
// alone.
func (p *part) mistaken(filled string, n emergency.Notice, f facts) string {
	if n.Failed() {
		through := n
		through.Reason = ""
		if n.Event == emergency.NoticeFailed {
			through.Event = emergency.NoticePlaced
		}
		if p.alike(filled, f.flaggedLike(through)) {
			return "a call that failed from one that got through (.Failed or .What)"
		}
	}
	if n.Kind == emergency.KindTest {
		live := n
		live.Kind = emergency.KindEmergency
		if p.alike(filled, f.flaggedLike(live)) {
			return "a test from an emergency (.Test or .What)"
		}
	}
	return ""
}

// flaggedLike are the same facts, but for what tells of itself what kind of notice it is.
func (f facts) flaggedLike(n emergency.Notice) facts {
	other := newFacts(n)
	f.What, f.Failed, f.Test = other.What, other.Failed, other.Test
	f.Placed, f.Callback, f.Escalated, f.Ended = other.Placed, other.Callback, other.Escalated, other.Ended
	return f
}

// alike tells whether readers would see the same of other facts.
func (p *part) alike(filled string, other facts) bool {
	compared, err := p.fill(other, 0)
	if err != nil {
		return false
	}
	one, _ := p.shown(filled)
	another, _ := p.shown(compared)
	return one == another
}

// lacks says which facts are missing, and where they belong: what the first of them lacks
// in a branch, others may lack in the same.
func (p *part) lacks(missing []fact, t trial) error {
	place, where := p.belongs(missing[0], t)
	var names []string
	for _, one := range missing {
		if at, _ := p.belongs(one, t); at == place {
			names = append(names, fmt.Sprintf("%s (.%s)", one.name, strings.Join(one.variables, " or .")))
		}
	}
	return p.problem(place, "lacks "+strings.Join(names, " and ")+where)
}
