package process

import (
	"context"
	"time"
)

const (
	// tidyEvery is how soon a call that lost its workflow is put right once it is
	// overdue.
	tidyEvery = 30 * time.Second
	// leaseLateEvery is how soon a call that had to show the standing number gets one
	// of its own when one is free: its agent may be hanging up to dial again.
	leaseLateEvery = 5 * time.Second
	// eventsKept is how far back an event stream can be resumed.
	eventsKept = 24 * time.Hour
	// refusalsKept is how long what people were told of a refused dial is kept: longer
	// than its workflow lives, and than mail systems repeat what they report.
	refusalsKept = 7 * 24 * time.Hour
	// callsKept is how long a call is kept once it is closed (B14): until nobody can
	// acknowledge a notice of it any more.
	callsKept = 24 * time.Hour
)

// Housekeeping ends calls that are over although no workflow says so, so that
// nobody stays on Do not disturb; it gives numbers to calls that have waited for one,
// and forgets what nobody needs any more. It belongs into every process that hosts a
// worker; several do each other no harm.
func (b *Base) Housekeeping() Part {
	return background("housekeeping", func(ctx context.Context) {
		tidy, late := time.NewTicker(tidyEvery), time.NewTicker(leaseLateEvery)
		defer tidy.Stop()
		defer late.Stop()
		b.tidy(ctx)
		for {
			b.chore(ctx, "Calls that wait for a number could not be given one", b.Store.LeaseLate)
			select {
			case <-ctx.Done():
				return
			case <-tidy.C:
				b.tidy(ctx)
			case <-late.C:
			}
		}
	})
}

// tidy does what may wait. What a call has held comes first, since the next may get
// it.
func (b *Base) tidy(ctx context.Context) {
	now := time.Now()
	b.chore(ctx, "Overdue calls could not be ended", b.Store.ExpireOverdue)
	b.chore(ctx, "Removed numbers could not be forgotten", b.Store.ForgetNumbers)
	b.chore(ctx, "Removed agents could not be forgotten", b.Store.ForgetAgents)
	b.chore(ctx, "Old locations could not be forgotten", func(ctx context.Context) error {
		return b.Store.ForgetLocations(ctx, now.Add(-b.Config.LocationMaxAge))
	})
	b.chore(ctx, "Old refusals could not be forgotten", func(ctx context.Context) error {
		return b.Store.ForgetNotices(ctx, now.Add(-refusalsKept))
	})
	b.chore(ctx, "Calls that are over could not be erased", func(ctx context.Context) error {
		erased, err := b.Store.EraseCalls(ctx, now.Add(-callsKept))
		if erased > 0 {
			b.Log.Info("Calls that were over have been erased", "calls", erased)
		}
		return err //nolint:wrapcheck // chore tells the log
	})
	b.chore(ctx, "Ends of calls that never came could not be forgotten", func(ctx context.Context) error {
		return b.Store.ForgetEarlyEnds(ctx, now.Add(-callsKept)) // a call that came so late would be over
	})
	b.chore(ctx, "Old events could not be forgotten", func(ctx context.Context) error {
		return b.Store.ForgetEvents(ctx, now.Add(-eventsKept))
	})
}

// chore does something that is done again anyway, and says when it fails.
func (b *Base) chore(ctx context.Context, failed string, do func(context.Context) error) {
	if err := do(ctx); err != nil && ctx.Err() == nil {
		b.Log.Warn(failed+"; trying again", "error", err)
	}
}
