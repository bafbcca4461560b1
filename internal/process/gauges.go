package process

import (
	"maps"
	"math"
	"sync"
	"time"

	"lifeline/internal/emergency"

	"github.com/prometheus/client_golang/prometheus"
)

// gaugesLast is how long what the watch has seen is shown: a figure that nobody has
// checked for longer is worse than none.
const gaugesLast = time.Minute

var (
	poolNumbers = prometheus.NewDesc("lifeline_pool_numbers",
		"Callback numbers of a site, by what may be done with them: free, leased or resting.", []string{"site", "state"}, nil)
	poolUse = prometheus.NewDesc("lifeline_pool_use",
		"Share of a site's callback numbers that are in use, from 0 to 1.", []string{"site"}, nil)
	poolRunsOut = prometheus.NewDesc("lifeline_pool_runs_out_seconds",
		"How long a site's callback numbers last at the rate of the last hour; +Inf when they do.", []string{"site"}, nil)
	agentsByReadiness = prometheus.NewDesc("lifeline_agents",
		"Agents by whether they could make an emergency call now: ready, warning or not-ready.", []string{"readiness"}, nil)
)

// gauges shows what the watch saw last. It holds no series of its own, so that those
// of a site that is gone go too.
type gauges struct {
	clock func() time.Time

	mu                sync.Mutex
	pools             []emergency.Pool
	agents            map[emergency.Readiness]int
	poolsAt, agentsAt time.Time
}

func (g *gauges) showPools(pools []emergency.Pool, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pools, g.poolsAt = pools, at
}

func (g *gauges) showAgents(counts map[emergency.Readiness]int, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.agents, g.agentsAt = maps.Clone(counts), at
}

// Describe names the metrics.
func (g *gauges) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{poolNumbers, poolUse, poolRunsOut, agentsByReadiness} {
		descs <- desc
	}
}

// Collect shows them.
func (g *gauges) Collect(metrics chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	show := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	now := g.clock()
	if now.Sub(g.poolsAt) < gaugesLast {
		for _, pool := range g.pools {
			site := string(pool.SiteID)
			show(poolNumbers, float64(pool.Free), site, "free")
			show(poolNumbers, float64(pool.Leased), site, "leased")
			show(poolNumbers, float64(pool.Resting), site, "resting")
			show(poolUse, pool.Use(), site)
			show(poolRunsOut, runsOutIn(pool, now), site)
		}
	}
	if now.Sub(g.agentsAt) < gaugesLast {
		for _, readiness := range []emergency.Readiness{emergency.Ready, emergency.ReadyWithWarnings, emergency.NotReady} {
			show(agentsByReadiness, float64(g.agents[readiness]), string(readiness))
		}
	}
}

// runsOutIn is in how many seconds a pool has no free number; infinite when it lasts.
func runsOutIn(pool emergency.Pool, now time.Time) float64 {
	if left, runsOut := pool.Runway(now); runsOut {
		return left.Seconds()
	}
	return math.Inf(1)
}
