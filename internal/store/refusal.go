package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

// alikeWithin is how long refused dials of one agent for the same reason count as one
// for those who are told: whoever is not heard dials again and again.
const alikeWithin = time.Minute

// RefuseCall tells of a dial that could not work (B10), and keeps what a regulator may
// ask: an event, a line in the audit that has neither the person nor what was dialed,
// and for those who are to hear of it a notice with the message that starts its
// workflow. Repeated with the same call ID it changes nothing.
func (s *Store) RefuseCall(ctx context.Context, r emergency.RefusedCall, plan emergency.NoticePlan) error {
	r.Kind, r.At = cmp.Or(r.Kind, emergency.KindEmergency), stamp(r.At)
	return s.background.inTx(ctx, "refuse call", func(t tx) error {
		// It happens to agents who are removed, too, and to those nobody knows any more.
		_, err := t.lockAgent(ctx, r.AgentID)
		somebody := err == nil
		if err != nil && !errors.Is(err, emergency.ErrUnknownAgent) {
			return err
		}
		first, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, country, kind, outcome)
			VALUES ($1, 'call-refused', $2, $3, $4, $5) ON CONFLICT (call_id, action) WHERE call_id <> '' DO NOTHING`,
			r.At, r.CallID, r.Country, r.Kind, r.Code)
		if err != nil || first == 0 {
			return err
		}
		if err := t.reportRefusedCountries(ctx, r); err != nil {
			return err
		}
		if err := t.tell(ctx, emergency.Event{
			Type: emergency.EventCallRefused, AgentID: r.AgentID, SiteID: r.SiteID, CallID: r.CallID, Kind: r.Kind,
			Status: emergency.Status(r.Code), At: r.At,
		}); err != nil || !somebody || r.CallID == "" {
			return err
		}
		return t.tellOfRefused(ctx, r, plan)
	})
}

// tellOfRefused adds the notice of a refused dial and orders its workflow, unless nobody
// is to be told, or they are told of one like it already.
func (t tx) tellOfRefused(ctx context.Context, r emergency.RefusedCall, plan emergency.NoticePlan) error {
	caller, err := keptCaller(ctx, t, r.AgentID, r.SiteID)
	if errors.Is(err, emergency.ErrUnknownSite) {
		return nil
	}
	if err != nil {
		return err
	}
	to := caller.Recipients(r.Kind)
	if len(to) == 0 {
		return nil
	}
	if alike, err := t.toldOfAlike(ctx, r); err != nil || alike {
		return err
	}
	facts, err := json.Marshal(factsOf(r, caller))
	if err != nil {
		return fmt.Errorf("encode facts of a refused dial: %w", err)
	}
	if _, err := t.insertNotice(ctx, noticeRow{
		NoticeID: emergency.NoticeID{CallID: r.CallID, Event: emergency.NoticeFailed},
		agent:    r.AgentID, site: r.SiteID, facts: string(facts), at: r.At,
	}, queued(emergency.NoticeFailed, 0, to, r.At)); err != nil {
		return err
	}
	return t.enqueue(ctx, r.CallID, emergency.MessageRefused, emergency.RefusedOrder{
		CallID: r.CallID, AgentID: r.AgentID, SiteName: caller.Site.Name, Kind: r.Kind, Country: r.Country,
		Code: r.Code, At: r.At, Contacts: len(to), Notices: plan,
	}, r.At)
}

// toldOfAlike tells whether there is a notice of a dial like this one that is no older
// than a minute. A refused test never stands for a call for help.
func (t tx) toldOfAlike(ctx context.Context, r emergency.RefusedCall) (bool, error) {
	lately, err := collect(ctx, t, scanString[string], `SELECT facts FROM notices
		WHERE event = 'failed' AND agent_id = $1 AND created_at > $2`, r.AgentID, r.At.Add(-alikeWithin))
	if err != nil {
		return false, err
	}
	for _, text := range lately {
		facts, err := decodeFacts(text)
		if err != nil {
			return false, err
		}
		if facts.Code == r.Code && facts.Kind == r.Kind {
			return true, nil
		}
	}
	return false, nil
}

// refusedFacts are what a refused dial was, as a notice keeps it.
type refusedFacts struct {
	Kind      emergency.Kind      `json:"kind"`
	Code      emergency.CheckCode `json:"code"`
	Country   emergency.Country   `json:"country"`
	AgentName string              `json:"agentName"`
	SiteName  string              `json:"siteName"`
	Dialed    string              `json:"dialed"`
	At        time.Time           `json:"at"`
	Conveyed  emergency.Conveyed  `json:"conveyed"`
	Instead   string              `json:"instead"`
	Zone      string              `json:"zone"`
}

func factsOf(r emergency.RefusedCall, caller emergency.Caller) refusedFacts {
	return refusedFacts{
		Kind: r.Kind, Code: r.Code, Country: r.Country, AgentName: caller.Agent.Name, SiteName: caller.Site.Name,
		Dialed: emergency.Keepable(r.Dialed), At: r.At, Instead: r.Instead(), Zone: caller.Site.TimeZone,
		Conveyed: emergency.Conveyed{Site: caller.Site.Address, Device: r.Location},
	}
}

// refused is what the notice of a refused dial has to say.
func (n noticeRow) refused() (emergency.Notice, error) {
	facts, err := decodeFacts(n.facts)
	return emergency.Notice{
		CallID: n.CallID, Event: n.Event, Round: n.Round, Kind: facts.Kind, AgentName: facts.AgentName, SiteName: facts.SiteName,
		Dialed: facts.Dialed, DialedAt: facts.At, Conveyed: facts.Conveyed,
		Reason: emergency.Explain(facts.Code).Agent, Instead: facts.Instead, Zone: facts.Zone,
	}, err
}

// ensureOfRefused makes sure that there is a further notice of a refused dial.
func (s *Store) ensureOfRefused(ctx context.Context, n noticeRow) error {
	return s.background.inTx(ctx, "ensure notice of a refused dial", func(t tx) error {
		first, err := noticeRows(ctx, t, emergency.NoticeID{CallID: n.CallID, Event: emergency.NoticeFailed})
		if err != nil {
			return err
		}
		if len(first) == 0 {
			return emergency.ErrUnknownCall
		}
		facts, err := decodeFacts(first[0].facts)
		if err != nil {
			return err
		}
		n.agent, n.site, n.facts, n.at = first[0].agent, first[0].site, first[0].facts, s.now()
		return t.makeNotice(ctx, n, facts.Kind)
	})
}

// ForgetNotices drops notices of refused dials from before a time, and what mail systems
// told before it: the one names a person, the other is repeated no more.
func (s *Store) ForgetNotices(ctx context.Context, before time.Time) error {
	return s.background.inTx(ctx, "forget notices", func(t tx) error {
		if _, err := t.exec(ctx, `DELETE FROM notices WHERE call_id IN (
			SELECT call_id FROM notices WHERE event = 'failed' AND created_at < $1)`, stamp(before)); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM mail_events WHERE at < $1`, stamp(before))
		return err
	})
}
