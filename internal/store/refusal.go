package store

import (
	"context"

	"lifeline/internal/emergency"
)

// RecordRefusal tells of a dial that could not work (B10), and keeps what a regulator
// may ask. The audit has neither the person nor what was dialed.
func (s *Store) RecordRefusal(ctx context.Context, r emergency.RefusedCall) error {
	return s.background.inTx(ctx, "record refusal", func(t tx) error {
		if _, err := t.exec(ctx, `INSERT INTO audit (at, action, country, outcome) VALUES ($1, 'call-refused', $2, $3)`,
			stamp(r.At), r.Country, r.Code); err != nil {
			return err
		}
		return t.tell(ctx, emergency.Event{
			Type: emergency.EventCallRefused, AgentID: r.AgentID, SiteID: r.SiteID, Status: emergency.Status(r.Code), At: r.At,
		})
	})
}
