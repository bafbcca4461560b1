package store_test

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// presenceRules are about what an agent shows.
var presenceRules = []rule{
	{"set by a dial, restored by the end", setAndRestored},
	{"verbatim", restoredVerbatim},
	{"two calls at once", twoCallsAtOnce},
	{"a callback sets it again", callbackSetsItAgain},
	{"somebody's choice stays", choiceStays},
	{"chosen Do not disturb stays", chosenDoNotDisturbStays},
	{"chosen between two legs", chosenBetweenTwoLegs},
	{"a repeated choice is none", repeatedChoiceIsNone},
	{"ensured", overrideEnsured},
	{"restored once", restoredOnce},
	{"unknown agent", presenceOfNobody},
	{"unusable status", unusableStatus},
}

// A dial shows Do not disturb at once, and the end of the call what was there
// before (S2, S10).
func setAndRestored(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	for _, before := range []emergency.Status{"available", "busy", "do-not-disturb", "away", "offline"} {
		w.choose(t, "one", before)
		w.pass(time.Second)
		call := w.dial(t, "one")
		w.shows(t, "one", emergency.StatusDoNotDisturb)
		if call.PresenceBefore != before || call.PresenceNow != emergency.StatusDoNotDisturb {
			t.Errorf("the call says %q before and %q now", call.PresenceBefore, call.PresenceNow)
		}
		w.pass(time.Second)
		if got := w.hangUp(t, call.ID, "").PresenceNow; got != before {
			t.Errorf("after the end it is %q, want %q", got, before)
		}
		shown, err := w.Presence(t.Context(), "one")
		if err != nil || shown.Status != before || !shown.ChangedAt.Equal(w.clock.read()) {
			t.Errorf("the agent shows %+v, %v", shown, err)
		}
	}
}

// A status that only the presence system knows comes back as it was (S10).
func restoredVerbatim(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	const own = " Im Gespräch; 'Büro' \\ 會議 "
	w.choose(t, "one", own)
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", own)
}

// Of two calls at once the last to end restores, in whatever order (B4).
func twoCallsAtOnce(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		w.choose(t, "one", emergency.StatusBusy)
		calls := []emergency.Call{w.dial(t, "one"), w.dial(t, "one")}
		if got := calls[1].PresenceBefore; got != emergency.StatusBusy {
			t.Errorf("the second call goes back to %q", got)
		}
		if got := w.hangUp(t, calls[order[0]].ID, "").PresenceNow; got != emergency.StatusDoNotDisturb {
			t.Errorf("with a call up it is %q", got)
		}
		if got := w.hangUp(t, calls[order[1]].ID, "").PresenceNow; got != emergency.StatusBusy {
			t.Errorf("after both it is %q", got)
		}
	}
}

// A callback shows Do not disturb again, and its end what was there before (B3).
func callbackSetsItAgain(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.hangUp(t, call.ID, "")
	w.choose(t, "one", emergency.StatusAway)
	decision := w.offer(t, first)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	if got := w.read(t, call.ID).PresenceBefore; got != emergency.StatusAway {
		t.Errorf("the call goes back to %q", got)
	}
	w.hangUp(t, call.ID, decision.LegID)
	w.shows(t, "one", emergency.StatusAway)
}

// What somebody chose during the call stays after it (B4).
func choiceStays(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.choose(t, "one", emergency.StatusBusy)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusBusy)
}

// So does Do not disturb, when somebody chose it: going away and back again is a
// choice, though it looks like what Lifeline set (B4).
func chosenDoNotDisturbStays(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.choose(t, "one", emergency.StatusBusy)
	w.choose(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusDoNotDisturb)
}

// What somebody chose between two legs gives way to the second, and comes back
// after both (B3, B4).
func chosenBetweenTwoLegs(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	w.choose(t, "one", emergency.StatusBusy)
	decision := w.offer(t, first)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, decision.LegID)
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusBusy)
}

// A desktop that repeats what is shown changes nothing, so it cannot undo the
// restoring either (S10).
func repeatedChoiceIsNone(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	before, err := w.Presence(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.SetPresence(t.Context(), "one", emergency.StatusDoNotDisturb)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the presence", before, again)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusAvailable)
}

// The workflow finds the dial's work done: it never sets Do not disturb over a
// later choice, nor for a leg that is over (B4). Where it is missing, it is set.
func overrideEnsured(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	ensure := func() {
		t.Helper()
		if err := w.EnsureOverride(t.Context(), call.ID, call.Legs[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	w.choose(t, "one", emergency.StatusBusy)
	ensure()
	w.shows(t, "one", emergency.StatusBusy)
	w.run(t, `DELETE FROM presence_claims`)
	ensure()
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, "")
	w.shows(t, "one", emergency.StatusBusy)
	ensure()
	w.shows(t, "one", emergency.StatusBusy)
	if err := w.EnsureOverride(t.Context(), call.ID, "no-such-leg"); err != nil {
		t.Error(err)
	}
	if err := w.EnsureOverride(t.Context(), "no-such-call", "no-such-leg"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}

// Presence is restored once, however often the workflow makes sure of it (B4).
func restoredOnce(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	call := w.dial(t, "one")
	restore := func() {
		t.Helper()
		if err := w.EnsureRestored(t.Context(), call.ID); err != nil {
			t.Fatal(err)
		}
	}
	restore()
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	w.hangUp(t, call.ID, "")
	w.choose(t, "one", emergency.StatusDoNotDisturb)
	restore()
	w.shows(t, "one", emergency.StatusDoNotDisturb)
	// An end that was written down without its presence is caught up with.
	redial := w.dial(t, "one")
	w.run(t, `UPDATE legs SET ended_at = $2 WHERE call_id = $1`, redial.ID, noon)
	call = redial
	restore()
	if claims := w.count(t, `SELECT COUNT(*) FROM presence_claims`); claims != 0 {
		t.Errorf("%d legs still claim Do not disturb", claims)
	}
	if err := w.EnsureRestored(t.Context(), "no-such-call"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}

// An agent who does not exist is said not to.
func presenceOfNobody(t *testing.T, w *world) {
	if _, err := w.Presence(t.Context(), "nobody"); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
	if _, err := w.SetPresence(t.Context(), "nobody", emergency.StatusBusy); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
}

// A status that no presence system could mean is refused, as in the domain.
func unusableStatus(t *testing.T, w *world) {
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	for _, status := range []emergency.Status{"", "\x00", "\xff"} {
		var invalid *emergency.Invalid
		if _, err := w.SetPresence(t.Context(), "one", status); !errors.As(err, &invalid) {
			t.Errorf("the error is %v, want *Invalid", err)
		}
	}
	w.shows(t, "one", emergency.StatusAvailable)
}
