package activities

import (
	"context"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// notices are the store's, until it keeps them by event and round itself: then this
// file goes, and main gives the store as Notices.
func (a *Activities) notices() Notices {
	if a.Notices != nil {
		return a.Notices
	}
	if kept, ok := any(a.Store).(Notices); ok {
		return kept
	}
	return dials{a.Store}
}

// dials are the notices of dials, which is all that the store knows of.
type dials struct{ *store.Store }

// noticesOfDials is what the store has for them.
type noticesOfDials interface {
	Notice(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent) (emergency.Notice, []emergency.Delivery, error)
	RecordDelivery(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, d emergency.Delivery) error
}

func (dials) EnsureNotice(context.Context, emergency.CallID, emergency.NoticeEvent, int) error {
	return nil
}

func (d dials) Notice(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, _ int) (emergency.Notice, []emergency.Delivery, error) {
	return any(d.Store).(noticesOfDials).Notice(ctx, id, event) //nolint:wrapcheck // NotifyContacts wraps
}

func (d dials) RecordDelivery(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, _ int, delivery emergency.Delivery) error {
	return any(d.Store).(noticesOfDials).RecordDelivery(ctx, id, event, delivery) //nolint:wrapcheck // deliver wraps
}

func (d dials) CountDeliveries(ctx context.Context, id emergency.CallID, _ emergency.NoticeEvent, _ int) (sent, failed int, err error) {
	call, err := d.Call(ctx, id)
	for _, delivery := range call.Notice.Deliveries {
		switch delivery.State {
		case emergency.DeliverySent, emergency.DeliveryDelivered:
			sent++
		case emergency.DeliveryFailed, emergency.DeliveryBounced:
			failed++
		case emergency.DeliveryQueued:
		}
	}
	return sent, failed, err //nolint:wrapcheck // NotifyContacts wraps
}
