package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"lifeline/internal/httpapi"
	"lifeline/workflows"

	"go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// repairs counts the audit's lines of one kind, past the API.
func (i *installation) repairs(kind string) int {
	i.t.Helper()
	return i.audited(`action = $1`, kind)
}

// audited counts the audit's lines that meet a condition, past the API.
func (i *installation) audited(condition string, args ...any) int {
	i.t.Helper()
	db, err := sql.Open("sqlite", "file:"+i.config().DatabaseURL+"?_pragma=busy_timeout(10000)")
	if err != nil {
		i.t.Fatal("open database: ", err)
	}
	defer func() { _ = db.Close() }()
	var lines int
	if err := db.QueryRowContext(i.t.Context(), `SELECT COUNT(*) FROM audit WHERE `+condition, args...).Scan(&lines); err != nil {
		i.t.Fatal("read audit: ", err)
	}
	return lines
}

// The workflow of a call that was terminated or deleted by mistake is begun again before
// the window is over. It has been told all that has happened, and does the rest at its
// time: presence follows the end, and the number goes back when the window is over (S11).
func TestWorkflowIsBegunAgain(t *testing.T) {
	t.Parallel()
	for mistake, do := range map[string]func(context.Context, client.Client, string) error{
		"terminated": func(ctx context.Context, temporal client.Client, id string) error {
			return temporal.TerminateWorkflow(ctx, id, "", "by mistake")
		},
		"deleted": func(ctx context.Context, temporal client.Client, id string) error {
			_, err := temporal.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
				Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: id},
			})
			return err
		},
	} {
		t.Run(mistake, func(t *testing.T) {
			t.Parallel()
			testBegunAgain(t, do)
		})
	}
}

func testBegunAgain(t *testing.T, mistake func(context.Context, client.Client, string) error) {
	t.Helper()
	i := newInstallation(t, "LEASE_DURATION=150s", "CALLBACK_GRACE=1s", "NUMBER_QUARANTINE=0s")
	i.standalone()
	agent, temporal := i.as("agent/agent-us"), i.engine()
	call := agent.dial("agent-us", "911")
	awaitWorkflow(t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	before, err := temporal.DescribeWorkflowExecution(t.Context(), workflowID(call.CallID), "")
	if err != nil {
		t.Fatal("describe workflow: ", err)
	}
	if err := mistake(t.Context(), temporal, workflowID(call.CallID)); err != nil {
		t.Fatal("make the mistake: ", err)
	}
	agent.end(call)
	await(t, "the workflow to run again", func() error {
		after, err := temporal.DescribeWorkflowExecution(t.Context(), workflowID(call.CallID), "")
		if err != nil {
			return fmt.Errorf("describe workflow: %w", err)
		}
		if after.GetWorkflowExecutionInfo().GetExecution().GetRunId() == before.GetWorkflowExecutionInfo().GetExecution().GetRunId() {
			return errors.New("there is only the run that it had")
		}
		if got := after.GetWorkflowExecutionInfo().GetStatus(); got != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	if lines := i.repairs("call-resumed"); lines != 1 {
		t.Errorf("the audit has %d lines of it", lines)
	}
	if shown := agent.presence("agent-us"); shown != "available" {
		t.Errorf("the agent shows %s", shown)
	}
	if got := i.as("carrier").inbound(call.CallbackNumber); got.CallID != call.CallID {
		t.Errorf("a callback goes to call %q", got.CallID)
	}
	agent.end(call)
	i.awaitStatus(call, httpapi.CallStatusEnded)
	awaitWorkflow(t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	i.awaitFree(call.CallbackNumber)
	failed, err := temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: "WorkflowType = '" + workflows.ReconcileType + "' AND ExecutionStatus = 'Failed'",
	})
	if err != nil || failed.GetCount() != 0 {
		t.Errorf("%d passes of the reconciler have failed (%v)", failed.GetCount(), err)
	}
}

// switchboard is a carrier's connector that knows the legs which it was told of.
type switchboard struct {
	mu sync.Mutex
	up map[string][]string
}

func (s *switchboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	legs, known := s.up[path.Base(strings.TrimSuffix(r.URL.Path, "/legs"))]
	w.Header().Set("Content-Type", "application/json")
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	answer := []map[string]string{}
	for _, leg := range legs {
		answer = append(answer, map[string]string{"legId": leg, "state": "up"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"legs": answer})
}

// A leg that the carrier does not know any more ends, although nobody told its end, and
// presence is as before; a leg that it knows stays up (B16).
func TestLegThatTheCarrierLost(t *testing.T) {
	t.Parallel()
	board := &switchboard{up: map[string][]string{}}
	server := httptest.NewServer(board)
	t.Cleanup(server.Close)
	i := newInstallation(t, "CARRIER_URL="+server.URL)
	i.standalone()
	lost, known := i.as("agent/agent-us").dial("agent-us", "911"), i.as("agent/agent-gb").dial("agent-gb", "999")
	board.mu.Lock()
	board.up[known.CallID] = []string{known.Legs[0].LegID}
	board.mu.Unlock()
	awaitEqual(t, "the agent's presence", "available", func() string { return i.as("admin").presence("agent-us") })
	if leg := i.as("supervisor").call(lost.CallID).Legs[0]; leg.Reason != "lost" {
		t.Errorf("the leg ended because of %q", leg.Reason)
	}
	if lines := i.repairs("leg-lost"); lines != 1 {
		t.Errorf("the audit has %d lines of it", lines)
	}
	if leg := i.as("supervisor").call(known.CallID).Legs[0]; leg.State != httpapi.LegStateUp {
		t.Errorf("the leg that the carrier knows is %s", leg.State)
	}
}

// People are told of a call whose end nobody told, although they are told of no other
// ends: it was ended by force, and somebody should check on the agent (B16).
func TestForcedEndIsTold(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "MAX_CALL_DURATION=2s")
	i.standalone()
	call := i.as("agent/agent-us").dial("agent-us", "911")
	i.awaitStatus(call, httpapi.CallStatusCallbackWindow)
	var ends []letter
	await(t, "the end to be told", func() error {
		ends = slices.DeleteFunc(i.mail(call.CallID), func(l letter) bool { return !strings.Contains(l.subject, "ended") })
		if len(ends) == 0 {
			return errors.New("nobody has been")
		}
		return nil
	})
	for _, end := range ends {
		if !strings.Contains(end.text, "Nobody has told that the call is over") {
			t.Errorf("%s reads %s", end.to, end.text)
		}
	}
}
