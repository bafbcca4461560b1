package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"lifeline/internal/emergency"
)

// fallBack sends a callback that comes too late to the desk of the site whose number
// it is for, as long as that number rests: neither the next caller nor a queue of
// customers should get it (B5, B6). It opens no leg. A site without a desk leaves the
// call to ordinary routing.
func (s *Store) fallBack(ctx context.Context, in Inbound) (emergency.Decision, error) {
	none := emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	last, found, err := s.lastHolder(ctx, in)
	if err != nil {
		return none, fmt.Errorf("find the last holder of a number: %w", err)
	}
	if !found {
		return none, nil
	}
	site, err := readSite(ctx, s.read, last.SiteID)
	if err != nil {
		return none, fmt.Errorf("find the desk of a site: %w", err)
	}
	ring := emergency.Fallback(site)
	if len(ring) == 0 {
		return none, nil
	}
	return emergency.Decision{
		Verdict: emergency.ConnectFallback, AgentID: last.AgentID, CallID: last.CallID, Kind: last.Kind, Ring: ring,
	}, nil
}

// lastHolder is the call that had a number until lately, as far as it is still known;
// false when the number does not rest.
func (s *Store) lastHolder(ctx context.Context, in Inbound) (emergency.PastCall, bool, error) {
	resting, err := collect(ctx, s.read, scanReturned, selectReturned+`n.number = $1 AND n.free_at > $2`, in.To, in.At)
	if err != nil {
		return emergency.PastCall{}, false, err
	}
	if len(resting) > 0 {
		return resting[0].PastCall, true, nil
	}
	// Nobody may have given the number back yet; and a standing number does not rest,
	// but the calls that showed it do. Of them the latest will do. Should a call go on
	// that has lost its agent's route, the desk is better than nobody.
	var last emergency.PastCall
	found := false
	for _, query := range []string{selectUnreturned, selectShown} {
		over, err := collect(ctx, s.read, scanPast, query, in.To)
		if err != nil {
			return last, false, err
		}
		for _, one := range over {
			if one.Until.After(in.At) && (!found || one.Likelier(last)) {
				last, found = one.PastCall, true
			}
		}
	}
	return last, found, nil
}

// The numbers in quarantine, with the call that had each last.
const selectReturned = `SELECT n.number, n.site_id, n.free_at,
		COALESCE(c.id, ''), COALESCE(c.agent_id, ''), COALESCE(c.kind, ''), c.dialed_at
	FROM callback_numbers n LEFT JOIN calls c ON c.id = n.last_call WHERE `

// The calls that have a number, or showed it without having it, the latest first.
const (
	selectPast = `SELECT c.caller_id, c.site_id, c.id, c.agent_id, c.kind, c.dialed_at, c.terms, c.expires_at, c.closed_at
		FROM calls c WHERE `
	selectUnreturned = selectPast + `c.number = $1 AND c.closed_at IS NULL` + latestFirst
	selectEverShown  = selectPast + `c.caller_id = $1 AND ` + showedStanding
	selectShown      = selectEverShown + latestFirst
	latestFirst      = ` ORDER BY c.dialed_at DESC, c.id DESC LIMIT 100`
)

// pastCall is a call that may be over, with the number that it had or showed.
type pastCall struct {
	emergency.PastCall

	number string
}

// scanReturned reads a number in quarantine; the call that had it may be gone.
func scanReturned(rows *sql.Rows) (pastCall, error) {
	var (
		past   pastCall
		dialed sql.NullTime
	)
	err := rows.Scan(&past.number, &past.SiteID, &past.Until, &past.CallID, &past.AgentID, &past.Kind, &dialed)
	past.Until, past.DialedAt = past.Until.UTC(), orZero(dialed)
	return past, err //nolint:wrapcheck // collect wraps
}

func scanPast(rows *sql.Rows) (pastCall, error) {
	var (
		past   pastCall
		text   string
		terms  emergency.Terms
		closed sql.NullTime
	)
	if err := rows.Scan(&past.number, &past.SiteID, &past.CallID, &past.AgentID, &past.Kind, &past.DialedAt,
		&text, &past.Over, &closed); err != nil {
		return past, err //nolint:wrapcheck // collect wraps
	}
	past.DialedAt, past.Over = past.DialedAt.UTC(), past.Over.UTC()
	if at := orZero(closed); closed.Valid && at.Before(past.Over) {
		past.Over = at
	}
	// Terms that cannot be read keep nobody from finding another call.
	_ = json.Unmarshal([]byte(text), &terms)
	past.Until = past.Over.Add(terms.Quarantine)
	return past, nil
}
