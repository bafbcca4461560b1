package store_test

import (
	"slices"
	"strings"
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

type modelNumber struct {
	site emergency.SiteID
	// holder is who may be called back on it; claims are that agent's calls.
	holder   emergency.AgentID
	claims   []emergency.CallID
	draining bool
	used     time.Time
	freeAt   time.Time
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

// available are the numbers of a site that may be leased now, the least recently
// used first.
func (m *model) available(site emergency.SiteID) []string {
	var found []string
	for number, n := range m.numbers {
		if n.site == site && len(n.claims) == 0 && !n.draining && !n.freeAt.After(m.now) {
			found = append(found, number)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		if order := m.numbers[a].used.Compare(m.numbers[b].used); order != 0 {
			return order
		}
		return strings.Compare(a, b)
	})
	return found
}

// numberFor is the number that an agent's dial shows, and how it came to be shown.
func (m *model) numberFor(agent emergency.AgentID) (string, emergency.NumberKind) {
	site := m.agents[agent].site
	for number, n := range m.numbers {
		if n.holder == agent && n.site == site {
			return number, emergency.NumberLeased
		}
	}
	found := m.available(site)
	if len(found) == 0 {
		m.makeRoom(site)
		found = m.available(site)
	}
	if len(found) == 0 {
		return standing, emergency.NumberStanding
	}
	m.numbers[found[0]].used = m.now
	return found[0], emergency.NumberLeased
}

func (m *model) dial(agent emergency.AgentID, id emergency.CallID, leg emergency.LegID) {
	number, kind := m.numberFor(agent)
	call := &modelCall{remote: map[emergency.LegID]string{}, Call: emergency.Call{
		ID: id, AgentID: agent, Number: number, NumberKind: kind, DialedAt: m.now, Terms: agreed,
	}}
	if kind == emergency.NumberLeased {
		n := m.numbers[number]
		n.holder, n.claims = agent, append(n.claims, id)
	}
	m.calls = append(m.calls, call)
	m.legBegins(call, emergency.Leg{ID: leg, Direction: emergency.Outbound, StartedAt: m.now}, "")
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

// callBack gives the call and the leg that an inbound call reaches; nil for none.
func (m *model) callBack(to, from string, fresh emergency.LegID) (*modelCall, emergency.LegID) {
	var latest *modelCall
	for _, call := range m.calls { // in the order in which they were dialed
		if call.Number == to && call.Status(m.now) != emergency.CallEnded {
			latest = call
		}
	}
	if latest == nil {
		return nil, ""
	}
	for _, leg := range latest.LiveLegs() {
		if leg.Direction == emergency.Callback && latest.remote[leg.ID] == from {
			return latest, leg.ID
		}
	}
	m.legBegins(latest, emergency.Leg{ID: fresh, Direction: emergency.Callback, StartedAt: m.now}, from)
	return latest, fresh
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

// giveBack ends a call whose number was of use until some moment.
func (m *model) giveBack(call *modelCall, until time.Time) {
	call.ClosedAt = m.now
	if call.NumberKind != emergency.NumberLeased {
		return
	}
	n := m.numbers[call.Number]
	n.claims = slices.DeleteFunc(n.claims, func(id emergency.CallID) bool { return id == call.ID })
	if until.After(n.used) {
		n.used = until
	}
	if rested := until.Add(agreed.Quarantine); rested.After(n.freeAt) {
		n.freeAt = rested
	}
	if len(n.claims) > 0 {
		return
	}
	n.holder = ""
	if n.draining {
		delete(m.numbers, call.Number)
	}
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

func (m *model) add(number string, site emergency.SiteID) bool {
	n, there := m.numbers[number]
	if there {
		back := n.draining && n.site == site
		n.draining = n.draining && !back
		return back
	}
	m.numbers[number] = &modelNumber{site: site, used: time.Unix(0, 0), freeAt: time.Unix(0, 0)}
	return true
}

func (m *model) remove(number string) bool {
	n, there := m.numbers[number]
	if there && len(n.claims) == 0 {
		delete(m.numbers, number)
	} else if there {
		n.draining = true
	}
	return there
}

// states is the pool as an administrator sees it.
func (m *model) states() map[string]emergency.NumberState {
	all := map[string]emergency.NumberState{}
	for number, n := range m.numbers {
		switch {
		case n.draining:
			all[number] = draining
		case len(n.claims) > 0:
			all[number] = leased
		case n.freeAt.After(m.now):
			all[number] = resting
		default:
			all[number] = free
		}
	}
	return all
}
