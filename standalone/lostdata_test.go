package main

import (
	"os"
	"path/filepath"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
)

// When Temporal has lost all that it knew, live calls go on as soon as it is there again,
// although nobody starts a worker anew (S11).
func TestTemporalLosesItsData(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.furnish()
	temporal := i.temporalServer()
	i.api()
	i.worker()
	call := i.as("carrier").dial("agent-us", "911")
	awaitWorkflow(t, i.engine(), call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	temporal.kill()
	if err := os.RemoveAll(filepath.Join(i.dir, "temporal")); err != nil {
		t.Fatal(err)
	}
	i.temporalServer()
	awaitWorkflow(t, i.engine(), call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	if lines := i.repairs("call-resumed"); lines != 1 {
		t.Errorf("the audit has %d lines of it", lines)
	}
}
