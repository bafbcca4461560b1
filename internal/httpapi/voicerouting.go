//nolint:wrapcheck // every error goes to fail, which tells the domain's apart and hides the others
package httpapi

import (
	"context"

	"lifeline/internal/emergency"
)

// GetVoiceRouting shows how calls leave the contact centre, and what the dial-plan
// check says of it.
func (s *server) GetVoiceRouting(ctx context.Context, _ GetVoiceRoutingRequestObject) (GetVoiceRoutingResponseObject, error) {
	routing, err := s.Records.VoiceRouting(ctx)
	if err != nil {
		return nil, err
	}
	sites, err := s.Records.Sites(ctx)
	if err != nil {
		return nil, err
	}
	return GetVoiceRouting200JSONResponse{s.routingAnswer(routing, sites)}, nil
}

// PutVoiceRouting replaces it as a whole. The sites are read first: what has been
// saved must not be answered with an error.
func (s *server) PutVoiceRouting(ctx context.Context, r PutVoiceRoutingRequestObject) (PutVoiceRoutingResponseObject, error) {
	sites, err := s.Records.Sites(ctx)
	if err != nil {
		return nil, err
	}
	routing, err := s.Records.PutVoiceRouting(ctx, routingFrom(*r.Body), changeBy(ctx, r.Params.IfMatch))
	if err != nil {
		return nil, err
	}
	return PutVoiceRouting200JSONResponse{s.routingAnswer(routing, sites)}, nil
}

func (s *server) routingAnswer(routing emergency.VoiceRouting, sites []emergency.Site) VoiceRoutingJSONResponse {
	view := routingView(routing)
	view.Findings = findingViews(s.findings(routing, countriesOf(sites)))
	return VoiceRoutingJSONResponse{Body: view, Headers: VoiceRoutingResponseHeaders{ETag: etag(routing.Revision)}}
}

// findings are what the dial-plan check says. A document that an earlier version has
// saved may have a part that this one leaves out; it must be shown to be mended.
func (s *server) findings(routing emergency.VoiceRouting, sites []emergency.Country) []emergency.Finding {
	plan, err := routing.Compile()
	if err != nil {
		return []emergency.Finding{{
			Kind: emergency.FindingMisses, Detail: "A part of this document is left out: " + err.Error() + ". Change it and save the document again.",
		}}
	}
	return plan.Findings(s.DialPlan, sites)
}
