package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

const (
	// eraseAtOnce bounds how many calls one turn erases, each in a transaction of its
	// own, so that whatever else has to be done gets its turn.
	eraseAtOnce = 200
	// erasePage is how many calls are looked at in one query.
	erasePage = 50
	// actionErased is the audit's word for it.
	actionErased = "call-erased"
)

// EraseCalls erases calls that were closed before a time (B14), the longest closed first,
// and tells how many: legs, claims, notices, deliveries with all that was said of them,
// messages that wait, and events that name the call. The audit keeps when the call was,
// where, what became of it and how long, but no person and no number. So many are erased
// at most that another turn may be worth while; one that cannot be erased does not keep
// the others from it.
//
// A call stays for as long as somebody has yet to be told of it, or its number could
// still be called back on.
func (s *Store) EraseCalls(ctx context.Context, before time.Time) (int, error) {
	var (
		erased int
		failed []error
		last   closedCall
	)
	for erased < eraseAtOnce {
		page, err := collect(ctx, s.read, scanClosed, `SELECT id, closed_at FROM calls
			WHERE closed_at < $1 AND (closed_at, id) > ($2, $3) ORDER BY closed_at, id LIMIT $4`,
			stamp(before), last.at, last.id, erasePage)
		if err != nil {
			return erased, fmt.Errorf("find calls to erase: %w", err)
		}
		if len(page) == 0 {
			break
		}
		last = page[len(page)-1]
		gone, err := s.erasePage(ctx, page, before)
		erased, failed = erased+gone, append(failed, err)
	}
	return erased, errors.Join(failed...)
}

// closedCall is a call that is over.
type closedCall struct {
	id emergency.CallID
	at time.Time
}

func scanClosed(rows *sql.Rows) (closedCall, error) {
	var c closedCall
	err := rows.Scan(&c.id, &c.at)
	c.at = c.at.UTC()
	return c, err //nolint:wrapcheck // collect wraps
}

// erasePage erases what may be erased of some calls.
func (s *Store) erasePage(ctx context.Context, page []closedCall, before time.Time) (int, error) {
	var (
		gone   []any
		failed []error
	)
	for _, one := range page {
		erased, err := s.eraseCall(ctx, one.id, before)
		if erased {
			gone = append(gone, one.id)
		}
		failed = append(failed, err)
	}
	if len(gone) > 0 {
		failed = append(failed, s.eraseEvents(ctx, gone))
	}
	return len(gone), errors.Join(failed...)
}

// eraseCall erases one call, unless it has to stay.
func (s *Store) eraseCall(ctx context.Context, id emergency.CallID, before time.Time) (bool, error) {
	erased := false
	err := s.background.withCall(ctx, "erase call", id, func(t tx, call emergency.Call) error {
		if call.ClosedAt.IsZero() || !call.ClosedAt.Before(before) || mustStay(call, s.now()) {
			return nil
		}
		erased = true
		if err := t.auditErased(ctx, call, s.now()); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE callback_numbers SET last_call = '' WHERE number = $1 AND last_call = $2`,
			call.Number, id); err != nil {
			return err
		}
		for _, query := range []string{
			`DELETE FROM notices WHERE call_id = $1`, // and with them their deliveries
			`DELETE FROM mail_events WHERE call_id = $1`,
			`DELETE FROM outbox WHERE call_id = $1`,
			`DELETE FROM early_ends WHERE call_id = $1`,
			`DELETE FROM calls WHERE id = $1`, // and with it legs and claims
		} {
			if _, err := t.exec(ctx, query, id); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, emergency.ErrUnknownCall) {
		err = nil // another process was faster
	}
	return erased && err == nil, err
}

// mustStay tells whether a closed call is still of use: to somebody who is to be told of
// it, or to a callback that comes too late.
func mustStay(call emergency.Call, now time.Time) bool {
	for _, delivery := range call.Notice.Deliveries {
		if delivery.State == emergency.DeliveryQueued {
			return true
		}
	}
	return call.Past().Until.After(now)
}

// auditErased leaves what a regulator may ask of a call later on.
func (t tx) auditErased(ctx context.Context, call emergency.Call, now time.Time) error {
	callbacks, up := 0, time.Duration(0)
	for _, leg := range call.Legs {
		if leg.Direction == emergency.Callback {
			callbacks++
		}
		up += leg.EndedAt.Sub(leg.StartedAt)
	}
	told := map[string]bool{}
	for _, delivery := range call.Notice.Deliveries {
		if delivery.State.Arrived() {
			told[emergency.RecipientKey(delivery.Address)] = true
		}
	}
	_, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, country, kind, outcome, dialed_at, legs, callbacks, seconds, told)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (call_id, action) WHERE call_id <> '' DO NOTHING`,
		stamp(now), actionErased, call.ID, call.Country, call.Kind, call.Notice.State(), call.DialedAt,
		len(call.Legs), callbacks, int64(up.Seconds()), len(told))
	return err
}

// eraseEvents drops the events of calls that are erased: nothing tells of them any more.
// They are looked for outside the transaction, since somebody may be dialing. The last
// event of all stays, so that streams go on counting, but names nothing any more.
func (s *Store) eraseEvents(ctx context.Context, calls []any) error {
	found, err := collect(ctx, s.read, scanSeq, `SELECT seq FROM events WHERE call_id IN (`+placeholders(len(calls))+`)`, calls...)
	if err != nil || len(found) == 0 {
		return err
	}
	return s.background.inTx(ctx, "erase events", func(t tx) error {
		for _, query := range []string{
			`DELETE FROM events WHERE seq = $1 AND seq < (SELECT MAX(seq) FROM events)`,
			`UPDATE events SET agent_id = '', site_id = '', call_id = '', leg_id = '', status = '' WHERE seq = $1`,
		} {
			for _, seq := range found {
				if _, err := t.exec(ctx, query, seq); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func scanSeq(rows *sql.Rows) (int64, error) {
	var seq int64
	err := rows.Scan(&seq)
	return seq, err //nolint:wrapcheck // collect wraps
}

// placeholders are "$1, $2, …".
func placeholders(n int) string {
	var all []string
	for i := range n {
		all = append(all, "$"+strconv.Itoa(i+1))
	}
	return strings.Join(all, ", ")
}

// whyUnknown tells a call that was erased from one that never was.
func whyUnknown(ctx context.Context, q querier, id emergency.CallID) error {
	var erased int
	err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE call_id = $1 AND call_id <> '' AND action = $2`,
		id, actionErased).Scan(&erased)
	switch {
	case err != nil:
		return fmt.Errorf("look for an erased call: %w", outageOf(err))
	case erased > 0:
		return emergency.ErrErasedCall
	default:
		return emergency.ErrUnknownCall
	}
}
