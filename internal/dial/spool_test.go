package dial_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
	"lifeline/internal/journal"
	"lifeline/internal/store"
)

// A process that dies before SQL has everything leaves it to the next one, which knows
// at once whom a callback is for (B7, S11).
func TestSpoolOutlivesProcess(t *testing.T) {
	r := newRig(t)
	r.faulty.breaks(down)
	call := r.dial(t, "")
	_, err := r.End(t.Context(), call.ID, "", "")
	ok(t, err)
	next := r.again(t, down)
	decision, err := next.Inbound(t.Context(), call.Route.CallerID, "+12025550911")
	ok(t, err)
	same(t, "the verdict", emergency.ConnectAgent, decision.Verdict)
	same(t, "the call", call.ID, decision.CallID)
	next.faulty.breaks(nil)
	next.replayed(t)
	kept, err := next.store.Call(t.Context(), call.ID)
	ok(t, err)
	same(t, "legs", 2, len(kept.Legs))
	same(t, "the first leg is up", false, kept.Leg(call.Legs[0].ID).Up())
	same(t, "the callback is up", true, kept.Leg(decision.LegID).Up())
}

// So does one that has been running in the same data directory, once it takes over the
// other's spool.
func TestSpoolIsAdopted(t *testing.T) {
	r := newRig(t)
	next := &rig{now: r.now, store: r.store}
	next.staff(t, r.dir, nil)
	r.faulty.breaks(down)
	next.faulty.breaks(down)
	call := r.dial(t, "")
	ok(t, r.die())
	ok(t, only(next.queue.Adopt(next.spool.Recall)))
	decision, err := next.Inbound(t.Context(), call.Route.CallerID, "+12025550911")
	ok(t, err)
	same(t, "the call", call.ID, decision.CallID)
	_, err = next.End(t.Context(), call.ID, call.Legs[0].ID, "")
	ok(t, err)
	next.faulty.breaks(nil)
	next.replayed(t)
	kept, err := next.store.Call(t.Context(), call.ID)
	ok(t, err)
	same(t, "legs", 2, len(kept.Legs))
	same(t, "the first leg is up", false, kept.Leg(call.Legs[0].ID).Up())
	same(t, "the callback is up", true, kept.Leg(decision.LegID).Up())
}

// A process that starts while SQL is down knows agents, ways and leased numbers from its
// copy, and whom a number belongs to (B7).
func TestCopyOutlivesProcess(t *testing.T) {
	r := newRig(t)
	call := r.dial(t, "")
	_, err := r.End(t.Context(), call.ID, "", "")
	ok(t, err)
	ok(t, r.feed.Read(t.Context()))
	next := r.again(t, down)
	decision, err := next.Inbound(t.Context(), number, "+12025550911")
	ok(t, err)
	same(t, "the agent called back", caller, decision.AgentID)
	same(t, "the call", call.ID, decision.CallID)
	redial := next.dial(t, "")
	same(t, "the number shown in a redial", number, redial.Route.CallerID)
	same(t, "the way", emergency.DirectOffer, redial.Route.Path)
}

// A value of the copy that cannot be read, such as another version's, is told and costs no
// more than itself.
func TestCopyIsReadInPart(t *testing.T) {
	r := newRig(t)
	call := r.dial(t, "")
	ok(t, r.kept.Put("call/other", []byte(`{"ID":7}`)))
	ok(t, r.kept.Put("caller/other", []byte(`[]`)))
	ok(t, r.die())
	kept, _ := journal.OpenCopy(filepath.Join(r.dir, "last-known"))
	t.Cleanup(func() { ok(t, kept.Close()) })
	memory := dial.NewMemory(kept)
	if err := (&dial.Feed{Memory: memory, Copy: kept}).Recall(); err == nil {
		t.Error("nothing is told")
	}
	r.Memory = memory
	r.faulty.breaks(down)
	found, err := r.remembered(t, call.ID)
	ok(t, err)
	same(t, "the leg is up", true, found.LegUp())
	_, err = r.remembered(t, "other")
	same(t, "what cannot be read is unknown", true, errors.Is(err, emergency.ErrUnknownCall))
}

// What another process does is known here soon, by the event log; and so is that a call
// is over.
func TestFeed(t *testing.T) {
	r := newRig(t)
	other := r.beside(t)
	call := other.dial(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.feed.Run(ctx) })
	defer running.Wait()
	defer cancel()
	eventually(t, func() bool { found, err := r.remembered(t, call.ID); return err == nil && found.LegUp() })
	_, err := other.End(t.Context(), call.ID, "", "")
	ok(t, err)
	eventually(t, func() bool { found, err := r.remembered(t, call.ID); return err == nil && !found.LegUp() })
	_, err = r.store.CloseCall(t.Context(), call.ID, "completed")
	ok(t, err)
	eventually(t, func() bool { _, err := r.remembered(t, call.ID); return errors.Is(err, emergency.ErrUnknownCall) })
}

// remembered is a call as it is known without SQL.
func (r *rig) remembered(t *testing.T, id emergency.CallID) (emergency.Call, error) {
	t.Helper()
	blind := *r.Desk
	blind.Records = &faulty{before: map[string]trouble{every: down}}
	return blind.Find(t.Context(), id)
}

func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to that")
		}
	}
}

// brokenQueue is a disk that takes nothing.
type brokenQueue struct{ *journal.Queue }

func (brokenQueue) Append(context.Context, []byte) error { return journal.ErrFull }

// When the disk fails together with SQL, dials are still answered; and while the process
// lives, nothing is lost (B7).
func TestDiskFails(t *testing.T) {
	r := newRig(t)
	wake := func(emergency.CallID) {}
	spool, err := dial.NewSpool(dial.SpoolOptions{
		Queue: brokenQueue{r.queue}, Records: r.faulty, Memory: r.Memory, Notices: telling, Wake: wake, Log: r.Log,
	})
	ok(t, err)
	r.spool, r.Keep = spool, spool.Keep
	r.faulty.breaks(down)
	call := r.dial(t, "")
	_, err = r.End(t.Context(), call.ID, "", "")
	ok(t, err)
	same(t, "what is kept in memory alone", 2, spool.Undurable())
	r.faulty.breaks(nil)
	r.replayed(t)
	kept, err := r.store.Call(t.Context(), call.ID)
	ok(t, err)
	same(t, "legs up", 0, len(kept.LiveLegs()))
}

// stubborn are records that do not take one call, whatever happens, nor another, of which
// they say nothing; and all others.
type stubborn struct {
	dial.Replayed

	mu           sync.Mutex
	never, mutes emergency.CallID
	took         []emergency.CallID
	dead         bool
}

// become changes them.
func (s *stubborn) become(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *stubborn) Ping(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return errDown
	}
	return nil
}

func (s *stubborn) PlaceCall(ctx context.Context, p store.Placement) (emergency.Call, error) {
	s.mu.Lock()
	locked := p.CallID == s.mutes
	s.mu.Unlock()
	if locked {
		return emergency.Call{}, fmt.Errorf("%w: %w", emergency.ErrUnavailable, hang(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || p.CallID == s.never {
		return emergency.Call{}, errDown
	}
	s.took = append(s.took, p.CallID)
	return emergency.Call{}, nil
}

// line is a queue in memory.
type line struct {
	mu       sync.Mutex
	records  [][]byte
	rejected int
	// full takes nothing.
	full bool
}

// become changes it.
func (l *line) become(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// aside is how many records have been set aside.
func (l *line) aside() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rejected
}

func (l *line) SetAside([]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return errDown
	}
	l.rejected++
	return nil
}

func (l *line) Append(_ context.Context, record []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return errDown
	}
	l.records = append(l.records, record)
	return nil
}

func (l *line) Pending() ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records), nil
}

func (l *line) Drain(ctx context.Context, take func(context.Context, []byte) error) error {
	for {
		waiting, _ := l.Pending()
		if len(waiting) == 0 {
			return nil
		}
		err := take(ctx, waiting[0])
		if err != nil && !journal.Rejected(err) {
			return err
		}
		l.mu.Lock()
		l.records = l.records[1:]
		if err != nil {
			l.rejected++
		}
		l.mu.Unlock()
	}
}

// A record that SQL refuses although it works is set aside in the end, so that it does not
// keep the others back for ever. One that it does not take while it is down, or does not
// answer of, because somebody has locked what it needs, never is (B7, S11).
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records, queue := &stubborn{never: "bad", mutes: "mute", dead: true}, &line{}
		spool := newSpool(t, records, queue)
		for _, id := range []emergency.CallID{"first", "bad", "mute", "last"} {
			spool.Keep(t.Context(), dial.Intent{Placed: &store.Placement{CallID: id}})
		}
		ok(t, queue.Append(t.Context(), []byte("{}")))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go spool.Run(ctx)
		time.Sleep(time.Hour)
		same(t, "set aside while SQL is down", 0, queue.aside())
		records.become(func() { records.dead = false })
		time.Sleep(time.Hour)
		same(t, "set aside while one is locked", 1, queue.aside())
		records.become(func() { records.mutes = "" })
		time.Sleep(time.Minute)
		synctest.Wait()
		same(t, "what SQL took", []emergency.CallID{"first", "mute", "last"}, records.took)
		same(t, "set aside", 2, queue.aside())
	})
}

// newSpool is a spool that nobody dials into.
func newSpool(t *testing.T, records dial.Replayed, queue dial.Queue) *dial.Spool {
	t.Helper()
	r := &rig{now: noon}
	spool, err := dial.NewSpool(dial.SpoolOptions{
		Queue: queue, Records: records, Memory: dial.NewMemory(nowhere{}), Wake: func(emergency.CallID) {}, Log: r.logger(),
	})
	ok(t, err)
	return spool
}

// What is kept in memory alone and SQL never takes is not dropped while the disk does not
// take it either, and keeps no other back; once the disk does, people find it there (S11).
func TestPoisonInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records, queue := &stubborn{never: "bad"}, &line{full: true}
		spool := newSpool(t, records, queue)
		for _, id := range []emergency.CallID{"first", "bad", "last"} {
			spool.Keep(t.Context(), dial.Intent{Placed: &store.Placement{CallID: id}})
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go spool.Run(ctx)
		time.Sleep(time.Hour)
		same(t, "what SQL took", []emergency.CallID{"first", "last"}, records.took)
		same(t, "what is kept in memory", 1, spool.Undurable())
		queue.become(func() { queue.full = false })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		same(t, "what is kept in memory then", 0, spool.Undurable())
		same(t, "set aside", 1, queue.aside())
	})
}

// What the disk did not take in time, it takes as soon as it can, in its order, and whatever
// SQL does: a process that is killed then loses nothing of it (B7, S11).
func TestDiskTakesItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records, queue := &stubborn{mutes: "call"}, &line{full: true} // SQL says nothing of it, for ever
		spool := newSpool(t, records, queue)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go spool.Run(ctx)
		placed := dial.Intent{Placed: &store.Placement{CallID: "call"}}
		ended := dial.Intent{Ended: &store.Ending{CallID: "call", LegID: "first"}}
		spool.Keep(t.Context(), placed)
		spool.Keep(t.Context(), ended)
		time.Sleep(time.Minute)
		same(t, "what is kept in memory", 2, spool.Undurable())
		queue.become(func() { queue.full = false })
		time.Sleep(15 * time.Second)
		same(t, "what is kept in memory then", 0, spool.Undurable())
		waiting, err := queue.Pending()
		ok(t, err)
		if len(waiting) != 2 {
			t.Fatalf("%d records are on disk, want 2", len(waiting))
		}
		for i, intent := range []dial.Intent{placed, ended} {
			want, err := json.Marshal(intent)
			ok(t, err)
			same(t, "a record", string(want), string(waiting[i]))
		}
	})
}
