package notify

import (
	"strconv"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// pool are texts that drawn wordings look for, and that drawn notices have.
var pool = []string{"Bo", "911", "+12025550101", "Emergency call", "1 Example Road", "An agent"}

var (
	someVariable = rapid.SampledFrom(strings.Fields(
		"$.What $.Agent $.Site $.Dialed $.Number $.Location $.Address $.DeviceAddress $.Position $.Accuracy $.Reason $.Instead $.AcknowledgeURL"))
	someFlag = rapid.SampledFrom(strings.Fields("$.Placed $.Callback $.Escalated $.Ended $.Failed $.Test"))
	someText = rapid.Map(rapid.SampledFrom(append([]string{""}, pool...)), strconv.Quote)
)

// drawCondition draws what may stand behind an if.
func drawCondition(t *rapid.T, depth int) string {
	switch kind := rapid.IntRange(0, 9).Draw(t, "condition"); {
	case kind < 3:
		return someFlag.Draw(t, "flag")
	case kind < 5:
		return someVariable.Draw(t, "variable")
	case kind < 7 || depth == 0:
		with := rapid.OneOf(someText, someText, someVariable).Draw(t, "with")
		return rapid.SampledFrom([]string{"eq ", "ne "}).Draw(t, "compare") + someVariable.Draw(t, "variable") + " " + with
	case kind == 7:
		return "eq (or " + someVariable.Draw(t, "one") + " " + someText.Draw(t, "other") + ") " + someText.Draw(t, "text")
	case kind == 8:
		return "not (" + drawCondition(t, 0) + ")"
	default:
		return rapid.SampledFrom([]string{"and", "or"}).Draw(t, "both") + " (" + drawCondition(t, 0) + ") (" + drawCondition(t, 0) + ")"
	}
}

// drawPart draws a way to tell what is owed, or not to: it often depends.
func drawPart(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 9).Draw(t, "piece")
	switch {
	case depth == 0 && kind == 0:
		return "word "
	case depth == 0 || kind < 2:
		return owed
	}
	one, other := drawPart(t, depth-1), drawPart(t, depth-1)
	switch {
	case kind < 6:
		return "{{if " + drawCondition(t, 1) + "}}" + one + "{{else}}" + other + "{{end}}"
	case kind == 6:
		return "{{if " + drawCondition(t, 0) + "}}" + one + "{{else if " + drawCondition(t, 0) + "}}" + other + "{{else}}" + owed + "{{end}}"
	case kind == 7:
		return "{{with " + someVariable.Draw(t, "with") + "}}{{if eq . " + someText.Draw(t, "same") + "}}" + other + "{{else}}" + one + "{{end}}{{else}}" + other + "{{end}}"
	case kind == 8:
		return "{{$a := " + someVariable.Draw(t, "a") + "}}{{if " + drawCondition(t, 0) + "}}{{$a = " + someText.Draw(t, "b") + "}}{{end}}" +
			"{{if eq $a " + someText.Draw(t, "c") + "}}" + one + "{{else}}" + other + "{{end}}"
	default:
		return "{{range $i, $done := $.Done}}{{if eq $i 1}}" + owed + "{{end}}{{$done}} {{end}}" + one
	}
}

// owed is all that a notice owes.
const owed = "{{$.What}} {{$.Number}} {{$.Location}} {{$.Reason}} {{$.AcknowledgeURL}} "

// drawKnown draws a notice with the texts that wordings look for.
func drawKnown(t *rapid.T) emergency.Notice {
	n := drawNotice(t)
	known := func(name string, into *string) {
		if rapid.Bool().Draw(t, name+" is known") {
			*into = rapid.SampledFrom(pool).Draw(t, name)
		}
	}
	known("agent", &n.AgentName)
	known("site", &n.SiteName)
	known("dialed", &n.Dialed)
	known("instead", &n.Instead)
	if n.Conveyed.Site.City = ""; n.Reason != "" {
		known("reason", &n.Reason)
	}
	known("street", &n.Conveyed.Site.Street)
	return n
}

// Whatever wording can be saved: it tells what is owed in every notice that there can be,
// and by itself, whatever it makes of the notice's values (B8, B9, B10, B13). Wordings
// that do not are refused where they can be mended.
func TestWhatIsSavedTellsAllInEveryNotice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, source := partText, drawPart(t, 2)
		if rapid.IntRange(0, 9).Draw(t, "HTML") == 0 {
			name, source = partHTML, "<p>"+source+"</p>"
		}
		p, err := compilePart(name, source)
		if err == nil && name == partHTML {
			err = p.escape()
		}
		if err == nil {
			err = p.check()
		}
		if err != nil {
			checkPlace(t, emergency.Template{Subject: source, HTML: source, Text: source}, err)
			return
		}
		for range 20 {
			n := drawKnown(t)
			f := newFacts(n)
			filled, err := p.fill(f, limits[name].filled)
			if err != nil {
				t.Fatalf("%s\ncannot tell of %+v: %v", source, n, err)
			}
			if missing := p.missing(filled, f); len(missing) > 0 {
				t.Fatalf("%s\nlacks %v of %+v", source, missing, f)
			}
			if mistaken := p.mistaken(filled, n, f); mistaken != "" {
				t.Fatalf("%s\ndoes not tell %s of %+v", source, mistaken, f)
			}
		}
	})
}
