//nolint:wrapcheck // every error goes to fail, which tells the domain's apart and hides the others
package httpapi

import (
	"context"

	"lifeline/internal/emergency"
)

// ListSites shows every site.
func (s *server) ListSites(ctx context.Context, _ ListSitesRequestObject) (ListSitesResponseObject, error) {
	sites, err := s.Records.Sites(ctx)
	if err != nil {
		return nil, err
	}
	views := ListSites200JSONResponse{}
	for _, site := range sites {
		views = append(views, siteView(site))
	}
	return views, nil
}

// GetSite shows one site.
func (s *server) GetSite(ctx context.Context, r GetSiteRequestObject) (GetSiteResponseObject, error) {
	site, err := s.Records.Site(ctx, emergency.SiteID(r.SiteID))
	if err != nil {
		return nil, err
	}
	return GetSite200JSONResponse{siteAnswer(site)}, nil
}

// PutSite creates or changes a site.
func (s *server) PutSite(ctx context.Context, r PutSiteRequestObject) (PutSiteResponseObject, error) {
	if err := onlyThePaths("siteId", r.Body.SiteID, r.SiteID); err != nil {
		return nil, err
	}
	site := siteFrom(emergency.SiteID(r.SiteID), *r.Body)
	err := mustExist(r.Params.IfMatch, func() error { _, err := s.Records.Site(ctx, site.ID); return err })
	if err != nil {
		return nil, err
	}
	site, err = s.Records.PutSite(ctx, site, changeBy(ctx, r.Params.IfMatch))
	if err != nil {
		return nil, err
	}
	return PutSite200JSONResponse{siteAnswer(site)}, nil
}

// onlyThePaths refuses a body that is about something else than the path: what was read
// of one would be written over another.
func onlyThePaths(field, got, path string) error {
	if got == "" || got == path {
		return nil
	}
	return invalid(field, "is not the one of the path")
}

// ListAgents shows every agent.
func (s *server) ListAgents(ctx context.Context, _ ListAgentsRequestObject) (ListAgentsResponseObject, error) {
	agents, err := s.Records.Agents(ctx)
	if err != nil {
		return nil, err
	}
	views := ListAgents200JSONResponse{}
	for _, agent := range agents {
		views = append(views, agentView(agent))
	}
	return views, nil
}

// GetAgent shows one agent.
func (s *server) GetAgent(ctx context.Context, r GetAgentRequestObject) (GetAgentResponseObject, error) {
	agent, err := s.Records.Agent(ctx, emergency.AgentID(r.AgentID))
	if err != nil {
		return nil, err
	}
	return GetAgent200JSONResponse{agentAnswer(agent)}, nil
}

// PutAgent creates or changes an agent; what is shown is read back, because the
// presence is not the caller's to give here.
func (s *server) PutAgent(ctx context.Context, r PutAgentRequestObject) (PutAgentResponseObject, error) {
	if err := onlyThePaths("agentId", r.Body.AgentID, r.AgentID); err != nil {
		return nil, err
	}
	agent := agentFrom(emergency.AgentID(r.AgentID), *r.Body)
	err := mustExist(r.Params.IfMatch, func() error { _, err := s.Records.Agent(ctx, agent.ID); return err })
	if err != nil {
		return nil, err
	}
	agent, err = s.Records.PutAgent(ctx, agent, changeBy(ctx, r.Params.IfMatch))
	if err != nil {
		return nil, err
	}
	return PutAgent200JSONResponse{agentAnswer(agent)}, nil
}

// RemoveAgent takes an agent out of the directory. What is under way goes on: a PSAP
// that calls back still reaches the devices. Of somebody who is not there, no If-Match
// says more than that (RFC 9110, 13.2.1).
func (s *server) RemoveAgent(ctx context.Context, r RemoveAgentRequestObject) (RemoveAgentResponseObject, error) {
	if err := s.Records.RemoveAgent(ctx, emergency.AgentID(r.AgentID), changeBy(ctx, r.Params.IfMatch)); err != nil {
		return nil, err
	}
	return RemoveAgent204Response{}, nil
}

// GetPresence shows an agent's presence.
func (s *server) GetPresence(ctx context.Context, r GetPresenceRequestObject) (GetPresenceResponseObject, error) {
	agent, err := s.Records.Agent(ctx, emergency.AgentID(r.AgentID))
	if err != nil {
		return nil, err
	}
	return GetPresence200JSONResponse{PresenceJSONResponse(presenceView(agent.Presence))}, nil
}

// SetPresence is an agent's own choice, or an admin's; an emergency call's end
// leaves it alone (B4).
func (s *server) SetPresence(ctx context.Context, r SetPresenceRequestObject) (SetPresenceResponseObject, error) {
	status := emergency.Status(r.Body.Status)
	if err := status.Validate(); err != nil {
		return nil, err
	}
	presence, err := s.choosePresence(ctx, emergency.AgentID(r.AgentID), status)
	if err != nil {
		return nil, err
	}
	return SetPresence200JSONResponse{PresenceJSONResponse(presenceView(presence))}, nil
}

// choosePresence keeps a choice. An agent's own is nobody else's business; what an admin
// chooses for an agent is a change that the audit keeps.
func (s *server) choosePresence(ctx context.Context, id emergency.AgentID, status emergency.Status) (emergency.Presence, error) {
	if visitOf(ctx).reach == own {
		return s.Records.SetPresence(ctx, id, status)
	}
	return s.Records.SetPresenceFor(ctx, id, status, changeBy(ctx, ""))
}

// GetEmergencyContacts shows the one field of recipients (S17).
func (s *server) GetEmergencyContacts(ctx context.Context, r GetEmergencyContactsRequestObject) (GetEmergencyContactsResponseObject, error) {
	contacts, err := s.Records.Contacts(ctx, emergency.AgentID(r.AgentID))
	if err != nil {
		return nil, err
	}
	return GetEmergencyContacts200JSONResponse{contactsAnswer(contacts)}, nil
}

// SetEmergencyContacts saves the one field of recipients (S17).
func (s *server) SetEmergencyContacts(ctx context.Context, r SetEmergencyContactsRequestObject) (SetEmergencyContactsResponseObject, error) {
	by := changeBy(ctx, r.Params.IfMatch)
	contacts, err := s.Records.PutContacts(ctx, emergency.AgentID(r.AgentID), r.Body.Recipients, by)
	if err != nil {
		return nil, err
	}
	return SetEmergencyContacts200JSONResponse{contactsAnswer(contacts)}, nil
}

// ListCallbackNumbers shows every number and its state.
func (s *server) ListCallbackNumbers(ctx context.Context, _ ListCallbackNumbersRequestObject) (ListCallbackNumbersResponseObject, error) {
	numbers, err := s.Records.Numbers(ctx)
	if err != nil {
		return nil, err
	}
	views := ListCallbackNumbers200JSONResponse{}
	for _, number := range numbers {
		views = append(views, numberView(number))
	}
	return views, nil
}

// AddCallbackNumber adds to a pool. The state is read back: a number that was
// about to leave the pool may come back in the middle of a lease.
func (s *server) AddCallbackNumber(ctx context.Context, r AddCallbackNumberRequestObject) (AddCallbackNumberResponseObject, error) {
	err := s.Records.AddNumber(ctx, r.Body.Number, emergency.SiteID(r.Body.SiteID), changeBy(ctx, ""))
	if err != nil {
		return nil, err
	}
	added, err := s.Records.Number(ctx, r.Body.Number)
	if err != nil {
		return nil, err
	}
	return AddCallbackNumber201JSONResponse(numberView(added)), nil
}

// RemoveCallbackNumber takes a number out of its pool.
func (s *server) RemoveCallbackNumber(ctx context.Context, r RemoveCallbackNumberRequestObject) (RemoveCallbackNumberResponseObject, error) {
	if err := s.Records.RemoveNumber(ctx, r.Number, changeBy(ctx, "")); err != nil {
		return nil, err
	}
	return RemoveCallbackNumber204Response{}, nil
}
