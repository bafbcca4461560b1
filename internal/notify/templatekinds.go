package notify

import (
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"
)

// kinds says what a piece of a wording can be, as a set: what "or" gives, for one, can be
// any of its operands.
type kinds uint8

const (
	aText kinds = 1 << iota
	aFlag
	aNumber
	// aList can be gone through, and nothing else.
	aList
	// noKind is what has been refused already.
	noKind kinds = 0
)

// kindOf tells the variables apart.
var kindOf = func() map[string]kinds {
	all := map[string]kinds{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[facts]()) {
		all[field.Name] = map[reflect.Kind]kinds{reflect.String: aText, reflect.Bool: aFlag, reflect.Slice: aList}[field.Type.Kind()]
	}
	return all
}()

func (k kinds) String() string {
	var names []string
	for kind, name := range map[kinds]string{aText: "a text", aFlag: "a flag", aNumber: "a number", aList: "a list"} {
		if k&kind != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}

// functions are those that make no text, by how many operands they take: from, and to.
var functions = map[string][2]int{"and": {1, many}, "or": {1, many}, "not": {1, 1}, "eq": {2, many}, "ne": {2, 2}}

// functionNames are in the order in which people are told of them.
var functionNames = []string{"and", "or", "not", "eq", "ne"}

const many = 1 << 20

// given is what a piece of a wording gives.
type given struct {
	kinds kinds
	// from are the variables and texts that it can come from.
	from []value
}

// value is a text of the wording, or that of a variable.
type value struct{ text, variable string }

// call is the use of a function.
type call struct {
	name     string
	at       parse.Pos
	operands []parse.Node
	given    []given
}

// check refuses what text/template would stumble over when a notice is made: operands
// that the function does not take, in a branch that hardly any notice gets to.
func (c call) check(w *walker) given {
	least, most := functions[c.name][0], functions[c.name][1]
	switch number := len(c.given); {
	case number < least && least < most:
		w.refuse(c.at, "uses %s with %d values; it takes %d or more", c.name, number, least)
	case number < least || number > most:
		w.refuse(c.at, "uses %s with %d values; it takes %d", c.name, number, least)
	case c.name == "and" || c.name == "or":
		var either given
		for _, one := range c.given {
			either.kinds |= one.kinds
			either.from = append(either.from, one.from...)
		}
		return either
	case c.name == "eq" || c.name == "ne":
		c.compare(w)
	}
	return given{kinds: aFlag}
}

// compare refuses values of two kinds, of which text/template compares none.
func (c call) compare(w *walker) {
	for i, other := range c.given[1:] {
		both := c.given[0].kinds | other.kinds
		if c.given[0].kinds == noKind || other.kinds == noKind || bits.OnesCount8(uint8(both)) == 1 {
			w.uses.comparison(c.at, c.given[0].from, other.from)
			continue
		}
		at := c.at
		if i+1 < len(c.operands) {
			at = c.operands[i+1].Position()
		}
		w.refuse(at, "compares %s with %s", c.given[0].kinds, other.kinds)
		return
	}
}

// number takes whole numbers, which is what a loop counts with; every other fails
// somewhere.
func (w *walker) number(node *parse.NumberNode) given {
	if !node.IsInt || strings.ContainsAny(node.Text, "xXbBoOeEpP._i") && node.Text[0] != '\'' || int64(int(node.Int64)) != node.Int64 {
		w.refuse(node.Pos, "uses %s, but a wording has only whole numbers", shortSource(node))
	}
	return given{kinds: aNumber}
}

// declare keeps what a pipeline gives for the variables that stand in front of it. A
// variable stays of one kind: which one it is where it is used could depend on the notice.
func (w *walker) declare(pipe *parse.PipeNode, g given, in scope) {
	for _, variable := range pipe.Decl {
		name := variable.Ident[0]
		switch {
		case name == "$":
			w.refuse(variable.Pos, "gives a value to $, which is all variables; name one of your own")
			return
		case !pipe.IsAssign:
			in.variables[name] = &g
			continue
		case in.variables[name] == nil:
			w.refuse(variable.Pos, "gives a value to %s, which there is not; write := the first time", name)
			return
		}
		before := in.variables[name]
		if g.kinds&^before.kinds != 0 && before.kinds != noKind {
			w.refuse(variable.Pos, "gives %s to %s, which is %s", g.kinds, name, before.kinds)
		}
		before.from = append(before.from, g.from...)
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

// Variables are the names that a wording may use, as it writes them.
func Variables() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[facts]()) {
		names = append(names, "."+field.Name)
	}
	return names
}

func lists() []string {
	return slices.DeleteFunc(Variables(), func(name string) bool { return kindOf[name[1:]] != aList })
}

// variableNames names them all for whoever has used one that is none.
func variableNames() string { return strings.Join(Variables(), ", ") }
