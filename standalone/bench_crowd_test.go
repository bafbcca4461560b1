package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/engine"
	"lifeline/internal/store"
	"lifeline/workflows"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

const (
	// windows is how many calls are in their callback window at once.
	windows = 10_000
	// windowPairs is how many dials, and inbound decisions, are timed with and without
	// them, in turns.
	windowPairs = 300
	// takenUp bounds the wait until all of them are workflows.
	takenUp = 15 * time.Minute
	// settling is what memory gets to be given back before it is read.
	settling = 30 * time.Second
)

// BenchmarkCrowd prints what ten thousand calls in their callback window cost an API
// and a worker in memory and work, and a dial and an inbound decision in time, beside an
// installation in which nothing happens. Each has processes, a Temporal server and a
// PostgreSQL database of its own.
func BenchmarkCrowd(b *testing.B) {
	for b.Loop() {
		var t table
		measureWindows(b, &t)
		t.print(os.Stdout)
	}
	b.ReportMetric(0, "ns/op") // the time of the whole says nothing
}

func measureWindows(b *testing.B, t *table) {
	full, empty := startProcesses(b, windows+windowPairs), startProcesses(b, windowPairs)
	begun := time.Now()
	calls := make([]placed, windows)
	if err := sideBySide(windows, func(i int) (err error) {
		if calls[i], err = full.dial(b.Context(), full.agents[i]); err != nil {
			return err
		}
		return full.end(b.Context(), calls[i].CallID)
	}); err != nil {
		b.Fatal(err)
	}
	answered := time.Since(begun)
	for err := full.open(b.Context(), windows); err != nil; err = full.open(b.Context(), windows) {
		if time.Since(begun) > takenUp {
			b.Fatal("wait for all workflows to run: ", err)
		}
	}
	running := time.Since(begun)
	time.Sleep(settling)
	t.section(fmt.Sprintf("%d calls in their callback window, in processes of their own on PostgreSQL, beside as many processes with none", windows))
	t.row("dialed and hung up, 16 at a time", perSecond(windows, answered))
	t.row("until Temporal has them all", running.Round(time.Second).String())
	for i, name := range processNames {
		t.row("memory of "+name, "full "+full.processes[i].memory(b), "empty "+empty.processes[i].memory(b))
	}
	measurePasses(b, t, full, empty)
	measureRepair(b, t, full, calls)
	measureTurns(b, t, full, empty, calls)
}

// measureTurns times dials and inbound decisions in the one and the other, in turns.
func measureTurns(b *testing.B, t *table, full, empty *processes, calls []placed) {
	var dials, quietDials, inbound, quietInbound series
	for i := range windowPairs {
		time.Sleep(quiet / 5)
		there, err := full.dial(b.Context(), full.agents[windows+i])
		if err != nil {
			b.Fatal(err)
		}
		here, err := empty.dial(b.Context(), empty.agents[i])
		if err != nil {
			b.Fatal(err)
		}
		dials, quietDials = append(dials, there.took()), append(quietDials, here.took())
		time.Sleep(quiet / 5)
		back, err := full.inbound(b.Context(), calls[rand.IntN(windows)].CallbackNumber, emergency.ConnectAgent)
		if err != nil {
			b.Fatal(err)
		}
		quietBack, err := empty.inbound(b.Context(), here.CallbackNumber, emergency.ConnectAgent)
		if err != nil {
			b.Fatal(err)
		}
		inbound, quietInbound = append(inbound, back), append(quietInbound, quietBack)
	}
	t.latency("dial, full", dials)
	t.latency("dial, empty", quietDials)
	t.ratio("dial, full ÷ empty", dials, quietDials, "about 1")
	t.latency("inbound decision, full", inbound)
	t.latency("inbound decision, empty", quietInbound)
	t.ratio("inbound decision, full ÷ empty", inbound, quietInbound, "about 1")
}

// processNames are those of an installation's processes, in their order.
var processNames = []string{"api", "worker", "temporal"}

// processes are an installation of separate processes.
type processes struct {
	*service

	processes []*running
}

// startProcesses starts one with so many agents, who have nobody to tell.
func startProcesses(b *testing.B, agents int) *processes {
	b.Helper()
	temporalAddr, httpAddr, database := shared.freeAddr(b), shared.freeAddr(b), shared.postgresURL(b)
	p := &processes{service: &service{dir: diskDir(b), api: "http://" + httpAddr, http: keepAlive(b)}}
	if err := p.settle(b.Context(), database, agents); err != nil {
		b.Fatal(err)
	}
	settings := []string{
		"LIFELINE_DATA_DIR=" + p.dir, "LIFELINE_DATABASE_URL=" + database, "LIFELINE_HTTP_ADDR=" + httpAddr,
		"LIFELINE_TEMPORAL_ADDR=" + temporalAddr, "LIFELINE_TEMPORAL_UI_ADDR=" + shared.freeAddr(b),
		"LIFELINE_TOKENS=carrier:" + carrierToken, "LIFELINE_PAYLOAD_KEYS=" + engine.NewKey(),
		"LIFELINE_LOG_LEVEL=warn", "LIFELINE_DIAL_BUDGET=30s", "LIFELINE_ACK_DEADLINE=0s",
	}
	temporal := launch(b, "temporal", itself(b), append(settings, roleVariable+"="+roleTemporal))
	api := launch(b, "api", shared.program(b, "api"), settings)
	worker := launch(b, "worker", shared.program(b, "worker"), settings)
	p.processes = []*running{api, worker, temporal}
	await(b, "the service to be ready", p.ready)
	var err error
	if p.temporal, err = client.Dial(client.Options{
		HostPort: temporalAddr, Namespace: "default", Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.temporal.Close)
	return p
}

// settle gives the installation a site of its own, and to every agent there is a number
// to lease. No country has so many numbers for fiction: these are as good.
func (p *processes) settle(ctx context.Context, database string, agents int) error {
	db, err := store.Open(database, time.Now)
	if err == nil {
		err = db.Prepare(ctx)
	}
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	site, agent := demoPlaces[0].site, demoPlaces[0].agent
	site.ID, agent.SiteID = "site-bench", "site-bench"
	err = errors.Join(only(db.PutSite(ctx, site, emergency.Change{})), seedRouting(ctx, db))
	for i := range agents {
		p.agents = append(p.agents, emergency.AgentID("agent-"+strconv.Itoa(i)))
	}
	err = errors.Join(err, sideBySide(agents, func(i int) error {
		own := agent
		own.ID = p.agents[i]
		return errors.Join(only(db.PutAgent(ctx, own, emergency.Change{})),
			db.AddNumber(ctx, "+1303"+strconv.Itoa(5_550_000+i), site.ID, emergency.Change{}))
	}))
	return errors.Join(err, db.Close())
}

// open is an error until so many calls are open in Temporal.
func (p *processes) open(ctx context.Context, want int64) error {
	time.Sleep(200 * time.Millisecond)
	open, err := p.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: "WorkflowType = '" + workflows.Type + "' AND ExecutionStatus = 'Running'",
	})
	if err == nil && open.GetCount() < want {
		err = fmt.Errorf("%d are open", open.GetCount())
	}
	return err
}

// memory is what a process takes of it.
func (p *running) memory(b *testing.B) string {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	kilobytes, err := strconv.Atoi(string(bytes.Fields(line)[0]))
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("%d MiB", kilobytes/1024)
}
