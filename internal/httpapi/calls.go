//nolint:wrapcheck // every error goes to fail, which tells the domain's apart and hides the others
package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// PlaceCall dials.
func (s *server) PlaceCall(ctx context.Context, r PlaceCallRequestObject) (PlaceCallResponseObject, error) {
	req := emergency.DialRequest{
		AgentID:        emergency.AgentID(r.Body.AgentID),
		DialedNumber:   strings.TrimSpace(r.Body.DialedNumber),
		Location:       locationFrom(r.Body.Location),
		IdempotencyKey: r.Params.IdempotencyKey,
	}
	if !visitOf(ctx).covers(req.AgentID) {
		return nil, errNotYours
	}
	if req.DialedNumber == "" {
		return nil, invalid("dialedNumber", "must not be empty")
	}
	if err := req.Location.Validate(); err != nil {
		return nil, err
	}
	call, err := s.Calls.Place(ctx, req)
	if err != nil {
		return nil, err
	}
	return PlaceCall201JSONResponse{
		Body:    callView(call, time.Now()),
		Headers: PlaceCall201ResponseHeaders{Location: "/v1/emergency-calls/" + string(call.ID)},
	}, nil
}

// ListCalls shows what is live, of all agents or of the one who asks.
func (s *server) ListCalls(ctx context.Context, _ ListCallsRequestObject) (ListCallsResponseObject, error) {
	calls, err := s.Records.LiveCalls(ctx)
	if err != nil {
		return nil, err
	}
	v, now := visitOf(ctx), time.Now()
	views := ListCalls200JSONResponse{}
	for _, call := range calls {
		if v.covers(call.AgentID) {
			views = append(views, callView(call, now))
		}
	}
	return views, nil
}

// GetCall shows one call.
func (s *server) GetCall(ctx context.Context, r GetCallRequestObject) (GetCallResponseObject, error) {
	call, err := s.readCall(ctx, emergency.CallID(r.CallID))
	if err != nil {
		return nil, err
	}
	return GetCall200JSONResponse{CallJSONResponse(callView(call, time.Now()))}, nil
}

// EndCall ends every leg that is up.
func (s *server) EndCall(ctx context.Context, r EndCallRequestObject) (EndCallResponseObject, error) {
	call, err := s.end(ctx, emergency.CallID(r.CallID), "", r.Body)
	if err != nil {
		return nil, err
	}
	return EndCall200JSONResponse{CallJSONResponse(call)}, nil
}

// EndLeg ends one leg.
func (s *server) EndLeg(ctx context.Context, r EndLegRequestObject) (EndLegResponseObject, error) {
	call, err := s.end(ctx, emergency.CallID(r.CallID), emergency.LegID(r.LegID), r.Body)
	if err != nil {
		return nil, err
	}
	return EndLeg200JSONResponse{CallJSONResponse(call)}, nil
}

func (s *server) end(ctx context.Context, id emergency.CallID, leg emergency.LegID, body *EndRequest) (Call, error) {
	var of emergency.AgentID
	v := visitOf(ctx)
	if v.reach == own {
		of = v.who.AgentID
	}
	reason := emergency.EndHungUp
	if body != nil && body.Reason != "" {
		reason = emergency.EndReason(body.Reason)
	}
	call, err := s.Calls.End(ctx, id, leg, of, reason)
	if of != "" && errors.Is(err, emergency.ErrUnknownCall) {
		err = errNotYours // or it would tell which calls there are
	}
	if err != nil {
		return Call{}, err
	}
	return callView(call, time.Now()), nil
}

// readCall reads a call that is within the caller's reach. To an agent a call
// that does not exist looks like one of another agent's, so that nobody learns
// from the answer which calls there are.
func (s *server) readCall(ctx context.Context, id emergency.CallID) (emergency.Call, error) {
	v := visitOf(ctx)
	call, err := s.Calls.Find(ctx, id)
	unknown := errors.Is(err, emergency.ErrUnknownCall)
	switch {
	case unknown && v.reach == own, err == nil && !v.covers(call.AgentID):
		return emergency.Call{}, errNotYours
	case err != nil:
		return emergency.Call{}, err
	}
	return call, nil
}

// ListRefusedCalls shows dials that could not work, of all agents or of the one who asks.
func (s *server) ListRefusedCalls(ctx context.Context, _ ListRefusedCallsRequestObject) (ListRefusedCallsResponseObject, error) {
	var whose emergency.AgentID
	if v := visitOf(ctx); v.reach == own {
		whose = v.who.AgentID
	}
	refused, err := s.Records.RefusedCalls(ctx, whose)
	if err != nil {
		return nil, err
	}
	views := ListRefusedCalls200JSONResponse{}
	for _, one := range refused {
		views = append(views, refusedView(one))
	}
	return views, nil
}

// GetRefusedCall shows one dial that could not work, and who was told of it. As with a
// call, an agent does not learn whether there is one of somebody else's.
func (s *server) GetRefusedCall(ctx context.Context, r GetRefusedCallRequestObject) (GetRefusedCallResponseObject, error) {
	v := visitOf(ctx)
	refused, err := s.Records.RefusedCall(ctx, emergency.CallID(r.CallID))
	unknown := errors.Is(err, emergency.ErrUnknownCall)
	switch {
	case unknown && v.reach == own, err == nil && !v.covers(refused.AgentID):
		return nil, errNotYours
	case err != nil:
		return nil, err
	}
	return GetRefusedCall200JSONResponse(refusedView(refused)), nil
}

// RefuseAction refuses (B15). It looks nothing up, so that nothing can make it
// answer otherwise.
func (s *server) RefuseAction(context.Context, RefuseActionRequestObject) (RefuseActionResponseObject, error) {
	return nil, &fault{
		status: http.StatusConflict, code: "action-not-allowed",
		detail: "An emergency call cannot be held, transferred, joined, recorded or consulted about.",
	}
}

// RouteInboundCall decides where an inbound call goes (S5).
func (s *server) RouteInboundCall(ctx context.Context, r RouteInboundCallRequestObject) (RouteInboundCallResponseObject, error) {
	decision, err := s.Calls.Inbound(ctx, r.Body.To, r.Body.From)
	if err != nil {
		return nil, err
	}
	return RouteInboundCall200JSONResponse(decisionView(decision)), nil
}
