package notify

import (
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// A wording that takes a test for an emergency on this very notice, whatever it did on
// the samples, gives way to the program's own: nobody may run to help in a test (B13).
func TestMarksHoldForEveryNotice(t *testing.T) {
	own := DefaultTemplate()
	unmarked := "{{.Dialed}} {{.Location}} {{.Reason}} {{.Number}} {{.AcknowledgeURL}}"
	own.Version = 7
	own.Subject = `{{if eq .Agent "Bo"}}all is well{{else}}` + own.Subject + `{{end}}`
	own.Text = `{{if eq .Agent "Bo"}}` + unmarked + `{{else}}` + own.Text + `{{end}}`
	own.HTML = `{{if eq .Agent "Bo"}}<p>` + unmarked + `</p>{{else}}` + own.HTML + `{{end}}`
	wording, err := Compile(own)
	if err != nil {
		t.Fatal(err)
	}
	test, ok := SampleNamed("test")
	if !ok {
		t.Fatal("there is no sample of a test")
	}
	test.AgentName = "Bo"
	if got, err := wording.Render(test, "desk@example.org"); err != nil || got.TemplateVersion != 0 || strings.Contains(got.Subject, "all is well") {
		t.Errorf("version %d says %q of a test: %v", got.TemplateVersion, got.Subject, err)
	}
	placed, _ := SampleNamed("placed")
	placed.AgentName, placed.Kind = "Bo", emergency.KindEmergency
	if got, err := wording.Render(placed, "desk@example.org"); err != nil || got.TemplateVersion != 7 {
		t.Errorf("an ordinary call is worded by version %d: %v", got.TemplateVersion, err)
	}
}
