package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/api/workflowservice/v1"
)

const (
	// wholeCalls is how many calls make a round, and as many bare workflows.
	wholeCalls = 300
	rounds     = 2
	// abreast is how many dial, or ask, at the same time.
	abreast = 16
	// callTime is how long each of the calls lasts, and leaseTime its number's lease.
	callTime  = 500 * time.Millisecond
	leaseTime = time.Second
)

// measureWholeCalls carries many calls at once from the dial to the end of the
// workflow, in turns with as many bare workflows, and counts what a call costs
// Temporal.
func measureWholeCalls(b *testing.B, t *table, outside bool) {
	s := startService(b, wholeCalls, outside, "LIFELINE_LEASE_DURATION="+leaseTime.String(),
		"LIFELINE_CALLBACK_GRACE=0s", "LIFELINE_NUMBER_QUARANTINE=0s")
	bare := startBare(b, s.temporal)
	costs, err := s.countCosts(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var calls, updates time.Duration
	var dials series
	for range rounds {
		took, answers := s.wholeRound(b)
		calls, dials = calls+took, append(dials, answers...)
		begun := time.Now()
		if err := sideBySide(wholeCalls, func(int) error {
			_, err := bare.updateWithStart(b.Context())
			return err
		}); err != nil {
			b.Fatal(err)
		}
		updates += time.Since(begun)
	}
	title := "Whole calls, two contacts each, without an outside presence system"
	if outside {
		title = "Whole calls, two contacts each, with an outside presence system"
	}
	t.section(fmt.Sprintf("%s: dial, end after %s, window over after %s; %d × %d, %d at a time",
		title, callTime, leaseTime, rounds, wholeCalls, abreast))
	t.row("from the first dial to the end of the last workflow", perSecond(rounds*wholeCalls, calls))
	t.row("bare update-with-start", perSecond(rounds*wholeCalls, updates))
	t.row("whole call ÷ bare update-with-start", fmt.Sprintf("%.1f times as long", calls.Seconds()/updates.Seconds()))
	t.latency("a dial meanwhile", dials)
	costs.rows(t)
	bare.stop()
	s.process.terminate(b)
}

// wholeRound tells how long all calls together took, and how soon each dial was
// answered.
func (s *service) wholeRound(b *testing.B) (time.Duration, series) {
	b.Helper()
	begun := time.Now()
	calls := make([]placed, wholeCalls)
	ended := make([]error, wholeCalls)
	var talking sync.WaitGroup
	err := sideBySide(wholeCalls, func(i int) (err error) {
		calls[i], err = s.dial(b.Context(), s.agents[i])
		talking.Go(func() {
			time.Sleep(callTime)
			ended[i] = s.end(b.Context(), calls[i].CallID)
		})
		return err
	})
	talking.Wait()
	if err := errors.Join(append(ended, err)...); err != nil {
		b.Fatal(err)
	}
	await(b, "all calls to be over", func() error { return s.noneOpen(b.Context()) })
	var last time.Time
	var answers series
	for _, call := range calls {
		answers = append(answers, call.took())
		closed, err := s.closedAt(b.Context(), call)
		if err != nil {
			b.Fatal(err)
		}
		if closed.After(last) {
			last = closed
		}
	}
	return last.Sub(begun), answers
}

// noneOpen asks seldom, so as to cost the server little.
func (s *service) noneOpen(ctx context.Context) error {
	time.Sleep(200 * time.Millisecond)
	open, err := s.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: "WorkflowType = '" + workflows.Type + "' AND ExecutionStatus = 'Running'",
	})
	if err == nil && open.GetCount() > 0 {
		err = fmt.Errorf("%d are open", open.GetCount())
	}
	return err
}

func (s *service) closedAt(ctx context.Context, call placed) (time.Time, error) {
	described, err := s.temporal.DescribeWorkflowExecution(ctx, workflows.WorkflowID(call.CallID), "")
	return described.GetWorkflowExecutionInfo().GetCloseTime().AsTime(), err
}

// askTime is how long inbound decisions of each kind are asked for in one turn.
const (
	askTime  = time.Second
	askTurns = 4
)

// measureInbound has a carrier ask once about every live call's number, and then, in
// turns, again about those and about one that is not ours.
func measureInbound(b *testing.B, t *table, s *service, calls []placed) {
	opening := make(series, len(calls))
	begun := time.Now()
	err := sideBySide(len(calls), func(i int) (err error) {
		opening[i], err = s.inbound(b.Context(), calls[i].CallbackNumber, emergency.ConnectAgent)
		return err
	})
	took := time.Since(begun)
	if err != nil {
		b.Fatal(err)
	}
	await(b, "what the callbacks have set in motion", func() error { return s.outside.toldOf(len(s.agents) + len(calls)) })
	var again, foreign series
	for range askTurns {
		again = append(again, keepAsking(b, func(i int) (time.Duration, error) {
			return s.inbound(b.Context(), calls[i%len(calls)].CallbackNumber, emergency.ConnectAgent)
		})...)
		foreign = append(foreign, keepAsking(b, func(int) (time.Duration, error) {
			return s.inbound(b.Context(), "+12125550123", emergency.NotAnEmergencyCallback)
		})...)
	}
	t.section(fmt.Sprintf("Inbound decisions: POST /v1/inbound-calls, %d at a time", abreast))
	t.rate("a live number, first asked: opens a callback leg", opening, took)
	t.rate("a live number, asked again: the same leg", again, askTurns*askTime)
	t.rate("a number that is not ours", foreign, askTurns*askTime)
}

// keepAsking asks without a pause for a while.
func keepAsking(b *testing.B, ask func(i int) (time.Duration, error)) series {
	b.Helper()
	var mu sync.Mutex
	var all series
	until := time.Now().Add(askTime)
	err := sideBySide(abreast, func(lane int) error {
		var own series
		for i := lane; time.Now().Before(until); i += abreast {
			took, err := ask(i)
			if err != nil {
				return err
			}
			own = append(own, took)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, own...)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// sideBySide does work for every i below n, so many at a time, and gives all that
// went wrong.
func sideBySide(n int, work func(i int) error) error {
	var next atomic.Int64
	failed := make([]error, n)
	var busy sync.WaitGroup
	for range abreast {
		busy.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				failed[i] = work(i)
			}
		})
	}
	busy.Wait()
	return errors.Join(failed...)
}
