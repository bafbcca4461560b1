package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lifeline/internal/httpapi"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// A release whose workflow code does things in another order runs beside the one
// before. A live call ends on the code that it began with, whichever release is
// current and although its workers are restarted; new calls take the current one; and
// an operator who goes back loses nobody who began on the new one (S11).
func TestReleasesSideBySide(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t)
	newer := changedWorker(t)
	old := u.release("1.0", shared.program(t, "worker"))
	u.awaitCurrent("1.0")
	before := u.dial("agent-us", "911")
	u.beganOn("1.0", before)

	changed := u.release("2.0", newer)
	await(t, "the new release to say that it waits", func() error {
		return says(changed.output(t), "New calls go to another build until an operator makes this one current")
	})
	between := u.dial("agent-gb", "999")
	u.beganOn("1.0", between)
	u.choose("2.0")
	after := u.dial("agent-dk", "112")
	u.beganOn("2.0", after)

	old.kill()
	old = u.release("1.0", shared.program(t, "worker"))
	u.isOver("1.0", before)

	u.choose("1.0")
	again := u.dial("agent-us", "911")
	u.beganOn("1.0", again)
	changed.kill()
	changed = u.release("2.0", newer)
	u.isOver("2.0", after)
	u.isOver("1.0", between)
	u.isOver("1.0", again)
	u.replayedEverything(old, changed)
}

// Calls that were live when an installation takes up build IDs move to the first build,
// as they would at any upgrade without them. Going back to workers without build IDs
// is an operator's choice that no worker undoes (S11).
func TestFirstReleaseTakesOver(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t)
	plain := u.worker()
	u.awaitReady(u.server, u.apis[0])
	before := u.dial("agent-us", "911")
	u.beganOn("", before)

	first := u.release("1.0", shared.program(t, "worker"))
	u.awaitCurrent("1.0")
	after := u.dial("agent-gb", "999")
	u.beganOn("1.0", after)
	plain.kill()
	u.isOver("1.0", before)

	plain = u.worker()
	u.choose("")
	again := u.release("1.0", shared.program(t, "worker"))
	await(t, "the build to leave the choice alone", func() error {
		return says(again.output(t), "New calls go to another build until an operator makes this one current")
	})
	last := u.dial("agent-us", "911")
	u.beganOn("", last)
	u.isOver("1.0", after)
	u.isOver("", last)
	u.replayedEverything(plain, first, again)
}

// A worker of a build that new calls do not go to is no worker for them, and /readyz says
// so (S11).
func TestNobodyTakesNewCalls(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t)
	u.release("1.0", shared.program(t, "worker"))
	u.awaitCurrent("1.0")
	if err := u.makeCurrent(""); err != nil {
		t.Fatal(err)
	}
	u.readyzSays("worker", "new calls go to workers without a build ID, and there are none")
	u.choose("1.0")
}

// Standalone has one worker, which would leave calls of the release before behind, so
// it takes no build ID.
func TestStandaloneHasNoReleases(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	p := launch(t, "standalone", itself(t), i.with(roleVariable+"="+roleStandalone, "LIFELINE_BUILD_ID=1.0"))
	if p.exitCode(t) == 0 || says(p.output(t), "leave LIFELINE_BUILD_ID empty") != nil {
		t.Errorf("with a build ID standalone ended with %s and said\n%s", p.cmd.ProcessState, p.output(t))
	}
}

// upgrade is an installation whose workers are replaced while calls are live.
type upgrade struct {
	*installation

	server   *running
	temporal client.Client
}

func newUpgrade(t *testing.T) *upgrade {
	t.Helper()
	i := newInstallation(t, shortTerms...)
	i.furnish()
	i.temporalServer()
	return &upgrade{installation: i, server: i.api(), temporal: i.engine()}
}

// release starts a worker of a build.
func (u *upgrade) release(build, program string) *running {
	u.t.Helper()
	p := launch(u.t, "worker "+build, program, u.with("LIFELINE_BUILD_ID="+build))
	u.awaitStart(p)
	return p
}

func (u *upgrade) deployment() client.WorkerDeploymentHandle {
	return u.temporal.WorkerDeploymentClient().GetHandle("lifeline")
}

// awaitCurrent waits until new calls go to a build.
func (u *upgrade) awaitCurrent(build string) {
	u.t.Helper()
	await(u.t, build+" to be current", func() error {
		known, err := u.deployment().Describe(u.t.Context(), client.WorkerDeploymentDescribeOptions{})
		if err != nil {
			return fmt.Errorf("describe deployment: %w", err)
		}
		current := ""
		if version := known.Info.RoutingConfig.CurrentVersion; version != nil {
			current = version.BuildID
		}
		if current != build {
			return fmt.Errorf("current is %q", current)
		}
		return nil
	})
	u.awaitReady(u.server, u.apis[0])
}

// choose is what an operator does at a deploy and to go back.
func (u *upgrade) choose(build string) {
	u.t.Helper()
	await(u.t, "Temporal to make "+build+" current", func() error { return u.makeCurrent(build) })
	u.awaitCurrent(build)
}

func (u *upgrade) makeCurrent(build string) error {
	_, err := u.deployment().SetCurrentVersion(u.t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
	return err
}

func (u *upgrade) dial(agent, number string) httpapi.Call {
	u.t.Helper()
	return u.as("agent/"+agent).dial(agent, number)
}

// build is the release that a call's workflow has last been carried on by, empty for
// workers without one.
func (u *upgrade) build(call httpapi.Call) (string, error) {
	described, err := u.temporal.DescribeWorkflowExecution(u.t.Context(), workflowID(call.CallID), "")
	if err != nil {
		return "", fmt.Errorf("describe workflow: %w", err)
	}
	return described.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId(), nil
}

// beganOn waits until contacts were told, so that the call's history is not empty, and
// looks who did it.
func (u *upgrade) beganOn(build string, call httpapi.Call) {
	u.t.Helper()
	awaitEqual(u.t, "the notice", httpapi.NotificationStateSent, func() httpapi.NotificationState {
		return u.as("supervisor").call(call.CallID).Notification.State
	})
	if got, err := u.build(call); err != nil || got != build {
		u.t.Errorf("the call began on build %q, %v; want %q", got, err, build)
	}
}

// isOver ends a call and waits until its workflow has completed on a build.
func (u *upgrade) isOver(build string, call httpapi.Call) {
	u.t.Helper()
	u.as("agent/" + call.AgentID).end(call)
	u.awaitStatus(call, httpapi.CallStatusEnded)
	awaitWorkflow(u.t, u.temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	if got, err := u.build(call); err != nil || got != build {
		u.t.Errorf("the call ended on build %q, %v; want %q", got, err, build)
	}
}

// replayedEverything demands that no worker met a history that its code did not write.
func (u *upgrade) replayedEverything(workers ...*running) {
	u.t.Helper()
	for _, w := range workers {
		for line := range strings.Lines(w.output(u.t)) {
			if strings.Contains(line, "nondeterminis") || strings.Contains(line, "non-determinis") || strings.Contains(line, "TMPRL1100") {
				u.t.Errorf("%s: %s", w.name, line)
			}
		}
	}
}

// changedWorker builds a worker whose EmergencyCall sets a timer before all else, so
// that it cannot carry on a call of the code as it is, nor the other way round.
func changedWorker(t *testing.T) string {
	t.Helper()
	const source = "../workflows/emergencycall.go"
	const first = "\tcall, err := setup(ctx, order)\n"
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal("read the workflow: ", err)
	}
	changed := strings.Replace(string(text), first, "\tif err := workflow.Sleep(ctx, time.Millisecond); err != nil {\n\t\treturn Outcome{}, err\n\t}\n"+first, 1)
	if changed == string(text) {
		t.Fatalf("%s does not begin as this test thinks", source)
	}
	dir := t.TempDir()
	path, err := filepath.Abs(source)
	overlay, wrong := json.Marshal(map[string]map[string]string{"Replace": {path: filepath.Join(dir, "changed.go")}})
	err = errors.Join(err, wrong,
		os.WriteFile(filepath.Join(dir, "changed.go"), []byte(changed), 0o600),
		os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	if err != nil {
		t.Fatal("change the workflow: ", err)
	}
	program := filepath.Join(dir, "worker")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "lifeline/worker")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the changed worker: %v\n%s", err, output)
	}
	return program
}
