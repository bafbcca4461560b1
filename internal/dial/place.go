package dial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"github.com/google/uuid"
)

// dialing is one dial on its way. What SQL has said of it before it fell silent still
// counts.
type dialing struct {
	*Desk

	req emergency.DialRequest
	// attempt grows with what is found out.
	attempt emergency.Attempt
	// id is the call's, once it is known; fresh is a new one.
	id, fresh emergency.CallID
}

func (d *Desk) begin(req emergency.DialRequest) *dialing {
	return &dialing{
		Desk: d, req: req, fresh: emergency.CallID(newID()),
		attempt: emergency.Attempt{Location: req.Location, At: d.Clock(), LocationMaxAge: d.LocationMaxAge},
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// place places the call in SQL. The error is errImprovise when SQL has yet to hear of a
// call that the request repeats.
func (d *dialing) place(ctx context.Context) (emergency.Call, error) {
	ctx, cancel := d.share(ctx)
	defer cancel()
	caller, err := d.Records.Caller(ctx, d.req.AgentID)
	if err != nil {
		return emergency.Call{}, fmt.Errorf("find caller: %w", err)
	}
	if err := d.understand(caller); err != nil {
		return emergency.Call{}, err
	}
	known, err := d.identify(ctx)
	if err != nil {
		return emergency.Call{}, err
	}
	if known != nil {
		d.Wake(known.ID)
		return *known, nil
	}
	assessment, refusal := d.admit(ctx)
	if refusal != nil {
		d.Refused(d.refused(assessment, refusal))
		return emergency.Call{}, fmt.Errorf("admit call: %w", refusal)
	}
	call, err := d.Records.PlaceCall(ctx, d.placement(assessment))
	if err != nil {
		return call, fmt.Errorf("place call: %w", err)
	}
	d.Wake(call.ID)
	return call, nil
}

// understand tells who dials what, and from where. The error is an
// *emergency.Refusal for an ordinary number: no call for help, so nobody is told.
func (d *dialing) understand(caller emergency.Caller) error {
	d.attempt.Caller = caller
	at := whereabouts(d.attempt)
	var err error
	d.attempt.Dialed, err = d.Plan.Classify(d.req.DialedNumber, at)
	if refusal, ok := errors.AsType[*emergency.Refusal](err); ok && refusal.Code == string(emergency.CheckCountryNotServed) {
		// Nobody here knows the numbers of that country, so admit refuses what may be one.
		// What the site would make of it is enough to know a repeated dial by.
		d.attempt.Dialed, _ = d.Plan.Classify(d.req.DialedNumber, emergency.Whereabouts{Site: at.Site})
		return nil
	}
	if err != nil {
		return fmt.Errorf("classify number: %w", err)
	}
	return nil
}

// whereabouts is where a dial comes from.
func whereabouts(a emergency.Attempt) emergency.Whereabouts {
	return emergency.Locate(a.Caller.Site.Country, a.Conveyed())
}

// identify settles the call's ID: a new one, or the one that belongs to the agent's
// idempotency key and the number dialed. The call that a request repeats comes back
// while it lives, so that nothing which has changed meanwhile can refuse it. A key whose
// call has ended counts as new, also after that is erased: a desktop that always sends
// the same key must be able to call for help a second time.
func (d *dialing) identify(ctx context.Context) (*emergency.Call, error) {
	if d.req.IdempotencyKey == "" {
		d.id = d.fresh
		return nil, nil //nolint:nilnil // nothing is repeated
	}
	keyed := d.Memory.keptAs(d.keyed(), d.attempt.At)
	if d.Memory.holds(keyed) {
		return nil, errImprovise
	}
	call, err := d.Records.Call(ctx, keyed)
	switch {
	case errors.Is(err, emergency.ErrErasedCall):
		d.id = d.fresh
	case errors.Is(err, emergency.ErrUnknownCall):
		d.id = keyed
	case err != nil:
		return nil, fmt.Errorf("look for a repeated dial: %w", err)
	case call.Status(d.Clock()) == emergency.CallEnded:
		d.id = d.fresh
	default:
		return &call, nil
	}
	return nil, nil //nolint:nilnil // nothing is repeated
}

// keySpace separates IDs that come from idempotency keys from all others.
var keySpace = uuid.MustParse("6f1f2c0e-1f0b-4b6e-9d3a-6c1f6a4c9a11")

// firstLeg is the ID of a call's outbound leg. Two processes that answer one dial, the
// second because the answer of the first was lost, mean the same leg.
func firstLeg(id emergency.CallID) emergency.LegID {
	return emergency.LegID(uuid.NewSHA1(keySpace, []byte(string(id)+"\x00leg")).String())
}

// another is the ID of a call whose own is that of a call which was over before. It
// follows from what SQL keeps of when it was dialed.
func another(id emergency.CallID, dialed time.Time) emergency.CallID {
	at := dialed.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	return emergency.CallID(uuid.NewSHA1(keySpace, []byte(string(id)+"\x00"+at)).String())
}

// keyed is the ID of the agent's key and the number: a call for help is never taken for
// the repetition of a test.
func (d *dialing) keyed() emergency.CallID {
	name := string(d.req.AgentID) + "\x00" + d.attempt.Dialed.Number + "\x00" + d.req.IdempotencyKey
	return emergency.CallID(uuid.NewSHA1(keySpace, []byte(name)).String())
}

// admit tells by which way a call goes out, or why it cannot.
func (d *dialing) admit(ctx context.Context) (emergency.Assessment, *emergency.Refusal) {
	at := whereabouts(d.attempt)
	if at.Disagree() {
		d.Log.WarnContext(ctx, "The device names another country than the agent's site; check both",
			"agent", d.req.AgentID, "site", d.attempt.Caller.Site.ID, "siteCountry", at.Site, "conveyedCountry", at.Conveyed)
	}
	assessment := d.attempt.Assess()
	refusal := assessment.Refusal(at.Country())
	if refusal == nil {
		return assessment, nil
	}
	refusal.CallID = d.fresh
	refusal.Instead = d.refused(assessment, refusal).Instead()
	return assessment, refusal
}

// refused is what people are told of a dial that could not work.
func (d *dialing) refused(assessment emergency.Assessment, refusal *emergency.Refusal) emergency.RefusedCall {
	return emergency.RefusedCall{
		CallID: d.fresh, AgentID: d.req.AgentID, SiteID: d.attempt.Caller.Site.ID,
		Dialed: d.req.DialedNumber, Kind: d.attempt.Dialed.Kind, Country: whereabouts(d.attempt).Country(),
		Location: assessment.Conveyed, Code: emergency.CheckCode(refusal.Code), At: d.attempt.At,
	}
}

func (d *dialing) placement(assessment emergency.Assessment) store.Placement {
	return store.Placement{
		CallID: d.id, LegID: firstLeg(d.id), Caller: d.attempt.Caller, Dialed: assessment.Dialed, Location: assessment.Conveyed,
		Way: assessment.Way, Warnings: assessment.Warnings(),
		Terms: d.Terms, At: d.attempt.At, PresenceOutside: d.PresenceOutside, Notices: d.Notices,
	}
}
