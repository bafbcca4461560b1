package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// reserve is how many numbers of a pool stay free for real calls when a test takes
// one: a fifth of the pool, and at least one (B13).
func reserve(size int) int { return max(1, size/5) }

// spare is emergency.ErrPoolExhausted when a test may take no number of the site,
// because fewer than the reserve would stay free. Tests of one site count one after
// the other: the update that changes nothing has the next one wait. Real calls wait
// for none of them.
func (t tx) spare(ctx context.Context, site emergency.SiteID, now time.Time) error {
	var size, inUse int
	if err := t.scan(ctx, &size, `UPDATE sites SET pool_size = pool_size WHERE id = $1 RETURNING pool_size`, site); err != nil {
		return err
	}
	if err := t.scan(ctx, &inUse, `SELECT
		(SELECT COUNT(*) FROM leases l JOIN callback_numbers n ON n.number = l.number WHERE l.site_id = $1 AND NOT n.draining) +
		(SELECT COUNT(CASE WHEN site_id = $1 AND NOT leased AND NOT draining THEN 1 END) FROM callback_numbers WHERE free_at > $2)`,
		site, stamp(now)); err != nil {
		return err
	}
	if size-inUse <= reserve(size) {
		return emergency.ErrPoolExhausted
	}
	return nil
}

// returnsKnown bounds how many returns are told of a pool. A forecast needs no more.
const returnsKnown = 10_000

// Pools tells how the callback numbers of every site are used, by site (B5). It looks
// at the numbers in use alone, so that a large pool costs no more than a small one. A
// lease counts for its last hour also after its end; of a number that was leased twice
// since, the later one does.
func (s *Store) Pools(ctx context.Context) ([]emergency.Pool, error) {
	pools, err := s.pools(ctx, s.now())
	if err != nil {
		return nil, fmt.Errorf("read pools: %w", err)
	}
	return pools, nil
}

func (s *Store) pools(ctx context.Context, now time.Time) ([]emergency.Pool, error) {
	used := usedNumbers{}
	if err := used.addLeased(ctx, s.read, now); err != nil {
		return nil, err
	}
	if err := used.addRested(ctx, s.read, now); err != nil {
		return nil, err
	}
	pools, err := collect(ctx, s.read, func(rows *sql.Rows) (emergency.Pool, error) {
		var pool emergency.Pool
		err := rows.Scan(&pool.SiteID, &pool.Free)
		return pool, err //nolint:wrapcheck // collect wraps
	}, `SELECT id, pool_size FROM sites ORDER BY id`)
	if err != nil {
		return nil, err
	}
	used.countInto(pools, now)
	return pools, nil
}

// usedNumber is a number that is in use now, or was lately.
type usedNumber struct {
	site   emergency.SiteID
	leased bool
	// since is when its latest lease began; zero when that is not known.
	since time.Time
	// back is when it can be leased again.
	back time.Time
}

// usedNumbers has each number once, even if it was released between two queries. The
// queries say CROSS JOIN because SQLite keeps to the order of that: it would begin with
// the largest table else.
type usedNumbers map[string]usedNumber

// addLeased adds the leased numbers. Each comes back when the window of the last call
// that holds it is over, and its quarantine; with a leg up that is no sooner than if
// the leg ended now.
func (u usedNumbers) addLeased(ctx context.Context, q querier, now time.Time) error {
	_, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var (
			number, text    string
			n               = usedNumber{leased: true}
			dialed, expires time.Time
			legsUp          int
			terms           emergency.Terms
		)
		if err := rows.Scan(&number, &n.site, &n.since, &dialed, &expires, &text, &legsUp); err != nil {
			return struct{}{}, err //nolint:wrapcheck // collect wraps
		}
		// Terms that cannot be read keep nobody from hearing of the other numbers.
		_ = json.Unmarshal([]byte(text), &terms)
		end := expires.Add(-emergency.OverdueSlack)
		if legsUp > 0 {
			end = terms.WindowEnd(dialed, now)
		}
		n.back = later(end.Add(terms.Quarantine).UTC(), u[number].back)
		u[number] = n
		return struct{}{}, nil
	}, `SELECT l.number, l.site_id, l.leased_at, c.dialed_at, c.expires_at, c.terms,
			(SELECT COUNT(*) FROM legs g WHERE g.call_id = c.id AND g.ended_at IS NULL)
		FROM leases l CROSS JOIN callback_numbers n CROSS JOIN lease_claims k CROSS JOIN calls c
		WHERE n.number = l.number AND NOT n.draining AND k.number = l.number AND c.id = k.call_id`)
	return err
}

// addRested adds the numbers in quarantine, and those whose lease began in the last
// hour and is over.
func (u usedNumbers) addRested(ctx context.Context, q querier, now time.Time) error {
	for _, query := range []struct {
		text  string
		since time.Time
	}{
		{`SELECT number, site_id, leased_at, free_at FROM callback_numbers
			WHERE free_at > $1 AND NOT leased AND NOT draining`, now},
		{`SELECT n.number, n.site_id, n.leased_at, n.free_at FROM sites s CROSS JOIN callback_numbers n
			WHERE n.site_id = s.id AND n.last_used_at > $1 AND NOT n.leased AND NOT n.draining`, now.Add(-time.Hour)},
	} {
		if _, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
			var (
				number string
				n      usedNumber
				since  sql.NullTime
			)
			err := rows.Scan(&number, &n.site, &since, &n.back)
			n.since, n.back = orZero(since), n.back.UTC()
			u[number] = n
			return struct{}{}, err //nolint:wrapcheck // collect wraps
		}, query.text, query.since); err != nil {
			return err
		}
	}
	return nil
}

// countInto brings pools, whose numbers count as free so far, up to date.
func (u usedNumbers) countInto(pools []emergency.Pool, now time.Time) {
	bySite := map[emergency.SiteID]*emergency.Pool{}
	for i := range pools {
		bySite[pools[i].SiteID] = &pools[i]
	}
	for _, n := range u {
		pool := bySite[n.site]
		if pool == nil {
			continue
		}
		if n.since.After(now.Add(-time.Hour)) {
			pool.LastHour++
		}
		switch {
		case n.leased:
			pool.Leased++
		case n.back.After(now):
			pool.Resting++
		default:
			continue
		}
		pool.Returns = append(pool.Returns, n.back)
	}
	for i := range pools {
		pool := &pools[i]
		pool.Free = max(0, pool.Free-pool.Leased-pool.Resting)
		slices.SortFunc(pool.Returns, time.Time.Compare)
		pool.Returns = pool.Returns[:min(len(pool.Returns), returnsKnown)]
	}
}

// SavePoolState keeps how well a site's pool is filled. It reports whether that has
// changed, and has told of it if so: of several processes that notice a change, one.
func (s *Store) SavePoolState(ctx context.Context, site emergency.SiteID, state emergency.PoolState) (bool, error) {
	var kept emergency.PoolState
	err := s.read.QueryRowContext(ctx, `SELECT pool_state FROM sites WHERE id = $1`, site).Scan(&kept)
	if err != nil || kept == state {
		return false, unknownSite(err)
	}
	var changed int64
	err = s.background.inTx(ctx, "save pool state", func(t tx) error {
		var err error
		changed, err = t.exec(ctx, `UPDATE sites SET pool_state = $2 WHERE id = $1 AND pool_state <> $2`, site, state)
		if err != nil || changed == 0 {
			return err
		}
		return t.tell(ctx, emergency.Event{
			Type: emergency.EventPoolChanged, SiteID: site, Status: emergency.Status(state), At: s.now(),
		})
	})
	return changed > 0, err
}

// unknownSite says it in the domain's words when a site is not there.
func unknownSite(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return emergency.ErrUnknownSite
	default:
		return fmt.Errorf("read pool state: %w", outageOf(err))
	}
}
