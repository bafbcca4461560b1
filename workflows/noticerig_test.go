package workflows_test

import (
	"strings"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/client"
)

// insistent is the plan of the tests' calls: five minutes to acknowledge, and the
// site's list is told twice.
func insistent() *emergency.NoticePlan {
	return &emergency.NoticePlan{AcknowledgeWithin: 5 * time.Minute, Escalations: 2, ByUse: true, Outlives: true}
}

// newNoticeScene is a call whose notices somebody should acknowledge.
func newNoticeScene(t tb) *scene {
	s := newScene(t)
	s.order.Notices = insistent()
	return s
}

// noticeName is how the tests call a notice.
func noticeName(event emergency.NoticeEvent, round int) string {
	return strings.TrimSpace(string(event) + " " + strings.Repeat("I", round))
}

// noticeStep is the step that sends a notice.
func noticeStep(event emergency.NoticeEvent, round int) string {
	return workflows.ActivityNotifyContacts + " " + noticeName(event, round)
}

// acknowledge tells that somebody has seen a notice.
func (s *scene) acknowledge(d time.Duration, event emergency.NoticeEvent) {
	s.signal(d, workflows.SignalAcknowledged, emergency.Acknowledged{Event: event, At: noon.Add(d), By: "desk@example.org"})
}

// delivered ends a notice that was left pending.
func (s *scene) delivered(d time.Duration, name string, result workflows.Deliveries) {
	s.at(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.env.CompleteActivity(s.tokens[name], result, nil); err != nil {
			s.t.Errorf("complete %s: %v", name, err)
		}
	})
}

// noticeTimers are the timers that wait for an acknowledgement, by their summaries.
func (s *scene) noticeTimers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, c := range s.asked.of(commandTimer) {
		if strings.Contains(c.how, "acknowledge") {
			all = append(all, minutes(c.at.Sub(noon))+" for "+c.what+" "+c.how)
		}
	}
	return all
}

// noticesAsked are the notices that the workflow commands, sent or not.
func (s *scene) noticesAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, c := range s.asked.of(commandOrdinary) {
		if c.what != workflows.ActivityNotifyContacts {
			continue
		}
		_, event, _ := strings.Cut(c.input, `"event":"`)
		event, round, _ := strings.Cut(event, `"`)
		round = strings.Trim(strings.TrimPrefix(round, `,"round":`), "}")
		all = append(all, strings.TrimSpace(minutes(c.at.Sub(noon))+" "+event+" "+round))
	}
	return all
}

// refused is a dial that had no route.
var refused = emergency.RefusedOrder{
	CallID: "0198c0de-0000-7000-8000-000000000001", AgentID: "agent-us", SiteName: "Washington",
	Kind: emergency.KindEmergency, Country: emergency.UnitedStates, Code: emergency.CheckNoRoute, At: noon,
	Contacts: 2, Notices: *insistent(),
}

// newRefusalScene is a dial that was refused.
func newRefusalScene(t tb) *scene {
	s := newScene(t)
	s.env.SetStartWorkflowOptions(client.StartWorkflowOptions{
		ID: workflows.RefusalWorkflowID(refused.CallID), TaskQueue: workflows.TaskQueue,
	})
	return s
}

// refuse runs the workflow of a refused dial until it is closed.
func (s *scene) refuse(order emergency.RefusedOrder) (workflows.RefusalOutcome, error) {
	s.t.Helper()
	s.env.ExecuteWorkflow(workflows.RefusalType, order)
	if !s.env.IsWorkflowCompleted() {
		s.t.Fatalf("the workflow is still running")
	}
	if err := s.env.GetWorkflowError(); err != nil {
		return workflows.RefusalOutcome{}, err
	}
	var outcome workflows.RefusalOutcome
	if err := s.env.GetWorkflowResult(&outcome); err != nil {
		s.t.Fatalf("read the result: %v", err)
	}
	return outcome, nil
}

// refusal answers the state query of a refused dial.
func (s *scene) refusal() workflows.RefusalState {
	s.t.Helper()
	value, err := s.env.QueryWorkflow(workflows.QueryState)
	if err != nil {
		s.t.Fatalf("query state: %v", err)
	}
	var state workflows.RefusalState
	if err := value.Get(&state); err != nil {
		s.t.Fatalf("read state: %v", err)
	}
	return state
}
