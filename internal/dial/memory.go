package dial

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// Memory knows what SQL knew last, and what has been answered without it since. It is
// what a dial is answered from when SQL does not answer (B7). It is safe for
// concurrent use.
type Memory struct {
	mu   sync.Mutex
	book *emergency.Book
	// readAt is when SQL was read; zero while nothing is known.
	readAt time.Time
	// owed counts what SQL has yet to hear of a call. What it says of that call until
	// then is old, and held is what is known instead.
	owed map[emergency.CallID]int
	held map[emergency.CallID]emergency.KnownCall

	// moved has the calls that SQL keeps under another ID than they were answered with.
	moved map[emergency.CallID]emergency.CallID

	// saving lets one write to the copy at a time, so that it has the latest.
	saving sync.Mutex
	kept   Copy
}

// NewMemory knows nothing yet. What it learns of calls it keeps in the copy.
func NewMemory(kept Copy) *Memory {
	return &Memory{
		book: emergency.NewBook(emergency.LastKnown{}), kept: kept,
		owed: map[emergency.CallID]int{}, held: map[emergency.CallID]emergency.KnownCall{},
		moved: map[emergency.CallID]emergency.CallID{},
	}
}

// errNothingKnown means that SQL has never been read, nor a copy of it.
var errNothingKnown = errors.New("nothing is known of agents and sites")

// ReadAt is when SQL was read; zero while nothing is known.
func (m *Memory) ReadAt() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.readAt
}

// Replace takes in all of what SQL knows.
func (m *Memory) Replace(known emergency.LastKnown) {
	book := emergency.NewBook(known) // takes a while with many calls, and nobody need wait for it
	m.mu.Lock()
	defer m.mu.Unlock()
	m.book, m.readAt = book, known.At
	for _, call := range m.held {
		m.book.Put(call)
	}
}

// Update takes in what SQL knows of some calls; those that it did not find are over.
func (m *Memory) Update(asked []emergency.CallID, found []emergency.KnownCall) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range asked {
		i := slices.IndexFunc(found, func(call emergency.KnownCall) bool { return call.ID == id })
		switch {
		case m.owed[id] > 0:
		case i >= 0:
			m.book.Put(found[i])
		default:
			m.book.Remove(id)
		}
	}
}

// hold keeps a call as it was answered, whatever SQL says of it, until release.
func (m *Memory) hold(call emergency.KnownCall) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owed[call.ID]++
	m.put(call)
}

// put keeps a call as it was answered.
func (m *Memory) put(call emergency.KnownCall) {
	m.held[call.ID] = call
	m.book.Put(call)
}

// release tells that SQL has heard of one more thing that it was owed. When that was the
// last, it speaks for the call again; what is known of it stays until then, also in the
// copy.
func (m *Memory) release(id emergency.CallID) {
	m.mu.Lock()
	_, held := m.held[id]
	if m.owed[id]--; m.owed[id] <= 0 {
		delete(m.owed, id)
		delete(m.held, id)
	}
	m.mu.Unlock()
	if held {
		_ = m.save(id) // the copy tries again by itself
	}
}

// learn takes in a call as SQL has just answered it.
func (m *Memory) learn(ctx context.Context, call emergency.Call, by emergency.Agent) {
	m.mu.Lock()
	known, _ := m.book.Call(call.ID) // when the dial was repeated
	known.Call, known.Agent = call, by
	m.book.Put(m.latest(known))
	m.mu.Unlock()
	m.saveSoon(ctx, call.ID)
}

// relearn takes in the legs of a call as SQL has just answered it. One that was not
// known before is some other process's, and will be read soon.
func (m *Memory) relearn(ctx context.Context, call emergency.Call) {
	m.mu.Lock()
	known, found := m.book.Call(call.ID)
	if found {
		known.Call = call
		m.book.Put(m.latest(known))
	}
	m.mu.Unlock()
	if found {
		m.saveSoon(ctx, call.ID)
	}
}

// answered takes in a callback that SQL has just decided on.
func (m *Memory) answered(ctx context.Context, decision emergency.Decision, in store.Inbound) {
	in.LegID = decision.LegID
	m.mu.Lock()
	known, found := m.book.Call(decision.CallID)
	news := found && decision.LegID != "" && !known.HasLeg(in.LegID)
	if news {
		m.book.Put(m.latest(withCallback(known, in)))
	}
	m.mu.Unlock()
	if news {
		m.saveSoon(ctx, decision.CallID)
	}
}

// latest is what counts of a call: what SQL says, unless it has yet to hear something.
func (m *Memory) latest(call emergency.KnownCall) emergency.KnownCall {
	if held, is := m.held[call.ID]; is {
		return held
	}
	return call
}

// saveSoon keeps a call in the copy, where a process finds it that takes the place of
// this one while SQL is down. The answer waits no longer for the disk than its context.
func (m *Memory) saveSoon(ctx context.Context, id emergency.CallID) {
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		_ = m.save(id) // the copy tries again by itself
	}()
	select {
	case <-saved:
	case <-ctx.Done():
	}
}

// save keeps a call in the copy as it is known now.
func (m *Memory) save(id emergency.CallID) error {
	m.saving.Lock()
	defer m.saving.Unlock()
	call, known := m.call(id)
	if !known {
		return m.kept.Delete(keyCall + string(id)) //nolint:wrapcheck // Feed wraps
	}
	return m.kept.Put(keyCall+string(id), encode(call)) //nolint:wrapcheck // Feed wraps
}

// move tells that SQL keeps a call under another ID.
func (m *Memory) move(from, to emergency.CallID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved[from] = to
}

// keptAs is the ID under which SQL has a call.
func (m *Memory) keptAs(id emergency.CallID) emergency.CallID {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to, is := m.moved[id]; is {
		return to
	}
	return id
}

// translate names what ends as SQL does.
func (m *Memory) translate(ending store.Ending) store.Ending {
	was := ending.CallID
	ending.CallID = m.keptAs(was)
	if ending.LegID == firstLeg(was) {
		ending.LegID = firstLeg(ending.CallID)
	}
	return ending
}

// caller is who dials, as last known.
func (m *Memory) caller(id emergency.AgentID) (emergency.Caller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.readAt.IsZero() {
		return emergency.Caller{}, errNothingKnown
	}
	return m.book.Caller(id) //nolint:wrapcheck // the domain's own words
}

// call is a live call, as last known.
func (m *Memory) call(id emergency.CallID) (emergency.KnownCall, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Call(id)
}

// holds tells whether SQL has yet to hear something about a call.
func (m *Memory) holds(id emergency.CallID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.owed[id] > 0
}

// holdsShown tells whether SQL has yet to hear something about a call to which a number
// leads. Then it could take a leg for up that has ended, or the other way round.
func (m *Memory) holdsShown(number string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, call := range m.held {
		if call.Number == number || call.Route.CallerID == number {
			return true
		}
	}
	return false
}

// leaseOf is the number that an agent holds at a site; empty when none is known.
func (m *Memory) leaseOf(agent emergency.AgentID, site emergency.SiteID, at time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	number, _ := m.book.LeaseOf(agent, site, at)
	return number
}
