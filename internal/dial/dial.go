// Package dial is the request side of a call: a dial, an end, and a call that
// comes in. Each is one transaction and an answer, on good days and bad; nothing
// here waits for Temporal, mail or an outside presence system (B7).
package dial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"github.com/google/uuid"
)

// Records is where calls are written down; package store implements it.
type Records interface {
	Caller(ctx context.Context, id emergency.AgentID) (emergency.Caller, error)
	Call(ctx context.Context, id emergency.CallID) (emergency.Call, error)
	PlaceCall(ctx context.Context, p store.Placement) (emergency.Call, error)
	EndLegs(ctx context.Context, e store.Ending) (emergency.Call, error)
	DecideInbound(ctx context.Context, in store.Inbound) (emergency.Decision, error)
}

// Desk takes dials, ends and inbound calls. It is safe for concurrent use.
type Desk struct {
	Records Records
	// Terms are what new calls are placed under.
	Terms emergency.Terms
	// Plan is what the phone system adds to dialed numbers.
	Plan emergency.DialPlan
	// Budget bounds every answer (B7).
	Budget time.Duration
	// Notices is how far people are told (B9).
	Notices emergency.NoticePlan
	// LocationMaxAge is how old a location may be (S13).
	LocationMaxAge time.Duration
	// Refused hears of every dial that could not work, so that people are told
	// (B10). It must not block.
	Refused func(emergency.RefusedCall)
	// PresenceOutside says that an outside presence system has to be told.
	PresenceOutside bool
	// Wake tells the relay that a call has something to send, once it is written
	// down. It must not block.
	Wake func(emergency.CallID)
	// Clock tells the time.
	Clock func() time.Time
	// Log hears what an administrator should look into.
	Log *slog.Logger
}

// Place answers a dial. The same idempotency key gives the same call, until that
// call has ended. The error is an *emergency.Refusal when the call cannot work.
func (d *Desk) Place(ctx context.Context, req emergency.DialRequest) (emergency.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	attempt, err := d.understand(ctx, req)
	if err != nil {
		return emergency.Call{}, err
	}
	id, known, err := d.identify(ctx, req, attempt.Dialed)
	if err != nil {
		return emergency.Call{}, err
	}
	if known != nil {
		d.Wake(id)
		return *known, nil
	}
	assessment, err := d.admit(ctx, req, attempt)
	if err != nil {
		return emergency.Call{}, err
	}
	call, err := d.Records.PlaceCall(ctx, store.Placement{
		CallID: id, LegID: emergency.LegID(uuid.Must(uuid.NewV7()).String()),
		Caller: attempt.Caller, Dialed: assessment.Dialed, Location: assessment.Conveyed,
		Way: assessment.Way, Warnings: assessment.Warnings(),
		Terms: d.Terms, At: attempt.At, PresenceOutside: d.PresenceOutside, Notices: d.Notices,
	})
	if err != nil {
		return call, fmt.Errorf("place call: %w", err)
	}
	d.Wake(call.ID)
	return call, nil
}

// understand tells who dials what, and from where. The error is an
// *emergency.Refusal for an ordinary number: no call for help, so nobody is told.
func (d *Desk) understand(ctx context.Context, req emergency.DialRequest) (emergency.Attempt, error) {
	attempt := emergency.Attempt{Location: req.Location, At: d.Clock(), LocationMaxAge: d.LocationMaxAge}
	if err := req.Location.Validate(); err != nil {
		return attempt, fmt.Errorf("place call: %w", err)
	}
	var err error
	if attempt.Caller, err = d.Records.Caller(ctx, req.AgentID); err != nil {
		return attempt, fmt.Errorf("find caller: %w", err)
	}
	at := whereabouts(attempt)
	if !at.Country().Served() {
		// Nobody here knows the numbers of that country, so admit refuses whatever it
		// is. What the site would make of it is enough to know a repeated dial by.
		attempt.Dialed, _ = d.Plan.Classify(req.DialedNumber, emergency.Whereabouts{Site: at.Site})
		return attempt, nil
	}
	if attempt.Dialed, err = d.Plan.Classify(req.DialedNumber, at); err != nil {
		return attempt, fmt.Errorf("classify number: %w", err)
	}
	return attempt, nil
}

// whereabouts is where a dial comes from.
func whereabouts(a emergency.Attempt) emergency.Whereabouts {
	return emergency.Locate(a.Caller.Site.Country, a.Conveyed())
}

// admit tells by which way a call goes out, or refuses it and has people told.
func (d *Desk) admit(ctx context.Context, req emergency.DialRequest, a emergency.Attempt) (emergency.Assessment, error) {
	at := whereabouts(a)
	if at.Disagree() {
		d.Log.WarnContext(ctx, "The device names another country than the agent's site; check both",
			"agent", req.AgentID, "site", a.Caller.Site.ID, "siteCountry", at.Site, "conveyedCountry", at.Conveyed)
	}
	assessment := a.Assess()
	refusal := assessment.Refusal(at.Country())
	if refusal == nil {
		return assessment, nil
	}
	if a.Dialed.Kind == emergency.KindTest {
		refusal.Instead = "This was a test, so nobody has to be called. Have an administrator mend what is named here."
	}
	refusal.CallID = emergency.CallID(uuid.Must(uuid.NewV7()).String())
	d.Refused(emergency.RefusedCall{
		CallID: refusal.CallID, AgentID: req.AgentID, SiteID: a.Caller.Site.ID,
		Dialed: req.DialedNumber, Kind: a.Dialed.Kind, Country: at.Country(), Location: assessment.Conveyed,
		Code: emergency.CheckCode(refusal.Code), At: a.At,
	})
	return assessment, fmt.Errorf("admit call: %w", refusal)
}

// keySpace separates IDs that come from idempotency keys from all others.
var keySpace = uuid.MustParse("6f1f2c0e-1f0b-4b6e-9d3a-6c1f6a4c9a11")

// identify gives the ID for a call: a new one, or the one that belongs to the agent's
// idempotency key and the number dialed, since a call for help is never taken for the
// repetition of a test. The call that a request repeats comes with it while it lives,
// so that nothing which has changed meanwhile can refuse it. A key whose call has
// ended counts as new, also after that is erased: a desktop that always sends the same
// key must be able to call for help a second time.
func (d *Desk) identify(ctx context.Context, req emergency.DialRequest, dialed emergency.Dialed) (emergency.CallID, *emergency.Call, error) {
	fresh := emergency.CallID(uuid.Must(uuid.NewV7()).String())
	if req.IdempotencyKey == "" {
		return fresh, nil, nil
	}
	name := string(req.AgentID) + "\x00" + dialed.Number + "\x00" + req.IdempotencyKey
	keyed := emergency.CallID(uuid.NewSHA1(keySpace, []byte(name)).String())
	call, err := d.Records.Call(ctx, keyed)
	switch {
	case errors.Is(err, emergency.ErrErasedCall):
		return fresh, nil, nil
	case errors.Is(err, emergency.ErrUnknownCall):
		return keyed, nil, nil
	case err != nil:
		return "", nil, fmt.Errorf("look for a repeated dial: %w", err)
	case call.Status(d.Clock()) == emergency.CallEnded:
		return fresh, nil, nil
	default:
		return keyed, &call, nil
	}
}

// End ends one leg of a call, or with an empty leg ID all of them. Ending again
// gives the call as it stands.
func (d *Desk) End(ctx context.Context, id emergency.CallID, leg emergency.LegID, reason emergency.EndReason) (emergency.Call, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	if reason == "" {
		reason = emergency.EndHungUp
	}
	call, err := d.Records.EndLegs(ctx, store.Ending{CallID: id, LegID: leg, Reason: reason, At: d.Clock(), Tell: true})
	if err != nil {
		return call, fmt.Errorf("end call: %w", err)
	}
	d.Wake(id)
	return call, nil
}

// Inbound decides where a call to one of our numbers goes (S5).
func (d *Desk) Inbound(ctx context.Context, to, from string) (emergency.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	decision, err := d.Records.DecideInbound(ctx, store.Inbound{
		To: emergency.CalledNumber(to), From: from, At: d.Clock(), LegID: emergency.LegID(uuid.Must(uuid.NewV7()).String()),
	})
	if err != nil {
		return decision, fmt.Errorf("decide inbound call: %w", err)
	}
	if decision.CallID != "" {
		d.Wake(decision.CallID)
	}
	return decision, nil
}
