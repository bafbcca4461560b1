package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// leftBehind are what SQL keeps of a call, without times, by name. $1 is the call, $2 the
// agent, $3 the site's number.
var leftBehind = map[string]string{
	"the call": `SELECT number, number_kind, degraded, closed_at IS NOT NULL FROM calls WHERE id = $1`,
	"legs":     `SELECT id, direction, ended_at IS NOT NULL, reason FROM legs WHERE call_id = $1 ORDER BY id`,
	"presence": `SELECT presence_status, presence_revision FROM agents WHERE id = $2`,
	"overrides": `SELECT 'override' FROM presence_overrides WHERE agent_id = $2
		UNION ALL SELECT leg_id FROM presence_claims WHERE agent_id = $2`,
	"the number": `SELECT leased, draining, last_call FROM callback_numbers WHERE number = $3`,
	"leases": `SELECT 'lease of ' || number FROM leases WHERE number = $3 OR agent_id = $2
		UNION ALL SELECT 'claim on ' || number FROM lease_claims WHERE call_id = $1
		UNION ALL SELECT 'route of ' || number FROM routes WHERE number = $3 OR agent_id = $2`,
	"deliveries": `SELECT event, round, address, state FROM deliveries WHERE call_id = $1 ORDER BY event, round, address`,
	"notices": `SELECT event, round, acknowledged_by, acknowledged_at IS NOT NULL FROM notices WHERE call_id = $1
		ORDER BY event, round`,
	"outbox":            `SELECT kind FROM outbox WHERE call_id = $1`,
	"the refused dial":  `SELECT told_as FROM refused_calls WHERE call_id = $1`,
	"audit":             `SELECT action, outcome, legs FROM audit WHERE call_id = $1 ORDER BY seq`,
	"events":            `SELECT type, leg_id, kind, status FROM events WHERE agent_id = $2 AND type <> 'notice-updated' ORDER BY seq`,
	"events of notices": `SELECT COUNT(*) FROM events WHERE call_id = $1 AND type = 'notice-updated'`,
}

// rows reads what is left.
func (s *scene) rows() map[string][]string {
	s.Helper()
	left := map[string][]string{}
	for name, query := range leftBehind {
		found, err := s.table(query)
		if err != nil {
			s.Fatalf("read %s: %v", name, err)
		}
		if len(found) > 0 {
			left[name] = found
		}
	}
	return left
}

// table is what a query finds, a line for each row.
func (s *scene) table(query string) (lines []string, err error) {
	found, err := s.stage.rows.QueryContext(s.Context(), query, string(s.id), string(s.agent()), s.number)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.Close(), found.Err()) }()
	columns, err := found.Columns()
	if err != nil {
		return nil, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		lines = append(lines, s.alike(strings.TrimSuffix(fmt.Sprintln(values...), "\n")))
	}
	return lines, nil
}

// alike names call, agent, site, numbers and terms as in every other scene.
func (s *scene) alike(text string) string {
	return strings.NewReplacer(
		string(s.id), "CALL", string(s.agent()), "AGENT", "site-"+strconv.Itoa(s.n), "SITE",
		s.number, "NUMBER", s.standing, "STANDING",
		"after "+s.tale.terms.MaxCall.String(), "after the longest time allowed",
	).Replace(text)
}
