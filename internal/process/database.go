package process

import (
	"context"
	"time"
)

const (
	// prepareEvery is how soon a database that does not answer at the start is tried
	// again.
	prepareEvery = time.Second
	// firstPatience bounds how long an API waits for the database at its start. Then it
	// answers from what an earlier process has known (B7).
	firstPatience = 3 * time.Second
	// shortPatience is the same for one that knows something from before: the load balancer
	// may have nobody else.
	shortPatience = time.Second
)

// Database is the part that everything else which needs SQL comes after: it brings the
// schema up to date, and waits for a database that does not answer for as long as it
// takes.
func (b *Base) Database() Part { return b.database(nil) }

// database gives up waiting when the channel says so, and goes on in the background.
func (b *Base) database(enough func() <-chan time.Time) Part {
	prepared := make(chan struct{})
	loop := background("database", func(ctx context.Context) {
		if b.prepare(ctx) {
			close(prepared)
		}
	})
	start := loop.Start
	loop.Start = func(ctx context.Context) error {
		if err := start(ctx); err != nil {
			return err
		}
		var over <-chan time.Time
		if enough != nil {
			over = enough()
		}
		select {
		case <-prepared:
		case <-over:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	return loop
}

// prepare tries until it is done or the context ends.
func (b *Base) prepare(ctx context.Context) bool {
	var told time.Time
	for {
		err := b.Store.Prepare(ctx)
		if err == nil {
			if !told.IsZero() {
				b.Log.Info("The database answers")
			}
			return true
		}
		if time.Since(told) > complainEvery {
			b.Log.Warn("Waiting for the database; check LIFELINE_DATABASE_URL", "error", err)
			told = time.Now()
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(prepareEvery):
		}
	}
}
