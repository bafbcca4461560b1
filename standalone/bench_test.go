package main

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// BenchmarkEmergencyCall prints what an emergency call costs, in time and in
// Temporal, on the embedded server. Whatever it times it times beside a yardstick,
// in turns and in the same run: a machine that is slow or busy changes both, and
// their ratio hardly. It fails when something does not work, never for being slow.
func BenchmarkEmergencyCall(b *testing.B) {
	for b.Loop() {
		begun := time.Now()
		var t table
		measureAnswers(b, &t)
		measureWholeCalls(b, &t, true)
		measureWholeCalls(b, &t, false)
		t.section(fmt.Sprintf("Measured in %s, with %d dials in turns with either yardstick and %d whole calls, on %s",
			time.Since(begun).Round(time.Second), pairs, 2*rounds*wholeCalls, machine()))
		t.print(os.Stdout)
	}
	b.ReportMetric(0, "ns/op") // the time of the whole says nothing
}

const (
	// pairs is how many dials are timed, each beside one of either yardstick.
	pairs = 300
	// warmUps come before anything is timed: they find caches empty and connections
	// closed.
	warmUps = 30
	// quiet lets what an operation leaves behind end before the next one is timed:
	// emergency calls are rare, and neither side may pay for the other.
	quiet = 150 * time.Millisecond
)

// measureAnswers times dials and inbound decisions on a service with its usual
// terms.
func measureAnswers(b *testing.B, t *table) {
	s := startService(b, warmUps+pairs, true)
	bare := startBare(b, s.temporal)
	floor := startFloor(b, s.dir)
	calls := measureDials(b, t, s, bare, floor)
	measureBeginnings(b, t, s, calls)
	measureInbound(b, t, s, calls)
	bare.stop()
	s.process.terminate(b)
}

// measureDials times a dial, a bare update-with-start and the floor in turns, in
// every order.
func measureDials(b *testing.B, t *table, s *service, bare *bareWorkflow, floor *commitServer) []placed {
	var calls []placed
	var dials, updates, commits series
	operations := []func(i int) error{
		func(i int) error {
			call, err := s.dial(b.Context(), s.agents[i])
			calls, dials = append(calls, call), append(dials, call.took())
			return err
		},
		func(int) error {
			took, err := bare.updateWithStart(b.Context())
			updates = append(updates, took)
			return err
		},
		func(int) error {
			took, err := floor.commit(b.Context())
			commits = append(commits, took)
			return err
		},
	}
	for i := range warmUps + pairs {
		for step := range operations {
			if i%2 == 1 {
				step = len(operations) - 1 - step
			}
			time.Sleep(quiet)
			if err := operations[(i/2+step)%len(operations)](i); err != nil {
				b.Fatal(err)
			}
		}
	}
	dials, updates, commits = dials[warmUps:], updates[warmUps:], commits[warmUps:]
	t.section(fmt.Sprintf("Dial: POST /v1/emergency-calls until the answer has been read, %d times, one by one", pairs))
	t.latency("dial", dials)
	t.latency("bare update-with-start, no activities", updates)
	t.latency("one HTTP round trip with one durable commit", commits)
	t.ratio("dial ÷ bare update-with-start", dials, updates, "below 1 at the median")
	t.ratio("dial ÷ HTTP round trip with commit", dials, commits, "at most 2 at the median")
	return calls[warmUps:]
}

// measureBeginnings tells how far behind the answer Temporal and an outside
// presence system are. What happened before the client had read the answer counts
// as less than nothing.
func measureBeginnings(b *testing.B, t *table, s *service, calls []placed) {
	var started, taken, told series
	for _, call := range calls {
		at, err := s.beginning(b.Context(), call)
		if err != nil {
			b.Fatal(err)
		}
		started = append(started, at.started.Sub(call.answered))
		taken = append(taken, at.taken.Sub(call.answered))
		told = append(told, at.told.Sub(call.answered))
	}
	t.section("From the answer to the dial until")
	t.latency("Temporal has the workflow", started)
	t.latency("a worker has begun it", taken)
	t.latency("the outside presence system was told", told)
}
