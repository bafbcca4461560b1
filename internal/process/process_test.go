package process

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"github.com/google/go-cmp/cmp"
)

// recorder makes parts that write down what happens to them.
type recorder struct{ log []string }

func (r *recorder) part(name string, failure error) Part {
	return Part{
		Name:  name,
		Start: func(context.Context) error { r.log = append(r.log, "start "+name); return failure },
		Stop:  func(context.Context) error { r.log = append(r.log, "stop "+name); return nil },
	}
}

// Parts stop in the reverse order of their start, so that none loses what it
// stands on: HTTP before the worker, the worker before the server (S11).
func TestPartsStopInReverseOrder(t *testing.T) {
	var r recorder
	quiet := slog.New(slog.DiscardHandler)
	started, err := startAll(t.Context(), quiet, []Part{r.part("server", nil), r.part("worker", nil), r.part("http", nil)})
	if err != nil {
		t.Fatal(err)
	}
	if err := stopAll(quiet, started); err != nil {
		t.Fatal(err)
	}
	want := []string{"start server", "start worker", "start http", "stop http", "stop worker", "stop server"}
	if diff := cmp.Diff(want, r.log); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// When a part cannot start, those before it are stopped, those behind it are not
// touched, and the reason is told.
func TestFailedStartStopsWhatHadStarted(t *testing.T) {
	var r recorder
	quiet := slog.New(slog.DiscardHandler)
	reason := errors.New("port in use")
	started, err := startAll(t.Context(), quiet, []Part{r.part("server", nil), r.part("worker", reason), r.part("http", nil)})
	if !errors.Is(err, reason) {
		t.Errorf("error is %v, want %v", err, reason)
	}
	if err := stopAll(quiet, started); err != nil {
		t.Fatal(err)
	}
	want := []string{"start server", "start worker", "stop server"}
	if diff := cmp.Diff(want, r.log); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A part that does not end in time is told by its name, and the others still stop.
func TestStopThatHangsIsToldAndPassedOver(t *testing.T) {
	var r recorder
	hanging := Part{Name: "relay", Stop: func(context.Context) error { return context.DeadlineExceeded }}
	err := stopAll(slog.New(slog.DiscardHandler), []Part{r.part("server", nil), hanging})
	if err == nil || !strings.Contains(err.Error(), "relay") {
		t.Errorf("error is %v, want one that names relay", err)
	}
	if diff := cmp.Diff([]string{"stop server"}, r.log); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A call that lost its workflow ends by itself: the agent is no longer on Do not
// disturb, and the number goes back (B4, B16).
func TestHousekeepingEndsCallsThatLostTheirWorkflow(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "lifeline.db")
	terms := emergency.Terms{Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: time.Hour}
	yesterday := openStore(t, path, func() time.Time { return time.Now().Add(-24 * time.Hour) })
	site := emergency.Site{
		ID: "site-us", Name: "Washington", Country: emergency.UnitedStates, StandingNumber: "+12025550100",
		Address: emergency.Address{Street: "100 Example Avenue NW", City: "Washington"},
	}
	agent := emergency.Agent{ID: "agent-us", Name: "Demo agent", SiteID: site.ID, Endpoints: []string{"sip:agent-us@phones.example"}}
	for _, step := range []error{
		only(yesterday.PutSite(ctx, site, emergency.Change{})), only(yesterday.PutAgent(ctx, agent, emergency.Change{})), yesterday.AddNumber(ctx, "+12025550101", site.ID, emergency.Change{}),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	call, err := yesterday.PlaceCall(ctx, store.Placement{
		CallID: "0190a0b0-0000-7000-8000-000000000001", LegID: "0190a0b0-0000-7000-8000-000000000002",
		Caller: emergency.Caller{Agent: agent, Site: site},
		Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates},
		Terms:  terms, At: time.Now().Add(-24 * time.Hour),
	})
	if err != nil || call.PresenceNow != emergency.StatusDoNotDisturb {
		t.Fatalf("dial: presence %q, %v", call.PresenceNow, err)
	}

	today := openStore(t, path, time.Now)
	(&Base{Store: today, Log: slog.New(slog.DiscardHandler)}).tidy(ctx)

	after, err := today.Call(ctx, call.ID)
	if err != nil {
		t.Fatal(err)
	}
	if after.ClosedAt.IsZero() || after.LegUp() || after.PresenceNow != emergency.StatusOffline {
		t.Errorf("closed at %v, leg up %v, presence %q; want it closed and presence as before", after.ClosedAt, after.LegUp(), after.PresenceNow)
	}
	numbers, err := today.Numbers(ctx)
	if err != nil || len(numbers) != 1 || numbers[0].State != emergency.NumberFree {
		t.Errorf("numbers are %+v, %v; want the one free", numbers, err)
	}
}

func openStore(t *testing.T, path string, clock func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(path, clock)
	if err == nil {
		err = s.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// only is the error of something whose value does not matter.
func only[T any](_ T, err error) error { return err }
