package process

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// refused is a dial that could not work.
var refused = emergency.RefusedCall{
	AgentID: "agent-us", SiteID: "site-us", Dialed: "+12025550123", Country: emergency.UnitedStates, Code: emergency.CheckNoRoute,
}

// logbook is a log that may be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *logbook) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *logbook) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// book is where refused dials are written down. Its answers are the test's.
type book struct {
	answer func(ctx context.Context, n int) error
	tried  int
	kept   []emergency.RefusedCall
}

func (b *book) record(ctx context.Context, r emergency.RefusedCall) error {
	b.tried++
	if b.answer != nil {
		if err := b.answer(ctx, b.tried); err != nil {
			return err
		}
	}
	b.kept = append(b.kept, r)
	return nil
}

// withRefusals runs a test with somebody who writes refused dials into a book.
func withRefusals(t *testing.T, b *book, test func(t *testing.T, r *refusals, stop func(), log *logbook, registry *prometheus.Registry)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		registry := prometheus.NewRegistry()
		r := newRefusals(b.record, registry, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.run(ctx)
		}()
		stop := func() { cancel(); <-done }
		defer stop()
		test(t, r, stop, &log, registry)
	})
}

// A refused dial is written down, counted by its code, and told in the log without the
// number (B10).
func TestRefusedDialIsTold(t *testing.T) {
	b := &book{}
	withRefusals(t, b, func(t *testing.T, r *refusals, _ func(), log *logbook, registry *prometheus.Registry) {
		r.tell(refused)
		r.tell(refused)
		synctest.Wait()
		if diff := cmp.Diff([]emergency.RefusedCall{refused, refused}, b.kept); diff != "" {
			t.Errorf("written down (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]string{"refused_dials_total{code=no-route} 2"}, series(t, registry)); diff != "" {
			t.Errorf("counted (-want +got)\n%s", diff)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 2 || !strings.Contains(log.String(), "code=no-route") {
			t.Errorf("the log says %s", log)
		}
		if strings.Contains(log.String(), "555") {
			t.Errorf("the log has the number: %s", log)
		}
	})
}

// Telling takes no time, whatever the database does and however many there are: the
// answer to the dial comes right behind it. What is too much is counted and logged
// (B7).
func TestTellingOfARefusalNeverBlocks(t *testing.T) {
	b := &book{answer: func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	withRefusals(t, b, func(t *testing.T, r *refusals, _ func(), log *logbook, registry *prometheus.Registry) {
		begin := time.Now()
		r.tell(refused)
		synctest.Wait() // it is being written down, and the queue is empty
		for range refusedAtMost + 2 {
			r.tell(refused)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		if got := series(t, registry); got[0] != "refused_dials_total{code=no-route} 1027" {
			t.Errorf("counted %v", got)
		}
		if n := strings.Count(log.String(), "Too many"); n != 2 {
			t.Errorf("the log tells of %d dials that were too much, want 2", n)
		}
	})
}

// What cannot be written down at once is tried again until it can.
func TestRefusedDialIsWrittenDownLater(t *testing.T) {
	b := &book{answer: func(_ context.Context, n int) error {
		if n < 20 {
			return errors.New("the database is away")
		}
		return nil
	}}
	withRefusals(t, b, func(t *testing.T, r *refusals, _ func(), log *logbook, _ *prometheus.Registry) {
		r.tell(refused)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if len(b.kept) != 1 || strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("written down %d times: %s", len(b.kept), log)
		}
	})
}

// One that cannot be written down at all holds up the others for a minute and no
// longer, and the log says that it is lost.
func TestRefusedDialIsGivenUp(t *testing.T) {
	var back atomic.Bool
	b := &book{answer: func(context.Context, int) error {
		if !back.Load() {
			return errors.New("the database is away")
		}
		return nil
	}}
	withRefusals(t, b, func(t *testing.T, r *refusals, _ func(), log *logbook, _ *prometheus.Registry) {
		r.tell(refused)
		synctest.Wait()
		time.Sleep(recordWithin - time.Second/2)
		synctest.Wait()
		if strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("it is given up too early: %s", log)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("the log tells %d times that it is lost: %s", n, log)
		}
		back.Store(true)
		r.tell(refused)
		synctest.Wait()
		if len(b.kept) != 1 {
			t.Errorf("the next is written down %d times", len(b.kept))
		}
	})
}

// A process that stops writes down what it has, unless the database is away: then it
// gives up in time (S11).
func TestRefusedDialsAreWrittenDownAtTheEnd(t *testing.T) {
	away := errors.New("the database is away")
	for _, c := range []struct {
		name   string
		answer error
		kept   int
		took   time.Duration
	}{{"the database answers", nil, 5, 0}, {"the database is away", away, 0, recordLast}} {
		t.Run(c.name, func(t *testing.T) {
			var stopping atomic.Bool
			b := &book{answer: func(context.Context, int) error {
				if !stopping.Load() {
					return away
				}
				return c.answer
			}}
			withRefusals(t, b, func(t *testing.T, r *refusals, stop func(), _ *logbook, _ *prometheus.Registry) {
				for range 5 {
					r.tell(refused)
				}
				time.Sleep(10*time.Second - time.Nanosecond)
				synctest.Wait()
				stopping.Store(true)
				begin := time.Now()
				stop()
				if took := time.Since(begin).Round(time.Second); took != c.took || len(b.kept) != c.kept {
					t.Errorf("%d are written down after %v, want %d after %v", len(b.kept), took, c.kept, c.took)
				}
			})
		})
	}
}

// A test that was refused counts as no call for help, and raises no alarm (B13).
func TestRefusedTestRaisesNoAlarm(t *testing.T) {
	b := &book{}
	withRefusals(t, b, func(t *testing.T, r *refusals, _ func(), log *logbook, registry *prometheus.Registry) {
		test := refused
		test.Kind = emergency.KindTest
		r.tell(test)
		synctest.Wait()
		families, err := registry.Gather()
		if err != nil || len(families) != 0 {
			t.Errorf("counted is %v, %v", families, err)
		}
		if said := log.String(); strings.Contains(said, "level=WARN") || !strings.Contains(said, "A test call was refused") {
			t.Errorf("the log says %q", said)
		}
		if len(b.kept) != 1 {
			t.Errorf("%d refusals are written down, want 1", len(b.kept))
		}
	})
}
