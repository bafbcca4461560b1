package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// workflowID is the ID of a call's workflow.
func workflowID(callID string) string { return workflows.WorkflowID(emergency.CallID(callID)) }

// awaitWorkflow waits until the workflow of a call stands in a way.
func awaitWorkflow(t testing.TB, c client.Client, callID string, want enumspb.WorkflowExecutionStatus) {
	t.Helper()
	await(t, "the call's workflow to be "+want.String(), func() error {
		described, err := c.DescribeWorkflowExecution(t.Context(), workflowID(callID), "")
		if err != nil {
			return fmt.Errorf("describe workflow: %w", err)
		}
		if got := described.GetWorkflowExecutionInfo().GetStatus(); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

// metadataQuery is answered by the SDK for every workflow.
const metadataQuery = "__temporal_workflow_metadata"

// details are what the Temporal Web UI shows of a call, decrypted.
func details(t testing.TB, c client.Client, callID string) string {
	t.Helper()
	answer, err := c.QueryWorkflow(t.Context(), workflowID(callID), "", metadataQuery)
	if err != nil {
		t.Fatal("ask for details: ", err)
	}
	var metadata sdkpb.WorkflowMetadata
	if err := answer.Get(&metadata); err != nil {
		t.Fatal("read details: ", err)
	}
	return metadata.GetCurrentDetails()
}

// search lists the IDs of the calls whose workflows match a query.
func search(t testing.TB, c client.Client, query string) []string {
	t.Helper()
	found, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: 1000})
	if err != nil {
		t.Fatalf("search %q: %v", query, err)
	}
	ids := []string{}
	for _, info := range found.GetExecutions() {
		ids = append(ids, strings.TrimPrefix(info.GetExecution().GetWorkflowId(), workflowID("")))
	}
	slices.Sort(ids)
	return ids
}

// history is what Temporal keeps of a call, as it hands it out.
func history(ctx context.Context, c client.Client, callID string) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	kept, err := c.WorkflowService().GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: "default", Execution: &commonpb.WorkflowExecution{WorkflowId: workflowID(callID)}, MaximumPageSize: 1000,
	})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return kept, nil
}
