package httpapi

import (
	"time"

	"lifeline/internal/emergency"
)

func siteAnswer(site emergency.Site) SiteJSONResponse {
	return SiteJSONResponse{Body: siteView(site), Headers: SiteResponseHeaders{ETag: etag(site.Revision)}}
}

func siteView(site emergency.Site) Site {
	return Site{
		SiteID:              string(site.ID),
		Name:                site.Name,
		Country:             string(site.Country),
		Address:             addressView(site.Address),
		StandingNumber:      site.StandingNumber,
		FallbackEndpoint:    site.FallbackEndpoint,
		FinalNumber:         site.FinalNumber,
		AgentRingSeconds:    int(site.AgentRing / time.Second),
		FallbackRingSeconds: int(site.FallbackRing / time.Second),
		Recipients:          site.Recipients,
		TimeZone:            site.TimeZone,
		TestRecipients:      site.TestRecipients,

		ParsedRecipients:     contactViews(site.Recipients),
		ParsedTestRecipients: contactViews(site.TestRecipients),
	}
}

func siteFrom(id emergency.SiteID, s SiteSettings) emergency.Site {
	return emergency.Site{
		ID:               id,
		Name:             s.Name,
		Country:          emergency.Country(s.Country),
		Address:          addressFrom(s.Address),
		StandingNumber:   s.StandingNumber,
		FallbackEndpoint: s.FallbackEndpoint,
		FinalNumber:      s.FinalNumber,
		AgentRing:        time.Duration(s.AgentRingSeconds) * time.Second,
		FallbackRing:     time.Duration(s.FallbackRingSeconds) * time.Second,
		Recipients:       s.Recipients,
		TimeZone:         s.TimeZone,
		TestRecipients:   s.TestRecipients,
	}
}

func agentAnswer(agent emergency.Agent) AgentJSONResponse {
	return AgentJSONResponse{Body: agentView(agent), Headers: AgentResponseHeaders{ETag: etag(agent.Revision)}}
}

func agentView(agent emergency.Agent) Agent {
	return Agent{
		AgentID:          string(agent.ID),
		Name:             agent.Name,
		SiteID:           string(agent.SiteID),
		Endpoints:        list[string](agent.Endpoints),
		CapacityProfiles: list[string](agent.CapacityProfiles),
		CallingNumber:    agent.CallingNumber,
		MailboxEnabled:   !agent.MailboxOff,
		Presence:         presenceView(agent.Presence),
	}
}

// defaultProfile is the capacity profile of agents of whom nothing else is said.
const defaultProfile = "default"

func agentFrom(id emergency.AgentID, s AgentSettings) emergency.Agent {
	agent := emergency.Agent{
		ID:               id,
		Name:             s.Name,
		SiteID:           emergency.SiteID(s.SiteID),
		Endpoints:        s.Endpoints,
		CapacityProfiles: []string{defaultProfile},
		CallingNumber:    s.CallingNumber,
		MailboxOff:       s.MailboxEnabled != nil && !*s.MailboxEnabled,
	}
	if s.CapacityProfiles != nil {
		agent.CapacityProfiles = *s.CapacityProfiles
	}
	return agent
}

func contactsAnswer(contacts emergency.Contacts) EmergencyContactsJSONResponse {
	return EmergencyContactsJSONResponse{
		Body:    EmergencyContacts{Recipients: contacts.AsTyped, Parsed: contactViews(contacts.AsTyped)},
		Headers: EmergencyContactsResponseHeaders{ETag: etag(contacts.Revision)},
	}
}

// contactViews are those whom a field of recipients names (S17). What a later rule
// refuses is told to nobody, and so not shown.
func contactViews(field string) []Contact {
	views := []Contact{}
	known, _ := emergency.Recipients(field)
	for _, recipient := range known {
		views = append(views, Contact{Name: recipient.Name, Address: recipient.Address})
	}
	return views
}

// list makes of the domain's texts those of the contract, where an empty list is one
// and not null.
func list[To, From ~string](from []From) []To {
	to := make([]To, 0, len(from))
	for _, text := range from {
		to = append(to, To(text))
	}
	return to
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
