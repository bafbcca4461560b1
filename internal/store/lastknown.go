package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// LastKnown reads all that dials and callbacks need, for when SQL does not answer (B7).
// It takes a handful of queries, however many calls and agents there are. What changes
// while they run may be read as it was before or as it is after that.
func (s *Store) LastKnown(ctx context.Context) (emergency.LastKnown, error) {
	known := emergency.LastKnown{At: s.now()}
	var err error
	if known.Calls, err = s.knownCalls(ctx, `IN (SELECT id FROM calls WHERE closed_at IS NULL)`); err != nil {
		return known, fmt.Errorf("read calls: %w", err)
	}
	// Numbers come to rest as calls are closed: in this order none is missed.
	if known.Resting, err = s.resting(ctx, known.At); err != nil {
		return known, fmt.Errorf("read resting numbers: %w", err)
	}
	callers, err := collect(ctx, s.read, scanCaller, selectCaller+` ORDER BY a.id`)
	if err != nil {
		return known, fmt.Errorf("read callers: %w", err)
	}
	for _, caller := range callers {
		known.Callers = append(known.Callers, caller.Caller)
	}
	if known.Sites, err = s.Sites(ctx); err != nil {
		return known, err
	}
	known.Routing, err = s.VoiceRouting(ctx)
	return known, err
}

// KnownPools are all callback numbers, by site. LastKnown leaves them out: they are many,
// and change only when somebody changes them.
func (s *Store) KnownPools(ctx context.Context) ([]emergency.KnownPool, error) {
	type pooled struct {
		site   emergency.SiteID
		number string
	}
	numbers, err := collect(ctx, s.read, func(rows *sql.Rows) (one pooled, err error) {
		return one, rows.Scan(&one.site, &one.number)
	}, `SELECT site_id, number FROM callback_numbers ORDER BY site_id, number`)
	if err != nil {
		return nil, fmt.Errorf("read callback numbers: %w", err)
	}
	var all []emergency.KnownPool
	for _, one := range numbers {
		if len(all) == 0 || all[len(all)-1].SiteID != one.site {
			all = append(all, emergency.KnownPool{SiteID: one.site})
		}
		last := &all[len(all)-1]
		last.Numbers = append(last.Numbers, one.number)
	}
	return all, nil
}

// KnownCalls reads what LastKnown does of some calls. One that is closed, or not there,
// is left out.
func (s *Store) KnownCalls(ctx context.Context, ids []emergency.CallID) ([]emergency.KnownCall, error) {
	var all []emergency.KnownCall
	for some := range slices.Chunk(ids, idsAtOnce) {
		which, args := oneOf(some)
		calls, err := s.knownCalls(ctx, which, args...)
		if err != nil {
			return nil, fmt.Errorf("read calls: %w", err)
		}
		all = append(all, calls...)
	}
	return all, nil
}

// knownCalls reads the calls whose ID meets a condition, and who has placed them, removed
// agents too. Those that are closed it leaves out.
func (s *Store) knownCalls(ctx context.Context, which string, args ...any) ([]emergency.KnownCall, error) {
	calls, err := readCalls(ctx, s.read, which, args...)
	if err != nil || len(calls) == 0 {
		return nil, err
	}
	kept, err := collect(ctx, s.read, scanAgent, selectAgent+` WHERE id IN (SELECT agent_id FROM calls WHERE id `+which+`)`, args...)
	if err != nil {
		return nil, err
	}
	agents := make(map[emergency.AgentID]emergency.Agent, len(kept))
	for _, agent := range kept {
		agents[agent.ID] = agent
	}
	open := make([]emergency.KnownCall, 0, len(calls))
	for _, call := range calls {
		var known bool
		if call.Agent, known = agents[call.AgentID]; known && call.ClosedAt.IsZero() {
			open = append(open, call)
		}
	}
	return open, nil
}

// resting are the numbers that a callback to a closed call may still be for (B5). Those
// of calls that nobody has closed yet are known by the calls.
func (s *Store) resting(ctx context.Context, now time.Time) ([]emergency.RestingNumber, error) {
	var all []emergency.RestingNumber
	at := map[string]int{}
	number := func(name string) *emergency.RestingNumber {
		i, known := at[name]
		if !known {
			i, at[name] = len(all), len(all)
			all = append(all, emergency.RestingNumber{Number: name})
		}
		return &all[i]
	}
	returned, err := collect(ctx, s.read, scanReturned, selectReturned+`n.free_at > $1`, now)
	if err != nil {
		return nil, err
	}
	for _, past := range returned {
		number(past.number).Returned = &past.PastCall
	}
	shown, err := collect(ctx, s.read, scanPast, selectPast+`c.rests_until > $1 AND `+showedStanding+` ORDER BY c.caller_id, c.id`, now)
	if err != nil {
		return nil, err
	}
	for _, past := range shown {
		kept := number(past.number)
		kept.Shown = append(kept.Shown, past.PastCall)
	}
	slices.SortFunc(all, func(a, b emergency.RestingNumber) int { return cmp.Compare(a.Number, b.Number) })
	return all, nil
}
