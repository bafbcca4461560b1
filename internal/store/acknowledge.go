package store

import (
	"context"
	"math"
	"time"

	"lifeline/internal/emergency"
)

// Acknowledge takes in that somebody has seen a notice (B9): everybody's word is kept,
// once for each notice. The first counts, whichever notice of the call it is for, and it
// tells who that was. The link must be one of somebody whom the notice went to, else the
// error is emergency.ErrUnknownNotice.
func (s *Store) Acknowledge(ctx context.Context, link emergency.NoticeLink, at time.Time) (emergency.Acknowledgement, error) {
	var first emergency.Acknowledgement
	err := s.inTx(ctx, "acknowledge notice", func(t tx) error {
		notice, err := noticeRows(ctx, t, link.Notice)
		if err != nil {
			return err
		}
		if len(notice) == 0 {
			return emergency.ErrUnknownNotice
		}
		// Several may say so at once, and each for another notice.
		if _, err := t.lockAgent(ctx, notice[0].agent); err != nil {
			return err
		}
		known, err := notification(ctx, t, link.Notice.CallID)
		if err != nil {
			return err
		}
		by := recipientOf(known, link)
		if by == "" {
			return emergency.ErrUnknownNotice
		}
		first = emergency.Acknowledgement{At: known.AcknowledgedAt, By: known.AcknowledgedBy}
		if known.AcknowledgedAt.IsZero() {
			first = emergency.Acknowledgement{At: stamp(at), By: by, First: true}
			if err := t.firstAcknowledged(ctx, notice[0], first); err != nil {
				return err
			}
		}
		return t.acknowledge(ctx, notice[0], by, at)
	})
	return first, err
}

// recipientOf is the address of whom a link was sent to; empty when it was to nobody.
func recipientOf(known emergency.Notification, link emergency.NoticeLink) string {
	for _, d := range known.Deliveries {
		if d.Event == link.Notice.Event && d.Round == link.Notice.Round &&
			(emergency.RecipientKey(d.Address) == link.RecipientKey ||
				emergency.RecipientKey(mailbox(d.Address)) == link.RecipientKey) {
			return d.Address
		}
	}
	return ""
}

// firstAcknowledged keeps the first word, also in the audit, which has no person. What
// waits of escalations is of no use any more.
func (t tx) firstAcknowledged(ctx context.Context, n noticeRow, a emergency.Acknowledgement) error {
	if _, err := t.exec(ctx, `UPDATE notices SET acknowledged_at = $4, acknowledged_by = $5
		WHERE call_id = $1 AND event = $2 AND round = $3`, n.CallID, n.Event, n.Round, a.At, a.By); err != nil {
		return err
	}
	if err := t.supersede(ctx, n.CallID, math.MaxInt32, a.At); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, outcome) VALUES ($1, 'notice-acknowledged', $2, $3)
		ON CONFLICT (call_id, action) WHERE call_id <> '' DO NOTHING`, a.At, n.CallID, n.Event)
	return err
}

// acknowledge keeps one recipient's word, and tells everybody of it: who follows along,
// and the workflow. Said again, it changes nothing.
func (t tx) acknowledge(ctx context.Context, n noticeRow, by string, at time.Time) error {
	before, err := t.lockDelivery(ctx, n.NoticeID, by)
	if err != nil || before.State == emergency.DeliveryAcknowledged {
		return err
	}
	if err := t.enqueue(ctx, n.CallID, emergency.MessageAcknowledged,
		emergency.Acknowledged{Event: n.Event, At: stamp(at), By: by}); err != nil {
		return err
	}
	return t.moveDelivery(ctx, n, before, emergency.Delivery{State: emergency.DeliveryAcknowledged}, at)
}
