package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// A drill has every demo agent make a test call: the whole process, from the answer
// to the restored presence, with a notice to the test list alone (B13). Its evidence
// holds what each step took.
func TestDrill(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	path := filepath.Join(t.TempDir(), "report.json")
	i.starterSays("5 passed, 0 failed, 0 skipped", "drill", "--report", path)
	var report struct {
		Results []struct {
			AgentID, CallID string
			Steps           []struct{ Name, Failure string }
		}
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &report)
	}
	if err != nil || len(report.Results) != 5 {
		t.Fatalf("the report has %d results: %v", len(report.Results), err)
	}
	for _, result := range report.Results {
		if len(result.Steps) != 7 {
			t.Errorf("%s took %d steps, want 7: %+v", result.AgentID, len(result.Steps), result.Steps)
		}
		for _, letter := range i.mail(result.CallID) {
			if letter.to != "emergency-drills@example.org" {
				t.Errorf("a test of %s was told to %s", result.AgentID, letter.to)
			}
		}
		if shown := i.as("admin").presence(result.AgentID); shown != "available" {
			t.Errorf("after the drill %s shows %s", result.AgentID, shown)
		}
	}
}
