package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// checker proves, for every call, that nothing was lost and nothing is stuck. It reads
// the database by itself, the mail, the outside presence system and Temporal's API, and
// trusts no package of the service.
type checker struct {
	w *world
	l *load
	*remains

	taken map[notice]int
	// lost are what is wrong, by call; what concerns no one call is under "".
	lost map[string][]string
	// duplicates counts messages to people beyond the first, givenUp those that were
	// not sent before the end of the window for a reason.
	told, duplicates, givenUp int
	// toDesk counts callbacks that reached the desk of the site, and not the caller.
	toDesk int
	// afterClose counts callbacks that were connected without the database just as it
	// closed the call.
	afterClose int
	outcomes   map[string]int
}

// settleWithin is how long the dust may take: an overdue call is put right a minute and
// a half after its window.
const settleWithin = 5 * time.Minute

// awaitDust waits until nothing is left to be done, or until it has taken too long. It
// tells what was left last.
func (w *world) awaitDust() []string {
	var last []string
	for deadline := time.Now().Add(settleWithin); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		left := w.unsettled(w.t.Context())
		if len(left) == 0 {
			break
		}
		last = left
	}
	return last
}

func check(w *world, l *load) (*checker, error) {
	c := &checker{w: w, l: l, lost: map[string][]string{}, outcomes: map[string]int{}}
	ctx := w.t.Context()
	for _, left := range w.unsettled(ctx) {
		c.blame("", "left over: %s", left)
	}
	var err error
	if c.remains, err = w.exhume(ctx); err != nil {
		return nil, err
	}
	if c.taken, err = w.noticesTaken(); err != nil {
		return nil, err
	}
	c.checkAnswered()
	c.checkCallbacks()
	for _, call := range c.calls {
		c.checkOnce(call)
		c.checkLegs(call)
		c.checkTold(call)
		c.checkWorkflow(ctx, call)
	}
	c.checkGivenUp()
	c.checkNumbers()
	for _, agent := range w.agents {
		c.checkPresence(agent)
	}
	c.checkProcesses()
	c.checkRefused()
	return c, nil
}

func (c *checker) blame(call, format string, args ...any) {
	c.lost[call] = append(c.lost[call], fmt.Sprintf(format, args...))
}

// checkAnswered holds every dial that was answered to what is kept of it. A callback to
// any number that was shown has to find it.
func (c *checker) checkAnswered() {
	for _, d := range c.l.dials {
		kept := c.calls[d.call.CallID]
		switch {
		case kept == nil:
			c.blame(d.call.CallID, "answered at %s and forgotten", clockOf(d.answered))
		case kept.agent != d.plan.agent.id || kept.agent != d.call.AgentID:
			c.blame(kept.id, "%s dialed, and %s is on record", d.plan.agent.id, kept.agent)
		case kept.leg(d.call.Legs[0].LegID) == nil:
			c.blame(kept.id, "its leg %s is forgotten", d.call.Legs[0].LegID)
		}
		for _, shown := range append(d.again, d.call.Route.CallerID) {
			if kept != nil && shown != kept.callerID && (shown != kept.number || kept.numberKind != "leased") {
				c.blame(kept.id, "%s was shown, and is not on record", shown)
			}
		}
	}
}

// checkCallbacks holds what the emergency service was told to who had the number. Only
// while the window was open is anything owed (S4, S5).
func (c *checker) checkCallbacks() {
	for _, b := range c.l.inbound {
		of, got := b.of, b.decision
		if got.LegID != "" {
			switch kept := c.calls[got.CallID]; {
			case kept == nil:
				c.blame(got.CallID, "the callback that was connected as leg %s is forgotten", got.LegID)
			case kept.leg(got.LegID) != nil:
			case kept.audited("callback-after-close"): // the database heard of it when the window was over
				c.afterClose++
			default:
				c.blame(got.CallID, "the callback that was connected as leg %s is forgotten", got.LegID)
			}
		}
		if !b.answered.Before(of.call.WindowEndsAt) {
			continue
		}
		leased := string(of.call.CallbackNumberKind) == "leased"
		switch {
		case got.Decision == "connect-fallback" && got.Degraded && len(c.w.servers) > 1:
			c.toDesk++ // another process had answered the dial, and the database could not say so
		case got.Decision != "connect-agent":
			c.blame(of.call.CallID, "a callback to %s at %s, in the window, was: %s", b.to, clockOf(b.answered), got.Decision)
		case leased && got.AgentID != of.call.AgentID:
			c.blame(of.call.CallID, "a callback to %s at %s reached %s", b.to, clockOf(b.answered), got.AgentID)
		}
	}
}

// checkOnce holds the call's own events and audit lines to one of each.
func (c *checker) checkOnce(call *record) {
	count := map[string]int{}
	for _, e := range call.events {
		count[strings.TrimSpace(e.kind+" "+e.leg)]++
	}
	want := map[string]int{"call-closed": 1}
	outbound := 0
	for _, leg := range call.legs {
		want["leg-ended "+leg.id] = 1
		if leg.direction == "outbound" {
			want["call-placed "+leg.id] = 1
		} else {
			want["callback-received "+leg.id] = 1
		}
		if leg.direction == "outbound" {
			outbound++
		}
	}
	if outbound != 1 {
		c.blame(call.id, "has %d outbound legs", outbound)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if count[name] != 1 {
			c.blame(call.id, "was told %d times: %s", count[name], name)
		}
	}
	for _, line := range call.audit {
		if line.action == "call-closed" {
			c.outcomes[line.outcome]++
			count["audited"]++
		}
	}
	if count["audited"] != 1 {
		c.blame(call.id, "the audit closes it %d times", count["audited"])
	}
}

// checkLegs holds the ends of legs to the ends that were told. When several were told,
// any of them may have come first.
func (c *checker) checkLegs(call *record) {
	for _, leg := range call.legs {
		if leg.endedAt.IsZero() {
			c.blame(call.id, "leg %s is still up", leg.id)
			continue
		}
		explained, owed := c.endOf(call, leg.id, leg.startedAt, leg.endedAt)
		if leg.endedAt.Equal(call.dialedAt) && owed.IsZero() {
			// A callback by one process that was over before another heard of the dial
			// begins and ends with that.
			explained = len(c.l.ends[call.id]) > 0
		}
		switch longest := leg.endedAt.Sub(leg.startedAt); {
		case explained:
		case !owed.IsZero() && leg.endedAt.After(owed):
			c.blame(call.id, "leg %s ended at %s (%s), and its end was answered at %s", leg.id, clockOf(leg.endedAt), leg.reason, clockOf(owed))
		case leg.reason != "max-duration" || longest < tortureMaxCall:
			c.blame(call.id, "leg %s ended at %s (%s) after %s, and nobody had said so", leg.id, clockOf(leg.endedAt), leg.reason, longest)
		}
	}
}

// endOf tells whether an end that was told explains when a leg ended, and by when the
// first answer to one had promised that; zero without a promise.
func (c *checker) endOf(call *record, leg string, startedAt, endedAt time.Time) (explained bool, owed time.Time) {
	const slack = time.Millisecond // what is kept is rounded
	for _, e := range c.l.ends[call.id] {
		if e.legID != "" && e.legID != leg {
			continue
		}
		sent := !endedAt.Add(slack).Before(e.sent)
		explained = explained || sent && (e.answered.IsZero() || !endedAt.After(e.answered.Add(slack)))
		if e.sent.After(startedAt) && !e.answered.IsZero() && (owed.IsZero() || e.answered.Before(owed)) {
			owed = e.answered
		}
	}
	return explained, owed
}

// tenure is how long a call had its number.
type tenure struct {
	*record

	from time.Time
	// taken and left are the events with which that began and ended. They are in order
	// also where clocks are not.
	taken, left int64
}

func tenureOf(call *record) tenure {
	t := tenure{record: call, from: call.dialedAt}
	for _, e := range call.events {
		switch e.kind {
		case "call-placed":
			t.taken = e.seq
		case "number-leased", "number-corrected":
			t.taken, t.from = e.seq, e.at
		case "call-closed":
			t.left = e.seq
		}
	}
	return t
}

// checkNumbers proves that no number was held by two agents at a time, and that each
// rested between two (B5).
func (c *checker) checkNumbers() {
	held := map[string][]tenure{}
	for _, call := range c.calls {
		if call.numberKind == "leased" {
			held[call.number] = append(held[call.number], tenureOf(call))
		}
	}
	for number, tenures := range held {
		slices.SortFunc(tenures, func(a, b tenure) int { return cmp.Compare(a.taken, b.taken) })
		for i, next := range tenures {
			for _, before := range tenures[:i] {
				free := before.over().Add(tortureQuarantine)
				if before.agent != next.agent && (next.taken < before.left || next.from.Before(free)) {
					c.blame(next.id, "%s has %s since %s (event %d), and call %s of %s had it until %s (event %d) and it rested until %s",
						next.agent, number, clockOf(next.from), next.taken, before.id, before.agent, clockOf(before.closedAt), before.left, clockOf(free))
				}
			}
		}
	}
}

// checkRefused blames every answer that was no help (B7).
func (c *checker) checkRefused() {
	for _, answer := range slices.Sorted(maps.Keys(c.l.tally.refused)) {
		c.blame("", "%d times %s, last %s", c.l.tally.refused[answer], answer, c.l.tally.example[answer])
	}
	if n := c.l.tally.overdue; n > 0 {
		c.blame("", "%d times a server that was there did not answer within %s", n, answerWithin)
	}
}

// checkProcesses blames processes that have ended by themselves, and spools that could
// not be emptied.
func (c *checker) checkProcesses() {
	for _, file := range c.w.setAside() {
		c.blame("", "a spool has set something aside: %s", file)
	}
	for _, m := range c.w.members {
		for _, faint := range m.faints {
			c.blame("", "a process ended by itself: %s", faint)
		}
	}
}

func clockOf(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("15:04:05.000")
}
