package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// tell adds a line to the event stream, in the transaction that makes it true. Whether
// it is about a test is looked up here unless it is said, so that nobody who tells of a
// call can forget it (B13); of a dial that was refused, the audit knows.
func (t tx) tell(ctx context.Context, e emergency.Event) error {
	_, err := t.exec(ctx, `INSERT INTO events (type, agent_id, site_id, call_id, leg_id, status, at, subject, kind)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, COALESCE(NULLIF($9, ''),
			(SELECT kind FROM calls WHERE id = $4),
			(SELECT kind FROM audit WHERE call_id = $4 AND call_id <> '' AND action = 'call-refused'), ''))`,
		e.Type, e.AgentID, e.SiteID, e.CallID, e.LegID, e.Status, stamp(e.At), e.Subject, e.Kind)
	return err
}

// reportRefusedCountries does for a refused dial what reportCountries does for a call:
// that the device and the site are in different countries may be why it was refused
// (B11).
func (t tx) reportRefusedCountries(ctx context.Context, r emergency.RefusedCall) error {
	site, err := readSite(ctx, t, r.SiteID)
	if errors.Is(err, emergency.ErrUnknownSite) {
		return nil
	}
	if err != nil || !emergency.Locate(site.Country, r.Location).Disagree() {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, country, kind) VALUES ($1, $2, $3, $4, $5)`,
		r.At, emergency.EventCountriesDiffer, r.CallID, r.Country, r.Kind); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventCountriesDiffer, AgentID: r.AgentID, SiteID: r.SiteID, CallID: r.CallID, Kind: r.Kind, At: r.At,
	})
}

// Events lists what happened after a sequence number, oldest first. On PostgreSQL
// a number may become visible later than a higher one, when its transaction took
// longer; a reader who must not miss any has to wait at a gap.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]emergency.Event, error) {
	events, err := collect(ctx, s.read, scanEvent, `SELECT seq, type, agent_id, site_id, call_id, leg_id, kind, subject, status, at
		FROM events WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

// LastEvent is the highest sequence number there is; zero without any event.
func (s *Store) LastEvent(ctx context.Context) (int64, error) {
	var last int64
	if err := s.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM events`).Scan(&last); err != nil {
		return 0, fmt.Errorf("read last event: %w", outageOf(err))
	}
	return last, nil
}

// ForgetEvents drops events older than a time; streams only need the recent ones.
// It stops at the first that is recent, so that it reads no more than it drops, and
// always leaves the last.
func (s *Store) ForgetEvents(ctx context.Context, before time.Time) error {
	return s.background.inTx(ctx, "forget events", func(t tx) error {
		_, err := t.exec(ctx, `DELETE FROM events WHERE seq < (
			SELECT seq FROM events WHERE at >= $1 ORDER BY seq LIMIT 1)`, stamp(before))
		return err
	})
}

func scanEvent(rows *sql.Rows) (emergency.Event, error) {
	var e emergency.Event
	err := rows.Scan(&e.Seq, &e.Type, &e.AgentID, &e.SiteID, &e.CallID, &e.LegID, &e.Kind, &e.Subject, &e.Status, &e.At)
	e.At = e.At.UTC()
	return e, err //nolint:wrapcheck // collect wraps
}
