package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"github.com/google/go-cmp/cmp"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// tb is what tests and random runs have in common.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// noon is when every call of these tests is dialed. It lies ahead of the clock of
// any machine, because the SDK gives the second attempt at a local activity a
// deadline that it reckons from the suite's clock and watches on the machine's.
var noon = time.Date(2096, 3, 8, 12, 0, 0, 0, time.UTC)

// agreed are the terms that Lifeline promises: S3, B1 and B16.
var agreed = emergency.Terms{
	Lease: 60 * time.Minute, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 30 * time.Minute,
}

// The legs of the tests' calls: the dial, and callbacks.
const (
	theDial = emergency.LegID("dial")
	first   = emergency.LegID("first")
	second  = emergency.LegID("second")
)

// scene is one call on the suite's clock, with the world around it faked.
type scene struct {
	t     tb
	env   *testsuite.TestWorkflowEnvironment
	order emergency.Order
	// asked is what the workflow commands; it includes what fails.
	asked *transcript

	mu sync.Mutex
	// plans decide how a step ends; a step without one succeeds.
	plans map[string]plan
	// tries counts the attempts at each step, and taken lists those that succeeded.
	tries map[string]int
	taken []step
	// tokens are of steps that go on until the test completes them.
	tokens map[string][]byte
	// logged are the workflow's and the SDK's warnings.
	logged []string
	lease  workflows.Lease
	told   workflows.Deliveries
	// busy makes ReleaseNumber answer that a leg is up.
	busy func(at time.Duration) bool
}

// plan decides how an attempt ends, given its number counted from one.
type plan func(attempt int) error

// step is something that was done to the world.
type step struct {
	at    time.Duration
	name  string
	local bool
	arg   string
}

func (s step) String() string {
	kind := ""
	if !s.local {
		kind = " (ordinary)"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", minutes(s.at), s.name, s.arg)) + kind
}

// newScene is a call with two contacts at a site in Washington.
func newScene(t tb) *scene {
	s := &scene{
		t: t,
		order: emergency.Order{
			CallID: "0198c0de-0000-7000-8000-000000000001", AgentID: "agent-us", Kind: emergency.KindEmergency,
			Dialed: "911", Country: emergency.UnitedStates, DialedAt: noon, LegID: theDial,
			Number: "+12025550101", NumberKind: emergency.NumberLeased, SiteName: "Washington", Terms: agreed, Contacts: 2,
		},
		asked: &transcript{}, plans: map[string]plan{}, tries: map[string]int{}, tokens: map[string][]byte{},
		told: workflows.Deliveries{Sent: 2}, busy: func(time.Duration) bool { return false },
	}
	s.lease = workflows.Lease{Number: s.order.Number, Kind: s.order.NumberKind}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(warnings{s})))
	s.env = suite.NewTestWorkflowEnvironment()
	s.env.SetTestTimeout(30 * time.Second)
	s.env.SetWorkerOptions(worker.Options{
		DeadlockDetectionTimeout: time.Minute,
		Interceptors:             []interceptor.WorkerInterceptor{s.asked},
	})
	s.env.SetStartWorkflowOptions(client.StartWorkflowOptions{
		ID: workflows.WorkflowID(s.order.CallID), TaskQueue: workflows.TaskQueue,
	})
	s.env.SetStartTime(noon)
	s.env.RegisterWorkflowWithOptions(workflows.EmergencyCall, workflow.RegisterOptions{Name: workflows.Type})
	s.env.RegisterWorkflowWithOptions(workflows.EmergencyRefusal, workflow.RegisterOptions{Name: workflows.RefusalType})
	s.register()
	return s
}

// register puts fakes in the places of the activities.
func (s *scene) register() {
	for name, fake := range map[string]any{
		workflows.ActivityLeaseNumber: func(ctx context.Context, in workflows.CallRef) (workflows.Lease, error) {
			return s.lease, s.take(ctx, workflows.ActivityLeaseNumber, in.CallID, "")
		},
		workflows.ActivityRegisterRoute: func(ctx context.Context, in workflows.CallRef) error {
			return s.take(ctx, workflows.ActivityRegisterRoute, in.CallID, "")
		},
		workflows.ActivitySetDoNotDisturb: func(ctx context.Context, in workflows.PresenceStep) error {
			return s.take(ctx, workflows.ActivitySetDoNotDisturb, in.CallID, string(in.LegID))
		},
		workflows.ActivityRestorePresence: func(ctx context.Context, in workflows.PresenceStep) error {
			return s.take(ctx, workflows.ActivityRestorePresence, in.CallID, string(in.LegID))
		},
		workflows.ActivityNotifyContacts: func(ctx context.Context, in workflows.NoticeRef) (workflows.Deliveries, error) {
			return s.told, s.take(ctx, workflows.ActivityNotifyContacts, in.CallID, noticeName(in.Event, in.Round))
		},
		workflows.ActivityEndLegs: func(ctx context.Context, in workflows.Ending) error {
			return s.take(ctx, workflows.ActivityEndLegs, in.CallID, strings.TrimSpace(string(in.LegID)+" "+string(in.Reason)))
		},
		workflows.ActivityReleaseNumber: func(ctx context.Context, in workflows.Closing) (workflows.Release, error) {
			busy, answer := s.busy(s.now()), in.Outcome
			if busy {
				answer += " refused"
			}
			return workflows.Release{Released: !busy}, s.take(ctx, workflows.ActivityReleaseNumber, in.CallID, answer)
		},
	} {
		s.env.RegisterActivityWithOptions(fake, activity.RegisterOptions{Name: name})
	}
}

// now is the time since the dial.
func (s *scene) now() time.Duration { return s.env.Now().Sub(noon) }

// take is an attempt at a step.
func (s *scene) take(ctx context.Context, name string, call emergency.CallID, arg string) error {
	info := activity.GetInfo(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if call != s.order.CallID {
		s.t.Errorf("%s is for the call %q, want %q", name, call, s.order.CallID)
	}
	s.tries[name]++
	decide := s.plans[name]
	// A notice may have a plan of its own.
	if one := name + " " + arg; s.plans[one] != nil {
		name, decide = one, s.plans[one]
		s.tries[name]++
	}
	if decide != nil {
		if err := decide(s.tries[name]); err != nil {
			if errors.Is(err, activity.ErrResultPending) {
				s.tokens[name] = info.TaskToken
			}
			return err
		}
	}
	s.taken = append(s.taken, step{at: s.now(), name: info.ActivityType.Name, local: info.IsLocalActivity, arg: arg})
	return nil
}

// at has something happen so long after the dial.
func (s *scene) at(d time.Duration, happen func()) { s.env.RegisterDelayedCallback(happen, d) }

// end tells that a leg ended.
func (s *scene) end(d time.Duration, leg emergency.LegID) {
	s.signal(d, workflows.SignalCallEnded, emergency.LegEnded{LegID: leg, At: noon.Add(d), Reason: emergency.EndHungUp})
}

// callback tells that the PSAP rings back.
func (s *scene) callback(d time.Duration, leg emergency.LegID) {
	s.signal(d, workflows.SignalCallbackReceived, emergency.CallbackReceived{LegID: leg, From: "+12025550911", At: noon.Add(d)})
}

func (s *scene) signal(d time.Duration, name string, message any) {
	s.at(d, func() { s.env.SignalWorkflow(name, message) })
}

// complete ends a step that was left pending.
func (s *scene) complete(d time.Duration, name string) {
	s.at(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.env.CompleteActivity(s.tokens[name], nil, nil); err != nil {
			s.t.Errorf("complete %s: %v", name, err)
		}
		s.taken = append(s.taken, step{at: s.now(), name: name})
	})
}

// details is what a supervisor reads in the Temporal Web UI at that time.
func (s *scene) details() string {
	s.t.Helper()
	value, err := s.env.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		s.t.Fatalf("query metadata: %v", err)
	}
	var metadata sdkpb.WorkflowMetadata
	if err := value.Get(&metadata); err != nil {
		s.t.Fatalf("read metadata: %v", err)
	}
	return metadata.GetCurrentDetails()
}

// state answers the state query.
func (s *scene) state() workflows.State {
	s.t.Helper()
	value, err := s.env.QueryWorkflow(workflows.QueryState)
	if err != nil {
		s.t.Fatalf("query state: %v", err)
	}
	var state workflows.State
	if err := value.Get(&state); err != nil {
		s.t.Fatalf("read state: %v", err)
	}
	return state
}

// play runs the call until its workflow is closed.
func (s *scene) play() (workflows.Outcome, error) {
	s.t.Helper()
	s.env.ExecuteWorkflow(workflows.Type, s.order)
	if !s.env.IsWorkflowCompleted() {
		s.t.Fatalf("the workflow is still running")
	}
	if err := s.env.GetWorkflowError(); err != nil {
		return workflows.Outcome{}, err
	}
	var outcome workflows.Outcome
	if err := s.env.GetWorkflowResult(&outcome); err != nil {
		s.t.Fatalf("read the result: %v", err)
	}
	return outcome, nil
}

// completes runs the call to its planned end.
func (s *scene) completes(legs int) {
	s.t.Helper()
	outcome, err := s.play()
	if err != nil {
		s.t.Fatalf("the workflow failed: %v", err)
	}
	same(s.t, "the outcome", workflows.Outcome{Result: workflows.OutcomeCompleted, Legs: legs}, outcome)
	s.quiet()
}

// quiet checks that no message was left unread and nothing else gave a warning.
func (s *scene) quiet() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.logged {
		s.t.Errorf("logged: %s", line)
	}
}

// story is what became of a call, by what was done one after the other. Lines
// begin with the time since the dial.
type story struct {
	Number, Presence, Notice, Timers, Phases []string
}

func (s *scene) story() story {
	s.mu.Lock()
	defer s.mu.Unlock()
	var told story
	for _, step := range s.taken {
		switch step.name {
		case workflows.ActivitySetDoNotDisturb, workflows.ActivityRestorePresence:
			told.Presence = append(told.Presence, step.String())
		case workflows.ActivityNotifyContacts:
			told.Notice = append(told.Notice, step.String())
		default:
			told.Number = append(told.Number, step.String())
		}
	}
	for _, c := range s.asked.of(commandTimer) {
		told.Timers = append(told.Timers, minutes(c.at.Sub(noon))+" for "+c.what)
	}
	for _, c := range s.asked.of(commandUpsert) {
		told.Phases = append(told.Phases, minutes(c.at.Sub(noon))+" "+c.what)
	}
	return told
}

// steps are those of one activity that succeeded. Other activities may still be
// under way when the workflow has closed.
func (s *scene) steps(name string) []step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.taken), func(taken step) bool { return taken.name != name })
}

// attempts tells how often something was tried.
func (s *scene) attempts(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries[name]
}

// begun is how every call's numbers begin.
func begun(more ...string) []string {
	return slices.Concat([]string{"0m LeaseNumber", "0m RegisterRoute"}, more)
}

// minutes is a time since the dial, for people.
func minutes(d time.Duration) string {
	if rest := d % time.Minute; rest != 0 {
		return fmt.Sprintf("%dm%s", d/time.Minute, rest)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

// mentions checks that a text has each part, and failing that shows it.
func mentions(t tb, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing from:\n%s", part, text)
		}
	}
}

// same compares two things that should be alike.
func same[T any](t tb, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// warnings keeps what is logged at level WARN and above.
type warnings struct{ s *scene }

func (warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (w warnings) Handle(_ context.Context, record slog.Record) error {
	line := record.Message
	record.Attrs(func(attr slog.Attr) bool {
		line += " " + attr.String()
		return true
	})
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.logged = append(w.s.logged, line)
	return nil
}

func (w warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

func (w warnings) WithGroup(string) slog.Handler { return w }
