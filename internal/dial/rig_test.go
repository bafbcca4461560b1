package dial_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
	"lifeline/internal/journal"
	"lifeline/internal/store"

	"github.com/google/go-cmp/cmp"
)

const (
	caller   = emergency.AgentID("agent-us")
	number   = "+12025550101"
	standing = "+12025550199"
)

// noon is when every test begins.
var noon = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

// agreed are the terms that calls are placed under.
var agreed = emergency.Terms{
	Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 30 * time.Minute,
}

// telling is how far people are told.
var telling = emergency.NoticePlan{AcknowledgeWithin: 5 * time.Minute, Escalations: 3}

// rig is a desk with real records, and a clock that is moved by hand.
type rig struct {
	*dial.Desk

	store *store.Store
	dir   string
	kept  *journal.Copy
	// die lets go of the files of the data directory.
	die    func() error
	faulty *faulty
	spool  *dial.Spool
	queue  *journal.Queue
	feed   *dial.Feed
	mu     sync.Mutex
	now    time.Time
	// improvised counts the answers that were given without SQL.
	improvised map[dial.Request]int
	// woken are the calls that the relay was told of, with the number of messages
	// that it would have found.
	woken []emergency.CallID
	// refused are the dials that people are told could not work.
	refused []emergency.RefusedCall
	// blind says that nobody looks into the outbox.
	blind bool
	log   bytes.Buffer
}

// washington is where everybody sits.
var washington = emergency.Site{
	ID: "us-washington", Name: "Washington", Country: emergency.UnitedStates, StandingNumber: standing,
	Address:          emergency.Address{Street: "1 Example Street", City: "Washington"},
	FallbackEndpoint: "sip:desk@example.com", TestRecipients: "drills@example.com",
}

// avery is who dials, and may.
var avery = emergency.Agent{
	ID: caller, Name: "Avery Example", SiteID: washington.ID,
	CapacityProfiles: []string{"default"}, Endpoints: []string{"sip:avery@example.com"},
}

// offers lets everybody call out by direct offers alone.
var offers = emergency.VoiceRouting{
	DirectOffers:     []emergency.Offer{{Number: standing, Country: emergency.UnitedStates}, {Number: "+4510000100", Country: emergency.Denmark}},
	OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{standing}}},
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{now: noon}
	var err error
	r.store, err = store.Open(filepath.Join(t.TempDir(), "lifeline.db"), r.clock)
	if err == nil {
		err = r.store.Prepare(t.Context())
	}
	ok(t, err)
	t.Cleanup(func() { _ = r.store.Close() }) // some tests close it themselves
	r.furnish(t)
	r.staff(t, t.TempDir(), nil)
	return r
}

// beside is another process on the same database, with a data directory of its own.
func (r *rig) beside(t *testing.T) *rig {
	t.Helper()
	other := &rig{now: r.now, store: r.store}
	other.staff(t, t.TempDir(), nil)
	return other
}

// again is the next process in the data directory of this one, which has died, and with
// records in such trouble.
func (r *rig) again(t *testing.T, how trouble) *rig {
	t.Helper()
	ok(t, r.die())
	next := &rig{now: r.now, store: r.store}
	next.staff(t, r.dir, how)
	return next
}

// staff gives a rig its desk, as a process has it that begins in a data directory.
func (r *rig) staff(t *testing.T, dir string, how trouble) {
	t.Helper()
	r.dir, r.faulty, r.improvised = dir, &faulty{Store: r.store}, map[dial.Request]int{}
	r.faulty.breaks(how)
	log := r.logger()
	var err error
	r.kept, _ = journal.OpenCopy(filepath.Join(dir, "last-known"))
	memory := dial.NewMemory(r.kept)
	r.queue, _, err = journal.OpenQueue(filepath.Join(dir, "spool"), 1<<20)
	ok(t, err)
	r.die = sync.OnceValue(func() error { return errors.Join(r.kept.Close(), r.queue.Close()) })
	t.Cleanup(func() { ok(t, r.die()) })
	r.feed = &dial.Feed{Source: r.faulty, Memory: memory, Copy: r.kept, Log: log}
	ok(t, r.feed.Recall())
	if err := r.feed.Read(t.Context()); (err != nil) != (how != nil) {
		t.Fatal("read what calls need: ", err)
	}
	wake := func(id emergency.CallID) { r.wake(t, id) }
	r.spool, err = dial.NewSpool(dial.SpoolOptions{
		Queue: r.queue, Records: r.faulty, Memory: memory, Notices: telling, Wake: wake, Log: log,
	})
	ok(t, err)
	r.Desk = &dial.Desk{
		Records: r.faulty, Memory: memory, Keep: r.spool.Keep, Terms: agreed, Budget: time.Minute, LocationMaxAge: time.Hour,
		Improvised: func(request dial.Request) { r.improvised[request]++ },
		Notices:    telling, Refused: r.refuse, Wake: wake, Clock: r.clock, Log: log, PresenceOutside: true,
	}
}

func (r *rig) logger() *slog.Logger { return slog.New(slog.NewTextHandler(&r.log, nil)) }

// replayed waits until SQL has all that was kept for it.
func (r *rig) replayed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.spool.Run(ctx) })
	defer running.Wait()
	defer cancel()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if r.queue.Depth().Records == 0 && r.spool.Undurable() == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the spool is not empty: %s", r.log.String())
		}
	}
}

// live are the calls that have not ended.
func (r *rig) live(t *testing.T) []emergency.Call {
	t.Helper()
	calls, err := r.store.LiveCalls(t.Context())
	ok(t, err)
	return calls
}

// numberState is how the one callback number is used.
func (r *rig) numberState(t *testing.T) emergency.NumberState {
	t.Helper()
	numbers, err := r.store.Numbers(t.Context())
	ok(t, err)
	return numbers[0].State
}

// furnish fills the records with two agents, one callback number and a way out.
func (r *rig) furnish(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	other := avery
	other.ID, other.Name, other.Endpoints = "agent-two", "Bo Example", []string{"sip:bo@example.com"}
	ok(t, errors.Join(
		only(r.store.PutSite(ctx, washington, emergency.Change{})),
		r.store.AddNumber(ctx, number, washington.ID, emergency.Change{}),
	))
	r.hire(t, avery)
	r.hire(t, other)
	r.route(t, offers)
	ok(t, only(r.store.PutContacts(ctx, caller, "ana@example.com", emergency.Change{})))
	ok(t, only(r.store.SetPresence(ctx, caller, emergency.StatusAvailable)))
}

// hire adds or changes an agent.
func (r *rig) hire(t *testing.T, agent emergency.Agent) {
	t.Helper()
	ok(t, only(r.store.PutAgent(t.Context(), agent, emergency.Change{})))
}

// route has all calls leave in another way from now on.
func (r *rig) route(t *testing.T, routing emergency.VoiceRouting) {
	t.Helper()
	ok(t, only(r.store.PutVoiceRouting(t.Context(), routing, emergency.Change{})))
}

// refuse remembers what people are told of.
func (r *rig) refuse(refused emergency.RefusedCall) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = append(r.refused, refused)
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// wake checks that the relay finds the message that it is told of.
func (r *rig) wake(t *testing.T, id emergency.CallID) {
	if r.blind {
		return
	}
	if _, found, err := r.store.NextMessage(t.Context(), id); err != nil || !found {
		t.Errorf("the relay is told of %s and finds nothing: %v", id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.woken = append(r.woken, id)
}

// dial has the agent dial 911.
func (r *rig) dial(t *testing.T, key string) emergency.Call {
	t.Helper()
	call, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "911", IdempotencyKey: key})
	ok(t, err)
	return call
}

// End ends legs of a call, whosever it is.
func (r *rig) End(ctx context.Context, id emergency.CallID, leg emergency.LegID, reason emergency.EndReason) (emergency.Call, error) {
	return r.Desk.End(ctx, id, leg, "", reason)
}

// sent empties a call's outbox.
func (r *rig) sent(t *testing.T, id emergency.CallID) []emergency.Message {
	t.Helper()
	var all []emergency.Message
	for {
		message, found, err := r.store.NextMessage(t.Context(), id)
		ok(t, err)
		if !found {
			return all
		}
		all = append(all, message)
		ok(t, r.store.DeleteMessage(t.Context(), message.Seq))
	}
}

// untouched checks that a request has changed nothing.
func (r *rig) untouched(t *testing.T) {
	t.Helper()
	calls, err := r.store.LiveCalls(t.Context())
	ok(t, err)
	same(t, "calls", 0, len(calls))
	same(t, "calls that the relay was told of", 0, len(r.woken))
	numbers, err := r.store.Numbers(t.Context())
	ok(t, err)
	same(t, "the callback number", emergency.NumberFree, numbers[0].State)
	shown, err := r.store.Presence(t.Context(), caller)
	ok(t, err)
	same(t, "presence", emergency.StatusAvailable, shown.Status)
}

// same compares two things that should be alike.
func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// ok fails at an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// only is the error of something whose value does not matter.
func only[T any](_ T, err error) error { return err }

// nowhere is a copy that keeps nothing.
type nowhere struct{}

func (nowhere) All() map[string][]byte   { return nil }
func (nowhere) Put(string, []byte) error { return nil }
func (nowhere) Delete(string) error      { return nil }
func (nowhere) Compact() error           { return nil }
