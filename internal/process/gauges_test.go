package process

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// series are all that a registry shows, as name{labels} value.
func series(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			value := metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			all = append(all, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(family.GetName(), "lifeline_"), strings.Join(labels, ","), value))
		}
	}
	slices.Sort(all)
	return all
}

// The metrics show what the watch saw last: numbers and use of every pool, how long it
// lasts, infinite when it does, and how many agents could call. A site that is gone
// takes its series along, and what nobody has looked at for a minute is shown no more
// (B5, B12).
func TestGauges(t *testing.T) {
	now := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	shown := &gauges{clock: func() time.Time { return now }}
	registry := prometheus.NewRegistry()
	registry.MustRegister(shown)
	shows := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, series(t, registry)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	shows()

	shown.showAgents(map[emergency.Readiness]int{emergency.Ready: 3, emergency.NotReady: 1}, now)
	shown.showPools([]emergency.Pool{{SiteID: "site-us", Free: 1, Leased: 2, Resting: 1}, {SiteID: "site-dk", Free: 4}}, now)
	agents := []string{"agents{readiness=not-ready} 1", "agents{readiness=ready} 3", "agents{readiness=warning} 0"}
	american := []string{
		"pool_numbers{site=site-us,state=free} 1",
		"pool_numbers{site=site-us,state=leased} 2",
		"pool_numbers{site=site-us,state=resting} 1",
		"pool_runs_out_seconds{site=site-us} +Inf",
		"pool_use{site=site-us} 0.75",
	}
	danish := []string{
		"pool_numbers{site=site-dk,state=free} 4",
		"pool_numbers{site=site-dk,state=leased} 0",
		"pool_numbers{site=site-dk,state=resting} 0",
		"pool_runs_out_seconds{site=site-dk} +Inf",
		"pool_use{site=site-dk} 0",
	}
	shows(slices.Sorted(slices.Values(slices.Concat(agents, american, danish)))...)

	now = now.Add(gaugesLast / 2)
	exhausted := emergency.Pool{SiteID: "site-dk", Leased: 4, LastHour: 4}
	shown.showPools([]emergency.Pool{exhausted}, now)
	danish = []string{
		"pool_numbers{site=site-dk,state=free} 0",
		"pool_numbers{site=site-dk,state=leased} 4",
		"pool_numbers{site=site-dk,state=resting} 0",
		"pool_runs_out_seconds{site=site-dk} 0",
		"pool_use{site=site-dk} 1",
	}
	shows(slices.Concat(agents, danish)...)

	now = now.Add(gaugesLast / 2)
	shows(danish...)
	now = now.Add(gaugesLast / 2)
	shows()
}
