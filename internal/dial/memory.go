package dial

import (
	"context"
	"errors"
	"maps"
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
	// readAt is when SQL was read; zero while nothing is known. Until this process has read
	// it, recalled says that another did.
	readAt   time.Time
	recalled bool
	// owed counts what SQL has yet to hear of a call. What it says of that call until
	// then is old, and held is what is known instead.
	owed map[emergency.CallID]int
	held map[emergency.CallID]emergency.KnownCall
	// heldOf counts the calls of an agent that are held.
	heldOf map[emergency.AgentID]int
	// heard has the calls of which SQL has answered since it is being read: what is read
	// of them may be older than that.
	heard map[emergency.CallID]bool

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
		heldOf: map[emergency.AgentID]int{}, heard: map[emergency.CallID]bool{},
		moved: map[emergency.CallID]emergency.CallID{},
	}
}

// errNothingKnown means that an agent is not known, and that this process has not read SQL,
// which may know him.
var errNothingKnown = errors.New("nothing is known of the agent, who may exist")

// ReadAt is when SQL was read; zero while nothing is known.
func (m *Memory) ReadAt() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.readAt
}

// reading tells that SQL is being read from now on, until Replace or Update.
func (m *Memory) reading() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.heard)
}

// Replace takes in all of what SQL knows. What SQL has answered while that was read may be
// newer, and so may what is held.
func (m *Memory) Replace(known emergency.LastKnown) {
	book := emergency.NewBook(known) // takes a while with many calls, and nobody need wait for it
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.book
	m.book, m.readAt, m.recalled = book, known.At, false
	for id := range m.heard {
		if call, found := was.Call(id); found {
			m.keep(call)
		}
	}
	for id, call := range m.held {
		if call.Lost && !known.At.Before(call.Past().Until) {
			m.forget(id)
			continue
		}
		m.book.Put(call)
	}
}

// recallAll takes in what an earlier process knew. SQL may know more: a disk loses what was
// written last, and others have gone on meanwhile.
func (m *Memory) recallAll(known emergency.LastKnown) {
	m.Replace(known)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recalled = true
	for _, call := range known.Calls {
		if call.Lost {
			m.owed[call.ID]++
			m.put(call)
		}
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
			if known, is := m.book.Call(id); is && m.heard[id] {
				found[i] = joined(known, found[i])
			}
			m.book.Put(found[i])
		default:
			m.book.Remove(id)
		}
	}
}

// hold keeps a call as it was answered, whatever SQL says of it, until release. What is
// known of its legs already stays: another may have answered the same dial. It gives the
// call as it is known now.
func (m *Memory) hold(p store.Placement) emergency.KnownCall {
	call := emergency.KnownCall{Call: p.Call(), Agent: p.Caller.Agent}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owed[call.ID]++
	known, found := m.book.Call(call.ID)
	if _, held := m.held[call.ID]; held {
		return known
	}
	call.PresenceBefore = m.before(call.Agent)
	if found && known.Status(call.DialedAt) != emergency.CallEnded {
		call = joined(call, known)
	}
	m.put(call)
	return m.show(call)
}

// put keeps a call as it was answered.
func (m *Memory) put(call emergency.KnownCall) {
	if _, already := m.held[call.ID]; !already {
		m.heldOf[call.AgentID]++
	}
	m.held[call.ID] = call
	m.book.Put(call)
}

// release tells that SQL has heard of one more thing that it was owed. When that was the
// last, it speaks for the call again; what is known of it stays until then, also in the
// copy.
func (m *Memory) release(id emergency.CallID) {
	m.mu.Lock()
	if to, is := m.moved[id]; is {
		id = to
	}
	_, held := m.held[id]
	if m.owed[id]--; m.owed[id] <= 0 {
		m.forget(id)
		m.heard[id] = true
	}
	m.mu.Unlock()
	if held {
		_ = m.save(id) // the copy tries again by itself
	}
}

// forget lets SQL speak for a call.
func (m *Memory) forget(id emergency.CallID) {
	delete(m.owed, id)
	if call, held := m.held[id]; held {
		delete(m.held, id)
		m.freeAgent(call.AgentID)
	}
}

// lose tells that SQL will never take something that it was owed. Nobody but this process,
// and the next one in its data directory, knows then what has been answered: they speak for
// the call until its number has rested after its window.
func (m *Memory) lose(id emergency.CallID) {
	m.mu.Lock()
	if to, is := m.moved[id]; is {
		id = to
	}
	call, held := m.held[id]
	if held {
		call.Lost = true
		m.put(call)
	}
	m.mu.Unlock()
	if !held {
		m.release(id)
		return
	}
	_ = m.save(id) // the copy tries again by itself
}

// freeAgent tells that one call of an agent less is held.
func (m *Memory) freeAgent(id emergency.AgentID) {
	if m.heldOf[id]--; m.heldOf[id] <= 0 {
		delete(m.heldOf, id)
	}
}

// learn takes in a call as SQL has just answered it.
func (m *Memory) learn(ctx context.Context, call emergency.Call, by emergency.Agent) {
	m.mu.Lock()
	m.hear(emergency.KnownCall{Call: call, Agent: by})
	m.mu.Unlock()
	m.saveSoon(ctx, call.ID)
}

// relearn takes in the legs of a call as SQL has just answered it. One that was not
// known before is some other process's, and will be read soon.
func (m *Memory) relearn(ctx context.Context, call emergency.Call) {
	m.mu.Lock()
	known, found := m.book.Call(call.ID)
	if found {
		m.hear(emergency.KnownCall{Call: call, Agent: known.Agent})
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
		m.hear(withCallback(known, in))
	}
	m.mu.Unlock()
	if news {
		m.saveSoon(ctx, decision.CallID)
	}
}

// hear takes in what SQL has just answered of a call.
func (m *Memory) hear(call emergency.KnownCall) {
	m.heard[call.ID] = true
	m.keep(call)
}

// keep takes in what SQL says of a call and what may be newer than what is known, or
// older. While SQL has yet to hear something of the call, it is right about legs alone.
func (m *Memory) keep(call emergency.KnownCall) {
	if known, found := m.book.Call(call.ID); found {
		call = joined(call, known)
	}
	if held, is := m.held[call.ID]; is {
		held.Legs, held.Remote, held.PresenceNow = call.Legs, call.Remote, call.PresenceNow
		m.put(held)
		return
	}
	m.book.Put(call)
}

// joined is a call with the legs that another account of it has as well. A leg that
// either says has ended has ended: none ever comes back.
func joined(call, other emergency.KnownCall) emergency.KnownCall {
	call.Legs = slices.Clone(call.Legs)
	for _, leg := range other.Legs {
		at := slices.IndexFunc(call.Legs, func(l emergency.Leg) bool { return l.ID == leg.ID })
		switch {
		case at < 0:
			call.Legs = append(call.Legs, leg)
		case call.Legs[at].Up():
			call.Legs[at] = leg
		}
	}
	if call.LegUp() {
		call.PresenceNow = emergency.StatusDoNotDisturb
	}
	remote := maps.Clone(other.Remote)
	if remote == nil {
		remote = map[emergency.LegID]string{}
	}
	maps.Copy(remote, call.Remote)
	call.Remote = remote
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

// caller is who dials, as last known.
func (m *Memory) caller(id emergency.AgentID) (emergency.Caller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.readAt.IsZero() {
		return emergency.Caller{}, errNothingKnown
	}
	caller, err := m.book.Caller(id)
	if err != nil && m.recalled {
		return caller, errNothingKnown
	}
	return caller, err //nolint:wrapcheck // the domain's own words
}

// call is a live call, as last known.
func (m *Memory) call(id emergency.CallID) (emergency.KnownCall, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Call(id)
}

// notBeforeLegs is a time at which no leg of a call that is up has yet to begin, whatever
// the clock did meanwhile: what ends now has begun.
func (m *Memory) notBeforeLegs(id emergency.CallID, at time.Time) time.Time {
	known, _ := m.call(id)
	for _, leg := range known.LiveLegs() {
		at = later(at, leg.StartedAt)
	}
	return at
}

// holds tells whether SQL has yet to hear something about a call.
func (m *Memory) holds(id emergency.CallID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.owed[id] > 0
}

// holdsShown tells whether a number leads to an agent of whom SQL has yet to hear
// something. It could take a leg for up that has ended, or the other way round; and of a
// call whose answer was lost it has a number that nobody saw, but which the agent's other
// calls may show.
func (m *Memory) holdsShown(number string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Leads(number, func(to emergency.AgentID) bool { return m.heldOf[to] > 0 })
}

// leaseOf is the number that an agent holds at a site; empty when none is known.
func (m *Memory) leaseOf(agent emergency.AgentID, site emergency.SiteID, at time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	number, _ := m.book.LeaseOf(agent, site, at)
	return number
}
