package dial_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// secondOfKey has a call end, and another come under the same key while SQL is down, at a
// process that does not know the first. SQL keeps the second under another ID than it
// was answered with.
func secondOfKey(t *testing.T) (*rig, emergency.Call) {
	t.Helper()
	r := newRig(t)
	first := r.dial(t, "key")
	_, err := r.End(t.Context(), first.ID, "", "")
	ok(t, err)
	r.pass(time.Hour)
	_, err = r.store.CloseCall(t.Context(), first.ID, "completed")
	ok(t, err)
	r.pass(time.Minute)
	r = r.beside(t)
	r.blind = true
	r.faulty.breaks(down)
	second := r.dial(t, "key")
	same(t, "the ID answered", first.ID, second.ID)
	r.pass(time.Minute)
	return r, second
}

// The process may die when SQL has the call and not yet what came after it: whoever takes
// its place knows which call that is for (S11, B7).
func TestMovedCallOutlivesProcess(t *testing.T) {
	for name, whose := range map[string]func(*rig, emergency.Call){
		"an end": func(r *rig, second emergency.Call) {
			_, err := r.End(t.Context(), second.ID, second.Legs[0].ID, "")
			ok(t, err)
		},
		"a callback and an end of all": func(r *rig, second emergency.Call) {
			decision, err := r.Inbound(t.Context(), standing, "+12025550911")
			ok(t, err)
			same(t, "the call", second.ID, decision.CallID)
			r.pass(time.Minute)
			_, err = r.End(t.Context(), second.ID, "", "")
			ok(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, second := secondOfKey(t)
			whose(r, second)
			r.faulty.breaksAt("end", down, nil)
			r.faulty.before["callback"] = down
			if err := r.spool.Replay(t.Context()); err == nil {
				t.Fatal("all is replayed")
			}
			next := r.again(t, down)
			next.blind = true
			next.faulty.breaks(nil)
			next.replayed(t)
			calls := next.live(t)
			same(t, "calls", 1, len(calls))
			same(t, "legs up", 0, len(calls[0].LiveLegs()))
			same(t, "presence", emergency.StatusAvailable, calls[0].PresenceNow)
		})
	}
}

// Its end may be told to another process, which knows of the call from SQL alone, and its
// dial may be repeated there (B7).
func TestMovedCallElsewhere(t *testing.T) {
	r, second := secondOfKey(t)
	r.faulty.breaks(nil)
	r.replayed(t)
	other := r.beside(t)
	other.blind = true
	again := other.dial(t, "key")
	same(t, "the call of the repeated dial", other.live(t)[0].ID, again.ID)
	ended, err := other.End(t.Context(), second.ID, second.Legs[0].ID, "")
	ok(t, err)
	same(t, "legs up", 0, len(ended.LiveLegs()))
	calls := other.live(t)
	same(t, "calls", 1, len(calls))
	same(t, "legs up in SQL", 0, len(calls[0].LiveLegs()))
}
