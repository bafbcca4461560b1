//nolint:wrapcheck // every error goes to fail, which tells the domain's apart and hides the others
package httpapi

import (
	"context"
	"errors"
	"strings"

	"lifeline/internal/emergency"
)

// ReportLocation keeps where an agent is, as the desktop tells it outside any call
// (S13).
func (s *server) ReportLocation(ctx context.Context, r ReportLocationRequestObject) (ReportLocationResponseObject, error) {
	location := locationFrom(r.Body)
	if err := location.Validate(); err != nil {
		if broken, ok := errors.AsType[*emergency.Invalid](err); ok {
			// Here the location is the whole body.
			return nil, invalid(strings.TrimPrefix(strings.TrimPrefix(broken.Field, "location"), "."), broken.Problem)
		}
		return nil, err
	}
	reported, err := s.Records.ReportLocation(ctx, emergency.AgentID(r.AgentID), *location)
	if err != nil {
		return nil, err
	}
	return ReportLocation200JSONResponse{ReportedAt: reported.At.UTC(), Location: locationView(reported.Location)}, nil
}

func locationFrom(given *Location) *emergency.Location {
	if given == nil {
		return nil
	}
	location := &emergency.Location{
		Latitude: given.Latitude, Longitude: given.Longitude, Accuracy: given.Accuracy,
		CapturedAt: given.CapturedAt.UTC(), Permission: emergency.LocationPermission(given.Permission),
	}
	if given.Address != nil {
		address := addressFrom(*given.Address)
		location.Address = &address
	}
	return location
}

func locationView(location emergency.Location) Location {
	view := Location{
		Latitude: location.Latitude, Longitude: location.Longitude, Accuracy: location.Accuracy,
		CapturedAt: location.CapturedAt.UTC(), Permission: LocationPermission(location.Permission),
	}
	if location.Address != nil {
		address := addressView(*location.Address)
		view.Address = &address
	}
	return view
}
