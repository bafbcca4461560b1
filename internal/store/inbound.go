package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeline/internal/emergency"
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
	none := emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	if !emergency.ValidE164(in.To) {
		return none, nil
	}
	in.From = keepable(in.From)
	calls, err := s.calledBack(ctx, in)
	if err != nil {
		return none, err
	}
	for _, id := range calls {
		decision, err := s.connect(ctx, id, in)
		if err != nil || decision.Verdict == emergency.ConnectAgent {
			return decision, err
		}
	}
	return none, nil
}

// connect brings the PSAP back to a call, unless that is over by now.
func (s *Store) connect(ctx context.Context, id emergency.CallID, in Inbound) (emergency.Decision, error) {
	decision := emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}
	err := s.withCall(ctx, "connect callback", id, func(t tx, call emergency.Call) error {
		if call.Status(in.At) == emergency.CallEnded {
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

// calledBack finds the live calls that showed this number, the latest first: by
// their lease, or by the standing number, which several callers may have shown.
// The latest may be over before it can be locked; then an older one counts.
func (s *Store) calledBack(ctx context.Context, in Inbound) ([]emergency.CallID, error) {
	ids, err := collect(ctx, s.read, scanString[emergency.CallID], `SELECT c.id FROM calls c
		WHERE c.number = $1 AND c.closed_at IS NULL AND c.expires_at > $2
		AND (c.number_kind = $3 OR EXISTS (SELECT 1 FROM routes r WHERE r.number = c.number AND r.agent_id = c.agent_id))
		ORDER BY c.dialed_at DESC, c.id DESC LIMIT 10`, in.To, stamp(in.At), emergency.NumberStanding)
	if err != nil {
		return nil, fmt.Errorf("find the call of a callback: %w", err)
	}
	return ids, nil
}

// keepable is a text from outside as every database can keep it: PostgreSQL takes
// no null character and nothing but UTF-8, and a callback must not fail for that.
func keepable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
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
