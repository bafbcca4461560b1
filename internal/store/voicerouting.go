package store

import (
	"context"
	"encoding/json"
	"fmt"

	"lifeline/internal/emergency"
)

// routingDocument is how a voice routing is kept. Its names are those of the HTTP
// contract, so that whoever reads the database reads the same.
type routingDocument struct {
	DirectOffers     []offerDocument   `json:"directOffers"`
	Trunks           []trunkDocument   `json:"trunks"`
	Rules            []ruleDocument    `json:"rules"`
	OutboundProfiles []profileDocument `json:"outboundProfiles"`
}

type offerDocument struct {
	Number  string            `json:"number"`
	Country emergency.Country `json:"country"`
}

type trunkDocument struct {
	TrunkID     emergency.TrunkID   `json:"trunkId"`
	Numbers     []string            `json:"numbers"`
	Emergency   bool                `json:"emergency"`
	TestNumbers []string            `json:"testNumbers"`
	FailOver    []emergency.TrunkID `json:"failOver"`
}

type ruleDocument struct {
	Name      string              `json:"name"`
	Pattern   string              `json:"pattern"`
	Rewrite   string              `json:"rewrite"`
	Trunk     emergency.TrunkID   `json:"trunk"`
	Countries []emergency.Country `json:"countries"`
}

type profileDocument struct {
	ProfileID       string   `json:"profileId"`
	CapacityProfile string   `json:"capacityProfile"`
	Numbers         []string `json:"numbers"`
}

// VoiceRouting reads how calls leave the contact centre.
func (s *Store) VoiceRouting(ctx context.Context) (emergency.VoiceRouting, error) {
	var (
		text     string
		revision int64
	)
	if err := s.read.QueryRowContext(ctx, `SELECT document, revision FROM voice_routing`).Scan(&text, &revision); err != nil {
		return emergency.VoiceRouting{}, fmt.Errorf("read voice routing: %w", outageOf(err))
	}
	var document routingDocument
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return emergency.VoiceRouting{}, fmt.Errorf("decode voice routing: %w", err)
	}
	routing := document.routing()
	routing.Revision = revision
	return routing, nil
}

// voicePlan is the voice routing of a revision or a later one, ready to be asked. The
// last one is remembered, because every dial asks. When it cannot be read, a dial goes
// by the one before rather than not at all (B7).
func (s *Store) voicePlan(ctx context.Context, revision int64) (*emergency.VoicePlan, error) {
	known := s.routing.Load()
	if known != nil && known.revision == revision {
		return known.plan, nil
	}
	routing, err := s.VoiceRouting(ctx)
	switch {
	case err == nil:
		compiled := &compiledRouting{revision: routing.Revision, plan: routing.Salvage()}
		s.routing.Store(compiled)
		return compiled.plan, nil
	case known != nil:
		return known.plan, nil
	default:
		return nil, err
	}
}

// compiledRouting is one revision of the voice routing.
type compiledRouting struct {
	revision int64
	plan     *emergency.VoicePlan
}

// PutVoiceRouting replaces the whole voice routing, and gives it as it is kept. The
// error is an *emergency.Invalid when it cannot be used.
func (s *Store) PutVoiceRouting(ctx context.Context, routing emergency.VoiceRouting, by emergency.Change) (emergency.VoiceRouting, error) {
	if _, err := routing.Compile(); err != nil {
		return routing, err //nolint:wrapcheck // the domain's own words
	}
	document := documentOf(routing)
	text, err := json.Marshal(document)
	if err != nil {
		return routing, fmt.Errorf("encode voice routing: %w", err)
	}
	kept := document.routing()
	err = s.change(ctx, "put voice routing", func(t tx) error {
		if err := t.checkSeen(ctx, by, `SELECT revision FROM voice_routing WHERE id = $1`, 1); err != nil {
			return err
		}
		now := s.now()
		if err := t.routingApart(ctx, document, now); err != nil {
			return err
		}
		if err := t.scan(ctx, &kept.Revision, `UPDATE voice_routing SET document = $1, revision = revision + 1
			RETURNING revision`, string(text)); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "voice-routing-changed", subject: emergency.SubjectVoiceRouting, name: "voice-routing", revision: kept.Revision,
		}, by, now)
	})
	return kept, err
}

func (d routingDocument) routing() emergency.VoiceRouting {
	var v emergency.VoiceRouting
	for _, offer := range d.DirectOffers {
		v.DirectOffers = append(v.DirectOffers, emergency.Offer(offer))
	}
	for _, t := range d.Trunks {
		v.Trunks = append(v.Trunks, emergency.Trunk{
			ID: t.TrunkID, Numbers: t.Numbers, Emergency: t.Emergency, TestNumbers: t.TestNumbers, FailOver: t.FailOver,
		})
	}
	for _, rule := range d.Rules {
		v.Rules = append(v.Rules, emergency.RoutingRule(rule))
	}
	for _, p := range d.OutboundProfiles {
		v.OutboundProfiles = append(v.OutboundProfiles, emergency.OutboundProfile{
			ID: p.ProfileID, CapacityProfile: p.CapacityProfile, Numbers: p.Numbers,
		})
	}
	return v
}

func documentOf(v emergency.VoiceRouting) routingDocument {
	var d routingDocument
	for _, offer := range v.DirectOffers {
		d.DirectOffers = append(d.DirectOffers, offerDocument(offer))
	}
	for _, t := range v.Trunks {
		d.Trunks = append(d.Trunks, trunkDocument{
			TrunkID: t.ID, Numbers: t.Numbers, Emergency: t.Emergency, TestNumbers: t.TestNumbers, FailOver: t.FailOver,
		})
	}
	for _, rule := range v.Rules {
		d.Rules = append(d.Rules, ruleDocument(rule))
	}
	for _, p := range v.OutboundProfiles {
		d.OutboundProfiles = append(d.OutboundProfiles, profileDocument{
			ProfileID: p.ID, CapacityProfile: p.CapacityProfile, Numbers: p.Numbers,
		})
	}
	return d
}
