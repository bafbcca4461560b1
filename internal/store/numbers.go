package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"

	"github.com/nyaruka/phonenumbers"
)

// departed holds for numbers that have been removed and that nobody can be called
// back on any more. They count as gone, also before ForgetNumbers finds them.
const departed = `draining AND NOT leased AND free_at <= `

// Numbers lists all callback numbers by site and number, with what each may be
// used for now.
func (s *Store) Numbers(ctx context.Context) ([]emergency.CallbackNumber, error) {
	return s.numbers(ctx, selectNumber+` ORDER BY site_id, number`)
}

// Number reads one of them, or gives emergency.ErrUnknownNumber.
func (s *Store) Number(ctx context.Context, number string) (emergency.CallbackNumber, error) {
	found, err := s.numbers(ctx, selectNumber+` AND number = $2`, number)
	if err != nil {
		return emergency.CallbackNumber{}, err
	}
	if len(found) == 0 {
		return emergency.CallbackNumber{}, emergency.ErrUnknownNumber
	}
	return found[0], nil
}

const selectNumber = `SELECT number, site_id, leased, draining, free_at FROM callback_numbers WHERE NOT (` + departed + `$1)`

func (s *Store) numbers(ctx context.Context, query string, args ...any) ([]emergency.CallbackNumber, error) {
	now := s.now()
	numbers, err := collect(ctx, s.read, func(rows *sql.Rows) (emergency.CallbackNumber, error) {
		return scanNumber(rows, now)
	}, query, append([]any{now}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read callback numbers: %w", err)
	}
	return numbers, nil
}

func scanNumber(rows *sql.Rows, now time.Time) (emergency.CallbackNumber, error) {
	var (
		n                emergency.CallbackNumber
		leased, draining bool
		freeAt           time.Time
	)
	if err := rows.Scan(&n.Number, &n.SiteID, &leased, &draining, &freeAt); err != nil {
		return n, err //nolint:wrapcheck // collect wraps
	}
	if !leased && freeAt.After(now) {
		n.FreeAt = freeAt.UTC()
	}
	switch {
	case draining:
		n.State = emergency.NumberDraining
	case leased:
		n.State = emergency.NumberInLease
	case !n.FreeAt.IsZero():
		n.State = emergency.NumberQuarantined
	default:
		n.State = emergency.NumberFree
	}
	return n, nil
}

// AddNumber puts a number into a site's pool. It must be of the site's country, or the
// error is an *emergency.Invalid, and for nothing else yet, or it is an
// *emergency.NumberTaken. One that is on its way out comes back with its lease or
// quarantine. A call that waits for a number may have it at once.
func (s *Store) AddNumber(ctx context.Context, number string, site emergency.SiteID, by emergency.Change) error {
	if err := emergency.CheckCallback("number", number); err != nil {
		return err //nolint:wrapcheck // the domain's own words
	}
	now := s.now()
	err := s.change(ctx, "add callback number", func(t tx) error {
		kept, err := readSite(ctx, t, site)
		if err != nil {
			return err
		}
		if err := numberOf("number", number, kept.Country); err != nil {
			return err
		}
		if err := t.freeForPool(ctx, number, now); err != nil {
			return err
		}
		if err := t.addToPool(ctx, number, site, now); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "number-added", subject: emergency.SubjectCallbackNumbers, name: endOf(number) + " " + string(site), site: site,
		}, by, now)
	})
	if err == nil {
		_ = s.background.leaseLate(ctx, site) // LeaseLate tries again
	}
	return err
}

// numberOf is an *emergency.Invalid for a field whose number is not the country's: a
// carrier there could not register an address for it, nor would its emergency services
// call back abroad. Numbers that nobody has been given yet will do, as long as they are whole
// and their country can be told. The library alone tells it of any beginning of a Danish
// one.
func numberOf(field, number string, country emergency.Country) error {
	if err := emergency.CheckWhole(field, number); err != nil {
		return err //nolint:wrapcheck // the domain's own words
	}
	parsed, err := phonenumbers.Parse(number, "")
	if err == nil && phonenumbers.GetRegionCodeForNumber(parsed) == string(country) {
		return nil
	}
	numbering, _ := country.Numbering()
	return &emergency.Invalid{Field: field, Problem: "must be a number of " + cmp.Or(numbering.Name, string(country))}
}

// freeForPool is an *emergency.NumberTaken for a number that is for anything but a pool.
// A callback to it could not be told from one to a leased number if it stood for a site
// (B5), it would ring whom it has nothing to do with if it was a device or answered
// callbacks (B6), and if agents called customers from it, these would be put through to
// whoever has called for help.
func (t tx) freeForPool(ctx context.Context, number string, now time.Time) error {
	what, err := firstUse(ctx, number, t.standing(""), t.answering(""), t.calling(""), t.ringing, t.routed, t.shown(now, ""))
	if err == nil && what != "" {
		return &emergency.NumberTaken{By: what}
	}
	return err
}

func (t tx) addToPool(ctx context.Context, number string, site emergency.SiteID, now time.Time) error {
	if _, err := t.exec(ctx, `DELETE FROM callback_numbers WHERE number = $1 AND `+departed+`$2`, number, now); err != nil {
		return err
	}
	never := time.Unix(0, 0)
	added, err := t.exec(ctx, `INSERT INTO callback_numbers (number, site_id, leased, draining, last_used_at, free_at)
		VALUES ($1, $2, FALSE, FALSE, $3, $3)
		ON CONFLICT (number) DO UPDATE SET draining = FALSE
		WHERE callback_numbers.draining AND callback_numbers.site_id = excluded.site_id`, number, site, stamp(never))
	if err != nil {
		return err
	}
	if added == 0 {
		what, err := t.leasable(now)(ctx, number)
		if err == nil {
			err = &emergency.NumberTaken{By: what}
		}
		return err
	}
	_, err = t.exec(ctx, `UPDATE sites SET pool_size = pool_size + 1 WHERE id = $1`, site)
	return err
}

// endOf is as much of a number as the audit may hold, beside the site that has it.
func endOf(number string) string { return "…" + number[max(0, len(number)-2):] }

// RemoveNumber takes a number out of its pool: at once when nobody could be called
// back on it, else when its lease and its quarantine are over. So no caller loses a
// number that a PSAP has seen, and adding it again does not cut its rest short.
// Removing it twice changes nothing.
func (s *Store) RemoveNumber(ctx context.Context, number string, by emergency.Change) error {
	now := s.now()
	return s.change(ctx, "remove callback number", func(t tx) error {
		var site emergency.SiteID
		err := t.scan(ctx, &site, `UPDATE callback_numbers SET draining = TRUE WHERE number = $1 AND NOT draining
			RETURNING site_id`, number)
		if errors.Is(err, sql.ErrNoRows) {
			return t.leaving(ctx, number, now)
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE sites SET pool_size = pool_size - 1 WHERE id = $1`, site); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM callback_numbers WHERE number = $1 AND `+departed+`$2`, number, now); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "number-removed", subject: emergency.SubjectCallbackNumbers, name: endOf(number) + " " + string(site), site: site,
		}, by, now)
	})
}

// leaving is emergency.ErrUnknownNumber for a number that is not on its way out.
func (t tx) leaving(ctx context.Context, number string, now time.Time) error {
	var numbers int
	err := t.scan(ctx, &numbers, `SELECT COUNT(*) FROM callback_numbers WHERE number = $1 AND draining AND NOT (`+departed+`$2)`,
		number, now)
	if err == nil && numbers == 0 {
		return emergency.ErrUnknownNumber
	}
	return err
}

// ForgetNumbers drops the numbers that were removed, once their lease and their
// quarantine are over.
func (s *Store) ForgetNumbers(ctx context.Context) error {
	return s.background.inTx(ctx, "forget callback numbers", func(t tx) error {
		_, err := t.exec(ctx, `DELETE FROM callback_numbers WHERE `+departed+`$1`, s.now())
		return err
	})
}
