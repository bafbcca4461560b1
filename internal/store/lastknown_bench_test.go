package store_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// BenchmarkLastKnown reads all that answers without SQL need, with ten thousand agents,
// each of them in a call that has been called back and has told two people (B7).
func BenchmarkLastKnown(b *testing.B) {
	const crowd = 10_000
	for _, e := range []engine{sqlite, postgres} {
		b.Run(e.name, func(b *testing.B) {
			w := newWorld(b, e)
			w.addSite(b, "us")
			w.fill(b, crowd)
			b.Run("all", func(b *testing.B) {
				for b.Loop() {
					known, err := w.LastKnown(b.Context())
					if err != nil || len(known.Calls) != crowd || len(known.Callers) != crowd {
						b.Fatal(len(known.Calls), len(known.Callers), err)
					}
				}
			})
			b.Run("live calls", func(b *testing.B) {
				for b.Loop() {
					if live, err := w.LiveCalls(b.Context()); err != nil || len(live) != crowd {
						b.Fatal(len(live), err)
					}
				}
			})
			b.Run("a hundred", func(b *testing.B) {
				var ids []emergency.CallID
				for i := range 100 {
					ids = append(ids, emergency.CallID(fmt.Sprintf("call-%d", i+1)))
				}
				for b.Loop() {
					if found, err := w.KnownCalls(b.Context(), ids); err != nil || len(found) != len(ids) {
						b.Fatal(len(found), err)
					}
				}
			})
		})
	}
}

// fill adds agents and their calls past the store, with names for the times.
func (w *world) fill(b *testing.B, crowd int) {
	b.Helper()
	for _, table := range []struct{ columns, values string }{
		{
			"agents (id, name, site_id, endpoints, presence_status, presence_revision, presence_changed_at)",
			`'agent-' || n, 'Agent', 'us', '["sip:agent@example.com"]', 'available', 1, TIME`,
		},
		{"contacts (agent_id, as_typed)", `'agent-' || n, 'desk@example.com; night@example.org'`},
		{
			`calls (id, agent_id, site_id, kind, dialed, country, dialed_at, conveyed, number, number_kind, route_path, route_trunk,
				terms, degraded, presence_before, expires_at, caller_id)`,
			`'call-' || n, 'agent-' || n, 'us', 'emergency', '911', 'US', TIME, '{}', '+1303' || (1000000 + n), 'leased', 'direct-offer', '',
				'"lease=1h0m0s grace=30m0s maxCall=4h0m0s quarantine=30m0s"', FALSE, '', LATER, '+1303' || (1000000 + n)`,
		},
		{"legs (id, call_id, direction, remote, started_at, reason)", `'dial-' || n, 'call-' || n, 'outbound', '', TIME, ''`},
		{"legs (id, call_id, direction, remote, started_at, reason)", `'back-' || n, 'call-' || n, 'callback', '+12025550911', TIME, ''`},
		{"notices (call_id, event, round, agent_id, site_id, created_at)", `'call-' || n, 'placed', 0, 'agent-' || n, 'us', TIME`},
		{
			"deliveries (call_id, event, round, address, state, message_id, updated_at)",
			`'call-' || n, 'placed', 0, 'desk@example.com', 'sent', '', TIME`,
		},
		{
			"deliveries (call_id, event, round, address, state, message_id, updated_at)",
			`'call-' || n, 'placed', 0, 'night@example.org', 'sent', '', TIME`,
		},
	} {
		var args []any
		for name, at := range map[string]time.Time{"TIME": noon, "LATER": noon.Add(5 * time.Hour)} {
			if strings.Contains(table.values, name) {
				args = append(args, at)
				table.values = strings.ReplaceAll(table.values, name, "$"+strconv.Itoa(len(args)))
			}
		}
		w.run(b, fmt.Sprintf(`INSERT INTO %s WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d)
			SELECT %s FROM g`, table.columns, crowd, table.values), args...)
	}
}
