package notify

import (
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// locatedUnless is the shortest text, but for the location, which it does not tell where a
// condition holds.
func locatedUnless(condition string) string {
	return strings.Replace(shortest().Text, "{{.Location}}", condition+"nowhere{{else}}{{.Location}}{{end}}", 1)
}

// A fact that some notice goes without is missed, however rare the notice: no sample is
// like these (B8). The refusal says what notice it is.
func TestCheckTemplateTriesEveryBranch(t *testing.T) {
	for condition, in := range map[string]string{
		"{{if and (not .Number) .Position (not .Failed)}}":                  "a notice of a call without .Number",
		"{{if and .Accuracy .Placed (not .Test) (not .AcknowledgeURL)}}":    "a notice of a call without .AcknowledgeURL",
		"{{if and .Position (not .Accuracy) (not .Number)}}":                "a notice of a call without .Accuracy and .Number",
		"{{if and .DeviceAddress .Failed (not .Instead)}}":                  "a notice of a dial that was refused without .Instead",
		"{{if and .Test .Callback}}":                                        "a notice of a callback, a test",
		"{{if and .Test .Escalated .Failed}}":                               "an escalation, a test, of a call that failed",
		"{{if and .Test .Ended}}":                                           "a notice of an end, a test",
		`{{if eq .Agent "Bo"}}`:                                             `the sample "placed" where .Agent is "Bo"`,
		`{{if eq "x" .Dialed "112" "999"}}`:                                 `the sample "placed" where .Dialed is "x"`,
		"{{if eq .Agent .Site}}":                                            "a notice of a call with long values",
		`{{if .Site | eq "Bo"}}`:                                            `the sample "placed" where .Site is "Bo"`,
		`{{$a := .Site}}{{if eq $a "Bo"}}`:                                  `the sample "placed" where .Site is "Bo"`,
		`{{$a := "b"}}{{$a = .Site}}{{if eq (or $a "c") "Bo"}}`:             `the sample "placed" where .Site is "Bo"`,
		`{{$a := .Site}}{{if .Test}}{{$a = "Bo"}}{{end}}{{if eq $a "Bo" }}`: `the sample "test"`,
		`{{if and (eq .Agent "Bo") (eq .Site "Oslo") .Callback}}`:           `the sample "callback" where .Agent is "Bo" where .Site is "Oslo"`,
		`{{if and (eq .Agent "Bo") .Test .Callback}}`:                       `a notice of a callback, a test where .Agent is "Bo"`,
		`{{if eq .What "TEST, not an emergency, is rung back"}}`:            "a notice of a callback, a test",
	} {
		t.Run(condition, func(t *testing.T) {
			source := locatedUnless(condition)
			before, _, _ := strings.Cut(source, "nowhere")
			at := strings.LastIndex(before, "{{if") + 1
			wrong{"", partText, source, 1, at, " in the branch of line 1 that " + in + " takes"}.check(t)
		})
	}
}

// What a part shows without looking at it can be empty, or the same as another thing; and
// what a line of a loop does can depend on those before it.
func TestCheckTemplateTriesWhatIsShown(t *testing.T) {
	later := `{{$a := ""}}{{$first := true}}{{range .Done}}{{if $first}}{{$first = false}}{{else if ne $a "Bo"}}{{$.Location}}{{end}}{{$a = $.Site}}{{end}}` +
		"{{if not .Placed}}{{.Location}}{{end}}"
	checkAll(t, []wrong{
		{"a subject of the number alone", partSubject, "{{if .Failed}}FAILED{{end}}{{if .Test}}TEST{{end}}{{.Number}}", 0, 0, "is empty, in a notice of a call without .DeviceAddress and .Position"},
		{"a test by another name", partSubject, "{{if .Failed}}FAILED{{end}} {{if .Test}}{{.Agent}}{{else}}{{.Address}}{{end}}", 0, 0, "does not tell a test from an emergency (.Test or .What), in a notice of a call, a test with the same value everywhere"},
		{"the second line", partText, strings.Replace(shortest().Text, "{{.Location}}", later, 1), 1, 131, `that the sample "placed" where .Site is "Bo" takes`},
	})
}

// Where a branch is at fault the refusal points to where the notice goes in place of it,
// in whatever line; where a fact is told but not seen, to that place; and else to the end.
func TestWhatIsMissingHasAPlace(t *testing.T) {
	html := func(number string) string { return strings.Replace(shortest().HTML, "{{.Number}}", number, 1) }
	checkAll(t, []wrong{
		{"no branch at all", partHTML, html("") + "\n\n", 1, 115, `lacks the callback number (.Number), in the sample "placed"`},
		{"else", partHTML, html("\n{{if not .Callback}}\n {{.Number}}\n\t{{- else}} none {{end}}"), 4, 2, `in the branch of line 4 that the sample "callback" takes`},
		{"else if", partHTML, html("\n{{if .Callback}}\n{{else if .Ended}}a\n{{else}}{{.Number}}{{end}}"), 2, 1, `in the branch of line 2 that the sample "callback" takes`},
		{"the second of three", partHTML, html("\n{{if .Callback}}{{.Number}}\n{{else if .Ended}}a\n{{else}}{{.Number}}{{end}}"), 3, 1, `in the branch of line 3 that the sample "ended" takes`},
		{"none of three", partHTML, html("\n{{if .Callback}}{{.Number}}\n{{else if not .Ended}}{{.Number}}{{end}}"), 3, 1, `in the branch of line 3 that the sample "ended" takes`},
		{"an empty branch", partHTML, html("{{if .Placed}}{{.Number}}\n{{else}}{{/* none */}}{{end}}"), 2, 1, `in the branch of line 2 that the sample "callback" takes`},
		{"within another", partHTML, html("{{if .Placed}}{{.Number}}{{else}}\n {{if .Callback}}{{else}}{{.Number}}{{end}}\n{{end}}"), 2, 2, `in the branch of line 2 that the sample "callback" takes`},
		{"what was taken before", partHTML, html("{{$n := .Number}}\n{{if not .Callback}}{{$n}}{{end}}"), 2, 1, `in the branch of line 2 that the sample "callback" takes`},
		{"what a with shows", partHTML, html("\n{{with and (not .Callback) .Number}}{{.}}{{end}}"), 2, 1, `in the branch of line 2 that the sample "callback" takes`},
		{"both of a location", partText, locatedUnless("\n{{if .Callback}}"), 2, 1, "lacks the address conveyed (.Address or .Location) and the address that the device reported (.DeviceAddress or .Location) and the position that the device reported (.Position or .Location) in the branch of line 2"},
		{"seen in a branch, linked before", partHTML, html("<a href=\"tel:{{.Number}}\">Ring</a>\n{{if not .Callback}}{{.Number}}{{end}}"), 2, 1, `in the branch of line 2 that the sample "callback" takes`},
		{"not seen where it is", partHTML, html("\n<b title=\"{{.Number}}\">Ring</b>"), 2, 11, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"not seen by its dot", partHTML, html("\n<b title=\"{{with .Number}}{{.}}{{end}}\">Ring</b>"), 2, 11, "where a reader sees it"},
	})
}

// A function takes so many values and of such kinds: what it would stumble over is refused
// whether or not any notice gets there (S18).
func TestCheckTemplateRefusesWrongOperands(t *testing.T) {
	never := func(source string) string { return "+\n{{if false}}" + source + "{{end}}" }
	checkAll(t, []wrong{
		{"not without a value", partText, never("{{not}}"), 2, 15, "uses not with 0 values; it takes 1"},
		{"not with two", partText, never("{{not .Test .Failed}}"), 2, 15, "uses not with 2 values; it takes 1"},
		{"not with one and one", partText, never("{{.Test | not .Failed}}"), 2, 23, "uses not with 2 values; it takes 1"},
		{"and without a value", partText, never("{{if and}}{{end}}"), 2, 18, "uses and with 0 values; it takes 1 or more"},
		{"eq with one", partText, never("{{if eq .Agent}}{{end}}"), 2, 18, "uses eq with 1 values; it takes 2 or more"},
		{"ne with three", partText, never("{{ne .Agent .Site .Dialed}}"), 2, 15, "uses ne with 3 values; it takes 2"},
		{"a text and a flag", partText, never("{{eq .Agent .Test}}"), 2, 25, "compares a text with a flag"},
		{"the third of three", partText, never("{{eq .Agent .Site true}}"), 2, 31, "compares a text with a flag"},
		{"what comes before the bar", partText, never("{{.Test | eq .Agent}}"), 2, 23, "compares a text with a flag"},
		{"a number and a text", partText, never(`{{eq .Accuracy 12}}`), 2, 28, "compares a text with a number"},
		{"what may be either", partText, never(`{{eq (or .Test .Agent) "a"}}`), 2, 36, "compares a flag or a text with a text"},
		{"a comparison and a text", partText, never(`{{eq (not .Test) "a"}}`), 2, 30, "compares a flag with a text"},
		{"by way of a variable", partText, never("{{$a := .Test}}{{eq $a .Agent}}"), 2, 36, "compares a flag with a text"},
		{"a variable of another kind", partText, never("{{$a := .Agent}}{{$a = .Test}}"), 2, 31, "gives a flag to $a, which is a text"},
		{"a line and a number", partText, never("{{range .Done}}{{eq . 1}}{{end}}"), 2, 35, "compares a text with a number"},
		{"the number of a line and a text", partText, never(`{{range $i, $done := .Done}}{{eq $i "a"}}{{end}}`), 2, 49, "compares a number with a text"},
		{"another meaning of all variables", partText, never("{{$ = .Agent}}"), 2, 15, "gives a value to $, which is all variables"},
		{"a variable that there is not", partText, never("{{range $a = .Done}}{{end}}"), 2, 21, "gives a value to $a, which there is not"},
		{"a line where there is none", partText, never("{{range $i, $a := .Done}}{{else}}{{$a}}{{end}}"), 2, 48, "uses $a where it has no value"},
		{"all variables by another name", partText, never("{{$ := .Agent}}{{$}}"), 2, 15, "gives a value to $"},
		{"all variables as a line", partText, never("{{range $ = .Done}}{{end}}"), 2, 21, "gives a value to $"},
		{"a number that is not whole", partText, never("{{eq 1.5 1}}"), 2, 18, "uses 1.5, but a wording has only whole numbers"},
		{"a number that is imaginary", partText, never("{{1i}}"), 2, 15, "only whole numbers"},
		{"a number too large", partText, never("{{99999999999999999999}}"), 2, 13, "cannot be read: integer overflow"},
		{"a list for a while", partText, never("{{if $a := .Done}}{{$a}}{{end}}"), 2, 24, "which is a list"},
	})
}

// What needs a name of its own may have one, and be another text of the same kind.
func TestCheckTemplateAcceptsVariables(t *testing.T) {
	template := shortest()
	template.Text += "\n" + `{{$a := or .Reason "none"}}{{if .Test}}{{$a = .Site}}{{end}}{{$b := not .Test}}{{if $b}}{{$b = eq $a "none"}}{{end}}` +
		`{{range $i, $done := .Done}}{{if ne $i 0}}, {{end}}{{$c := $done}}{{$c}}{{$a = .}}{{end}}{{if eq 'a' 97 -1}}a{{end}}{{$a}}`
	if err := CheckTemplate(template); err != nil {
		t.Error(err)
	}
}

// Variables that nobody has looked for yet can be shown only where every value of them is
// safe: a name that begins like a program must not run as one (S18).
func TestCheckTemplateRefusesUnsafePlaces(t *testing.T) {
	checkAll(t, []wrong{
		{"a link", partHTML, "+\n<a href=\"{{.Agent}}\">a</a>", 2, 1, `has a link to "Agent Ziboruxa"`},
		{"a colour", partHTML, "+\n<p>{{.Site}}</p><p style=\"color:{{.Agent}}\">a</p>", 2, 33, "has a variable where no value of it is safe"},
		{"a link of callbacks in tests", partHTML, "+{{if and .Test .Callback}}\n<a {{.Agent}}=\"a\">a</a>{{end}}", 2, 4, "safe"},
	})
}

// A wording that looks for more values than can be tried is refused, and told where it
// begins to (S18). One that tells its sites apart is not.
func TestCheckTemplateBoundsWhatIsCompared(t *testing.T) {
	var sites, agents strings.Builder
	for name := range strings.FieldsSeq("Aarhus Berlin Cadiz Dover Essen Faro") {
		sites.WriteString(`{{if eq .Site "` + name + `"}}` + name + `{{end}}`)
		agents.WriteString(`{{if eq .Agent "` + name + `"}}` + name + `{{end}}{{if eq .Dialed "` + name + `"}}` + name + `{{end}}`)
	}
	template := shortest()
	template.Text += "\n" + sites.String()
	if err := CheckTemplate(template); err != nil {
		t.Error(err)
	}
	wrong{"", partText, "+\n" + agents.String() + sites.String(), 2, 6, "compares so much that not every notice can be tried with it"}.check(t)
}

// The samples that administrators know are those that the check names first.
func TestTrialsBeginWithSamples(t *testing.T) {
	part, err := compilePart(partText, "{{.What}}")
	if err != nil {
		t.Fatal(err)
	}
	trials, err := part.trials()
	if err != nil {
		t.Fatal(err)
	}
	for i, sample := range Samples() {
		if trials[i].name != `the sample "`+sample.Name+`"` || trials[i].notice.Event != sample.Notice.Event {
			t.Errorf("trial %d is %s", i, trials[i].name)
		}
	}
	seen := map[emergency.NoticeEvent]bool{}
	for _, trial := range trials {
		seen[trial.notice.Event] = true
		if trial.notice.Failed() && trial.notice.Event != emergency.NoticeFailed && trial.notice.Event != emergency.NoticeEscalated {
			t.Errorf("%s: there is no such notice", trial.name)
		}
	}
	if len(seen) != 5 {
		t.Errorf("events %v", seen)
	}
}
