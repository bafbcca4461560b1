package dial_test

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// A dial is answered with everything done in SQL: number, Do not disturb, the call
// with its leg; and the relay is told of the workflow's order (S2, S3, B7).
func TestPlace(t *testing.T) {
	r := newRig(t)
	here := emergency.Location{Latitude: new(38.9), Longitude: new(-77.0)}
	call, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: " 911 ", Location: &here})
	ok(t, err)
	same(t, "the number", number, call.Number)
	same(t, "what was dialed", "911", call.Dialed)
	same(t, "presence before and now", []emergency.Status{emergency.StatusAvailable, emergency.StatusDoNotDisturb},
		[]emergency.Status{call.PresenceBefore, call.PresenceNow})
	same(t, "the location conveyed", &here, call.Conveyed.Device)
	same(t, "the window's end", noon.Add(time.Hour), call.WindowEndsAt())
	same(t, "calls that the relay was told of", []emergency.CallID{call.ID}, r.woken)
	messages := r.sent(t, call.ID)
	same(t, "messages", 1, len(messages))
	var order emergency.Order
	ok(t, json.Unmarshal(messages[0].Body, &order))
	same(t, "the order", emergency.Order{
		CallID: call.ID, AgentID: caller, Kind: emergency.KindEmergency, Dialed: "911", Country: emergency.UnitedStates,
		DialedAt: noon, LegID: call.Legs[0].ID, Number: number, NumberKind: emergency.NumberLeased,
		SiteName: "Washington", Terms: agreed, Contacts: 1, PresenceOutside: true, Notices: &telling,
	}, order)
}

// What is no call for help is refused, and what cannot be understood is told apart
// from it; neither changes anything, and nobody is told of it (S1, B10).
func TestPlaceRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		request emergency.DialRequest
		is      func(error) bool
	}{
		{
			"an ordinary number",
			emergency.DialRequest{AgentID: caller, DialedNumber: "+12025550123"},
			func(err error) bool {
				refusal, refused := errors.AsType[*emergency.Refusal](err)
				return refused && refusal.Code == "not-an-emergency-number"
			},
		},
		{
			"an unknown agent",
			emergency.DialRequest{AgentID: "nobody", DialedNumber: "911"},
			func(err error) bool { return errors.Is(err, emergency.ErrUnknownAgent) },
		},
		{
			"an invalid location",
			emergency.DialRequest{
				AgentID: caller, DialedNumber: "911", Location: &emergency.Location{Latitude: new(38.9)},
			},
			func(err error) bool {
				invalid, is := errors.AsType[*emergency.Invalid](err)
				return is && invalid.Field == "location.longitude"
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			call, err := r.Place(t.Context(), c.request)
			if !c.is(err) {
				t.Errorf("the error is %v", err)
			}
			same(t, "the call", emergency.Call{}, call)
			same(t, "refusals told", 0, len(r.refused))
			r.untouched(t)
		})
	}
}

// A repeated request with the same key is the same call, and changes nothing; the
// relay is told again, in case it was not the first time.
func TestIdempotencyKey(t *testing.T) {
	r := newRig(t)
	call := r.dial(t, "key")
	r.pass(time.Minute)
	again := r.dial(t, "key")
	same(t, "the call", call, again)
	same(t, "messages", 1, len(r.sent(t, call.ID)))
	calls, err := r.store.LiveCalls(t.Context())
	ok(t, err)
	same(t, "calls", 1, len(calls))
}

// A key belongs to an agent: another's call is never joined, and its presence and
// number never shown.
func TestIdempotencyKeyOfTwoAgents(t *testing.T) {
	r := newRig(t)
	one := r.dial(t, "key")
	two, err := r.Place(t.Context(), emergency.DialRequest{AgentID: "agent-two", DialedNumber: "911", IdempotencyKey: "key"})
	ok(t, err)
	if one.ID == two.ID || two.AgentID != "agent-two" {
		t.Errorf("agent-two is given %s of %s", two.ID, two.AgentID)
	}
}

// A call for help is never taken for the repetition of a test, whatever key comes
// with it (B13).
func TestIdempotencyKeyOfAnotherNumber(t *testing.T) {
	r := newRig(t)
	test, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "933", IdempotencyKey: "key"})
	ok(t, err)
	help := r.dial(t, "key")
	if help.ID == test.ID || help.Kind != emergency.KindEmergency {
		t.Errorf("the dial of 911 is given the %s call %s", help.Kind, help.ID)
	}
}

// Other keys, and no key at all, are other calls; a redial keeps the number (B2).
func TestOtherKeys(t *testing.T) {
	r := newRig(t)
	var ids []emergency.CallID
	for _, key := range []string{"key", "another", "", ""} {
		call := r.dial(t, key)
		same(t, "the number", number, call.Number)
		if slices.Contains(ids, call.ID) {
			t.Errorf("the key %q gives a call that was there", key)
		}
		ids = append(ids, call.ID)
	}
}

// A key whose call is over counts as new: a desktop that always sends the same one
// must be able to call for help a second time.
func TestIdempotencyKeyOfEndedCall(t *testing.T) {
	for _, c := range []struct {
		name string
		over func(*testing.T, *rig, emergency.CallID)
	}{
		{"closed", func(t *testing.T, r *rig, id emergency.CallID) {
			_, err := r.End(t.Context(), id, "", "")
			ok(t, err)
			_, err = r.store.CloseCall(t.Context(), id, "completed")
			ok(t, err)
		}},
		{"expired by itself", func(_ *testing.T, r *rig, _ emergency.CallID) { r.pass(10 * time.Hour) }},
		{"erased", func(t *testing.T, r *rig, id emergency.CallID) {
			_, err := r.End(t.Context(), id, "", "")
			ok(t, err)
			_, err = r.store.CloseCall(t.Context(), id, "completed")
			ok(t, err)
			r.pass(24 * time.Hour)
			ok(t, r.store.GiveUpTelling(t.Context(), r.clock()))
			erased, err := r.store.EraseCalls(t.Context(), r.clock())
			ok(t, err)
			same(t, "calls erased", 1, erased)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			call := r.dial(t, "key")
			c.over(t, r, call.ID)
			again := r.dial(t, "key")
			if again.ID == call.ID {
				t.Error("the call that is over is given again")
			}
			same(t, "the new call", emergency.CallActive, again.Status(r.clock()))
			same(t, "presence", emergency.StatusDoNotDisturb, again.PresenceNow)
		})
	}
}

// Requests with one key at the same moment are one call.
func TestIdempotencyKeyAtOnce(t *testing.T) {
	r := newRig(t)
	ids := make([]emergency.CallID, 10)
	var dialing sync.WaitGroup
	for i := range ids {
		dialing.Go(func() {
			call, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "911", IdempotencyKey: "key"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = call.ID
		})
	}
	dialing.Wait()
	same(t, "calls", 1, len(slices.Compact(ids)))
	same(t, "messages", 1, len(r.sent(t, ids[0])))
}
