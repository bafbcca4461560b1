package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// drillReport is the evidence of a drill (B13, RFC 6881 ED-80). It names agents by
// ID, and holds no number of theirs and no address.
type drillReport struct {
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	Service    string    `json:"service"`
	// Number is what was dialed.
	Number string `json:"number"`
	Wait   string `json:"wait"`
	Passed int    `json:"passed"`
	Failed int    `json:"failed"`
	// Skipped agents were in a call.
	Skipped int `json:"skipped"`
	// NotDrilled agents were chosen, and the drill was broken off before them.
	NotDrilled int           `json:"notDrilled"`
	Results    []drillResult `json:"results"`
}

// drillResult is one agent's test call.
type drillResult struct {
	AgentID   string    `json:"agentId"`
	CallID    string    `json:"callId,omitempty"`
	StartedAt time.Time `json:"startedAt"`
	// Skipped says why no call was made.
	Skipped string `json:"skipped,omitempty"`
	// NumberKind is leased or standing.
	NumberKind string   `json:"numberKind,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
	// Checks are the codes of those that refused the call.
	Checks []string    `json:"checks,omitempty"`
	Steps  []drillStep `json:"steps"`
}

// drillStep is one thing that had to happen.
type drillStep struct {
	Name string `json:"name"`
	// Milliseconds is how long it took.
	Milliseconds float64 `json:"milliseconds"`
	// Seen is what was found, Failure why that is not right.
	Seen    string `json:"seen,omitempty"`
	Failure string `json:"failure,omitempty"`
}

// step takes one step and tells whether it went as it should.
func (r *drillResult) step(name string, take func() (seen string, err error)) bool {
	begun := time.Now()
	seen, err := take()
	s := drillStep{Name: name, Milliseconds: float64(time.Since(begun).Microseconds()) / 1000}
	if err == nil {
		s.Seen = seen
	} else {
		s.Failure = err.Error()
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		for _, check := range refused.Checks {
			r.Checks = append(r.Checks, check.Code)
		}
	}
	r.Steps = append(r.Steps, s)
	return err == nil
}

func (r *drillResult) skip(err error) {
	r.Skipped = "the agent is in a call"
	if err != nil {
		r.Skipped = ""
		r.step("look", func() (string, error) { return "", err })
	}
}

func (r *drillResult) placed(call Call) {
	r.CallID, r.NumberKind = call.CallID, string(call.CallbackNumberKind)
	for _, warning := range call.Warnings {
		r.Warnings = append(r.Warnings, warning.Code)
	}
}

// failures are the steps that did not go as they should.
func (r *drillResult) failures() []string {
	var all []string
	for _, s := range r.Steps {
		if s.Failure != "" {
			all = append(all, s.Name+": "+s.Failure)
		}
	}
	return all
}

// line is the result for somebody who waits.
func (r *drillResult) line() string {
	switch failures := r.failures(); {
	case r.Skipped != "":
		return fmt.Sprintf("skipped  %s  %s\n", r.AgentID, r.Skipped)
	case len(failures) > 0:
		return fmt.Sprintf("FAILED   %s  %s\n", r.AgentID, strings.Join(failures, "; "))
	default:
		var took []string
		for _, s := range r.Steps {
			took = append(took, fmt.Sprintf("%s %.0f ms", s.Name, s.Milliseconds))
		}
		return fmt.Sprintf("passed   %s  %s\n", r.AgentID, strings.Join(took, ", "))
	}
}

// keep counts, writes the report and says where it is. The error says that not
// everything went well.
func (r *drillReport) keep(t *terminal, path string) error {
	for _, result := range r.Results {
		switch {
		case result.Skipped != "":
			r.Skipped++
		case len(result.failures()) > 0:
			r.Failed++
		default:
			r.Passed++
		}
	}
	path = cmp.Or(path, "drill-"+r.StartedAt.Format("20060102T150405Z")+".json")
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	t.say(fmt.Sprintf("%d passed, %d failed, %d skipped. The report is in %s.\n", r.Passed, r.Failed, r.Skipped, path))
	if r.NotDrilled > 0 {
		return fmt.Errorf("the drill was broken off: %d agents have not been drilled", r.NotDrilled)
	}
	if r.Failed > 0 {
		return fmt.Errorf("%d agents could not make a test call as they should", r.Failed)
	}
	return nil
}
