package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"lifeline/internal/emergency"
)

// checkSeen is emergency.ErrChangedMeanwhile when what is kept has another revision
// than the one that a change is based on. It locks what it reads.
func (t tx) checkSeen(ctx context.Context, by emergency.Change, query string, id any) error {
	if by.Seen == 0 {
		return nil
	}
	var kept int64
	err := t.scan(ctx, &kept, query+t.rowLock, id)
	if errors.Is(err, sql.ErrNoRows) {
		kept, err = emergency.SeenNothing, nil
	}
	if err == nil && kept != by.Seen {
		return emergency.ErrChangedMeanwhile
	}
	return err
}

// changed leaves the audit line of an administrator's change, and tells of it. A
// subject is an ID; of a number it shows the end alone.
func (t tx) changed(ctx context.Context, action, subject string, revision int64, by emergency.Change, at time.Time) error {
	if _, err := t.exec(ctx, `INSERT INTO audit (at, action, subject, revision, changed_by, request_id)
		VALUES ($1, $2, $3, $4, $5, $6)`, stamp(at), action, subject, revision, by.By, by.RequestID); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{Type: emergency.EventConfigurationChanged, Status: emergency.Status(action), At: at})
}
