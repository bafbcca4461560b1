package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// CallsUnderWay lists the calls that should have a workflow: they were written down before
// a time, their window is open or somebody has yet to hear of them, and no message that
// starts one waits.
func (s *Store) CallsUnderWay(ctx context.Context, before time.Time) ([]emergency.CallID, error) {
	ids, err := collect(ctx, s.read, scanString[emergency.CallID], `SELECT c.id FROM calls c
		WHERE c.id IN (SELECT id FROM calls WHERE closed_at IS NULL AND expires_at > $1
			UNION ALL SELECT call_id FROM deliveries WHERE state = 'queued' AND `+ofClosedCall+`)
		AND c.dialed_at <= $2 AND (c.recorded_at IS NULL OR c.recorded_at <= $2)
		AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.call_id = c.id AND o.kind IN ('placed', 'resumed'))
		ORDER BY c.id`, s.now(), stamp(before))
	if err != nil {
		return nil, fmt.Errorf("list calls under way: %w", err)
	}
	return ids, nil
}

// ResumeCall has the workflow of a call begun again, with everything that the one before
// it had been told: it finds done what has been done, and does the rest at its time. It is
// false when nothing is left to be done for the call, or it is being started already.
func (s *Store) ResumeCall(ctx context.Context, id emergency.CallID, r emergency.Resumption) (bool, error) {
	resumed := false
	err := s.background.withCall(ctx, "resume call", id, func(t tx, call emergency.Call) error {
		if call.Status(s.now()) == emergency.CallEnded && !yetToBeTold(call) {
			return nil
		}
		var starting int
		if err := t.scan(ctx, &starting, `SELECT COUNT(*) FROM outbox WHERE call_id = $1
			AND kind IN ('placed', 'resumed')`, id); err != nil || starting > 0 {
			return err
		}
		order, err := t.orderOf(ctx, call, r)
		if err != nil {
			return err
		}
		if err := t.enqueue(ctx, id, emergency.MessageResumed, order); err != nil {
			return err
		}
		resumed = true
		if err := t.tellAgain(ctx, call); err != nil {
			return err
		}
		return t.auditRepair(ctx, emergency.RepairResumed, call)
	})
	return resumed, err
}

// yetToBeTold tells whether somebody has yet to hear of a call.
func yetToBeTold(call emergency.Call) bool {
	return slices.ContainsFunc(call.Notice.Deliveries, func(d emergency.Delivery) bool {
		return d.Event == emergency.NoticePlaced && d.State == emergency.DeliveryQueued
	})
}

// orderOf is the order that the call's workflow was begun with, as far as it is kept.
func (t tx) orderOf(ctx context.Context, call emergency.Call, r emergency.Resumption) (emergency.Order, error) {
	site, err := readSite(ctx, t, call.SiteID)
	if err != nil {
		return emergency.Order{}, err
	}
	order := emergency.Order{
		CallID: call.ID, AgentID: call.AgentID, Kind: call.Kind, Dialed: call.Dialed, Country: call.Country,
		DialedAt: call.DialedAt, Number: call.Number, NumberKind: call.NumberKind,
		SiteName: site.Name, Terms: call.Terms, PresenceOutside: r.PresenceOutside, Notices: &r.Notices,
	}
	if call.NumberKind == emergency.NumberLeased && call.Route.CallerID != call.Number {
		// The workflow learns of the number that was leased late as it did before (B5).
		order.Number, order.NumberKind = call.Route.CallerID, emergency.NumberStanding
	}
	for _, leg := range call.Legs {
		if leg.Direction == emergency.Outbound {
			order.LegID = leg.ID
		}
	}
	for _, delivery := range call.Notice.Deliveries {
		if delivery.Event == emergency.NoticePlaced {
			order.Contacts++
		}
	}
	return order, nil
}

// tellAgain leaves the messages of everything that has happened to a call since its dial.
func (t tx) tellAgain(ctx context.Context, call emergency.Call) error {
	for _, leg := range call.Legs {
		if leg.Direction == emergency.Callback {
			body := emergency.CallbackReceived{LegID: leg.ID, At: leg.StartedAt}
			if err := t.enqueue(ctx, call.ID, emergency.MessageCallbackReceived, body); err != nil {
				return err
			}
		}
	}
	for _, leg := range call.Legs {
		if leg.Up() {
			continue
		}
		body := emergency.LegEnded{LegID: leg.ID, At: leg.EndedAt, Reason: leg.Reason}
		if err := t.enqueue(ctx, call.ID, emergency.MessageCallEnded, body); err != nil {
			return err
		}
	}
	for _, seen := range call.Notice.Acknowledged() {
		body := emergency.Acknowledged{Event: seen.Event, At: seen.AcknowledgedAt, By: seen.Address}
		if err := t.enqueue(ctx, call.ID, emergency.MessageAcknowledged, body); err != nil {
			return err
		}
	}
	return nil
}

// CloseCancelled does what the workflow of a cancelled call would have done: legs ended,
// presence as before, number given back, nobody told any more. It is false when the call
// is closed already.
func (s *Store) CloseCancelled(ctx context.Context, id emergency.CallID) (emergency.Repair, bool, error) {
	repair, closed := emergency.Repair{Kind: emergency.RepairCancelled, CallID: id}, false
	err := s.background.withCall(ctx, "close cancelled call", id, func(t tx, call emergency.Call) error {
		now := s.now()
		if !call.ClosedAt.IsZero() {
			return t.giveUp(ctx, emergency.ReasonCallClosed, now, `call_id = $4 AND `+ofClosedCall, id)
		}
		repair.AgentID, closed = call.AgentID, true
		if err := t.endLegs(ctx, &call, Ending{Reason: emergency.EndCancelled, At: now}); err != nil {
			return err
		}
		if err := t.closeCall(ctx, call, outcomeCancelled, now); err != nil {
			return err
		}
		if err := t.tellOutside(ctx, call.AgentID); err != nil {
			return err
		}
		return t.auditRepair(ctx, repair.Kind, call)
	})
	return repair, closed, err
}

// auditRepair keeps that something of a call has been put right, as often as it was.
func (t tx) auditRepair(ctx context.Context, what emergency.RepairKind, call emergency.Call) error {
	_, err := t.exec(ctx, `INSERT INTO audit (at, action, subject, country, kind) VALUES ($1, $2, $3, $4, $5)`,
		t.now(), what, call.ID, call.Country, call.Kind)
	return err
}

// LegsUp lists the legs of open calls that began before a time and that a carrier should
// know of: a test that touched no trunk is known to none (B13).
func (s *Store) LegsUp(ctx context.Context, before time.Time) ([]emergency.LegRef, error) {
	legs, err := collect(ctx, s.read, func(rows *sql.Rows) (emergency.LegRef, error) {
		var ref emergency.LegRef
		err := rows.Scan(&ref.CallID, &ref.LegID)
		return ref, err //nolint:wrapcheck // collect wraps
	}, `SELECT c.id, g.id FROM calls c JOIN legs g ON g.call_id = c.id
		WHERE c.closed_at IS NULL AND c.expires_at > $1 AND g.ended_at IS NULL AND g.started_at <= $2
		AND NOT (c.route_path = $3 AND g.direction = $4) ORDER BY c.id, g.id`,
		s.now(), stamp(before), emergency.NoPath, emergency.Outbound)
	if err != nil {
		return nil, fmt.Errorf("list legs that are up: %w", err)
	}
	return legs, nil
}

// Which notices outlive their call.
const (
	// ofForcedEnd holds for deliveries of a notice that nobody told the end of a leg: that
	// may be what closed the call.
	ofForcedEnd = `(deliveries.event = 'ended' AND EXISTS (SELECT 1 FROM legs g
		WHERE g.call_id = deliveries.call_id AND g.reason = 'max-duration'))`
	// outliving holds for those, and for whoever has yet to hear of the call at all: mail
	// or Temporal may have been away for its whole window (S9, S11).
	outliving = `(deliveries.event = 'placed' OR ` + ofForcedEnd + `)`
	// ofClosedCall holds for the latter once the call is closed.
	ofClosedCall = `(deliveries.event = 'placed' AND EXISTS (SELECT 1 FROM calls k
		WHERE k.id = deliveries.call_id AND k.closed_at IS NOT NULL))`
)

// explainEnd leaves what there is to be said of a leg whose end nobody told: people hear
// of one that was ended by force, the audit has one that the carrier had lost (B16).
func (t tx) explainEnd(ctx context.Context, call emergency.Call, leg emergency.Leg) error {
	switch leg.Reason {
	case emergency.EndMaxDuration:
		return t.makeNotice(ctx, noticeRow{
			NoticeID: emergency.NoticeID{CallID: call.ID, Event: emergency.NoticeEnded},
			agent:    call.AgentID, site: call.SiteID, at: t.now(),
		}, call.Kind)
	case emergency.EndLost:
		return t.auditRepair(ctx, emergency.RepairLegLost, call)
	case emergency.EndHungUp, emergency.EndCancelled:
	}
	return nil
}

// GiveUpTelling gives up telling of calls that were closed, or ended by force, before a
// time.
func (s *Store) GiveUpTelling(ctx context.Context, before time.Time) error {
	return s.background.inTx(ctx, "give up telling of calls", func(t tx) error {
		return t.giveUp(ctx, emergency.ReasonGivenUp, t.now(), `(updated_at <= $4 AND `+ofForcedEnd+`
			OR `+ofClosedCall+` AND (SELECT closed_at FROM calls WHERE calls.id = deliveries.call_id) <= $4)`, stamp(before))
	})
}

// giveUp ends what is still to be sent of notices that meet a condition, whose own
// arguments begin with $4.
func (t tx) giveUp(ctx context.Context, reason string, at time.Time, which string, args ...any) error {
	_, err := t.exec(ctx, `UPDATE deliveries SET state = $1, updated_at = $2, reason = $3 WHERE state = 'queued' AND `+which,
		append([]any{emergency.DeliveryFailed, stamp(at), reason}, args...)...)
	return err
}

// ForcedEnds lists calls of whose forced end somebody is yet to be told, and has been for
// longer than since a time: until then their workflow may be telling of it.
func (s *Store) ForcedEnds(ctx context.Context, since time.Time, limit int) ([]emergency.CallID, error) {
	ids, err := collect(ctx, s.read, scanString[emergency.CallID], `SELECT call_id FROM deliveries
		WHERE state = 'queued' AND updated_at <= $1 AND `+ofForcedEnd+`
		GROUP BY call_id ORDER BY MIN(updated_at), call_id LIMIT $2`, stamp(since), limit)
	if err != nil {
		return nil, fmt.Errorf("list forced ends: %w", err)
	}
	return ids, nil
}

// What no open call holds.
const (
	orphanedLeases = `SELECT l.agent_id, l.number FROM leases l WHERE NOT EXISTS (SELECT 1 FROM lease_claims k
		JOIN calls c ON c.id = k.call_id WHERE k.number = l.number AND c.closed_at IS NULL)`
	orphanedClaims = `EXISTS (SELECT 1 FROM legs g JOIN calls c ON c.id = g.call_id
		WHERE g.id = presence_claims.leg_id AND (g.ended_at IS NOT NULL OR c.closed_at IS NOT NULL))`
	orphanedPresence = `SELECT agent_id FROM presence_claims WHERE ` + orphanedClaims + ` UNION
		SELECT o.agent_id FROM presence_overrides o
		WHERE NOT EXISTS (SELECT 1 FROM presence_claims p WHERE p.agent_id = o.agent_id) ORDER BY agent_id`
)

// RepairOrphans gives back the numbers that no open call holds, with their routes, and
// restores the presence of agents who have no leg up. A bug or a restored backup may leave
// such; no call does. The numbers rest for a time. What cannot be put right does not keep
// the rest from it.
func (s *Store) RepairOrphans(ctx context.Context, quarantine time.Duration) ([]emergency.Repair, error) {
	leases, err := collect(ctx, s.read, scanHeld, orphanedLeases+` ORDER BY l.number`)
	if err != nil {
		return nil, fmt.Errorf("find leases that nobody holds: %w", err)
	}
	agents, err := collect(ctx, s.read, scanString[emergency.AgentID], orphanedPresence)
	if err != nil {
		return nil, fmt.Errorf("find presence that nobody restores: %w", err)
	}
	var (
		done   []emergency.Repair
		failed []error
	)
	repair := func(kind emergency.RepairKind, agent emergency.AgentID, work func(tx) (bool, error)) {
		repaired, err := s.repairAgent(ctx, kind, agent, work)
		if repaired {
			done = append(done, emergency.Repair{Kind: kind, AgentID: agent})
		}
		failed = append(failed, err)
	}
	for _, lease := range leases {
		repair(emergency.RepairLease, lease.agent, func(t tx) (bool, error) { return t.freeOrphan(ctx, lease.number, quarantine) })
	}
	for _, agent := range agents {
		repair(emergency.RepairPresence, agent, func(t tx) (bool, error) { return t.restoreOrphan(ctx, agent) })
	}
	return done, errors.Join(failed...)
}

// repairAgent puts something of an agent right, while its affairs are locked, and keeps
// that in the audit, which names nobody.
func (s *Store) repairAgent(
	ctx context.Context, kind emergency.RepairKind, agent emergency.AgentID, work func(tx) (bool, error),
) (bool, error) {
	repaired := false
	err := s.background.inTx(ctx, string(kind), func(t tx) error {
		if _, err := t.lockAgent(ctx, agent); err != nil {
			return err
		}
		var err error
		if repaired, err = work(t); err != nil || !repaired {
			return err
		}
		if kind == emergency.RepairPresence {
			if err := t.tellOutside(ctx, agent); err != nil {
				return err
			}
		}
		_, err = t.exec(ctx, `INSERT INTO audit (at, action) VALUES ($1, $2)`, t.now(), kind)
		return err
	})
	return repaired && err == nil, err
}

// held is a number that an agent has.
type held struct {
	agent  emergency.AgentID
	number string
}

func scanHeld(rows *sql.Rows) (held, error) {
	var h held
	err := rows.Scan(&h.agent, &h.number)
	return h, err //nolint:wrapcheck // collect wraps
}

// freeOrphan gives a number back, unless an open call holds it by now.
func (t tx) freeOrphan(ctx context.Context, number string, quarantine time.Duration) (bool, error) {
	var still int
	if err := t.scan(ctx, &still, `SELECT COUNT(*) FROM (`+orphanedLeases+` AND l.number = $1) AS orphaned`, number); err != nil || still == 0 {
		return false, err
	}
	now := t.now()
	if _, err := t.exec(ctx, `UPDATE callback_numbers SET leased = FALSE, last_used_at = $2, free_at = $3 WHERE number = $1`,
		number, now, stamp(now.Add(quarantine))); err != nil {
		return false, err
	}
	if _, err := t.exec(ctx, `DELETE FROM lease_claims WHERE number = $1`, number); err != nil {
		return false, err
	}
	_, err := t.exec(ctx, `DELETE FROM leases WHERE number = $1`, number) // and with it its route
	return err == nil, err
}

// restoreOrphan restores an agent's presence, unless a leg is up by now.
func (t tx) restoreOrphan(ctx context.Context, agent emergency.AgentID) (bool, error) {
	dropped, err := t.exec(ctx, `DELETE FROM presence_claims WHERE agent_id = $1 AND `+orphanedClaims, agent)
	if err != nil {
		return false, err
	}
	ended, err := t.endOverride(ctx, agent, t.now())
	return dropped > 0 || ended, err
}
