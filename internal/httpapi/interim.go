package httpapi

import (
	"context"

	"lifeline/internal/emergency"
)

// comingRecords is the part of Records that the store is about to have.
type comingRecords interface {
	RemoveAgent(ctx context.Context, id emergency.AgentID, by emergency.Change) error
	ReportLocation(ctx context.Context, id emergency.AgentID, location emergency.Location) (emergency.ReportedLocation, error)
}

func (s *server) coming() comingRecords {
	return s.Records.(comingRecords) //nolint:forcetypeassert // rescue tells of it
}
