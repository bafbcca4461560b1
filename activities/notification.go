package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// errorMailRetry is the type of the error that asks for another attempt.
const errorMailRetry = "MailRetry"

// NotifyContacts sends a notice to everybody who has not had it, side by side, and
// records each result at once (S9, B8). While somebody can still be reached it
// fails, so that Temporal tries again; who has been told is not told again.
func (a *Activities) NotifyContacts(ctx context.Context, in workflows.NoticeRef) (workflows.Deliveries, error) {
	notice, queued, err := a.Store.Notice(ctx, in.CallID, in.Event)
	if err != nil {
		return workflows.Deliveries{}, typed("read notice", err)
	}
	results := make([]error, len(queued))
	var sending sync.WaitGroup
	for i, delivery := range queued {
		sending.Go(func() { results[i] = a.deliver(ctx, notice, delivery) })
	}
	sending.Wait()
	if err := errors.Join(results...); err != nil {
		return workflows.Deliveries{}, again(err, results)
	}
	return a.countDeliveries(ctx, in)
}

// deliver sends one notice and records what became of it. The error means that it
// should be tried again.
func (a *Activities) deliver(ctx context.Context, notice emergency.Notice, delivery emergency.Delivery) error {
	message, err := notify.Render(notice, delivery.Address)
	if err == nil {
		delivery.MessageID, err = a.Mail.Send(ctx, message)
	}
	var failed *notify.SendError
	switch {
	case err == nil:
		delivery.State = emergency.DeliverySent
	case errors.As(err, &failed) && failed.Permanent:
		a.Log.WarnContext(ctx, "A notice cannot be delivered", "callId", notice.CallID, "reason", failed.Reason)
		delivery.State = emergency.DeliveryFailed
	default:
		return fmt.Errorf("send notice: %w", err)
	}
	if err := a.Store.RecordDelivery(ctx, notice.CallID, notice.Event, delivery); err != nil {
		return fmt.Errorf("record delivery: %w", err)
	}
	return nil
}

// again asks Temporal for another attempt, and not before the mail system wants
// to hear of us again.
func again(err error, results []error) error {
	var pause time.Duration
	for _, result := range results {
		if failed, ok := errors.AsType[*notify.SendError](result); ok {
			pause = max(pause, failed.RetryAfter)
		}
	}
	return temporal.NewApplicationErrorWithOptions("tell the contacts: "+err.Error(), errorMailRetry,
		temporal.ApplicationErrorOptions{Cause: err, NextRetryDelay: pause})
}

func (a *Activities) countDeliveries(ctx context.Context, in workflows.NoticeRef) (workflows.Deliveries, error) {
	call, err := a.Store.Call(ctx, in.CallID)
	if err != nil {
		return workflows.Deliveries{}, typed("count deliveries", err)
	}
	var count workflows.Deliveries
	for _, delivery := range call.Notice.Deliveries {
		switch delivery.State {
		case emergency.DeliverySent:
			count.Sent++
		case emergency.DeliveryFailed:
			count.Failed++
		case emergency.DeliveryQueued:
		}
	}
	return count, nil
}
