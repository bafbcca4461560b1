package store_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/pressly/goose/v3"
)

// migrator moves the schema of a database to and fro, past the store.
func migrator(t *testing.T, e engine, raw *sql.DB) *goose.Provider {
	t.Helper()
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	if e.driver == "pgx" {
		dialect, dir = goose.DialectPostgres, "migrations/postgres"
	}
	provider, err := goose.NewProvider(dialect, raw, os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// The first version let any site have any standing number.
const dansk = "+4510000100"

// firstVersion is a database as the first version left it: three sites, two of them
// with one standing number; an agent with a number of the pool and one with the
// standing number, in a call each; and a call that is over.
func firstVersion(t *testing.T, e engine) (*world, *goose.Provider) {
	t.Helper()
	address := e.empty(t)
	raw := openRaw(t, e, address)
	schema := migrator(t, e, raw)
	if _, err := schema.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w := &world{raw: raw, address: address, clock: &clock{now: noon}, serial: new(atomic.Int64)}
	w.firstDirectory(t)
	w.firstCalls(t)
	w.run(t, `INSERT INTO deliveries (call_id, event, address, state, message_id, updated_at)
		VALUES ('leased', 'placed', 'desk@example.com', 'sent', 'm-1', $1)`, noon)
	w.run(t, `INSERT INTO outbox (call_id, kind, body, created_at) VALUES ('leased', 'placed', '{}', $1)`, noon)
	w.run(t, `INSERT INTO events (type, agent_id, call_id, leg_id, status, at) VALUES ('call-placed', 'one', 'leased', 'leg-leased', '', $1)`, noon)
	for _, call := range []string{"earlier", "over"} {
		w.run(t, `INSERT INTO audit (at, action, call_id, country, kind, outcome, legs)
			VALUES ($1, 'call-closed', $2, 'US', 'emergency', 'completed', 3)`, noon, call)
	}
	return w, schema
}

// inJSON is a value as the columns have it.
func inJSON(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func (w *world) firstDirectory(t *testing.T) {
	t.Helper()
	for _, site := range []struct{ id, country, standing string }{{"us", "US", standing}, {"pr", "PR", standing}, {"dk", "DK", dansk}} {
		w.run(t, `INSERT INTO sites (id, name, country, address, standing_number, fallback_endpoint) VALUES ($1, $2, $3, $4, $5, $6)`,
			site.id, "Site "+site.id, site.country, inJSON(t, siteNamed("us").Address), site.standing, desk)
	}
	for _, agent := range []struct{ id, site, shows string }{
		{"one", "us", "do-not-disturb"}, {"two", "pr", "do-not-disturb"}, {"three", "dk", "available"},
	} {
		w.run(t, `INSERT INTO agents (id, name, site_id, endpoints, presence_status, presence_revision, presence_changed_at)
			VALUES ($1, $2, $3, $4, $5, 7, $6)`, agent.id, "Agent "+agent.id, agent.site,
			inJSON(t, agentNamed(emergency.AgentID(agent.id), "us").Endpoints), agent.shows, noon)
	}
	w.run(t, `INSERT INTO contacts (agent_id, as_typed) VALUES ('one', 'desk@example.com; night@example.org')`)
	w.run(t, `INSERT INTO callback_numbers (number, site_id, leased, draining, last_used_at, free_at)
		VALUES ($1, 'us', TRUE, FALSE, $3, $4), ($2, 'us', FALSE, FALSE, $4, $4)`, first, second, noon, time.Unix(0, 0).UTC())
}

func (w *world) firstCalls(t *testing.T) {
	t.Helper()
	for _, call := range []struct {
		id, agent, site, country, number, kind string
		closed                                 any
	}{
		{"leased", "one", "us", "US", first, "leased", nil},
		{"stood", "two", "pr", "PR", standing, "standing", nil},
		{"over", "one", "us", "US", first, "leased", noon},
	} {
		w.run(t, `INSERT INTO calls (id, agent_id, site_id, kind, dialed, country, dialed_at, conveyed, number, number_kind,
				route_path, route_trunk, terms, degraded, presence_before, expires_at, closed_at)
			VALUES ($1, $2, $3, 'emergency', '911', $4, $5, $6, $7, $8, 'direct-offer', '', $9, FALSE, 'busy', $10, $11)`,
			call.id, call.agent, call.site, call.country, noon, inJSON(t, emergency.Conveyed{Site: siteNamed("us").Address}),
			call.number, call.kind, inJSON(t, agreed), noon.Add(5*time.Hour), call.closed)
		w.run(t, `INSERT INTO legs (id, call_id, direction, remote, started_at, ended_at, reason) VALUES ($1, $2, 'outbound', '', $3, $4, '')`,
			"leg-"+call.id, call.id, noon, call.closed)
		if call.closed == nil {
			w.run(t, `INSERT INTO presence_overrides (agent_id, previous, revision) VALUES ($1, 'busy', 7)`, call.agent)
			w.run(t, `INSERT INTO presence_claims (leg_id, agent_id) VALUES ($1, $2)`, "leg-"+call.id, call.agent)
		}
	}
	w.run(t, `INSERT INTO leases (number, agent_id, site_id, leased_at) VALUES ($1, 'one', 'us', $2)`, first, noon)
	w.run(t, `INSERT INTO lease_claims (call_id, number) VALUES ('leased', $1)`, first)
	w.run(t, `INSERT INTO routes (number, agent_id, registered_at) VALUES ($1, 'one', $2)`, first, noon)
}

// upgraded opens such a database with today's version.
func upgraded(t *testing.T, e engine) (*world, *goose.Provider) {
	t.Helper()
	w, schema := firstVersion(t, e)
	w.Store = openStore(t, w.address, w.clock.read)
	return w, schema
}

// Nothing that the first version has kept is lost, and what it did not know has a
// value to go on with.
func TestUpgradeKeepsEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, _ := upgraded(t, e)
		want := siteNamed("pr")
		want.Country, want.StandingNumber, want.Revision = emergency.PuertoRico, standing, 1
		got, err := w.Site(t.Context(), "pr")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the site", want, got)
		agent := agentNamed("one", "us")
		agent.CapacityProfiles, agent.Revision = []string{"default"}, 1
		agent.Presence = emergency.Presence{Status: emergency.StatusDoNotDisturb, Revision: 7, ChangedAt: noon}
		caller, err := w.Caller(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the agent", agent, caller.Agent)
		same(t, "the contacts", []string{"desk@example.com", "night@example.org"}, caller.Contacts)
		for id, want := range map[emergency.AgentID]int64{"one": 1, "two": 0} {
			if contacts, err := w.Contacts(t.Context(), id); err != nil || contacts.Revision != want {
				t.Errorf("the contacts of %s are %+v, %v, want revision %d", id, contacts, err, want)
			}
		}
		w.states(t, map[string]emergency.NumberState{first: leased, second: free})
		call := emergency.Call{
			ID: "leased", AgentID: "one", SiteID: "us", Kind: emergency.KindEmergency, Dialed: "911", Country: emergency.UnitedStates,
			DialedAt: noon, Conveyed: emergency.Conveyed{Site: siteNamed("us").Address}, Number: first, NumberKind: emergency.NumberLeased,
			Route: emergency.Route{Path: emergency.DirectOffer, CallerID: first}, Terms: agreed,
			Legs:           []emergency.Leg{{ID: "leg-leased", Direction: emergency.Outbound, StartedAt: noon}},
			PresenceBefore: emergency.StatusBusy, PresenceNow: emergency.StatusDoNotDisturb,
			Notice: emergency.Notification{Deliveries: []emergency.Delivery{
				{Event: emergency.NoticePlaced, Address: "desk@example.com", State: emergency.DeliverySent, MessageID: "m-1", QueuedAt: noon, SentAt: noon, UpdatedAt: noon},
			}},
		}
		same(t, "the call", call, w.read(t, "leased"))
		has(t, w.read(t, "stood"), standing, emergency.NumberStanding)
		if message, found, err := w.NextMessage(t.Context(), "leased"); err != nil || !found || message.Kind != emergency.MessagePlaced {
			t.Errorf("the outbox has %+v, %v, %v", message, found, err)
		}
		if events := w.since(t, 0); len(events) != 1 || events[0].Type != emergency.EventCallPlaced {
			t.Errorf("the events are %+v", events)
		}
		w.hasAuditOfCalls(t, "earlier", "over")
	})
}

// hasAuditOfCalls checks the audit's lines about calls, in their order.
func (w *world) hasAuditOfCalls(t *testing.T, want ...string) {
	t.Helper()
	rows, err := w.raw.QueryContext(t.Context(), `SELECT call_id FROM audit WHERE action = 'call-closed' AND legs > 0
		AND country = 'US' AND kind = 'emergency' ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	var calls []string
	for rows.Next() {
		var call string
		if err := rows.Scan(&call); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, call)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	same(t, "the calls in the audit", want, calls)
}

// Whoever could call before can call after it, from every country in which a site has
// the number: the standing numbers are direct offers (S12, S15, S16).
func TestUpgradeLetsEverybodyCall(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, _ := upgraded(t, e)
		callers, err := w.Callers(t.Context())
		if err != nil || len(callers) != 3 {
			t.Fatalf("there are %d callers, %v", len(callers), err)
		}
		for _, caller := range callers {
			assessment := emergency.Attempt{Caller: caller, At: noon}.Assess()
			if failed := assessment.Failed(); len(failed) > 0 {
				t.Errorf("%s may not call: %+v", caller.Agent.ID, failed)
			}
			same(t, "the way of "+string(caller.Agent.ID), []emergency.Hop{{Path: emergency.DirectOffer}}, assessment.Way)
			same(t, "the number of "+string(caller.Agent.ID), caller.Site.StandingNumber,
				caller.Routing.CallingNumber(caller.Agent, caller.Site.Country))
		}
		// And an administrator can go on from it.
		routing, err := w.VoiceRouting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.PutVoiceRouting(t.Context(), routing, emergency.Change{Seen: routing.Revision}); err != nil {
			t.Error(err)
		}
	})
}

// What the first version let pass may be saved again, although two sites share a standing
// number, one of them abroad: nobody is made to move numbers by an upgrade (B5).
func TestUpgradeLetsSitesBeSavedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, _ := upgraded(t, e)
		all, err := w.Sites(t.Context())
		if err != nil || len(all) != 3 {
			t.Fatalf("there are %d sites, %v", len(all), err)
		}
		for _, site := range all {
			site.Recipients = "desk@example.com"
			if err := only(w.PutSite(t.Context(), site, emergency.Change{Seen: site.Revision})); err != nil {
				t.Errorf("site %s: %v", site.ID, err)
			}
		}
		for _, id := range []emergency.AgentID{"one", "two", "three"} {
			agent, err := w.Agent(t.Context(), id)
			if err == nil {
				agent.MailboxOff = true
				err = only(w.PutAgent(t.Context(), agent, emergency.Change{Seen: agent.Revision}))
			}
			if err != nil {
				t.Errorf("agent %s: %v", id, err)
			}
		}
	})
}

// Calls that were up go on as if nothing had happened: callbacks ring, presence comes
// back, numbers rest, and the audit takes the line (S4, S10, S11).
func TestUpgradeDuringCalls(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, _ := upgraded(t, e)
		for to, call := range map[string]emergency.CallID{first: "leased", standing: "stood"} {
			if got := w.offer(t, to); got.CallID != call {
				t.Errorf("a callback to %s gives %+v", to, got)
			}
			w.finish(t, call)
		}
		w.shows(t, "one", emergency.StatusBusy)
		w.shows(t, "two", emergency.StatusBusy)
		w.states(t, map[string]emergency.NumberState{first: resting, second: free})
		if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'call-closed'`); lines != 4 {
			t.Errorf("the audit has %d lines of calls, want 4", lines)
		}
	})
}

// Going back to the first version keeps what that knows, and going forward again works.
// Who has been removed does not come back.
func TestDowngrade(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, schema := upgraded(t, e)
		w.removeAgent(t, "three")
		if _, err := schema.DownTo(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{
			`SELECT COUNT(*) FROM sites`:                                           3,
			`SELECT COUNT(*) FROM agents`:                                          2,
			`SELECT COUNT(*) FROM contacts WHERE as_typed <> ''`:                   1,
			`SELECT COUNT(*) FROM calls WHERE closed_at IS NULL`:                   2,
			`SELECT COUNT(*) FROM leases`:                                          1,
			`SELECT COUNT(*) FROM callback_numbers`:                                2,
			`SELECT COUNT(*) FROM audit WHERE call_id <> ''`:                       2,
			`SELECT COUNT(*) FROM events WHERE type = 'call-placed'`:               1,
			`SELECT COUNT(*) FROM agents WHERE presence_status = 'do-not-disturb'`: 2,
		} {
			if got := w.count(t, query); got != want {
				t.Errorf("%s gives %d, want %d", query, got, want)
			}
		}
		for _, table := range []struct {
			name    string
			columns []string
		}{
			{"contacts", []string{"agent_id", "as_typed"}},
			{"sites", []string{"id", "name", "country", "address", "standing_number", "fallback_endpoint"}},
			{"callback_numbers", []string{"number", "site_id", "leased", "draining", "last_used_at", "free_at"}},
			{"agents", []string{"id", "name", "site_id", "endpoints", "presence_status", "presence_revision", "presence_changed_at"}},
			{"audit", []string{"seq", "at", "action", "call_id", "country", "kind", "outcome", "legs"}},
			{"events", []string{"seq", "type", "agent_id", "call_id", "leg_id", "status", "at"}},
		} {
			same(t, "the columns of "+table.name, table.columns, w.columns(t, table.name))
		}
		if _, err := schema.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Store = openStore(t, w.address, w.clock.read)
		has(t, w.read(t, "leased"), first, emergency.NumberLeased)
		w.hasAuditOfCalls(t, "earlier", "over")
	})
}
