package store_test

import (
	"cmp"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// callBack is the decision on an inbound call, without the devices to ring. A new leg
// has the ID that is given.
func (m *model) callBack(to, from string, fresh emergency.LegID) emergency.Decision {
	call := m.calledBack(to, from)
	if call == nil {
		return m.fallBack(to)
	}
	decision := emergency.Decision{Verdict: emergency.ConnectAgent, AgentID: call.AgentID, CallID: call.ID, Kind: call.Kind}
	if decision.LegID = call.connected(from); decision.LegID == "" {
		m.legBegins(call, emergency.Leg{ID: fresh, Direction: emergency.Callback, StartedAt: m.now}, from)
		m.rest(call)
		decision.LegID = fresh
	}
	return decision
}

// connected is the leg of a callback from some place that is up; empty for none.
func (c *modelCall) connected(from string) emergency.LegID {
	for _, leg := range c.LiveLegs() {
		if leg.Direction == emergency.Callback && c.remote[leg.ID] == from {
			return leg.ID
		}
	}
	return ""
}

// stood says that the call has shown this number without having it.
func (c *modelCall) stood(number string) bool {
	return c.shown == number && (c.NumberKind == emergency.NumberStanding || c.shown != c.Number)
}

// has says that the number is the call's own.
func (c *modelCall) has(number string) bool {
	return c.NumberKind == emergency.NumberLeased && c.Number == number
}

// yes counts as less than no, so that it is first.
func yes(is bool) int {
	if is {
		return 0
	}
	return 1
}

// calledBack is the live call that a callback is for; nil for none.
func (m *model) calledBack(to, from string) *modelCall {
	live := slices.DeleteFunc(slices.Clone(m.calls), func(c *modelCall) bool {
		return c.Status(m.now) == emergency.CallEnded || !c.has(to) && !c.stood(to)
	})
	if len(live) == 0 {
		return nil
	}
	return slices.MinFunc(live, func(a, b *modelCall) int {
		return cmp.Or(
			cmp.Compare(yes(a.connected(from) != ""), yes(b.connected(from) != "")),
			cmp.Compare(yes(a.Kind == emergency.KindEmergency), yes(b.Kind == emergency.KindEmergency)),
			cmp.Compare(yes(a.has(to)), yes(b.has(to))),
			cmp.Compare(yes(!m.hasSince(a)), yes(!m.hasSince(b))),
			b.DialedAt.Compare(a.DialedAt),
			cmp.Compare(b.ID, a.ID),
		)
	})
}

// hasSince says that the agent has got a number since the call showed another. What SQL
// had chosen for a call that was answered without it does not count.
func (m *model) hasSince(call *modelCall) bool {
	number := m.heldBy(call.AgentID)
	return number != "" && slices.ContainsFunc(m.numbers[number].claims, func(id emergency.CallID) bool {
		return id != call.ID || !call.Degraded
	})
}

// fallBack is the decision when nobody has the number any more.
func (m *model) fallBack(to string) emergency.Decision {
	if n := m.numbers[to]; n != nil && n.freeAt.After(m.now) {
		return desked(m.call(n.last))
	}
	over := func(c *modelCall) time.Time {
		if c.ClosedAt.IsZero() || c.ClosedAt.After(c.ExpiresAt()) {
			return c.ExpiresAt()
		}
		return c.ClosedAt
	}
	late := slices.DeleteFunc(slices.Clone(m.calls), func(c *modelCall) bool {
		had := c.stood(to) || c.Number == to && c.ClosedAt.IsZero()
		return !had || c.Status(m.now) != emergency.CallEnded || !over(c).Add(agreed.Quarantine).After(m.now)
	})
	if len(late) == 0 {
		return emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	}
	return desked(slices.MinFunc(late, func(a, b *modelCall) int {
		return cmp.Or(
			cmp.Compare(yes(a.Kind == emergency.KindEmergency), yes(b.Kind == emergency.KindEmergency)),
			over(b).Compare(over(a)), b.DialedAt.Compare(a.DialedAt), cmp.Compare(b.ID, a.ID),
		)
	}))
}

// desked sends a callback to the desk because of a call.
func desked(c *modelCall) emergency.Decision {
	return emergency.Decision{Verdict: emergency.ConnectFallback, AgentID: c.AgentID, CallID: c.ID, Kind: c.Kind}
}
