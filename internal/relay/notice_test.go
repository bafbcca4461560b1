package relay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
)

// carried is what Temporal is asked when messages are carried, and how many are left
// after that. A workflow that is closed is not found.
func carried(t *testing.T, r *rig, closed string, messages ...emergency.Message) ([]told, int) {
	t.Helper()
	outbox := &pile{messages: messages}
	var asked []told
	r.temporal.answer = func(_ context.Context, m told) error {
		asked = append(asked, m)
		if m.Workflow == closed && m.What == workflows.SignalAcknowledged {
			return serviceerror.NewNotFound("workflow execution already completed")
		}
		return nil
	}
	relay := r.relayOf(outbox)
	stop := run(t, relay)
	relay.Wake(callID(1))
	synctest.Wait()
	stop()
	return asked, len(outbox.messages)
}

// acknowledged is a message that somebody has seen a notice, and the same as Temporal
// hears it.
func acknowledged(event emergency.NoticeEvent) emergency.Message {
	return letter(emergency.MessageAcknowledged, emergency.Acknowledged{Event: event, At: time.Now()})
}

func heard(workflow string, event emergency.NoticeEvent) told {
	return told{Workflow: workflow, What: workflows.SignalAcknowledged, Number: string(event)}
}

// Somebody who acknowledges a notice is told to the workflow that waits for it: the
// call's, or for a refused dial its own. An escalation can be of either, so that the
// second is asked when the first is not there. That none runs any more is as good as
// done (B9).
func TestAcknowledged(t *testing.T) {
	call, refusal := workflows.WorkflowID(callID(1)), workflows.RefusalWorkflowID(callID(1))
	for _, c := range []struct {
		name   string
		event  emergency.NoticeEvent
		closed string
		want   []told
	}{
		{"placed", emergency.NoticePlaced, "", []told{heard(call, emergency.NoticePlaced)}},
		{"placed, and the call is closed", emergency.NoticePlaced, call, []told{heard(call, emergency.NoticePlaced)}},
		{"refused", emergency.NoticeFailed, "", []told{heard(refusal, emergency.NoticeFailed)}},
		{"refused, and nobody waits any more", emergency.NoticeFailed, refusal, []told{heard(refusal, emergency.NoticeFailed)}},
		{"escalated", emergency.NoticeEscalated, "", []told{heard(call, emergency.NoticeEscalated)}},
		{"escalated, and there is no such call", emergency.NoticeEscalated, call, []told{
			heard(call, emergency.NoticeEscalated), heard(refusal, emergency.NoticeEscalated),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				asked, left := carried(t, r, c.closed, acknowledged(c.event))
				same(t, "what Temporal was asked", c.want, asked)
				same(t, "left", 0, left)
			})
		})
	}
}

// An acknowledgement that Temporal cannot take now stays in the outbox, and no other
// workflow is asked instead.
func TestAcknowledgedLater(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		outbox := &pile{messages: []emergency.Message{acknowledged(emergency.NoticeEscalated)}}
		var asked []told
		r.temporal.answer = func(_ context.Context, m told) error {
			asked = append(asked, m)
			return serviceerror.NewUnavailable("no")
		}
		relay := r.relayOf(outbox)
		stop := run(t, relay)
		relay.Wake(callID(1))
		synctest.Wait()
		stop()
		same(t, "what Temporal was asked", []told{heard(workflows.WorkflowID(callID(1)), emergency.NoticeEscalated)}, asked)
		same(t, "left", 1, len(outbox.messages))
	})
}

// That every e-mail of a notice has come back is told to the workflow that waits for it
// to be seen; when none runs any more, nobody (B9).
func TestUndelivered(t *testing.T) {
	for event, workflow := range map[emergency.NoticeEvent]string{
		emergency.NoticePlaced: workflows.WorkflowID(callID(1)), emergency.NoticeFailed: workflows.RefusalWorkflowID(callID(1)),
	} {
		t.Run(string(event), func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				outbox := &pile{messages: []emergency.Message{
					letter(emergency.MessageUndelivered, emergency.Undelivered{Event: event, At: time.Now()}),
				}}
				var asked []told
				r.temporal.answer = func(_ context.Context, m told) error {
					asked = append(asked, m)
					return serviceerror.NewNotFound("workflow execution already completed")
				}
				relay := r.relayOf(outbox)
				stop := run(t, relay)
				relay.Wake(callID(1))
				synctest.Wait()
				stop()
				same(t, "what Temporal was asked", []told{{Workflow: workflow, What: workflows.SignalUndelivered, Number: string(event)}}, asked)
				same(t, "left", 0, len(outbox.messages))
			})
		})
	}
}

// A refused dial begins its own workflow, so that a repetition joins it, that a closed
// one is not begun again, and that supervisors can find it (B10).
func TestRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		asked, left := carried(t, r, "", letter(emergency.MessageRefused, emergency.RefusedOrder{
			CallID: callID(1), AgentID: "agent-us", SiteName: "Washington", Kind: emergency.KindEmergency,
			Country: emergency.UnitedStates, Code: emergency.CheckNoRoute, At: time.Now(),
		}))
		same(t, "what Temporal was asked", []told{
			{Workflow: "emergency-refusal/call-001", What: workflows.RefusalType, Number: string(emergency.CheckNoRoute)},
		}, asked)
		same(t, "left", 0, left)
		o := r.temporal.options
		same(t, "the task queue", workflows.TaskQueue, o.TaskQueue)
		same(t, "the conflict policy", enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, o.WorkflowIDConflictPolicy)
		same(t, "the reuse policy", enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, o.WorkflowIDReusePolicy)
		same(t, "the summary", "Emergency call refused: agent-us in US (no-route)", o.StaticSummary)
		phase, _ := o.TypedSearchAttributes.GetKeyword(workflows.KeyPhase)
		same(t, "the phase", workflows.PhaseRefused, phase)
		same(t, "search attributes", len(workflows.SearchAttributeKeys()), o.TypedSearchAttributes.Size())
		r.discreet(t)
	})
}

// A refusal, an acknowledgement, or the news that all came back stays where it is, if it
// cannot be read, for a process that can.
func TestStrangeNotices(t *testing.T) {
	for _, kind := range []emergency.MessageKind{emergency.MessageRefused, emergency.MessageAcknowledged, emergency.MessageUndelivered} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				asked, left := carried(t, r, "", letter(kind, 42))
				same(t, "what Temporal was asked", nil, asked)
				same(t, "left", 1, left)
			})
		})
	}
}
