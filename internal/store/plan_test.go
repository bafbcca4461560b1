package store_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// statement is what the store had the database do.
type statement struct {
	query string
	args  []any
}

// many is how many numbers, calls and legs there are that a query has no business with.
const many = 20_000

// crowded is a world with large pools, in which little happens.
func crowded(t *testing.T, e engine) *world {
	t.Helper()
	w := newWorld(t, e)
	w.addSite(t, "us")
	w.addSite(t, "pr")
	w.addAgents(t, "us", "one", "two", "three")
	w.contact(t, "one", "desk@example.com")
	counted := fmt.Sprintf("WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d) ", many)
	into := func(table, columns, values string, args ...any) {
		t.Helper()
		w.run(t, "INSERT INTO "+table+" ("+columns+") "+counted+"SELECT "+values+" FROM g", args...)
	}
	if e.driver == "sqlite" { // which has the WITH before the INSERT
		into = func(table, columns, values string, args ...any) {
			t.Helper()
			w.run(t, counted+"INSERT INTO "+table+" ("+columns+") SELECT "+values+" FROM g", args...)
		}
	}
	yesterday := noon.Add(-24 * time.Hour)
	into("callback_numbers", "number, site_id, leased, draining, last_used_at, free_at",
		"'+1303' || (1000000 + n), CASE WHEN n % 2 = 0 THEN 'us' ELSE 'pr' END, FALSE, FALSE, $1, $1", yesterday)
	into("calls", `id, agent_id, site_id, kind, dialed, country, dialed_at, conveyed, number, number_kind, route_path, route_trunk,
		terms, degraded, presence_before, expires_at, closed_at, caller_id`,
		`'old-' || n, 'one', 'us', 'emergency', '911', 'US', $1, '{}', '+1303' || (1000000 + n), 'leased', 'direct-offer', '',
		'"lease=1h0m0s grace=30m0s maxCall=4h0m0s quarantine=30m0s"', FALSE, '', $1, $1, '+1303' || (1000000 + n)`, yesterday)
	into("legs", "id, call_id, direction, remote, started_at, ended_at, reason", "'leg-' || n, 'old-' || n, 'outbound', '', $1, $1, ''", yesterday)
	into("notices", "call_id, event, round, agent_id, site_id, created_at",
		"'old-' || n, CASE WHEN n % 2 = 0 THEN 'placed' ELSE 'failed' END, 0, 'one', 'us', $1", yesterday)
	into("refused_calls", "call_id, agent_id, site_id, facts, told_as, refused_at", "'old-' || n, 'one', 'us', '{}', 'old-' || n, $1", yesterday)
	into("deliveries", "call_id, event, round, address, state, message_id, updated_at",
		"'old-' || n, CASE WHEN n % 2 = 0 THEN 'placed' ELSE 'failed' END, 0, 'desk@example.com', 'sent', '', $1", yesterday)
	into("mail_events", "id, call_id, at", "'old-' || n, 'old-' || n, $1", yesterday)
	w.run(t, `UPDATE sites SET pool_size = $1`, many/2)
	if e.driver != "sqlite" {
		w.run(t, "VACUUM ANALYZE")
	}
	return w
}

// watched are the statements of some work, each once.
func (w *world) watched(work func()) []statement {
	var all []statement
	seen := map[string]bool{}
	w.Watch(func(query string, args []any) {
		if !seen[query] {
			all = append(all, statement{query, args})
		}
		seen[query] = true
	})
	work()
	return all
}

// A pool may hold a million numbers, and the calls of years may be kept: neither a
// dial nor a callback nor whoever watches the pools or changes one number looks at more
// of them than are in use (B5, B7).
func TestLooksAtWhatIsInUseAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w := crowded(t, e)
		for _, s := range w.watched(func() {
			w.leaseLate(t)
			call := w.dial(t, "one")
			w.test(t, "two")
			w.offer(t, call.Number)
			w.tellsOf(t, call.ID)
			w.finish(t, call.ID)
			w.offer(t, call.Number)
			w.offer(t, standing)
			w.pools(t)
			w.remove(t, call.Number)
			w.administrates(t)
			w.writesLate(t)
			w.forgetNumbers(t)
			w.expire(t)
			if _, err := w.SavePoolState(t.Context(), "us", emergency.PoolLow); err != nil {
				t.Fatal(err)
			}
		}) {
			if e.driver == "sqlite" {
				w.searches(t, s)
			} else {
				w.touchesFew(t, s)
			}
		}
	})
}

// writesLate writes down what was answered without SQL, and reads what answers need then.
func (w *world) writesLate(t *testing.T) {
	t.Helper()
	p := w.showing(t, "two", "+13031000002")
	for _, placed := range []store.Placement{p, shownIn(w.placement(t, "two"), standing)} {
		w.endsEarly(t, store.Ending{CallID: placed.CallID, LegID: "early"})
		w.place(t, placed)
		w.keep(t, w.connected(placed.CallID, noon))
	}
	w.remembered(t)
	do(t, only(w.LiveCalls(t.Context())), only(w.KnownCalls(t.Context(), []emergency.CallID{p.CallID})),
		w.ForgetEarlyEnds(t.Context(), noon.Add(-time.Hour)))
	w.hangUp(t, p.CallID, "")
	w.closeCall(t, p.CallID)
}

// administrates makes changes that have to look for numbers.
func (w *world) administrates(t *testing.T) {
	t.Helper()
	site, agent, routing := siteNamed("pr"), agentNamed("three", "us"), emergency.VoiceRouting{}
	site.StandingNumber, site.FinalNumber = "+17875550199", "+17875550198"
	agent.CallingNumber, agent.Endpoints = "+12025550177", []string{"tel:+12025550178"}
	routing.DirectOffers = []emergency.Offer{{Number: "+12025550100", Country: emergency.UnitedStates}}
	w.add(t, first, "us")
	w.run(t, `UPDATE sites SET pool_size = 0 WHERE id = 'pr'`)
	site.Country = emergency.PuertoRico
	for _, err := range []error{
		only(w.Number(t.Context(), first)),
		only(w.PutSite(t.Context(), site, emergency.Change{})),
		only(w.PutAgent(t.Context(), agent, emergency.Change{})),
		only(w.PutVoiceRouting(t.Context(), routing, emergency.Change{})),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}

// tellsOf has people told of a call and of a refused dial, and all that comes of it.
func (w *world) tellsOf(t *testing.T, id emergency.CallID) {
	t.Helper()
	w.ensure(t, id, emergency.NoticeEscalated, 1)
	w.record(t, id, "desk@example.com", emergency.DeliverySent)
	w.mailed(t, "e-1", id, "desk@example.com", emergency.DeliveryDelivered, true)
	w.acknowledges(t, id, emergency.NoticePlaced, 0, "desk@example.com",
		emergency.Acknowledgement{At: noon, By: "desk@example.com", First: true})
	w.refuses(t, "refused", nil)
	w.ensure(t, "refused", emergency.NoticeEscalated, 1)
	if err := w.ForgetNotices(t.Context(), noon.Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, agent := range []emergency.AgentID{"", "one"} {
		if err := only(w.RefusedCalls(t.Context(), agent)); err != nil {
			t.Fatal(err)
		}
	}
	do(t, w.GiveUpTelling(t.Context(), noon), only(w.CallsUnderWay(t.Context(), noon)), only(w.ForcedEnds(t.Context(), noon, 20)))
	w.erase(t, noon.Add(-24*time.Hour+time.Microsecond), 200)
}

// wayIn is how SQLite finds rows, by its own description.
var wayIn = regexp.MustCompile(`^(SCAN|SEARCH) (callback_numbers|n|calls|c|legs|g|notices|deliveries|d|mail_events|refused_calls)\b(.*)`)

// searches checks that SQLite finds rows of the large tables by what is asked for.
func (w *world) searches(t *testing.T, s statement) {
	t.Helper()
	rows, err := w.raw.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.query, s.args...)
	if err != nil {
		t.Fatalf("%s: %v", s.query, err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	for rows.Next() {
		var line string
		if err := rows.Scan(new(int), new(int), new(int), &line); err != nil {
			t.Fatal(err)
		}
		found := wayIn.FindStringSubmatch(line)
		if found != nil && (found[1] == "SCAN" && !scansFew(s.query, line) || searchesWide(s.query, line)) {
			t.Errorf("%s:\n%s", s.query, line)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// searchesWide tells whether a search finds a part of a large table: the free numbers of a
// site are good for taking the first of them alone, and those that do not rest are nearly
// all.
func searchesWide(query, line string) bool {
	return strings.Contains(line, "callback_numbers_by_rest (free_at<?)") ||
		strings.Contains(line, "callback_numbers_by_use (site_id=?)") && !strings.Contains(query, "ORDER BY last_used_at, number LIMIT 1")
}

// scansFew tells whether a scan meets few rows: the latest refused dials are the first of
// their index; open calls, e-mails to be sent and numbers on their way out are few; and
// SQLite looks for the calls of a new agent only when a foreign key is broken already.
func scansFew(query, line string) bool {
	first := strings.HasSuffix(line, "SCAN refused_calls USING INDEX refused_calls_by_time") && strings.HasSuffix(query, "LIMIT $1")
	few := regexp.MustCompile("calls_open_by_expiry|deliveries_queued|callback_numbers_draining").MatchString(line)
	return first || few || strings.HasPrefix(query, "INSERT INTO agents")
}

// node is a step of a plan of PostgreSQL, with what it has done.
type node struct {
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Filtered float64 `json:"Rows Removed by Filter"`
	Plans    []node  `json:"Plans"`
}

// touchesFew checks that PostgreSQL looks at few rows; what it changes is undone.
func (w *world) touchesFew(t *testing.T, s statement) {
	t.Helper()
	verb, _, _ := strings.Cut(strings.TrimSpace(s.query), " ")
	if verb == "INSERT" {
		return
	}
	tx, err := w.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it was only to look
	var text string
	var plans []struct{ Plan node }
	if err := tx.QueryRowContext(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+s.query, s.args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", s.query, err)
	}
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	var look func(node)
	look = func(n node) {
		if touched := (n.Rows + n.Filtered) * max(1, n.Loops); touched > many/10 {
			t.Errorf("%s:\nlooks at %.0f rows of %s", s.query, touched, n.Relation)
		}
		for _, below := range n.Plans {
			look(below)
		}
	}
	look(plans[0].Plan)
}

// Somebody who dials waits for every statement (B7): with nobody to tell by mail, a
// first dial takes 17 of them in its transaction, and a redial 13. Whoever needs one
// more should know what it is worth.
func TestStatementsOfADial(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w := newWorld(t, e)
		w.addSite(t, "us", first, second)
		w.addAgents(t, "us", "one")
		count := 0
		w.Watch(func(string, []any) { count++ })
		for _, dial := range []struct {
			name string
			want int
		}{{"first dial", 17}, {"redial", 13}} {
			p := w.placement(t, "one")
			count = 0
			w.place(t, p)
			if count != dial.want {
				t.Errorf("a %s takes %d statements, want %d", dial.name, count, dial.want)
			}
		}
	})
}
