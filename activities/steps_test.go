package activities_test

import (
	"context"
	"errors"
	"flag"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
	"lifeline/workflows"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"pgregory.net/rapid"
)

// TestMain keeps the random runs few, because each makes a database; the command
// line may ask for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	m.Run()
}

// steps are all activities by name, as they are taken for a call that is cancelled.
func (r *rig) steps(id emergency.CallID) map[string]func(context.Context) error {
	ref := workflows.CallRef{CallID: id}
	return map[string]func(context.Context) error{
		workflows.ActivityLeaseNumber:   func(ctx context.Context) error { return alone(r.LeaseNumber(ctx, ref)) },
		workflows.ActivityRegisterRoute: func(ctx context.Context) error { return r.RegisterRoute(ctx, ref) },
		workflows.ActivitySetDoNotDisturb: func(ctx context.Context) error {
			return r.SetDoNotDisturb(ctx, workflows.PresenceStep{CallID: id, AgentID: caller, LegID: theDial})
		},
		workflows.ActivityRestorePresence: func(ctx context.Context) error {
			return r.RestorePresence(ctx, workflows.PresenceStep{CallID: id, AgentID: caller})
		},
		workflows.ActivityNotifyContacts: func(ctx context.Context) error {
			return alone(r.NotifyContacts(ctx, workflows.NoticeRef{CallID: id, Event: emergency.NoticePlaced}))
		},
		workflows.ActivityEndLegs: func(ctx context.Context) error {
			return r.EndLegs(ctx, workflows.Ending{CallID: id, Reason: emergency.EndMaxDuration})
		},
		workflows.ActivityReleaseNumber: func(ctx context.Context) error {
			return alone(r.ReleaseNumber(ctx, workflows.Closing{CallID: id, Outcome: workflows.OutcomeCancelled}))
		},
	}
}

// alone is the error without the result.
func alone[T any](_ T, err error) error { return err }

// A step that has been taken changes nothing when it is taken again, at whatever
// stage of the call (S11).
func TestTwice(t *testing.T) {
	for stage, happen := range map[string]func(*testing.T, *rig){
		"in the call":   func(*testing.T, *rig) {},
		"in the window": func(t *testing.T, r *rig) { r.end(t, "", time.Minute) },
		"in a callback": func(t *testing.T, r *rig) { r.end(t, "", time.Minute); r.ring(t, 0) },
		"after the release": func(t *testing.T, r *rig) {
			r.end(t, "", time.Minute)
			ok(t, r.steps(callID)[workflows.ActivityReleaseNumber](t.Context()))
		},
	} {
		for name := range (&rig{}).steps(callID) {
			t.Run(stage+"/"+name, func(t *testing.T) {
				r := newRig(t, 5*time.Minute)
				happen(t, r)
				ok(t, r.steps(callID)[name](t.Context()))
				once := r.picture(t)
				ok(t, r.steps(callID)[name](t.Context()))
				same(t, "what the second time leaves", once, r.picture(t))
			})
		}
	}
}

// A step that comes too early or too late does no harm: Do not disturb holds while
// a leg is up and no longer, the number stays with the call while a leg is up, and
// nobody is told twice.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, 5*time.Minute)
		upset := []string{
			workflows.ActivityLeaseNumber, workflows.ActivityRegisterRoute, workflows.ActivitySetDoNotDisturb,
			workflows.ActivityRestorePresence, workflows.ActivityNotifyContacts, workflows.ActivityReleaseNumber,
		}
		take := func(when string) {
			for _, name := range rapid.Permutation(append(upset, upset...)).Draw(rt, when) {
				if err := r.steps(callID)[name](t.Context()); err != nil {
					rt.Fatalf("%s: %v", name, err)
				}
			}
		}
		take("in the call")
		inCall := r.picture(t)
		same(rt, "presence in the call", emergency.StatusDoNotDisturb, inCall.Presence.Status)
		same(rt, "the number in the call", emergency.NumberInLease, inCall.Numbers[0].State)
		same(rt, "status in the call", emergency.CallActive, inCall.Call.Status(time.Now()))
		r.end(t, "", 0)
		take("after the call")
		after := r.picture(t)
		same(rt, "presence after the call", emergency.StatusAvailable, after.Presence.Status)
		same(rt, "the number after the call", emergency.NumberQuarantined, after.Numbers[0].State)
		same(rt, "status after the call", emergency.CallEnded, after.Call.Status(time.Now()))
		same(rt, "mails", 2, after.Mails)
		same(rt, "changes of presence", inCall.Presence.Revision+1, after.Presence.Revision)
	})
}

// Steps that are taken after a terminated workflow's call has expired in SQL find
// it closed, and leave it so. Who has not heard of it is told.
func TestAfterExpiry(t *testing.T) {
	r := newRig(t, 10*time.Hour)
	ok(t, r.store.ExpireOverdue(t.Context()))
	ok(t, alone(r.NotifyContacts(t.Context(), notice())))
	same(t, "who is told", []string{ana, bo}, r.sorted())
	expired := r.picture(t)
	lease, err := r.LeaseNumber(t.Context(), r.ref)
	ok(t, err)
	same(t, "the lease", workflows.Lease{Number: number, Kind: emergency.NumberLeased, Closed: true}, lease)
	for _, step := range r.steps(callID) {
		ok(t, step(t.Context()))
	}
	same(t, "what is left", expired, r.picture(t))
}

// A call whose rows are gone is an error of a type that the workflow knows, and
// that no retry would mend.
func TestUnknownCall(t *testing.T) {
	const unknown = emergency.CallID("0198c0de-0000-7000-8000-00000000dead")
	r := newRig(t, 0)
	for name, step := range r.steps(unknown) {
		t.Run(name, func(t *testing.T) {
			failed := application(t, step(t.Context()))
			if !failed.NonRetryable() || failed.Type() != workflows.ErrorUnknownCall {
				t.Errorf("the error is of type %q and non-retryable: %t", failed.Type(), failed.NonRetryable())
			}
			discreet(t, failed.Error())
		})
	}
	failed := application(t, alone(r.ReleaseNumber(t.Context(), workflows.Closing{CallID: unknown, Outcome: workflows.OutcomeCompleted})))
	same(t, "the type when the window is looked at", workflows.ErrorUnknownCall, failed.Type())
}

// A database in trouble is worth another attempt, whatever the step.
func TestDatabaseInTrouble(t *testing.T) {
	for name := range (&rig{}).steps(callID) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 0)
			ok(t, r.store.Close())
			err := r.steps(callID)[name](t.Context())
			if err == nil {
				t.Fatal("the step succeeds without a database")
			}
			if failed, typed := errors.AsType[*temporal.ApplicationError](err); typed && failed.NonRetryable() {
				t.Errorf("the step will not be repeated: %v", err)
			}
			discreet(t, err.Error())
		})
	}
}

// A leg that the call does not have needs no ending; one that it has is ended with
// the reason, and presence comes back with the last (B16).
func TestEndLegs(t *testing.T) {
	r := newRig(t, 5*time.Minute)
	r.end(t, "", 4*time.Minute)
	r.ring(t, 3*time.Minute)
	ok(t, r.EndLegs(t.Context(), workflows.Ending{CallID: callID, LegID: "unknown", Reason: emergency.EndMaxDuration}))
	same(t, "presence in the callback", emergency.StatusDoNotDisturb, r.picture(t).Presence.Status)
	ok(t, r.EndLegs(t.Context(), workflows.Ending{CallID: callID, LegID: callback, Reason: emergency.EndMaxDuration}))
	after := r.picture(t)
	same(t, "presence afterwards", emergency.StatusAvailable, after.Presence.Status)
	same(t, "the dial's reason", emergency.EndHungUp, after.Call.Leg(theDial).Reason)
	same(t, "the callback's reason", emergency.EndMaxDuration, after.Call.Leg(callback).Reason)
	// It was the workflow that ended the callback: it need not be told.
	same(t, "messages to the workflow", []emergency.MessageKind{
		emergency.MessagePlaced, emergency.MessageCallEnded, emergency.MessageCallbackReceived,
	}, r.outbox(t))
}

// outbox empties the outbox and gives the kinds of its messages.
func (r *rig) outbox(t tb) []emergency.MessageKind {
	t.Helper()
	var kinds []emergency.MessageKind
	for {
		message, found, err := r.store.NextMessage(t.Context(), callID)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return kinds
		}
		kinds = append(kinds, message.Kind)
		if err := r.store.DeleteMessage(t.Context(), message.Seq); err != nil {
			t.Fatal(err)
		}
	}
}

// The number is released when the window is over, and not a callback earlier: SQL
// may know of one whose message has not reached the workflow (B1).
func TestReleaseNumber(t *testing.T) {
	const minute = time.Minute
	for _, c := range []struct {
		name    string
		ago     time.Duration
		happen  func(*testing.T, *rig)
		outcome string
		want    bool
	}{
		{"the window is over", 60 * minute, func(t *testing.T, r *rig) { r.end(t, "", 50*minute) }, workflows.OutcomeCompleted, true},
		{"the grace is over", 120 * minute, func(t *testing.T, r *rig) { r.end(t, "", 30*minute) }, workflows.OutcomeCompleted, true},
		// Temporal's clock is a little ahead of this machine's.
		{"clocks apart", 59*minute + 30*time.Second, func(t *testing.T, r *rig) { r.end(t, "", 50*minute) }, workflows.OutcomeCompleted, true},
		{"a leg is up", 120 * minute, func(*testing.T, *rig) {}, workflows.OutcomeCompleted, false},
		{"a callback is up", 120 * minute, func(t *testing.T, r *rig) { r.end(t, "", 10*minute); r.ring(t, 5*minute) }, workflows.OutcomeCompleted, false},
		{"a callback has just ended", 60 * minute, func(t *testing.T, r *rig) {
			r.end(t, "", 50*minute)
			r.ring(t, 2*minute)
			r.end(t, "", minute)
		}, workflows.OutcomeCompleted, false},
		{"cancelled in the window", 5 * minute, func(t *testing.T, r *rig) { r.end(t, "", minute) }, workflows.OutcomeCancelled, true},
		{"cancelled while a callback connects", 5 * minute, func(t *testing.T, r *rig) { r.end(t, "", minute); r.ring(t, 0) }, workflows.OutcomeCancelled, false},
		{"released already", 5 * minute, func(t *testing.T, r *rig) {
			r.end(t, "", minute)
			_, err := r.store.CloseCall(t.Context(), callID, workflows.OutcomeCancelled)
			ok(t, err)
		}, workflows.OutcomeCompleted, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.ago)
			c.happen(t, r)
			release, err := r.ReleaseNumber(t.Context(), workflows.Closing{CallID: callID, Outcome: c.outcome})
			ok(t, err)
			same(t, "released", c.want, release.Released)
			same(t, "the call has ended", c.want, !r.picture(t).Call.ClosedAt.IsZero())
		})
	}
}

// A lease, a route and a Do not disturb that are missing are made good: a call in
// SQL without them is what a hand in the database would leave.
func TestMadeGood(t *testing.T) {
	r := newRig(t, 0)
	for _, table := range []string{"routes", "lease_claims", "leases", "presence_claims", "presence_overrides"} {
		r.sql(t, "DELETE FROM "+table)
	}
	r.sql(t, `UPDATE callback_numbers SET leased = FALSE, free_at = '2000-01-01 00:00:00+00:00'`)
	r.choose(t, emergency.StatusAway)
	lease, err := r.LeaseNumber(t.Context(), r.ref)
	ok(t, err)
	same(t, "the lease", workflows.Lease{Number: number, Kind: emergency.NumberLeased}, lease)
	r.sql(t, "DELETE FROM routes")
	ok(t, r.RegisterRoute(t.Context(), r.ref))
	decision, err := r.store.DecideInbound(t.Context(), store.Inbound{To: number, At: time.Now(), LegID: callback})
	ok(t, err)
	same(t, "the callback goes to", caller, decision.AgentID)
	r.end(t, callback, 0)
	r.sql(t, "DELETE FROM presence_claims")
	r.choose(t, emergency.StatusAway)
	ok(t, r.SetDoNotDisturb(t.Context(), presenceStep(theDial)))
	same(t, "presence", emergency.StatusDoNotDisturb, r.picture(t).Presence.Status)
	// The end of the leg is known, and only presence has been left behind.
	r.sql(t, `UPDATE legs SET ended_at = started_at`)
	ok(t, r.RestorePresence(t.Context(), presenceStep("")))
	same(t, "presence afterwards", emergency.StatusAway, r.picture(t).Presence.Status)
}

// Every step is registered under the name by which the workflow asks for it, and
// takes and gives what the workflow expects.
func TestRegister(t *testing.T) {
	r := newRig(t, 60*time.Minute)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	r.Register(registry{env, t})
	for _, c := range []struct {
		name     string
		in       any
		want, to any
	}{
		{workflows.ActivityLeaseNumber, r.ref, workflows.Lease{Number: number, Kind: emergency.NumberLeased}, workflows.Lease{}},
		{workflows.ActivityRegisterRoute, r.ref, nil, nil},
		{workflows.ActivitySetDoNotDisturb, presenceStep(theDial), nil, nil},
		{workflows.ActivityNotifyContacts, notice(), workflows.Deliveries{Sent: 2, To: []string{ana, bo}}, workflows.Deliveries{}},
		{workflows.ActivityEndLegs, workflows.Ending{CallID: callID, Reason: emergency.EndCancelled}, nil, nil},
		{workflows.ActivityRestorePresence, presenceStep(""), nil, nil},
		{workflows.ActivityReleaseNumber, workflows.Closing{CallID: callID, Outcome: workflows.OutcomeCancelled}, workflows.Release{Released: true}, workflows.Release{}},
	} {
		result, err := env.ExecuteActivity(c.name, c.in)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		switch got := c.to.(type) {
		case workflows.Lease:
			ok(t, result.Get(&got))
			same(t, c.name, c.want, any(got))
		case workflows.Deliveries:
			ok(t, result.Get(&got))
			same(t, c.name, c.want, any(got))
		case workflows.Release:
			ok(t, result.Get(&got))
			same(t, c.name, c.want, any(got))
		}
	}
}

// registry is a test environment in the place of a worker.
type registry struct {
	*testsuite.TestActivityEnvironment

	t *testing.T
}

// RegisterActivityWithOptions checks that the name is the method's own: some steps
// could stand for others without anybody noticing while all goes well.
func (r registry) RegisterActivityWithOptions(step any, options activity.RegisterOptions) {
	method := runtime.FuncForPC(reflect.ValueOf(step).Pointer()).Name()
	if !strings.HasSuffix(method, "."+options.Name+"-fm") {
		r.t.Errorf("%s is registered as %s", method, options.Name)
	}
	r.TestActivityEnvironment.RegisterActivityWithOptions(step, options)
}

// RegisterDynamicActivity is what a worker can do and the environment cannot.
func (registry) RegisterDynamicActivity(any, activity.DynamicRegisterOptions) {}
