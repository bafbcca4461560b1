package notify

import (
	"fmt"
	"io"
	"slices"
	"strings"
	text "text/template"
	"text/template/parse"
	"unicode"
)

// belongs finds where a fact would have to stand that a notice lacks: in the branch that
// the notice takes, if another one has it; or at the end of the part, if nothing has.
// Where it stands and nobody sees it, it is that place. The words behind say so.
func (p *part) belongs(missing fact, t trial) (place int, words string) {
	s := search{part: p, of: missing.variables, taken: p.taken(t.facts)}
	s.named(p.root)
	s.list(p.root)
	switch {
	case s.branch != whole:
		line := 1 + strings.Count(p.source[:s.branch], "\n")
		return s.branch, fmt.Sprintf(" in the branch of line %d that %s takes", line, t.name)
	case s.unseen != whole:
		return s.unseen, " where a reader sees it, in " + t.name
	default:
		return whole, ", in " + t.name
	}
}

// end is behind all that a part says.
func (p *part) end() int { return len(strings.TrimRightFunc(p.source, unicode.IsSpace)) }

// search looks for where a part shows some variables.
type search struct {
	part *part
	// of are the variables, and what the wording has named after them.
	of []string
	// taken are the lists of nodes that the notice gets to.
	taken map[*parse.ListNode]bool
	// branch is where the first branch begins that the notice takes in place of one that
	// shows a variable; unseen is where one is shown. They are whole while there is none.
	branch, unseen int
}

// named adds what the wording itself has named after the variables.
func (s *search) named(root *parse.ListNode) {
	s.branch, s.unseen = whole, whole
	for before := 0; before != len(s.of); {
		before = len(s.of)
		each(root, func(_ parse.Node, pipe *parse.PipeNode) {
			if pipe == nil || !s.mentions(pipe) {
				return
			}
			for _, variable := range pipe.Decl {
				if !slices.Contains(s.of, variable.Ident[0]) {
					s.of = append(s.of, variable.Ident[0])
				}
			}
		})
	}
}

// mentions tells whether a pipeline has one of the variables.
func (s *search) mentions(pipe *parse.PipeNode) bool {
	return slices.ContainsFunc(pipe.Cmds, func(command *parse.CommandNode) bool {
		return slices.ContainsFunc(command.Args, func(operand parse.Node) bool {
			switch node := operand.(type) {
			case *parse.PipeNode:
				return s.mentions(node)
			case *parse.VariableNode:
				return slices.Contains(s.of, node.Ident[0]) || slices.Contains(s.of, variableName(node))
			default:
				return slices.Contains(s.of, variableName(node))
			}
		})
	})
}

// shows tells whether a list shows one of the variables to anybody. What "with" has taken
// is shown by its dot.
func (s *search) shows(list *parse.ListNode) bool {
	found := false
	each(list, func(node parse.Node, pipe *parse.PipeNode) {
		_, action := node.(*parse.ActionNode)
		_, with := node.(*parse.WithNode)
		found = found || (action && len(pipe.Decl) == 0 || with) && s.mentions(pipe)
	})
	return found
}

// list follows the notice through a list that it gets to.
func (s *search) list(list *parse.ListNode) {
	for _, node := range list.Nodes {
		if action, ok := node.(*parse.ActionNode); ok && len(action.Pipe.Decl) == 0 && s.mentions(action.Pipe) {
			s.see(action.Pos)
		}
		if branch, _ := branchOf(node); branch != nil && s.branch == whole {
			s.follow(branch)
		}
	}
}

// see notes where a variable is shown.
func (s *search) see(at parse.Pos) {
	if s.unseen == whole {
		s.unseen = s.part.actionAt(int(at)).start
	}
}

// follow goes into the branch that the notice takes if a variable is shown in it, and
// notes it if one is shown in the other alone. What "with" has taken is shown by the dot.
func (s *search) follow(branch *parse.BranchNode) {
	byDot := branch.NodeType == parse.NodeWith && s.mentions(branch.Pipe)
	first := byDot || s.shows(branch.List)
	second := branch.ElseList != nil && s.shows(branch.ElseList)
	switch {
	case s.taken[branch.List] && first:
		if byDot {
			s.see(branch.Pos)
		}
		s.list(branch.List)
	case second && s.taken[branch.ElseList]:
		s.list(branch.ElseList)
	case s.taken[branch.List] && second:
		s.branch = s.part.actionAt(int(branch.Pos)).start
	case first:
		s.branch = s.part.instead(branch)
	}
}

// instead is where the branch begins that is taken in place of the first: at its {{else}},
// or where the whole begins if it has none.
func (p *part) instead(branch *parse.BranchNode) int {
	at := branch.Pos
	if branch.ElseList != nil {
		at = branch.ElseList.Pos
	}
	found := p.actionAt(int(branch.Pos)).start
	for _, a := range actions(p.source) {
		if a.start <= int(at) && a.start > found && a.keyword == "else" {
			found = a.start
		}
	}
	return found
}

// actionAt is the action that an offset of the source lies in.
func (p *part) actionAt(offset int) action {
	var found action
	for _, a := range actions(p.source) {
		if a.start <= offset {
			found = a
		}
	}
	return found
}

// branchOf is a node that text depends on, and the lists that it has.
func branchOf(node parse.Node) (*parse.BranchNode, []*parse.ListNode) {
	var branch *parse.BranchNode
	switch node := node.(type) {
	case *parse.IfNode:
		branch = &node.BranchNode
	case *parse.WithNode:
		branch = &node.BranchNode
	case *parse.RangeNode:
		branch = &node.BranchNode
	default:
		return nil, nil
	}
	if branch.ElseList == nil {
		return branch, []*parse.ListNode{branch.List}
	}
	return branch, []*parse.ListNode{branch.List, branch.ElseList}
}

// each goes through all nodes below a list, with the pipelines that they have.
func each(list *parse.ListNode, visit func(parse.Node, *parse.PipeNode)) {
	for _, node := range list.Nodes {
		branch, lists := branchOf(node)
		switch action, ok := node.(*parse.ActionNode); {
		case ok:
			visit(node, action.Pipe)
		case branch != nil:
			visit(node, branch.Pipe)
		default:
			visit(node, nil)
		}
		for _, inner := range lists {
			each(inner, visit)
		}
	}
}

// taken are the lists that a notice gets to. A copy of the template tells of each.
func (p *part) taken(f facts) map[*parse.ListNode]bool {
	var lists []*parse.ListNode
	gather := func(root *parse.ListNode) (all []*parse.ListNode) {
		each(root, func(node parse.Node, _ *parse.PipeNode) {
			_, inner := branchOf(node)
			all = append(all, inner...)
		})
		return all
	}
	lists = gather(p.root)
	tree := p.template.Copy()
	for i, list := range gather(tree.Root) {
		list.Nodes = slices.Insert(list.Nodes, 0, p.telling(i))
	}
	found := map[*parse.ListNode]bool{p.root: true}
	traced := text.New(p.name).Funcs(text.FuncMap{"reached": func(i int) string {
		found[lists[i]] = true
		return ""
	}})
	if traced, err := traced.AddParseTree(p.name, tree); err == nil {
		_ = traced.Execute(io.Discard, f) // it has been executed before, as far as it goes
	}
	return found
}

// telling is an action that says that it has been reached.
func (p *part) telling(i int) parse.Node {
	tree, _, err := parseTree(p.name, fmt.Sprintf("{{reached %d}}", i))
	if err != nil {
		panic(err) // it is always the same
	}
	return tree.Root.Nodes[0]
}
