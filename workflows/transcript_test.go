package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeline/workflows"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// transcript writes down what a workflow commands, in the order in which it does,
// with everything that the SDK's replayer does not compare: arguments, timeouts,
// the lengths of timers, the values of search attributes, the result.
type transcript struct {
	interceptor.WorkerInterceptorBase

	mu       sync.Mutex
	commands []command
	// state is what answers the state query, also when the workflow is over: the
	// SDK's replayer takes no queries.
	state func() (workflows.State, error)
}

// command is one thing that the workflow asked for.
type command struct {
	at   time.Time
	kind string
	// what names the activity, the timer's length, the attribute with its value, or
	// the result.
	what string
	// input are an activity's arguments, in JSON.
	input string
	// how holds the options and the summary.
	how string
}

func (c command) String() string {
	return strings.Join(slices.DeleteFunc([]string{c.kind, c.what, c.input, c.how}, func(part string) bool { return part == "" }), " ")
}

func (t *transcript) add(ctx workflow.Context, c command) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.at = workflow.Now(ctx)
	t.commands = append(t.commands, c)
}

// of gives the commands of one kind.
func (t *transcript) of(kind string) []command {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []command
	for _, c := range t.commands {
		if c.kind == kind {
			found = append(found, c)
		}
	}
	return found
}

// String is the whole transcript, one command a line.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, c := range t.commands {
		fmt.Fprintln(&b, c)
	}
	return b.String()
}

// The kinds of commands.
const (
	commandLocal    = "local activity"
	commandOrdinary = "activity"
	commandTimer    = "timer"
	commandUpsert   = "upsert"
	commandComplete = "complete"
	commandCancel   = "cancel"
	commandFail     = "fail"
)

// InterceptWorkflow puts the transcript between the workflow and the SDK.
func (t *transcript) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, t}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase

	t *transcript
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.t})
}

func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	result, err := i.Next.ExecuteWorkflow(ctx, in)
	switch {
	case temporal.IsCanceledError(err):
		i.t.add(ctx, command{kind: commandCancel})
	case err != nil:
		i.t.add(ctx, command{kind: commandFail, what: err.Error()})
	default:
		i.t.add(ctx, command{kind: commandComplete, what: inJSON(result)})
	}
	return result, err
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase

	t *transcript
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	o.t.add(ctx, command{
		kind: commandOrdinary, what: name, input: inJSON(args...),
		how: how(options.ScheduleToCloseTimeout, options.StartToCloseTimeout, options.RetryPolicy, options.Summary),
	})
	return o.Next.ExecuteActivity(ctx, name, args...)
}

func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	options := workflow.GetLocalActivityOptions(ctx)
	o.t.add(ctx, command{
		kind: commandLocal, what: name, input: inJSON(args...),
		how: how(options.ScheduleToCloseTimeout, options.StartToCloseTimeout, options.RetryPolicy, options.Summary),
	})
	return o.Next.ExecuteLocalActivity(ctx, name, args...)
}

func (o *outbound) NewTimerWithOptions(ctx workflow.Context, d time.Duration, options workflow.TimerOptions) workflow.Future {
	o.t.add(ctx, command{kind: commandTimer, what: d.String(), how: fmt.Sprintf("%q", options.Summary)})
	return o.Next.NewTimerWithOptions(ctx, d, options)
}

func (o *outbound) SetQueryHandlerWithOptions(ctx workflow.Context, name string, handler any, options workflow.QueryHandlerOptions) error {
	if state, ok := handler.(func() (workflows.State, error)); ok && name == workflows.QueryState {
		o.t.state = state
	}
	return o.Next.SetQueryHandlerWithOptions(ctx, name, handler, options)
}

func (o *outbound) UpsertTypedSearchAttributes(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) error {
	var pairs []string
	for key, value := range temporal.NewSearchAttributes(updates...).GetUntypedValues() {
		pairs = append(pairs, fmt.Sprintf("%s=%v", key.GetName(), value))
	}
	slices.Sort(pairs)
	o.t.add(ctx, command{kind: commandUpsert, what: strings.Join(pairs, " ")})
	return o.Next.UpsertTypedSearchAttributes(ctx, updates...)
}

// how writes down an activity's options.
func how(scheduleToClose, startToClose time.Duration, retry *temporal.RetryPolicy, summary string) string {
	return fmt.Sprintf("schedule-to-close=%s start-to-close=%s retry=%s..%s x%d %q", scheduleToClose, startToClose,
		retry.InitialInterval, retry.MaximumInterval, retry.MaximumAttempts, summary)
}

// inJSON is what the data converter would have written, before encryption.
func inJSON(values ...any) string {
	var all []string
	for _, value := range values {
		encoded, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		all = append(all, string(encoded))
	}
	return strings.Join(all, " ")
}
