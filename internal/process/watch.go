package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lifeline/internal/emergency"
)

const (
	// lookEvery is how soon the watch sees that something has happened, in this
	// process or in another, and so how often it may look at everybody.
	lookEvery = time.Second
	// watchEvery is how often it looks although nothing has happened: locations grow
	// old, and numbers come back.
	watchEvery = 10 * time.Second
	// lookPatience bounds one look, so that a database that hangs is told of.
	lookPatience = 30 * time.Second
	// eventsAtOnce is how many events the watch reads to find out what has happened;
	// if there are more, everything may have.
	eventsAtOnce = 500
)

// watched is what the watch looks at; package store implements it.
type watched interface {
	Events(ctx context.Context, after int64, limit int) ([]emergency.Event, error)
	LastEvent(ctx context.Context) (int64, error)
	Callers(ctx context.Context) ([]emergency.Caller, error)
	SaveReadiness(ctx context.Context, all []emergency.Assessment) (int, error)
	Pools(ctx context.Context) ([]emergency.Pool, error)
	SavePoolState(ctx context.Context, site emergency.SiteID, state emergency.PoolState) (bool, error)
}

// watch keeps an eye on who could not call now (B12), and on how long the numbers
// last (B5). It learns from the event log that it should look again, so that it
// matters not which process an administrator has talked to. Several watches do each
// other no harm: what changes is told by the one that saw it first.
type watch struct {
	records watched
	// locationMaxAge and poolWarning are the settings of the same names.
	locationMaxAge time.Duration
	poolWarning    float64
	gauges         *gauges
	log            *slog.Logger

	agents, pools duty
	// seen is the last event that was looked at; negative before the first.
	seen int64
	// notReady is how many agents could not call when it last looked.
	notReady int
	failing  bool
}

// duty is something to look at again and again.
type duty struct {
	// due says that something has happened since the last look, which was at the time
	// at.
	due bool
	at  time.Time
}

// do looks, if it is time to.
func (d *duty) do(ctx context.Context, look func(ctx context.Context, now time.Time) error) error {
	now := time.Now()
	if !d.due && now.Sub(d.at) < watchEvery {
		return nil
	}
	if err := look(ctx, now); err != nil {
		return err
	}
	d.due, d.at = false, now
	return nil
}

// run watches until the context ends.
func (w *watch) run(ctx context.Context) {
	w.seen = -1
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := w.look(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && !w.failing:
			w.log.Warn("Readiness and pools are not watched; trying again", "error", err)
		case err == nil && w.failing:
			w.log.Info("Readiness and pools are watched again")
		}
		w.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look looks at what may have changed.
func (w *watch) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	if err := w.readNews(ctx); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return errors.Join(w.agents.do(ctx, w.lookAtAgents), w.pools.do(ctx, w.lookAtPools))
}

// readNews finds out whether something has happened that may change readiness, or a
// pool. What comes to light late, as it may on PostgreSQL, is met by the next look
// that happens anyway.
func (w *watch) readNews(ctx context.Context) error {
	if w.seen < 0 {
		last, err := w.records.LastEvent(ctx)
		if err == nil {
			w.seen, w.agents.due, w.pools.due = last, true, true
		}
		return err //nolint:wrapcheck // look wraps
	}
	events, err := w.records.Events(ctx, w.seen, eventsAtOnce)
	if err != nil || len(events) == 0 {
		return err //nolint:wrapcheck // look wraps
	}
	if len(events) == eventsAtOnce {
		w.seen = -1
		return w.readNews(ctx)
	}
	for _, event := range events {
		switch event.Type { //nolint:exhaustive // the others change neither
		case emergency.EventConfigurationChanged:
			w.agents.due, w.pools.due = true, true
		case emergency.EventCallPlaced, emergency.EventCallClosed, emergency.EventNumberLeased, emergency.EventNumberCorrected:
			w.pools.due = true
		case emergency.EventNumberLost:
			w.pools.due = true
			w.log.WarnContext(ctx, "A call that was answered without the database showed a number that its agent does not hold; a callback may reach somebody else",
				"call", event.CallID, "site", event.SiteID)
		}
	}
	w.seen = events[len(events)-1].Seq
	return nil
}

// lookAtAgents asks of everybody what a dial would ask.
func (w *watch) lookAtAgents(ctx context.Context, now time.Time) error {
	callers, err := w.records.Callers(ctx)
	if err != nil {
		return fmt.Errorf("look at agents: %w", err)
	}
	all := make([]emergency.Assessment, 0, len(callers))
	counts := map[emergency.Readiness]int{}
	for _, caller := range callers {
		assessment := emergency.Attempt{Caller: caller, At: now, LocationMaxAge: w.locationMaxAge}.Assess()
		counts[assessment.Readiness()]++
		all = append(all, assessment)
	}
	w.gauges.showAgents(counts, now)
	changed, err := w.records.SaveReadiness(ctx, all)
	if err != nil {
		return fmt.Errorf("keep readiness: %w", err)
	}
	notReady := counts[emergency.NotReady]
	if changed > 0 && notReady != w.notReady {
		w.log.Info("The number of agents who could not make an emergency call has changed; GET /v1/readiness says who and why",
			"agents", len(all), "notReady", notReady)
	}
	w.notReady = notReady
	return nil
}

// lookAtPools tells of every pool that has become low, exhausted or well again.
func (w *watch) lookAtPools(ctx context.Context, now time.Time) error {
	pools, err := w.records.Pools(ctx)
	if err != nil {
		return fmt.Errorf("look at pools: %w", err)
	}
	w.gauges.showPools(pools, now)
	var failed error
	for _, pool := range pools {
		state := pool.State(w.poolWarning)
		changed, err := w.records.SavePoolState(ctx, pool.SiteID, state)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("keep the state of a pool: %w", err))
		}
		if changed {
			w.tellPool(pool, state, now)
		}
	}
	return failed
}

// tellPool says in the log how a pool stands, how long it lasts, and what to do.
func (w *watch) tellPool(pool emergency.Pool, state emergency.PoolState, now time.Time) {
	lasts := "for good, as calls come now"
	if left, runsOut := pool.Runway(now); runsOut {
		lasts = left.Round(time.Second).String()
	}
	log := w.log.With("site", pool.SiteID, "free", pool.Free, "leased", pool.Leased, "resting", pool.Resting, "lasts", lasts)
	switch state {
	case emergency.PoolExhausted:
		log.Warn("A site has no callback number left: calls show its standing number. Add numbers; docs/numbers.md says how many")
	case emergency.PoolLow:
		log.Warn("A site is running out of callback numbers. Add numbers; docs/numbers.md says how many")
	case emergency.PoolOK:
		log.Info("A site has enough callback numbers again")
	}
}
