package httpapi

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lifeline/internal/emergency"
)

// fakeRecords keeps records in memory, with the rules that the store promises.
type fakeRecords struct {
	mu       sync.Mutex
	broken   error
	calls    map[emergency.CallID]emergency.Call
	refused  map[emergency.CallID]emergency.RefusedDial
	agents   map[emergency.AgentID]emergency.Agent
	contacts map[emergency.AgentID]emergency.Contacts
	sites    map[emergency.SiteID]emergency.Site
	numbers  []emergency.CallbackNumber
	routing  emergency.VoiceRouting
	reported map[emergency.AgentID]emergency.ReportedLocation
	pools    []emergency.Pool
	// templates are in the order of their versions.
	templates []emergency.Template
	// acknowledged counts the times that a known notice was, and mailEvents are the IDs of
	// the events that concerned one.
	acknowledged int
	mailEvents   []string
	// changes are what administrators have done.
	changes []emergency.Change
	events  []emergency.Event
	// queries counts reads of the event log.
	queries int
}

func newFakeRecords() *fakeRecords {
	f := &fakeRecords{
		calls:    map[emergency.CallID]emergency.Call{},
		refused:  map[emergency.CallID]emergency.RefusedDial{},
		agents:   map[emergency.AgentID]emergency.Agent{},
		contacts: map[emergency.AgentID]emergency.Contacts{},
		routing:  testRouting(),
		reported: map[emergency.AgentID]emergency.ReportedLocation{},
		sites:    map[emergency.SiteID]emergency.Site{},
		numbers:  []emergency.CallbackNumber{{Number: "+12025550100", SiteID: "us-washington", State: emergency.NumberFree}},
	}
	f.sites["us-washington"] = emergency.Site{
		ID: "us-washington", Name: "Washington", Country: emergency.UnitedStates,
		Address:        emergency.Address{Street: "1 Example Street", City: "Washington"},
		StandingNumber: "+12025550199", FallbackEndpoint: "sip:desk@us.example.com", Revision: 3,
	}
	for _, id := range []emergency.AgentID{"agent-us", "agent-gb"} {
		f.agents[id] = emergency.Agent{
			ID: id, Name: "Agent", SiteID: "us-washington", Endpoints: []string{"sip:" + string(id) + "@example.com"},
			CapacityProfiles: []string{"default"}, Revision: 2,
			Presence: emergency.Presence{Status: emergency.StatusAvailable, Revision: 1, ChangedAt: testTime},
		}
		call := activeCall()
		call.ID, call.AgentID = emergency.CallID("call-"+id), id
		f.calls[call.ID] = call
		refused := refusedDial()
		refused.CallID, refused.ToldAs, refused.AgentID = emergency.CallID("refused-"+id), emergency.CallID("refused-"+id), id
		f.refused[refused.CallID] = refused
	}
	return f
}

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// activeCall is a call with its first leg up, dialed a moment ago.
func activeCall() emergency.Call {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return emergency.Call{
		ID: "call-1", AgentID: "agent-us", SiteID: "us-washington", Kind: emergency.KindEmergency, Dialed: "911",
		Country: emergency.UnitedStates, DialedAt: now, Number: "+12025550100", NumberKind: emergency.NumberLeased,
		Route:          emergency.Route{Path: emergency.DirectOffer, CallerID: "+12025550100"},
		Terms:          emergency.Terms{Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour},
		Legs:           []emergency.Leg{{ID: "leg-1", Direction: emergency.Outbound, StartedAt: now}},
		PresenceBefore: emergency.StatusAvailable, PresenceNow: emergency.StatusDoNotDisturb,
		Notice: emergency.Notification{Deliveries: []emergency.Delivery{
			{Event: emergency.NoticePlaced, Address: "desk@example.com", State: emergency.DeliveryQueued, UpdatedAt: now},
		}},
	}
}

// refusedDial is a dial that had no route, of which one person was told.
func refusedDial() emergency.RefusedDial {
	return emergency.RefusedDial{
		RefusedCall: emergency.RefusedCall{
			CallID: "refused-1", AgentID: "agent-us", SiteID: "us-washington", Dialed: "9911", Kind: emergency.KindEmergency,
			Country: emergency.UnitedStates, Code: emergency.CheckNoRoute, At: testTime,
		},
		ToldAs: "refused-1",
		Notice: emergency.Notification{Deliveries: []emergency.Delivery{
			{Event: emergency.NoticeFailed, Address: "desk@example.com", State: emergency.DeliverySent, QueuedAt: testTime, SentAt: testTime, UpdatedAt: testTime},
		}},
	}
}

func (f *fakeRecords) lock() (func(), error) {
	f.mu.Lock()
	return f.mu.Unlock, f.broken
}

// found is what stands under a key, or the error for what does not.
func found[K comparable, V any](f *fakeRecords, in map[K]V, key K, unknown error) (V, error) {
	unlock, err := f.lock()
	defer unlock()
	value, ok := in[key]
	if err == nil && !ok {
		err = unknown
	}
	return value, err
}

func listed[K cmp.Ordered, V any](f *fakeRecords, in map[K]V) ([]V, error) {
	unlock, err := f.lock()
	defer unlock()
	var all []V
	for _, key := range slices.Sorted(maps.Keys(in)) {
		all = append(all, in[key])
	}
	return all, err
}

func (f *fakeRecords) Call(_ context.Context, id emergency.CallID) (emergency.Call, error) {
	return found(f, f.calls, id, emergency.ErrUnknownCall)
}

func (f *fakeRecords) LiveCalls(context.Context) ([]emergency.Call, error) {
	return listed(f, f.calls)
}

func (f *fakeRecords) RefusedCall(_ context.Context, id emergency.CallID) (emergency.RefusedDial, error) {
	return found(f, f.refused, id, emergency.ErrUnknownCall)
}

func (f *fakeRecords) RefusedCalls(_ context.Context, agent emergency.AgentID) ([]emergency.RefusedDial, error) {
	all, err := listed(f, f.refused)
	return slices.DeleteFunc(all, func(r emergency.RefusedDial) bool { return agent != "" && r.AgentID != agent }), err
}

func (f *fakeRecords) Agents(context.Context) ([]emergency.Agent, error) { return listed(f, f.agents) }

func (f *fakeRecords) Agent(_ context.Context, id emergency.AgentID) (emergency.Agent, error) {
	return found(f, f.agents, id, emergency.ErrUnknownAgent)
}

func (f *fakeRecords) PutAgent(_ context.Context, agent emergency.Agent, by emergency.Change) (emergency.Agent, error) {
	if err := agent.Validate(); err != nil {
		return agent, err
	}
	if _, err := found(f, f.sites, agent.SiteID, emergency.ErrUnknownSite); err != nil {
		return agent, err
	}
	unlock, err := f.lock()
	defer unlock()
	if err := f.change(by, f.agents[agent.ID].Revision); err != nil {
		return agent, err
	}
	agent.Revision = f.agents[agent.ID].Revision + 1
	agent.Presence = emergency.Presence{Status: emergency.StatusOffline, Revision: 1, ChangedAt: testTime}
	if known, ok := f.agents[agent.ID]; ok {
		agent.Presence = known.Presence
	}
	f.agents[agent.ID] = agent
	return agent, err
}

func (f *fakeRecords) SetPresence(_ context.Context, id emergency.AgentID, status emergency.Status) (emergency.Presence, error) {
	agent, err := found(f, f.agents, id, emergency.ErrUnknownAgent)
	if err != nil {
		return emergency.Presence{}, err
	}
	unlock, err := f.lock()
	defer unlock()
	agent.Presence = emergency.Presence{Status: status, Revision: agent.Presence.Revision + 1, ChangedAt: testTime}
	f.agents[id] = agent
	return agent.Presence, err
}

func (f *fakeRecords) SetPresenceFor(
	ctx context.Context, id emergency.AgentID, status emergency.Status, by emergency.Change,
) (emergency.Presence, error) {
	presence, err := f.SetPresence(ctx, id, status)
	if err == nil {
		err = f.change(by, 0)
	}
	return presence, err
}

func (f *fakeRecords) Contacts(_ context.Context, id emergency.AgentID) (emergency.Contacts, error) {
	if _, err := found(f, f.agents, id, emergency.ErrUnknownAgent); err != nil {
		return emergency.Contacts{}, err
	}
	return f.contacts[id], nil
}

func (f *fakeRecords) PutContacts(_ context.Context, id emergency.AgentID, asTyped string, by emergency.Change) (emergency.Contacts, error) {
	if _, err := emergency.ParseRecipients(asTyped); err != nil {
		return emergency.Contacts{}, err
	}
	if _, err := found(f, f.agents, id, emergency.ErrUnknownAgent); err != nil {
		return emergency.Contacts{}, err
	}
	if err := f.change(by, f.contacts[id].Revision); err != nil {
		return emergency.Contacts{}, err
	}
	f.contacts[id] = emergency.Contacts{AsTyped: asTyped, Revision: f.contacts[id].Revision + 1}
	return f.contacts[id], nil
}

func (f *fakeRecords) Sites(context.Context) ([]emergency.Site, error) { return listed(f, f.sites) }

func (f *fakeRecords) Site(_ context.Context, id emergency.SiteID) (emergency.Site, error) {
	return found(f, f.sites, id, emergency.ErrUnknownSite)
}

func (f *fakeRecords) PutSite(_ context.Context, site emergency.Site, by emergency.Change) (emergency.Site, error) {
	if err := site.Validate(); err != nil {
		return site, err
	}
	unlock, err := f.lock()
	defer unlock()
	if err := f.change(by, f.sites[site.ID].Revision); err != nil {
		return site, err
	}
	site.Revision = f.sites[site.ID].Revision + 1
	f.sites[site.ID] = site
	return site, err
}

func (f *fakeRecords) Numbers(context.Context) ([]emergency.CallbackNumber, error) {
	unlock, err := f.lock()
	defer unlock()
	return slices.Clone(f.numbers), err
}

func (f *fakeRecords) Number(_ context.Context, number string) (emergency.CallbackNumber, error) {
	unlock, err := f.lock()
	defer unlock()
	i := slices.IndexFunc(f.numbers, func(n emergency.CallbackNumber) bool { return n.Number == number })
	if err != nil || i < 0 {
		return emergency.CallbackNumber{}, cmp.Or(err, emergency.ErrUnknownNumber)
	}
	return f.numbers[i], nil
}

func (f *fakeRecords) AddNumber(_ context.Context, number string, site emergency.SiteID, by emergency.Change) error {
	if !emergency.ValidE164(number) {
		return &emergency.Invalid{Field: "number", Problem: "must be an E.164 number such as +12025550100"}
	}
	if _, err := found(f, f.sites, site, emergency.ErrUnknownSite); err != nil {
		return err
	}
	unlock, err := f.lock()
	defer unlock()
	for _, known := range f.numbers {
		if known.Number == number {
			return &emergency.NumberTaken{By: "a callback number of site " + string(known.SiteID)}
		}
	}
	f.changes = append(f.changes, by)
	f.numbers = append(f.numbers, emergency.CallbackNumber{
		Number: number, SiteID: site, State: emergency.NumberQuarantined, FreeAt: testTime,
	})
	return err
}

func (f *fakeRecords) RemoveNumber(_ context.Context, number string, by emergency.Change) error {
	unlock, err := f.lock()
	defer unlock()
	kept := slices.DeleteFunc(slices.Clone(f.numbers), func(n emergency.CallbackNumber) bool { return n.Number == number })
	if err == nil && len(kept) == len(f.numbers) {
		err = emergency.ErrUnknownNumber
	}
	f.numbers, f.changes = kept, append(f.changes, by)
	return err
}

func (f *fakeRecords) Events(_ context.Context, after int64, limit int) ([]emergency.Event, error) {
	unlock, err := f.lock()
	defer unlock()
	f.queries++
	var page []emergency.Event
	for _, e := range f.events {
		if e.Seq > after && len(page) < limit {
			page = append(page, e)
		}
	}
	return page, err
}

func (f *fakeRecords) LastEvent(context.Context) (int64, error) {
	unlock, err := f.lock()
	defer unlock()
	f.queries++
	if len(f.events) == 0 {
		return 0, err
	}
	return f.events[len(f.events)-1].Seq, err
}

// commit makes an event visible, as a transaction that ends now does.
func (f *fakeRecords) commit(seq int64, agent emergency.AgentID) {
	f.tell(emergency.Event{Seq: seq, Type: emergency.EventCallPlaced, AgentID: agent, At: time.Now().UTC()})
}

func (f *fakeRecords) tell(event emergency.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, event)
	slices.SortFunc(f.events, func(a, b emergency.Event) int { return cmp.Compare(a.Seq, b.Seq) })
}

func (f *fakeRecords) queried() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.queries
}

// fakeCalls remembers what it was asked, and answers what it is told to.
type fakeCalls struct {
	finder

	mu       sync.Mutex
	err      error
	panics   bool
	call     emergency.Call
	decision emergency.Decision
	dials    []emergency.DialRequest
	ends     []ended
	inbound  [][2]string
}

func newFakeCalls(known finder) *fakeCalls {
	return &fakeCalls{finder: known, call: activeCall(), decision: emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}}
}

// finder knows calls.
type finder interface {
	Call(ctx context.Context, id emergency.CallID) (emergency.Call, error)
}

func (f *fakeCalls) Find(ctx context.Context, id emergency.CallID) (emergency.Call, error) {
	return f.Call(ctx, id)
}

type ended struct {
	Call   emergency.CallID
	Leg    emergency.LegID
	Reason emergency.EndReason
}

func (f *fakeCalls) Place(_ context.Context, req emergency.DialRequest) (emergency.Call, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("boom +12025550123")
	}
	f.dials = append(f.dials, req)
	return f.call, f.err
}

func (f *fakeCalls) End(
	ctx context.Context, id emergency.CallID, leg emergency.LegID, of emergency.AgentID, reason emergency.EndReason,
) (emergency.Call, error) {
	if known, err := f.Call(ctx, id); of != "" && (err != nil || known.AgentID != of) {
		return known, emergency.ErrUnknownCall
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends = append(f.ends, ended{id, leg, reason})
	return f.call, f.err
}

func (f *fakeCalls) Inbound(_ context.Context, to, from string) (emergency.Decision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inbound = append(f.inbound, [2]string{to, from})
	return f.decision, f.err
}
