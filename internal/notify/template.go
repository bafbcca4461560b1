package notify

import (
	"embed"
	"errors"
	html "html/template"
	"io"
	"strings"
	text "text/template"
	"text/template/parse"
	"unicode"

	"lifeline/internal/emergency"
)

// The parts of a template, as an *emergency.TemplateError names them.
const (
	partSubject = "subject"
	partHTML    = "html"
	partText    = "text"
)

// limits are how long a part may be, in bytes: as it is typed, and filled in. Gmail
// shows no more than 102 KB of a message, and what is cut off may be the link to
// acknowledge it.
var limits = map[string]struct{ typed, filled int }{
	partSubject: {4 << 10, 4000},
	partHTML:    {64 << 10, 100_000},
	partText:    {64 << 10, 100_000},
}

// Wording is a template that is ready to word notices. It may be used by several at
// once.
type Wording struct {
	version             int64
	subject, html, text part
	// unbounded lets the wording that comes with the program be as long as its values
	// make it: after it there is no other.
	unbounded bool
}

func (w *Wording) parts() []*part { return []*part{&w.subject, &w.html, &w.text} }

// part is one of the three.
type part struct {
	name, source string
	// root is what the source means, and uses what its text depends on.
	root *parse.ListNode
	uses usage
	// template escapes nothing.
	template *text.Template
	// page escapes the values in HTML; nil in the other parts.
	page *html.Template
	// texts is where each piece of text begins in the source, by its first byte.
	texts map[*byte]int
}

//go:embed templates
var files embed.FS

// standard is the wording that comes with the program.
var standard = func() *Wording {
	w, err := Compile(DefaultTemplate())
	if err != nil {
		panic(err) // a test holds it to its own rules
	}
	w.unbounded = true
	return w
}()

// Default is the wording that comes with the program.
func Default() *Wording { return standard }

// DefaultTemplate is its source, for administrators to begin with (S18). Its version is
// zero.
func DefaultTemplate() emergency.Template {
	read := func(name string) string {
		content, err := files.ReadFile("templates/notice." + name + ".tmpl")
		if err != nil {
			panic(err) // it is part of the program
		}
		return strings.TrimSpace(string(content))
	}
	return emergency.Template{Subject: read("subject"), HTML: read("html") + "\n", Text: read("text") + "\n"}
}

// Compile makes a template ready for use. It does so as well for a template that
// CheckTemplate refuses for what it leaves out: one that was saved under other rules
// may still do for most notices. The error is an *emergency.TemplateError.
func Compile(t emergency.Template) (*Wording, error) {
	w := &Wording{version: t.Version}
	for _, p := range []struct {
		into         *part
		name, source string
	}{{&w.subject, partSubject, t.Subject}, {&w.html, partHTML, t.HTML}, {&w.text, partText, t.Text}} {
		compiled, err := compilePart(p.name, p.source)
		if err != nil {
			return nil, err
		}
		*p.into = compiled
	}
	for _, trial := range namedTrials() {
		if err := w.html.checkShape(trial.facts); err != nil {
			return nil, err
		}
	}
	if err := w.html.escape(); err != nil {
		return nil, err
	}
	return w, nil
}

// escape prepares the HTML for values that need escaping. html/template does so when it is
// first used, and not before.
func (p *part) escape() error {
	page, err := html.New(p.name).AddParseTree(p.name, p.template.Copy())
	if err != nil {
		return p.problem(whole, "cannot be read: "+err.Error())
	}
	p.page = page
	err = page.Execute(io.Discard, newFacts(sampleCall()))
	if _, unsafe := errors.AsType[*html.Error](err); unsafe {
		return p.whyNotFilled(err, &output{})
	}
	return nil
}

// words is a notice in words.
type words struct{ subject, html, text string }

// fill puts the facts into the wording. The error is an *emergency.TemplateError.
func (w *Wording) fill(f facts) (words, error) {
	var filled [3]string
	for i, p := range w.parts() {
		limit := limits[p.name].filled
		if w.unbounded {
			limit = 0
		}
		var err error
		if filled[i], err = p.fill(f, limit); err != nil {
			return words{}, err
		}
	}
	return words{filled[0], filled[1], filled[2]}, nil
}

// fill puts the facts into the part, up to a limit in bytes if it is not zero. The error
// is an *emergency.TemplateError.
func (p *part) fill(f facts, limit int) (string, error) {
	var template interface {
		Execute(w io.Writer, facts any) error
	} = p.template
	if p.page != nil {
		template = p.page
	}
	filled := &output{limit: limit, texts: p.texts}
	if err := template.Execute(filled, f); err != nil {
		return "", p.whyNotFilled(err, filled)
	}
	if p.name == partSubject {
		if err := p.checkLine(filled); err != nil {
			return "", err
		}
	}
	if p.page != nil && strings.Contains(filled.String(), unsafeValue) {
		return "", p.problem(p.unsafePlace(f), "has a variable where no value of it is safe, for example in a place for a whole link")
	}
	return strings.TrimSpace(filled.String()), nil
}

// unsafeValue is what html/template puts for a value that must not stand where it does.
const unsafeValue = "ZgotmplZ"

// checkLine holds a subject to being one line of text: a second one could be a header.
func (p *part) checkLine(filled *output) error {
	line := filled.String()
	begin := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace))
	line = strings.TrimSpace(line)
	if line == "" {
		return p.problem(whole, "is empty")
	}
	if i := strings.IndexFunc(line, unicode.IsControl); i >= 0 {
		return p.problem(filled.origin(begin+i), "must be one line: put {{- in front of what follows, or write it on the same line")
	}
	return nil
}

// output keeps what a template writes, up to a limit, and where it came from.
type output struct {
	strings.Builder

	// limit is in bytes; zero for none.
	limit int
	texts map[*byte]int
	marks []mark
}

// mark says that at an offset of the output stands so much text from a place of the
// template.
type mark struct{ offset, place, length int }

var errTooLong = errors.New("too long")

// Write fails once the limit is passed, which ends the template. text/template hands
// over a piece of text as it stands in the tree, so that its first byte tells which
// piece it is.
func (o *output) Write(p []byte) (int, error) {
	if o.limit > 0 && o.Len()+len(p) > o.limit {
		return 0, errTooLong
	}
	if len(p) > 0 {
		if place, ok := o.texts[&p[0]]; ok {
			o.marks = append(o.marks, mark{o.Len(), place, len(p)})
		}
	}
	return o.Builder.Write(p) //nolint:wrapcheck // it never fails
}

// origin is the place in the template that an offset of the output came from: of what
// a variable has written, that of the variable.
func (o *output) origin(offset int) int {
	place := whole
	for _, m := range o.marks {
		if m.offset > offset {
			break
		}
		place = m.place + min(offset-m.offset, m.length)
	}
	return place
}
