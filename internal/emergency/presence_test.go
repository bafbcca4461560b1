package emergency_test

import (
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shown is a presence as it was set before the call.
func shown(status emergency.Status, revision int64) emergency.Presence {
	return emergency.Presence{Status: status, Revision: revision, ChangedAt: noon}
}

// A leg puts the agent on Do not disturb, and remembers what was there (S2, B4).
func TestBeginOverride(t *testing.T) {
	quiet := func(revision int64) emergency.Presence {
		return emergency.Presence{Status: emergency.StatusDoNotDisturb, Revision: revision, ChangedAt: after(1)}
	}
	for _, c := range []struct {
		name  string
		shown emergency.Presence
		held  *emergency.Override
		want  emergency.Presence
		keeps emergency.Override
	}{
		// Do not disturb, whatever it was (S2).
		{"available", shown(emergency.StatusAvailable, 4), nil, quiet(5), emergency.Override{Previous: emergency.StatusAvailable, Revision: 5}},
		{"offline", shown(emergency.StatusOffline, 1), nil, quiet(2), emergency.Override{Previous: emergency.StatusOffline, Revision: 2}},
		// A status that only the presence system knows comes back verbatim (S10).
		{"unknown", shown("In a workshop", 1), nil, quiet(2), emergency.Override{Previous: "In a workshop", Revision: 2}},
		// The agent's own Do not disturb is what to go back to (S10).
		{"do not disturb", shown(emergency.StatusDoNotDisturb, 4), nil, quiet(5), emergency.Override{Previous: emergency.StatusDoNotDisturb, Revision: 5}},
		// A second leg joins, and forgets nothing (B4).
		{
			"joined", quiet(5), &emergency.Override{Previous: emergency.StatusBusy, Revision: 5},
			quiet(5),
			emergency.Override{Previous: emergency.StatusBusy, Revision: 5},
		},
		// What somebody chose between two legs is what to go back to (B3, B4).
		{
			"chosen meanwhile", shown(emergency.StatusAway, 6), &emergency.Override{Previous: emergency.StatusBusy, Revision: 5},
			quiet(7),
			emergency.Override{Previous: emergency.StatusAway, Revision: 7},
		},
		// So is Do not disturb, when it was somebody's own choice.
		{
			"do not disturb chosen meanwhile", shown(emergency.StatusDoNotDisturb, 7), &emergency.Override{Previous: emergency.StatusBusy, Revision: 5},
			quiet(8),
			emergency.Override{Previous: emergency.StatusDoNotDisturb, Revision: 8},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, keeps := emergency.BeginOverride(after(1), c.shown, c.held)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("shown: %s", diff)
			}
			if diff := cmp.Diff(c.keeps, keeps); diff != "" {
				t.Errorf("kept: %s", diff)
			}
		})
	}
}

// The last leg's end restores what was there, and overwrites nobody (S10, B4).
func TestEndOverride(t *testing.T) {
	held := emergency.Override{Previous: "In a workshop", Revision: 5}
	for _, c := range []struct {
		name  string
		shown emergency.Presence
		want  emergency.Presence
	}{
		// What was there comes back, verbatim and as a change of its own (S10).
		{
			"untouched", shown(emergency.StatusDoNotDisturb, 5),
			emergency.Presence{Status: "In a workshop", Revision: 6, ChangedAt: after(2)},
		},
		// Somebody's later choice stays (B4).
		{"chosen meanwhile", shown(emergency.StatusAvailable, 6), shown(emergency.StatusAvailable, 6)},
		// It stays even if it is Do not disturb, chosen anew (B4).
		{"do not disturb chosen meanwhile", shown(emergency.StatusDoNotDisturb, 7), shown(emergency.StatusDoNotDisturb, 7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, emergency.EndOverride(after(2), c.shown, held)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever legs and people do, in any order: while Lifeline's Do not disturb is
// what shows, the last leg to go brings back what showed before it; and what
// somebody chose after it stays (B3, B4).
func TestPresenceIsRestoredOnceAndOverNobody(t *testing.T) {
	statuses := []emergency.Status{emergency.StatusAvailable, emergency.StatusDoNotDisturb, emergency.StatusAway, "lunch"}
	rapid.Check(t, func(t *rapid.T) {
		now := shown(rapid.SampledFrom(statuses).Draw(t, "first"), 1)
		var held *emergency.Override
		legs := 0
		// own is what a person last chose; ours tells that Lifeline's change is on top.
		own, ours := now.Status, false
		t.Repeat(map[string]func(*rapid.T){
			"leg begins": func(*rapid.T) {
				next, override := emergency.BeginOverride(noon, now, held)
				now, held, ours = next, &override, true
				legs++
			},
			"leg ends": func(t *rapid.T) {
				if legs == 0 {
					t.Skip()
				}
				if legs--; legs == 0 {
					now, held, ours = emergency.EndOverride(noon, now, *held), nil, false
				}
			},
			"somebody chooses": func(t *rapid.T) {
				own, ours = rapid.SampledFrom(statuses).Draw(t, "status"), false
				now = shown(own, now.Revision+1)
			},
			"": func(t *rapid.T) {
				want := own
				if ours {
					want = emergency.StatusDoNotDisturb
				}
				if now.Status != want {
					t.Fatalf("shows %q, want %q", now.Status, want)
				}
			},
		})
	})
}

// A status may be anything that a person could read.
func TestStatusValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		status emergency.Status
		valid  bool
	}{
		{"known", emergency.StatusBusy, true},
		// Whatever a presence system calls it is kept verbatim (S10).
		{"unknown", "Im Gespräch (Büro)", true},
		{"longest", emergency.Status(strings.Repeat("x", 64)), true},
		{"empty", "", false},
		{"blank", "  ", false},
		{"too long", emergency.Status(strings.Repeat("x", 65)), false},
		{"control", "busy\n", false},
		// A database keeps neither of these.
		{"null", "busy\x00", false},
		{"no text", "\xff", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.status.Validate(); (err == nil) != c.valid {
				t.Errorf("Validate gives %v", err)
			}
		})
	}
}
