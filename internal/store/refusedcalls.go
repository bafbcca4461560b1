package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// refusedAtOnce bounds a list of refused dials; somebody who is not heard dials again
// and again.
const refusedAtOnce = 200

// RefusedCall reads a dial that was refused, and who was told of it (B10), or gives
// emergency.ErrUnknownCall.
func (s *Store) RefusedCall(ctx context.Context, id emergency.CallID) (emergency.RefusedDial, error) {
	one, err := readRefused(ctx, s.read, id)
	if err != nil {
		return emergency.RefusedDial{}, fmt.Errorf("read refused dial: %w", err)
	}
	return s.refusedDial(ctx, one)
}

// RefusedCalls lists the latest dials that were refused, the last one first: those of an
// agent, or with an empty ID those of everybody. They are kept until ForgetNotices.
func (s *Store) RefusedCalls(ctx context.Context, agent emergency.AgentID) ([]emergency.RefusedDial, error) {
	query, args := selectRefused+` ORDER BY refused_at DESC, call_id DESC LIMIT $1`, []any{refusedAtOnce}
	if agent != "" {
		query, args = selectRefused+` WHERE agent_id = $2 ORDER BY refused_at DESC, call_id DESC LIMIT $1`, append(args, agent)
	}
	rows, err := collect(ctx, s.read, scanRefused, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list refused dials: %w", err)
	}
	all := make([]emergency.RefusedDial, 0, len(rows))
	for _, row := range rows {
		one, err := s.refusedDial(ctx, row)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// refusedDial adds to a refused dial who was told of it.
func (s *Store) refusedDial(ctx context.Context, row refusedRow) (emergency.RefusedDial, error) {
	facts, err := row.read()
	if err != nil {
		return emergency.RefusedDial{}, err
	}
	one := emergency.RefusedDial{ToldAs: row.toldAs, RefusedCall: emergency.RefusedCall{
		CallID: row.id, AgentID: row.agent, SiteID: row.site, Dialed: facts.Dialed, Kind: facts.Kind, Country: facts.Country,
		Location: facts.Conveyed.Device, Code: facts.Code, At: row.at,
	}}
	if row.toldAs != "" {
		one.Notice, err = notification(ctx, s.read, row.toldAs)
	}
	return one, err
}

// refusedRow is a refused dial as it is kept.
type refusedRow struct {
	id     emergency.CallID
	agent  emergency.AgentID
	site   emergency.SiteID
	facts  string
	toldAs emergency.CallID
	at     time.Time
}

const selectRefused = `SELECT call_id, agent_id, site_id, facts, told_as, refused_at FROM refused_calls`

func scanRefused(rows *sql.Rows) (refusedRow, error) {
	var r refusedRow
	err := rows.Scan(&r.id, &r.agent, &r.site, &r.facts, &r.toldAs, &r.at)
	r.at = r.at.UTC()
	return r, err //nolint:wrapcheck // collect wraps
}

// readRefused is emergency.ErrUnknownCall when no such dial was refused.
func readRefused(ctx context.Context, q querier, id emergency.CallID) (refusedRow, error) {
	found, err := collect(ctx, q, scanRefused, selectRefused+` WHERE call_id = $1`, id)
	if err == nil && len(found) == 0 {
		err = emergency.ErrUnknownCall
	}
	if err != nil {
		return refusedRow{}, err
	}
	return found[0], nil
}

// insertRefused keeps a refused dial with what it was.
func (t tx) insertRefused(ctx context.Context, r emergency.RefusedCall, caller emergency.Caller, toldAs emergency.CallID) error {
	facts, err := json.Marshal(factsOf(r, caller))
	if err != nil {
		return fmt.Errorf("encode facts of a refused dial: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO refused_calls (call_id, agent_id, site_id, facts, told_as, refused_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, r.CallID, r.AgentID, r.SiteID, string(facts), toldAs, r.At)
	return err
}

// read decodes what the dial was.
func (r refusedRow) read() (refusedFacts, error) {
	var facts refusedFacts
	if err := json.Unmarshal([]byte(r.facts), &facts); err != nil {
		return facts, fmt.Errorf("decode facts of a refused dial: %w", err)
	}
	return facts, nil
}
