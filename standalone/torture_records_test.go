package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is a call as the database has it in the end.
type record struct {
	id, agent, site, kind, number, numberKind, callerID string

	dialedAt, closedAt time.Time
	degraded           bool
	legs               []legRow
	events             []eventRow
	deliveries         []deliveryRow
	audit              []auditRow
}

type legRow struct {
	id, direction, remote, reason string

	startedAt, endedAt time.Time
}

type eventRow struct {
	seq                            int64
	kind, agent, call, leg, status string
	at                             time.Time
}

type deliveryRow struct {
	event   string
	round   int
	address string
	state   string
}

type auditRow struct {
	action, outcome string
	at              time.Time
}

// over is when nobody could be called back any more (B1).
func (r *record) over() time.Time {
	over := r.dialedAt.Add(tortureLease)
	for _, leg := range r.legs {
		if graceful := leg.endedAt.Add(tortureGrace); graceful.After(over) {
			over = graceful
		}
	}
	return over
}

func (r *record) leg(id string) *legRow {
	at := slices.IndexFunc(r.legs, func(l legRow) bool { return l.id == id })
	if at < 0 {
		return nil
	}
	return &r.legs[at]
}

func (r *record) audited(action string) bool {
	return slices.ContainsFunc(r.audit, func(a auditRow) bool { return a.action == action })
}

// remains is all that the database keeps.
type remains struct {
	calls map[string]*record
	// events are all, by agent, in their order.
	events map[string][]eventRow
	// shown is the presence of every agent with its revision.
	shown map[string]wirePresence
}

// each runs a query and hands every row to a function.
func (w *world) each(ctx context.Context, query string, row func(scan func(...any) error) error) error {
	rows, err := w.db.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return rows.Err()
}

// exhume reads all that the database keeps.
func (w *world) exhume(ctx context.Context) (*remains, error) {
	r := &remains{calls: map[string]*record{}, events: map[string][]eventRow{}, shown: map[string]wirePresence{}}
	for _, read := range []func(context.Context, *world) error{
		r.readCalls, r.readLegs, r.readEvents, r.readDeliveries, r.readAudit, r.readPresence,
	} {
		if err := read(ctx, w); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *remains) readCalls(ctx context.Context, w *world) error {
	return w.each(ctx, `SELECT id, agent_id, site_id, kind, number, number_kind, caller_id, dialed_at, closed_at, degraded FROM calls`,
		func(scan func(...any) error) error {
			var c record
			var closed sql.NullTime
			err := scan(&c.id, &c.agent, &c.site, &c.kind, &c.number, &c.numberKind, &c.callerID, &c.dialedAt, &closed, &c.degraded)
			c.closedAt = closed.Time
			r.calls[c.id] = &c
			return err
		})
}

func (r *remains) readLegs(ctx context.Context, w *world) error {
	return w.each(ctx, `SELECT id, call_id, direction, remote, reason, started_at, ended_at FROM legs ORDER BY started_at, id`,
		func(scan func(...any) error) error {
			var leg legRow
			var call string
			var ended sql.NullTime
			if err := scan(&leg.id, &call, &leg.direction, &leg.remote, &leg.reason, &leg.startedAt, &ended); err != nil {
				return err
			}
			leg.endedAt = ended.Time
			r.calls[call].legs = append(r.calls[call].legs, leg)
			return nil
		})
}

func (r *remains) readEvents(ctx context.Context, w *world) error {
	return w.each(ctx, `SELECT seq, type, agent_id, call_id, leg_id, status, at FROM events ORDER BY seq`,
		func(scan func(...any) error) error {
			var e eventRow
			if err := scan(&e.seq, &e.kind, &e.agent, &e.call, &e.leg, &e.status, &e.at); err != nil {
				return err
			}
			r.events[e.agent] = append(r.events[e.agent], e)
			if call := r.calls[e.call]; call != nil {
				call.events = append(call.events, e)
			}
			return nil
		})
}

func (r *remains) readDeliveries(ctx context.Context, w *world) error {
	return w.each(ctx, `SELECT call_id, event, round, address, state FROM deliveries`, func(scan func(...any) error) error {
		var d deliveryRow
		var id string
		err := scan(&id, &d.event, &d.round, &d.address, &d.state)
		if call := r.calls[id]; call != nil {
			call.deliveries = append(call.deliveries, d)
		}
		return err
	})
}

func (r *remains) readAudit(ctx context.Context, w *world) error {
	return w.each(ctx, `SELECT call_id, action, outcome, at FROM audit WHERE call_id <> '' ORDER BY seq`,
		func(scan func(...any) error) error {
			var a auditRow
			var id string
			err := scan(&id, &a.action, &a.outcome, &a.at)
			if call := r.calls[id]; call != nil {
				call.audit = append(call.audit, a)
			}
			return err
		})
}

func (r *remains) readPresence(ctx context.Context, w *world) error {
	return w.each(ctx, `SELECT id, presence_status, presence_revision FROM agents`, func(scan func(...any) error) error {
		var id string
		var p wirePresence
		err := scan(&id, &p.Status, &p.Revision)
		r.shown[id] = p
		return err
	})
}

// leftovers are what must not be there once the dust has settled.
var leftovers = []struct{ what, query string }{
	{"open calls", `SELECT COUNT(*) FROM calls WHERE closed_at IS NULL`},
	{"legs that are up", `SELECT COUNT(*) FROM legs WHERE ended_at IS NULL`},
	{"claims on numbers", `SELECT COUNT(*) FROM lease_claims`},
	{"leases", `SELECT COUNT(*) FROM leases`},
	{"routes", `SELECT COUNT(*) FROM routes`},
	{"numbers that count as leased", `SELECT COUNT(*) FROM callback_numbers WHERE leased`},
	{"claims on presence", `SELECT COUNT(*) FROM presence_claims`},
	{"presence overrides", `SELECT COUNT(*) FROM presence_overrides`},
	{"messages to Temporal", `SELECT COUNT(*) FROM outbox`},
	{"notices that are to be sent", `SELECT COUNT(*) FROM deliveries WHERE state = 'queued'`},
}

// unsettled tells what is left to be done, in words; empty when nothing is.
func (w *world) unsettled(ctx context.Context) []string {
	var left []string
	for _, l := range leftovers {
		var count int
		if err := w.db.QueryRowContext(ctx, l.query).Scan(&count); err != nil {
			left = append(left, fmt.Sprintf("%s: %v", l.what, err))
		} else if count > 0 {
			left = append(left, fmt.Sprintf("%d %s", count, l.what))
		}
	}
	for _, address := range w.apis {
		spooled, err := w.spooled(address)
		if err != nil || spooled > 0 {
			left = append(left, fmt.Sprintf("%d records in a spool, %v", spooled, err))
		}
	}
	running, err := w.runningWorkflows(ctx)
	if err != nil || running > 0 {
		left = append(left, fmt.Sprintf("%d running workflows, %v", running, err))
	}
	return left
}

// spooled is how much an API has answered and not written down, as its metrics say.
func (w *world) spooled(address string) (int, error) {
	response, err := web.Get("http://" + address + "/metrics") //nolint:noctx // it is asked when all is well
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	total, found := 0, 0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if name != "lifeline_spool_records" && name != "lifeline_spool_undurable" {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", name, err)
		}
		total, found = total+n, found+1
	}
	if found != 2 {
		return 0, errors.New("its metrics do not tell")
	}
	return total, nil
}

// setAside are the files with what a spool could not give to the database, ever.
func (w *world) setAside() []string {
	var all []string
	for _, dir := range w.spools {
		found, err := filepath.Glob(filepath.Join(dir, "*.rejected"))
		if err != nil {
			panic(err) // the pattern is right
		}
		all = append(all, found...)
	}
	return all
}
