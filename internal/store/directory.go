package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"lifeline/internal/emergency"
)

const selectCaller = `SELECT a.id, a.name, a.site_id, a.endpoints, a.capacity_profiles, a.calling_number, a.mailbox_off,
	a.presence_status, a.presence_revision, a.presence_changed_at, a.revision,
	s.id, s.name, s.country, s.address, s.standing_number, s.fallback_endpoint, s.final_number,
	s.agent_ring_seconds, s.fallback_ring_seconds, s.recipients, s.test_recipients, s.time_zone, s.revision,
	COALESCE(c.as_typed, ''), a.location, a.location_at, (SELECT revision FROM voice_routing)
	FROM agents a JOIN sites s ON s.id = a.site_id LEFT JOIN contacts c ON c.agent_id = a.id
	WHERE NOT a.deleted`

// Caller reads what a dial needs to know of an agent: in one query, because somebody
// is waiting.
func (s *Store) Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error) {
	callers, err := s.callers(ctx, selectCaller+` AND a.id = $1`, id)
	if err != nil {
		return emergency.Caller{}, fmt.Errorf("read caller: %w", err)
	}
	if len(callers) == 0 {
		return emergency.Caller{}, emergency.ErrUnknownAgent
	}
	return callers[0], nil
}

// Callers reads the same of every agent, by ID (B12).
func (s *Store) Callers(ctx context.Context) ([]emergency.Caller, error) {
	callers, err := s.callers(ctx, selectCaller+` ORDER BY a.id`)
	if err != nil {
		return nil, fmt.Errorf("read callers: %w", err)
	}
	return callers, nil
}

func (s *Store) callers(ctx context.Context, query string, args ...any) ([]emergency.Caller, error) {
	rows, err := collect(ctx, s.read, scanCaller, query, args...)
	if err != nil {
		return nil, err
	}
	callers := make([]emergency.Caller, 0, len(rows))
	var plan *emergency.VoicePlan
	for _, row := range rows {
		if plan == nil { // one query sees one revision
			if plan, err = s.voicePlan(ctx, row.routingRevision); err != nil {
				return nil, err
			}
		}
		row.Routing = plan
		callers = append(callers, row.Caller)
	}
	return callers, nil
}

// callerRow is a caller whose voice routing has yet to be found.
type callerRow struct {
	emergency.Caller

	routingRevision int64
}

func scanCaller(rows *sql.Rows) (callerRow, error) {
	var (
		caller          callerRow
		agent           agentRow
		site            siteRow
		typed, location string
		told            sql.NullTime
	)
	columns := slices.Concat(agent.columns(), site.columns(), []any{&typed, &location, &told, &caller.routingRevision})
	err := rows.Scan(columns...)
	if err == nil {
		caller.Agent, err = agent.agent()
	}
	if err == nil {
		caller.Site, err = site.site()
	}
	if err == nil && told.Valid {
		caller.Reported = &emergency.ReportedLocation{At: told.Time.UTC()}
		err = json.Unmarshal([]byte(location), &caller.Reported.Location)
	}
	// What is stored was valid when it was saved. If a later rule refuses it, the
	// call goes on without a notice rather than not at all (B7).
	caller.Contacts, _ = emergency.ParseRecipients(typed)
	return caller, err //nolint:wrapcheck // collect wraps
}

// Agent reads one agent, or gives emergency.ErrUnknownAgent.
func (s *Store) Agent(ctx context.Context, id emergency.AgentID) (emergency.Agent, error) {
	return readAgent(ctx, s.read, id)
}

const selectAgent = `SELECT id, name, site_id, endpoints, capacity_profiles, calling_number, mailbox_off,
	presence_status, presence_revision, presence_changed_at, revision FROM agents`

func readAgent(ctx context.Context, q querier, id emergency.AgentID) (emergency.Agent, error) {
	return oneAgent(ctx, q, selectAgent+` WHERE id = $1 AND NOT deleted`, id)
}

// keptAgent reads an agent who may have been removed since: calls go on, and people
// are called back (B6).
func keptAgent(ctx context.Context, q querier, id emergency.AgentID) (emergency.Agent, error) {
	return oneAgent(ctx, q, selectAgent+` WHERE id = $1`, id)
}

func oneAgent(ctx context.Context, q querier, query string, id emergency.AgentID) (emergency.Agent, error) {
	agents, err := collect(ctx, q, scanAgent, query, id)
	if err != nil {
		return emergency.Agent{}, fmt.Errorf("read agent: %w", err)
	}
	if len(agents) == 0 {
		return emergency.Agent{}, emergency.ErrUnknownAgent
	}
	return agents[0], nil
}

// Agents lists all agents by ID.
func (s *Store) Agents(ctx context.Context) ([]emergency.Agent, error) {
	agents, err := collect(ctx, s.read, scanAgent, selectAgent+` WHERE NOT deleted ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	return agents, nil
}

func scanAgent(rows *sql.Rows) (emergency.Agent, error) {
	var row agentRow
	if err := rows.Scan(row.columns()...); err != nil {
		return emergency.Agent{}, err //nolint:wrapcheck // collect wraps
	}
	return row.agent()
}

// agentRow is an agent as the columns have it.
type agentRow struct {
	emergency.Agent

	endpoints, profiles string
}

func (r *agentRow) columns() []any {
	return []any{
		&r.ID, &r.Name, &r.SiteID, &r.endpoints, &r.profiles, &r.CallingNumber, &r.MailboxOff,
		&r.Presence.Status, &r.Presence.Revision, &r.Presence.ChangedAt, &r.Revision,
	}
}

func (r *agentRow) agent() (emergency.Agent, error) {
	r.Presence.ChangedAt = r.Presence.ChangedAt.UTC()
	return r.Agent, errors.Join(
		json.Unmarshal([]byte(r.endpoints), &r.Endpoints), json.Unmarshal([]byte(r.profiles), &r.CapacityProfiles))
}
