package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// LiveCalls reads every call that has not ended, the latest first.
func (s *Store) LiveCalls(ctx context.Context) ([]emergency.Call, error) {
	known, err := readCalls(ctx, s.read, `IN (SELECT id FROM calls WHERE closed_at IS NULL AND expires_at > $1)`, s.now())
	if err != nil {
		return nil, fmt.Errorf("list live calls: %w", err)
	}
	calls := make([]emergency.Call, 0, len(known))
	for _, call := range known {
		if call.ClosedAt.IsZero() {
			calls = append(calls, call.Call)
		}
	}
	slices.SortFunc(calls, func(a, b emergency.Call) int {
		return cmp.Or(b.DialedAt.Compare(a.DialedAt), cmp.Compare(a.ID, b.ID))
	})
	return calls, nil
}

// loadCall reads a call with its legs, presence and notices.
func loadCall(ctx context.Context, q querier, id emergency.CallID) (emergency.Call, error) {
	calls, err := loadCalls(ctx, q, `= $1`, id)
	if err != nil {
		return emergency.Call{}, err
	}
	if len(calls) == 0 {
		return emergency.Call{}, emergency.ErrUnknownCall
	}
	return calls[0].Call, nil
}

// readCalls reads calls as loadCalls does, for as many as there are in as few queries as
// for one. Between two of these a call may be closed, and then seems to have no leg; it
// is read again.
func readCalls(ctx context.Context, q querier, which string, args ...any) ([]emergency.KnownCall, error) {
	calls, err := loadCalls(ctx, q, which, args...)
	if err != nil {
		return nil, err
	}
	whole := make([]emergency.KnownCall, 0, len(calls))
	var torn []emergency.CallID
	for _, call := range calls {
		if len(call.Legs) == 0 {
			torn = append(torn, call.ID)
			continue
		}
		whole = append(whole, call)
	}
	again, err := callsByID(ctx, q, torn)
	return append(whole, again...), err
}

// callsByID reads those of the calls that there are.
func callsByID(ctx context.Context, q querier, ids []emergency.CallID) ([]emergency.KnownCall, error) {
	var all []emergency.KnownCall
	for some := range slices.Chunk(ids, idsAtOnce) {
		which, args := oneOf(some)
		calls, err := loadCalls(ctx, q, which, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, calls...)
	}
	return all, nil
}

// idsAtOnce bounds the arguments of one query.
const idsAtOnce = 512

// oneOf is a condition for IDs. It is for one of few numbers of them, with the last
// repeated, because every other condition is one more query to parse and to keep.
func oneOf(ids []emergency.CallID) (condition string, args []any) {
	size := 1
	for size < len(ids) {
		size *= 2
	}
	marks := make([]string, size)
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
		args = append(args, ids[min(i, len(ids)-1)])
	}
	return "IN (" + strings.Join(marks, ", ") + ")", args
}

// loadCalls reads the calls whose ID meets a condition.
func loadCalls(ctx context.Context, q querier, which string, args ...any) ([]emergency.KnownCall, error) {
	calls, err := collect(ctx, q, scanCall, `SELECT c.id, c.agent_id, c.site_id, c.kind, c.dialed, c.country, c.dialed_at, c.conveyed,
		c.number, c.number_kind, c.route_path, c.route_trunk, c.terms, c.degraded, c.presence_before, c.closed_at,
		c.caller_id, c.fail_over, c.warnings, a.presence_status
		FROM calls c JOIN agents a ON a.id = c.agent_id WHERE c.id `+which, args...)
	if err != nil || len(calls) == 0 {
		return calls, err
	}
	byID := make(map[emergency.CallID]*emergency.KnownCall, len(calls))
	for i := range calls {
		byID[calls[i].ID] = &calls[i]
	}
	if err := addLegs(ctx, q, byID, which, args...); err != nil {
		return nil, err
	}
	notices, err := notifications(ctx, q, which, args...)
	for id, notice := range notices {
		if call := byID[id]; call != nil {
			call.Notice = notice
		}
	}
	return calls, err
}

func scanCall(rows *sql.Rows) (emergency.KnownCall, error) {
	var (
		c                  emergency.KnownCall
		conveyed, terms    string
		failOver, warnings string
		closed             sql.NullTime
	)
	if err := rows.Scan(&c.ID, &c.AgentID, &c.SiteID, &c.Kind, &c.Dialed, &c.Country, &c.DialedAt, &conveyed,
		&c.Number, &c.NumberKind, &c.Route.Path, &c.Route.Trunk, &terms, &c.Degraded, &c.PresenceBefore, &closed,
		&c.Route.CallerID, &failOver, &warnings, &c.PresenceNow); err != nil {
		return c, err //nolint:wrapcheck // collect wraps
	}
	c.DialedAt, c.ClosedAt = c.DialedAt.UTC(), orZero(closed)
	return c, errors.Join(
		json.Unmarshal([]byte(conveyed), &c.Conveyed), json.Unmarshal([]byte(terms), &c.Terms),
		json.Unmarshal([]byte(failOver), &c.Route.FailOver), json.Unmarshal([]byte(warnings), &c.Warnings))
}

// addLegs gives calls their legs, and says who is at the other end of those that are up.
func addLegs(ctx context.Context, q querier, calls map[emergency.CallID]*emergency.KnownCall, which string, args ...any) error {
	legs, err := collect(ctx, q, scanLeg, `SELECT call_id, id, direction, remote, started_at, ended_at, reason FROM legs
		WHERE call_id `+which+` ORDER BY started_at, id`, args...)
	for _, leg := range legs {
		call := calls[leg.call]
		if call == nil {
			continue // it has been placed since the calls were read
		}
		call.Legs = append(call.Legs, leg.Leg)
		if leg.Direction != emergency.Callback || !leg.Up() {
			continue
		}
		if call.Remote == nil {
			call.Remote = map[emergency.LegID]string{}
		}
		call.Remote[leg.ID] = leg.remote
	}
	return err
}

// legRow is a leg as it is kept.
type legRow struct {
	emergency.Leg

	call   emergency.CallID
	remote string
}

func scanLeg(rows *sql.Rows) (legRow, error) {
	var (
		leg   legRow
		ended sql.NullTime
	)
	err := rows.Scan(&leg.call, &leg.ID, &leg.Direction, &leg.remote, &leg.StartedAt, &ended, &leg.Reason)
	leg.StartedAt, leg.EndedAt = leg.StartedAt.UTC(), orZero(ended)
	return leg, err //nolint:wrapcheck // collect wraps
}

// orZero is a nullable time as the domain has it.
func orZero(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
