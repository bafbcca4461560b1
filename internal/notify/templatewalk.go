package notify

import (
	"fmt"
	"maps"
	"regexp"
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

// deepest is how many conditions may stand in each other.
const deepest = 30

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
	w.list(tree.Root, scope{variables: map[string]*given{}})
	if w.err != nil {
		return p, w.err
	}
	p.root, p.uses = tree.Root, w.uses
	if p.template, err = text.New(name).AddParseTree(name, tree); err != nil {
		return p, p.problem(whole, "cannot be read: "+err.Error())
	}
	return p, nil
}

// unfit finds control characters, and what is not UTF-8.
func unfit(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
}

// walker holds a template to the rules above, whether or not any notice gets to a place of
// it. It keeps the first fault, notes where each piece of text stands, and what decides
// about the text.
type walker struct {
	part *part
	uses usage
	err  error
}

// scope is where in a template something stands.
type scope struct {
	// dot is what the dot gives; of no kind when it is all variables.
	dot given
	// loop says that it is run more than once.
	loop  bool
	depth int
	// variables are what the wording has named itself.
	variables map[string]*given
}

// inside is a scope within another one, whose own variables end with it.
func (in scope) inside() scope {
	in.depth++
	in.variables = maps.Clone(in.variables)
	return in
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
			if shown := w.pipe(node.Pipe, in); !plainly(node) {
				w.uses.decidedBy(node.Pipe)
				w.declare(node.Pipe, shown, in)
			}
		case *parse.IfNode:
			w.choice(&node.BranchNode, in)
		case *parse.WithNode:
			w.choice(&node.BranchNode, in)
		case *parse.RangeNode:
			w.loop(node, in)
		default:
			w.refuse(node.Position(), "uses %s, which a wording cannot", shortSource(node))
		}
	}
}

// plainly tells whether an action shows a value as it is, which decides about nothing.
func plainly(node *parse.ActionNode) bool {
	return len(node.Pipe.Decl) == 0 && len(node.Pipe.Cmds) == 1 && len(node.Pipe.Cmds[0].Args) == 1
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
func (w *walker) choice(node *parse.BranchNode, in scope) {
	w.uses.decidedBy(node.Pipe)
	var looked given
	inside := in.inside()
	if node.NodeType != parse.NodeIf || len(node.Pipe.Decl) > 0 || !isList(node.Pipe, in) {
		looked = w.pipe(node.Pipe, in)
		w.declare(node.Pipe, looked, inside)
	}
	instead := inside.inside()
	instead.depth = inside.depth
	if node.NodeType == parse.NodeWith {
		inside.dot = looked
	}
	w.list(node.List, inside)
	w.list(node.ElseList, instead)
}

// loop allows a loop over a list of the variables, and none within another.
func (w *walker) loop(node *parse.RangeNode, in scope) {
	w.uses.decidedBy(node.Pipe)
	switch {
	case !isList(node.Pipe, in):
		w.refuse(node.Pipe.Pos, "loops over something else than a list; the lists are %s", "$"+strings.Join(lists(), ", $"))
	case in.loop:
		w.refuse(node.Pos, "has a loop in a loop")
	}
	inside, instead := in.inside(), in.inside()
	inside.dot, inside.loop = given{aText, []value{{variable: listOfDone}}}, true
	for i, variable := range node.Pipe.Decl {
		one := inside.dot
		if i == 0 && len(node.Pipe.Decl) == 2 {
			one = given{kinds: aNumber}
		}
		w.declare(&parse.PipeNode{IsAssign: node.Pipe.IsAssign, Decl: []*parse.VariableNode{variable}}, one, inside)
	}
	w.list(node.List, inside)
	w.list(node.List, inside) // with what the first time has given to variables
	w.list(node.ElseList, instead)
}

// isList tells whether a pipeline is a list of the variables and nothing else.
func isList(pipe *parse.PipeNode, in scope) bool {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return false
	}
	if _, own := pipe.Cmds[0].Args[0].(*parse.FieldNode); own && in.dot.kinds != noKind {
		return false
	}
	return kindOf[variableName(pipe.Cmds[0].Args[0])] == aList
}

// variableName is the variable that a node stands for; empty when it is none.
func variableName(node parse.Node) string {
	switch node := node.(type) {
	case *parse.FieldNode:
		if len(node.Ident) == 1 {
			return node.Ident[0]
		}
	case *parse.VariableNode:
		if len(node.Ident) == 2 && node.Ident[0] == "$" {
			return node.Ident[1]
		}
	}
	return ""
}

// pipe allows a pipeline, and tells what it gives.
func (w *walker) pipe(pipe *parse.PipeNode, in scope) given {
	var last given
	for i, command := range pipe.Cmds {
		function, ok := command.Args[0].(*parse.IdentifierNode)
		switch {
		case ok && functions[function.Ident] == [2]int{}:
			w.refuse(function.Pos, "uses %s; a wording has only the functions %s", function.Ident, strings.Join(functionNames, ", "))
		case !ok && (i > 0 || len(command.Args) > 1):
			w.refuse(command.Args[0].Position(), "uses %s as if it were a function", shortSource(command.Args[0]))
		case ok:
			c := call{name: function.Ident, at: function.Pos, operands: command.Args[1:]}
			for _, operand := range c.operands {
				c.given = append(c.given, w.operand(operand, in))
			}
			if i > 0 {
				c.given = append(c.given, last)
			}
			last = c.check(w)
		default:
			last = w.operand(command.Args[0], in)
		}
	}
	return last
}

// operand allows a value, and tells what it gives.
func (w *walker) operand(node parse.Node, in scope) given {
	switch node := node.(type) {
	case *parse.FieldNode:
		if in.dot.kinds == noKind {
			return w.variable(node, node.Ident)
		}
		w.refuse(node.Pos, "uses %s where the dot is a value; write $%s", node, node)
	case *parse.VariableNode:
		if node.Ident[0] == "$" {
			return w.variable(node, node.Ident[1:])
		}
		if len(node.Ident) > 1 {
			w.refuse(node.Pos, "uses %s, but a value has no parts", node)
		}
		if of := in.variables[node.Ident[0]]; of != nil {
			return *of
		}
		w.refuse(node.Pos, "uses %s where it has no value", node)
	case *parse.DotNode:
		if in.dot.kinds == noKind {
			w.refuse(node.Pos, "shows all variables at once; name one of %s", variableNames())
		}
		return in.dot
	case *parse.PipeNode:
		return w.pipe(node, in)
	case *parse.NumberNode:
		return w.number(node)
	case *parse.StringNode:
		return given{aText, []value{{text: node.Text}}}
	case *parse.BoolNode:
		return given{kinds: aFlag}
	default:
		w.refuse(node.Position(), "uses %s, which a wording cannot", shortSource(node))
	}
	return given{}
}

// variable allows the name of a text or a flag. A list cannot be shown as it is.
func (w *walker) variable(node parse.Node, path []string) given {
	switch {
	case len(path) == 0:
		w.refuse(node.Position(), "shows all variables at once; name one of %s", variableNames())
	case kindOf[path[0]] == noKind:
		w.refuse(node.Position(), "uses .%s, which is no variable; there are %s", path[0], variableNames())
	case len(path) > 1:
		w.refuse(node.Position(), "uses %s, but a value has no parts", shortSource(node))
	case kindOf[path[0]] == aList:
		w.refuse(node.Position(), "uses .%s, which is a list: write {{range .%s}}", path[0], path[0])
	default:
		return given{kindOf[path[0]], []value{{variable: path[0]}}}
	}
	return given{}
}
