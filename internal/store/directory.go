package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"lifeline/internal/emergency"
)

const selectCaller = `SELECT a.id, a.name, a.site_id, a.endpoints, a.presence_status, a.presence_revision, a.presence_changed_at,
	s.id, s.name, s.country, s.address, s.standing_number, s.fallback_endpoint, COALESCE(c.as_typed, '')
	FROM agents a JOIN sites s ON s.id = a.site_id LEFT JOIN contacts c ON c.agent_id = a.id`

// Caller reads what a dial needs to know of an agent: in one query, because somebody
// is waiting.
func (s *Store) Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error) {
	var (
		agent                     emergency.Agent
		site                      emergency.Site
		endpoints, address, typed string
	)
	err := s.read.QueryRowContext(ctx, selectCaller+` WHERE a.id = $1`, id).Scan(
		&agent.ID, &agent.Name, &agent.SiteID, &endpoints,
		&agent.Presence.Status, &agent.Presence.Revision, &agent.Presence.ChangedAt,
		&site.ID, &site.Name, &site.Country, &address, &site.StandingNumber, &site.FallbackEndpoint, &typed)
	if errors.Is(err, sql.ErrNoRows) {
		return emergency.Caller{}, emergency.ErrUnknownAgent
	}
	if err == nil {
		err = errors.Join(json.Unmarshal([]byte(endpoints), &agent.Endpoints), json.Unmarshal([]byte(address), &site.Address))
	}
	if err != nil {
		return emergency.Caller{}, fmt.Errorf("read caller: %w", err)
	}
	agent.Presence.ChangedAt = agent.Presence.ChangedAt.UTC()
	// What is stored was valid when it was saved. If a later rule refuses it, the
	// call goes on without a notice rather than not at all (B7).
	contacts, _ := emergency.ParseRecipients(typed)
	return emergency.Caller{Agent: agent, Site: site, Contacts: contacts}, nil
}

// Agent reads one agent, or gives emergency.ErrUnknownAgent.
func (s *Store) Agent(ctx context.Context, id emergency.AgentID) (emergency.Agent, error) {
	return readAgent(ctx, s.read, id)
}

const selectAgent = `SELECT id, name, site_id, endpoints, presence_status, presence_revision, presence_changed_at FROM agents`

func readAgent(ctx context.Context, q querier, id emergency.AgentID) (emergency.Agent, error) {
	agents, err := collect(ctx, q, scanAgent, selectAgent+` WHERE id = $1`, id)
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
	agents, err := collect(ctx, s.read, scanAgent, selectAgent+` ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	return agents, nil
}

func scanAgent(rows *sql.Rows) (emergency.Agent, error) {
	var (
		a         emergency.Agent
		endpoints string
	)
	if err := rows.Scan(&a.ID, &a.Name, &a.SiteID, &endpoints,
		&a.Presence.Status, &a.Presence.Revision, &a.Presence.ChangedAt); err != nil {
		return a, err //nolint:wrapcheck // collect wraps
	}
	a.Presence.ChangedAt = a.Presence.ChangedAt.UTC()
	return a, json.Unmarshal([]byte(endpoints), &a.Endpoints) //nolint:wrapcheck // collect wraps
}

// PutAgent adds or changes an agent. A new one starts offline; the presence of an
// existing one stays as it is.
func (s *Store) PutAgent(ctx context.Context, a emergency.Agent) error {
	if err := a.Validate(); err != nil {
		return err //nolint:wrapcheck // the domain's own words
	}
	endpoints, err := json.Marshal(a.Endpoints)
	if err != nil {
		return fmt.Errorf("encode endpoints: %w", err)
	}
	return s.inTx(ctx, "put agent", func(t tx) error {
		if _, err := readSite(ctx, t, a.SiteID); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO agents (id, name, site_id, endpoints, presence_status, presence_revision, presence_changed_at)
			VALUES ($1, $2, $3, $4, $5, 1, $6)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, site_id = excluded.site_id, endpoints = excluded.endpoints`,
			a.ID, a.Name, a.SiteID, string(endpoints), emergency.StatusOffline, s.now())
		return err
	})
}

// Contacts reads an agent's recipients as they were typed (S17).
func (s *Store) Contacts(ctx context.Context, id emergency.AgentID) (string, error) {
	var typed string
	err := s.read.QueryRowContext(ctx, `SELECT COALESCE(c.as_typed, '') FROM agents a
		LEFT JOIN contacts c ON c.agent_id = a.id WHERE a.id = $1`, id).Scan(&typed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", emergency.ErrUnknownAgent
	}
	if err != nil {
		return "", fmt.Errorf("read contacts: %w", err)
	}
	return typed, nil
}

// PutContacts replaces an agent's recipients, kept as they were typed (S17).
func (s *Store) PutContacts(ctx context.Context, id emergency.AgentID, typed string) error {
	if _, err := emergency.ParseRecipients(typed); err != nil {
		return err //nolint:wrapcheck // the domain's own words
	}
	return s.inTx(ctx, "put contacts", func(t tx) error {
		if _, err := t.lockAgent(ctx, id); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO contacts (agent_id, as_typed) VALUES ($1, $2)
			ON CONFLICT (agent_id) DO UPDATE SET as_typed = excluded.as_typed`, id, typed)
		return err
	})
}

const selectSite = `SELECT id, name, country, address, standing_number, fallback_endpoint FROM sites`

// Site reads one site, or gives emergency.ErrUnknownSite.
func (s *Store) Site(ctx context.Context, id emergency.SiteID) (emergency.Site, error) {
	return readSite(ctx, s.read, id)
}

func readSite(ctx context.Context, q querier, id emergency.SiteID) (emergency.Site, error) {
	sites, err := collect(ctx, q, scanSite, selectSite+` WHERE id = $1`, id)
	if err != nil {
		return emergency.Site{}, fmt.Errorf("read site: %w", err)
	}
	if len(sites) == 0 {
		return emergency.Site{}, emergency.ErrUnknownSite
	}
	return sites[0], nil
}

// Sites lists all sites by ID.
func (s *Store) Sites(ctx context.Context) ([]emergency.Site, error) {
	sites, err := collect(ctx, s.read, scanSite, selectSite+` ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	return sites, nil
}

func scanSite(rows *sql.Rows) (emergency.Site, error) {
	var (
		site    emergency.Site
		address string
	)
	if err := rows.Scan(&site.ID, &site.Name, &site.Country, &address, &site.StandingNumber, &site.FallbackEndpoint); err != nil {
		return site, err //nolint:wrapcheck // collect wraps
	}
	return site, json.Unmarshal([]byte(address), &site.Address) //nolint:wrapcheck // collect wraps
}

// PutSite adds or changes a site. Its standing number must be in no pool, or it is
// emergency.ErrNumberExists.
func (s *Store) PutSite(ctx context.Context, site emergency.Site) error {
	if err := site.Validate(); err != nil {
		return err //nolint:wrapcheck // the domain's own words
	}
	address, err := json.Marshal(site.Address)
	if err != nil {
		return fmt.Errorf("encode address: %w", err)
	}
	return s.inTx(ctx, "put site", func(t tx) error {
		if err := t.notInPool(ctx, site.StandingNumber); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO sites (id, name, country, address, standing_number, fallback_endpoint)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, country = excluded.country, address = excluded.address,
				standing_number = excluded.standing_number, fallback_endpoint = excluded.fallback_endpoint`,
			site.ID, site.Name, site.Country, string(address), site.StandingNumber, site.FallbackEndpoint)
		return err
	})
}
