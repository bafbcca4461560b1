package notify

import (
	"errors"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// Whatever is typed as a wording, checking it ends, and either says where the fault is
// or leaves a wording with which every sample becomes a message that a transport takes
// (S18, B8).
func FuzzCheckTemplate(f *testing.F) {
	for _, template := range []emergency.Template{DefaultTemplate(), shortest(), ownWords()} {
		f.Add(template.Subject, template.HTML, template.Text)
	}
	d := shortest()
	for _, odd := range []string{
		"{{range 1000000000}}{{end}}", "{{define \"text\"}}{{template \"text\"}}{{end}}", "{{if", "{{/*", "{{`", "{{- -}}", "{{(((",
		"{{with .Agent}}{{.}}{{else with .Site}}{{.}}{{end}}", "{{$x := .Agent}}{{$x}}", "<p", "<!--", "</", "<a href='{{.Site}}'></a>",
		"<style>{{.Agent}}</style>", "<textarea>{{.Agent}}</textarea>", "{{break}}", "{{range .Done}}{{continue}}{{end}}", "\x00", "{{\"\\x00\"}}",
	} {
		f.Add(d.Subject+odd, d.HTML, d.Text)
		f.Add(d.Subject, d.HTML+odd, d.Text)
		f.Add(d.Subject, d.HTML, d.Text+odd)
	}
	f.Fuzz(func(t *testing.T, subject, html, text string) {
		template := emergency.Template{Version: 3, Subject: subject, HTML: html, Text: text}
		if err := CheckTemplate(template); err != nil {
			checkPlace(t, template, err)
			return
		}
		w := compile(t, template)
		for _, sample := range Samples() {
			m, err := w.Render(sample.Notice, "desk@example.org")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.check(); err != nil {
				t.Fatalf("%v: %+v", err, m)
			}
		}
	})
}

// checkPlace holds an error to naming a place that exists.
func checkPlace(t tester, template emergency.Template, err error) {
	t.Helper()
	refused, ok := errors.AsType[*emergency.TemplateError](err)
	if !ok {
		t.Fatalf("the error is %T: %v", err, err)
	}
	source, known := map[string]string{partSubject: template.Subject, partHTML: template.HTML, partText: template.Text}[refused.Part]
	lines := strings.Split(source, "\n")
	switch {
	case !known || refused.Problem == "":
		t.Fatalf("the error is %+v", refused)
	case refused.Line == 0 && refused.Column == 0:
	case refused.Line < 1 || refused.Line > len(lines) || refused.Column < 1 || refused.Column > len([]rune(lines[refused.Line-1]))+1:
		t.Fatalf("%+v is outside of %d lines", refused, len(lines))
	}
}

// A fault is found where it is, whatever is right around it (S18).
func TestFaultsAreFoundInTheirPlace(t *testing.T) {
	right := rapid.SampledFrom([]string{
		"a", "æ", " ", "\n", "\r\n", "{{.Agent}}", "{{- .Site -}}", "{{if .Test}}b{{end}}", "{{if .Test}}\n{{else if .Failed}}c{{else}}\nd{{end}}",
		"{{with .Reason}}{{.}}{{end}}", "{{range .Done}}{{.}}\n{{end}}", "{{/* {{ */}}", "{{/* if */}}", "{{- /* end */ -}}", "{{\"if\"}}", "{{\"end\"}}", "{{- /* }} */ -}}", "{{\"}}{{\"}}", "{{`\n}}`}}", "}}", "{ ", "{{'}'}}",
		"{{eq .Agent \"a\\\"}}\"}}", "{{or (and .Test .Failed) `{{`}}",
	})
	wrong := rapid.SampledFrom([]string{
		"{{.Agnet}}", "{{}}", "{{.Agent .Site}}", "{{(.Agent}}", "{{shout}}", "{{.Agent}", "{{end}}", "{{else}}", "{{range 9}}{{end}}", "{{$a}}", "{{.Agent }", "{{\"a}}", "{{`a}}", "{{/* a",
		"{{- if}}", "{{if .Test}}", "{{with .Site}}a", "{{- range .Done}}{{if .}}{{end}}",
	})
	rapid.Check(t, func(t *rapid.T) {
		before := strings.Join(rapid.SliceOfN(right, 0, 8).Draw(t, "before"), "")
		fault := wrong.Draw(t, "fault")
		source := before + fault
		if !strings.ContainsAny(fault, "\"`*") { // which could end behind
			source += strings.Join(rapid.SliceOfN(right, 0, 8).Draw(t, "behind"), "")
		}
		_, err := compilePart(partText, source)
		refused, ok := errors.AsType[*emergency.TemplateError](err)
		if !ok {
			return // what comes behind makes it right
		}
		lines := strings.Split(before, "\n")
		column := len([]rune(lines[len(lines)-1])) + 1
		if refused.Line != len(lines) || refused.Column < column || refused.Column > column+len([]rune(fault)) {
			t.Fatalf("%q: %+v, want line %d, column %d", source, refused, len(lines), column)
		}
	})
}
