package httpapi

import "lifeline/internal/emergency"

func routingView(v emergency.VoiceRouting) VoiceRouting {
	view := VoiceRouting{
		DirectOffers: []DirectOffer{}, Trunks: []Trunk{}, Rules: []RoutingRule{}, OutboundProfiles: []OutboundProfile{},
	}
	for _, offer := range v.DirectOffers {
		view.DirectOffers = append(view.DirectOffers, DirectOffer{Number: offer.Number, Country: string(offer.Country)})
	}
	for _, t := range v.Trunks {
		view.Trunks = append(view.Trunks, Trunk{
			TrunkID: string(t.ID), Numbers: list[string](t.Numbers), Emergency: t.Emergency,
			TestNumbers: list[string](t.TestNumbers), FailOver: list[string](t.FailOver),
		})
	}
	for _, rule := range v.Rules {
		view.Rules = append(view.Rules, RoutingRule{
			Name: rule.Name, Pattern: rule.Pattern, Rewrite: rule.Rewrite, Trunk: string(rule.Trunk),
			Countries: list[string](rule.Countries),
		})
	}
	for _, p := range v.OutboundProfiles {
		view.OutboundProfiles = append(view.OutboundProfiles, OutboundProfile{
			ProfileID: p.ID, CapacityProfile: p.CapacityProfile, Numbers: list[string](p.Numbers),
		})
	}
	return view
}

// routingFrom passes over the findings: they are ours to make.
func routingFrom(s VoiceRoutingSettings) emergency.VoiceRouting {
	var v emergency.VoiceRouting
	for _, offer := range s.DirectOffers {
		v.DirectOffers = append(v.DirectOffers, emergency.Offer{Number: offer.Number, Country: emergency.Country(offer.Country)})
	}
	for _, t := range s.Trunks {
		v.Trunks = append(v.Trunks, emergency.Trunk{
			ID: emergency.TrunkID(t.TrunkID), Numbers: t.Numbers, Emergency: t.Emergency,
			TestNumbers: t.TestNumbers, FailOver: list[emergency.TrunkID](t.FailOver),
		})
	}
	for _, rule := range s.Rules {
		v.Rules = append(v.Rules, emergency.RoutingRule{
			Name: rule.Name, Pattern: rule.Pattern, Rewrite: rule.Rewrite, Trunk: emergency.TrunkID(rule.Trunk),
			Countries: list[emergency.Country](rule.Countries),
		})
	}
	for _, p := range s.OutboundProfiles {
		v.OutboundProfiles = append(v.OutboundProfiles, emergency.OutboundProfile{
			ID: p.ProfileID, CapacityProfile: p.CapacityProfile, Numbers: p.Numbers,
		})
	}
	return v
}

func findingViews(findings []emergency.Finding) []Finding {
	views := make([]Finding, 0, len(findings))
	for _, f := range findings {
		views = append(views, Finding{
			Kind: FindingKind(f.Kind), Rule: f.Rule, Country: string(f.Country), Number: f.Number, Detail: f.Detail,
		})
	}
	return views
}

func countriesOf(sites []emergency.Site) []emergency.Country {
	countries := make([]emergency.Country, 0, len(sites))
	for _, site := range sites {
		countries = append(countries, site.Country)
	}
	return countries
}
