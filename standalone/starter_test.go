package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"lifeline/internal/httpapi"
)

// A person with a terminal places, follows, calls back and ends a call, with the
// commands that the documentation shows and nothing but the data directory.
func TestStarter(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, shortTerms...)
	i.standalone()
	var call httpapi.Call
	if err := json.Unmarshal([]byte(i.starter("dial", "agent-us", "911", "--json")), &call); err != nil {
		t.Fatal("read the answer to dial --json: ", err)
	}
	watching := i.launchStarter("watch", call.CallID)
	await(t, "the watcher to have joined", func() error { return says(watching.output(t), "dialed 911") })
	i.starterSays(call.CallID, "list")
	callback := i.starterSays("emergency callback to agent-us", "callback", call.CallbackNumber)
	end := regexp.MustCompile(`starter (end \S+ --leg \S+)`).FindStringSubmatch(callback)
	if end == nil {
		t.Fatalf("callback does not say how to end it:\n%s", callback)
	}
	i.starterSays(call.CallID, strings.Fields(end[1])...)
	i.starterSays("in its callback window", "end", call.CallID)
	if code := watching.exitCode(t); code != 0 {
		t.Errorf("watch exits with %d", code)
	}
	for _, line := range []string{"outbound leg", "callback leg", "presence is do-not-disturb", "presence is available", "hung-up"} {
		if err := says(watching.output(t), line); err != nil {
			t.Error("watch: ", err)
		}
	}
	i.starterSays("No live calls.", "list")
	i.awaitFree(call.CallbackNumber)
	i.starterSays("not an emergency callback", "callback", call.CallbackNumber)
}

// starter runs a command to its end and gives what it wrote.
func (i *installation) starter(args ...string) string {
	i.t.Helper()
	p := i.launchStarter(args...)
	if code := p.exitCode(i.t); code != 0 {
		i.t.Fatalf("starter %s exits with %d: %s", strings.Join(args, " "), code, p.output(i.t))
	}
	return p.output(i.t)
}

func (i *installation) starterSays(want string, args ...string) string {
	i.t.Helper()
	said := i.starter(args...)
	if err := says(said, want); err != nil {
		i.t.Errorf("starter %s: %v", strings.Join(args, " "), err)
	}
	return said
}

func (i *installation) launchStarter(args ...string) *running {
	i.t.Helper()
	return launch(i.t, "starter", shared.program(i.t, "starter"), i.with("LIFELINE_HTTP_ADDR="+i.apis[0]), args...)
}
