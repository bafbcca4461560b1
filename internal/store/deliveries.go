package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lifeline/internal/emergency"
)

// Notice reads what a notice of a call has to say, and to whom it is yet to be
// said.
func (s *Store) Notice(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent) (emergency.Notice, []emergency.Delivery, error) {
	call, err := s.Call(ctx, id)
	if err != nil {
		return emergency.Notice{}, nil, err
	}
	agent, err := keptAgent(ctx, s.read, call.AgentID)
	if err != nil {
		return emergency.Notice{}, nil, err
	}
	site, err := s.Site(ctx, call.SiteID)
	if err != nil {
		return emergency.Notice{}, nil, err
	}
	queued, err := collect(ctx, s.read, scanDelivery, `SELECT address, state, message_id, updated_at FROM deliveries
		WHERE call_id = $1 AND event = $2 AND state = $3 ORDER BY address`, id, event, emergency.DeliveryQueued)
	if err != nil {
		return emergency.Notice{}, nil, fmt.Errorf("list deliveries: %w", err)
	}
	return emergency.Notice{
		CallID: call.ID, Event: event, Kind: call.Kind, AgentName: agent.Name, SiteName: site.Name,
		Dialed: call.Dialed, DialedAt: call.DialedAt, Number: call.Number, Conveyed: call.Conveyed,
	}, queued, nil
}

// RecordDelivery keeps how far a notice has come on its way to one recipient.
func (s *Store) RecordDelivery(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, d emergency.Delivery) error {
	return s.background.inTx(ctx, "record delivery", func(t tx) error {
		if _, err := t.exec(ctx, `UPDATE deliveries SET state = $4, message_id = $5, updated_at = $6
			WHERE call_id = $1 AND event = $2 AND address = $3`,
			id, event, d.Address, d.State, d.MessageID, s.now()); err != nil {
			return err
		}
		var agent emergency.AgentID
		err := t.scan(ctx, &agent, `SELECT agent_id FROM calls WHERE id = $1`, id)
		if errors.Is(err, sql.ErrNoRows) {
			return emergency.ErrUnknownCall
		}
		if err != nil {
			return err
		}
		return t.tell(ctx, emergency.Event{Type: emergency.EventNoticeUpdated, AgentID: agent, CallID: id, At: s.now()})
	})
}

func scanDelivery(rows *sql.Rows) (emergency.Delivery, error) {
	var d emergency.Delivery
	err := rows.Scan(&d.Address, &d.State, &d.MessageID, &d.UpdatedAt)
	d.UpdatedAt = d.UpdatedAt.UTC()
	return d, err //nolint:wrapcheck // collect wraps
}
