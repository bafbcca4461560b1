package store_test

import (
	"cmp"
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
	// early are ends that came before their calls.
	early map[emergency.CallID]time.Time
	// hung is when calls were last told to be over.
	hung map[emergency.CallID]time.Time
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
	// choice is when a person chose what is shown; zero when nobody did.
	choice time.Time
}

type modelCall struct {
	emergency.Call
	// shown is the number that the PSAP saw.
	shown string
	// remote is who calls back, per leg.
	remote map[emergency.LegID]string
	// silent are legs that have no say in the agent's presence: they were heard of when
	// the call was over.
	silent map[emergency.LegID]bool
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
	a.shown, a.changes, a.choice = status, a.changes+1, time.Time{}
}

func (m *model) legBegins(call *modelCall, leg emergency.Leg, remote string) {
	m.addLeg(call, leg, remote)
	a := m.agents[call.AgentID]
	a.legs++
	if !a.ours {
		a.ours, a.chosen = true, a.shown
		m.show(call.AgentID, emergency.StatusDoNotDisturb)
	}
	call.PresenceBefore = a.chosen
}

// addLeg keeps legs in the order in which they began.
func (m *model) addLeg(call *modelCall, leg emergency.Leg, remote string) {
	call.Legs = append(call.Legs, leg)
	slices.SortFunc(call.Legs, func(a, b emergency.Leg) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	call.remote[leg.ID] = remote
}

func (m *model) legEnds(call *modelCall, leg *emergency.Leg, reason emergency.EndReason, at time.Time) {
	if at.Before(leg.StartedAt) {
		at = leg.StartedAt
	}
	leg.EndedAt, leg.Reason = at, reason
	m.rest(call)
	a := m.agents[call.AgentID]
	if call.silent[leg.ID] {
		return
	}
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
	a.choice = m.now
}

// hangUp ends one leg, or with an empty leg all of them, at some time.
func (m *model) hangUp(id emergency.CallID, only emergency.LegID, reason emergency.EndReason, at time.Time) {
	call := m.call(id)
	for i := range call.Legs {
		began := only == "" && (call.Legs[i].Direction == emergency.Outbound || !call.Legs[i].StartedAt.After(at))
		if leg := &call.Legs[i]; leg.Up() && (began || leg.ID == only) {
			m.legEnds(call, leg, reason, at)
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
		m.hangUp(call.ID, "", emergency.EndMaxDuration, m.now)
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
