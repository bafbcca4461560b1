package dial_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// A call that SQL will never take is still the one that a PSAP calls back, in this process
// and in the next one, until its window is over, and then, for a while, to its site's desk;
// and it can be found, and ended (B6, B7, S5).
func TestLostCallKeepsItsNumber(t *testing.T) {
	r := newRig(t)
	r.faulty.breaks(down)
	call := r.dial(t, "")
	backup := func(context.Context) error { return emergency.ErrUnknownAgent } // it was made before he came
	r.faulty.breaksAt("place", backup, nil)
	r.replayed(t)
	aside, err := r.queue.Aside()
	ok(t, err)
	same(t, "records set aside", 1, aside)
	r.mayCallBack(t, call)
	next := r.again(t, nil)
	next.blind = true // SQL has nothing to send
	next.mayCallBack(t, call)
	ended, err := next.End(t.Context(), call.ID, "", "")
	ok(t, err)
	same(t, "the call is up", false, ended.LegUp())
	next.replayed(t)
	next.mayCallBack(t, call)
	_, err = next.End(t.Context(), call.ID, "", "")
	ok(t, err)
	later := func(d time.Duration, want emergency.Verdict) {
		r.pass(d) // it is the clock of the records
		next.pass(d)
		ok(t, next.feed.Read(t.Context()))
		decision, err := next.Inbound(t.Context(), call.Route.CallerID, "+12025550911")
		ok(t, err)
		same(t, "the verdict after its window", want, decision.Verdict)
	}
	later(agreed.Lease+emergency.OverdueSlack, emergency.ConnectFallback)
	later(agreed.Quarantine, emergency.NotAnEmergencyCallback)
	_, err = next.Find(t.Context(), call.ID)
	same(t, "it is unknown then", true, errors.Is(err, emergency.ErrUnknownCall))
	same(t, "what the copy has of it", []byte(nil), next.kept.All()["call/"+string(call.ID)])
}

// mayCallBack checks that a call is known, also after all has been read, and that whoever
// calls the number that it showed gets its agent.
func (r *rig) mayCallBack(t *testing.T, call emergency.Call) {
	t.Helper()
	ok(t, r.feed.Read(t.Context()))
	found, err := r.Find(t.Context(), call.ID)
	ok(t, err)
	same(t, "the call found", call.ID, found.ID)
	decision, err := r.Inbound(t.Context(), call.Route.CallerID, "+12025550911")
	ok(t, err)
	same(t, "the call of a callback", call.ID, decision.CallID)
}

// Whatever was answered without SQL says what the agent shows, and showed before, also to a
// process that has started since, and in his earlier calls too; what he showed before a call
// that SQL still took part in is not taken for his own choice (S8, B7).
func TestPresenceWithoutRecords(t *testing.T) {
	r := newRig(t)
	first := r.dial(t, "")
	ok(t, r.feed.Read(t.Context()))
	r.faulty.breaks(down)
	r.pass(time.Minute)
	second := r.dial(t, "")
	r = r.again(t, down)
	for _, call := range []emergency.Call{first, second} {
		r.shows(t, call.ID, emergency.StatusDoNotDisturb)
	}
	_, err := r.End(t.Context(), second.ID, "", "")
	ok(t, err)
	r.shows(t, second.ID, emergency.StatusDoNotDisturb)
	_, err = r.End(t.Context(), first.ID, "", "")
	ok(t, err)
	for range 2 {
		for _, call := range []emergency.Call{first, second} {
			r.shows(t, call.ID, emergency.StatusAvailable)
		}
		r = r.again(t, down)
	}
	r.pass(time.Minute)
	third := r.dial(t, "")
	for _, call := range []emergency.Call{first, second, third} {
		r.shows(t, call.ID, emergency.StatusDoNotDisturb)
	}
}

// shows checks what a call says that its agent shows; he was available before.
func (r *rig) shows(t *testing.T, id emergency.CallID, now emergency.Status) {
	t.Helper()
	found, err := r.Find(t.Context(), id)
	ok(t, err)
	same(t, "presence", now, found.PresenceNow)
	same(t, "presence before", emergency.StatusAvailable, found.PresenceBefore)
}
