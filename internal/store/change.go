package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"lifeline/internal/emergency"
)

// change runs an administrator's change in one transaction. Such changes take turns:
// each finds what the one before has left, so that of two based on the same revision
// one is refused, and no number comes into two hands. A dial takes no turn and waits
// for none (B7).
func (s *Store) change(ctx context.Context, what string, work func(tx) error) error {
	return s.inTx(ctx, what, func(t tx) error {
		// The one row of the voice routing stands for the whole configuration.
		if err := t.scan(ctx, new(int), `SELECT id FROM voice_routing`+t.rowLock); err != nil {
			return err
		}
		return work(t)
	})
}

// checkSeen is emergency.ErrChangedMeanwhile when what is kept has another revision
// than the one that a change is based on. Without a row, or at revision 0, nothing is
// kept.
func (t tx) checkSeen(ctx context.Context, by emergency.Change, query string, id any) error {
	if by.Seen == 0 {
		return nil
	}
	var kept int64
	err := t.scan(ctx, &kept, query, id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if kept == 0 {
		kept = emergency.SeenNothing
	}
	if kept != by.Seen {
		return emergency.ErrChangedMeanwhile
	}
	return nil
}

// configured is what an administrator has changed.
type configured struct {
	// action is what has been done, in words such as "site-changed".
	action  string
	subject emergency.Subject
	// name is the ID of what was changed, as the audit keeps it; of a number it is the
	// end alone, and the site.
	name     string
	revision int64
	// agent and site are whom it concerns; empty when that is nobody in particular.
	agent emergency.AgentID
	site  emergency.SiteID
}

// changed leaves the audit line of an administrator's change, and tells of it.
func (t tx) changed(ctx context.Context, c configured, by emergency.Change, at time.Time) error {
	if err := t.audit(ctx, c.action, c.name, c.revision, by, at); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventConfigurationChanged, Subject: c.subject, AgentID: c.agent, SiteID: c.site,
		Status: emergency.Status(c.action), At: at,
	})
}

// audit keeps what an administrator has done. The line holds no person and no whole
// number (B14).
func (t tx) audit(ctx context.Context, action, name string, revision int64, by emergency.Change, at time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO audit (at, action, subject, revision, changed_by, request_id)
		VALUES ($1, $2, $3, $4, $5, $6)`, stamp(at), action, name, revision, by.By, by.RequestID)
	return err
}
