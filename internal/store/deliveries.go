package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"lifeline/internal/emergency"

	"golang.org/x/net/idna"
)

const selectDelivery = `SELECT event, round, address, state, message_id, updated_at FROM deliveries`

func scanDelivery(rows *sql.Rows) (emergency.Delivery, error) {
	var d emergency.Delivery
	err := rows.Scan(&d.Event, &d.Round, &d.Address, &d.State, &d.MessageID, &d.UpdatedAt)
	d.UpdatedAt = d.UpdatedAt.UTC()
	return d, err //nolint:wrapcheck // collect wraps
}

// RecordDelivery keeps how far a notice has come on its way to one recipient. What is
// known already never goes back: the mail system's own word may have come first (B9).
// The error is emergency.ErrUnknownCall when there is no such notice, and
// emergency.ErrUnknownNotice when it does not go to that recipient.
func (s *Store) RecordDelivery(
	ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int, d emergency.Delivery,
) error {
	of := emergency.NoticeID{CallID: id, Event: event, Round: round}
	return s.background.inTx(ctx, "record delivery", func(t tx) error {
		notice, err := noticeRows(ctx, t, of)
		if err != nil {
			return err
		}
		if len(notice) == 0 {
			return emergency.ErrUnknownCall
		}
		kept, err := t.deliveries(ctx, of)
		if err != nil {
			return err
		}
		for _, before := range kept {
			if before.Address == d.Address {
				return t.moveDelivery(ctx, notice[0], before, d, s.now())
			}
		}
		return emergency.ErrUnknownNotice
	})
}

// deliveries are those of a notice, locked.
func (t tx) deliveries(ctx context.Context, of emergency.NoticeID) ([]emergency.Delivery, error) {
	return collect(ctx, t, scanDelivery, selectDelivery+`
		WHERE call_id = $1 AND event = $2 AND round = $3 ORDER BY address`+t.rowLock, of.CallID, of.Event, of.Round)
}

// moveDelivery takes what is news of a delivery, and tells of it.
func (t tx) moveDelivery(ctx context.Context, n noticeRow, before, news emergency.Delivery, at time.Time) error {
	moves := news.State.Follows(before.State)
	if !moves {
		news.State, at = before.State, before.UpdatedAt
	}
	if news.MessageID == "" {
		news.MessageID = before.MessageID
	}
	if _, err := t.exec(ctx, `UPDATE deliveries SET state = $5, message_id = $6, updated_at = $7
		WHERE call_id = $1 AND event = $2 AND round = $3 AND address = $4`,
		n.CallID, n.Event, n.Round, before.Address, news.State, news.MessageID, stamp(at)); err != nil || !moves {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventNoticeUpdated, AgentID: n.agent, SiteID: n.site, CallID: n.CallID, At: stamp(at),
	})
}

// Deliveries lists what has become of one notice, by recipient.
func (s *Store) Deliveries(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) ([]emergency.Delivery, error) {
	all, err := collect(ctx, s.read, scanDelivery, selectDelivery+` WHERE call_id = $1 AND event = $2 AND round = $3 ORDER BY address`,
		id, event, round)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return all, nil
}

// RecordMailEvent takes in what a mail system tells of a message, once per event (B9).
// False says that it is no news: it came before, it is about no message of ours, or
// more is known already.
func (s *Store) RecordMailEvent(ctx context.Context, e emergency.MailEvent) (bool, error) {
	news := false
	err := s.background.inTx(ctx, "record mail event", func(t tx) error {
		notice, err := noticeRows(ctx, t, e.Notice)
		if err != nil || len(notice) == 0 {
			return err
		}
		first, err := t.exec(ctx, `INSERT INTO mail_events (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`,
			emergency.Keepable(e.ID), s.now())
		if err != nil || first == 0 {
			return err
		}
		kept, err := t.deliveries(ctx, e.Notice)
		if err != nil {
			return err
		}
		for _, before := range kept {
			if mailbox(before.Address) == mailbox(e.Address) && e.State.Follows(before.State) {
				news = true
				return t.moveDelivery(ctx, notice[0], before, emergency.Delivery{State: e.State}, e.At)
			}
		}
		return nil
	})
	return news, err
}

// mailbox is an address as two of the same recipient have it: capitals make no other,
// and a mail system may know an international domain by its xn-- form alone.
func mailbox(address string) string {
	address = strings.ToLower(address)
	at := strings.LastIndexByte(address, '@')
	if domain, err := idna.Lookup.ToASCII(address[at+1:]); err == nil {
		return address[:at+1] + domain
	}
	return address
}
