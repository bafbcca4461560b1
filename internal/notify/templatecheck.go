package notify

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeline/internal/emergency"
)

// CheckTemplate tells whether notices can be made from a template: it must be readable
// and whole, and tell with every sample what a notice owes (B8, B9, B10, B13). The
// error is an *emergency.TemplateError.
func CheckTemplate(t emergency.Template) error {
	w, err := Compile(t)
	if err != nil {
		return err
	}
	for _, sample := range trials() {
		f := newFacts(sample.Notice)
		filled, err := w.fill(f)
		if err == nil {
			err = filled.check(f)
		}
		if err == nil {
			err = w.checkMarks(sample.Notice, filled)
		}
		if err != nil {
			return inSample(err, sample)
		}
	}
	return nil
}

// fact is something that a notice must tell. One of its forms is enough.
type fact struct {
	name, variables string
	forms           []string
}

// mandatory are the facts that a notice owes: of every call, that it was made, the
// callback number and the location conveyed (B8, 47 CFR 9.16(b)). A call that failed has
// no callback number. Then it is the reason that people need: it says whether
// something keeps the next call from getting through as well.
func (f facts) mandatory() []fact {
	all := []fact{
		{"that an emergency call was made", ".Dialed or .What", []string{f.Dialed, f.What}},
		{"the address conveyed", ".Address or .Location", []string{f.Address}},
		{"the address that the device reported", ".DeviceAddress or .Location", []string{f.DeviceAddress}},
		{"the position that the device reported", ".Position or .Location", []string{f.Position}},
	}
	if f.Failed {
		return append(all, fact{"why the call failed", ".Reason", []string{f.Reason}})
	}
	return append(all, fact{"the callback number", ".Number", []string{f.Number}})
}

// check holds a notice to its facts. They must be there to be read: in the HTML, what
// only a link or the document's title has does not count.
func (w words) check(f facts) error {
	shown, err := readPage(w.html)
	if err != nil {
		return &emergency.TemplateError{Part: partHTML, Problem: err.Error()}
	}
	if err := lacking(partHTML, shown.visible, f); err != nil {
		return err
	}
	if err := lacking(partText, spaced(w.text), f); err != nil {
		return err
	}
	linked := slices.Contains(shown.links, f.AcknowledgeURL) || strings.Contains(shown.visible, f.AcknowledgeURL)
	switch {
	case !linked:
		return &emergency.TemplateError{Part: partHTML, Problem: noAcknowledgement}
	case !strings.Contains(w.text, f.AcknowledgeURL):
		return &emergency.TemplateError{Part: partText, Problem: noAcknowledgement}
	default:
		return nil
	}
}

const noAcknowledgement = "lacks the link by which people acknowledge (.AcknowledgeURL)"

func lacking(part, shown string, f facts) error {
	var missing []string
	for _, fact := range f.mandatory() {
		if !slices.ContainsFunc(fact.forms, func(form string) bool { return strings.Contains(shown, form) }) {
			missing = append(missing, fmt.Sprintf("%s (%s)", fact.name, fact.variables))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &emergency.TemplateError{Part: part, Problem: "lacks " + strings.Join(missing, " and ")}
}

// checkMarks sees whether each part says of itself that a call failed or is a test,
// however it is worded. It looks at what changes with the flags alone.
func (w *Wording) checkMarks(n emergency.Notice, filled words) error {
	f := newFacts(n)
	if n.Failed() {
		through := n
		through.Reason = ""
		if n.Event == emergency.NoticeFailed {
			through.Event = emergency.NoticePlaced
		}
		if err := w.differs(f.flaggedLike(through), filled, "a call that failed from one that got through (.Failed or .What)"); err != nil {
			return err
		}
	}
	if n.Kind == emergency.KindTest {
		live := n
		live.Kind = emergency.KindEmergency
		return w.differs(f.flaggedLike(live), filled, "a test from an emergency (.Test or .What)")
	}
	return nil
}

// flaggedLike are the same facts, but for what tells of itself what kind of notice it is.
func (f facts) flaggedLike(n emergency.Notice) facts {
	other := newFacts(n)
	f.What, f.Failed, f.Test = other.What, other.Failed, other.Test
	f.Placed, f.Callback, f.Escalated, f.Ended = other.Placed, other.Callback, other.Escalated, other.Ended
	return f
}

func (w *Wording) differs(other facts, filled words, what string) error {
	compared, err := w.fill(other)
	if err != nil {
		return err
	}
	same := ""
	switch {
	case compared.subject == filled.subject:
		same = partSubject
	case visible(compared.html) == visible(filled.html):
		same = partHTML
	case spaced(compared.text) == spaced(filled.text):
		same = partText
	default:
		return nil
	}
	return &emergency.TemplateError{Part: same, Problem: "does not tell " + what}
}

// visible is what can be seen of a document, or nothing if it is broken.
func visible(document string) string {
	shown, _ := readPage(document)
	return shown.visible
}

// inSample says which sample it is that an error was found with.
func inSample(err error, sample Sample) error {
	found, ok := errors.AsType[*emergency.TemplateError](err)
	if !ok {
		return err
	}
	named := *found
	named.Problem += ", in the sample " + strconv.Quote(sample.Name)
	return &named
}
