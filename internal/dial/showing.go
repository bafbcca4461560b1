package dial

import "lifeline/internal/emergency"

// before is what an agent showed when no leg of his was up, as last known.
func (m *Memory) before(agent emergency.Agent) emergency.Status {
	if call, up := m.inCall(agent.ID); up {
		return call.PresenceBefore
	}
	if calls := m.book.Of(agent.ID); len(calls) > 0 {
		if last := calls[len(calls)-1]; last.PresenceNow != "" {
			return last.PresenceNow
		}
	}
	return agent.Presence.Status
}

// inCall is the latest of an agent's calls that has a leg up.
func (m *Memory) inCall(agent emergency.AgentID) (up emergency.KnownCall, is bool) {
	for _, call := range m.book.Of(agent) {
		if call.LegUp() {
			up, is = call, true
		}
	}
	return up, is
}

// show has every call of an agent say what he shows, after a leg of one of them has come or
// gone. It gives that one.
func (m *Memory) show(changed emergency.KnownCall) emergency.KnownCall {
	now := changed.PresenceBefore
	if _, up := m.inCall(changed.AgentID); up {
		now = emergency.StatusDoNotDisturb
	}
	if now == "" {
		return changed
	}
	for _, call := range m.book.Of(changed.AgentID) {
		call.PresenceNow = now
		if _, held := m.held[call.ID]; held {
			m.held[call.ID] = call
		}
		m.book.Put(call)
	}
	changed.PresenceNow = now
	return changed
}
