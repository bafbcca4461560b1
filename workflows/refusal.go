package workflows

import (
	"fmt"
	"strings"
	"time"

	"lifeline/internal/emergency"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"
)

// refusalUseful is how long a notice of a refused dial is worth trying: as long as
// that of a call under the terms that Lifeline promises (S3, B1).
const refusalUseful = 90 * time.Minute

// EmergencyRefusal tells people of a dial that was refused or had no route (B10),
// and goes on until somebody acknowledges or everybody has been told in vain. It is a
// workflow of its own, because there is no call: no number, no presence, no window.
func EmergencyRefusal(ctx workflow.Context, order emergency.RefusedOrder) (RefusalOutcome, error) {
	r := setupRefusal(ctx, order)
	if err := workflow.SetQueryHandlerWithOptions(ctx, QueryState, r.state, workflow.QueryHandlerOptions{
		Description: "Who has been told of the refused call, and whether anybody has acknowledged.",
	}); err != nil {
		return RefusalOutcome{}, err
	}
	steps, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(steps, r.notices.hear)
	failed := r.notices.begin(steps, emergency.NoticeFailed, 0)
	workflow.Go(steps, func(ctx workflow.Context) {
		r.notices.insist(ctx, failed)
		r.insisted = true
	})
	r.describe(ctx)
	err := workflow.Await(ctx, func() bool { return r.insisted && r.notices.settled() })
	if err != nil {
		r.log.Info("Telling of a refused call was cancelled")
		r.warn("Cancelled by a supervisor: nobody else is told.")
	}
	r.ended = true
	r.notices.close(false)
	r.describe(ctx)
	return r.outcome(), err
}

// RefusalOutcome is the result of the workflow for a refused dial.
type RefusalOutcome struct {
	Acknowledged bool `json:"acknowledged"`
	// Escalated is how often the site's list was told because nobody acknowledged.
	Escalated int `json:"escalated"`
}

// RefusalState answers the state query of a refused dial's workflow.
type RefusalState struct {
	Kind     emergency.Kind      `json:"kind"`
	Code     emergency.CheckCode `json:"code"`
	Notices  *NoticesState       `json:"notices"`
	Warnings []string            `json:"warnings,omitempty"`
}

// refusal is what a running workflow remembers of a refused dial.
type refusal struct {
	order    emergency.RefusedOrder
	log      log.Logger
	notices  *noticeKeeper
	warnings []string
	// insisted is true once nobody else is going to be told; ended once the workflow
	// is over.
	insisted, ended bool
}

func setupRefusal(ctx workflow.Context, order emergency.RefusedOrder) *refusal {
	r := &refusal{
		order: order,
		log:   log.With(workflow.GetLogger(ctx), "callId", order.CallID, "agentId", order.AgentID, "kind", order.Kind),
	}
	r.notices = &noticeKeeper{
		about: subject{order.CallID, order.Kind}, log: r.log, plan: &r.order.Notices, useful: refusalUseful,
		acknowledged: workflow.GetSignalChannel(ctx, SignalAcknowledged), undelivered: workflow.GetSignalChannel(ctx, SignalUndelivered),
		changed: r.describe, warn: r.warn,
	}
	return r
}

func (r *refusal) outcome() RefusalOutcome {
	return RefusalOutcome{Acknowledged: !r.notices.acknowledgedAt.IsZero(), Escalated: r.notices.escalated}
}

func (r *refusal) state() (RefusalState, error) {
	return RefusalState{Kind: r.order.Kind, Code: r.order.Code, Notices: r.notices.state(), Warnings: r.warnings}, nil
}

// warn adds a sentence that a supervisor should see.
func (r *refusal) warn(sentence string) { r.warnings = append(r.warnings, sentence) }

// describe writes the current details, in Markdown.
func (r *refusal) describe(ctx workflow.Context) {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", r.notices.about.marked(r.headline()))
	fmt.Fprintf(&b, "- **Agent** `%s` at %s\n", r.order.AgentID, r.order.SiteName)
	fmt.Fprintf(&b, "- **Refused** at %s (%s) because of `%s`\n", clock(r.order.At), r.order.Country, r.order.Code)
	r.notices.describe(&b)
	b.WriteString("\n")
	for _, warning := range r.warnings {
		fmt.Fprintf(&b, "> ⚠ %s\n\n", warning)
	}
	workflow.SetCurrentDetails(ctx, b.String())
}

// headline says whether somebody still has to be told.
func (r *refusal) headline() string {
	switch {
	case !r.notices.acknowledgedAt.IsZero():
		return "Emergency call refused: somebody knows"
	case r.ended:
		return "Emergency call refused: all that could be told has been"
	default:
		return "Emergency call refused: people are being told"
	}
}

// RefusalSummary is the line by which a supervisor recognises a refused dial in the
// Temporal Web UI.
func RefusalSummary(order emergency.RefusedOrder) string {
	what := "Emergency call refused"
	if order.Kind == emergency.KindTest {
		what = "TEST of emergency calling refused"
	}
	return fmt.Sprintf("%s: %s in %s (%s)", what, order.AgentID, order.Country, order.Code)
}
