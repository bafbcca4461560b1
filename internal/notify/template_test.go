package notify

import (
	"errors"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// shortest is the shortest wording that tells what a notice owes.
func shortest() emergency.Template {
	const all = "{{.What}}: {{.Agent}} dialed {{.Dialed}}. {{.Number}} {{.Location}} {{.Reason}} "
	return emergency.Template{
		Version: 7,
		Subject: "{{.What}}: {{.Agent}}",
		HTML:    "<p>" + all + `<a href="{{.AcknowledgeURL}}">Seen</a></p>`,
		Text:    all + "{{.AcknowledgeURL}}",
	}
}

// ownWords says everything itself, in another language, and leaves the words of the
// program out.
func ownWords() emergency.Template {
	const head = `{{if .Test}}TEST, ingen nødsituation: {{end}}{{if .Failed}}Nødopkald MISLYKKET{{else if .Callback}}112 ringer tilbage{{else}}Nødopkald{{end}}`
	const text = head + `
{{.Agent}} ringede {{.Dialed}} fra {{.Site}}.
Nummer: {{with .Number}}{{.}}{{else}}intet{{end}}
Sted: {{.Address}}
{{- if .DeviceAddress}}, {{.DeviceAddress}}{{end}}
{{- with $p := .Position}}, {{$p}}{{with $.Accuracy}} ({{.}} m){{end}}{{end}}
{{range $i, $done := .Done}}{{if eq $i 0}}Gjort: {{end}}{{$done}} {{else}}Intet gjort.{{end}}
{{if and .Failed (not .Test)}}Hvorfor: {{end}}{{.Reason | or ""}}
{{if ne .AcknowledgeURL ""}}Set: {{.AcknowledgeURL}}{{end}}{{/* ikke andet */}}`
	return emergency.Template{
		Version: 8,
		Subject: head + " {{- /* på én linje */ -}} ",
		Text:    text,
		HTML: `<!doctype html><html><head><title>{{.Site}}</title><style>p { color: #b00020 }</style></head><body class="{{if .Test}}test{{end}}">
<!-- en <b> i en kommentar --><p>1 &lt; 2, <br><span title="&lt;"></span>` + text + `</P></body></html>`,
	}
}

// The wording that comes with the program keeps the rules for every other, and so do
// wordings that say as little as they can, or all by themselves (S18).
func TestCheckTemplateAccepts(t *testing.T) {
	for name, template := range map[string]emergency.Template{
		"the default": DefaultTemplate(), "a short one": shortest(), "one in other words": ownWords(),
	} {
		if err := CheckTemplate(template); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// wrong is a wording that cannot be saved, and where its fault is: in the line and
// column of the part, or at its end where these are zero.
type wrong struct {
	name string
	// part is what replaces that part of the shortest wording, unless it begins with a
	// plus: then it comes behind.
	part, source string
	line, column int
	problem      string
}

func (r wrong) check(t *testing.T) {
	t.Helper()
	template := shortest()
	into := map[string]*string{partSubject: &template.Subject, partHTML: &template.HTML, partText: &template.Text}[r.part]
	if behind, ok := strings.CutPrefix(r.source, "+"); ok {
		if r.line == 1 {
			r.column += len(*into)
		}
		*into += behind
	} else {
		*into = r.source
	}
	err := CheckTemplate(template)
	refused, ok := errors.AsType[*emergency.TemplateError](err)
	if !ok {
		t.Fatalf("CheckTemplate gives %v", err)
	}
	if !strings.Contains(refused.Problem, r.problem) {
		t.Errorf("the problem is %q, want %q", refused.Problem, r.problem)
	}
	refused.Problem = ""
	if r.line == 0 {
		lines := strings.Split(strings.TrimRight(*into, " \n"), "\n")
		r.line, r.column = len(lines), len(lines[len(lines)-1])+1
	}
	if diff := cmp.Diff(&emergency.TemplateError{Part: r.part, Line: r.line, Column: r.column}, refused); diff != "" {
		t.Errorf("%s", diff)
	}
}

func checkAll(t *testing.T, all []wrong) {
	t.Helper()
	for _, r := range all {
		t.Run(r.name, r.check)
	}
}

// What cannot be read is refused where reading stops (S18).
func TestCheckTemplateRefusesSyntax(t *testing.T) {
	checkAll(t, []wrong{
		{"nothing between braces", partText, "+{{}}", 1, 1, "cannot be read: missing value for command"},
		{"a brace too few", partText, "+a{{.Agent}", 1, 2, "cannot be read"},
		{"no end at all", partText, "+{{.Agent", 1, 1, "cannot be read: unclosed action"},
		{"the second line", partText, "+\næ {{.Agent}} {{.}.}}", 2, 14, "cannot be read"},
		{"a string without end", partText, "+{{\"a}}", 1, 1, "unterminated quoted string"},
		{"a comment without end", partText, "+{{/* a }}", 1, 1, "unclosed comment"},
		{"an open parenthesis", partText, "+{{(.Agent}}", 1, 1, "unclosed left paren"},
		{"an if without its end", partText, "+\n{{if .Test}}a{{else}}{{if .Failed}}b{{end}}", 2, 1, "has an {{if}} without its {{end}}"},
		{"the inner one of two", partText, "+\n {{- if .Test}}\n\t{{- with .Agent}}", 3, 2, "has an {{with}} without its {{end}}"},
		{"an end too many", partText, "+{{if .Test}}a{{end}}\n{{end}}", 2, 1, "unexpected {{end}}"},
		{"an else too many", partText, "+{{if .Test}}a{{else}}b{{else}}c{{end}}", 1, 23, "cannot be read"},
		{"an unknown word", partText, "+{{$nobody}}", 1, 1, `undefined variable "$nobody"`},
		{"braces in a string are none", partText, "+{{\"}}\"}} {{`}}`}} {{'}'}} {{.Agent", 1, 27, "unclosed action"},
		{"a break without a loop", partText, "+ab{{break}}", 1, 3, "{{break}} outside {{range}}"},
		{"a null character", partText, "+a\x00", 1, 2, "has a character that no text has"},
		{"what is not UTF-8", partText, "+\næ\xff", 2, 2, "has a character that no text has"},
		{"the HTML", partHTML, "+\n{{if}}", 2, 1, "missing value for if"},
		{"the subject", partSubject, "{{.What}} {{end}}", 1, 11, "unexpected {{end}}"},
	})
}

// What names no variable is refused where it stands, whether or not a sample gets there,
// and the names are told (S18).
func TestCheckTemplateRefusesUnknownVariables(t *testing.T) {
	checkAll(t, []wrong{
		{"a misspelling", partText, "+{{.Agnet}}", 1, 3, "uses .Agnet, which is no variable; there are .What, .Placed,"},
		{"in a branch that is never taken", partText, "+{{if false}}\n{{.agent}}{{end}}", 2, 3, ".agent"},
		{"from within a value", partText, "+{{with .Agent}}{{$.Agnet}}{{end}}", 1, 19, ".Agnet"},
		{"a field of a value", partText, "+{{with .Agent}}{{.Site}}{{end}}", 1, 18, "write $.Site"},
		{"a field of a line", partText, "+{{range .Done}}{{.Site}}{{end}}", 1, 18, "write $.Site"},
		{"a part of a value", partText, "+{{.Agent.Name}}", 1, 9, "a value has no parts"},
		{"a part of a variable", partText, "+{{$a := .Agent}}{{$a.Name}}", 1, 21, "a value has no parts"},
		{"a part of what is in parentheses", partText, "+{{(.Agent).Name}}", 1, 11, "uses (.Agent).Name, which a wording cannot"},
		{"all at once", partText, "+{{.}}", 1, 3, "shows all variables at once"},
		{"all at once, by another name", partText, "+{{with .Agent}}{{$}}{{end}}", 1, 18, "shows all variables at once"},
		{"a list", partText, "+{{.Done}}", 1, 3, "which is a list: write {{range .Done}}"},
		{"a list within a value", partText, "+{{with .Agent}}{{$.Done}}{{end}}", 1, 19, "which is a list"},
		{"a list to be kept", partText, "+{{with .Done}}{{.}}{{end}}", 1, 8, "which is a list"},
		{"a text called", partText, "+{{.Agent 1}}", 1, 3, "as if it were a function"},
		{"a text behind a bar", partText, "+{{.Agent | .Site}}", 1, 12, "as if it were a function"},
		{"in the HTML", partHTML, "<p>\n\t<b>{{.Agnet}}</b></p>", 2, 7, ".Agnet"},
		{"in the subject", partSubject, "{{.What}} {{.Agnet}}", 1, 13, ".Agnet"},
		{"in what is compared", partText, "+{{if eq .Agent (or .Agnet 1)}}{{end}}", 1, 20, ".Agnet"},
		{"values of two kinds", partText, "+{{eq .Test .Agent}}", 1, 12, "compares a flag with a text"},
		{"values of two kinds in the second line", partText, "+\n{{if true}}æ{{if eq .Test 1}}{{end}}{{end}}", 2, 27, "compares a flag with a number"},
	})
}

// Nothing in a wording can run for ever or fill the memory (S18). Each of these would,
// or could be made to.
func TestCheckTemplateRefusesBombs(t *testing.T) {
	checkAll(t, []wrong{
		{"a loop over a number", partText, "+{{range 1000000000}}{{end}}", 1, 9, "loops over something else than a list; the lists are $.Done"},
		{"a loop over a number that is printed", partText, "+{{range 1000000000}}x{{end}}", 1, 9, "loops over"},
		{"a loop over a text", partText, "+{{range .Agent}}x{{end}}", 1, 9, "loops over"},
		{"a loop over a variable", partText, "+{{$n := 1000000000}}{{range $n}}x{{end}}", 1, 29, "loops over"},
		{"a loop over what is chosen", partText, "+{{range or .Done 1}}x{{end}}", 1, 9, "loops over"},
		{"a loop over the dot", partText, "+{{with 1000000000}}{{range .}}x{{end}}{{end}}", 1, 28, "loops over"},
		{"loops in loops", partText, "+" + strings.Repeat("{{range $.Done}}", 25) + strings.Repeat("{{end}}", 25), 1, 25, "has a loop in a loop"},
		{"a loop in a condition in a loop", partText, "+{{range .Done}}{{if .}}{{range $.Done}}{{end}}{{end}}{{end}}", 1, 32, "has a loop in a loop"},
		{"a loop in a value in a loop", partText, "+{{range .Done}}{{with .}}{{range $.Done}}{{end}}{{end}}{{end}}", 1, 34, "has a loop in a loop"},
		{"a loop over a list that a value does not have", partText, "+{{if false}}{{with .Agent}}{{range .Done}}{{end}}{{end}}{{end}}", 1, 36, "the lists are $.Done"},
		{"a loop over a list that a variable does not have", partText, "+{{$a := .Agent}}{{if false}}{{range $a.Done}}{{end}}{{end}}", 1, 37, "the lists are $.Done"},
		{"a loop where a loop has nothing", partText, "+{{range .Done}}{{else}}{{range 9}}{{end}}{{end}}", 1, 32, "loops over"},
		{"a template that calls itself", partText, "+{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}", 1, 1, "defines another template"},
		{"templates that double", partText, "+\n{{define \"a\"}}x{{end}}{{define \"b\"}}{{template \"a\"}}{{template \"a\"}}{{end}}", 2, 1, "defines another template"},
		{"a template that takes the place of the wording", partText, `{{define "text"}}{{range 1000000000}}{{end}}{{end}}`, 1, 1, "defines another template"},
		{"a block", partText, "+{{block \"a\" .}}{{end}}", 1, 1, "defines another template"},
		{"a template that is not there", partText, "+{{template \"a\"}}", 1, 12, "which a wording cannot"},
		{"the wording in itself", partText, "+{{template \"text\" .}}", 1, 12, "which a wording cannot"},
		{"a wide number", partText, "+{{printf \"%1000000000d\" 1}}", 1, 3, "uses printf; a wording has only the functions and, or, not, eq, ne"},
		{"a function behind a bar", partText, "+{{1 | printf \"%1000000000d\"}}", 1, 7, "uses printf"},
		{"a function in parentheses", partText, "+{{or (print .Agent) 1}}", 1, 7, "uses print"},
		{"a function as a value", partText, "+{{or print 1}}", 1, 6, "uses print, which a wording cannot"},
		{"a text that doubles", partText, "+{{$a := .Agent}}" + strings.Repeat("{{$a = print $a $a}}", 40), 1, 24, "uses print"},
		{"quotes that double", partText, "+{{js `\\` | js | js | js}}", 1, 3, "uses js"},
		{"a function that is none", partText, "+{{shout .Agent}}", 1, 3, "uses shout"},
		{"conditions without end", partText, "+" + strings.Repeat("{{if .Test}}", 1000) + strings.Repeat("{{end}}", 1000), 1, 373, "more than 30 conditions in each other"},
		{"a long subject", partSubject, strings.Repeat("a", 4097), 1, 4097, "is longer than 4096 bytes"},
		{"a long text", partText, strings.Repeat("\n", 64<<10) + "ab", 64<<10 + 1, 1, "is longer than 65536 bytes"},
		{"a long HTML", partHTML, strings.Repeat("a", 1<<20), 1, 65537, "is longer than 65536 bytes"},
		{"a text that becomes long", partText, "+\n" + strings.Repeat("x{{.Location}}", 4000), 2, 9186, "is longer than 100000 bytes, in the sample"},
		{"an HTML that becomes long", partHTML, "<p>" + strings.Repeat("{{.Location}}", 4000) + "</p>", 1, 4, "is longer than 100000 bytes"},
		{"characters that html/template takes long for", partHTML, strings.Repeat("<", 60_000), 1, 1, "has a < that begins no tag"},
		{"an HTML that becomes long by escaping", partHTML, strings.Repeat("{{`<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<`}}", 1200), 0, 0, "is longer than 100000 bytes"},
		{"a subject that becomes long", partSubject, strings.Repeat("{{.Location}}", 60), 0, 0, "is longer than 4000 bytes"},
	})
}

// A subject is one line, and there is one (S18).
func TestCheckTemplateRefusesSubjects(t *testing.T) {
	checkAll(t, []wrong{
		{"none", partSubject, "", 0, 0, "is empty"},
		{"spaces", partSubject, " \n{{with .Reason}}{{.}}{{end}} ", 0, 0, "is empty"},
		{"none of some calls", partSubject, "{{if not .Ended}}{{.What}}{{end}}", 0, 0, "is empty"},
		{"a second line", partSubject, "  {{.What}}æ\nBcc: all@example.org", 1, 13, "must be one line"},
		{"a carriage return", partSubject, "{{.What}}{{if .Ended}}\r{{.Agent}}{{end}}", 1, 23, "must be one line"},
		{"a line in quotes", partSubject, "{{.What}}{{\"\\nBcc: all@example.org\"}}", 0, 0, "must be one line"},
	})
}

// HTML that mail programs would have to guess at is refused, at the tag that is wrong
// (S18).
func TestCheckTemplateRefusesBrokenHTML(t *testing.T) {
	checkAll(t, []wrong{
		{"a tag without its end", partHTML, "+\n<p>a<br>", 2, 1, "has a <p> without its </p>"},
		{"the inner one of two", partHTML, "+<p>\n a<b>", 2, 3, "has a <b> without its </b>"},
		{"an end without its tag", partHTML, "+\n a</p>", 2, 3, "has a </p> that nothing opened"},
		{"ends that cross", partHTML, "+<b><i>a</b></i>", 1, 8, "has a </b> where </i> must come first"},
		{"an end that nothing needs", partHTML, "+<br></br>", 1, 5, "a <br> has no end"},
		{"a tag that closes nothing", partHTML, "+<div/>", 1, 1, "write <div></div>"},
		{"only for some calls", partHTML, "+{{if .Ended}}<b>{{end}}a", 1, 14, "has a <b> without its </b>"},
		{"an end only for some calls", partHTML, "+<b>a{{if not .Failed}}</b>{{end}}", 1, 1, "has a <b> without its </b>"},
		{"behind what variables show", partHTML, "+{{.Agent}} {{.Site}}</p>", 1, 21, "has a </p> that nothing opened"},
		{"a tag that does not end", partHTML, "+\n<p ", 2, 1, "has a tag without its end"},
		{"a quotation mark that does not close", partHTML, "+\næ<a href=\"x>a</a>", 2, 2, "has a tag without its end"},
		{"a quotation mark that another closes", partHTML, "+<a href=\"x>a</a><b class=\"y\">b</b>", 1, 1, "has a tag with another < in it"},
		{"a quotation mark too many", partHTML, "+<p title=\"a\"b\">a</p>", 1, 1, "a quotation mark in the name of an attribute"},
		{"a comment that does not end", partHTML, "+<!-- a", 1, 1, "has a comment without its end"},
		{"a tag that is none", partHTML, "+</ p>", 1, 1, "has a < that begins no tag; write &lt; for the character"},
		{"a character that is no tag", partHTML, "+a\n{{if false}}1 < 2{{end}}", 2, 15, "has a < that begins no tag"},
		{"a remark that is no comment", partHTML, "+<!a>", 1, 1, "has a < that begins no tag"},
		{"a variable for a tag", partHTML, "+<{{.Agent}}>a</{{.Agent}}>", 1, 1, "has a < that begins no tag"},
		{"a program", partHTML, "+<script>a</script>", 1, 1, "has a <script>, which no mail program shows"},
		{"a program for an event", partHTML, "+<p onclick=\"a()\">a</p>", 1, 1, "which no mail program runs"},
		{"a page in the page", partHTML, "+<iframe></iframe>", 1, 1, "has a <iframe>"},
		{"a variable for an attribute", partHTML, "+<p {{.Agent}}=\"a\">a</p>", 1, 4, "has a variable where no value of it is safe"},
		{"a branch that ends elsewhere", partHTML, "+<p title={{if .Test}}\"a\"{{else}}b{{end}}>a</p>", 1, 15, "not safe to fill in"},
		{"a part of an unquoted value", partHTML, "+<p title=a'b>a</p>", 0, 0, "not safe to fill in"},
	})
}

// Each of the facts that a notice owes has to be there for the reader to see, in the
// text and in the HTML (B8, B9). The refusal names what is missing.
func TestCheckTemplateRefusesMissingFacts(t *testing.T) {
	without := func(variable, instead string) string {
		return strings.Replace(shortest().Text, "{{."+variable+"}}", instead, 1)
	}
	html := func(variable, instead string) string {
		return strings.Replace(shortest().HTML, "{{."+variable+"}}", instead, 1)
	}
	checkAll(t, []wrong{
		{"the number in the text", partText, without("Number", ""), 0, 0, `lacks the callback number (.Number), in the sample "placed"`},
		{"the number in the HTML", partHTML, html("Number", ""), 0, 0, `lacks the callback number (.Number), in the sample "placed"`},
		{"the location", partText, without("Location", ""), 0, 0, "lacks the address conveyed (.Address or .Location) and the address that the device reported (.DeviceAddress or .Location) and the position"},
		{"the location of the device", partText, without("Location", "{{.Address}} {{.Position}}"), 0, 0, "lacks the address that the device reported"},
		{"the position", partHTML, html("Location", "{{.Address}} {{.DeviceAddress}}"), 0, 0, "lacks the position that the device reported"},
		{"the address of the site", partHTML, html("Location", "{{.Position}} {{.DeviceAddress}}"), 0, 0, "lacks the address conveyed"},
		{"the call", partText, strings.Replace(without("Dialed", "911"), "{{.What}}", "{{if .Test}}TEST{{end}}{{if .Failed}}FAILED{{end}}", 1), 0, 0, "lacks that an emergency call was made (.Dialed or .What)"},
		{"everything", partText, "Help!", 0, 0, "lacks that an emergency call was made (.Dialed or .What) and the address conveyed"},
		{"nothing at all", partHTML, "", 0, 0, "lacks that an emergency call was made"},
		// A sample value is no fact: it has to come from the variable.
		{"a number typed in", partText, without("Number", "+12025550147"), 0, 0, "lacks the callback number"},
		{"a place typed in", partText, without("Location", "1 Example Street, Floor 4, Washington, DC 20001, US {{.DeviceAddress}} {{.Position}}"), 0, 0, "lacks the address conveyed"},
		// What has more at its ends is something else.
		{"a number with a digit before it", partHTML, html("Number", "9{{.Number}}"), 1, 47, "lacks the callback number (.Number) where a reader sees it"},
		{"a number with digits behind it", partText, without("Number", "{{.Number}}99"), 1, 43, "lacks the callback number (.Number) where a reader sees it"},
		{"a number twice in a row", partText, without("Number", "{{.Number}}{{.Number}}"), 1, 43, "lacks the callback number (.Number) where a reader sees it"},
		{"a link with more behind it", partText, without("AcknowledgeURL", "{{.AcknowledgeURL}}x"), 1, 81, "lacks the link by which people acknowledge (.AcknowledgeURL) where a reader sees it"},
		{"a number that is read backwards", partText, without("Number", "\u202e{{.Number}}\u202c"), 1, 44, "lacks the callback number (.Number) where a reader sees it"},
		// Some calls are not all calls.
		{"the number of some calls", partText, without("Number", "{{if not .Ended}}{{.Number}}{{end}}"), 1, 43, `lacks the callback number (.Number) in the branch of line 1 that the sample "ended" takes`},
		{"the number of callbacks", partHTML, html("Number", "{{if not .Callback}}{{.Number}}{{end}}"), 1, 46, `in the branch of line 1 that the sample "callback" takes`},
		{"the number of escalations", partHTML, html("Number", "{{if not .Escalated}}{{.Number}}{{end}}"), 1, 46, `in the branch of line 1 that the sample "escalated" takes`},
		{"the number of tests", partHTML, html("Number", "{{if not .Test}}{{.Number}}{{end}}"), 1, 46, `in the branch of line 1 that the sample "test" takes`},
		{"the number of calls without a position", partHTML, html("Number", "{{if .Position}}{{.Number}}{{end}}"), 1, 46, `in the branch of line 1 that the sample "placed-without-location" takes`},
		{"the address of calls without a position", partText, without("Location", "{{if .Position}}{{.Location}}{{else}}{{.DeviceAddress}}{{end}}"), 1, 84, `in the branch of line 1 that the sample "placed-without-location" takes`},
		// What is not shown is not told.
		{"in the title", partHTML, "<title>{{.Number}}</title>" + html("Number", ""), 1, 8, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"in a comment", partHTML, "<!-- {{.Number}} -->" + html("Number", ""), 1, 6, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"in a link", partHTML, `<a href="tel:{{.Number}}">Ring</a>` + html("Number", ""), 1, 14, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"in a style", partHTML, "<style>{{.Number}}</style>" + html("Number", ""), 1, 8, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"hidden", partHTML, "<p hidden><b>{{.Number}}</b></p>" + html("Number", ""), 1, 14, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"hidden by its style", partHTML, `<div style="color: red; Display : NONE"><p>{{.Number}}</p></div>` + html("Number", ""), 1, 44, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"hidden in two ways", partHTML, `<p hidden style="color: red">{{.Number}}</p>` + html("Number", ""), 1, 30, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		{"invisible", partHTML, `<p style="visibility:hidden">{{.Number}}</p>` + html("Number", ""), 1, 30, `lacks the callback number (.Number) where a reader sees it, in the sample "placed"`},
		// A call that failed has no number. Its reason takes the number's place (B10).
		{"the reason", partText, without("Reason", ""), 0, 0, `lacks why the call failed (.Reason), in the sample "failed"`},
		{"the reason in an escalation", partHTML, html("Reason", "{{if not .Escalated}}{{.Reason}}{{end}}"), 1, 72, `lacks why the call failed (.Reason) in the branch of line 1 that the sample "escalated-failed" takes`},
		// Nobody can acknowledge without the link (B9).
		{"the link in the text", partText, without("AcknowledgeURL", ""), 0, 0, "lacks the link by which people acknowledge (.AcknowledgeURL)"},
		{"the link where nobody sees it", partHTML, `<a href="{{.AcknowledgeURL}}" hidden>Seen</a>` + html("AcknowledgeURL", "#"), 1, 10, "lacks the link by which people acknowledge (.AcknowledgeURL) where a reader sees it"},
		{"the link in the HTML", partHTML, html("AcknowledgeURL", "#"), 0, 0, "lacks the link by which people acknowledge"},
	})
}

// Each part says of itself that a call failed, or is a test: somebody may read no more
// than that (B10, B13).
func TestCheckTemplateRefusesWhatMayBeMistaken(t *testing.T) {
	unmarked := func(source string) string { return strings.ReplaceAll(source, "{{.What}}", "Emergency call") }
	const onlyTests = "{{if .Test}}TEST{{end}} Emergency call"
	const onlyFailures = "{{if .Failed}}FAILED{{end}} Emergency call"
	checkAll(t, []wrong{
		{"a failure in the subject", partSubject, "Call by {{.Agent}}", 0, 0, `does not tell a call that failed from one that got through (.Failed or .What), in the sample "failed"`},
		{"a failure in the HTML", partHTML, unmarked(shortest().HTML), 0, 0, "does not tell a call that failed"},
		{"a failure in the text", partText, unmarked(shortest().Text), 0, 0, "does not tell a call that failed"},
		{"a failure where only tests are marked", partSubject, onlyTests, 0, 0, "does not tell a call that failed"},
		{"a failure in an escalation", partSubject, "{{if .Escalated}}Act now{{else}}{{.What}}{{end}}", 0, 0, `in the sample "escalated-failed"`},
		{"a failure in what nobody sees", partHTML, unmarked(shortest().HTML) + `<p class="{{if .Failed}}a{{end}}"></p>`, 0, 0, "does not tell a call that failed"},
		{"a test in the subject", partSubject, onlyFailures, 0, 0, `does not tell a test from an emergency (.Test or .What), in the sample "test"`},
		{"a test in the text", partText, onlyFailures + shortest().Text[len("{{.What}}"):], 0, 0, "does not tell a test from an emergency"},
		{"a test that failed", partText, "{{if .Failed}}FAILED{{else}}{{.What}}{{end}}" + shortest().Text[len("{{.What}}"):], 0, 0, `does not tell a test from an emergency (.Test or .What), in the sample "test-failed"`},
	})
}
