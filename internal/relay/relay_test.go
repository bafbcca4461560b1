package relay_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
)

// A call's messages come to Temporal in the order in which they were written, at
// once when they are announced, and leave the outbox.
func TestInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		relay := r.relay()
		defer run(t, relay)()
		r.dial(t, 1)
		r.end(t, 1)
		r.ring(t, "callback")
		r.end(t, 1)
		begin := time.Now()
		relay.Wake(callID(1))
		synctest.Wait()
		same(t, "the time that it took", 0, time.Since(begin))
		same(t, "what Temporal heard", []told{started(1), ended(1, dialOf(1)), rung(1, "callback"), ended(1, "callback")}, r.temporal.of(1))
		same(t, "left in the outbox", false, r.left(t, 1))
	})
}

// A number that a call has got late, and one that the PSAP saw, is told to its workflow in
// its turn, and stands in no log; that the workflow has closed meanwhile is as good as
// done (B5, B7).
func TestNumberTold(t *testing.T) {
	for name, answer := range map[string]error{"running": nil, "closed": serviceerror.NewNotFound("workflow execution already completed")} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				messages := &pile{messages: []emergency.Message{
					letter(emergency.MessagePlaced, emergency.Order{CallID: callID(1), LegID: dialOf(1)}),
					letter(emergency.MessageNumberLeased, emergency.LateLease{Number: "+12025550101", At: time.Now()}),
					letter(emergency.MessageNumberCorrected, emergency.CorrectedNumber{Number: "+12025550199", Kind: emergency.NumberStanding}),
					letter(emergency.MessageCallEnded, emergency.LegEnded{LegID: dialOf(1)}),
				}}
				var asked []told
				r.temporal.answer = func(_ context.Context, m told) error {
					asked = append(asked, m)
					if m.What == workflows.SignalNumberLeased || m.What == workflows.SignalNumberCorrected {
						return answer
					}
					return nil
				}
				relay := r.relayOf(messages)
				stop := run(t, relay)
				relay.Wake(callID(1))
				synctest.Wait()
				stop()
				same(t, "what Temporal was asked", []told{
					started(1), leased(1, "+12025550101"), corrected(1, "+12025550199"), ended(1, dialOf(1)),
				}, asked)
				same(t, "left", 0, len(messages.messages))
				r.discreet(t)
			})
		})
	}
}

// The workflow is started so that a repetition joins it, that a closed one is not
// begun again, and that supervisors can find it.
func TestStartOptions(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		relay := r.relay()
		defer run(t, relay)()
		r.dial(t, 1)
		relay.Wake(callID(1))
		synctest.Wait()
		o := r.temporal.options
		same(t, "the ID", "emergency-call/call-001", o.ID)
		same(t, "the task queue", workflows.TaskQueue, o.TaskQueue)
		same(t, "the conflict policy", enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, o.WorkflowIDConflictPolicy)
		same(t, "the reuse policy", enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, o.WorkflowIDReusePolicy)
		same(t, "the summary", "Emergency call: agent-us dialed 911 (US)", o.StaticSummary)
		agent, _ := o.TypedSearchAttributes.GetKeyword(workflows.KeyAgent)
		same(t, "the agent", "agent-us", agent)
		same(t, "search attributes", len(workflows.SearchAttributeKeys()), o.TypedSearchAttributes.Size())
	})
}

// At the first message that Temporal does not take a call's relay stops, so that
// the order holds; other calls go on, and it resumes where it stopped.
func TestStopsAndResumes(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		var down atomic.Bool
		down.Store(true)
		r.temporal.answer = func(_ context.Context, m told) error {
			if down.Load() && m == ended(1, dialOf(1)) {
				return serviceerror.NewUnavailable("no")
			}
			return nil
		}
		relay := r.relay()
		defer run(t, relay)()
		r.dial(t, 1)
		r.end(t, 1)
		r.dial(t, 2)
		relay.Wake(callID(1))
		relay.Wake(callID(2))
		time.Sleep(time.Minute)
		synctest.Wait()
		same(t, "what Temporal heard of the one", []told{started(1)}, r.temporal.of(1))
		same(t, "what Temporal heard of the other", []told{started(2)}, r.temporal.of(2))
		same(t, "left in the outbox", true, r.left(t, 1))
		down.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		same(t, "what Temporal heard of the one", []told{started(1), ended(1, dialOf(1))}, r.temporal.of(1))
		r.discreet(t)
	})
}

// What another process wrote and did not live to announce is carried too, a few
// seconds later, and a new process finds what was left when it starts (S11).
func TestLeftBehind(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.dial(t, 1)
		defer run(t, r.relay())()
		r.dial(t, 2)
		time.Sleep(time.Second)
		synctest.Wait()
		same(t, "what Temporal heard too soon", 0, r.temporal.count()) // its writer may still be at it
		time.Sleep(2 * time.Second)
		synctest.Wait()
		same(t, "what Temporal heard of the one", []told{started(1)}, r.temporal.of(1))
		same(t, "what Temporal heard of the other", []told{started(2)}, r.temporal.of(2))
	})
}

// Two processes may carry one outbox. Whatever is slow or fails, Temporal hears
// everything, and of each call in order, if repetitions do not count.
func TestTwoRelays(t *testing.T) {
	for seed := range uint64(4) {
		inBubble(t, func(t *testing.T, r *rig) {
			var mu sync.Mutex
			chance := rand.New(rand.NewPCG(seed, 0))
			draw := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return chance.IntN(n)
			}
			fault := func() error {
				time.Sleep(time.Duration(draw(3000)) * time.Millisecond)
				if draw(4) == 0 {
					return serviceerror.NewUnavailable("no")
				}
				return nil
			}
			r.temporal.answer = func(context.Context, told) error { return fault() }
			r.temporal.after = func(told) error { return fault() }
			one, two := r.relay(), r.relay()
			defer run(t, one, two)()
			want := map[int][]told{}
			for n := range 5 {
				r.dial(t, n)
				one.Wake(callID(n))
				leg := emergency.LegID("callback-" + callID(n))
				r.end(t, n)
				two.Wake(callID(n))
				r.ring(t, leg)
				one.Wake(callID(n))
				two.Wake(callID(n))
				r.end(t, n)
				want[n] = []told{started(n), ended(n, dialOf(n)), rung(n, leg), ended(n, leg)}
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			for n, all := range want {
				same(t, "what Temporal heard, once each", all, once(r.temporal.of(n)))
				same(t, "left in the outbox", false, r.left(t, n))
			}
		})
	}
}

// once drops repetitions.
func once(all []told) []told {
	var firsts []told
	for _, m := range all {
		if !slices.Contains(firsts, m) {
			firsts = append(firsts, m)
		}
	}
	return firsts
}

// A crash between the sending and the deleting sends the message a second time,
// which does no harm.
func TestCrashBeforeDelete(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		broken := &undeletable{Outbox: r.Store, err: errors.New("crash")}
		relay := r.relayOf(broken)
		stop := run(t, relay)
		r.dial(t, 1)
		r.end(t, 1)
		relay.Wake(callID(1))
		synctest.Wait()
		stop()
		same(t, "what Temporal heard before", []told{started(1)}, r.temporal.of(1))
		defer run(t, r.relay())()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		same(t, "what Temporal heard", []told{started(1), started(1), ended(1, dialOf(1))}, r.temporal.of(1))
		same(t, "left in the outbox", false, r.left(t, 1))
	})
}

// That a workflow was started before, or has closed, is as good as done. That
// Temporal cannot be asked, or the namespace is missing, is not.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		what string
		err  error
		done bool
	}{
		{"started already", workflows.Type, serviceerror.NewWorkflowExecutionAlreadyStarted("begun", "request", "run"), true},
		{"closed", workflows.SignalCallEnded, serviceerror.NewNotFound("workflow execution already completed"), true},
		{"start without namespace", workflows.Type, serviceerror.NewNamespaceNotFound("default"), false},
		{"signal without namespace", workflows.SignalCallEnded, serviceerror.NewNamespaceNotFound("default"), false},
		{"start not found", workflows.Type, serviceerror.NewNotFound("what else could it be"), false},
		{"down", workflows.Type, serviceerror.NewUnavailable("no"), false},
		{"too slow", workflows.SignalCallEnded, context.DeadlineExceeded, false},
		{"refused", workflows.Type, serviceerror.NewInvalidArgument("no such search attribute"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.temporal.answer = func(_ context.Context, m told) error {
					if m.What == c.what {
						return c.err
					}
					return nil
				}
				relay := r.relay()
				defer run(t, relay)()
				r.dial(t, 1)
				r.end(t, 1)
				relay.Wake(callID(1))
				synctest.Wait()
				same(t, "done", c.done, !r.left(t, 1))
				same(t, "told to the log", !c.done, r.log.Len() > 0)
			})
		})
	}
}

// A message that this process cannot read, or that a newer version has written,
// stays where it is for one that can; nothing behind it is sent before it.
func TestStrangeMessages(t *testing.T) {
	for _, c := range []struct {
		name    string
		message emergency.Message
	}{
		{"of a kind to come", letter("location-changed", emergency.LegEnded{})},
		{"a start without an order", letter(emergency.MessagePlaced, "hello")},
		{"an end without a leg", letter(emergency.MessageCallEnded, 42)},
		{"a callback without a leg", letter(emergency.MessageCallbackReceived, []string{"hello"})},
		{"a late lease without a number", letter(emergency.MessageNumberLeased, "hello")},
		{"a correction without a number", letter(emergency.MessageNumberCorrected, 42)},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				strange := &pile{messages: []emergency.Message{c.message, {
					Seq: 2, CallID: callID(1), Kind: emergency.MessageCallEnded, Body: []byte(`{"legId":"dial-001"}`),
				}}}
				relay := r.relayOf(strange)
				stop := run(t, relay)
				relay.Wake(callID(1))
				synctest.Wait()
				stop()
				same(t, "what Temporal heard", 0, r.temporal.count())
				same(t, "left", 2, len(strange.messages))
				if !strings.Contains(r.log.String(), string(callID(1))) {
					t.Errorf("the log does not name the call: %s", r.log)
				}
			})
		})
	}
}

// A message that is announced while its call is being carried is not left until
// the next look into the outbox.
func TestAnnouncedMeanwhile(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		emptied, goOn := make(chan struct{}), make(chan struct{})
		slow := &hesitant{Outbox: r.Store, emptied: emptied, goOn: goOn}
		relay := r.relayOf(slow)
		defer run(t, relay)()
		begin := time.Now()
		r.dial(t, 1)
		relay.Wake(callID(1))
		<-emptied // the relay has seen the outbox empty, and not yet let go of the call
		r.end(t, 1)
		relay.Wake(callID(1))
		synctest.Wait()
		close(goOn)
		synctest.Wait()
		same(t, "the time that it took", 0, time.Since(begin))
		same(t, "what Temporal heard", []told{started(1), ended(1, dialOf(1))}, r.temporal.of(1))
	})
}

// Announcing never blocks, however many there are and whether or not anybody runs;
// what was announced in vain is found by looking.
func TestWakeNeverBlocks(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		relay := r.relay()
		for n := range 3000 {
			relay.Wake(callID(n))
		}
		r.dial(t, 2500)
		relay.Wake(callID(2500))
		defer run(t, relay)()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "what Temporal heard", []told{started(2500)}, r.temporal.of(2500))
	})
}
