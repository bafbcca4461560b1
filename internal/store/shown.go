package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"lifeline/internal/emergency"
)

// Shown is the number that the PSAP saw of a call that was answered without SQL (B7). It
// leads to the call, whatever SQL has chosen.
type Shown struct {
	// Number is in E.164.
	Number string
	// Kind is leased for a number that the agent held then.
	Kind emergency.NumberKind
}

// placeAnswered writes down a call that was answered without SQL, maybe hours ago.
// Doing so again changes nothing.
//
// SQL may know the call already, when the answer did not wait for the transaction, or when
// another process gave another answer: then both lead to it. The agent may have been
// removed since, or even be missing from a backup that was restored; a promise was given,
// so the call is kept all the same.
// Only a site that does not exist is emergency.ErrUnknownSite: nobody could say where
// help should go. A call with this ID that was over before, or has been erased, is
// emergency.ErrCallOver: this one needs another ID.
func (s *Store) placeAnswered(ctx context.Context, p Placement) (emergency.Call, error) {
	var call emergency.Call
	err := s.background.inTx(ctx, "place answered call", func(t tx) error {
		if err := t.keepCaller(ctx, p.Caller); err != nil {
			return err
		}
		presence, err := t.lockAgent(ctx, p.Caller.Agent.ID)
		if err != nil {
			return err
		}
		if err := t.lockID(ctx, p.CallID); err != nil {
			return err
		}
		call, err = loadCall(ctx, t, p.CallID)
		switch {
		case err == nil && !call.DialedAt.Equal(stamp(p.At)) && !stamp(p.At).Before(call.Past().Over):
			err = emergency.ErrCallOver
		case err == nil:
			err = t.correct(ctx, call, *p.Shown)
		case errors.Is(err, emergency.ErrUnknownCall):
			if err = whyUnknown(ctx, t, p.CallID); errors.Is(err, emergency.ErrErasedCall) {
				return emergency.ErrCallOver
			}
			err = t.insertAnswered(ctx, p, presence)
		}
		if err != nil {
			return err
		}
		if err := t.endIfEarly(ctx, p.CallID, p.Call().Legs[0]); err != nil {
			return err
		}
		if call, err = loadCall(ctx, t, p.CallID); err != nil {
			return err
		}
		return t.restShown(ctx, call)
	})
	return call, err
}

// lockID has others wait who lock the same ID.
func (t tx) lockID(ctx context.Context, id emergency.CallID) error {
	if t.idLock == "" {
		return nil
	}
	if _, err := t.ExecContext(ctx, t.idLock, id); err != nil {
		return fmt.Errorf("lock call: %w", err)
	}
	return nil
}

// keepCaller makes sure that an agent can be called back who has been forgotten since
// the call was answered, or whom this database has never known.
func (t tx) keepCaller(ctx context.Context, caller emergency.Caller) error {
	if _, err := readSite(ctx, t, caller.Site.ID); err != nil {
		return err
	}
	endpoints, err := json.Marshal(caller.Agent.Endpoints)
	if err != nil {
		return fmt.Errorf("encode endpoints: %w", err)
	}
	if _, err := t.exec(ctx, `INSERT INTO agents (id, name, site_id, endpoints, presence_status, presence_revision, presence_changed_at, deleted)
		VALUES ($1, $2, $3, $4, $5, 1, $6, TRUE) ON CONFLICT (id) DO NOTHING`,
		caller.Agent.ID, caller.Agent.Name, caller.Site.ID, string(endpoints), emergency.StatusOffline, t.now()); err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE agents SET name = $2, endpoints = $3 WHERE id = $1 AND deleted AND name = ''`,
		caller.Agent.ID, caller.Agent.Name, string(endpoints))
	return err
}

// insertAnswered writes down a call that SQL has not heard of.
func (t tx) insertAnswered(ctx context.Context, p Placement, presence emergency.Presence) error {
	call := p.Call()
	held, err := t.holdShown(ctx, &call)
	if err != nil {
		return err
	}
	if err := t.insertCall(ctx, call); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE calls SET recorded_at = $2 WHERE id = $1`, call.ID, t.now()); err != nil {
		return err
	}
	if err := t.settleShown(ctx, call, held); err != nil {
		return err
	}
	if err := t.openWithLeg(ctx, call, p); err != nil {
		return err
	}
	return t.overrideLate(ctx, call, call.Legs[0], presence)
}

// correct has callbacks to the number that a call showed lead to it, beside those to the
// number that SQL had chosen: either may be what the PSAP saw, as one dial may be answered
// by two processes.
func (t tx) correct(ctx context.Context, call emergency.Call, shown Shown) error {
	if _, err := t.exec(ctx, `UPDATE calls SET degraded = TRUE WHERE id = $1`, call.ID); err != nil {
		return err
	}
	corrected := call.Degraded && call.Route.CallerID != call.Number
	switch {
	case call.LeadsHere(shown.Number), corrected: // a call has no place for a third number
		return nil
	case call.ClosedAt.IsZero() && shown.Kind == emergency.NumberLeased && call.NumberKind != emergency.NumberLeased:
		return t.holdBeside(ctx, call, shown)
	}
	call.Degraded, call.Route.CallerID = true, shown.Number
	if call.NumberKind == emergency.NumberStanding {
		call.Number = shown.Number
	}
	if _, err := t.exec(ctx, `UPDATE calls SET number = $2, caller_id = $3,
			rests_until = CASE WHEN closed_at IS NULL THEN rests_until ELSE $4 END WHERE id = $1`,
		call.ID, call.Number, call.Route.CallerID, stamp(call.Past().Until)); err != nil {
		return err
	}
	if shown.Kind == emergency.NumberLeased {
		if err := t.settleShown(ctx, call, false); err != nil {
			return err
		}
	}
	return t.tellOfCorrection(ctx, call)
}

// holdBeside gives an open call the leased number that it showed, beside the standing one
// that SQL had chosen. If another holds that by now, callbacks to it are not for this call
// anyway: one that is known to have shown the standing number keeps that.
func (t tx) holdBeside(ctx context.Context, call emergency.Call, shown Shown) error {
	known := call.Degraded
	call.Degraded, call.Number, call.NumberKind = true, shown.Number, shown.Kind
	held, err := t.holdShown(ctx, &call)
	if err != nil || !held && known {
		return err
	}
	if !held {
		call.Route.CallerID = shown.Number
	}
	if _, err := t.exec(ctx, `UPDATE calls SET number = $2, number_kind = $3, caller_id = $4 WHERE id = $1`,
		call.ID, call.Number, call.NumberKind, call.Route.CallerID); err != nil {
		return err
	}
	if err := t.settleShown(ctx, call, held); err != nil {
		return err
	}
	body := emergency.CorrectedNumber{Number: call.Number, Kind: call.NumberKind, At: t.now()}
	if err := t.enqueue(ctx, call.ID, emergency.MessageNumberCorrected, body); err != nil {
		return err
	}
	return t.tellOfCorrection(ctx, call)
}

// tellOfCorrection says that the PSAP may have seen another number than SQL had chosen.
func (t tx) tellOfCorrection(ctx context.Context, call emergency.Call) error {
	if err := t.auditCall(ctx, string(emergency.EventNumberCorrected), call); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventNumberCorrected, AgentID: call.AgentID, SiteID: call.SiteID, CallID: call.ID, At: t.now(),
	})
}

// holdShown leases for a call the very number that it showed, if that was leased then:
// its agent may still hold it, or nobody else does. It is false when somebody else does,
// or when the agent holds another number there by now. Then the call has the number as
// one that it merely showed, so that two agents never share a lease (B5).
func (t tx) holdShown(ctx context.Context, call *emergency.Call) (bool, error) {
	if call.NumberKind != emergency.NumberLeased {
		return true, nil
	}
	var holder emergency.AgentID
	err := t.scan(ctx, &holder, `SELECT agent_id FROM leases WHERE number = $1`, call.Number)
	if err == nil && holder == call.AgentID {
		return true, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	taken, err := t.exec(ctx, `UPDATE callback_numbers SET leased = TRUE, leased_at = $4,
			last_used_at = CASE WHEN last_used_at < $4 THEN $4 ELSE last_used_at END
		WHERE number = $1 AND site_id = $2 AND NOT leased AND NOT (`+departed+`$5)
		AND NOT EXISTS (SELECT 1 FROM leases WHERE agent_id = $3 AND site_id = $2)`,
		call.Number, call.SiteID, call.AgentID, call.DialedAt, t.now())
	if err != nil {
		return false, err
	}
	if taken == 0 {
		call.NumberKind = emergency.NumberStanding
		return false, nil
	}
	_, err = t.exec(ctx, `INSERT INTO leases (number, agent_id, site_id, leased_at) VALUES ($1, $2, $3, $4)`,
		call.Number, call.AgentID, call.SiteID, call.DialedAt)
	return err == nil, err
}

// settleShown has callbacks reach the call on the number that it showed. If it does not
// hold that number, people are told.
func (t tx) settleShown(ctx context.Context, call emergency.Call, held bool) error {
	if !call.ClosedAt.IsZero() {
		return nil
	}
	if held {
		return t.claim(ctx, call)
	}
	if err := t.auditCall(ctx, string(emergency.EventNumberLost), call); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventNumberLost, AgentID: call.AgentID, SiteID: call.SiteID, CallID: call.ID, At: t.now(),
	})
}

// restShown keeps a number of a pool from the next caller for as long as a callback may be
// for a call that showed it without having it.
func (t tx) restShown(ctx context.Context, call emergency.Call) error {
	if !call.Degraded || call.NumberKind == emergency.NumberLeased && call.Number == call.Route.CallerID || !call.ClosedAt.IsZero() {
		return nil
	}
	_, err := t.exec(ctx, `UPDATE callback_numbers SET
		last_used_at = CASE WHEN last_used_at < $2 THEN $2 ELSE last_used_at END,
		last_call = CASE WHEN free_at < $3 THEN $4 ELSE last_call END,
		free_at = CASE WHEN free_at < $3 THEN $3 ELSE free_at END
		WHERE number = $1 AND NOT (`+departed+`$5)`,
		call.Route.CallerID, call.DialedAt, stamp(call.ExpiresAt().Add(call.Terms.Quarantine)), call.ID, t.now())
	return err
}
