package relay_test

import (
	"testing"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
)

// A dial never begins a closed workflow again, since its message may come twice; a call
// that is resumed does, or joins the one that runs by then (S11).
func TestResumed(t *testing.T) {
	for kind, reuse := range map[emergency.MessageKind]enumspb.WorkflowIdReusePolicy{
		emergency.MessagePlaced:  enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		emergency.MessageResumed: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				asked, left := carried(t, r, "", letter(kind, emergency.Order{CallID: callID(1), LegID: dialOf(1), AgentID: "agent-us"}))
				same(t, "what Temporal was asked", []told{started(1)}, asked)
				same(t, "left", 0, left)
				o := r.temporal.options
				same(t, "the ID", workflows.WorkflowID(callID(1)), o.ID)
				same(t, "the reuse policy", reuse, o.WorkflowIDReusePolicy)
				same(t, "the conflict policy", enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, o.WorkflowIDConflictPolicy)
			})
		})
	}
}
