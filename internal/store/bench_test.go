package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// BenchmarkPoolSize dials at a site with a thousand callback numbers and at one with a
// million, in turns, and gives back each number again: whoever dials must not wait longer
// because a site has many (B5, B7).
func BenchmarkPoolSize(b *testing.B) {
	for _, e := range []engine{sqlite, postgres} {
		b.Run(e.name, func(b *testing.B) {
			w := newWorld(b, e)
			w.pool(b, e, "us", "few", 2, 1_000)
			w.pool(b, e, "pr", "many", 3, 1_000_000)
			if e.driver != "sqlite" {
				w.run(b, "VACUUM ANALYZE")
			}
			var few, many []time.Duration
			for range 50 { // until both are warm
				w.leaseAndRelease(b, "few")
				w.leaseAndRelease(b, "many")
			}
			for b.Loop() {
				few = append(few, w.leaseAndRelease(b, "few"))
				many = append(many, w.leaseAndRelease(b, "many"))
			}
			b.ReportMetric(median(few).Seconds()*1000, "ms/dial-of-1000")
			b.ReportMetric(median(many).Seconds()*1000, "ms/dial-of-1000000")
			b.ReportMetric(median(many).Seconds()/median(few).Seconds(), "ratio")
		})
	}
}

// pool fills a site with numbers that begin alike.
func (w *world) pool(b *testing.B, e engine, site emergency.SiteID, agent emergency.AgentID, digit, size int) {
	b.Helper()
	w.addSite(b, site)
	w.addAgents(b, site, agent)
	counted := fmt.Sprintf("WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d) ", size)
	insert := "INSERT INTO callback_numbers (number, site_id, leased, draining, last_used_at, free_at) "
	if e.driver == "sqlite" { // which has the WITH before the INSERT
		insert, counted = counted+insert, ""
	}
	w.run(b, insert+counted+fmt.Sprintf("SELECT '+130%d' || (1000000 + n), $1, FALSE, FALSE, $2, $2 FROM g", digit), site, noon.Add(-time.Hour))
	w.run(b, `UPDATE sites SET pool_size = $2 WHERE id = $1`, site, size)
}

// leaseAndRelease tells how long a dial took.
func (w *world) leaseAndRelease(b *testing.B, agent emergency.AgentID) time.Duration {
	b.Helper()
	p := w.placement(b, agent)
	begun := time.Now()
	call, err := w.PlaceCall(b.Context(), p)
	took := time.Since(begun)
	if err != nil || call.NumberKind != emergency.NumberLeased {
		b.Fatalf("the dial shows a %s number: %v", call.NumberKind, err)
	}
	w.finish(b, call.ID)
	return took
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
