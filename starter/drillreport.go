package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// drillReport is the evidence of a drill (B13, RFC 6881 ED-80). It names agents by
// ID, and holds no number of theirs and no address.
type drillReport struct {
	StartedAt time.Time `json:"startedAt"`
	// FinishedAt is absent from the report of a drill that was killed.
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	Service    string    `json:"service"`
	// Number is what was to be dialed; a result says what was.
	Number string `json:"number"`
	Wait   string `json:"wait"`
	Passed int    `json:"passed"`
	Failed int    `json:"failed"`
	// Skipped agents were in a call, or in the window after one.
	Skipped int `json:"skipped"`
	// NotDrilled agents were chosen, and the drill was broken off before or while their
	// test call was made.
	NotDrilled int           `json:"notDrilled"`
	Results    []drillResult `json:"results"`
}

// outcome is how a test call went.
type outcome string

const (
	drillPassed outcome = "passed"
	drillFailed outcome = "failed"
	// drillSkipped is that of an agent who was in a call.
	drillSkipped outcome = "skipped"
	// drillBrokenOff is a call that went well as far as it was watched.
	drillBrokenOff outcome = "broken-off"
)

// drillResult is one agent's test call.
type drillResult struct {
	AgentID   string    `json:"agentId"`
	Number    string    `json:"number"`
	CallID    string    `json:"callId,omitempty"`
	StartedAt time.Time `json:"startedAt"`
	Outcome   outcome   `json:"outcome"`
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
	// BrokenOff says that nobody has waited for it.
	BrokenOff bool `json:"brokenOff,omitempty"`
}

// step takes one step and tells whether it went as it should.
func (r *drillResult) step(name string, take func() (seen string, err error)) bool {
	begun := time.Now()
	seen, err := take()
	s := drillStep{Name: name, Milliseconds: float64(time.Since(begun).Microseconds()) / 1000}
	switch {
	case err == nil:
		s.Seen = seen
	case errors.Is(err, errBrokenOff):
		s.BrokenOff = true
	default:
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
	r.Skipped = "the agent is in a call, or may be rung back after one"
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

// outcome is what the steps come to.
func (r *drillResult) outcome() outcome {
	switch {
	case r.Skipped != "":
		return drillSkipped
	case len(r.failures()) > 0:
		return drillFailed
	case slices.ContainsFunc(r.Steps, func(s drillStep) bool { return s.BrokenOff }):
		return drillBrokenOff
	default:
		return drillPassed
	}
}

// line is the result for somebody who waits.
func (r *drillResult) line() string {
	switch r.outcome() {
	case drillSkipped:
		return fmt.Sprintf("skipped  %s  %s\n", r.AgentID, r.Skipped)
	case drillFailed:
		return fmt.Sprintf("FAILED   %s  %s\n", r.AgentID, strings.Join(r.failures(), "; "))
	case drillBrokenOff:
		return fmt.Sprintf("left     %s  broken off; the test call has been ended\n", r.AgentID)
	case drillPassed:
	}
	var took []string
	for _, s := range r.Steps {
		took = append(took, fmt.Sprintf("%s %.0f ms", s.Name, s.Milliseconds))
	}
	return fmt.Sprintf("passed   %s  %s\n", r.AgentID, strings.Join(took, ", "))
}

// add counts a test call.
func (r *drillReport) add(result drillResult) {
	result.Outcome = result.outcome()
	r.Results = append(r.Results, result)
	count := map[outcome]*int{drillPassed: &r.Passed, drillFailed: &r.Failed, drillSkipped: &r.Skipped}[result.Outcome]
	if count != nil {
		*count++
		r.NotDrilled--
	}
}

// summary is the report in a line, for people.
func (r *drillReport) summary(path string) string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped. The report is in %s.\n", r.Passed, r.Failed, r.Skipped, path)
}

// verdict is nil when everything went well, and something was made sure of.
func (r *drillReport) verdict() error {
	switch {
	case r.NotDrilled > 0:
		return fmt.Errorf("%w; agents not drilled: %d", errBrokenOff, r.NotDrilled)
	case r.Failed > 0:
		return fmt.Errorf("agents who could not make a test call as they should: %d", r.Failed)
	case r.Passed == 0:
		return errors.New("nothing has been shown: no test call was made, because everybody to be drilled is in a call; drill again later")
	default:
		return nil
	}
}

// claim makes the file that a report will stand in, before there is anything to lose.
// It overwrites none, since that would be the evidence of another drill.
func claim(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already, and a report overwrites nothing", path)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return fmt.Errorf("make report: %w", err)
	}
	return nil
}

// save writes the report as it stands into the file that was claimed for it. Whatever
// happens meanwhile, a whole report stands there, if an older one.
func (r *drillReport) save(path string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, append(raw, '\n'), 0o600); err != nil {
		return errors.Join(fmt.Errorf("write report: %w", err), os.Remove(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
