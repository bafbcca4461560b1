package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// Numbers lists all callback numbers by site and number, with what each may be
// used for now.
func (s *Store) Numbers(ctx context.Context) ([]emergency.CallbackNumber, error) {
	now := s.now()
	numbers, err := collect(ctx, s.read, func(rows *sql.Rows) (emergency.CallbackNumber, error) {
		return scanNumber(rows, now)
	}, `SELECT number, site_id, leased, draining, free_at FROM callback_numbers ORDER BY site_id, number`)
	if err != nil {
		return nil, fmt.Errorf("list callback numbers: %w", err)
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
	switch {
	case draining:
		n.State = emergency.NumberDraining
	case leased:
		n.State = emergency.NumberInLease
	case freeAt.After(now):
		n.State, n.FreeAt = emergency.NumberQuarantined, freeAt.UTC()
	default:
		n.State = emergency.NumberFree
	}
	return n, nil
}

// AddNumber puts a number into a site's pool. A number that is being drained
// comes back; one that is there already is emergency.ErrNumberExists.
func (s *Store) AddNumber(ctx context.Context, number string, site emergency.SiteID, by emergency.Change) error {
	if !emergency.ValidE164(number) {
		return &emergency.Invalid{Field: "number", Problem: "must be an E.164 number such as +12025550101"}
	}
	return s.inTx(ctx, "add callback number", func(t tx) error {
		if _, err := readSite(ctx, t, site); err != nil {
			return err
		}
		if err := t.notStanding(ctx, number); err != nil {
			return err
		}
		never := time.Unix(0, 0)
		added, err := t.exec(ctx, `INSERT INTO callback_numbers (number, site_id, leased, draining, last_used_at, free_at)
			VALUES ($1, $2, FALSE, FALSE, $3, $3)
			ON CONFLICT (number) DO UPDATE SET draining = FALSE
			WHERE callback_numbers.draining AND callback_numbers.site_id = excluded.site_id`, number, site, stamp(never))
		if err == nil && added == 0 {
			return emergency.ErrNumberExists
		}
		if err != nil {
			return err
		}
		return t.changed(ctx, "number-added", endOf(number), 0, by, s.now())
	})
}

// endOf is as much of a number as the audit may hold.
func endOf(number string) string { return "…" + number[max(0, len(number)-2):] }

// notStanding refuses a number that stands for a site: a callback to it could not be
// told from one to a leased number (B5).
func (t tx) notStanding(ctx context.Context, number string) error {
	var sites int
	err := t.scan(ctx, &sites, `SELECT COUNT(*) FROM sites WHERE standing_number = $1`, number)
	if err == nil && sites > 0 {
		return emergency.ErrNumberExists
	}
	return err
}

// notInPool refuses a number that may be leased, for the same reason.
func (t tx) notInPool(ctx context.Context, number string) error {
	var numbers int
	err := t.scan(ctx, &numbers, `SELECT COUNT(*) FROM callback_numbers WHERE number = $1`, number)
	if err == nil && numbers > 0 {
		return emergency.ErrNumberExists
	}
	return err
}

// RemoveNumber takes a number out of its pool: at once when nobody holds it, else
// when the lease ends, so that no caller loses a number that a PSAP has seen.
func (s *Store) RemoveNumber(ctx context.Context, number string, by emergency.Change) error {
	return s.inTx(ctx, "remove callback number", func(t tx) error {
		drained, err := t.exec(ctx, `UPDATE callback_numbers SET draining = TRUE WHERE number = $1`, number)
		if err != nil {
			return err
		}
		if drained == 0 {
			return emergency.ErrUnknownNumber
		}
		if _, err := t.exec(ctx, `DELETE FROM callback_numbers WHERE number = $1 AND NOT leased`, number); err != nil {
			return err
		}
		return t.changed(ctx, "number-removed", endOf(number), 0, by, s.now())
	})
}
