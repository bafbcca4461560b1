package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// ReportLocation keeps where an agent's desktop says that it is, until it says
// something else or ForgetLocations comes (S13). Nobody waits for it who dials.
func (s *Store) ReportLocation(ctx context.Context, id emergency.AgentID, at emergency.Location) (emergency.ReportedLocation, error) {
	if err := at.Validate(); err != nil {
		return emergency.ReportedLocation{}, err //nolint:wrapcheck // the domain's own words
	}
	if !at.CapturedAt.IsZero() {
		at.CapturedAt = stamp(at.CapturedAt)
	}
	reported := emergency.ReportedLocation{Location: at, At: s.now()}
	text, err := json.Marshal(reported.Location)
	if err != nil {
		return reported, fmt.Errorf("encode location: %w", err)
	}
	err = s.background.inTx(ctx, "report location", func(t tx) error {
		kept, err := t.exec(ctx, `UPDATE agents SET location = $2, location_at = $3 WHERE id = $1 AND NOT deleted`,
			id, string(text), reported.At)
		if err == nil && kept == 0 {
			return emergency.ErrUnknownAgent
		}
		return err
	})
	return reported, err
}

// ForgetLocations drops what desktops told before a time: it says nothing any more,
// and where somebody was is nobody's business.
func (s *Store) ForgetLocations(ctx context.Context, before time.Time) error {
	return s.background.inTx(ctx, "forget locations", func(t tx) error {
		_, err := t.exec(ctx, `UPDATE agents SET location = '', location_at = NULL WHERE location_at < $1`, stamp(before))
		return err
	})
}
