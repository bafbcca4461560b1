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

// Placement is everything that a dial has decided before it is written down.
type Placement struct {
	CallID   emergency.CallID
	LegID    emergency.LegID
	Caller   emergency.Caller
	Dialed   emergency.Dialed
	Location *emergency.Location
	// Way is how the call goes out, the first choice first.
	Way []emergency.Hop
	// Warnings are the conditions that do not hold although the call goes on.
	Warnings []emergency.CheckCode
	Terms    emergency.Terms
	At       time.Time
	// Notices is how far people are told.
	Notices emergency.NoticePlan
	// PresenceOutside says that the workflow must tell an outside presence system.
	PresenceOutside bool
	// Shown is what the PSAP saw of a call that was answered without SQL; nil for one
	// that waits for its answer.
	Shown *Shown
}

// errRepeated ends a transaction whose call exists already.
var errRepeated = errors.New("the call exists already")

// PlaceCall writes down a dial in one transaction: the callback number, its
// route, Do not disturb, the call with its leg, the notices to send and the
// message that starts the workflow (S2, S3, S5, S9). A call ID that exists
// already changes nothing and gives the call as it stands. One that has been answered
// without SQL is written down as it was answered.
func (s *Store) PlaceCall(ctx context.Context, p Placement) (emergency.Call, error) {
	if p.Shown != nil {
		return s.placeAnswered(ctx, p)
	}
	call, err := s.tryPlace(ctx, p, false)
	if errors.Is(err, emergency.ErrPoolExhausted) {
		// Leases that outlived their workflow are worth a look before the site's
		// standing number has to do. If that fails, it has to do all the same.
		_ = s.makeRoom(ctx, p.Caller.Site.ID)
		call, err = s.tryPlace(ctx, p, true)
	}
	if errors.Is(err, errRepeated) {
		return s.Call(ctx, p.CallID)
	}
	return call, err
}

func (s *Store) tryPlace(ctx context.Context, p Placement, standing bool) (emergency.Call, error) {
	call := p.Call()
	err := s.inTx(ctx, "place call", func(t tx) error {
		shown, err := t.lockAgent(ctx, call.AgentID)
		if err != nil {
			return err
		}
		if err := t.unknownCall(ctx, call.ID); err != nil {
			return err
		}
		number, err := t.acquire(ctx, call, p.At)
		switch {
		case err == nil:
			call.Number, call.NumberKind = number, emergency.NumberLeased
		case errors.Is(err, emergency.ErrPoolExhausted) && standing:
			call.Number, call.NumberKind = p.Caller.Site.StandingNumber, emergency.NumberStanding
		default:
			return err
		}
		call.Route.CallerID = call.Number
		if err := t.insertCall(ctx, call); err != nil {
			return err
		}
		if err := t.claim(ctx, call); err != nil {
			return err
		}
		if err := t.openWithLeg(ctx, call, p); err != nil {
			return err
		}
		before, now, err := t.overridePresence(ctx, call, call.Legs[0], shown)
		call.PresenceBefore, call.PresenceNow = before, now.Status
		return err
	})
	return call, err
}

// route is the way that the call takes: without any given, the direct offer.
func (p Placement) route() emergency.Route {
	if len(p.Way) == 0 {
		return emergency.Route{Path: emergency.DirectOffer}
	}
	return emergency.Route{Path: p.Way[0].Path, Trunk: p.Way[0].Trunk, FailOver: orNil(p.Way[1:])}
}

// Call is the call as it is answered without SQL, and otherwise as far as it is known
// before its number is.
func (p Placement) Call() emergency.Call {
	at := stamp(p.At)
	call := emergency.Call{
		ID: p.CallID, AgentID: p.Caller.Agent.ID, SiteID: p.Caller.Site.ID,
		Kind: p.Dialed.Kind, Dialed: p.Dialed.Number, Country: p.Dialed.Country, DialedAt: at,
		Conveyed: emergency.Conveyed{Site: p.Caller.Site.Address, Device: p.Location},
		Route:    p.route(),
		Warnings: orNil(p.Warnings),
		Terms:    p.Terms,
		Legs:     []emergency.Leg{{ID: p.LegID, Direction: emergency.Outbound, StartedAt: at}},
	}
	call.Notice.Deliveries = queued(emergency.NoticePlaced, 0, p.Caller.Recipients(call.Kind), at)
	if p.Shown != nil {
		call.Number, call.NumberKind, call.Route.CallerID, call.Degraded = p.Shown.Number, p.Shown.Kind, p.Shown.Number, true
	}
	return call
}

// orNil is a list as it reads back when it was empty.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// unknownCall is errRepeated when the call has been placed before.
func (t tx) unknownCall(ctx context.Context, id emergency.CallID) error {
	var count int
	if err := t.scan(ctx, &count, `SELECT COUNT(*) FROM calls WHERE id = $1`, id); err != nil {
		return err
	}
	if count > 0 {
		return errRepeated
	}
	return nil
}

func (t tx) insertCall(ctx context.Context, c emergency.Call) error {
	conveyed, err := json.Marshal(c.Conveyed)
	if err != nil {
		return fmt.Errorf("encode location: %w", err)
	}
	terms, err := json.Marshal(c.Terms)
	if err != nil {
		return fmt.Errorf("encode terms: %w", err)
	}
	failOver, err := json.Marshal(c.Route.FailOver)
	if err != nil {
		return fmt.Errorf("encode fail-over: %w", err)
	}
	warnings, err := json.Marshal(c.Warnings)
	if err != nil {
		return fmt.Errorf("encode warnings: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO calls (id, agent_id, site_id, kind, dialed, country, dialed_at, conveyed,
		number, number_kind, route_path, route_trunk, terms, degraded, presence_before, expires_at,
		caller_id, fail_over, warnings)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', $15, $16, $17, $18)`,
		c.ID, c.AgentID, c.SiteID, c.Kind, c.Dialed, c.Country, c.DialedAt, string(conveyed),
		c.Number, c.NumberKind, c.Route.Path, c.Route.Trunk, string(terms), c.Degraded, stamp(c.ExpiresAt()),
		c.Route.CallerID, string(failOver), string(warnings))
	return err
}

// openWithLeg adds the outbound leg, the notices to send, and the message and the event
// that tell of the call.
func (t tx) openWithLeg(ctx context.Context, call emergency.Call, p Placement) error {
	if err := t.insertLeg(ctx, call.ID, call.Legs[0], ""); err != nil {
		return err
	}
	if err := t.tellOfDial(ctx, call); err != nil {
		return err
	}
	order := emergency.Order{
		CallID: call.ID, AgentID: call.AgentID, Kind: call.Kind, Dialed: call.Dialed, Country: call.Country,
		DialedAt: call.DialedAt, LegID: call.Legs[0].ID, Number: call.Number, NumberKind: call.NumberKind,
		SiteName: p.Caller.Site.Name, Terms: call.Terms,
		Contacts: len(call.Notice.Deliveries), PresenceOutside: p.PresenceOutside, Notices: &p.Notices,
	}
	if err := t.enqueue(ctx, call.ID, emergency.MessagePlaced, order); err != nil {
		return err
	}
	if err := t.tell(ctx, emergency.Event{
		Type: emergency.EventCallPlaced, AgentID: call.AgentID, CallID: call.ID, LegID: call.Legs[0].ID, At: call.DialedAt,
	}); err != nil {
		return err
	}
	return t.reportCountries(ctx, call)
}

// reportCountries tells of a call whose device and directory name different countries:
// help may go to the wrong one, and nobody may say later that it was not known (B11).
func (t tx) reportCountries(ctx context.Context, call emergency.Call) error {
	if !slices.Contains(call.Warnings, emergency.CheckCountriesDiffer) {
		return nil
	}
	if _, err := t.exec(ctx, `INSERT INTO audit (at, action, call_id, country, kind) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (call_id, action) WHERE call_id <> '' DO NOTHING`,
		call.DialedAt, emergency.EventCountriesDiffer, call.ID, call.Country, call.Kind); err != nil {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventCountriesDiffer, AgentID: call.AgentID, SiteID: call.SiteID, CallID: call.ID, At: call.DialedAt,
	})
}
