package workflows

import (
	"fmt"
	"strings"
	"time"

	"lifeline/internal/emergency"

	"go.temporal.io/sdk/workflow"
)

// State answers the state query.
type State struct {
	// Kind tells a test from a call for help (B13).
	Kind       emergency.Kind       `json:"kind"`
	Phase      emergency.CallStatus `json:"phase"`
	Number     string               `json:"number"`
	NumberKind emergency.NumberKind `json:"numberKind"`
	// ShownNumber is the standing number that the PSAP saw, if the call got Number
	// only later (B5).
	ShownNumber  string     `json:"shownNumber,omitempty"`
	WindowEndsAt time.Time  `json:"windowEndsAt"`
	Legs         []LegState `json:"legs"`
	Warnings     []string   `json:"warnings,omitempty"`
	// Notices is missing in calls from before there was anything to acknowledge.
	Notices *NoticesState `json:"notices,omitempty"`
}

// LegState is one leg as the workflow knows it.
type LegState struct {
	LegID     emergency.LegID     `json:"legId"`
	Direction emergency.Direction `json:"direction"`
	StartedAt time.Time           `json:"startedAt"`
	EndedAt   time.Time           `json:"endedAt,omitzero"`
	Reason    emergency.EndReason `json:"reason,omitempty"`
}

func (c *call) state() (State, error) {
	s := State{
		Kind: c.order.Kind, Phase: c.phase,
		Number: c.order.Number, NumberKind: c.order.NumberKind, ShownNumber: c.number.shown,
		WindowEndsAt: c.windowEnd(), Warnings: c.warnings, Notices: c.notices.state(),
	}
	for _, leg := range c.legs {
		s.Legs = append(s.Legs, LegState{
			LegID: leg.ID, Direction: leg.Direction, StartedAt: leg.StartedAt, EndedAt: leg.EndedAt, Reason: leg.Reason,
		})
	}
	return s, nil
}

// warn adds a sentence that a supervisor should see.
func (c *call) warn(sentence string) { c.warnings = append(c.warnings, sentence) }

// tell keeps what supervisors see in the Temporal Web UI up to date: the phase
// that they filter by, upserted only when it has changed, and the details.
func (c *call) tell(ctx workflow.Context) {
	phase := emergency.CallbackWindow
	if c.legUp() {
		phase = emergency.CallActive
	}
	if phase != c.phase {
		c.phase = phase
		if err := workflow.UpsertTypedSearchAttributes(ctx, KeyPhase.ValueSet(string(phase))); err != nil {
			c.log.Error("Could not update the phase", "error", err)
		}
	}
	c.describe(ctx)
}

// describe writes the current details, in Markdown.
func (c *call) describe(ctx workflow.Context) {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", c.headline())
	fmt.Fprintf(&b, "- **Agent** `%s` at %s\n", c.order.AgentID, c.order.SiteName)
	fmt.Fprintf(&b, "- **Dialed** %s (%s) at %s\n", c.order.Dialed, c.order.Country, clock(c.order.DialedAt))
	c.describeNumber(&b)
	if c.order.Notices == nil {
		fmt.Fprintf(&b, "- **%s** %s\n", c.notices.about.recipients(), c.noticeSentence())
	}
	c.notices.describe(&b)
	fmt.Fprintf(&b, "- **Pending** %s\n\n", c.pendingSentence())
	for _, warning := range c.warnings {
		fmt.Fprintf(&b, "> ⚠ %s\n\n", warning)
	}
	b.WriteString("| leg | from | to | ended because |\n|---|---|---|---|\n")
	for _, leg := range c.legs {
		end := "still up"
		if !leg.Up() {
			end = clock(leg.EndedAt)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", leg.Direction, clock(leg.StartedAt), end, leg.Reason)
	}
	workflow.SetCurrentDetails(ctx, b.String())
}

// headline says where the call stands, and marks a test as one (B13).
func (c *call) headline() string {
	headline := ""
	switch c.phase {
	case emergency.CallActive:
		headline = "Emergency call in progress"
	case emergency.CallbackWindow:
		headline = "Callback window open until " + clock(c.windowEnd())
	case emergency.CallEnded:
		headline = "Ended: the callback number has been given back"
	}
	return c.marked(headline)
}

// marked puts before a sentence for supervisors that it is about a test (B13).
func (c *call) marked(sentence string) string { return c.notices.about.marked(sentence) }

// describeNumber says which number is the agent's. The PSAP rings the one that it
// saw, so that one is shown too when it is another (B5).
func (c *call) describeNumber(b *strings.Builder) {
	if c.number.corrected {
		fmt.Fprintf(b, "- **Callback number** %s (%s), as the PSAP saw it: the call was answered without the database\n",
			c.order.Number, c.order.NumberKind)
		return
	}
	if c.number.shown == "" {
		fmt.Fprintf(b, "- **Callback number** %s (%s)\n", c.order.Number, c.order.NumberKind)
		return
	}
	fmt.Fprintf(b, "- **Callback number** %s (%s), the agent's own since one became free\n", c.order.Number, c.order.NumberKind)
	fmt.Fprintf(b, "- **Seen by the PSAP** %s (%s)\n", c.number.shown, emergency.NumberStanding)
}

func (c *call) noticeSentence() string {
	switch {
	case c.order.Contacts == 0:
		return "none configured"
	case c.notice.failed || (!c.notice.done && c.phase == emergency.CallEnded):
		return fmt.Sprintf("not all of %d told", c.order.Contacts)
	case !c.notice.done:
		return fmt.Sprintf("%d being told", c.order.Contacts)
	default:
		return fmt.Sprintf("%d of %d told", c.notice.result.Sent, c.order.Contacts)
	}
}

func (c *call) pendingSentence() string {
	switch {
	case c.presence.due == ActivitySetDoNotDisturb || (c.presence.busy && c.legUp()):
		return "Do not disturb"
	case c.presence.due != "" || c.presence.busy:
		return "presence as before"
	case c.phase == emergency.CallEnded:
		return "nothing"
	case c.legUp():
		return "the end of the call"
	default:
		return "a callback, or the end of the window"
	}
}

// clock is a time of day for people, in UTC, with the date: a call may cross
// midnight.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Summary is the line by which a supervisor recognises a call in the Temporal Web
// UI. It is encrypted like every payload.
func Summary(order emergency.Order) string {
	what := "Emergency call"
	if order.Kind == emergency.KindTest {
		what = "TEST of emergency calling"
	}
	return fmt.Sprintf("%s: %s dialed %s (%s)", what, order.AgentID, order.Dialed, order.Country)
}
