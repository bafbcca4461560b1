package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// A callback number belongs to whoever has called for help from it (B5). If it rang
// a device as well, a callback would ring itself in a circle, and the next person's
// emergency service would reach that device. The same holds of a number that stands for
// a site. What is here keeps numbers apart; administrators' changes take turns, so that
// no two of them give one number to two at the same moment.

// use tells what a number is for already, in words that complete "it is …"; they are
// empty when it is for nothing of that kind. They never have a whole number.
type use func(ctx context.Context, number string) (string, error)

// firstUse is the first of several uses that a number has.
func firstUse(ctx context.Context, number string, uses ...use) (string, error) {
	for _, each := range uses {
		if what, err := each(ctx, number); err != nil || what != "" {
			return what, err
		}
	}
	return "", nil
}

// field is a number that somebody wants to give to something.
type field struct {
	name, number string
}

// apart refuses a field with a number that has one of these uses. An empty number has
// none.
func (f field) apart(ctx context.Context, uses ...use) error {
	if f.number == "" {
		return nil
	}
	what, err := firstUse(ctx, f.number, uses...)
	if err == nil && what != "" {
		return &emergency.Invalid{Field: f.name, Problem: "must not be " + what}
	}
	return err
}

// devices are the fields of a device: the numbers that it may ring.
func devices(name, uri string) []field {
	var all []field
	for _, number := range emergency.CalledNumbers(uri) {
		all = append(all, field{name, number})
	}
	return all
}

// leasable is the use as a callback number, also of one that is on its way out.
func (t tx) leasable(now time.Time) use {
	return func(ctx context.Context, number string) (string, error) {
		return firstSaid(ctx, t, func(rows *sql.Rows) (string, error) {
			var (
				site     emergency.SiteID
				draining bool
			)
			err := rows.Scan(&site, &draining)
			what := fmt.Sprintf("a callback number of site %s", site)
			if draining {
				what += ", from which it has been removed, until nobody can be called back on it any more"
			}
			return what, err //nolint:wrapcheck // collect wraps
		}, `SELECT site_id, draining FROM callback_numbers WHERE number = $1 AND NOT (`+departed+`$2)`, number, now)
	}
}

// standing is the use as the standing number of a site, other than the one named.
func (t tx) standing(except emergency.SiteID) use {
	return func(ctx context.Context, number string) (string, error) {
		return firstSaid(ctx, t, says("the standing number of site %s"),
			`SELECT id FROM sites WHERE standing_number = $1 AND id <> $2 ORDER BY id`, number, except)
	}
}

// shown is the use as a number that a call has shown without having leased it, at any
// site but the one named: a site's standing number until lately, as a rule. Somebody may
// still be called back on it.
func (t tx) shown(now time.Time, except emergency.SiteID) use {
	return func(ctx context.Context, number string) (string, error) {
		calls, err := collect(ctx, t, scanPast, selectEverShown, number)
		if err != nil {
			return "", err
		}
		for _, call := range calls {
			if call.SiteID != except && call.Until.After(now) {
				return fmt.Sprintf("what a call of site %s has shown, and may still be called back on", call.SiteID), nil
			}
		}
		return "", nil
	}
}

// answering is the use of whoever is rung at a site when no agent answers, other than
// the site named (B6).
func (t tx) answering(except emergency.SiteID) use {
	return func(ctx context.Context, number string) (string, error) {
		return firstSaid(ctx, t, func(rows *sql.Rows) (string, error) {
			var (
				site        emergency.SiteID
				desk, final string
			)
			if err := rows.Scan(&site, &desk, &final); err != nil {
				return "", err //nolint:wrapcheck // collect wraps
			}
			switch {
			case slices.Contains(emergency.CalledNumbers(desk), number):
				return fmt.Sprintf("the fallback endpoint of site %s", site), nil
			case final == number:
				return fmt.Sprintf("the final number of site %s", site), nil
			default:
				return "", nil
			}
		}, `SELECT id, fallback_endpoint, final_number FROM sites WHERE id <> $1 ORDER BY id`, except)
	}
}

// calling is the use as the number that an agent calls from, of any site but the one
// named.
func (t tx) calling(except emergency.SiteID) use {
	return func(ctx context.Context, number string) (string, error) {
		return firstSaid(ctx, t, says("the calling number of agent %s"), `SELECT id FROM agents
			WHERE calling_number = $1 AND site_id <> $2 AND (NOT deleted OR `+whileCalled+`) ORDER BY id`, number, except)
	}
}

// ringing is the use as an agent's device. There are many ways to write a number, so the
// database only narrows the agents down: to those with the last digits in this order,
// whatever is between them, and to those that may spell them otherwise.
func (t tx) ringing(ctx context.Context, number string) (string, error) {
	digits := strings.Split(strings.TrimPrefix(number, "+"), "")
	last := digits[max(0, len(digits)-7):]
	return firstSaid(ctx, t, func(rows *sql.Rows) (string, error) {
		var (
			agent emergency.AgentID
			text  string
			uris  []string
		)
		if err := rows.Scan(&agent, &text); err != nil {
			return "", err //nolint:wrapcheck // collect wraps
		}
		if err := json.Unmarshal([]byte(text), &uris); err != nil {
			return "", fmt.Errorf("decode endpoints: %w", err)
		}
		for _, uri := range uris {
			if slices.Contains(emergency.CalledNumbers(uri), number) {
				return fmt.Sprintf("a device of agent %s", agent), nil
			}
		}
		return "", nil
	}, `SELECT id, endpoints FROM agents
		WHERE (endpoints LIKE $1 OR endpoints LIKE '%!%3%' ESCAPE '!' OR LOWER(endpoints) LIKE '%phone-context=%')
		AND (NOT deleted OR `+whileCalled+`) ORDER BY id`, "%"+strings.Join(last, "%")+"%")
}

// says words a row that is an ID.
func says(format string) func(*sql.Rows) (string, error) {
	return func(rows *sql.Rows) (string, error) {
		id, err := scanString[string](rows)
		return fmt.Sprintf(format, id), err
	}
}

// firstSaid is the first row that says something.
func firstSaid(ctx context.Context, q querier, scan func(*sql.Rows) (string, error), query string, args ...any) (string, error) {
	all, err := collect(ctx, q, scan, query, args...)
	if said := slices.IndexFunc(all, func(text string) bool { return text != "" }); err == nil && said >= 0 {
		return all[said], nil
	}
	return "", err
}
