package dial_test

import (
	"context"
	"testing"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
)

// When the answer to a dial was lost, SQL has a number for it that nobody saw, and the
// agent's next dial may show that one. A callback on it is decided from memory, so that
// its leg is known wherever its end is told (B3, B7).
func TestCallbackBesideLostAnswer(t *testing.T) {
	for _, keys := range [][2]string{{"one", "two"}, {"two", "one"}} {
		r := newRig(t)
		r.blind = true
		r.faulty.breaksAt("place", nil, down)
		first := r.dial(t, keys[0])
		r.faulty.breaks(nil)
		second := r.dial(t, keys[1])
		same(t, "the numbers shown", []string{standing, number}, []string{first.Route.CallerID, second.Route.CallerID})
		decision, err := r.Inbound(t.Context(), number, "+12025550911")
		ok(t, err)
		same(t, "the call", second.ID, decision.CallID)
		ended, err := r.End(t.Context(), decision.CallID, decision.LegID, "")
		ok(t, err)
		same(t, "the callback is up", false, ended.Leg(decision.LegID).Up())
		r.replayed(t)
		kept, err := r.store.Call(t.Context(), second.ID)
		ok(t, err)
		same(t, "legs kept", 2, len(kept.Legs))
		same(t, "the callback is up in SQL", false, kept.Leg(decision.LegID).Up())
	}
}

// Two requests about one call may meet SQL at its best and at its worst at the same
// moment. Whatever either was answered is known afterwards (B7).
func TestAnswersCross(t *testing.T) {
	r := newRig(t)
	r.blind = true
	call := r.dial(t, "")
	// The end is answered without SQL while SQL decides on the callback.
	r.faulty.breaksAt("end", down, func(context.Context) error { return nil })
	r.faulty.after["inbound"] = func(ctx context.Context) error {
		_, err := r.End(ctx, call.ID, call.Legs[0].ID, "")
		return err
	}
	decision, err := r.Inbound(t.Context(), number, "+12025550911")
	ok(t, err)
	found, err := r.remembered(t, call.ID)
	ok(t, err)
	same(t, "the first leg is up", false, found.Leg(call.Legs[0].ID).Up())
	same(t, "the callback is up", true, found.Leg(decision.LegID).Up())
	_, err = r.End(t.Context(), call.ID, decision.LegID, "")
	ok(t, err)
}

// A record that SQL has taken may still lie in the spool when the process dies. What the
// copy knows of the call by then stays (S11, B7).
func TestRecallBringsNothingBack(t *testing.T) {
	r := newRig(t)
	r.blind = true
	var placed dial.Intent
	keep := r.Keep
	r.Keep = func(ctx context.Context, intent dial.Intent) { placed = intent; keep(ctx, intent) }
	r.faulty.breaks(down)
	call := r.dial(t, "")
	r.faulty.breaks(nil)
	r.replayed(t)
	decision, err := r.Inbound(t.Context(), standing, "+12025550911")
	ok(t, err)
	r.Keep(t.Context(), placed) // as if it had not been erased
	next := r.again(t, down)
	next.blind = true
	ended, err := next.End(t.Context(), call.ID, decision.LegID, "")
	ok(t, err)
	same(t, "the callback is up", false, ended.Leg(decision.LegID).Up())
	same(t, "the dial is up", true, ended.Leg(call.Legs[0].ID).Up())
}

// lateSource answers with what it has read only after something else has happened.
type lateSource struct {
	*faulty

	meanwhile func()
}

func (l lateSource) LastKnown(ctx context.Context) (emergency.LastKnown, error) {
	known, err := l.faulty.LastKnown(ctx)
	l.meanwhile()
	return known, err
}

func (l lateSource) KnownCalls(ctx context.Context, ids []emergency.CallID) ([]emergency.KnownCall, error) {
	calls, err := l.faulty.KnownCalls(ctx, ids)
	l.meanwhile()
	return calls, err
}

// What is answered while everything is read anew is not forgotten over it, nor in the
// copy, although what was read does not have it yet (B7).
func TestReadingIsOutdated(t *testing.T) {
	r := newRig(t)
	r.blind = true
	var call emergency.Call
	r.feed.Source = lateSource{r.faulty, func() { call = r.dial(t, "") }}
	ok(t, r.feed.Read(t.Context()))
	next := r.again(t, down)
	decision, err := next.Inbound(t.Context(), number, "+12025550911")
	ok(t, err)
	same(t, "the verdict", emergency.ConnectAgent, decision.Verdict)
	same(t, "the call that a callback is for", call.ID, decision.CallID)
}

// Nor does a leg come back that has ended while the news of its beginning were read.
func TestNewsAreOutdated(t *testing.T) {
	r := newRig(t)
	r.blind = true
	call := r.dial(t, "")
	r.feed.Source = lateSource{r.faulty, func() {
		_, err := r.End(t.Context(), call.ID, "", "")
		ok(t, err)
	}}
	ok(t, r.feed.Look(t.Context()))
	found, err := r.remembered(t, call.ID)
	ok(t, err)
	same(t, "the leg is up", false, found.LegUp())
}

// A clock that steps back changes nothing of the order of things: what is told to end has
// begun, and a callback is not over before it begins, whether SQL answers or not (B3, B7).
func TestClockStepsBack(t *testing.T) {
	for name, how := range map[string]trouble{"with SQL": nil, "without SQL": down} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.blind = true
			r.faulty.breaks(how)
			call := r.dial(t, "")
			r.pass(time.Minute)
			ended, err := r.End(t.Context(), call.ID, "", "")
			ok(t, err)
			same(t, "legs up after the dial", 0, len(ended.LiveLegs()))
			r.pass(-30 * time.Second)
			decision, err := r.Inbound(t.Context(), call.Route.CallerID, "+12025550911")
			ok(t, err)
			same(t, "the verdict", emergency.ConnectAgent, decision.Verdict)
			r.faulty.breaks(nil)
			r.replayed(t)
			kept, err := r.store.Call(t.Context(), call.ID)
			ok(t, err)
			same(t, "the callback is up", true, kept.Leg(decision.LegID).Up())
			same(t, "presence", emergency.StatusDoNotDisturb, kept.PresenceNow)

			r.faulty.breaks(how)
			r.pass(-time.Hour)
			ended, err = r.End(t.Context(), call.ID, "", "")
			ok(t, err)
			same(t, "legs up after the callback", 0, len(ended.LiveLegs()))
			r.faulty.breaks(nil)
			r.replayed(t)
			kept, err = r.store.Call(t.Context(), call.ID)
			ok(t, err)
			same(t, "legs up in SQL", 0, len(kept.LiveLegs()))
			same(t, "presence afterwards", emergency.StatusAvailable, kept.PresenceNow)
		})
	}
}
