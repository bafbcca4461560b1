package store_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// modelNumber is a number of a pool.
type modelNumber struct {
	site emergency.SiteID
	// holder is who may be called back on it; claims are that agent's calls.
	holder   emergency.AgentID
	claims   []emergency.CallID
	draining bool
	used     time.Time
	freeAt   time.Time
	// leasedAt is when its latest lease began, last the call that had it last.
	leasedAt time.Time
	last     emergency.CallID
}

// gone says that the number has been removed, and nobody can be called back on it.
func (n *modelNumber) gone(now time.Time) bool {
	return n.draining && len(n.claims) == 0 && !n.freeAt.After(now)
}

// of are the numbers of a site that count.
func (m *model) of(site emergency.SiteID) []string {
	var all []string
	for number, n := range m.numbers {
		if n.site == site && !n.draining {
			all = append(all, number)
		}
	}
	return all
}

// available are those that may be leased now, the least recently used first.
func (m *model) available(site emergency.SiteID) []string {
	found := slices.DeleteFunc(m.of(site), func(number string) bool {
		n := m.numbers[number]
		return len(n.claims) > 0 || n.freeAt.After(m.now)
	})
	slices.SortFunc(found, func(a, b string) int {
		return cmp.Or(m.numbers[a].used.Compare(m.numbers[b].used), strings.Compare(a, b))
	})
	return found
}

// heldBy is the number that an agent holds at the agent's site; empty for none.
func (m *model) heldBy(agent emergency.AgentID) string {
	for number, n := range m.numbers {
		if n.holder == agent && n.site == m.agents[agent].site {
			return number
		}
	}
	return ""
}

// take gives a call the number that its agent has already, or a free one, of which a
// test must leave a fifth and at least one.
func (m *model) take(call *modelCall) bool {
	number := m.heldBy(call.AgentID)
	if number == "" {
		site := m.agents[call.AgentID].site
		found := m.available(site)
		if call.Kind == emergency.KindTest && len(found)-1 < max(1, len(m.of(site))/5) {
			return false
		}
		if len(found) == 0 {
			return false
		}
		number = found[0]
		m.numbers[number].used, m.numbers[number].leasedAt = m.now, m.now
	}
	n := m.numbers[number]
	n.holder, n.claims = call.AgentID, append(n.claims, call.ID)
	call.Number, call.NumberKind = number, emergency.NumberLeased
	return true
}

func (m *model) dial(agent emergency.AgentID, kind emergency.Kind, id emergency.CallID, leg emergency.LegID) {
	call := &modelCall{remote: map[emergency.LegID]string{}, silent: map[emergency.LegID]bool{}, Call: emergency.Call{
		ID: id, AgentID: agent, Kind: kind, DialedAt: m.now, Terms: agreed,
		Number: siteNamed(m.agents[agent].site).StandingNumber, NumberKind: emergency.NumberStanding,
	}}
	if !m.take(call) {
		m.makeRoom(m.agents[agent].site)
		m.take(call)
	}
	call.shown = call.Number
	m.calls = append(m.calls, call)
	m.legBegins(call, emergency.Leg{ID: leg, Direction: emergency.Outbound, StartedAt: m.now}, "")
}

// dialed are the calls in the order in which they were dialed.
func (m *model) dialed() []*modelCall {
	return slices.SortedStableFunc(slices.Values(m.calls), func(a, b *modelCall) int { return a.DialedAt.Compare(b.DialedAt) })
}

// late gives numbers to the calls that wait for one, at one site or all.
func (m *model) late(site emergency.SiteID) {
	for _, kind := range []emergency.Kind{emergency.KindEmergency, emergency.KindTest} {
		for _, call := range m.dialed() {
			open := call.Status(m.now) != emergency.CallEnded && (call.LegUp() || m.now.Before(call.WindowEndsAt()))
			here := site == "" || m.agents[call.AgentID].site == site
			if call.Kind == kind && !call.Degraded && call.NumberKind == emergency.NumberStanding && open && here {
				m.take(call)
			}
		}
	}
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
	if rested := until.Add(agreed.Quarantine); !rested.Before(n.freeAt) {
		n.freeAt, n.last = rested, call.ID
	}
	if len(n.claims) == 0 {
		n.holder = ""
	}
}

func (m *model) forget() {
	for number, n := range m.numbers {
		if n.gone(m.now) {
			delete(m.numbers, number)
		}
	}
}

func (m *model) add(number string, site emergency.SiteID) bool {
	m.forget() // what is gone is gone, whether anybody has looked or not
	if m.shownBySomebody(number) {
		return false
	}
	if n, there := m.numbers[number]; there {
		if !n.draining || n.site != site {
			return false
		}
		n.draining = false
	} else {
		m.numbers[number] = &modelNumber{site: site, used: time.Unix(0, 0), freeAt: time.Unix(0, 0)}
	}
	m.late(site)
	return true
}

// shownBySomebody says that a callback to a number may be for a call that has shown it
// without having it.
func (m *model) shownBySomebody(number string) bool {
	return slices.ContainsFunc(m.calls, func(c *modelCall) bool { return c.stood(number) && c.Past().Until.After(m.now) })
}

func (m *model) remove(number string) bool {
	m.forget()
	n, there := m.numbers[number]
	if there {
		n.draining = true
	}
	return there
}

// states is the pool as an administrator sees it.
func (m *model) states() map[string]emergency.NumberState {
	all := map[string]emergency.NumberState{}
	for number, n := range m.numbers {
		switch {
		case n.gone(m.now):
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

// pool is how the numbers of a site are used.
func (m *model) pool(site emergency.SiteID) emergency.Pool {
	pool := emergency.Pool{SiteID: site}
	for _, number := range m.of(site) {
		n := m.numbers[number]
		if n.leasedAt.After(m.now.Add(-time.Hour)) {
			pool.LastHour++
		}
		switch {
		case len(n.claims) > 0:
			pool.Leased++
			var back time.Time
			for _, id := range n.claims {
				call := m.call(id)
				end := call.WindowEndsAt()
				if graced := m.now.Add(agreed.Grace); call.LegUp() && graced.After(end) {
					end = graced
				}
				back = slices.MaxFunc([]time.Time{back, end.Add(agreed.Quarantine)}, time.Time.Compare)
			}
			pool.Returns = append(pool.Returns, back)
		case n.freeAt.After(m.now):
			pool.Resting++
			pool.Returns = append(pool.Returns, n.freeAt)
		default:
			pool.Free++
		}
	}
	slices.SortFunc(pool.Returns, time.Time.Compare)
	return pool
}
