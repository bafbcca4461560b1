package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// Presence is what an agent shows now, also after the agent has been removed: a call
// that goes on is restored after it (S10).
func (s *Store) Presence(ctx context.Context, id emergency.AgentID) (emergency.Presence, error) {
	shown, err := scanPresence(s.read.QueryRowContext(ctx,
		`SELECT presence_status, presence_revision, presence_changed_at FROM agents WHERE id = $1`, id))
	if err != nil {
		return shown, fmt.Errorf("read presence: %w", outageOf(err))
	}
	return shown, nil
}

// SetPresence is somebody's own choice. During an emergency call it is kept, and
// the end of the call leaves it alone (B4). Choosing what is shown already is no
// change, so that a desktop may repeat itself.
func (s *Store) SetPresence(ctx context.Context, id emergency.AgentID, status emergency.Status) (emergency.Presence, error) {
	return s.setPresence(ctx, id, status, func(tx, emergency.Presence) error { return nil })
}

// SetPresenceFor is the same when somebody else chooses for the agent, which leaves a
// line in the audit.
func (s *Store) SetPresenceFor(
	ctx context.Context, id emergency.AgentID, status emergency.Status, by emergency.Change,
) (emergency.Presence, error) {
	return s.setPresence(ctx, id, status, func(t tx, shown emergency.Presence) error {
		return t.audit(ctx, "presence-changed", string(id), shown.Revision, by, shown.ChangedAt)
	})
}

// setPresence calls chosen when something has changed.
func (s *Store) setPresence(
	ctx context.Context, id emergency.AgentID, status emergency.Status, chosen func(tx, emergency.Presence) error,
) (emergency.Presence, error) {
	var shown emergency.Presence
	if err := status.Validate(); err != nil {
		return shown, err //nolint:wrapcheck // the domain's own words
	}
	err := s.inTx(ctx, "set presence", func(t tx) error {
		var err error
		if shown, err = t.lockAgent(ctx, id); err != nil {
			return err
		}
		if _, err := readAgent(ctx, t, id); err != nil || shown.Status == status {
			return err
		}
		shown = emergency.Presence{Status: status, Revision: shown.Revision + 1, ChangedAt: s.now()}
		if err := t.showPresence(ctx, id, shown); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE agents SET chosen_revision = $2 WHERE id = $1`, id, shown.Revision); err != nil {
			return err
		}
		return chosen(t, shown)
	})
	return shown, err
}

// EnsureOverride makes sure that a leg which is still up has put its agent on Do
// not disturb. The dial has usually done it.
func (s *Store) EnsureOverride(ctx context.Context, id emergency.CallID, leg emergency.LegID) error {
	return s.background.withCall(ctx, "ensure presence override", id, func(t tx, call emergency.Call) error {
		for _, l := range call.Legs {
			if l.ID == leg && l.Up() {
				shown, err := t.lockAgent(ctx, call.AgentID)
				if err != nil {
					return err
				}
				return t.overrideLate(ctx, call, l, shown)
			}
		}
		return nil
	})
}

// EnsureRestored makes sure that the call's ended legs no longer hold the agent
// on Do not disturb (S10, B4). The end request has usually done it.
func (s *Store) EnsureRestored(ctx context.Context, id emergency.CallID) error {
	return s.background.withCall(ctx, "ensure presence restored", id, func(t tx, call emergency.Call) error {
		for _, leg := range call.Legs {
			if leg.Up() {
				continue
			}
			if err := t.restorePresence(ctx, call.AgentID, leg.ID, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// lockAgent locks an agent's affairs until the transaction ends, and reads the
// presence as it stands. The agent may have been removed.
func (t tx) lockAgent(ctx context.Context, id emergency.AgentID) (emergency.Presence, error) {
	shown, err := scanPresence(t.QueryRowContext(ctx,
		`SELECT presence_status, presence_revision, presence_changed_at FROM agents WHERE id = $1`+t.rowLock, id))
	if err != nil {
		return shown, fmt.Errorf("lock agent: %w", err)
	}
	return shown, nil
}

func scanPresence(row *sql.Row) (emergency.Presence, error) {
	var p emergency.Presence
	err := row.Scan(&p.Status, &p.Revision, &p.ChangedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return p, emergency.ErrUnknownAgent
	}
	p.ChangedAt = p.ChangedAt.UTC()
	return p, err //nolint:wrapcheck // the callers wrap
}

// overridePresence lets one leg claim Do not disturb, and reports what was shown
// before and what is shown now. A leg that has claimed it already changes
// nothing, so a repeated message never undoes somebody's later choice (B4).
func (t tx) overridePresence(ctx context.Context, call emergency.Call, leg emergency.Leg, shown emergency.Presence,
) (emergency.Status, emergency.Presence, error) {
	if claimed, err := t.claimPresence(ctx, call, leg); err != nil || !claimed {
		return "", shown, err
	}
	held, err := t.heldOverride(ctx, call.AgentID)
	if err != nil {
		return "", shown, err
	}
	next, override := emergency.BeginOverride(later(stamp(leg.StartedAt), shown.ChangedAt), shown, held)
	if _, err := t.exec(ctx, `INSERT INTO presence_overrides (agent_id, previous, revision) VALUES ($1, $2, $3)
		ON CONFLICT (agent_id) DO UPDATE SET previous = excluded.previous, revision = excluded.revision`,
		call.AgentID, override.Previous, override.Revision); err != nil {
		return "", shown, err
	}
	if err := t.presenceWas(ctx, call, override.Previous); err != nil {
		return "", shown, err
	}
	if next.Revision != shown.Revision {
		err = t.showPresence(ctx, call.AgentID, next)
	}
	return override.Previous, next, err
}

// overrideLate does the same for a leg that is written down after it has begun. What
// somebody has chosen since stays, and the end of the leg leaves it alone (B4); a call
// that is over by now changes nothing.
func (t tx) overrideLate(ctx context.Context, call emergency.Call, leg emergency.Leg, shown emergency.Presence) error {
	if call.Status(t.now()) == emergency.CallEnded {
		return nil
	}
	var chosen int64
	if err := t.scan(ctx, &chosen, `SELECT chosen_revision FROM agents WHERE id = $1`, call.AgentID); err != nil {
		return err
	}
	if chosen != shown.Revision || !shown.ChangedAt.After(leg.StartedAt) {
		_, _, err := t.overridePresence(ctx, call, leg, shown)
		return err
	}
	if claimed, err := t.claimPresence(ctx, call, leg); err != nil || !claimed {
		return err
	}
	// No presence has revision 0, so that this override restores nothing.
	if _, err := t.exec(ctx, `INSERT INTO presence_overrides (agent_id, previous, revision) VALUES ($1, $2, 0)
		ON CONFLICT (agent_id) DO NOTHING`, call.AgentID, shown.Status); err != nil {
		return err
	}
	return t.presenceWas(ctx, call, shown.Status)
}

// claimPresence is false for a leg that has a claim on the agent's presence already.
func (t tx) claimPresence(ctx context.Context, call emergency.Call, leg emergency.Leg) (bool, error) {
	claimed, err := t.exec(ctx, `INSERT INTO presence_claims (leg_id, agent_id) VALUES ($1, $2)
		ON CONFLICT (leg_id) DO NOTHING`, leg.ID, call.AgentID)
	return claimed > 0, err
}

// presenceWas keeps with a call what the agent showed before its latest leg.
func (t tx) presenceWas(ctx context.Context, call emergency.Call, status emergency.Status) error {
	_, err := t.exec(ctx, `UPDATE calls SET presence_before = $2 WHERE id = $1`, call.ID, status)
	return err
}

// restorePresence drops one leg's claim. The last leg to go restores what was
// shown before, unless somebody has chosen otherwise meanwhile (B4).
func (t tx) restorePresence(ctx context.Context, agent emergency.AgentID, leg emergency.LegID, now time.Time) error {
	dropped, err := t.exec(ctx, `DELETE FROM presence_claims WHERE leg_id = $1`, leg)
	if err != nil || dropped == 0 {
		return err
	}
	_, err = t.endOverride(ctx, agent, now)
	return err
}

// endOverride restores what was shown before, if no leg has a claim on it any more. It is
// false when there was nothing to end.
func (t tx) endOverride(ctx context.Context, agent emergency.AgentID, now time.Time) (bool, error) {
	var others int
	if err := t.scan(ctx, &others, `SELECT COUNT(*) FROM presence_claims WHERE agent_id = $1`, agent); err != nil || others > 0 {
		return false, err
	}
	held, err := t.heldOverride(ctx, agent)
	if err != nil || held == nil {
		return false, err
	}
	if _, err := t.exec(ctx, `DELETE FROM presence_overrides WHERE agent_id = $1`, agent); err != nil {
		return false, err
	}
	shown, err := t.lockAgent(ctx, agent)
	if err != nil {
		return false, err
	}
	if next := emergency.EndOverride(later(stamp(now), shown.ChangedAt), shown, *held); next.Revision != shown.Revision {
		err = t.showPresence(ctx, agent, next)
	}
	return true, err
}

func (t tx) heldOverride(ctx context.Context, agent emergency.AgentID) (*emergency.Override, error) {
	var held emergency.Override
	err := t.QueryRowContext(ctx, `SELECT previous, revision FROM presence_overrides WHERE agent_id = $1`, agent).
		Scan(&held.Previous, &held.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // no override is an ordinary answer
	}
	if err != nil {
		return nil, fmt.Errorf("read presence override: %w", err)
	}
	return &held, nil
}

// showPresence writes a new presence and tells everybody who follows along.
func (t tx) showPresence(ctx context.Context, agent emergency.AgentID, p emergency.Presence) error {
	if _, err := t.exec(ctx, `UPDATE agents SET presence_status = $2, presence_revision = $3, presence_changed_at = $4
		WHERE id = $1`, agent, p.Status, p.Revision, p.ChangedAt); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{Type: emergency.EventPresenceChanged, AgentID: agent, Status: p.Status, At: p.ChangedAt})
}
