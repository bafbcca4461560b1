//nolint:wrapcheck // every error goes to fail, which tells the domain's apart and hides the others
package httpapi

import (
	"context"
	"fmt"

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
	answer, err := s.routingAnswer(routing, sites)
	if err != nil {
		return nil, err
	}
	return GetVoiceRouting200JSONResponse{answer}, nil
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
	answer, err := s.routingAnswer(routing, sites)
	if err != nil {
		return nil, err
	}
	return PutVoiceRouting200JSONResponse{answer}, nil
}

func (s *server) routingAnswer(routing emergency.VoiceRouting, sites []emergency.Site) (VoiceRoutingJSONResponse, error) {
	plan, err := routing.Compile()
	if err != nil {
		// It was valid when it was saved, so the reader is not to blame.
		return VoiceRoutingJSONResponse{}, fmt.Errorf("compile the voice routing that is kept: %s", err.Error())
	}
	view := routingView(routing)
	view.Findings = findingViews(plan.Findings(s.DialPlan, countriesOf(sites)))
	return VoiceRoutingJSONResponse{Body: view, Headers: VoiceRoutingResponseHeaders{ETag: etag(routing.Revision)}}, nil
}
