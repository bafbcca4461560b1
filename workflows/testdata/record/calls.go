package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// call is one scenario.
type call struct {
	name  string
	order emergency.Order
	// refused is what came of a dial that did not become a call.
	refused *emergency.RefusedOrder
	// early are messages that come before any worker runs; script what happens then.
	early, script []act
	// fail decides whether an attempt at a step fails; nil when none does.
	fail func(attempt) error
	// closed makes the call one that is over already.
	closed bool
	// standing makes it one that found no callback number free.
	standing bool
	// refusals is how often the number cannot be released yet.
	refusals int
	// plan is how far the telling of people goes; nil before version 3.
	plan *emergency.NoticePlan
	// unreachable makes every recipient of the first notice one who cannot be reached.
	unreachable bool
	// superseded has no escalation but the last go out.
	superseded bool
	// nobody says that there is nobody to be told.
	nobody bool
	// cancelled says that the call is to end as cancelled.
	cancelled bool

	mu sync.Mutex
}

// act is something that happens some time after the worker has started.
type act struct {
	after time.Duration
	do    func(context.Context, client.Client, *call) error
}

// The legs beside the dial.
const (
	first  = emergency.LegID("0198c0de-0000-7000-8000-00000000f001")
	second = emergency.LegID("0198c0de-0000-7000-8000-00000000f002")
)

// dial is the leg of the dial itself.
const dial = emergency.LegID("0198c0de-0000-7000-8000-00000000f000")

// terms are those of S3, B1 and B16, in seconds instead of minutes and hours.
var terms = emergency.Terms{Lease: 4 * time.Second, Grace: time.Second, MaxCall: time.Minute, Quarantine: time.Second}

// newCalls are the scenarios. A further one gets a further name.
func newCalls() []*call {
	calls := []*call{
		{name: "ordinary", script: []act{ended(time.Second, dial)}},
		{name: "long-call", script: []act{ended(5*time.Second, dial)}},
		{name: "callback", script: []act{
			ended(500*time.Millisecond, dial), rung(2000*time.Millisecond, first), ended(3500*time.Millisecond, first),
		}},
		{name: "duplicates-and-reorder", script: []act{
			rung(500*time.Millisecond, first), rung(600*time.Millisecond, first), rung(700*time.Millisecond, second),
			ended(time.Second, dial), ended(1100*time.Millisecond, dial), ended(1200*time.Millisecond, "unknown"),
			unreadable(1300*time.Millisecond, workflows.SignalCallEnded), ended(1400*time.Millisecond, first), ended(1500*time.Millisecond, second),
			ended(2000*time.Millisecond, "third"), rung(2100*time.Millisecond, "third"),
		}},
		{name: "messages-first", early: []act{rung(0, first), ended(0, dial), ended(0, first)}},
		{name: "max-duration"},
		{name: "cancelled-in-call", script: []act{cancel(time.Second)}, cancelled: true},
		{name: "cancelled-in-window", script: []act{ended(500*time.Millisecond, dial), cancel(1500 * time.Millisecond)}, cancelled: true},
		{name: "presence-outside", script: []act{ended(time.Second, dial)}},
		{name: "release-refused", script: []act{
			ended(time.Second, dial), rung(5*time.Second, first), ended(6*time.Second, first),
		}, refusals: 1},
		{name: "sql-in-trouble", script: []act{ended(2*time.Second, dial)}, fail: sqlInTrouble},
		{name: "obsolete", closed: true},
		// Version 2 takes in a number that is leased late (B5).
		{name: "late-lease", script: []act{
			leased(500 * time.Millisecond), leased(600 * time.Millisecond),
			unreadable(700*time.Millisecond, workflows.SignalNumberLeased), ended(time.Second, dial),
			rung(2000*time.Millisecond, first), ended(2500*time.Millisecond, first),
		}, standing: true},
		{name: "late-lease-in-trouble", early: []act{leased(0)}, script: []act{ended(2*time.Second, dial)}, fail: sqlInTrouble, standing: true},
		// Version 5 settles presence after a leg of which it hears when that is over.
		{name: "missed-leg", script: []act{
			ended(500*time.Millisecond, dial), ended(1000*time.Millisecond, first), rung(1100*time.Millisecond, first),
			ended(1500*time.Millisecond, second), rung(1600*time.Millisecond, second),
		}},
		// Version 6 takes in what the PSAP saw of a call that was answered without SQL (B7).
		{name: "corrected", script: []act{
			corrected(500 * time.Millisecond), corrected(600 * time.Millisecond),
			unreadable(700*time.Millisecond, workflows.SignalNumberCorrected), ended(time.Second, dial),
			rung(2000*time.Millisecond, first), ended(2500*time.Millisecond, first),
		}},
		{name: "corrected-in-trouble", early: []act{corrected(0)}, script: []act{ended(2*time.Second, dial)}, fail: sqlInTrouble},
	}
	calls = append(calls, noticeCalls()...)
	calls = append(calls, usefulCalls()...)
	calls = append(calls, outlivingCalls()...)
	for n, c := range calls {
		c.give(n + 1)
	}
	return calls
}

// give fills in the orders of the number-th scenario: the same in every run, as
// a history must not change with the day.
func (c *call) give(number int) {
	c.order = emergency.Order{
		CallID:  emergency.CallID(fmt.Sprintf("0198c0de-0000-7000-8000-%012d", number)),
		AgentID: "agent-us", Kind: emergency.KindEmergency, Dialed: "911", Country: emergency.UnitedStates,
		LegID: dial, Number: "+12025550101", NumberKind: emergency.NumberLeased, SiteName: "Washington",
		Terms: terms, Contacts: 2, PresenceOutside: c.name == "presence-outside", Notices: c.plan,
	}
	if c.refused != nil {
		c.refused.CallID, c.refused.AgentID, c.refused.SiteName = c.order.CallID, c.order.AgentID, c.order.SiteName
		c.refused.Kind, c.refused.Country, c.refused.Code = c.order.Kind, c.order.Country, emergency.CheckNoRoute
		c.refused.Contacts, c.refused.Notices = c.order.Contacts, *c.plan
	}
	if c.standing {
		c.order.Number, c.order.NumberKind = "+12025550199", emergency.NumberStanding
	}
	if c.name == "max-duration" {
		c.order.Terms.MaxCall = 5 * time.Second
	}
}

// sqlInTrouble fails three steps as local activities, and once more as ordinary
// ones; and the notice for good.
func sqlInTrouble(a attempt) error {
	switch a.step {
	case workflows.ActivityNotifyContacts:
		return temporal.NewNonRetryableApplicationError("no mail system", "MailRefused", nil)
	case workflows.ActivityLeaseNumber, workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber:
		if a.local || a.number == 1 {
			return errors.New("the database is locked")
		}
	}
	return nil
}

// workflowID is the ID of the workflow that follows the dial.
func (c *call) workflowID() string {
	if c.refused != nil {
		return workflows.RefusalWorkflowID(c.order.CallID)
	}
	return workflows.WorkflowID(c.order.CallID)
}

// dial starts the call's workflow as the relay does, and sends what comes early.
func (c *call) dial(ctx context.Context, t client.Client) error {
	c.order.DialedAt = time.Now().UTC().Truncate(time.Microsecond)
	options := client.StartWorkflowOptions{ID: c.workflowID(), TaskQueue: workflows.TaskQueue}
	workflow, order := workflows.Type, any(c.order)
	options.TypedSearchAttributes, options.StaticSummary = workflows.InitialSearchAttributes(c.order), workflows.Summary(c.order)
	if c.refused != nil {
		c.refused.At = c.order.DialedAt
		workflow, order = workflows.RefusalType, *c.refused
		options.TypedSearchAttributes, options.StaticSummary = workflows.RefusalSearchAttributes(*c.refused), workflows.RefusalSummary(*c.refused)
	}
	if _, err := t.ExecuteWorkflow(ctx, options, workflow, order); err != nil {
		return err
	}
	for _, act := range c.early {
		if err := act.do(ctx, t, c); err != nil {
			return err
		}
	}
	return nil
}

// play does what the script says, waits for the end and saves the history.
func (c *call) play(ctx context.Context, t client.Client) error {
	begin := time.Now()
	for _, act := range c.script {
		time.Sleep(time.Until(begin.Add(act.after)))
		if err := act.do(ctx, t, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	err := t.GetWorkflow(ctx, c.workflowID(), "").Get(ctx, nil)
	if temporal.IsCanceledError(err) && c.cancelled {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return c.save(ctx, t)
}

func ended(after time.Duration, leg emergency.LegID) act {
	return send(after, workflows.SignalCallEnded, func(at time.Time) any {
		return emergency.LegEnded{LegID: leg, At: at, Reason: emergency.EndHungUp}
	})
}

func rung(after time.Duration, leg emergency.LegID) act {
	return send(after, workflows.SignalCallbackReceived, func(at time.Time) any {
		return emergency.CallbackReceived{LegID: leg, From: "+12025550911", At: at}
	})
}

func leased(after time.Duration) act {
	return send(after, workflows.SignalNumberLeased, func(at time.Time) any {
		return emergency.LateLease{Number: "+12025550102", At: at}
	})
}

func corrected(after time.Duration) act {
	return send(after, workflows.SignalNumberCorrected, func(at time.Time) any {
		return emergency.CorrectedNumber{Number: "+12025550199", Kind: emergency.NumberStanding, At: at}
	})
}

func unreadable(after time.Duration, signal string) act {
	return send(after, signal, func(time.Time) any { return "hello" })
}

func send(after time.Duration, name string, message func(at time.Time) any) act {
	return act{after, func(ctx context.Context, t client.Client, c *call) error {
		return t.SignalWorkflow(ctx, c.workflowID(), "", name, message(time.Now().UTC().Truncate(time.Microsecond)))
	}}
}

func cancel(after time.Duration) act {
	return act{after, func(ctx context.Context, t client.Client, c *call) error {
		return t.CancelWorkflow(ctx, c.workflowID(), "")
	}}
}
