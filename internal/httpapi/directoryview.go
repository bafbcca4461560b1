package httpapi

import "lifeline/internal/emergency"

func siteView(site emergency.Site) Site {
	return Site{
		SiteID:           string(site.ID),
		Name:             site.Name,
		Country:          string(site.Country),
		Address:          addressView(site.Address),
		StandingNumber:   site.StandingNumber,
		FallbackEndpoint: site.FallbackEndpoint,
	}
}

func agentView(agent emergency.Agent) Agent {
	endpoints := agent.Endpoints
	if endpoints == nil {
		endpoints = []string{}
	}
	return Agent{
		AgentID:   string(agent.ID),
		Name:      agent.Name,
		SiteID:    string(agent.SiteID),
		Endpoints: endpoints,
		Presence:  presenceView(agent.Presence),
	}
}

func presenceView(presence emergency.Presence) Presence {
	return Presence{Status: string(presence.Status), ChangedAt: presence.ChangedAt.UTC()}
}

func numberView(number emergency.CallbackNumber) CallbackNumber {
	view := CallbackNumber{Number: number.Number, SiteID: string(number.SiteID), State: CallbackNumberState(number.State)}
	if !number.FreeAt.IsZero() {
		view.FreeAt = number.FreeAt.UTC()
	}
	return view
}

func addressView(a emergency.Address) Address {
	return Address{
		Street: a.Street, Unit: a.Unit, City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country,
	}
}

func addressFrom(a Address) emergency.Address {
	return emergency.Address{
		Street: a.Street, Unit: a.Unit, City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country,
	}
}
