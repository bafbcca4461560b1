package dial

import (
	"slices"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// move tells that SQL keeps a call under another ID than it was answered with. All that
// is known of it, and owed, is that one's from now on, also in the copy: another process
// may have to carry on.
func (m *Memory) move(from emergency.CallID, to emergency.KnownCall) {
	m.mu.Lock()
	m.moved[from] = to.ID
	if owed := m.owed[from]; owed > 0 {
		m.owed[to.ID] += owed
		delete(m.owed, from)
	}
	if held, is := m.held[from]; is {
		delete(m.held, from)
		m.freeAgent(held.AgentID)
		m.book.Remove(from)
		m.put(renamed(held, to.ID))
	} else {
		m.keep(to)
	}
	m.mu.Unlock()
	for _, id := range []emergency.CallID{from, to.ID} {
		_ = m.save(id) // the copy tries again by itself
	}
}

// renamed is a call under another ID.
func renamed(call emergency.KnownCall, to emergency.CallID) emergency.KnownCall {
	call.Legs = slices.Clone(call.Legs)
	for i := range call.Legs {
		if call.Legs[i].ID == firstLeg(call.ID) {
			call.Legs[i].ID = firstLeg(to)
		}
	}
	call.ID = to
	return call
}

// keptAs is the ID under which SQL has the call that was up under an ID at some time. A
// process that has not moved the call itself finds it by how the other ID is made.
func (m *Memory) keptAs(id emergency.CallID, at time.Time) emergency.CallID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.movedTo(id, at)
}

func (m *Memory) movedTo(id emergency.CallID, at time.Time) emergency.CallID {
	if known, found := m.book.Call(id); found && known.LegUp() {
		return id
	}
	to, is := m.book.Latest(func(call emergency.KnownCall) bool {
		return call.Degraded && !call.DialedAt.After(at) && another(id, call.DialedAt) == call.ID
	})
	if !is {
		return id
	}
	return to.ID
}

// translate names what ends as SQL does.
func (m *Memory) translate(ending store.Ending) store.Ending {
	was := ending.CallID
	ending.CallID = m.keptAs(was, ending.At)
	if ending.LegID == firstLeg(was) {
		ending.LegID = firstLeg(ending.CallID)
	}
	return ending
}

// translateDial names a dial as SQL does, if it has been written down before.
func (m *Memory) translateDial(p store.Placement) store.Placement {
	m.mu.Lock()
	defer m.mu.Unlock()
	to := another(p.CallID, p.At)
	if _, moved := m.book.Call(to); moved {
		m.moved[p.CallID] = to
		p.CallID, p.LegID = to, firstLeg(to)
	}
	return p
}
