package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"github.com/google/go-cmp/cmp"
)

// tb is what tests and random runs have in common.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// noon is when every test begins.
var noon = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

// agreed are the terms that calls are placed under, with a short quarantine.
var agreed = emergency.Terms{
	Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 10 * time.Minute,
}

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// world is a database with a clock, and short ways to say what happens in it.
type world struct {
	*store.Store
	clock   *clock
	address string
	// raw reaches the tables past the store.
	raw *sql.DB
	// serial makes the IDs of calls and legs.
	serial *atomic.Int64
	// routing is the first voice routing, as it is kept.
	routing string
}

func newWorld(t testing.TB, e engine) *world {
	t.Helper()
	w := &world{clock: &clock{now: noon}, address: e.empty(t), serial: new(atomic.Int64)}
	w.Store = openStore(t, w.address, w.clock.read)
	w.raw = openRaw(t, e, w.address)
	if err := w.raw.QueryRowContext(t.Context(), `SELECT document FROM voice_routing`).Scan(&w.routing); err != nil {
		t.Fatal(err)
	}
	return w
}

// openRaw opens a database past the store.
func openRaw(t testing.TB, e engine, address string) *sql.DB {
	t.Helper()
	if e.driver == "sqlite" {
		address = sqliteURI(address) + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate&_time_format=sqlite&_timezone=UTC"
	}
	raw, err := sql.Open(e.driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func openStore(t testing.TB, address string, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(address, now)
	if err == nil {
		err = s.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// beside is the same world seen by another process: a Store of its own on the
// same database.
func (w *world) beside(t *testing.T) *world {
	t.Helper()
	other := *w
	other.Store = openStore(t, w.address, w.clock.read)
	return &other
}

// tables lists all tables, those that refer to others first.
var tables = []string{
	"audit", "events", "outbox", "early_ends", "mail_events", "template_versions", "deliveries", "notices", "refused_calls", "presence_claims", "presence_overrides", "presence_untold", "routes", "lease_claims",
	"leases", "legs", "calls", "callback_numbers", "contacts", "agents", "sites",
}

// wipe empties the database but for the first voice routing, and sets the clock to
// noon.
func (w *world) wipe(t tb) {
	t.Helper()
	tx, err := w.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if _, err := tx.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
			t.Fatal(errors.Join(err, tx.Rollback()))
		}
	}
	// A revision never comes twice, not even here.
	if _, err := tx.ExecContext(t.Context(), `UPDATE voice_routing SET document = $1, revision = revision + 1`, w.routing); err != nil {
		t.Fatal(errors.Join(err, tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	w.clock.set(noon)
}

// run changes the tables past the store.
func (w *world) run(t tb, query string, args ...any) {
	t.Helper()
	if _, err := w.raw.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// count reads one number past the store.
func (w *world) count(t tb, query string, args ...any) int {
	t.Helper()
	var n int
	if err := w.raw.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// pass lets time go by.
func (w *world) pass(d time.Duration) { w.clock.set(w.clock.read().Add(d)) }

// standing is the number that stands for the site "us", elsewhere that of any other but
// "dk".
const (
	standing  = "+12025550199"
	elsewhere = "+13035550199"
)

// desk answers at every site when the agent does not (B6).
const desk = "tel:+12025550198"

func siteNamed(id emergency.SiteID) emergency.Site {
	number := elsewhere
	switch id {
	case "us":
		number = standing
	case "dk":
		number = "+13035550198"
	}
	return emergency.Site{
		ID: id, Name: "Site " + string(id), Country: emergency.UnitedStates,
		Address:        emergency.Address{Street: "1 Example Street", City: "Washington", Region: "DC"},
		StandingNumber: number, FallbackEndpoint: desk,
	}
}

// addSite adds a site with a pool of callback numbers.
func (w *world) addSite(t tb, id emergency.SiteID, numbers ...string) {
	t.Helper()
	if err := only(w.PutSite(t.Context(), siteNamed(id), emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	for _, number := range numbers {
		if err := w.AddNumber(t.Context(), number, id, emergency.Change{}); err != nil {
			t.Fatal(err)
		}
	}
}

func agentNamed(id emergency.AgentID, site emergency.SiteID) emergency.Agent {
	return emergency.Agent{
		ID: id, Name: "Agent " + string(id), SiteID: site,
		Endpoints: []string{"sip:" + string(id) + "@example.com", "tel:+12025550150"},
	}
}

// addAgents adds agents of a site, who show that they are available.
func (w *world) addAgents(t tb, site emergency.SiteID, ids ...emergency.AgentID) {
	t.Helper()
	for _, id := range ids {
		if err := only(w.PutAgent(t.Context(), agentNamed(id, site), emergency.Change{})); err != nil {
			t.Fatal(err)
		}
		w.choose(t, id, emergency.StatusAvailable)
	}
}

// placement is a dial of 911 that has not been made yet.
func (w *world) placement(t tb, agent emergency.AgentID) store.Placement {
	t.Helper()
	caller, err := w.Caller(t.Context(), agent)
	if err != nil {
		t.Fatal(err)
	}
	n := w.serial.Add(1)
	return store.Placement{
		CallID: emergency.CallID(fmt.Sprintf("call-%09d", n)), LegID: emergency.LegID(fmt.Sprintf("leg-%09d", n)),
		Caller: caller, Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: caller.Site.Country},
		Terms: agreed, At: w.clock.read(),
	}
}

// place makes a dial.
func (w *world) place(t tb, p store.Placement) emergency.Call {
	t.Helper()
	call, err := w.PlaceCall(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// dial has an agent dial 911 now.
func (w *world) dial(t tb, agent emergency.AgentID) emergency.Call {
	t.Helper()
	return w.place(t, w.placement(t, agent))
}

// read reads a call as it stands.
func (w *world) read(t tb, id emergency.CallID) emergency.Call {
	t.Helper()
	call, err := w.Call(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// offer has the carrier offer a call from the PSAP.
func (w *world) offer(t tb, to string) emergency.Decision {
	t.Helper()
	return w.offerFrom(t, to, "+12025550911")
}

func (w *world) offerFrom(t tb, to, from string) emergency.Decision {
	t.Helper()
	decision, err := w.DecideInbound(t.Context(), store.Inbound{
		To: to, From: from, At: w.clock.read(), LegID: emergency.LegID(fmt.Sprintf("leg-%09d", w.serial.Add(1))),
	})
	if err != nil {
		t.Fatal(err)
	}
	return decision
}

// hangUp ends a leg, or with an empty leg all legs of the call.
func (w *world) hangUp(t tb, id emergency.CallID, leg emergency.LegID) emergency.Call {
	t.Helper()
	call, err := w.EndLegs(t.Context(), store.Ending{
		CallID: id, LegID: leg, Reason: emergency.EndHungUp, At: w.clock.read(), Tell: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// closeCall is what the workflow does when the window is over.
func (w *world) closeCall(t tb, id emergency.CallID) bool {
	t.Helper()
	closed, err := w.CloseCall(t.Context(), id, "completed")
	if err != nil {
		t.Fatal(err)
	}
	return closed
}

// finish hangs up and closes a call.
func (w *world) finish(t tb, id emergency.CallID) {
	t.Helper()
	w.hangUp(t, id, "")
	if !w.closeCall(t, id) {
		t.Fatalf("%s does not close after its last leg", id)
	}
}

// expire looks for calls that their workflow has left behind.
func (w *world) expire(t tb) {
	t.Helper()
	if err := w.ExpireOverdue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// choose is a person's own choice of presence.
func (w *world) choose(t tb, agent emergency.AgentID, status emergency.Status) {
	t.Helper()
	if _, err := w.SetPresence(t.Context(), agent, status); err != nil {
		t.Fatal(err)
	}
}

// shows checks what an agent shows.
func (w *world) shows(t tb, agent emergency.AgentID, want emergency.Status) {
	t.Helper()
	shown, err := w.Presence(t.Context(), agent)
	if err != nil {
		t.Fatal(err)
	}
	if shown.Status != want {
		t.Errorf("%s shows %q, want %q", agent, shown.Status, want)
	}
}

// has checks which number a call has.
func has(t tb, call emergency.Call, number string, kind emergency.NumberKind) {
	t.Helper()
	if call.Number != number || call.NumberKind != kind || call.Route.CallerID != number {
		t.Errorf("%s has the %s number %s and shows %s, want the %s number %s",
			call.ID, call.NumberKind, call.Number, call.Route.CallerID, kind, number)
	}
}

// states checks the whole pool.
func (w *world) states(t tb, want map[string]emergency.NumberState) {
	t.Helper()
	numbers, err := w.Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]emergency.NumberState{}
	for _, number := range numbers {
		got[number.Number] = number.State
	}
	same(t, "the pool", want, got)
}

// same compares two things that should be alike.
func same[T any](t tb, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// only is the error of something whose value does not matter.
func only[T any](_ T, err error) error { return err }
