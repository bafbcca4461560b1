package notify

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lifeline/internal/emergency"
)

// trial is a notice that a part is tried with.
type trial struct {
	// name completes the sentence "…, in <name>".
	name   string
	notice emergency.Notice
	facts  facts
	// plain says that none of its values needs escaping, so that faults of HTML can be
	// traced to the wording.
	plain bool
}

// mostTrials bounds how long a check takes, with mostText for long wordings, in bytes: to
// a few seconds.
const (
	mostTrials = 6000
	mostText   = 40 << 20
)

// trials are a notice of each way that there is through a part: of every event, kind and
// outcome, and with and without each thing that may be unknown, where the part looks at
// it; and with each value that it looks for. Where it does not look, there is one notice
// with all and one with nothing. Others are not known to the part, save by what they show:
// for that there are values that need escaping, values that are alike, and long ones. The
// error is an *emergency.TemplateError.
func (p *part) trials() ([]trial, error) {
	all := namedTrials()
	for _, t := range p.shapes() {
		all = append(all, t, t.hostile(), t.long())
		if t.facts.Failed || t.facts.Test { // which must be told apart from others
			all = append(all, t.alike())
		}
	}
	most := min(mostTrials, mostText/max(len(p.source), 1))
	for _, t := range slices.Clone(all) {
		if !t.plain {
			continue
		}
		more, ok := t.combinations(p.uses.candidates(), most-len(all))
		if all = append(all, more...); !ok {
			return nil, p.problem(int(p.uses.at), "compares so much that not every notice can be tried with it; compare fewer values")
		}
	}
	return all, nil
}

// namedTrials are the samples that administrators know, with values that nobody writes.
func namedTrials() []trial {
	var all []trial
	for _, sample := range Samples() {
		n := marked(sample.Notice)
		all = append(all, trial{"the sample " + strconv.Quote(sample.Name), n, newFacts(n), true})
	}
	return all
}

// combinations are a trial with every combination of other values for its variables,
// unless there are too many.
func (t trial) combinations(candidates map[string][]value, most int) ([]trial, bool) {
	all := []map[string]value{{}}
	for _, name := range slices.Sorted(maps.Keys(candidates)) {
		if name != listOfDone && textOf(name, &t.facts) == "" {
			continue
		}
		for _, one := range slices.Clone(all) {
			for _, v := range candidates[name] {
				next := maps.Clone(one)
				next[name] = v
				all = append(all, next)
			}
			if len(all)-1 > most {
				return nil, false
			}
		}
	}
	var trials []trial
	for _, given := range all[1:] {
		named := t.with(given)
		for _, name := range slices.Sorted(maps.Keys(given)) {
			named.name += fmt.Sprintf(" where .%s is %s", name, given[name])
		}
		trials = append(trials, named)
	}
	return trials, true
}

func (v value) String() string {
	if v.variable != "" {
		return "." + v.variable
	}
	return strconv.Quote(v.text)
}

// feature is what may be unknown of a call.
type feature struct {
	// name is the variable that is empty without it; others are, too.
	name   string
	others []string
	// known tells whether it is, and forget makes it unknown.
	known  func(emergency.Notice) bool
	forget func(*emergency.Notice)
}

var features = []feature{
	{
		"DeviceAddress", nil,
		func(n emergency.Notice) bool { return n.Conveyed.Device.Address != nil },
		func(n *emergency.Notice) { n.Conveyed.Device.Address = nil },
	},
	{
		"Position",
		[]string{"Geo"},
		func(n emergency.Notice) bool { return n.Conveyed.Device.Latitude != nil },
		func(n *emergency.Notice) { n.Conveyed.Device.Latitude, n.Conveyed.Device.Longitude = nil, nil },
	},
	{
		"Accuracy", nil,
		func(n emergency.Notice) bool {
			return n.Conveyed.Device.Latitude != nil && n.Conveyed.Device.Accuracy != nil
		},
		func(n *emergency.Notice) { n.Conveyed.Device.Accuracy = nil },
	},
	{
		"Number", nil,
		func(n emergency.Notice) bool { return n.Number != "" && !n.Failed() },
		func(n *emergency.Notice) { n.Number = "" },
	},
	{
		"Instead", nil,
		func(n emergency.Notice) bool { return n.Instead != "" && n.Failed() },
		func(n *emergency.Notice) { n.Instead = "" },
	},
	{
		"AcknowledgeURL", nil,
		func(n emergency.Notice) bool { return n.AcknowledgeURL != "" },
		func(n *emergency.Notice) { n.AcknowledgeURL = "" },
	},
}

// shapes are the notices that differ in what the part can tell of itself.
func (p *part) shapes() []trial {
	var all []trial
	for _, n := range everyOutcome() {
		rich, poor := []emergency.Notice{n}, []emergency.Notice{n}
		for _, f := range features {
			looked := slices.ContainsFunc(append(f.others, f.name), func(name string) bool { return p.uses.decides[name] })
			rich = f.vary(rich, looked, true)
			poor = f.vary(poor, looked, false)
		}
		for _, n := range slices.Concat(rich, poor) {
			t := trial{nameOf(n), n, newFacts(n), true}
			if !slices.ContainsFunc(all, func(other trial) bool { return other.name == t.name }) {
				all = append(all, t)
			}
		}
	}
	return all
}

// vary gives each notice with and without the feature where that is looked at, and else
// with it or without it.
func (f feature) vary(all []emergency.Notice, looked, known bool) []emergency.Notice {
	var varied []emergency.Notice
	for _, n := range all {
		if !f.known(n) {
			varied = append(varied, n)
			continue
		}
		without := n
		device := *n.Conveyed.Device
		without.Conveyed.Device = &device
		f.forget(&without)
		if looked || known {
			varied = append(varied, n)
		}
		if looked || !known {
			varied = append(varied, without)
		}
	}
	return varied
}

// everyOutcome are notices of every event and kind, of calls that got through and that did
// not. A call that did not is told of once, and then escalated.
func everyOutcome() []emergency.Notice {
	var all []emergency.Notice
	for _, kind := range []emergency.Kind{emergency.KindEmergency, emergency.KindTest} {
		call := marked(sampleCall())
		call.Kind = kind
		all = append(all,
			as(call, emergency.NoticePlaced), as(call, emergency.NoticeCallback), as(call, emergency.NoticeEscalated), as(call, emergency.NoticeEnded),
			marked(failed(call, emergency.NoticeFailed)), marked(failed(call, emergency.NoticeEscalated)),
		)
	}
	return all
}

// nameOf tells a notice apart by its event, its kind, its outcome and what it lacks.
func nameOf(n emergency.Notice) string {
	name := map[emergency.NoticeEvent]string{
		emergency.NoticePlaced: "a notice of a call", emergency.NoticeFailed: "a notice of a dial that was refused",
		emergency.NoticeCallback: "a notice of a callback", emergency.NoticeEscalated: "an escalation", emergency.NoticeEnded: "a notice of an end",
	}[n.Event]
	if n.Kind == emergency.KindTest {
		name += ", a test"
	}
	if n.Failed() && n.Event != emergency.NoticeFailed {
		name += ", of a call that failed"
	}
	var lacking []string
	for _, f := range features {
		if !f.known(n) && (f.name != "Number" || !n.Failed()) && (f.name != "Instead" || n.Failed()) {
			lacking = append(lacking, "."+f.name)
		}
	}
	if len(lacking) > 0 {
		name += " without " + strings.Join(lacking, " and ")
	}
	return name
}

// hostile has values that must not become anything but text.
func (t trial) hostile() trial {
	return t.everywhere("with values that look like HTML", func(name string) string {
		return `javascript:a("'><!--<b>&amp;{};` + name
	})
}

// alike has one value everywhere.
func (t trial) alike() trial {
	return t.everywhere("with the same value everywhere", func(string) string { return "Ziboruxa" })
}

// long has the longest values that the records can hold.
func (t trial) long() trial {
	return t.everywhere("with long values", func(name string) string {
		if strings.HasSuffix(name, "Address") {
			return strings.Repeat("𝄞", longestAddress)
		}
		return strings.Repeat("𝄞", longestName)
	})
}

// longestAddress is about what the parts of an address come to, with commas between them.
const longestAddress = 640

// everywhere changes the values that people and devices give.
func (t trial) everywhere(name string, text func(string) string) trial {
	given := map[string]value{}
	for _, of := range []string{"Agent", "Site", "Dialed", "Number", "Address", "DeviceAddress", "Reason", "Instead"} {
		given[of] = value{text: text(of)}
	}
	t = t.with(given)
	t.name, t.plain = t.name+" "+name, false
	return t
}
