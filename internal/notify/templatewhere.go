package notify

import (
	"errors"
	html "html/template"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"lifeline/internal/emergency"
)

// whole stands for no place in a part.
const whole = -1

// problem says what is wrong with a part, and where: at an offset of its source, or at the
// end of it where no place is at fault.
func (p *part) problem(place int, what string) error {
	if place == whole {
		place = p.end()
	}
	before := p.source[:min(place, len(p.source))]
	return &emergency.TemplateError{
		Part: p.name, Problem: what,
		Line:   1 + strings.Count(before, "\n"),
		Column: 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
	}
}

var (
	parseProblem = regexp.MustCompile(`^template: \w+:\d+: (?s:(.*))$`)
	fillProblem  = regexp.MustCompile(`^template: \w+:(\d+):(\d+): executing "\w+" at <(?s:.*)>: (?s:(.*))$`)
)

// whyUnreadable words what the parser complains of. The parser gives the line and no
// column; the action that it stumbles over is the first one up to which the source is
// wrong, and not only unfinished.
func (p *part) whyUnreadable(err error) error {
	what := err.Error()
	if known := parseProblem.FindStringSubmatch(what); known != nil {
		what = known[1]
	}
	all := actions(p.source)
	wrong := sort.Search(len(all), func(i int) bool {
		_, _, err := parseTree(p.name, p.source[:all[i].end])
		return err != nil && !unfinished(err)
	})
	if wrong < len(all) {
		return p.problem(all[wrong].start, "cannot be read: "+what)
	}
	if open, ok := unclosed(all); ok && unfinished(err) {
		return p.problem(open.start, "has an {{"+open.keyword+"}} without its {{end}}")
	}
	return p.problem(whole, "cannot be read: "+what)
}

// unfinished tells whether the parser would have liked to read on.
func unfinished(err error) bool { return strings.HasSuffix(err.Error(), "unexpected EOF") }

// action is what stands between double braces.
type action struct {
	start, end int
	keyword    string
}

var firstWord = regexp.MustCompile(`^\{\{(?:-\s)?\s*([a-z]+)`)

// actions finds the actions of a template, right or wrong. The last one may be without
// an end.
func actions(source string) []action {
	var all []action
	for at := 0; ; {
		start := strings.Index(source[at:], "{{")
		if start < 0 {
			return all
		}
		start += at
		at = actionEnd(source, start+2)
		a := action{start: start, end: at}
		if word := firstWord.FindStringSubmatch(source[start:at]); word != nil {
			a.keyword = word[1]
		}
		all = append(all, a)
	}
}

// actionEnd is behind the braces that close an action, past quotes and comments.
func actionEnd(source string, at int) int {
	if comment := strings.TrimPrefix(source[at:], "- "); strings.HasPrefix(comment, "/*") {
		at += len(source[at:]) - len(comment)
		if length := strings.Index(source[at:], "*/"); length >= 0 {
			at += length
		}
	}
	for at < len(source) {
		if strings.HasPrefix(source[at:], "}}") {
			return at + 2
		}
		at += tokenLength(source[at:])
	}
	return len(source)
}

// tokenLength is how long a quoted text is, or 1.
func tokenLength(source string) int {
	quote := source[0]
	if quote != '"' && quote != '\'' && quote != '`' {
		return 1
	}
	for i := 1; i < len(source); i++ {
		switch {
		case source[i] == quote:
			return i + 1
		case quote == '`':
		case source[i] == '\\':
			i++
		}
	}
	return len(source)
}

// unclosed is the innermost action that waits for its end.
func unclosed(all []action) (action, bool) {
	var open []action
	for _, a := range all {
		switch a.keyword {
		case "if", "with", "range", "define", "block":
			open = append(open, a)
		case "end":
			open = open[:max(0, len(open)-1)]
		}
	}
	if len(open) == 0 {
		return action{}, false
	}
	return open[len(open)-1], true
}

// whyNotFilled words what went wrong when values were put in.
func (p *part) whyNotFilled(err error, filled *output) error {
	if errors.Is(err, errTooLong) {
		return p.problem(filled.origin(filled.Len()), "is longer than "+strconv.Itoa(filled.limit)+" bytes")
	}
	if unsafe, ok := errors.AsType[*html.Error](err); ok {
		return p.problem(p.placeOf(unsafe), "is not safe to fill in: "+unsafe.Description)
	}
	known := fillProblem.FindStringSubmatch(err.Error())
	if known == nil {
		return p.problem(whole, "cannot be filled in: "+err.Error())
	}
	line, _ := strconv.Atoi(known[1])
	column, _ := strconv.Atoi(known[2])
	return p.problem(p.lineStart(line)+column, "cannot be filled in: "+known[3])
}

// placeOf is where html/template has found a fault: at a variable, or somewhere in a
// line.
func (p *part) placeOf(unsafe *html.Error) int {
	switch {
	case unsafe.Node != nil:
		return int(unsafe.Node.Position())
	case unsafe.Line > 0:
		return p.lineStart(unsafe.Line)
	default:
		return whole
	}
}

// lineStart is the offset of a line, counted from 1.
func (p *part) lineStart(line int) int {
	at := 0
	for range line - 1 {
		at += strings.IndexByte(p.source[at:], '\n') + 1
	}
	return at
}

// parseTree reads a template, and takes every function for known: which ones are is
// checked with a better word than the parser has for it. It tells whether the source
// defines other templates, or another one of this name.
func parseTree(name, source string) (tree *parse.Tree, others bool, err error) {
	tree, set := parse.New(name), map[string]*parse.Tree{}
	tree.Mode = parse.SkipFuncCheck
	_, err = tree.Parse(source, "", "", set)
	return tree, len(set) > 1 || set[name] != tree, err //nolint:wrapcheck // whyUnreadable words it
}

// definition is the first action that defines another template.
func definition(source string) int {
	all := actions(source)
	i := slices.IndexFunc(all, func(a action) bool { return a.keyword == "define" || a.keyword == "block" })
	if i < 0 {
		return whole
	}
	return all[i].start
}

// unsafePlace finds the variable that html/template has put nothing in for: the first one
// without which it leaves out less.
func (p *part) unsafePlace(f facts) int {
	all := p.unsafeWithout(-1, f)
	for i, place := range p.shownAt() {
		if p.unsafeWithout(i, f) < all {
			return place
		}
	}
	return whole
}

// shownAt is where the actions are that show something.
func (p *part) shownAt() []int {
	var places []int
	each(p.root, func(node parse.Node, _ *parse.PipeNode) {
		if action, ok := node.(*parse.ActionNode); ok {
			places = append(places, p.actionAt(int(action.Pos)).start)
		}
	})
	return places
}

// unsafeWithout counts what is left out when the action of that number shows a word.
func (p *part) unsafeWithout(number int, f facts) int {
	tree := p.template.Copy()
	each(tree.Root, func(node parse.Node, _ *parse.PipeNode) {
		if action, ok := node.(*parse.ActionNode); ok {
			if number == 0 {
				action.Pipe.Cmds = []*parse.CommandNode{{NodeType: parse.NodeCommand, Args: []parse.Node{
					&parse.StringNode{NodeType: parse.NodeString, Quoted: `"a"`, Text: "a"},
				}}}
			}
			number--
		}
	})
	var filled strings.Builder
	page, err := html.New(p.name).AddParseTree(p.name, tree)
	if err == nil {
		_ = page.Execute(&filled, f)
	}
	return strings.Count(filled.String(), unsafeValue)
}
