package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets this test binary be starter when a script runs it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"starter": main})
}

// TestScripts runs what people type. Every script has a service of its own, whose
// tokens lie where standalone puts them, so that starter must find them by itself.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			l := newLifeline(env.T().(testing.TB)) //nolint:forcetypeassert // testscript.Run promises it
			env.Defer(l.server.Close)
			env.Defer(func() { l.change(func() { l.cut = true }) })
			env.Values[serviceKey{}] = l
			address := strings.TrimPrefix(l.server.URL, "http://")
			env.Setenv("LIFELINE_HTTP_ADDR", address)
			env.Setenv("BASE", l.server.URL)
			dir := filepath.Join(env.WorkDir, "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "secrets.json"), []byte(`{"tokens":"`+allTokens+`"}`), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"lifeline": lifelineCommand, "exits": exitsCommand},
	})
}

type serviceKey struct{}

// lifelineCommand lets a script be what happens in the service:
//
//	lifeline watched                waits until a watcher has read all that has happened
//	lifeline knocked                waits until a watcher has tried in vain to go on
//	lifeline up                     waits until a call is up
//	lifeline notice <call> <state>  what has become of the notice
//	lifeline presence <status>      what the agent chooses
//	lifeline elsewhere <status>     what another agent chooses
//	lifeline meanwhile <call>       the call ends just before it is read next
//	lifeline rang <number>          fails unless this number has rung last
//	lifeline close <call>           the callback window is over
//	lifeline refused <call> <kind>  a dial from another country was refused
//	lifeline erase <call>           nothing of the call remains
//	lifeline cut, restore           the event streams break, and work again
//	lifeline hang-up                the next request gets no answer
//	lifeline unwell                 the next reading of a call fails
//	lifeline told                   every notice goes out at once from now on
//	lifeline stuck                  ended calls leave the agent on Do not disturb
//	lifeline moved <country>        the site of the agents is in another country
//	lifeline foreign                another program has the address
//	lifeline stop                   nothing has the address
func lifelineCommand(ts *testscript.TestScript, _ bool, args []string) {
	l := ts.Value(serviceKey{}).(*lifeline) //nolint:forcetypeassert // Setup puts it there
	switch verb, args := args[0], args[1:]; verb {
	case "watched":
		l.wait("a watcher has read all that has happened", func() bool { return l.streams > 0 && l.caughtUp() })
	case "knocked":
		l.wait("a watcher has tried in vain to go on", func() bool { return l.knocks > 0 })
	case "refused":
		l.change(func() { l.refuseDial(args[0], EventKind(args[1])) })
	case "up":
		l.wait("a call is up", func() bool {
			return slices.ContainsFunc(l.calls, func(call *Call) bool { return legsUp(*call) > 0 })
		})
	case "moved":
		l.change(func() { l.country = args[0] })
	case "stop":
		l.server.Close()
	default:
		l.change(func() { l.happen(ts, verb, args) })
	}
}

// caughtUp tells whether a call was read after the last event that asks for it.
func (l *lifeline) caughtUp() bool {
	last := 0
	for i, event := range l.events {
		if event.Type != EventTypePresenceChanged {
			last = i + 1
		}
	}
	return l.read >= last
}

func (l *lifeline) refuseDial(id string, kind EventKind) {
	for _, told := range []Event{{Type: EventTypeCallRefused, Status: "no-route"}, {Type: EventTypeCountriesDiffer}, {Type: EventTypeNoticeUpdated}} {
		told.CallID, told.Kind, told.At = id, kind, l.tick()
		l.tell(told)
	}
}

func (l *lifeline) happen(ts *testscript.TestScript, verb string, args []string) {
	switch verb {
	case "notice":
		at := l.tick()
		l.call(args[0]).Notification = notified(NotificationState(args[1]), at)
		l.tell(Event{Type: EventTypeNoticeUpdated, CallID: args[0], At: at})
	case "presence":
		l.tick()
		l.show(args[0])
	case "elsewhere":
		l.events = append(l.events, Event{Type: EventTypePresenceChanged, AgentID: "agent-dk", Status: args[0], At: l.tick()})
	case "meanwhile":
		l.meanwhile = func() { l.endLegs(l.call(args[0]), "", "hung-up") }
	case "rang":
		if l.from != args[0] {
			ts.Fatalf("%q has rung, want %q", l.from, args[0])
		}
	case "close":
		l.clock = l.call(args[0]).WindowEndsAt
		l.call(args[0]).Status = CallStatusEnded
		l.tell(Event{Type: EventTypeCallClosed, CallID: args[0], At: l.clock})
	case "erase":
		l.calls = nil
	case "cut", "restore":
		l.cut = verb == "cut"
	case "hang-up":
		l.hangUp = true
	case "unwell":
		l.unwell = true
	case "told":
		l.told, l.acknowledged = true, slices.Contains(args, "acknowledged")
	case "stuck":
		l.stuck = true
	case "foreign":
		l.foreign = true
	default:
		ts.Fatalf("the service knows no %q", verb)
	}
}

// exitsCommand runs a program and compares its exit code: exits 1 starter list.
func exitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	if failed, ok := errors.AsType[*exec.ExitError](ts.Exec(args[1], args[2:]...)); ok {
		code = failed.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}
