package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/workflows"

	"go.temporal.io/sdk/temporal"
)

// errorMailRetry is the type of the error that asks for another attempt.
const errorMailRetry = "MailRetry"

// recordWithin is how long at least the record of a notice is tried that has gone out, and
// recordEvery how often, while the database does not answer.
const (
	recordWithin = 5 * time.Second
	recordEvery  = 250 * time.Millisecond
)

// Notices keeps what people are told and how far that has come. The ID is a call's or a
// refused dial's; the round counts escalations and is zero otherwise.
type Notices interface {
	// EnsureNotice makes sure that there is such a notice with its recipients. Who they
	// are is decided once.
	EnsureNotice(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) error
	// Notice reads what it says, and the deliveries that are queued. An escalation that
	// is not needed any more has none.
	Notice(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) (emergency.Notice, []emergency.Delivery, error)
	RecordDelivery(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int, d emergency.Delivery) error
	// Template is the wording that an administrator has saved last; its version is zero
	// when none has (S18).
	Template(ctx context.Context) (emergency.Template, error)
	// Deliveries lists what has become of it, by recipient.
	Deliveries(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) ([]emergency.Delivery, error)
}

// NotifyContacts sends a notice to everybody who has not had it, side by side, and
// records each result at once (S9, B8). While somebody can still be reached it
// fails, so that Temporal tries again; who has been told is not told again.
func (a *Activities) NotifyContacts(ctx context.Context, in workflows.NoticeRef) (workflows.Deliveries, error) {
	if err := a.Notices.EnsureNotice(ctx, in.CallID, in.Event, in.Round); err != nil {
		return workflows.Deliveries{}, typed("make notice", err)
	}
	notice, queued, err := a.Notices.Notice(ctx, in.CallID, in.Event, in.Round)
	if err != nil {
		return workflows.Deliveries{}, typed("read notice", err)
	}
	if notice.Before, err = a.before(ctx, in); err != nil {
		return workflows.Deliveries{}, typed("read notice", err)
	}
	results := make([]error, len(queued))
	wording := a.wording(ctx)
	var sending sync.WaitGroup
	all := newSideBySide(len(queued))
	for i, delivery := range queued {
		sending.Go(func() {
			worded := a.word(ctx, wording, notice, delivery)
			results[i] = all.deliver(ctx, func() error { return a.deliver(ctx, in, worded, delivery) })
		})
	}
	sending.Wait()
	if err := errors.Join(results...); err != nil {
		return workflows.Deliveries{}, again(err, results, notice)
	}
	deliveries, err := a.Notices.Deliveries(ctx, in.CallID, in.Event, in.Round)
	return countOf(deliveries), typed("count deliveries", err)
}

// countOf sums up what has become of a notice, and names who was told, and why others were
// not: the workflow shows it to supervisors, and Temporal keeps it encrypted (B9, B14).
func countOf(deliveries []emergency.Delivery) workflows.Deliveries {
	var count workflows.Deliveries
	for _, delivery := range deliveries {
		switch {
		case delivery.State.Arrived():
			count.Sent++
			count.To = append(count.To, delivery.Address)
		case delivery.State == emergency.DeliverySuperseded:
			count.Superseded++
		case delivery.State != emergency.DeliveryQueued:
			count.Failed++
			if delivery.Reason != "" && !slices.Contains(count.Reasons, delivery.Reason) {
				count.Reasons = append(count.Reasons, delivery.Reason)
			}
		}
	}
	return count
}

// outgoing is a notice on its way to one recipient.
type outgoing struct {
	notice  workflows.NoticeRef
	address string
}

// deliver sends one notice and records what became of it. The error means that it
// should be tried again. What has gone out and could not be recorded is not sent again, as
// long as this process lives: the next attempt records it (S9).
func (a *Activities) deliver(ctx context.Context, in workflows.NoticeRef, worded worded, delivery emergency.Delivery) error {
	way := outgoing{in, delivery.Address}
	if sent, is := a.unrecorded.Load(way); is {
		delivery, _ = sent.(emergency.Delivery)
	} else {
		var err error
		if delivery, err = a.send(ctx, in, worded, delivery); err != nil {
			return err
		}
	}
	a.unrecorded.Store(way, delivery)
	if err := a.record(ctx, in, delivery); err != nil {
		return fmt.Errorf("record delivery: %w", err)
	}
	a.unrecorded.Delete(way)
	return nil
}

// record writes down what became of a notice, even if the attempt's time is over: what has
// gone out must not go out once more. While the database does not answer, it tries for as
// long as the attempt may take, since another worker may make the next one.
func (a *Activities) record(ctx context.Context, in workflows.NoticeRef, delivery emergency.Delivery) error {
	within := recordWithin
	if deadline, ok := ctx.Deadline(); ok {
		within = max(within, time.Until(deadline)-time.Second)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	for {
		err := a.Notices.RecordDelivery(ctx, in.CallID, in.Event, in.Round, delivery)
		if !errors.Is(err, emergency.ErrUnavailable) {
			return err //nolint:wrapcheck // deliver wraps
		}
		select {
		case <-ctx.Done():
			return err //nolint:wrapcheck // deliver wraps
		case <-time.After(recordEvery):
		}
	}
}

// send gives one notice to the mail system, and tells what became of it. The error means
// that it should be tried again.
func (a *Activities) send(ctx context.Context, in workflows.NoticeRef, worded worded, delivery emergency.Delivery) (emergency.Delivery, error) {
	way := outgoing{in, delivery.Address}
	if until, is := a.leftAlone.LoadAndDelete(way); is {
		if pause := time.Until(until.(time.Time)); pause > 0 { //nolint:forcetypeassert // nothing else is put there
			a.leftAlone.Store(way, until)
			return delivery, &notify.SendError{RetryAfter: pause, Reason: "the mail system has asked to be left alone"}
		}
	}
	err := worded.err
	if err == nil {
		delivery.MessageID, err = a.Mail.Send(ctx, worded.message)
	}
	var failed *notify.SendError
	if errors.As(err, &failed) && failed.RetryAfter > 0 {
		a.leftAlone.Store(way, time.Now().Add(failed.RetryAfter))
	}
	switch {
	case err == nil:
		delivery.State = emergency.DeliverySent
	case failed != nil && failed.Permanent:
		a.Log.WarnContext(ctx, "A notice cannot be delivered",
			"callId", in.CallID, "event", in.Event, "round", in.Round, "reason", failed.Reason)
		delivery = delivery.Fail(failed.Reason)
	default:
		return delivery, fmt.Errorf("send notice: %w", err)
	}
	return delivery, nil
}

// longestPause is that of the workflow's own retry policy.
const longestPause = time.Minute

// again asks Temporal for another attempt, and not before the mail system wants to hear of
// one of the recipients again; send leaves those alone of whom it does not yet. Once the
// call is closed, the pauses grow to a tenth of the time since then: a mailbox may be full
// for all of the day for which that is tried.
func again(err error, results []error, notice emergency.Notice) error {
	var pause time.Duration
	for i, result := range slices.DeleteFunc(results, func(result error) bool { return result == nil }) {
		var asked time.Duration
		if failed, ok := errors.AsType[*notify.SendError](result); ok {
			asked = failed.RetryAfter
		}
		if i == 0 || asked < pause {
			pause = asked
		}
	}
	if slow := time.Since(notice.ClosedAt) / 10; !notice.ClosedAt.IsZero() && slow > longestPause {
		pause = max(pause, slow)
	}
	return temporal.NewApplicationErrorWithOptions("tell the contacts: "+err.Error(), errorMailRetry,
		temporal.ApplicationErrorOptions{Cause: err, NextRetryDelay: pause})
}
