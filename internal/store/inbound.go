package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"lifeline/internal/emergency"
	"time"
)

// Inbound is a call that a carrier offers, before anybody has decided on it.
type Inbound struct {
	// To and From are E.164; From may be empty.
	To, From string
	At       time.Time
	// LegID names the leg that the callback opens, if it is one.
	LegID emergency.LegID
}

// DecideInbound says where an inbound call goes. A callback opens a leg and puts
// the agent on Do not disturb in the same transaction (S4, S5, B3). Asking twice
// about one callback gives the same decision and the same leg.
func (s *Store) DecideInbound(ctx context.Context, in Inbound) (emergency.Decision, error) {
	id, err := s.calledBack(ctx, in)
	if err != nil || id == "" {
		return emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}, err
	}
	var decision emergency.Decision
	err = s.withCall(ctx, "connect callback", id, func(t tx, call emergency.Call) error {
		if call.Status(in.At) == emergency.CallEnded {
			decision = emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
			return nil
		}
		agent, site, err := t.agentAndSite(ctx, call)
		if err != nil {
			return err
		}
		leg, err := t.joinOrOpenCallback(ctx, &call, in)
		if err != nil {
			return err
		}
		decision = emergency.Decision{
			Verdict: emergency.ConnectAgent, AgentID: call.AgentID, CallID: call.ID, LegID: leg,
			Ring: emergency.Climb(agent, site),
		}
		return nil
	})
	return decision, err
}

// calledBack finds the latest live call that showed this number: by its lease, or
// failing that by the standing number, which several callers may have shown.
func (s *Store) calledBack(ctx context.Context, in Inbound) (emergency.CallID, error) {
	var id emergency.CallID
	err := s.read.QueryRowContext(ctx, `SELECT c.id FROM calls c
		WHERE c.number = $1 AND c.closed_at IS NULL AND c.expires_at > $2
		AND (c.number_kind = $3 OR EXISTS (SELECT 1 FROM routes r WHERE r.number = c.number AND r.agent_id = c.agent_id))
		ORDER BY c.dialed_at DESC, c.id DESC LIMIT 1`,
		in.To, stamp(in.At), emergency.NumberStanding).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the call of a callback: %w", err)
	}
	return id, nil
}

// joinOrOpenCallback gives the callback leg from this caller that is up already,
// or opens one.
func (t tx) joinOrOpenCallback(ctx context.Context, call *emergency.Call, in Inbound) (emergency.LegID, error) {
	var up emergency.LegID
	err := t.scan(ctx, &up, `SELECT id FROM legs WHERE call_id = $1 AND direction = $2 AND ended_at IS NULL
		AND remote = $3 ORDER BY started_at, id LIMIT 1`, call.ID, emergency.Callback, in.From)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return up, err
	}
	leg := emergency.Leg{ID: in.LegID, Direction: emergency.Callback, StartedAt: later(stamp(in.At), call.DialedAt)}
	call.Legs = append(call.Legs, leg)
	if err := t.insertLeg(ctx, call.ID, leg, in.From); err != nil {
		return "", err
	}
	if err := t.setExpiry(ctx, *call); err != nil {
		return "", err
	}
	body := emergency.CallbackReceived{LegID: leg.ID, From: in.From, At: leg.StartedAt}
	if err := t.enqueue(ctx, call.ID, emergency.MessageCallbackReceived, body, leg.StartedAt); err != nil {
		return "", err
	}
	if err := t.tell(ctx, emergency.Event{
		Type: emergency.EventCallbackReceived, AgentID: call.AgentID, CallID: call.ID, LegID: leg.ID, At: leg.StartedAt,
	}); err != nil {
		return "", err
	}
	shown, err := t.lockAgent(ctx, call.AgentID)
	if err != nil {
		return "", err
	}
	_, _, err = t.overridePresence(ctx, call.AgentID, call.ID, leg.ID, shown, leg.StartedAt)
	return leg.ID, err
}

func (t tx) agentAndSite(ctx context.Context, call emergency.Call) (emergency.Agent, emergency.Site, error) {
	agent, err := readAgent(ctx, t, call.AgentID)
	if err != nil {
		return agent, emergency.Site{}, err
	}
	site, err := readSite(ctx, t, call.SiteID)
	return agent, site, err
}
