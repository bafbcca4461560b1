package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeline/internal/httpapi"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// personal is what belongs to nobody but the people of agent-us's call.
var personal = []string{
	"2025550101", callTaker[1:], "Example Avenue", "Washington service centre", "security@example.org", "supervisor@example.org",
}

// What Temporal keeps is encrypted (B14): neither the history that it hands out nor
// any of its files holds a number, an address, a place or a recipient. The codec
// endpoint decrypts for supervisors alone.
func TestTemporalKeepsSecrets(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	call := i.as("carrier").dial("agent-us", "911")
	i.as("carrier").inbound(call.CallbackNumber)
	i.as("agent/agent-us").end(call)
	kept := i.wholeStory(call.CallID)
	raw, err := proto.Marshal(kept)
	if err != nil {
		t.Fatal("encode history: ", err)
	}
	for place, content := range map[string][]byte{"history": raw, "Temporal's files": i.temporalFiles()} {
		if !bytes.Contains(content, []byte("agent-us")) {
			t.Fatalf("%s does not even hold the search attributes: the test looks in the wrong place", place)
		}
		for _, secret := range personal {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s holds %q in clear", place, secret)
			}
		}
	}
	started := kept.GetHistory().GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	i.decryptsForSupervisorsAlone(started.GetInput(), call.CallbackNumber)
}

// wholeStory waits until three signals and a notice are in a call's history, and
// gives it.
func (i *installation) wholeStory(callID string) (kept *workflowservice.GetWorkflowExecutionHistoryResponse) {
	i.t.Helper()
	temporal := i.engine()
	await(i.t, "the story to be in the history", func() (err error) {
		if kept, err = history(i.t.Context(), temporal, callID); err != nil {
			return err
		}
		var signals, notices int
		for _, event := range kept.GetHistory().GetEvents() {
			switch event.GetEventType() { //nolint:exhaustive // the others do not matter
			case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
				signals++
			case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
				notices++
			}
		}
		if signals < 3 || notices < 1 {
			return fmt.Errorf("there are %d signals and %d notices", signals, notices)
		}
		return nil
	})
	return kept
}

// temporalFiles is everything that the embedded server has written to the disk.
func (i *installation) temporalFiles() []byte {
	i.t.Helper()
	var all []byte
	err := filepath.WalkDir(filepath.Join(i.dir, "temporal"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, content...)
		return err // it names the file
	})
	if err != nil {
		i.t.Fatal("read Temporal's files: ", err)
	}
	return all
}

// decryptsForSupervisorsAlone asks the codec endpoint as everybody who might.
func (i *installation) decryptsForSupervisorsAlone(encrypted *commonpb.Payloads, number string) {
	i.t.Helper()
	body, err := protojson.Marshal(encrypted)
	if err != nil {
		i.t.Fatal("encode payloads: ", err)
	}
	webUI := "http://" + i.uiAddr
	for _, ask := range []struct {
		who    string
		caller *caller
		status int
	}{
		{"a supervisor's token", i.as("supervisor"), http.StatusOK},
		{"a supervisor's browser in the Web UI", i.browser("supervisor", webUI), http.StatusOK},
		{"a supervisor's browser on another page", i.browser("supervisor", "http://127.0.0.1:1"), http.StatusForbidden},
		{"an agent's token", i.as("agent/agent-us"), http.StatusForbidden},
		{"an agent's browser in the Web UI", i.browser("agent/agent-us", webUI), http.StatusForbidden},
		{"an admin's token", i.as("admin"), http.StatusForbidden},
		{"a carrier's token", i.as("carrier"), http.StatusForbidden},
		{"nobody's token", &caller{t: i.t, next: i.nextAPI, token: "not-a-token-of-this-service"}, http.StatusUnauthorized},
		{"no token", &caller{t: i.t, next: i.nextAPI}, http.StatusUnauthorized},
	} {
		var answer struct{ Payloads []struct{ Data []byte } }
		status, err := ask.caller.sendRaw(http.MethodPost, "/codec/decode", body, &answer)
		if err != nil {
			i.t.Fatal("ask the codec endpoint: ", err)
		}
		shown := len(answer.Payloads) == 1 && strings.Contains(string(answer.Payloads[0].Data), number)
		if status != ask.status || shown != (ask.status == http.StatusOK) {
			i.t.Errorf("%s: %d, the number shown: %t; want %d", ask.who, status, shown, ask.status)
		}
	}
}

// browser is a browser that has logged in and asks from a page of an origin.
func (i *installation) browser(who, origin string) *caller {
	i.t.Helper()
	c := &caller{t: i.t, next: i.nextAPI}
	response, err := c.open(http.MethodPost, "/login", []byte(`{"token":"`+i.token(who)+`"}`), nil)
	if err != nil {
		i.t.Fatal("log in: ", err)
	}
	defer response.Body.Close() //nolint:errcheck // only the cookie matters
	if response.StatusCode != http.StatusOK || len(response.Cookies()) != 1 {
		i.t.Fatalf("log in: %s", response.Status)
	}
	c.cookie, c.origin = response.Cookies()[0], origin
	return c
}

// Supervisors find calls by phase, agent, country and whether it is a test (B13),
// and read in the details what is going on.
func TestSupervisorsFindCalls(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	carrier, temporal := i.as("carrier"), i.engine()
	live := carrier.dial("agent-us", "911")
	test := carrier.dial("agent-ca", "urn:service:test.sos")
	over := carrier.dial("agent-gb", "999")
	carrier.end(over)
	for query, want := range map[string][]httpapi.Call{
		"EmergencyPhase = 'active' AND EmergencyAgent = 'agent-us'": {live},
		"EmergencyPhase = 'callback-window'":                        {over},
		"EmergencyCountry = 'CA' AND ExecutionStatus = 'Running'":   {test},
		"EmergencyTest = true":                                      {test},
		"EmergencyTest = false":                                     {live, over},
	} {
		ids := []string{}
		for _, call := range want {
			ids = append(ids, call.CallID)
		}
		awaitEqual(t, query, ids, func() []string { return search(t, temporal, query) })
	}
	for call, phrases := range map[string][]string{
		live.CallID: {"Emergency call in progress", "`agent-us` at Washington service centre", "911 (US)", live.CallbackNumber, "still up", "2 of 2 told"},
		test.CallID: {"TEST · Emergency call in progress", "`agent-ca` at Ottawa service centre", "Test list** 1 of 1 told"},
		over.CallID: {"Callback window open until", "`agent-gb` at London service centre", "hung-up", "2 of 2 told"},
	} {
		await(t, "the details", func() error {
			shown := details(t, temporal, call)
			for _, phrase := range phrases {
				if err := says(shown, phrase); err != nil {
					return err
				}
			}
			return nil
		})
	}
}
