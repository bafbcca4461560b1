package store_test

import (
	"slices"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// answered takes in a call that was answered without SQL.
func (m *model) answered(p store.Placement) {
	if call := m.call(p.CallID); call != nil {
		m.correct(call, *p.Shown)
		m.rest(call)
		return
	}
	call := &modelCall{remote: map[emergency.LegID]string{}, silent: map[emergency.LegID]bool{}, Call: emergency.Call{
		ID: p.CallID, AgentID: p.Caller.Agent.ID, Kind: p.Dialed.Kind, DialedAt: p.At, Terms: agreed, Degraded: true,
	}}
	m.calls = append(m.calls, call)
	leg := emergency.Leg{ID: p.LegID, Direction: emergency.Outbound, StartedAt: p.At}
	call.Legs = []emergency.Leg{leg} // it counts for how long the number is held
	m.showed(call, *p.Shown)
	call.Legs = nil
	m.legHeardOf(call, leg, "")
	m.endIfEarly(call, leg.ID)
	m.rest(call)
}

// endIfEarly ends a leg if its call was told to be over before the leg was heard of, and
// the leg had begun by then.
func (m *model) endIfEarly(call *modelCall, id emergency.LegID) {
	ends := []time.Time{m.early[call.ID], m.hung[call.ID]}
	slices.SortFunc(ends, time.Time.Compare)
	m.hung[call.ID] = ends[1]
	for _, at := range ends {
		for i := range call.Legs {
			leg := &call.Legs[i]
			if !at.IsZero() && leg.ID == id && leg.Up() && (leg.Direction == emergency.Outbound || leg.StartedAt.Before(at)) {
				m.legEnds(call, leg, emergency.EndHungUp, at)
			}
		}
	}
}

// hangUpAll ends a whole call as of some time.
func (m *model) hangUpAll(id emergency.CallID, at time.Time) {
	m.hangUp(id, "", emergency.EndHungUp, at)
	if at.After(m.hung[id]) {
		m.hung[id] = at
	}
}

// correct has callbacks to what a call showed lead to it, beside those to what SQL chose.
func (m *model) correct(call *modelCall, shown store.Shown) {
	known := call.Degraded
	full := known && call.shown != call.Number
	call.Degraded = true
	switch {
	case full, call.shown == shown.Number, call.has(shown.Number):
	case call.ClosedAt.IsZero() && shown.Kind == emergency.NumberLeased && call.NumberKind == emergency.NumberStanding:
		number, first := call.Number, call.shown
		m.showed(call, shown)
		switch {
		case call.NumberKind == emergency.NumberLeased:
			call.shown = first
		case known:
			call.Number, call.shown = number, first
		}
	default:
		if call.shown = shown.Number; call.NumberKind == emergency.NumberStanding {
			call.Number = shown.Number
		}
	}
}

// showed gives a call the number that it showed: as its own when nobody else holds that
// and the agent no other.
func (m *model) showed(call *modelCall, shown store.Shown) {
	call.Number, call.NumberKind, call.shown = shown.Number, shown.Kind, shown.Number
	if shown.Kind != emergency.NumberLeased {
		return
	}
	m.forget() // what is gone is gone
	n, site := m.numbers[shown.Number], m.agents[call.AgentID].site
	switch {
	case n != nil && n.holder == call.AgentID:
	case n != nil && n.site == site && n.holder == "" && m.heldBy(call.AgentID) == "":
		n.leasedAt, n.holder = call.DialedAt, call.AgentID
		if n.used.Before(call.DialedAt) {
			n.used = call.DialedAt
		}
	default:
		call.NumberKind = emergency.NumberStanding
		return
	}
	n.claims = append(n.claims, call.ID)
}

// rest keeps from the next caller what a call showed without having it.
func (m *model) rest(call *modelCall) {
	m.forget()
	n := m.numbers[call.shown]
	if n == nil || !call.Degraded || call.has(call.shown) || !call.ClosedAt.IsZero() {
		return
	}
	if n.used.Before(call.DialedAt) {
		n.used = call.DialedAt
	}
	if until := call.ExpiresAt().Add(agreed.Quarantine); n.freeAt.Before(until) {
		n.freeAt, n.last = until, call.ID
	}
}

// legHeardOf adds a leg that has begun some time ago.
func (m *model) legHeardOf(call *modelCall, leg emergency.Leg, remote string) {
	a := m.agents[call.AgentID]
	m.addLeg(call, leg, remote)
	switch {
	case call.Status(m.now) == emergency.CallEnded:
		call.silent[leg.ID] = true
	case a.choice.After(leg.StartedAt):
		a.legs++
		call.PresenceBefore = a.shown
	default:
		call.Legs = slices.DeleteFunc(call.Legs, func(l emergency.Leg) bool { return l.ID == leg.ID })
		m.legBegins(call, leg, remote)
	}
}

// calledBackWithoutSQL takes in a callback that was connected some time ago.
func (m *model) calledBackWithoutSQL(a store.Answered) {
	call := m.call(a.CallID)
	if call.HasLeg(a.LegID) || !call.ClosedAt.IsZero() {
		return
	}
	began := a.At
	if began.Before(call.DialedAt) {
		began = call.DialedAt
	}
	m.legHeardOf(call, emergency.Leg{ID: a.LegID, Direction: emergency.Callback, StartedAt: began}, a.From)
	m.rest(call)
	m.endIfEarly(call, a.LegID)
}

// silentLegs counts the legs that are up and have no say in anybody's presence.
func (m *model) silentLegs() int {
	count := 0
	for _, call := range m.calls {
		for _, leg := range call.LiveLegs() {
			if call.silent[leg.ID] {
				count++
			}
		}
	}
	return count
}

// leaseOf is the number that an agent holds for a call whose window is not over.
func (m *model) leaseOf(agent emergency.AgentID) string {
	for _, call := range m.calls {
		status := call.Status(m.now)
		if call.AgentID == agent && call.NumberKind == emergency.NumberLeased && status != emergency.CallEnded &&
			(status == emergency.CallActive || m.now.Before(call.WindowEndsAt())) {
			return call.Number
		}
	}
	return ""
}

// ago is how long something took to come to light.
var ago = []time.Duration{0, time.Microsecond, time.Minute, agreed.Grace, 2 * time.Hour, 5 * time.Hour}
