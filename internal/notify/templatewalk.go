package notify

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	text "text/template"
	"text/template/parse"
	"unicode"
	"unicode/utf8"
)

// A wording may do what a letter needs: show variables, choose between texts, and go
// through the lists among the variables. All else of the template language is refused,
// because it can be made to run for ever or to fill the memory: other templates can
// call each other, a loop can count to a thousand million or stand in another, and a
// text made of itself twice doubles with every step. What is left takes time and
// memory in proportion to its length.

// functions are those that make no text.
var functions = []string{"and", "or", "not", "eq", "ne"}

// deepest is how many conditions may stand in each other.
const deepest = 30

// kindOf tells the variables apart: those that are shown, and those that loops go
// through.
var kindOf = func() map[string]reflect.Kind {
	kinds := map[string]reflect.Kind{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[facts]()) {
		kinds[field.Name] = field.Type.Kind()
	}
	return kinds
}()

// Variables are the names that a wording may use, as it writes them.
func Variables() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[facts]()) {
		names = append(names, "."+field.Name)
	}
	return names
}

func compilePart(name, source string) (part, error) {
	p := part{name: name, source: source, texts: map[*byte]int{}}
	if limit := limits[name].typed; len(source) > limit {
		return p, p.problem(limit, fmt.Sprintf("is longer than %d bytes", limit))
	}
	if i := strings.IndexFunc(source, unfit); i >= 0 {
		return p, p.problem(i, "has a character that no text has")
	}
	tree, others, err := parseTree(name, source)
	switch {
	case err != nil:
		return p, p.whyUnreadable(err)
	case others:
		return p, p.problem(definition(source), "defines another template; a wording is in one piece")
	}
	w := walker{part: &p}
	w.list(tree.Root, scope{})
	if w.err != nil {
		return p, w.err
	}
	if p.template, err = text.New(name).AddParseTree(name, tree); err != nil {
		return p, p.problem(whole, "cannot be read: "+err.Error())
	}
	return p, nil
}

// unfit finds control characters, and what is not UTF-8.
func unfit(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
}

// walker holds a template to the rules above. It keeps the first fault, and notes where
// each piece of text stands.
type walker struct {
	part *part
	err  error
}

// scope is where in a template something stands.
type scope struct {
	// value says that the dot is a value, and not all variables.
	value bool
	// loop says that it is run more than once.
	loop  bool
	depth int
}

func (w *walker) refuse(at parse.Pos, format string, args ...any) {
	if w.err == nil {
		w.err = w.part.problem(int(at), fmt.Sprintf(format, args...))
	}
}

func (w *walker) list(list *parse.ListNode, in scope) {
	if list == nil || w.err != nil {
		return
	}
	if in.depth > deepest {
		w.refuse(list.Pos, "has more than %d conditions in each other", deepest)
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
			w.text(node)
		case *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
		case *parse.ActionNode:
			w.pipe(node.Pipe, in)
		case *parse.IfNode:
			w.choice(&node.BranchNode, in, in)
		case *parse.WithNode:
			w.choice(&node.BranchNode, in, scope{value: true, loop: in.loop, depth: in.depth})
		case *parse.RangeNode:
			w.loop(node, in)
		default:
			w.refuse(node.Position(), "uses %s, which a wording cannot", shortSource(node))
		}
	}
}

// text notes where a piece of text stands. In the HTML, every < has to begin something:
// html/template takes time that grows with the square of those that do not.
func (w *walker) text(node *parse.TextNode) {
	if len(node.Text) == 0 {
		return
	}
	w.part.texts[&node.Text[0]] = int(node.Pos)
	if w.part.name != partHTML {
		return
	}
	for i, c := range node.Text {
		if c == '<' && !beginning.Match(node.Text[i:]) {
			w.refuse(node.Pos+parse.Pos(i), "has a < that begins no tag; write &lt; for the character")
			return
		}
	}
}

// beginning is that of a tag, a comment or the type of the document.
var beginning = regexp.MustCompile(`^<(/?[A-Za-z]|!--|!(?i:doctype))`)

// choice allows a condition. It may ask whether a list is empty.
func (w *walker) choice(node *parse.BranchNode, in, inside scope) {
	if node.NodeType != parse.NodeIf || !isList(node.Pipe, in) {
		w.pipe(node.Pipe, in)
	}
	in.depth++
	inside.depth++
	w.list(node.List, inside)
	w.list(node.ElseList, in)
}

// loop allows a loop over a list of the variables, and none within another.
func (w *walker) loop(node *parse.RangeNode, in scope) {
	switch {
	case !isList(node.Pipe, in):
		w.refuse(node.Pipe.Pos, "loops over something else than a list; the lists are %s", "$"+strings.Join(lists(), ", $"))
	case in.loop:
		w.refuse(node.Pos, "has a loop in a loop")
	}
	in.depth++
	w.list(node.List, scope{value: true, loop: true, depth: in.depth})
	w.list(node.ElseList, in)
}

// isList tells whether a pipeline is a list of the variables and nothing else.
func isList(pipe *parse.PipeNode, in scope) bool {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return false
	}
	var path []string
	switch node := pipe.Cmds[0].Args[0].(type) {
	case *parse.FieldNode:
		if !in.value {
			path = node.Ident
		}
	case *parse.VariableNode:
		if node.Ident[0] == "$" {
			path = node.Ident[1:]
		}
	}
	return len(path) == 1 && kindOf[path[0]] == reflect.Slice
}

func lists() []string {
	return slices.DeleteFunc(Variables(), func(name string) bool { return kindOf[name[1:]] != reflect.Slice })
}

func (w *walker) pipe(pipe *parse.PipeNode, in scope) {
	for i, command := range pipe.Cmds {
		function, ok := command.Args[0].(*parse.IdentifierNode)
		switch {
		case ok && !slices.Contains(functions, function.Ident):
			w.refuse(function.Pos, "uses %s; a wording has only the functions %s", function.Ident, strings.Join(functions, ", "))
		case !ok && (i > 0 || len(command.Args) > 1):
			w.refuse(command.Args[0].Position(), "uses %s as if it were a function", shortSource(command.Args[0]))
		}
		for _, operand := range command.Args {
			if operand != command.Args[0] || !ok {
				w.operand(operand, in)
			}
		}
	}
}

func (w *walker) operand(node parse.Node, in scope) {
	switch node := node.(type) {
	case *parse.FieldNode:
		if in.value {
			w.refuse(node.Pos, "uses %s where the dot is a value; write $%s", node, node)
			return
		}
		w.variable(node, node.Ident)
	case *parse.VariableNode:
		if node.Ident[0] == "$" {
			w.variable(node, node.Ident[1:])
		} else if len(node.Ident) > 1 {
			w.refuse(node.Pos, "uses %s, but a value has no parts", node)
		}
	case *parse.DotNode:
		if !in.value {
			w.refuse(node.Pos, "shows all variables at once; name one of %s", strings.Join(Variables(), ", "))
		}
	case *parse.PipeNode:
		w.pipe(node, in)
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
	default:
		w.refuse(node.Position(), "uses %s, which a wording cannot", shortSource(node))
	}
}

// variable allows the name of a text or a flag. A list cannot be shown as it is.
func (w *walker) variable(node parse.Node, path []string) {
	switch {
	case len(path) == 0:
		w.refuse(node.Position(), "shows all variables at once; name one of %s", strings.Join(Variables(), ", "))
	case kindOf[path[0]] == reflect.Invalid:
		w.refuse(node.Position(), "uses .%s, which is no variable; there are %s", path[0], strings.Join(Variables(), ", "))
	case len(path) > 1:
		w.refuse(node.Position(), "uses %s, but a value has no parts", shortSource(node))
	case kindOf[path[0]] == reflect.Slice:
		w.refuse(node.Position(), "uses .%s, which is a list: write {{range .%s}}", path[0], path[0])
	}
}

// shortSource is a node as it is written, or its beginning.
func shortSource(node parse.Node) string {
	written := []rune(node.String())
	if len(written) > 40 {
		return string(written[:40]) + "…"
	}
	return string(written)
}
