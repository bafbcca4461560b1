package notify

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// page is what a reader gets of an HTML document.
type page struct {
	// visible is the text that can be seen, with single spaces.
	visible string
	// links are where links lead.
	links []string
}

// pageError says why a document is broken, and at which offset.
type pageError struct {
	offset  int
	problem string
}

// Error gives the problem.
func (e *pageError) Error() string { return e.problem }

// element is an element that is open.
type element struct {
	name   string
	offset int
	hidden bool
	// link is where it leads.
	link string
}

// pageReader goes through a document and holds it to what mail programs agree on:
// every element is closed by its own end tag, in order. Browsers guess what else could
// be meant, and each mail program guesses differently.
type pageReader struct {
	open  []element
	text  strings.Builder
	links []string
}

// Elements without content and end tag.
var voidElements = []string{"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// What no mail program runs or loads, or what would change how the rest is read.
var uselessElements = []string{
	"applet", "base", "embed", "form", "frame", "frameset", "iframe", "noembed", "noframes", "noscript",
	"object", "plaintext", "script", "template", "xmp",
}

var unseenElements = []string{"head", "style", "title", "textarea"}

// readPage reads a document. The error is a *pageError.
func readPage(document string) (page, error) {
	tokens := html.NewTokenizer(strings.NewReader(document))
	var r pageReader
	for offset := 0; ; {
		kind := tokens.Next()
		raw := string(tokens.Raw())
		if kind == html.ErrorToken {
			return r.end(offset, raw)
		}
		if problem := r.token(kind, raw, tokens, offset); problem != "" {
			return page{}, &pageError{offset, problem}
		}
		offset += len(raw)
	}
}

// end is the page, unless something is unfinished.
func (r *pageReader) end(offset int, rest string) (page, error) {
	if rest != "" {
		return page{}, &pageError{offset, "has a tag without its end; a > or a quotation mark is missing"}
	}
	if len(r.open) > 0 {
		last := r.open[len(r.open)-1]
		return page{}, &pageError{last.offset, fmt.Sprintf("has a <%s> without its </%s>", last.name, last.name)}
	}
	return page{visible: spaced(r.text.String()), links: r.links}, nil
}

// token takes in a piece of the document, or says what is wrong with it.
func (r *pageReader) token(kind html.TokenType, raw string, tokens *html.Tokenizer, offset int) (problem string) {
	switch kind {
	case html.TextToken:
		if !r.hidden() {
			r.text.Write(tokens.Text())
		}
	case html.CommentToken:
		if !strings.HasPrefix(raw, "<!--") || !strings.HasSuffix(raw, "-->") {
			return "has a comment without its end; --> is missing"
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		if strings.Contains(raw[1:], "<") {
			return "has a tag with another < in it; a > or a quotation mark is missing"
		}
		return r.start(tokens, offset, kind == html.SelfClosingTagToken)
	case html.EndTagToken:
		name, _ := tokens.TagName()
		return r.close(string(name))
	case html.ErrorToken, html.DoctypeToken:
	}
	return ""
}

func (r *pageReader) hidden() bool { return len(r.open) > 0 && r.open[len(r.open)-1].hidden }

func (r *pageReader) start(tokens *html.Tokenizer, offset int, closed bool) (problem string) {
	tag, more := tokens.TagName()
	opened := element{name: string(tag), offset: offset}
	opened.hidden = r.hidden() || slices.Contains(unseenElements, opened.name)
	for more {
		var name, value []byte
		name, value, more = tokens.TagAttr()
		if problem := opened.attribute(string(name), string(value)); problem != "" {
			return problem
		}
	}
	if opened.name == "a" && !opened.hidden {
		r.links = append(r.links, opened.link)
	}
	r.text.WriteByte(' ')
	switch {
	case slices.Contains(uselessElements, opened.name):
		return fmt.Sprintf("has a <%s>, which no mail program shows", opened.name)
	case slices.Contains(voidElements, opened.name):
	case closed:
		return fmt.Sprintf("has a <%s/>, which closes nothing; write <%s></%s>", opened.name, opened.name, opened.name)
	default:
		r.open = append(r.open, opened)
	}
	return ""
}

func (e *element) attribute(name, value string) (problem string) {
	switch {
	case strings.ContainsAny(name, "\"'"):
		return fmt.Sprintf("has a <%s> with a quotation mark in the name of an attribute; another one is missing", e.name)
	case strings.HasPrefix(name, "on"):
		return fmt.Sprintf("has a <%s> with %s, which no mail program runs", e.name, name)
	case name == "hidden":
		e.hidden = true
	case name == "href":
		e.link = value
	case name == "style":
		style := strings.Join(strings.Fields(strings.ToLower(value)), "")
		e.hidden = e.hidden || strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden")
	}
	return ""
}

func (r *pageReader) close(name string) (problem string) {
	r.text.WriteByte(' ')
	switch {
	case slices.Contains(voidElements, name):
		return fmt.Sprintf("has a </%s>, but a <%s> has no end", name, name)
	case len(r.open) == 0:
		return fmt.Sprintf("has a </%s> that nothing opened", name)
	}
	if last := r.open[len(r.open)-1]; last.name != name {
		return fmt.Sprintf("has a </%s> where </%s> must come first", name, last.name)
	}
	r.open = r.open[:len(r.open)-1]
	return ""
}

// spaced is a text as people read it, whatever space stands between its words.
func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// checkShape holds the HTML to being whole with these facts. It is filled in without
// escaping, so that what is found can be traced to the template: the facts must be such
// that need none.
func (p *part) checkShape(f facts) error {
	filled := &output{limit: limits[p.name].filled, texts: p.texts}
	if err := p.template.Execute(filled, f); err != nil {
		return p.whyNotFilled(err, filled)
	}
	if _, err := readPage(filled.String()); err != nil {
		broken := err.(*pageError) //nolint:errorlint,forcetypeassert // readPage has no other
		return p.problem(filled.origin(broken.offset), broken.problem)
	}
	return nil
}
