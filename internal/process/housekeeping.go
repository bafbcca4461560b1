package process

import (
	"context"
	"time"
)

const (
	// tidyEvery is how soon a call that lost its workflow is put right once it is
	// overdue.
	tidyEvery = 30 * time.Second
	// eventsKept is how far back an event stream can be resumed.
	eventsKept = 24 * time.Hour
)

// Housekeeping ends calls that are over although no workflow says so, so that
// nobody stays on Do not disturb, and forgets events that no stream needs. It
// belongs into every process that hosts a worker; several do each other no harm.
func (b *Base) Housekeeping() Part {
	return background("housekeeping", func(ctx context.Context) {
		tick := time.NewTicker(tidyEvery)
		defer tick.Stop()
		for {
			b.tidy(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

func (b *Base) tidy(ctx context.Context) {
	if err := b.Store.ExpireOverdue(ctx); err != nil && ctx.Err() == nil {
		b.Log.Warn("Overdue calls could not be ended; trying again", "error", err)
	}
	if err := b.Store.ForgetEvents(ctx, time.Now().Add(-eventsKept)); err != nil && ctx.Err() == nil {
		b.Log.Warn("Old events could not be forgotten; trying again", "error", err)
	}
}
