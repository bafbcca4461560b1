package process

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/config"
	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// house is a database, and a way past the store.
type house struct {
	*store.Store

	raw *sql.DB
}

// inKeptHouse runs a test on a database with two agents and one callback number, where
// housekeeping is done, in a bubble where time passes only when everybody waits.
func inKeptHouse(t *testing.T, test func(*testing.T, house)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		path := filepath.Join(dir, "lifeline.db")
		kept, err := store.Open(path, time.Now)
		if err == nil {
			err = kept.Prepare(ctx)
		}
		settle(t, err)
		raw, err := sql.Open("sqlite", path)
		settle(t, err)
		defer func() { settle(t, raw.Close(), kept.Close()) }()
		db := house{kept, raw}
		settle(t,
			only(db.PutSite(ctx, emergency.Site{
				ID: "site-us", Name: "Washington", Country: emergency.UnitedStates, StandingNumber: "+12025550100",
				Address: emergency.Address{Street: "100 Example Avenue NW", City: "Washington"},
			}, emergency.Change{})),
			db.AddNumber(ctx, "+12025550101", "site-us", emergency.Change{}),
		)
		for _, id := range []emergency.AgentID{"one", "two"} {
			settle(t, only(db.PutAgent(ctx, emergency.Agent{
				ID: id, Name: "Demo agent", SiteID: "site-us", Endpoints: []string{"sip:agent@phones.example"},
			}, emergency.Change{})))
		}
		base := &Base{Store: kept, Log: slog.New(slog.DiscardHandler), Config: config.Config{LocationMaxAge: time.Hour}}
		keeping := base.Housekeeping()
		settle(t, keeping.Start(ctx))
		defer func() { settle(t, keeping.Stop(context.WithoutCancel(ctx))) }()
		synctest.Wait()
		test(t, db)
	})
}

// calls has an agent call, and gives the call; it is known by the agent's ID.
func calls(t *testing.T, db house, id emergency.AgentID) emergency.Call {
	t.Helper()
	caller, err := db.Caller(t.Context(), id)
	settle(t, err)
	call, err := db.PlaceCall(t.Context(), store.Placement{
		CallID: emergency.CallID(id), LegID: emergency.LegID(id), Caller: caller, At: time.Now(),
		Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates},
		Terms:  emergency.Terms{Lease: time.Hour, Grace: time.Minute, MaxCall: time.Hour},
	})
	settle(t, err)
	return call
}

// hangUp ends a call for good.
func hangUp(t *testing.T, db house, call emergency.Call) {
	t.Helper()
	_, err := db.EndLegs(t.Context(), store.Ending{CallID: call.ID, Reason: emergency.EndHungUp})
	settle(t, err, only(db.CloseCall(t.Context(), call.ID, "completed")))
}

// A call that had to show the standing number is given the first that becomes free,
// within seconds and not at the next tidying (B5).
func TestHousekeepingLeasesLate(t *testing.T) {
	inKeptHouse(t, func(t *testing.T, db house) {
		first, second := calls(t, db, "one"), calls(t, db, "two")
		if second.NumberKind != emergency.NumberStanding {
			t.Fatalf("the second call has the number %s", second.Number)
		}
		pass(time.Second) // so that the next tidying is far off
		hangUp(t, db, first)
		pass(leaseLateEvery)
		after, err := db.Call(t.Context(), second.ID)
		settle(t, err)
		if after.NumberKind != emergency.NumberLeased || after.Number != first.Number {
			t.Errorf("the second call has the %s number %s", after.NumberKind, after.Number)
		}
		if after.Route.CallerID != second.Number {
			t.Errorf("the caller ID has become %s", after.Route.CallerID)
		}
	})
}

// Where a desktop said that it was is forgotten when it counts no more (S13).
func TestHousekeepingForgetsLocations(t *testing.T) {
	inKeptHouse(t, func(t *testing.T, db house) {
		settle(t, only(db.ReportLocation(t.Context(), "one", emergency.Location{Latitude: new(38.9), Longitude: new(-77.0)})))
		pass(59 * time.Minute)
		caller, err := db.Caller(t.Context(), "one")
		settle(t, err)
		if caller.Reported == nil {
			t.Error("it is forgotten too early")
		}
		pass(time.Minute + tidyEvery)
		caller, err = db.Caller(t.Context(), "one")
		settle(t, err)
		if caller.Reported != nil {
			t.Error("it is kept")
		}
	})
}

// A number that was removed leaves when its call has let go of it, and an agent who was
// removed is forgotten then (B5, B6).
func TestHousekeepingForgetsWhatWasRemoved(t *testing.T) {
	inKeptHouse(t, func(t *testing.T, db house) {
		call := calls(t, db, "one")
		settle(t,
			db.RemoveNumber(t.Context(), call.Number, emergency.Change{}),
			db.RemoveAgent(t.Context(), call.AgentID, emergency.Change{}),
		)
		pass(2 * tidyEvery)
		left := func(numbers int, name string) {
			t.Helper()
			var gotNumbers int
			var gotName string
			settle(t,
				db.raw.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM callback_numbers`).Scan(&gotNumbers),
				db.raw.QueryRowContext(t.Context(), `SELECT name FROM agents WHERE id = 'one'`).Scan(&gotName),
			)
			if gotNumbers != numbers || gotName != name {
				t.Errorf("%d numbers and the name %q are kept, want %d and %q", gotNumbers, gotName, numbers, name)
			}
		}
		left(1, "Demo agent")
		hangUp(t, db, call)
		pass(2 * tidyEvery)
		left(0, "")
	})
}

// What people were told of a refused dial is forgotten after a week, and not sooner
// (B10, B14).
func TestHousekeepingForgetsRefusals(t *testing.T) {
	inKeptHouse(t, func(t *testing.T, db house) {
		settle(t,
			only(db.PutContacts(t.Context(), "one", "desk@example.org", emergency.Change{})),
			db.RefuseCall(t.Context(), emergency.RefusedCall{
				CallID: "refused-1", AgentID: "one", SiteID: "site-us", Dialed: "911", Country: emergency.UnitedStates,
				Code: emergency.CheckNoRoute, At: time.Now(),
			}, emergency.NoticePlan{}),
		)
		for _, kept := range []struct {
			after time.Duration
			want  int
		}{{refusalsKept - time.Hour, 1}, {2 * time.Hour, 0}} {
			pass(kept.after)
			var got int
			settle(t, db.raw.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM notices`).Scan(&got))
			if got != kept.want {
				t.Errorf("%d notices are kept, want %d", got, kept.want)
			}
		}
	})
}

// A call is erased a day after it was closed, and not sooner; the audit says that it was
// there (B14).
func TestHousekeepingErasesCalls(t *testing.T) {
	inKeptHouse(t, func(t *testing.T, db house) {
		call, other := calls(t, db, "one"), calls(t, db, "two")
		hangUp(t, db, call)
		left := func(want error, lines int) {
			t.Helper()
			var got int
			settle(t, db.raw.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM audit WHERE action = 'call-erased' AND country = 'US'`).Scan(&got))
			if err := only(db.Call(t.Context(), call.ID)); !errors.Is(err, want) || got != lines {
				t.Errorf("reading the call says %v, and the audit has %d lines, want %v and %d", err, got, want, lines)
			}
		}
		pass(callsKept - tidyEvery)
		left(nil, 0)
		pass(2 * tidyEvery)
		left(emergency.ErrErasedCall, 1)
		// The other ended by itself, an hour later.
		settle(t, only(db.Call(t.Context(), other.ID)))
	})
}

// The end of a call that never came names an agent, so it goes as a call would (B14).
func TestHousekeepingForgetsEarlyEnds(t *testing.T) {
	inKeptHouse(t, func(t *testing.T, db house) {
		_, err := db.EndLegs(t.Context(), store.Ending{CallID: "never", AgentID: "one", Reason: emergency.EndHungUp, At: time.Now(), Tell: true})
		if !errors.Is(err, emergency.ErrUnknownCall) {
			t.Errorf("the end of a call that nobody knows: %v", err)
		}
		for _, kept := range []struct {
			after time.Duration
			want  int
		}{{callsKept - tidyEvery, 1}, {2 * tidyEvery, 0}} {
			pass(kept.after)
			var got int
			settle(t, db.raw.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM early_ends`).Scan(&got))
			if got != kept.want {
				t.Errorf("%d ends are kept, want %d", got, kept.want)
			}
		}
	})
}
