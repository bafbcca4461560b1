package store_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// templateRules are about the wording of notices (S18).
var templateRules = []rule{
	{"every version is kept", everyVersionIsKept},
	{"on the base of what is kept", templateBasedOnWhatIsKept},
	{"that no database can keep", templateNobodyCanKeep},
}

func wording(text string) emergency.Template {
	return emergency.Template{Subject: "Subject " + text, HTML: "<p>" + text, Text: text}
}

// Every version is kept with who saved it and when, and the last one counts; an
// administrator's change leaves its line in the audit.
func everyVersionIsKept(t *testing.T, w *world) {
	if current, err := w.Template(t.Context()); err != nil || current != (emergency.Template{}) {
		t.Errorf("before any was saved there is %+v, %v", current, err)
	}
	var want []emergency.Template
	for i, text := range []string{"one", "two – {{.Agent}}", "one"} {
		w.pass(time.Hour)
		by := emergency.Change{By: "admin " + text, RequestID: "r"}
		saved := wording(text)
		saved.Version, saved.SavedBy, saved.SavedAt = 99, "somebody", noon // not for the caller to say
		got, err := w.PutTemplate(t.Context(), saved, by)
		if err != nil {
			t.Fatal(err)
		}
		saved.Version, saved.SavedBy, saved.SavedAt = int64(i)+1, by.By, w.clock.read()
		same(t, "the answer", saved, got)
		want = append([]emergency.Template{saved}, want...)
	}
	current, err := w.Template(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the one that counts", want[0], current)
	list, err := w.Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range want {
		got, err := w.TemplateVersion(t.Context(), one.Version)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the version", one, got)
		same(t, "the line in the list", emergency.Template{Version: one.Version, SavedBy: one.SavedBy, SavedAt: one.SavedAt}, list[i])
	}
	for _, version := range []int64{-1, 0, 4} {
		if _, err := w.TemplateVersion(t.Context(), version); !errors.Is(err, emergency.ErrUnknownTemplate) {
			t.Errorf("the error is %v, want ErrUnknownTemplate", err)
		}
	}
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'template-changed' AND revision = 2
		AND changed_by = $1 AND request_id = 'r' AND at = $2`, "admin two – {{.Agent}}", noon.Add(2*time.Hour)); lines != 1 {
		t.Errorf("the audit has %d lines, want 1", lines)
	}
}

// A change that is based on another version than the last is refused.
func templateBasedOnWhatIsKept(t *testing.T, w *world) {
	for _, c := range []struct {
		seen    int64
		refused bool
	}{{1, true}, {emergency.SeenNothing, false}, {emergency.SeenNothing, true}, {2, true}, {1, false}, {1, true}, {2, false}, {0, false}} {
		err := only(w.PutTemplate(t.Context(), wording("text"), emergency.Change{Seen: c.seen}))
		if (err != nil) != c.refused || err != nil && !errors.Is(err, emergency.ErrChangedMeanwhile) {
			t.Errorf("a change based on %d gives %v", c.seen, err)
		}
	}
	if kept := w.count(t, `SELECT COUNT(*) FROM template_versions`); kept != 4 {
		t.Errorf("%d versions are kept, want 4", kept)
	}
}

// What PostgreSQL cannot keep is refused by the name of its part, on either engine.
func templateNobodyCanKeep(t *testing.T, w *world) {
	for part, change := range map[string]func(*emergency.Template){
		"subject": func(t *emergency.Template) { t.Subject = "\x00" },
		"html":    func(t *emergency.Template) { t.HTML = "\xff" },
		"text":    func(t *emergency.Template) { t.Text = "a\x00b" },
	} {
		saved := wording("text")
		change(&saved)
		var invalid *emergency.Invalid
		if err := only(w.PutTemplate(t.Context(), saved, emergency.Change{})); !errors.As(err, &invalid) || invalid.Field != part {
			t.Errorf("the error is %v, want one about the %s", err, part)
		}
	}
}
