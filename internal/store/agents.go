package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// PutAgent adds or changes an agent, and gives the agent as kept. A new one starts
// offline; the presence of an existing one stays as it is. Somebody who has been
// removed comes back as new, with a revision that nobody has seen. An agent's numbers
// must be for nothing else: see agentApart.
func (s *Store) PutAgent(ctx context.Context, a emergency.Agent, by emergency.Change) (emergency.Agent, error) {
	if err := a.Validate(); err != nil {
		return a, err //nolint:wrapcheck // the domain's own words
	}
	err := s.change(ctx, "put agent", func(t tx) error {
		now := s.now()
		if _, err := readSite(ctx, t, a.SiteID); err != nil {
			return err
		}
		if err := t.checkSeen(ctx, by, `SELECT revision FROM agents WHERE NOT deleted AND id = $1`, a.ID); err != nil {
			return err
		}
		if err := t.agentApart(ctx, a, now); err != nil {
			return err
		}
		if err := s.revive(ctx, t, a.ID); err != nil {
			return err
		}
		if err := t.upsertAgent(ctx, a, now); err != nil {
			return err
		}
		var err error
		if a, err = readAgent(ctx, t, a.ID); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "agent-changed", subject: emergency.SubjectAgent, name: string(a.ID), revision: a.Revision, agent: a.ID, site: a.SiteID,
		}, by, now)
	})
	return a, err
}

// agentApart refuses numbers of an agent that are for something else, as far as they are
// new: what was kept before there was such a rule may be kept again.
//
// A device must be nobody's to be called back on: neither a callback number nor one that
// stands for a site, now or until lately. The agent may call from the standing number of
// the own site, which is what an agent without a number shows, but not from another's:
// a callback would go there.
func (t tx) agentApart(ctx context.Context, a emergency.Agent, now time.Time) error {
	kept, err := readAgent(ctx, t, a.ID)
	if err != nil && !errors.Is(err, emergency.ErrUnknownAgent) {
		return err
	}
	if a.CallingNumber != kept.CallingNumber && a.CallingNumber != "" {
		if err := emergency.CheckWhole("callingNumber", a.CallingNumber); err != nil {
			return err //nolint:wrapcheck // the domain's own words
		}
	}
	if a.CallingNumber != kept.CallingNumber || a.SiteID != kept.SiteID {
		calling := field{"callingNumber", a.CallingNumber}
		if err := calling.apart(ctx, t.leasable(now), t.standing(a.SiteID)); err != nil {
			return err
		}
	}
	for _, uri := range a.Endpoints {
		if slices.Contains(kept.Endpoints, uri) {
			continue
		}
		for _, device := range devices("endpoints", uri) {
			if err := device.apart(ctx, t.leasable(now), t.standing(""), t.shown(now, "")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t tx) upsertAgent(ctx context.Context, a emergency.Agent, now time.Time) error {
	endpoints, err := json.Marshal(a.Endpoints)
	if err != nil {
		return fmt.Errorf("encode endpoints: %w", err)
	}
	profiles, err := json.Marshal(a.CapacityProfiles)
	if err != nil {
		return fmt.Errorf("encode capacity profiles: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO agents (id, name, site_id, endpoints, capacity_profiles, calling_number, mailbox_off,
			presence_status, presence_revision, presence_changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, site_id = excluded.site_id, endpoints = excluded.endpoints,
			capacity_profiles = excluded.capacity_profiles, calling_number = excluded.calling_number,
			mailbox_off = excluded.mailbox_off, deleted = FALSE, revision = agents.revision + 1`,
		a.ID, a.Name, a.SiteID, string(endpoints), string(profiles), a.CallingNumber, a.MailboxOff,
		emergency.StatusOffline, now)
	return err
}

// revive has an agent who has been removed start offline, unless a call that goes on
// still has a claim on the presence: its end restores what was before (S10).
func (s *Store) revive(ctx context.Context, t tx, id emergency.AgentID) error {
	shown, err := t.lockAgent(ctx, id)
	if errors.Is(err, emergency.ErrUnknownAgent) {
		return nil
	}
	if err != nil {
		return err
	}
	var absent int
	if err := t.scan(ctx, &absent, `SELECT COUNT(*) FROM agents WHERE id = $1 AND deleted
		AND NOT EXISTS (SELECT 1 FROM presence_claims WHERE agent_id = agents.id)`, id); err != nil {
		return err
	}
	if absent == 0 || shown.Status == emergency.StatusOffline {
		return nil
	}
	return t.showPresence(ctx, id, emergency.Presence{
		Status: emergency.StatusOffline, Revision: shown.Revision + 1, ChangedAt: s.now(),
	})
}

// RemoveAgent lets an agent make no further call. Calls that go on keep their numbers,
// and callbacks to them still ring the agent's devices; all else that is known of the
// agent goes at once, and name and devices with the last of these calls: see
// ForgetAgents.
func (s *Store) RemoveAgent(ctx context.Context, id emergency.AgentID, by emergency.Change) error {
	return s.change(ctx, "remove agent", func(t tx) error {
		gone, err := readAgent(ctx, t, id)
		if err != nil {
			return err
		}
		if err := t.checkSeen(ctx, by, `SELECT revision FROM agents WHERE id = $1`, id); err != nil {
			return err
		}
		var revision int64
		if err := t.scan(ctx, &revision, `UPDATE agents SET deleted = TRUE, calling_number = '', location = '', location_at = NULL,
				readiness = '', readiness_checks = '', contacts_revision = contacts_revision + 1, revision = revision + 1
			WHERE id = $1 RETURNING revision`, id); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM contacts WHERE agent_id = $1`, id); err != nil {
			return err
		}
		if err := t.tell(ctx, emergency.Event{
			Type: emergency.EventReadinessChanged, AgentID: id, Status: emergency.Status(emergency.NotReady), At: s.now(),
		}); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "agent-removed", subject: emergency.SubjectAgent, name: string(id), revision: revision, agent: id, site: gone.SiteID,
		}, by, s.now())
	})
}

// whileCalled holds for agents who can still be called back.
const whileCalled = `EXISTS (SELECT 1 FROM calls WHERE calls.agent_id = agents.id AND calls.closed_at IS NULL)`

// ForgetAgents blanks name and devices of removed agents without an open call: nobody
// can be called back on them any more.
func (s *Store) ForgetAgents(ctx context.Context) error {
	removed, err := collect(ctx, s.read, scanString[emergency.AgentID], `SELECT id FROM agents
		WHERE deleted AND name <> '' AND NOT `+whileCalled+` ORDER BY id`)
	if err != nil {
		return fmt.Errorf("find removed agents: %w", err)
	}
	for _, id := range removed {
		if err := s.background.inTx(ctx, "forget agent", func(t tx) error {
			if _, err := t.lockAgent(ctx, id); err != nil { // a dial may have been under way
				return err
			}
			_, err := t.exec(ctx, `UPDATE agents SET name = '', endpoints = '[]' WHERE id = $1 AND deleted AND NOT `+whileCalled, id)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
