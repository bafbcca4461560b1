package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeline/internal/emergency"

	"golang.org/x/net/idna"
)

const (
	deliveryColumns = `d.event, d.round, d.address, d.state, d.reason, d.message_id, n.created_at,
		d.sent_at, d.delivered_at, d.acknowledged_at, d.updated_at`
	fromDeliveries = `FROM notices n JOIN deliveries d ON d.call_id = n.call_id AND d.event = n.event AND d.round = n.round`
	selectDelivery = `SELECT ` + deliveryColumns + ` ` + fromDeliveries
)

func scanDelivery(rows *sql.Rows) (emergency.Delivery, error) { return scanDeliveryAnd(rows) }

// scanDeliveryAnd reads what stands behind a delivery's columns, too.
func scanDeliveryAnd(rows *sql.Rows, more ...any) (emergency.Delivery, error) {
	var (
		d                             emergency.Delivery
		sent, delivered, acknowledged sql.NullTime
	)
	err := rows.Scan(append([]any{
		&d.Event, &d.Round, &d.Address, &d.State, &d.Reason, &d.MessageID, &d.QueuedAt, &sent, &delivered, &acknowledged, &d.UpdatedAt,
	}, more...)...)
	d.QueuedAt, d.SentAt, d.DeliveredAt, d.AcknowledgedAt = d.QueuedAt.UTC(), orZero(sent), orZero(delivered), orZero(acknowledged)
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
		before, err := t.lockDelivery(ctx, of, d.Address)
		if err != nil {
			return err
		}
		return t.moveDelivery(ctx, notice[0], before, d, s.now())
	})
}

// lockDelivery reads a delivery as it stands until the transaction ends. Nobody locks
// more than one without having locked the agent, so that there is no deadlock.
func (t tx) lockDelivery(ctx context.Context, of emergency.NoticeID, address string) (emergency.Delivery, error) {
	var locked string
	err := t.scan(ctx, &locked, `SELECT address FROM deliveries
		WHERE call_id = $1 AND event = $2 AND round = $3 AND address = $4`+t.rowLock, of.CallID, of.Event, of.Round, address)
	if errors.Is(err, sql.ErrNoRows) {
		return emergency.Delivery{}, emergency.ErrUnknownNotice
	}
	if err != nil {
		return emergency.Delivery{}, err
	}
	found, err := collect(ctx, t, scanDelivery, selectDelivery+`
		WHERE d.call_id = $1 AND d.event = $2 AND d.round = $3 AND d.address = $4`, of.CallID, of.Event, of.Round, address)
	if err != nil {
		return emergency.Delivery{}, err
	}
	return found[0], nil
}

// moveDelivery takes what is news of a delivery, and tells of it.
func (t tx) moveDelivery(ctx context.Context, n noticeRow, before, news emergency.Delivery, at time.Time) error {
	after, at := before, stamp(at)
	moves := news.State.Follows(before.State)
	if moves {
		after.State, after.Reason, after.UpdatedAt = news.State, news.Reason, at
	}
	after.MessageID = cmp.Or(news.MessageID, before.MessageID)
	switch {
	case news.State == emergency.DeliverySent && before.SentAt.IsZero():
		after.SentAt = after.UpdatedAt // if more is known by now, it was sent before that
	case news.State == emergency.DeliveryDelivered && moves:
		after.DeliveredAt = at
	case news.State == emergency.DeliveryAcknowledged && moves:
		after.AcknowledgedAt = at
	}
	if _, err := t.exec(ctx, `UPDATE deliveries SET state = $5, message_id = $6, sent_at = $7, delivered_at = $8,
			acknowledged_at = $9, updated_at = $10, reason = $11
		WHERE call_id = $1 AND event = $2 AND round = $3 AND address = $4`,
		n.CallID, n.Event, n.Round, before.Address, after.State, after.MessageID, orNull(after.SentAt), orNull(after.DeliveredAt),
		orNull(after.AcknowledgedAt), after.UpdatedAt, after.Reason); err != nil || !moves {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventNoticeUpdated, AgentID: n.agent, SiteID: n.site, CallID: n.CallID, At: at,
	})
}

// orNull is a time that may be missing as the database has it.
func orNull(at time.Time) sql.NullTime { return sql.NullTime{Time: at, Valid: !at.IsZero()} }

// Deliveries lists what has become of one notice, by recipient.
func (s *Store) Deliveries(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) ([]emergency.Delivery, error) {
	all, err := collect(ctx, s.read, scanDelivery, selectDelivery+`
		WHERE d.call_id = $1 AND d.event = $2 AND d.round = $3 ORDER BY d.address`, id, event, round)
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
		// Two e-mails may come back at once, and the second must find the first.
		if _, err := t.lockAgent(ctx, notice[0].agent); err != nil {
			return err
		}
		first, err := t.exec(ctx, `INSERT INTO mail_events (id, call_id, at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
			emergency.Keepable(e.ID), e.Notice.CallID, s.now())
		if err != nil || first == 0 {
			return err
		}
		news, err = t.mailEvent(ctx, notice[0], e)
		return err
	})
	return news, err
}

// mailEvent keeps what is news of one of a notice's deliveries.
func (t tx) mailEvent(ctx context.Context, n noticeRow, e emergency.MailEvent) (bool, error) {
	addresses, err := collect(ctx, t, scanString[string], `SELECT address FROM deliveries
		WHERE call_id = $1 AND event = $2 AND round = $3 ORDER BY address`, n.CallID, n.Event, n.Round)
	if err != nil {
		return false, err
	}
	for _, address := range addresses {
		if mailbox(address) != mailbox(e.Address) {
			continue
		}
		before, err := t.lockDelivery(ctx, n.NoticeID, address)
		if err != nil {
			return false, err
		}
		if !e.State.Follows(before.State) {
			continue
		}
		if err := t.moveDelivery(ctx, n, before, emergency.Delivery{State: e.State}, e.At); err != nil {
			return false, err
		}
		if e.State == emergency.DeliveryBounced {
			err = t.tellUndelivered(ctx, n, e.At)
		}
		return true, err
	}
	return false, nil
}

// tellUndelivered tells the workflow when the last e-mail of a first notice has come
// back: then nobody knows, and others must be told at once (B9). Of further notices
// nothing depends on that.
func (t tx) tellUndelivered(ctx context.Context, n noticeRow, at time.Time) error {
	if n.Event != emergency.NoticePlaced && n.Event != emergency.NoticeFailed {
		return nil
	}
	var hopeful int
	if err := t.scan(ctx, &hopeful, `SELECT COUNT(*) FROM deliveries WHERE call_id = $1 AND event = $2 AND round = $3
		AND state NOT IN ('bounced', 'failed')`, n.CallID, n.Event, n.Round); err != nil || hopeful > 0 {
		return err
	}
	return t.enqueue(ctx, n.CallID, emergency.MessageUndelivered, emergency.Undelivered{Event: n.Event, At: stamp(at)})
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
