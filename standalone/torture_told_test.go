package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// retryWithin is how long it may take until a notice is tried again once nothing is
// broken any more: an attempt that died with its worker is noticed after half a minute,
// and the pause after a failure grows up to about as long.
const retryWithin = 50 * time.Second

// checkTold looks for every message that is owed (S9). That the emergency service rang
// back is given up with the call by design; that counts as lost all the same unless
// something was broken, so much that there was no time to try again. What outlasts the call
// is never given up here.
func (c *checker) checkTold(call *record) {
	owed := map[string]time.Time{"placed": {}} // which outlasts the call, like "ended"
	for _, leg := range call.legs {
		if _, begun := owed["callback"]; leg.direction == "callback" && !begun {
			owed["callback"] = leg.startedAt
		}
		if leg.reason == "max-duration" { // B16
			owed["ended"] = time.Time{}
		}
	}
	for occasion, since := range owed {
		for _, to := range c.contactsOf(call) {
			if n := c.taken[notice{call.id, occasion, to}]; n > 0 {
				c.told++
				c.duplicates += n - 1
				continue
			}
			troubled := c.w.terminated[call.id] || c.w.unrest.touch(since, call.closedAt) && c.w.unrest.longestGap(since, call.closedAt) < retryWithin
			if troubled && !since.IsZero() {
				c.givenUp++
				continue
			}
			c.blame(call.id, "%s was not told of %s", to, occasion)
		}
	}
	c.checkSent(call)
}

// checkSent looks for every message that counts as sent.
func (c *checker) checkSent(call *record) {
	for _, d := range call.deliveries {
		occasion := d.event
		if d.round > 0 {
			occasion = fmt.Sprintf("%s-%d", d.event, d.round)
		}
		if d.state == "sent" && c.taken[notice{call.id, occasion, d.address}] == 0 {
			c.blame(call.id, "the notice of %s to %s counts as sent and is not there", occasion, d.address)
		}
	}
}

// checkGivenUp keeps the reasons for not telling from becoming the rule.
func (c *checker) checkGivenUp() {
	if most := max(10, (c.told+c.givenUp)/10); c.givenUp > most {
		c.blame("", "%d messages were given up, %d were sent", c.givenUp, c.told)
	}
}

func (c *checker) contactsOf(call *record) []string {
	if call.kind == "test" {
		return testContacts
	}
	at := slices.IndexFunc(c.w.agents, func(s *staff) bool { return s.id == call.agent })
	if at < 0 {
		return nil
	}
	return c.w.agents[at].contacts
}

// checkWorkflow looks for the call's workflow: completed. Where it was taken away, that is
// the one that went on with the call.
func (c *checker) checkWorkflow(ctx context.Context, call *record) {
	described, err := c.w.temporal.DescribeWorkflowExecution(ctx, workflowID(call.id), "")
	if err != nil {
		c.blame(call.id, "its workflow cannot be found: %v", err)
		return
	}
	if status := described.GetWorkflowExecutionInfo().GetStatus(); status != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		c.blame(call.id, "its workflow is %s", status)
	}
}

func (w *world) runningWorkflows(ctx context.Context) (int64, error) {
	counted, err := w.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: "WorkflowType = 'EmergencyCall' AND ExecutionStatus = 'Running'",
	})
	if err != nil {
		return 0, fmt.Errorf("count workflows: %w", err)
	}
	return counted.GetCount(), nil
}
