package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
	"pgregory.net/rapid"
)

// world is what really happens to a call, and what its workflow has been told of
// it. The fields are guarded by the scene's mutex.
type world struct {
	*scene

	// up are the legs that are really connected, as SQL would know, and lastEnded is
	// when the last of them ended.
	up        map[emergency.LegID]bool
	lastEnded time.Duration
	// known are the legs that the workflow has heard of; early are ends that came
	// before their start.
	known, early map[emergency.LegID]emergency.Leg
	// released are the times when the number was given back, refused when it was not.
	released, refused []time.Duration
	// heard is when the last message came.
	heard time.Duration
	// cancelled is true once somebody has cancelled the call.
	cancelled bool
	// want are the call's numbers, as far as the workflow has been told.
	want numbers
	// seenAt is when somebody first acknowledged; zero while nobody has.
	seenAt time.Duration
	// serial keeps any two messages from coming at the same moment.
	serial time.Duration
}

func newWorld(t tb) *world {
	w := &world{
		scene: newScene(t), up: map[emergency.LegID]bool{theDial: true},
		known: map[emergency.LegID]emergency.Leg{theDial: {ID: theDial, StartedAt: noon}},
		early: map[emergency.LegID]emergency.Leg{},
		want:  numbers{"+12025550101", emergency.NumberLeased, ""},
	}
	w.busy = func(at time.Duration) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.busyAt(at)
	}
	return w
}

// busyAt is what the activity says to a release: true while SQL knows of a leg that
// is up, or of one that ended so late that the window is still open (B1).
func (w *world) busyAt(at time.Duration) bool {
	busy := len(w.up) > 0 || (!w.cancelled && at < w.lastEnded+agreed.Grace)
	switch {
	case !w.plansOver(workflows.ActivityReleaseNumber):
	case busy:
		w.refused = append(w.refused, at)
	default:
		w.released = append(w.released, at)
	}
	return busy
}

// plansOver tells whether the attempt under way will succeed.
func (w *world) plansOver(name string) bool {
	decide := w.plans[name]
	return decide == nil || decide(w.tries[name]+1) == nil
}

// moment is a time since the dial that no other message has.
func (w *world) moment(d time.Duration) time.Duration {
	w.serial += time.Millisecond
	return d.Truncate(time.Second) + w.serial
}

// leg plans what happens to a leg: when it starts and ends, and when and how often
// the workflow hears of that, if ever.
func (w *world) leg(t *rapid.T, id emergency.LegID) {
	start := time.Duration(0)
	if id != theDial {
		start = w.moment(drawn(t, "start of "+string(id), 5*time.Hour))
		w.at(start, func() { w.connect(id) })
		w.tell(t, id, start, workflows.SignalCallbackReceived)
	}
	if lost := id != theDial && rapid.IntRange(0, 7).Draw(t, "end lost") == 0; lost {
		return
	}
	end := w.moment(start + drawn(t, "length of "+string(id), 5*time.Hour))
	w.at(end, func() { w.disconnect(id) })
	w.tell(t, id, end, workflows.SignalCallEnded)
}

// connect has the PSAP ring back, which it cannot once the number is released.
func (w *world) connect(id emergency.LegID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.released) == 0 {
		w.up[id] = true
	}
}

func (w *world) disconnect(id emergency.LegID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangUp(id)
}

func (w *world) hangUp(id emergency.LegID) {
	if w.up[id] {
		delete(w.up, id)
		w.lastEnded = w.now()
	}
}

// tell sends a message up to three times, each some time after the fact.
func (w *world) tell(t *rapid.T, id emergency.LegID, fact time.Duration, signal string) {
	for range rapid.IntRange(1, 3).Draw(t, "copies of "+signal) {
		arrival, at := w.moment(fact+drawn(t, "delay", 10*time.Minute)), noon.Add(fact)
		if rapid.IntRange(0, 4).Draw(t, "without time") == 0 {
			at = time.Time{}
		}
		w.at(arrival, func() { w.deliver(id, signal, at) })
	}
}

// deliver brings a message to the workflow and remembers what it says.
func (w *world) deliver(id emergency.LegID, signal string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.released) > 0 {
		return
	}
	w.heard = w.now()
	said := at
	if said.IsZero() {
		said = w.env.Now()
	}
	leg, known := w.known[id]
	early, ended := w.early[id]
	switch {
	case signal == workflows.SignalCallbackReceived && !known:
		w.known[id] = emergency.Leg{ID: id, StartedAt: said, EndedAt: early.EndedAt}
	case signal == workflows.SignalCallEnded && !known && !ended:
		w.early[id] = emergency.Leg{ID: id, EndedAt: said}
	case signal == workflows.SignalCallEnded && known && leg.Up():
		leg.EndedAt = said
		w.known[id] = leg
	}
	if signal == workflows.SignalCallEnded {
		w.env.SignalWorkflow(signal, emergency.LegEnded{LegID: id, At: at})
		return
	}
	w.env.SignalWorkflow(signal, emergency.CallbackReceived{LegID: id, At: at})
}

// leaseLate has the pool be exhausted at the dial, and perhaps a number become free
// later (B5). It does not count for when the number is released.
func (w *world) leaseLate(t *rapid.T) {
	if !rapid.Bool().Draw(t, "pool exhausted") {
		return
	}
	w.stand()
	w.want = stands
	if rapid.Bool().Draw(t, "the store answers with the late number") {
		w.lease = workflows.Lease{Number: late, Kind: emergency.NumberLeased}
		w.want = gotLate
	}
	fact := drawn(t, "late lease", 2*time.Hour)
	for range rapid.IntRange(0, 3).Draw(t, "copies of the late lease") {
		message := rapid.SampledFrom([]any{
			emergency.LateLease{Number: late, At: noon.Add(fact)}, emergency.LateLease{}, "hello",
		}).Draw(t, "message")
		w.at(w.moment(fact+drawn(t, "delay", 10*time.Minute)), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.released) > 0 {
				return
			}
			if lease, ok := message.(emergency.LateLease); ok && lease.Number != "" {
				w.want = gotLate
			}
			w.env.SignalWorkflow(workflows.SignalNumberLeased, message)
		})
	}
}

// ends has EndLegs end legs in SQL and in what the workflow knows.
func (w *world) ends(attempt int, succeed plan) error {
	if err := succeed(attempt); err != nil {
		return err
	}
	for id, leg := range w.known {
		if leg.Up() && w.env.Now().Sub(leg.StartedAt) >= agreed.MaxCall {
			leg.EndedAt = w.env.Now()
			w.known[id] = leg
			w.hangUp(id)
		}
	}
	return nil
}

// drawn is a random time up to a limit, in seconds.
func drawn(t *rapid.T, what string, limit time.Duration) time.Duration {
	return time.Duration(rapid.IntRange(0, int(limit/time.Second)).Draw(t, what)) * time.Second
}

// Whatever comes in whatever order, as often as it likes, and however often each
// step fails: the number is released exactly once, not while a leg is up, not
// before max(dialed + 60 min, last leg ended + 30 min), and not later than it has
// to be (B1). Do not disturb is asked for at most once for each leg, and the last
// step of presence restores it (B3, B4). The call's number is the one that became
// free for it, if one did, and the PSAP saw the other (B5). Notices and
// acknowledgements change nothing of this, and keep to their plan (B9).
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.order.PresenceOutside = rapid.Bool().Draw(t, "presence outside")
		trouble := rapid.Bool().Draw(t, "trouble")
		for _, name := range []string{
			workflows.ActivityLeaseNumber, workflows.ActivityRegisterRoute, workflows.ActivitySetDoNotDisturb,
			workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber, workflows.ActivityEndLegs,
		} {
			fail := failing(0)
			if trouble {
				fail = failing(rapid.IntRange(0, 9).Draw(t, "failures of "+name))
			}
			w.plans[name] = fail
			if name == workflows.ActivityEndLegs {
				w.plans[name] = func(attempt int) error { return w.ends(attempt, fail) }
			}
		}
		w.leaseLate(t)
		w.acknowledges(t)
		w.leg(t, theDial)
		for n := range rapid.IntRange(0, 4).Draw(t, "callbacks") {
			w.leg(t, emergency.LegID(fmt.Sprintf("callback-%d", n)))
		}
		if _, err := w.play(); err != nil {
			t.Fatalf("the workflow failed: %v", err)
		}
		w.checkRelease(t, trouble)
		same(t, "the numbers", w.want, w.numbers())
		w.checkPresence(t, trouble)
		w.checkNotices(t)
	})
}

func (w *world) checkRelease(t *rapid.T, trouble bool) {
	if len(w.released) != 1 {
		t.Fatalf("the number was released %d times, at %v", len(w.released), w.released)
	}
	release, earliest := w.released[0], max(agreed.Lease, w.lastEnded+agreed.Grace)
	for id, leg := range w.known {
		if leg.Up() {
			t.Errorf("the number was released at %s while %s was up", release, id)
		}
		earliest = max(earliest, leg.EndedAt.Sub(noon)+agreed.Grace)
	}
	latest := max(earliest, w.heard)
	for _, refused := range w.refused {
		latest = max(latest, refused+30*time.Second)
	}
	if release < earliest || (release > latest && !trouble) {
		t.Errorf("the number was released at %s, want from %s to %s", release, earliest, latest)
	}
}

// checkPresence looks at the steps taken. A restoration is repeated for a leg that had
// come and gone when the workflow heard of it, which therefore has no other step. In
// trouble others are too: a leg can come and go while the one before is being tried.
func (w *world) checkPresence(t *rapid.T, trouble bool) {
	steps := w.story().Presence
	if len(steps) == 0 || !strings.Contains(steps[len(steps)-1], workflows.ActivityRestorePresence) {
		t.Errorf("presence ends with %v", steps)
	}
	set, repeated := map[string]bool{}, 0
	for i, step := range steps {
		_, what, _ := strings.Cut(step, " ")
		switch restoration := strings.Contains(what, workflows.ActivityRestorePresence); {
		case restoration && i > 0 && strings.Contains(steps[i-1], workflows.ActivityRestorePresence):
			repeated++
		case !restoration && set[what]:
			t.Errorf("Do not disturb was set twice for one leg: %v", steps)
		case !restoration:
			set[what] = true
		}
	}
	if passed := len(w.known) - len(set); repeated > passed && !trouble {
		t.Errorf("presence was restored %d times more than once, and %d legs had passed: %v", repeated, passed, steps)
	}
}

// Cancelled at any moment, a call ends as cancelled, its number is released
// exactly once, the last step of presence restores it, and a number leased late is
// not lost (B5).
func TestCancelAnyTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.order.PresenceOutside = rapid.Bool().Draw(t, "presence outside")
		w.plans[workflows.ActivityEndLegs] = func(int) error {
			clear(w.up)
			return nil
		}
		w.leaseLate(t)
		w.acknowledges(t)
		w.leg(t, theDial)
		for n := range rapid.IntRange(0, 3).Draw(t, "callbacks") {
			w.leg(t, emergency.LegID(fmt.Sprintf("callback-%d", n)))
		}
		w.at(drawn(t, "cancel", 60*time.Minute), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.cancelled = true
			w.env.CancelWorkflow()
		})
		_, err := w.play()
		over := len(w.released) == 1 && err == nil
		if !over && !temporal.IsCanceledError(err) {
			t.Errorf("the workflow ended with %v, want it cancelled", err)
		}
		if len(w.released) != 1 {
			t.Errorf("the number was released %d times", len(w.released))
		}
		w.checkPresence(t, false)
		w.checkNotices(t)
		same(t, "the numbers", w.want, w.numbers())
		if len(w.steps(workflows.ActivityEndLegs)) == 0 && !over {
			t.Errorf("no leg was marked ended")
		}
	})
}
