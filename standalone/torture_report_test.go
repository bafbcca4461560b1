package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// report says what was done and what came of it.
func (c *checker) report(seed uint64, faults map[string]int) string {
	var b strings.Builder
	broken := 0
	for _, n := range faults {
		broken += n
	}
	t := &c.l.tally
	for _, d := range c.l.dials {
		if d.call.Degraded {
			t.degraded++
		}
	}
	fmt.Fprintf(&b, "seed %d\n", seed)
	fmt.Fprintf(&b, "  %d calls on record, %d dials answered, %d callbacks answered; closed: %v\n",
		len(c.calls), len(c.l.dials), len(c.l.inbound), c.outcomes)
	fmt.Fprintf(&b, "  %d faults\n", broken)
	for _, kind := range slices.Sorted(maps.Keys(faults)) {
		fmt.Fprintf(&b, "    %4d %s\n", faults[kind], kind)
	}
	for _, what := range slices.Sorted(maps.Keys(t.slowest)) {
		fmt.Fprintf(&b, "  worst answer to a %s: %s\n", what, t.slowest[what].Round(time.Millisecond))
	}
	fmt.Fprintf(&b, "  %d dials answered without the database, %d answers refused, %d attempts without an answer (%d of them by a server that was there)\n",
		t.degraded, len(t.refused), t.unanswered, t.overdue)
	fmt.Fprintf(&b, "  %d repeated and %d duplicated messages, %d ends that overtook their call\n", t.repeats, t.copies, t.early)
	fmt.Fprintf(&b, "  %d messages to people, %d of them once more, %d given up at the end of a window; %d to the presence system, %d once more\n",
		c.told, c.duplicates, c.givenUp, c.w.presence.told, c.w.presence.repeated)
	fmt.Fprintf(&b, "  %d callbacks connected as their call was closed, %d to the desk by a process that could not know the call\n",
		c.afterClose, c.toDesk)
	fmt.Fprintf(&b, "  %d lost\n", len(c.lost))
	return b.String()
}

// stories tells of what is wrong, a few calls at length.
func (c *checker) stories(ctx context.Context) string {
	const most = 8
	var b strings.Builder
	for _, what := range c.lost[""] {
		fmt.Fprintf(&b, "- %s\n", what)
	}
	calls := slices.DeleteFunc(slices.Sorted(maps.Keys(c.lost)), func(id string) bool { return id == "" })
	for n, id := range calls {
		fmt.Fprintf(&b, "- call %s: %s\n", id, strings.Join(c.lost[id], "\n    and "))
		if n < most {
			c.story(ctx, &b, id)
		}
	}
	return b.String()
}

// story is all that is known of a call.
func (c *checker) story(ctx context.Context, b *strings.Builder, id string) {
	for _, d := range c.l.dials {
		if d.call.CallID == id {
			fmt.Fprintf(b, "    dialed %s by %s, sent %s, answered %s showing %s (%s), degraded %t, key %q\n", d.plan.dials, d.plan.agent.id,
				clockOf(d.sent), clockOf(d.answered), d.call.Route.CallerID, d.call.CallbackNumberKind, d.call.Degraded, d.plan.key)
		}
	}
	for _, in := range c.l.inbound {
		if in.decision.CallID == id || in.of.call.CallID == id {
			fmt.Fprintf(b, "    called back on %s, sent %s, answered %s: %s call %s leg %s\n", in.to, clockOf(in.sent), clockOf(in.answered),
				in.decision.Decision, in.decision.CallID, in.decision.LegID)
		}
	}
	for _, e := range c.l.ends[id] {
		fmt.Fprintf(b, "    end of leg %q sent %s, answered %s\n", e.legID, clockOf(e.sent), clockOf(e.answered))
	}
	kept := c.calls[id]
	if kept == nil {
		fmt.Fprintln(b, "    nothing is on record")
		return
	}
	fmt.Fprintf(b, "    on record: %s of %s, dialed %s, closed %s, number %s (%s), shown %s, degraded %t, workflow terminated by us %t\n", kept.kind,
		kept.agent, clockOf(kept.dialedAt), clockOf(kept.closedAt), kept.number, kept.numberKind, kept.callerID, kept.degraded, c.w.terminated[id])
	for _, leg := range kept.legs {
		fmt.Fprintf(b, "    leg %s %s from %s to %s %s\n", leg.id, leg.direction, clockOf(leg.startedAt), clockOf(leg.endedAt), leg.reason)
	}
	for _, e := range c.events[kept.agent] { // other calls of the agent matter, too
		if e.kind != "notice-updated" && e.at.After(kept.dialedAt.Add(-5*time.Second)) && !e.at.After(kept.closedAt.Add(time.Second)) {
			fmt.Fprintf(b, "    event %d %s %s %s leg %s %s\n", e.seq, clockOf(e.at), e.kind, e.call, e.leg, e.status)
		}
	}
	for _, a := range kept.audit {
		fmt.Fprintf(b, "    audit %s %s %s\n", clockOf(a.at), a.action, a.outcome)
	}
	for _, d := range kept.deliveries {
		fmt.Fprintf(b, "    delivery of %s %d to %s: %s\n", d.event, d.round, d.address, d.state)
	}
	c.workflowStory(ctx, b, id)
}

// workflowStory is the end of what Temporal knows of a call.
func (c *checker) workflowStory(ctx context.Context, b *strings.Builder, id string) {
	described, err := c.w.temporal.DescribeWorkflowExecution(ctx, workflowID(id), "")
	if err != nil {
		fmt.Fprintf(b, "    workflow: %v\n", err)
		return
	}
	fmt.Fprintf(b, "    workflow %s\n", described.GetWorkflowExecutionInfo().GetStatus())
	for _, pending := range described.GetPendingActivities() {
		fmt.Fprintf(b, "    pending %s, attempt %d, %s\n", pending.GetActivityType().GetName(), pending.GetAttempt(), pending.GetLastFailure().GetMessage())
	}
	kept, err := history(ctx, c.w.temporal, id)
	if err != nil {
		fmt.Fprintf(b, "    history: %v\n", err)
		return
	}
	for _, e := range kept.GetHistory().GetEvents() {
		fmt.Fprintf(b, "    history %d %s %s\n", e.GetEventId(), clockOf(e.GetEventTime().AsTime()), e.GetEventType())
	}
}
