package activities_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/presence"
)

// hears makes the rig's presence system keep what it is told.
func (r *rig) hears() *[]emergency.Status {
	var told []emergency.Status
	r.Outside = outsider(func(p emergency.Presence) error {
		told = append(told, p.Status)
		return nil
	})
	return &told
}

// An outside presence system hears of Do not disturb and of its end (S2, S10).
func TestTellOutside(t *testing.T) {
	r := newRig(t, 5*time.Minute)
	told := r.hears()
	ok(t, r.SetDoNotDisturb(t.Context(), presenceStep(theDial)))
	r.end(t, "", 0)
	ok(t, r.RestorePresence(t.Context(), presenceStep("")))
	same(t, "what was told", []emergency.Status{emergency.StatusDoNotDisturb, emergency.StatusAvailable}, *told)
}

// A presence system that was down until the call was erased still hears what the agent
// shows (S10, S11, B14).
func TestTellOutsideOfErasedCall(t *testing.T) {
	r := newRig(t, 5*time.Minute)
	told := r.hears()
	r.end(t, "", 0)
	r.sql(t, "DELETE FROM legs; DELETE FROM lease_claims; DELETE FROM calls")
	if failed := application(t, r.RestorePresence(t.Context(), presenceStep(""))); !failed.NonRetryable() {
		t.Error("it will be tried again")
	}
	same(t, "what was told", []emergency.Status{emergency.StatusAvailable}, *told)
}

// What is told is what holds now, not what was asked for: a step that comes late,
// or a second time, still tells the truth.
func TestTellOutsideTheTruth(t *testing.T) {
	r := newRig(t, 5*time.Minute)
	told := r.hears()
	ok(t, r.RestorePresence(t.Context(), presenceStep(""))) // too early: the call is up
	r.end(t, "", 0)
	ok(t, r.SetDoNotDisturb(t.Context(), presenceStep(theDial))) // too late
	r.choose(t, emergency.StatusAway)
	ok(t, r.RestorePresence(t.Context(), presenceStep(""))) // somebody has chosen since (B4)
	same(t, "what was told", []emergency.Status{
		emergency.StatusDoNotDisturb, emergency.StatusAvailable, emergency.StatusAway,
	}, *told)
}

// A presence that changes while it is being told is told again, with a higher
// revision, so that the last word is right.
func TestTellOutsideAgain(t *testing.T) {
	r := newRig(t, 5*time.Minute)
	var told []emergency.Presence
	r.Outside = outsider(func(p emergency.Presence) error {
		told = append(told, p)
		switch len(told) {
		case 1:
			r.end(t, "", 0)
		case 2:
			r.choose(t, emergency.StatusBusy)
		}
		return nil
	})
	ok(t, r.SetDoNotDisturb(t.Context(), presenceStep(theDial)))
	var statuses []emergency.Status
	for i, p := range told {
		statuses = append(statuses, p.Status)
		if i > 0 && p.Revision <= told[i-1].Revision {
			t.Errorf("revision %d comes after %d", p.Revision, told[i-1].Revision)
		}
	}
	same(t, "what was told", []emergency.Status{
		emergency.StatusDoNotDisturb, emergency.StatusAvailable, emergency.StatusBusy,
	}, statuses)
}

// A presence system in trouble is tried again; one that refuses is not. Either way
// Lifeline's own presence is right.
func TestTellOutsideFails(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"down", &presence.SetError{Reason: "answered 503"}, false},
		{"refusing", &presence.SetError{Permanent: true, Reason: "answered 404"}, true},
		{"refusing in other words", errors.Join(errors.New("set"), &presence.SetError{Permanent: true, Reason: "answered 404"}), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 5*time.Minute)
			r.Outside = outsider(func(emergency.Presence) error { return c.err })
			err := r.SetDoNotDisturb(t.Context(), presenceStep(theDial))
			if !errors.Is(err, c.err) && c.want == false {
				t.Errorf("the error is %v, want %v", err, c.err)
			}
			if c.want {
				if failed := application(t, err); !failed.NonRetryable() || failed.Type() != "PresenceRefused" {
					t.Errorf("the error is of type %q and non-retryable: %t", failed.Type(), failed.NonRetryable())
				}
			}
			discreet(t, err.Error())
			r.end(t, "", 0)
			if err := r.RestorePresence(t.Context(), presenceStep("")); err == nil {
				t.Error("nobody hears that the presence system was not told")
			}
			same(t, "presence", emergency.StatusAvailable, r.picture(t).Presence.Status)
		})
	}
}

// Do not disturb is restored once, when the last leg is over, and never over
// somebody's later choice (B4).
func TestRestorePresence(t *testing.T) {
	r := newRig(t, 5*time.Minute)
	r.ring(t, 4*time.Minute)
	r.end(t, theDial, 3*time.Minute)
	ok(t, r.RestorePresence(t.Context(), presenceStep("")))
	same(t, "presence with a callback up", emergency.StatusDoNotDisturb, r.picture(t).Presence.Status)
	r.choose(t, emergency.StatusBusy)
	r.end(t, callback, 2*time.Minute)
	ok(t, r.RestorePresence(t.Context(), presenceStep("")))
	same(t, "presence after a choice", emergency.StatusBusy, r.picture(t).Presence.Status)
}
