package journal

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkAppend measures what a durable record costs alone, and when 64 come at once:
// "speedup" is how many more are kept per second.
func BenchmarkAppend(b *testing.B) {
	payload := []byte(`{"placed":"` + strings.Repeat("x", 900) + `"}`)
	var alone float64
	for _, callers := range []int{1, 64} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			q, _, err := OpenQueue(b.TempDir(), 512<<20)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = q.Close() }()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var running sync.WaitGroup
			for range callers {
				running.Go(func() {
					for left.Add(-1) >= 0 {
						if err := q.Append(b.Context(), payload); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			each := b.Elapsed().Seconds() / float64(b.N)
			if callers == 1 {
				alone = each
			}
			b.ReportMetric(alone/each, "speedup")
		})
	}
}
