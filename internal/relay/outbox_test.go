package relay_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/relay"
)

// undeletable is an outbox of a process that dies before it deletes.
type undeletable struct {
	relay.Outbox

	err error
}

func (o *undeletable) DeleteMessage(context.Context, int64) error { return o.err }

// unreadable is an outbox that fails while it is down.
type unreadable struct {
	relay.Outbox

	down atomic.Bool
}

func (o *unreadable) WaitingCalls(ctx context.Context, before time.Time, limit int) ([]emergency.CallID, error) {
	if o.down.Load() {
		return nil, errors.New("the database is locked")
	}
	return o.Outbox.WaitingCalls(ctx, before, limit)
}

// hesitant says when it has been found empty for the first time, and waits then.
type hesitant struct {
	relay.Outbox

	first   sync.Once
	emptied chan<- struct{}
	goOn    <-chan struct{}
}

func (o *hesitant) NextMessage(ctx context.Context, call emergency.CallID) (emergency.Message, bool, error) {
	message, found, err := o.Outbox.NextMessage(ctx, call)
	if err == nil && !found {
		o.first.Do(func() {
			close(o.emptied)
			<-o.goOn
		})
	}
	return message, found, err
}

// pile is an outbox with one call's messages, written by hand.
type pile struct {
	mu       sync.Mutex
	messages []emergency.Message
}

func (o *pile) NextMessage(context.Context, emergency.CallID) (emergency.Message, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) == 0 {
		return emergency.Message{}, false, nil
	}
	return o.messages[0], true, nil
}

func (o *pile) WaitingCalls(context.Context, time.Time, int) ([]emergency.CallID, error) {
	return nil, nil
}

func (o *pile) DeleteMessage(context.Context, int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.messages = o.messages[1:]
	return nil
}
