package process

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// world is what a watch looks at, and what it has made of it. Every test has one in a
// bubble, where time passes only when everybody waits.
type world struct {
	// mu orders what the test does before what the watch sees of it; the other way
	// round synctest does.
	mu      sync.Mutex
	events  []emergency.Event
	callers []emergency.Caller
	pools   []emergency.Pool
	failing error

	// agentsAt and poolsAt are when the watch looked, counted from its start.
	agentsAt, poolsAt []time.Duration
	begin             time.Time
	readiness         map[emergency.AgentID]emergency.Readiness
	states            map[emergency.SiteID]emergency.PoolState
	log               bytes.Buffer
	shown             *gauges
}

// inWatchedWorld runs a test while a watch looks at its world.
func inWatchedWorld(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			begin:     time.Now(),
			readiness: map[emergency.AgentID]emergency.Readiness{},
			states:    map[emergency.SiteID]emergency.PoolState{},
			shown:     &gauges{clock: time.Now},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		synctest.Wait()
		go func() {
			defer close(done)
			(&watch{
				records: w, locationMaxAge: time.Hour, poolWarning: 0.8, gauges: w.shown,
				log: slog.New(slog.NewTextHandler(&w.log, nil)),
			}).run(ctx)
		}()
		defer func() { cancel(); <-done }()
		synctest.Wait()
		test(t, w)
	})
}

// stranded is somebody who cannot call.
func stranded(id emergency.AgentID) emergency.Caller {
	return emergency.Caller{Agent: emergency.Agent{ID: id}, Routing: &emergency.VoicePlan{}}
}

// pass lets time go by until the watch is at rest.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.mu.Unlock() //nolint:staticcheck // the watch locks after this
	pass(d)
}

// pass lets time go by until everybody else is at rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// happen adds events.
func (w *world) happen(types ...emergency.EventType) {
	for _, each := range types {
		w.events = append(w.events, emergency.Event{Seq: int64(len(w.events) + 1), Type: each})
	}
}

// looked is when the watch looked since the last time that this was asked.
func (w *world) looked() (agents, pools []time.Duration) {
	agents, pools = w.agentsAt, w.poolsAt
	w.agentsAt, w.poolsAt = nil, nil
	return agents, pools
}

func (w *world) Events(_ context.Context, after int64, limit int) ([]emergency.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	later := w.events[min(int(after), len(w.events)):]
	return slices.Clone(later[:min(limit, len(later))]), w.failing
}

func (w *world) LastEvent(context.Context) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(len(w.events)), w.failing
}

func (w *world) Callers(context.Context) ([]emergency.Caller, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.agentsAt = append(w.agentsAt, time.Since(w.begin))
	return w.callers, w.failing
}

func (w *world) SaveReadiness(_ context.Context, all []emergency.Assessment) (changed int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, assessment := range all {
		if now := assessment.Readiness(); w.readiness[assessment.AgentID] != now {
			w.readiness[assessment.AgentID] = now
			w.happen(emergency.EventReadinessChanged)
			changed++
		}
	}
	return changed, w.failing
}

func (w *world) Pools(context.Context) ([]emergency.Pool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.poolsAt = append(w.poolsAt, time.Since(w.begin))
	return w.pools, w.failing
}

func (w *world) SavePoolState(_ context.Context, site emergency.SiteID, state emergency.PoolState) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := w.states[site] != state
	if changed {
		w.states[site] = state
		w.happen(emergency.EventPoolChanged)
	}
	return changed, w.failing
}

const second = time.Second

// The watch looks at once when it starts, every ten seconds when nothing happens, and
// within a second of what may change readiness or a pool, whichever process it
// happened in. What it tells itself, and what changes neither, wakes it for nothing
// (B5, B12).
func TestWatchLooksWhenItMatters(t *testing.T) {
	both := []time.Duration{11 * second, 21 * second}
	for _, c := range []struct {
		happens       emergency.EventType
		agents, pools []time.Duration
	}{
		{emergency.EventConfigurationChanged, both, both},
		{emergency.EventCallPlaced, []time.Duration{20 * second}, both},
		{emergency.EventCallClosed, []time.Duration{20 * second}, both},
		{emergency.EventNumberLeased, []time.Duration{20 * second}, both},
		{emergency.EventNumberCorrected, []time.Duration{20 * second}, both},
		{emergency.EventNumberLost, []time.Duration{20 * second}, both},
		{emergency.EventPresenceChanged, []time.Duration{20 * second}, []time.Duration{20 * second}},
		{emergency.EventReadinessChanged, []time.Duration{20 * second}, []time.Duration{20 * second}},
		{emergency.EventPoolChanged, []time.Duration{20 * second}, []time.Duration{20 * second}},
	} {
		t.Run(string(c.happens), func(t *testing.T) {
			inWatchedWorld(t, func(t *testing.T, w *world) {
				w.callers = []emergency.Caller{stranded("agent-us")}
				w.pools = []emergency.Pool{{SiteID: "site-us"}}
				w.pass(10*second + second/2)
				agents, pools := w.looked()
				at(t, "looks at agents before", agents, 0, 10*second)
				at(t, "looks at pools before", pools, 0, 10*second)
				w.happen(c.happens)
				w.pass(11 * second)
				agents, pools = w.looked()
				at(t, "looks at agents", agents, c.agents...)
				at(t, "looks at pools", pools, c.pools...)
			})
		})
	}
}

func at(t *testing.T, what string, got []time.Duration, want ...time.Duration) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

// However much happens, the watch looks once a second at most.
func TestWatchLooksOnceASecond(t *testing.T) {
	inWatchedWorld(t, func(t *testing.T, w *world) {
		w.pass(second / 2)
		w.looked()
		for range 3 * 40 {
			w.happen(emergency.EventConfigurationChanged, emergency.EventCallPlaced)
			w.pass(second / 40)
		}
		w.pass(3 * second)
		agents, pools := w.looked()
		at(t, "looks at agents", agents, 1*second, 2*second, 3*second, 4*second)
		at(t, "looks at pools", pools, 1*second, 2*second, 3*second, 4*second)
	})
}

// When more happens than the watch reads at once, it looks at everything and does not
// lag behind.
func TestWatchKeepsUp(t *testing.T) {
	inWatchedWorld(t, func(t *testing.T, w *world) {
		w.pass(second / 2)
		w.looked()
		w.happen(slices.Repeat([]emergency.EventType{emergency.EventPresenceChanged}, 3*eventsAtOnce)...)
		w.pass(3 * second)
		w.happen(emergency.EventConfigurationChanged)
		w.pass(second)
		agents, pools := w.looked()
		at(t, "looks at agents", agents, 1*second, 4*second)
		at(t, "looks at pools", pools, 1*second, 4*second)
	})
}

// A database in trouble is told once, and so is that it works again; what the watch
// did not get to see it looks at then.
func TestWatchOutlivesTrouble(t *testing.T) {
	inWatchedWorld(t, func(t *testing.T, w *world) {
		w.pass(second / 2)
		w.looked()
		w.failing = errors.New("the database is away")
		w.happen(emergency.EventConfigurationChanged)
		w.pass(30 * second)
		if n := strings.Count(w.log.String(), "level=WARN"); n != 1 {
			t.Errorf("the log warns %d times of one trouble: %s", n, &w.log)
		}
		w.failing = nil
		w.callers = []emergency.Caller{stranded("agent-us")}
		w.pass(second)
		if w.readiness["agent-us"] != emergency.NotReady {
			t.Errorf("readiness is %q when the database is back", w.readiness["agent-us"])
		}
		if n := strings.Count(w.log.String(), "watched again"); n != 1 {
			t.Errorf("the log tells %d times that it is over: %s", n, &w.log)
		}
	})
}

// Readiness follows the clock too: a location that a desktop has told counts until it
// is too old, and nothing else need happen (S13, B12).
func TestWatchSeesLocationsAge(t *testing.T) {
	inWatchedWorld(t, func(t *testing.T, w *world) {
		plan, err := emergency.VoiceRouting{
			DirectOffers:     []emergency.Offer{{Number: "+12025550100", Country: emergency.UnitedStates}},
			OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{"+12025550100"}}},
		}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		w.callers = []emergency.Caller{{
			Agent:    emergency.Agent{ID: "agent-us", CapacityProfiles: []string{"default"}},
			Site:     emergency.Site{ID: "site-us", Country: emergency.UnitedStates, FallbackEndpoint: "sip:desk@example.com"},
			Contacts: []string{"ana@example.com"},
			Reported: &emergency.ReportedLocation{Location: emergency.Location{Latitude: new(38.9), Longitude: new(-77.0), Address: &emergency.Address{Country: "US"}}, At: time.Now()},
			Routing:  plan,
		}}
		for _, step := range []struct {
			after time.Duration
			want  emergency.Readiness
		}{{10 * second, emergency.Ready}, {59 * time.Minute, emergency.Ready}, {time.Minute, emergency.ReadyWithWarnings}} {
			w.pass(step.after)
			if got := w.readiness["agent-us"]; got != step.want {
				t.Errorf("after %v readiness is %q, want %q", time.Since(w.begin), got, step.want)
			}
		}
	})
}

// That another number of agents cannot call is told in the log once, without naming
// anybody (B12).
func TestWatchTellsHowManyAreNotReady(t *testing.T) {
	inWatchedWorld(t, func(t *testing.T, w *world) {
		w.callers = []emergency.Caller{stranded("agent-us"), stranded("agent-dk")}
		w.pass(time.Minute)
		if n := strings.Count(w.log.String(), "notReady=2"); n != 1 {
			t.Errorf("it is told %d times: %s", n, &w.log)
		}
		if strings.Contains(w.log.String(), "agent-") {
			t.Errorf("the log names somebody: %s", &w.log)
		}
	})
}

// A pool that becomes low, exhausted or well again is told once, with how long it
// lasts and what to do, and never with a number (B5).
func TestWatchTellsOfPools(t *testing.T) {
	inWatchedWorld(t, func(t *testing.T, w *world) {
		for _, step := range []struct {
			pool  emergency.Pool
			state emergency.PoolState
			says  []string
		}{
			{emergency.Pool{SiteID: "site-us", Free: 10}, emergency.PoolOK, []string{"level=INFO", "enough"}},
			{
				emergency.Pool{SiteID: "site-us", Free: 2, Leased: 6, Resting: 2, LastHour: 4},
				emergency.PoolLow,
				[]string{"level=WARN", "running out", "site=site-us", "free=2", "leased=6", "resting=2", "lasts=", "Add numbers"},
			},
			{emergency.Pool{SiteID: "site-us", Leased: 8, Resting: 2}, emergency.PoolExhausted, []string{"level=WARN", "no callback number left", "standing number", "Add numbers"}},
			{emergency.Pool{SiteID: "site-us", Free: 9, Leased: 1}, emergency.PoolOK, []string{"level=INFO", "enough", "for good"}},
		} {
			w.log.Reset()
			w.pools = []emergency.Pool{step.pool}
			w.pass(time.Minute)
			if got := w.states["site-us"]; got != step.state {
				t.Errorf("the state is %q, want %q", got, step.state)
			}
			if n := strings.Count(w.log.String(), "site=site-us"); n != 1 {
				t.Errorf("it is told %d times: %s", n, &w.log)
			}
			for _, words := range step.says {
				if !strings.Contains(w.log.String(), words) {
					t.Errorf("the log lacks %q: %s", words, &w.log)
				}
			}
		}
	})
}
