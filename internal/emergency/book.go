package emergency

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Book is what is last known, ready to be asked: every answer takes as long with one
// live call as with ten thousand, unless they all show one number. It is not safe for
// concurrent use.
type Book struct {
	routing *VoicePlan
	callers map[AgentID]Caller
	sites   map[SiteID]Site
	// ofSite has the standing number of each site, and the numbers of its pool.
	ofSite  map[string]SiteID
	resting map[string]RestingNumber
	calls   map[CallID]*bookCall
	// byNumber has each call under the number that it has, and under the one that the
	// PSAP saw.
	byNumber map[string][]*bookCall
	byAgent  map[AgentID][]*bookCall
}

// bookCall is a call with what would take long to find out for each question.
type bookCall struct {
	KnownCall

	expires time.Time
}

// NewBook makes a book of what is known. What of its voice routing cannot be used is
// left out.
func NewBook(known LastKnown) *Book {
	b := &Book{
		routing: known.Routing.Salvage(), callers: make(map[AgentID]Caller, len(known.Callers)),
		sites: map[SiteID]Site{}, ofSite: map[string]SiteID{}, resting: map[string]RestingNumber{}, calls: make(map[CallID]*bookCall, len(known.Calls)),
		byNumber: map[string][]*bookCall{}, byAgent: map[AgentID][]*bookCall{},
	}
	for _, caller := range known.Callers {
		caller.Routing = b.routing
		b.callers[caller.Agent.ID] = caller
	}
	for _, pool := range known.Pools {
		for _, number := range pool.Numbers {
			b.ofSite[number] = pool.SiteID
		}
	}
	for _, site := range known.Sites {
		b.sites[site.ID] = site
		b.ofSite[site.StandingNumber] = site.ID
	}
	for _, number := range known.Resting {
		b.resting[number.Number] = number
	}
	for _, call := range known.Calls {
		b.Put(call)
	}
	return b
}

// Caller is what a dial needs to know of an agent, or ErrUnknownAgent.
func (b *Book) Caller(id AgentID) (Caller, error) {
	caller, known := b.callers[id]
	if !known {
		return caller, fmt.Errorf("find caller: %w", ErrUnknownAgent)
	}
	return caller, nil
}

// Call is a call that is not closed, as far as known; it may be over.
func (b *Book) Call(id CallID) (KnownCall, bool) {
	call, known := b.calls[id]
	if !known {
		return KnownCall{}, false
	}
	return call.KnownCall, true
}

// Latest is the one that was dialed last of the calls that are such ones. It looks at all
// of them.
func (b *Book) Latest(such func(KnownCall) bool) (KnownCall, bool) {
	var last KnownCall
	for _, call := range b.calls {
		if (last.ID == "" || call.DialedAt.After(last.DialedAt)) && such(call.KnownCall) {
			last = call.KnownCall
		}
	}
	return last, last.ID != ""
}

// Of are the calls of an agent, the one that was dialed last at the end.
func (b *Book) Of(agent AgentID) []KnownCall {
	calls := make([]KnownCall, len(b.byAgent[agent]))
	for i, call := range b.byAgent[agent] {
		calls[i] = call.KnownCall
	}
	slices.SortFunc(calls, func(x, y KnownCall) int { return cmp.Or(x.DialedAt.Compare(y.DialedAt), cmp.Compare(x.ID, y.ID)) })
	return calls
}

// LeaseOf is the number that an agent holds at a site: the next dial shows it again
// (B2). From the end of the window on it is nobody's, as far as can be known: whoever
// closes calls need not wait for the slack that a forgotten one gets, and nobody may have
// said so here. By the time that it has rested it may be another's. So may that of a call
// which SQL does not have, at any time.
func (b *Book) LeaseOf(agent AgentID, site SiteID, at time.Time) (number string, ok bool) {
	for _, call := range b.byAgent[agent] {
		status := call.Status(at)
		if call.NumberKind == NumberLeased && !call.Lost && call.SiteID == site && status != CallEnded && (status == CallActive || at.Before(call.WindowEndsAt())) {
			return call.Number, true
		}
	}
	return "", false
}

// SiteOf is the site whose calls show this number: it is the site's standing number, or
// one of its pool.
func (b *Book) SiteOf(number string) (Site, bool) {
	site, known := b.sites[b.ofSite[number]]
	return site, known
}

// Leads tells whether a number is that of a call, or was shown by one, whose agent is such
// a one.
func (b *Book) Leads(number string, to func(AgentID) bool) bool {
	return slices.ContainsFunc(b.byNumber[number], func(call *bookCall) bool { return to(call.AgentID) })
}

// Put takes in a call as it stands, in place of what was known of it.
func (b *Book) Put(call KnownCall) {
	b.Remove(call.ID)
	entry := &bookCall{KnownCall: call, expires: call.ExpiresAt()}
	b.calls[call.ID] = entry
	b.byNumber[call.Number] = append(b.byNumber[call.Number], entry)
	if shown := call.Route.CallerID; shown != call.Number {
		b.byNumber[shown] = append(b.byNumber[shown], entry)
	}
	b.byAgent[call.AgentID] = append(b.byAgent[call.AgentID], entry)
}

// Remove forgets a call.
func (b *Book) Remove(id CallID) {
	entry, known := b.calls[id]
	if !known {
		return
	}
	delete(b.calls, id)
	drop(b.byNumber, entry.Number, entry)
	drop(b.byNumber, entry.Route.CallerID, entry)
	drop(b.byAgent, entry.AgentID, entry)
}

// drop takes a call out of an index.
func drop[K comparable](index map[K][]*bookCall, key K, entry *bookCall) {
	list := index[key]
	at := slices.Index(list, entry)
	if at < 0 {
		return
	}
	end := len(list) - 1
	list[at], list[end] = list[end], nil
	if index[key] = list[:end]; end == 0 {
		delete(index, key)
	}
}

// Decide says where a call to a number goes, by the same rules as the store does: to
// whoever has dialed from it, the likeliest first (S5); when nobody can be called back
// on it any more, but somebody could until lately, to the desk of the site (B6). It opens
// no leg: its decision has that of a callback from this very caller which is up already,
// else none. To is E.164; from may be empty.
func (b *Book) Decide(to, from string, at time.Time) Decision {
	if !ValidE164(to) {
		return Decision{Verdict: NotAnEmergencyCallback}
	}
	from = Keepable(from)
	var best *bookCall
	var first likelihood
	for _, call := range b.byNumber[to] {
		place := b.place(call, to)
		if place == 0 || !call.ClosedAt.IsZero() || !at.Before(call.expires) {
			continue
		}
		next := call.likelihood(place, from)
		if best == nil || next.before(first) {
			best, first = call, next
		}
	}
	if best == nil {
		return b.fallBack(to, at)
	}
	return Decision{
		Verdict: ConnectAgent, AgentID: best.AgentID, CallID: best.ID, LegID: best.connected(from), Kind: best.Kind,
		Ring: Climb(best.Agent, b.sites[best.SiteID]),
	}
}

// place ranks how a call came to a number: it has the number, it showed it, or it showed
// it and its agent has probably shown another since, in a redial. What SQL had chosen for
// a call that was answered without it is not since. It is zero when the
// number leads to the call no more.
func (b *Book) place(call *bookCall, to string) int {
	switch {
	case call.NumberKind == NumberLeased && call.Number == to:
		return 1
	case call.Route.CallerID != to:
		return 0
	case slices.ContainsFunc(b.byAgent[call.AgentID], func(c *bookCall) bool {
		return c.NumberKind == NumberLeased && c.ClosedAt.IsZero() && (c != call || !c.Degraded)
	}):
		return 3
	default:
		return 2
	}
}

// likelihood is by what callbacks to one number are told apart.
type likelihood struct {
	connected, test bool
	place           int
	dialed          time.Time
	id              CallID
}

func (c *bookCall) likelihood(place int, from string) likelihood {
	return likelihood{c.connected(from) != "", c.Kind == KindTest, place, c.DialedAt, c.ID}
}

// before tells whether a callback is rather for this call. One that this very caller is
// connected with comes before all others, so that a repeated question has the same
// answer; a call for help comes before a test (B13).
func (l likelihood) before(other likelihood) bool {
	switch {
	case l.connected != other.connected:
		return l.connected
	case l.test != other.test:
		return other.test
	}
	return cmp.Or(cmp.Compare(l.place, other.place), other.dialed.Compare(l.dialed), cmp.Compare(other.id, l.id)) < 0
}

// connected is the callback leg from some place that is up, the first of them; empty for
// none.
func (c *bookCall) connected(from string) LegID {
	var first Leg
	for _, leg := range c.Legs {
		remote, known := c.Remote[leg.ID]
		if !known || remote != from || !leg.Up() || leg.Direction != Callback {
			continue
		}
		if first.ID == "" || cmp.Or(leg.StartedAt.Compare(first.StartedAt), cmp.Compare(leg.ID, first.ID)) < 0 {
			first = leg
		}
	}
	return first.ID
}

// fallBack sends a callback that comes too late to the desk of the site.
func (b *Book) fallBack(to string, at time.Time) Decision {
	last, ok := b.lastHolder(to, at)
	ring := Fallback(b.sites[last.SiteID])
	if !ok || len(ring) == 0 {
		return Decision{Verdict: NotAnEmergencyCallback}
	}
	return Decision{Verdict: ConnectFallback, AgentID: last.AgentID, CallID: last.CallID, Kind: last.Kind, Ring: ring}
}

// lastHolder is the call that had a number, or showed it, until lately.
func (b *Book) lastHolder(to string, at time.Time) (PastCall, bool) {
	resting := b.resting[to]
	if resting.Returned != nil && resting.Returned.Until.After(at) {
		return *resting.Returned, true
	}
	past := slices.Clone(resting.Shown)
	for _, call := range b.byNumber[to] {
		past = append(past, call.Past())
	}
	var last PastCall
	found := false
	for _, one := range past {
		if one.Until.After(at) && (!found || one.Likelier(last)) {
			last, found = one, true
		}
	}
	return last, found
}

// Keepable is a text from outside as every database can keep it: PostgreSQL takes no
// null character and nothing but UTF-8, and a callback must not fail for that.
func Keepable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}
