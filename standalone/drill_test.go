package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"lifeline/internal/httpapi"
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

// A drill leaves alone whoever is in an emergency, or may be rung back by the emergency
// service: their call hears of no callback, and the real contacts of nothing (B13). Where
// the pool is empty a test shows the standing number, which leads to somebody else's call.
func TestDrillDisturbsNobody(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	admin := i.as("admin")
	for _, number := range []string{"+12025550101", "+12025550102", "+12025550103"} {
		admin.must(http.StatusNoContent, http.MethodDelete, "/v1/callback-numbers/"+number, nil, nil)
	}
	admin.must(http.StatusOK, http.MethodPut, "/v1/agents/colleague", map[string]any{
		"name": "Colleague", "siteId": "site-us", "endpoints": []string{"sip:colleague@phones.example"}, "capacityProfiles": []string{"default"},
	}, nil)
	inCall, hungUp := i.as("agent/agent-us").dial("agent-us", "911"), i.as("agent/agent-gb").dial("agent-gb", "999")
	i.as("agent/agent-gb").end(hungUp)
	i.starterSays("1 passed, 0 failed, 2 skipped", "drill", "--report", filepath.Join(t.TempDir(), "report.json"), "colleague", "agent-us", "agent-gb")
	for _, call := range []httpapi.Call{inCall, hungUp} {
		if legs := i.as("supervisor").call(call.CallID).Legs; len(legs) != 1 {
			t.Errorf("the call of %s has %d legs", call.AgentID, len(legs))
		}
	}
}
