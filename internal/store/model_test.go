package store_test

import (
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// model says what should be so, in the plainest way: one thing at a time, in
// memory. It takes from the domain only when a window ends.
type model struct {
	now     time.Time
	numbers map[string]*modelNumber
	agents  map[emergency.AgentID]*modelAgent
	calls   []*modelCall
}

type modelAgent struct {
	site  emergency.SiteID
	shown emergency.Status
	// chosen is what a person last chose; ours says that Lifeline's Do not disturb
	// lies over it.
	chosen emergency.Status
	ours   bool
	// changes counts what the agent showed one after the other.
	changes int64
	legs    int
}

type modelCall struct {
	emergency.Call
	// shown is the number that the PSAP saw.
	shown string
	// remote is who calls back, per leg.
	remote map[emergency.LegID]string
}

func (m *model) call(id emergency.CallID) *modelCall {
	for _, call := range m.calls {
		if call.ID == id {
			return call
		}
	}
	return nil
}

func (m *model) show(agent emergency.AgentID, status emergency.Status) {
	a := m.agents[agent]
	a.shown, a.changes = status, a.changes+1
}

func (m *model) legBegins(call *modelCall, leg emergency.Leg, remote string) {
	call.Legs = append(call.Legs, leg)
	call.remote[leg.ID] = remote
	a := m.agents[call.AgentID]
	a.legs++
	if !a.ours {
		a.ours, a.chosen = true, a.shown
		m.show(call.AgentID, emergency.StatusDoNotDisturb)
	}
	call.PresenceBefore = a.chosen
}

func (m *model) legEnds(call *modelCall, leg *emergency.Leg, reason emergency.EndReason) {
	leg.EndedAt, leg.Reason = m.now, reason
	a := m.agents[call.AgentID]
	if a.legs--; a.legs == 0 && a.ours {
		a.ours = false
		m.show(call.AgentID, a.chosen)
	}
}

func (m *model) choose(agent emergency.AgentID, status emergency.Status) {
	a := m.agents[agent]
	if a.shown == status {
		return
	}
	a.ours = false
	m.show(agent, status)
}

// hangUp ends one leg, or with an empty leg all of them.
func (m *model) hangUp(id emergency.CallID, only emergency.LegID, reason emergency.EndReason) {
	call := m.call(id)
	for i := range call.Legs {
		if leg := &call.Legs[i]; leg.Up() && (only == "" || leg.ID == only) {
			m.legEnds(call, leg, reason)
		}
	}
}

// closes says whether a call is closed after it was asked to be.
func (m *model) closes(id emergency.CallID) bool {
	call := m.call(id)
	if call.ClosedAt.IsZero() {
		if call.LegUp() {
			return false
		}
		until := call.ExpiresAt()
		if m.now.Before(until) {
			until = m.now
		}
		m.giveBack(call, until)
	}
	return true
}

// overdue are the calls that are over but not closed, the longest overdue first.
func (m *model) overdue() []*modelCall {
	var found []*modelCall
	for _, call := range m.calls {
		if call.ClosedAt.IsZero() && call.Status(m.now) == emergency.CallEnded {
			found = append(found, call)
		}
	}
	slices.SortStableFunc(found, func(a, b *modelCall) int { return a.ExpiresAt().Compare(b.ExpiresAt()) })
	return found
}

// expire closes overdue calls.
func (m *model) expire(overdue []*modelCall) {
	for _, call := range overdue {
		until := call.ExpiresAt()
		m.hangUp(call.ID, "", emergency.EndMaxDuration)
		m.giveBack(call, until)
	}
}

// makeRoom closes the five longest overdue calls with a number of a site.
func (m *model) makeRoom(site emergency.SiteID) {
	overdue := slices.DeleteFunc(m.overdue(), func(call *modelCall) bool {
		return call.NumberKind != emergency.NumberLeased || m.agents[call.AgentID].site != site
	})
	m.expire(overdue[:min(len(overdue), 5)])
}
