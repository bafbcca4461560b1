package emergency_test

import (
	"fmt"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// leg is a leg between two minutes; a negative end means that it is up.
func leg(started, ended int) emergency.Leg {
	l := emergency.Leg{ID: emergency.LegID(fmt.Sprint("leg-", started)), StartedAt: after(started)}
	if ended >= 0 {
		l.EndedAt = after(ended)
	}
	return l
}

const up = -1

func callWith(legs ...emergency.Leg) emergency.Call {
	return emergency.Call{DialedAt: noon, Terms: agreed, Legs: legs}
}

// A call that nobody ends is over by itself, but not before its workflow had its time.
func TestExpiresAt(t *testing.T) {
	for _, c := range []struct {
		name string
		call emergency.Call
		want time.Time
	}{
		// A call is left to its workflow for its window and some slack.
		{"ended", callWith(leg(0, 5)), after(60)},
		{"ended late", callWith(leg(0, 59)), after(89)},
		// A live leg may last as long as any is allowed to, and then its grace (B1, B16).
		{"up", callWith(leg(0, up)), after(4*60 + 30)},
		{"called back and up", callWith(leg(0, 5), leg(50, up)), after(50 + 4*60 + 30)},
		// The latest of several live legs counts.
		{"two up", callWith(leg(0, up), leg(20, up)), after(20 + 4*60 + 30)},
		// The callback's end counts, not the first leg's (B1).
		{"called back and ended", callWith(leg(0, 5), leg(50, 70)), after(100)},
		// A longest call shorter than the lease does not shorten the lease (S3).
		{
			"up under short terms",
			emergency.Call{
				DialedAt: noon, Legs: []emergency.Leg{leg(0, up)},
				Terms: emergency.Terms{Lease: time.Hour, Grace: time.Minute, MaxCall: time.Minute},
			},
			after(60),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := c.call.ExpiresAt(), c.want.Add(emergency.OverdueSlack); !got.Equal(want) {
				t.Errorf("expires at %v, want %v", got, want)
			}
		})
	}
}

// Where a call stands follows from its legs, its terms and the clock.
func TestStatus(t *testing.T) {
	closed := callWith(leg(0, 5))
	closed.ClosedAt = after(61)
	expired := callWith(leg(0, 5))
	for _, c := range []struct {
		name string
		call emergency.Call
		now  time.Time
		want emergency.CallStatus
	}{
		// A call with a leg up is active, before and after its 60 minutes (B1).
		{"just dialed", callWith(leg(0, up)), after(0), emergency.CallActive},
		{"up after two hours", callWith(leg(0, up)), after(120), emergency.CallActive},
		{"called back", callWith(leg(0, 5), leg(50, up)), after(51), emergency.CallActive},
		// Without a leg the number still reaches the agent (S4).
		{"hung up", callWith(leg(0, 5)), after(5), emergency.CallbackWindow},
		{"at the end of the window", callWith(leg(0, 5)), after(60), emergency.CallbackWindow},
		// What was closed has ended, whatever the clock says.
		{"closed", closed, after(6), emergency.CallEnded},
		// A call that nobody closed ends by itself, at that very moment.
		{"a moment before it expires", expired, expired.ExpiresAt().Add(-1), emergency.CallbackWindow},
		{"expired", expired, expired.ExpiresAt(), emergency.CallEnded},
		// A leg that nobody ended does not hold a call for ever (B16).
		{"forgotten leg", callWith(leg(0, up)), after(24 * 60), emergency.CallEnded},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.call.Status(c.now); got != c.want {
				t.Errorf("status is %q, want %q", got, c.want)
			}
		})
	}
}

// Legs are found by their ID, and only those that are up are live.
func TestLegs(t *testing.T) {
	call := callWith(leg(0, 5), leg(10, up), leg(20, up))
	if diff := cmp.Diff([]emergency.Leg{leg(10, up), leg(20, up)}, call.LiveLegs()); diff != "" {
		t.Error(diff)
	}
	if !call.HasLeg("leg-0") || call.HasLeg("leg-1") || call.HasLeg("") {
		t.Error("HasLeg does not tell which legs there are")
	}
	if diff := cmp.Diff(leg(20, up), call.Leg("leg-20")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(emergency.Leg{}, call.Leg("leg-1")); diff != "" {
		t.Error(diff)
	}
	if got := call.LastEnded(); !got.Equal(after(5)) {
		t.Errorf("last ended at %v, want %v", got, after(5))
	}
}

func anyCall(t *rapid.T) emergency.Call {
	call := callWith()
	for range rapid.IntRange(1, 5).Draw(t, "legs") {
		started := rapid.IntRange(0, 300).Draw(t, "started")
		ended := up
		if rapid.Bool().Draw(t, "ended") {
			ended = started + rapid.IntRange(0, 300).Draw(t, "length")
		}
		call.Legs = append(call.Legs, leg(started, ended))
	}
	return call
}

// A call is never over while its window is open, nor while a leg is up that may
// still be; and what is over stays over (B1, B16).
func TestStatusEndsOnceAndNotTooEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		call := anyCall(t)
		now := after(rapid.IntRange(0, 1000).Draw(t, "now"))
		status := call.Status(now)
		if status == emergency.CallEnded {
			if !now.After(call.WindowEndsAt()) {
				t.Fatalf("over at %v, within the window until %v", now, call.WindowEndsAt())
			}
			for _, l := range call.LiveLegs() {
				if now.Before(l.StartedAt.Add(call.Terms.MaxCall)) {
					t.Fatalf("over at %v with a leg up since %v", now, l.StartedAt)
				}
			}
			if later := call.Status(now.Add(time.Hour)); later != emergency.CallEnded {
				t.Fatalf("over at %v, and %q an hour later", now, later)
			}
			return
		}
		if (status == emergency.CallActive) != call.LegUp() {
			t.Fatalf("%q with LegUp %v", status, call.LegUp())
		}
	})
}
