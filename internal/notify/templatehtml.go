package notify

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// pageError says why a document is refused, and at which offset.
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
}

// shapeReader goes through a document and holds it to what mail programs agree on:
// every element is closed by its own end tag, in order. Browsers guess what else could
// be meant, and each mail program guesses differently.
type shapeReader struct {
	open []element
	// sheet is a style sheet so far.
	sheet strings.Builder
}

// Elements without content and end tag.
var voidElements = []string{"br", "col", "hr", "meta", "wbr"}

// The elements that all mail programs show, and show alike.
var shownElements = []string{
	"a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "body", "caption", "center", "cite", "code", "colgroup",
	"dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "head",
	"header", "html", "i", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span",
	"strong", "style", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "title", "tr", "tt", "u", "ul", "var",
}

// What tells somebody else that a notice is being read, by being loaded from elsewhere, if
// a mail program loads it at all.
var loadedElements = []string{"audio", "image", "img", "input", "link", "picture", "source", "svg", "track", "video"}

// loadedAttributes are the attributes by which other elements load something.
var loadedAttributes = []string{"background", "data", "dynsrc", "lowsrc", "ping", "poster", "src", "srcset"}

// checkDocument holds a document to its shape, and to what may be in a notice. The error
// is a *pageError.
func checkDocument(document string) error {
	tokens := html.NewTokenizer(strings.NewReader(document))
	var r shapeReader
	for offset := 0; ; {
		kind := tokens.Next()
		raw := string(tokens.Raw())
		if kind == html.ErrorToken {
			return r.end(offset, raw)
		}
		if problem := r.token(kind, raw, tokens, offset); problem != "" {
			return &pageError{offset, problem}
		}
		offset += len(raw)
	}
}

// end looks for what is unfinished.
func (r *shapeReader) end(offset int, rest string) error {
	if rest != "" {
		return &pageError{offset, "has a tag without its end; a > or a quotation mark is missing"}
	}
	if len(r.open) > 0 {
		last := r.open[len(r.open)-1]
		return &pageError{last.offset, fmt.Sprintf("has a <%s> without its </%s>", last.name, last.name)}
	}
	return nil
}

// token takes in a piece of the document, or says what is wrong with it.
func (r *shapeReader) token(kind html.TokenType, raw string, tokens *html.Tokenizer, offset int) (problem string) {
	switch kind {
	case html.TextToken:
		if r.in("style") {
			r.sheet.Write(tokens.Text())
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

// in tells whether the innermost element has that name.
func (r *shapeReader) in(name string) bool {
	return len(r.open) > 0 && r.open[len(r.open)-1].name == name
}

func (r *shapeReader) start(tokens *html.Tokenizer, offset int, closed bool) (problem string) {
	tag, more := tokens.TagName()
	name := string(tag)
	switch {
	case slices.Contains(loadedElements, name):
		return fmt.Sprintf("has a <%s>, which mail programs do not load, or tell others by loading that the notice is read", name)
	case !slices.Contains(shownElements, name) && !slices.Contains(voidElements, name):
		return fmt.Sprintf("has a <%s>, which no mail program shows, or not all of them", name)
	}
	for more {
		var attribute, value []byte
		attribute, value, more = tokens.TagAttr()
		if problem := attributeProblem(name, string(attribute), string(value)); problem != "" {
			return problem
		}
	}
	switch {
	case slices.Contains(voidElements, name):
	case closed:
		return fmt.Sprintf("has a <%s/>, which closes nothing; write <%s></%s>", name, name, name)
	default:
		r.open = append(r.open, element{name, offset})
	}
	return ""
}

func attributeProblem(element, name, value string) string {
	switch {
	case strings.ContainsAny(name, "\"'"):
		return fmt.Sprintf("has a <%s> with a quotation mark in the name of an attribute; another one is missing", element)
	case strings.HasPrefix(name, "on"):
		return fmt.Sprintf("has a <%s> with %s, which no mail program runs", element, name)
	case slices.Contains(loadedAttributes, name):
		return fmt.Sprintf("has a <%s> with %s, which mail programs do not load, or tell others by loading that the notice is read", element, name)
	case name == "href" && !leadsSomewhere(value):
		return fmt.Sprintf("has a link to %q; links begin with %s", shortened(value), strings.Join(linkSchemes, ", "))
	case name == "style":
		return styleProblem(value)
	case name == "http-equiv" && !strings.EqualFold(value, "Content-Type") && !strings.EqualFold(value, "X-UA-Compatible"):
		return fmt.Sprintf("has a <meta> with %s, which no mail program heeds", name)
	}
	return ""
}

// linkSchemes are how links may begin. Whatever else there is, such as javascript: and
// data:, mail programs refuse, or run.
var linkSchemes = []string{"https:", "http:", "mailto:", "tel:", "sms:", "geo:"}

// leadsSomewhere tells whether a link may be in a notice: one with a scheme that is known,
// to a place in the same document, or nowhere for want of a value. Browsers skip spaces and control characters in it.
func leadsSomewhere(link string) bool {
	link = strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, link))
	return link == "" || strings.HasPrefix(link, "#") || slices.ContainsFunc(linkSchemes, func(scheme string) bool { return strings.HasPrefix(link, scheme) })
}

func (r *shapeReader) close(name string) (problem string) {
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
	if name == "style" {
		defer r.sheet.Reset()
		return sheetProblem(r.sheet.String())
	}
	return ""
}

// checkShape holds the HTML to being whole with these facts. It is filled in without
// escaping, so that what is found can be traced to the template: the facts must be such
// that need none.
func (p *part) checkShape(f facts) error {
	filled := &output{limit: limits[p.name].filled, texts: p.texts}
	if err := p.template.Execute(filled, f); err != nil {
		return p.whyNotFilled(err, filled)
	}
	if err := checkDocument(filled.String()); err != nil {
		broken := err.(*pageError) //nolint:errorlint,forcetypeassert // checkDocument has no other
		return p.problem(filled.origin(broken.offset), broken.problem)
	}
	return nil
}
