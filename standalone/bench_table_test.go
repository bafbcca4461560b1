package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// series is how long each of many alike operations took.
type series []time.Duration

// quantile is what that part of the series stays below.
func (s series) quantile(part float64) time.Duration {
	return slices.Sorted(slices.Values(s))[int(part*float64(len(s)))]
}

// table is what the benchmark prints.
type table struct{ lines []string }

func (t *table) section(title string) { t.lines = append(t.lines, "", title) }

// row is a figure and what it came to.
func (t *table) row(figure string, reached ...string) {
	t.lines = append(t.lines, "  "+figure+"\t"+strings.Join(reached, "\t"))
}

func (t *table) latency(figure string, s series) {
	t.row(figure, "median "+millis(s.quantile(0.5)), "p95 "+millis(s.quantile(0.95)), "p99 "+millis(s.quantile(0.99)))
}

func (t *table) rate(figure string, s series, in time.Duration) {
	t.row(figure, perSecond(len(s), in), "median "+millis(s.quantile(0.5)), "p99 "+millis(s.quantile(0.99)))
}

// ratio compares two series that were taken in turns: by their medians, and by the
// median of the ratios of those that were taken together.
func (t *table) ratio(figure string, ours, theirs series, aim string) {
	pairwise := make([]float64, len(ours))
	for i := range ours {
		pairwise[i] = ours[i].Seconds() / theirs[i].Seconds()
	}
	slices.Sort(pairwise)
	t.row(figure, fmt.Sprintf("medians %.2f", ours.quantile(0.5).Seconds()/theirs.quantile(0.5).Seconds()),
		fmt.Sprintf("pairs %.2f", pairwise[len(pairwise)/2]), "aim: "+aim)
}

// print aligns each section by itself.
func (t *table) print(to io.Writer) {
	columns := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, line := range t.lines {
		if !strings.HasPrefix(line, " ") {
			_ = columns.Flush() // nothing else could be said if the terminal is gone
		}
		_, _ = fmt.Fprintln(columns, line)
	}
	_, _ = fmt.Fprintln(columns)
	_ = columns.Flush()
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

func perSecond(n int, in time.Duration) string {
	return fmt.Sprintf("%.1f per second", float64(n)/in.Seconds())
}

// machine says what the figures were measured on.
func machine() string {
	return fmt.Sprintf("%d × %s, %s, %s/%s", runtime.GOMAXPROCS(0), processor(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// processor is the name that Linux has for it.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer func() { _ = file.Close() }() // it was only read
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
