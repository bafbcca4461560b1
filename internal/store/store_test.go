package store_test

import (
	"flag"
	"net/url"
	"path/filepath"
	"testing"

	"lifeline/internal/pgtest"
)

// TestMain ends the PostgreSQL that the tests start. A random run makes many
// transactions, each of them durable, so there are fewer runs than rapid would
// make by itself; the command line may ask for more.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.checks": "25", "rapid.steps": "25"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	pgtest.Main(m)
}

// engine is a kind of database that Lifeline runs on.
type engine struct {
	name   string
	driver string
	// empty gives the address of a database without any table.
	empty func(testing.TB) string
}

var (
	sqlite = engine{"SQLite", "sqlite", func(t testing.TB) string {
		// A file name with characters that mean something in a URL.
		return filepath.Join(t.TempDir(), "life line?100%.db")
	}}
	postgres = engine{"PostgreSQL", "pgx", pgtest.URL}
)

// sqliteURI is an SQLite file for the driver alone.
func sqliteURI(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// onBoth runs a test on either engine: whatever holds on one holds on the other.
func onBoth(t *testing.T, test func(*testing.T, engine)) {
	for _, e := range []engine{sqlite, postgres} {
		t.Run(e.name, func(t *testing.T) { test(t, e) })
	}
}

// rule is something that the store owes, with a test that holds it to it.
type rule struct {
	name  string
	holds func(*testing.T, *world)
}

// TestConformance holds both engines to the same behaviour.
func TestConformance(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w := newWorld(t, e)
		for _, group := range []struct {
			name  string
			rules []rule
		}{
			{"place", placeRules},
			{"lease", leaseRules},
			{"overdue", overdueRules},
			{"reconcile", reconcileRules},
			{"late lease", lateLeaseRules},
			{"pool", poolRules},
			{"inbound", inboundRules},
			{"standing", standingRules},
			{"fallback", fallbackRules},
			{"end", endRules},
			{"close", closeRules},
			{"presence", presenceRules},
			{"outbox", outboxRules},
			{"events", eventRules},
			{"numbers", numberRules},
			{"directory", directoryRules},
			{"removal", removalRules},
			{"apart", apartRules},
			{"changes", changeRules},
			{"voice routing", routingRules},
			{"readiness", readinessRules},
			{"location", locationRules},
			{"refusal", refusalRules},
			{"notices", noticeRules},
			{"mail events", mailEventRules},
			{"acknowledge", acknowledgeRules},
			{"superseded", supersededRules},
			{"refused calls", refusedCallRules},
			{"erase", eraseRules},
			{"templates", templateRules},
			{"shown without SQL", shownRules},
			{"correct", correctRules},
			{"answered", answeredRules},
			{"early ends", earlyEndRules},
			{"late", lateRules},
			{"untold", untoldRules},
			{"shown at once", shownRaceRules},
			{"last known", lastKnownRules},
			{"time", timeRules},
			{"at once", concurrencyRules},
			{"notices at once", noticeRaceRules},
		} {
			for _, rule := range group.rules {
				t.Run(group.name+"/"+rule.name, func(t *testing.T) {
					w.wipe(t)
					rule.holds(t, w)
				})
			}
		}
	})
}
