package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// fallBack sends a callback that comes too late to the desk of the site whose number
// it is for, as long as that number rests: neither the next caller nor a queue of
// customers should get it (B5, B6). It opens no leg. A site without a desk leaves the
// call to ordinary routing.
func (s *Store) fallBack(ctx context.Context, in Inbound) (emergency.Decision, error) {
	none := emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	last, err := s.lastHolder(ctx, in)
	if err != nil {
		return none, fmt.Errorf("find the last holder of a number: %w", err)
	}
	if last.site == "" {
		return none, nil
	}
	site, err := readSite(ctx, s.read, last.site)
	if err != nil {
		return none, fmt.Errorf("find the desk of a site: %w", err)
	}
	ring := emergency.Fallback(site)
	if len(ring) == 0 {
		return none, nil
	}
	return emergency.Decision{
		Verdict: emergency.ConnectFallback, AgentID: last.agent, CallID: last.call, Kind: last.kind, Ring: ring,
	}, nil
}

// holder is a call that had a number, or showed it.
type holder struct {
	site  emergency.SiteID
	call  emergency.CallID
	agent emergency.AgentID
	kind  emergency.Kind
	// over is when nobody can be called back any more, and until when the number rests
	// after it.
	over, until time.Time
}

// lastHolder is the call that had a number until lately, as far as it is still known;
// without a site when the number does not rest.
func (s *Store) lastHolder(ctx context.Context, in Inbound) (holder, error) {
	var last holder
	resting, err := collect(ctx, s.read, scanHolder, `SELECT n.site_id, COALESCE(c.id, ''), COALESCE(c.agent_id, ''), COALESCE(c.kind, '')
		FROM callback_numbers n LEFT JOIN calls c ON c.id = n.last_call WHERE n.number = $1 AND n.free_at > $2`, in.To, in.At)
	if err != nil {
		return last, err
	}
	if len(resting) > 0 {
		return resting[0], nil
	}
	// Nobody may have given the number back yet; and a standing number does not rest,
	// but the calls that showed it do. Of them the latest will do. Should a call go on
	// that has lost its agent's route, the desk is better than nobody.
	for _, query := range []string{selectUnreturned, selectShown} {
		over, err := collect(ctx, s.read, scanOver, query, in.To)
		if err != nil {
			return last, err
		}
		for _, one := range over {
			if one.until.After(in.At) && one.likelier(last) {
				last = one
			}
		}
	}
	return last, nil
}

// The calls that have a number, or showed it without having it, the latest first.
const (
	selectOver       = `SELECT c.site_id, c.id, c.agent_id, c.kind, c.terms, c.expires_at, c.closed_at FROM calls c WHERE `
	selectUnreturned = selectOver + `c.number = $1 AND c.closed_at IS NULL` + latestFirst
	selectShown      = selectOver + `c.caller_id = $1 AND ` + showedStanding + latestFirst
	latestFirst      = ` ORDER BY c.dialed_at DESC, c.id DESC LIMIT 100`
)

// notShown refuses a number that stood for a site until lately: somebody may still be
// called back on it, and must not share it with the next caller (B5).
func (t tx) notShown(ctx context.Context, number string, now time.Time) error {
	calls, err := collect(ctx, t, scanOver, selectShown, number)
	if err != nil {
		return err
	}
	for _, call := range calls {
		if call.until.After(now) {
			return emergency.ErrNumberExists
		}
	}
	return nil
}

// likelier tells whether a callback is rather for this call: a call for help comes
// before a test, then whichever was over later.
func (h holder) likelier(other holder) bool {
	if test := h.kind == emergency.KindTest; other.site != "" && test != (other.kind == emergency.KindTest) {
		return !test
	}
	return h.over.After(other.over)
}

func scanHolder(rows *sql.Rows) (holder, error) {
	var h holder
	err := rows.Scan(&h.site, &h.call, &h.agent, &h.kind)
	return h, err //nolint:wrapcheck // collect wraps
}

func scanOver(rows *sql.Rows) (holder, error) {
	var (
		h      holder
		text   string
		terms  emergency.Terms
		closed sql.NullTime
	)
	if err := rows.Scan(&h.site, &h.call, &h.agent, &h.kind, &text, &h.over, &closed); err != nil {
		return h, err //nolint:wrapcheck // collect wraps
	}
	if closed.Valid && closed.Time.Before(h.over) {
		h.over = closed.Time
	}
	// Terms that cannot be read keep nobody from finding another call.
	_ = json.Unmarshal([]byte(text), &terms)
	h.until = h.over.Add(terms.Quarantine)
	return h, nil
}
