package httpapi

import (
	"context"
	"maps"
	"slices"

	"lifeline/internal/emergency"
)

// testRouting lets the agents of the tests call out.
func testRouting() emergency.VoiceRouting {
	return emergency.VoiceRouting{
		DirectOffers: []emergency.Offer{{Number: "+12025550180", Country: emergency.UnitedStates}},
		OutboundProfiles: []emergency.OutboundProfile{
			{ID: "voice", CapacityProfile: "default", Numbers: []string{"+12025550180"}},
		},
		Revision: 5,
	}
}

// change notes an administrator's change, unless what is kept has another revision
// than the one seen.
func (f *fakeRecords) change(by emergency.Change, kept int64) error {
	if kept == 0 {
		kept = emergency.SeenNothing
	}
	if by.Seen != 0 && by.Seen != kept {
		return emergency.ErrChangedMeanwhile
	}
	f.changes = append(f.changes, by)
	return nil
}

func (f *fakeRecords) RemoveAgent(_ context.Context, id emergency.AgentID, by emergency.Change) error {
	if _, err := found(f, f.agents, id, emergency.ErrUnknownAgent); err != nil {
		return err
	}
	unlock, err := f.lock()
	defer unlock()
	if err != nil {
		return err
	}
	if err := f.change(by, f.agents[id].Revision); err != nil {
		return err
	}
	delete(f.agents, id)
	return nil
}

func (f *fakeRecords) VoiceRouting(context.Context) (emergency.VoiceRouting, error) {
	unlock, err := f.lock()
	defer unlock()
	return f.routing, err
}

func (f *fakeRecords) PutVoiceRouting(
	_ context.Context, routing emergency.VoiceRouting, by emergency.Change,
) (emergency.VoiceRouting, error) {
	if _, err := routing.Compile(); err != nil {
		return routing, err
	}
	unlock, err := f.lock()
	defer unlock()
	if err := f.change(by, f.routing.Revision); err != nil {
		return routing, err
	}
	routing.Revision = f.routing.Revision + 1
	f.routing = routing
	return routing, err
}

func (f *fakeRecords) Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error) {
	agent, err := f.Agent(ctx, id)
	if err != nil {
		return emergency.Caller{}, err
	}
	unlock, err := f.lock()
	defer unlock()
	plan, broken := f.routing.Compile()
	if broken != nil {
		return emergency.Caller{}, broken
	}
	contacts, _ := emergency.ParseRecipients(f.contacts[id].AsTyped)
	caller := emergency.Caller{Agent: agent, Site: f.sites[agent.SiteID], Contacts: contacts, Routing: plan}
	if reported, ok := f.reported[id]; ok {
		caller.Reported = &reported
	}
	return caller, err
}

func (f *fakeRecords) Callers(ctx context.Context) ([]emergency.Caller, error) {
	var callers []emergency.Caller
	for _, id := range slices.Sorted(maps.Keys(f.agents)) {
		caller, err := f.Caller(ctx, id)
		if err != nil {
			return nil, err
		}
		callers = append(callers, caller)
	}
	return callers, nil
}

func (f *fakeRecords) ReportLocation(
	_ context.Context, id emergency.AgentID, location emergency.Location,
) (emergency.ReportedLocation, error) {
	if _, err := found(f, f.agents, id, emergency.ErrUnknownAgent); err != nil {
		return emergency.ReportedLocation{}, err
	}
	unlock, err := f.lock()
	defer unlock()
	f.reported[id] = emergency.ReportedLocation{Location: location, At: testTime}
	return f.reported[id], err
}

func (f *fakeRecords) Pools(context.Context) ([]emergency.Pool, error) {
	unlock, err := f.lock()
	defer unlock()
	return slices.Clone(f.pools), err
}
