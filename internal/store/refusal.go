package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"lifeline/internal/emergency"
)

// alikeWithin is how long refused dials of one agent for the same reason count as one
// for those who are told: whoever is not heard dials again and again.
const alikeWithin = time.Minute

// RefuseCall tells of a dial that could not work (B10), and keeps what it was: for a
// while with the person and what was dialed, and for a regulator a line in the audit
// without. There is an event, and for those who are to hear of it a notice with the
// message that starts its workflow. Repeated with the same call ID it changes nothing.
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
		}); err != nil || r.CallID == "" {
			return err
		}
		return t.keepRefused(ctx, r, plan, somebody)
	})
}

// keepRefused writes a refused dial down with what it was, and has people told of it,
// unless nobody is to be, or they are told of one like it already.
func (t tx) keepRefused(ctx context.Context, r emergency.RefusedCall, plan emergency.NoticePlan, somebody bool) error {
	caller, to, err := t.refusedCaller(ctx, r, somebody)
	if err != nil {
		return err
	}
	if len(to) == 0 {
		return t.insertRefused(ctx, r, caller, "")
	}
	alike, err := t.toldOfAlike(ctx, r)
	if err != nil {
		return err
	}
	if err := t.insertRefused(ctx, r, caller, cmp.Or(alike, r.CallID)); err != nil || alike != "" {
		return err
	}
	if _, err := t.insertNotice(ctx, noticeRow{
		NoticeID: emergency.NoticeID{CallID: r.CallID, Event: emergency.NoticeFailed}, agent: r.AgentID, site: r.SiteID, at: r.At,
	}, queued(emergency.NoticeFailed, 0, to, r.At)); err != nil {
		return err
	}
	return t.enqueue(ctx, r.CallID, emergency.MessageRefused, emergency.RefusedOrder{
		CallID: r.CallID, AgentID: r.AgentID, SiteName: caller.Site.Name, Kind: r.Kind, Country: r.Country,
		Code: r.Code, At: r.At, Contacts: len(to), Notices: plan,
	})
}

// refusedCaller is what is still known of who dialed, and who is to be told. Of an agent
// or a site that nobody knows, nobody is.
func (t tx) refusedCaller(ctx context.Context, r emergency.RefusedCall, somebody bool) (emergency.Caller, []string, error) {
	if !somebody {
		return emergency.Caller{}, nil, nil
	}
	caller, err := keptCaller(ctx, t, r.AgentID, r.SiteID)
	if errors.Is(err, emergency.ErrUnknownSite) {
		return caller, nil, nil
	}
	return caller, caller.Recipients(r.Kind), err
}

// toldOfAlike finds the dial whose notice tells of one like this, if that is no older
// than a minute. A refused test never stands for a call for help.
func (t tx) toldOfAlike(ctx context.Context, r emergency.RefusedCall) (emergency.CallID, error) {
	lately, err := collect(ctx, t, scanRefused, selectRefused+`
		WHERE agent_id = $1 AND refused_at > $2 AND told_as = call_id ORDER BY refused_at`, r.AgentID, r.At.Add(-alikeWithin))
	if err != nil {
		return "", err
	}
	for _, one := range lately {
		facts, err := one.read()
		if err != nil {
			return "", err
		}
		if facts.Code == r.Code && facts.Kind == r.Kind {
			return one.id, nil
		}
	}
	return "", nil
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

// refusedNotice is what a notice of a refused dial has to say.
func refusedNotice(ctx context.Context, q querier, of emergency.NoticeID) (emergency.Notice, error) {
	one, err := readRefused(ctx, q, of.CallID)
	if err != nil {
		return emergency.Notice{}, err
	}
	facts, err := one.read()
	return emergency.Notice{
		CallID: of.CallID, Event: of.Event, Round: of.Round, Kind: facts.Kind, AgentName: facts.AgentName, SiteName: facts.SiteName,
		Dialed: facts.Dialed, DialedAt: facts.At, Conveyed: facts.Conveyed,
		Reason: emergency.Explain(facts.Code).Agent, Instead: facts.Instead, Zone: facts.Zone,
	}, err
}

// ensureOfRefused makes sure that there is a further notice of a refused dial.
func (s *Store) ensureOfRefused(ctx context.Context, n noticeRow) error {
	return s.background.inTx(ctx, "ensure notice of a refused dial", func(t tx) error {
		one, err := readRefused(ctx, t, n.CallID)
		if err != nil {
			return err
		}
		facts, err := one.read()
		if err != nil {
			return err
		}
		if _, err := t.lockAgent(ctx, one.agent); err != nil {
			return err
		}
		n.agent, n.site, n.at = one.agent, one.site, s.now()
		return t.makeNotice(ctx, n, facts.Kind)
	})
}

// ForgetNotices drops refused dials from before a time with their notices, and what mail
// systems told before it: the one names a person, the other is repeated no more.
func (s *Store) ForgetNotices(ctx context.Context, before time.Time) error {
	return s.background.inTx(ctx, "forget notices", func(t tx) error {
		for _, query := range []string{
			`DELETE FROM notices WHERE call_id IN (SELECT call_id FROM refused_calls WHERE refused_at < $1)`,
			`DELETE FROM refused_calls WHERE refused_at < $1`,
			`DELETE FROM mail_events WHERE at < $1`,
		} {
			if _, err := t.exec(ctx, query, stamp(before)); err != nil {
				return err
			}
		}
		return nil
	})
}
