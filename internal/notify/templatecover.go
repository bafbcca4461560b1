package notify

import (
	"cmp"
	"slices"
	"text/template/parse"
)

// usage is what decides about the text of a part. Notices that are alike in it take the
// same branches, so that trying one of each is trying all.
type usage struct {
	// decides are the variables that conditions, loops and functions look at.
	decides map[string]bool
	// compared is what such a variable is compared with.
	compared map[string][]value
	// at is where the first comparison stands.
	at parse.Pos
}

// decidedBy takes in a pipeline on which the text depends.
func (u *usage) decidedBy(pipe *parse.PipeNode) {
	if u.decides == nil {
		u.decides = map[string]bool{}
	}
	for _, command := range pipe.Cmds {
		for _, operand := range command.Args {
			if inner, ok := operand.(*parse.PipeNode); ok {
				u.decidedBy(inner)
			}
			if name := variableName(operand); name != "" {
				u.decides[name] = true
			}
		}
	}
}

// comparison takes in that two things are compared, by where they can come from.
func (u *usage) comparison(at parse.Pos, one, other []value) {
	if u.compared == nil {
		u.compared = map[string][]value{}
	}
	u.at = cmp.Or(u.at, at)
	for _, pair := range [][2][]value{{one, other}, {other, one}} {
		for _, v := range pair[0] {
			if v.variable != "" {
				u.compared[v.variable] = append(u.compared[v.variable], pair[1]...)
			}
		}
	}
}

// candidates are the values to try for each variable, beside one that nobody writes.
func (u *usage) candidates() map[string][]value {
	all := map[string][]value{}
	for name, values := range u.compared {
		if freeText(name, &facts{}) == nil && name != listOfDone {
			continue
		}
		values = slices.DeleteFunc(slices.Clone(values), func(v value) bool { return v == value{} || v.variable == name })
		slices.SortFunc(values, func(a, b value) int { return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.variable, b.variable)) })
		if values = slices.Compact(values); len(values) > 0 {
			all[name] = values
		}
	}
	return all
}

// listOfDone is the variable that loops go through.
const listOfDone = "Done"

// freeText finds the variables whose texts come from the records, and so can be anything;
// the others are made of a few words of the program.
func freeText(name string, f *facts) *string {
	return map[string]*string{
		"Agent": &f.Agent, "Site": &f.Site, "Dialed": &f.Dialed, "Number": &f.Number, "CallID": &f.CallID,
		"Location": &f.Location, "Address": &f.Address, "DeviceAddress": &f.DeviceAddress,
		"Position": &f.Position, "Accuracy": &f.Accuracy, "Geo": &f.Geo, "When": &f.When, "Timestamp": &f.Timestamp,
		"Reason": &f.Reason, "Instead": &f.Instead, "AcknowledgeURL": &f.AcknowledgeURL,
	}[name]
}

// textOf is what a text variable holds; empty for every other.
func textOf(name string, f *facts) string {
	if text := freeText(name, f); text != nil {
		return *text
	}
	if name == "What" {
		return f.What
	}
	return ""
}

// with gives variables other values, if they have any at all, and all that is made of them.
func (t trial) with(given map[string]value) trial {
	before := t.facts
	for name, v := range given {
		if into := freeText(name, &t.facts); into != nil && *into != "" {
			*into = cmp.Or(v.text, textOf(v.variable, &before), *into)
		}
	}
	if _, ok := given["Location"]; !ok {
		t.facts.Location = t.facts.location()
	}
	t.facts.Done = t.facts.done(t.notice)
	if v, ok := given[listOfDone]; ok && v.text != "" {
		t.facts.Done = []string{v.text}
	}
	return t
}
