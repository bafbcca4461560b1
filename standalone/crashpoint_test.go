package main

import (
	"bytes"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
)

var (
	crashShare  = flag.Int("crashpoints.each", 8, "TestEveryCrashPoint lets a worker die at one in so many points; 1 is all of them")
	crashSeed   = flag.Uint64("crashpoints.seed", 0, "seed of that choice; 0 takes one at random")
	crashOnly   = flag.String("crashpoints.only", "", "let it die only where the name of the tale and of the point begins like this")
	crashAtOnce = flag.Int("crashpoints.atonce", 64, "how many calls TestEveryCrashPoint follows at once")
)

// crashPoint is where the first worker of a tale dies; nowhere if nth is zero.
type crashPoint struct {
	tale  *tale
	dies  moment
	nth   int
	happy *ending
}

func (p crashPoint) String() string {
	if p.nth == 0 {
		return p.tale.name
	}
	return fmt.Sprintf("%s/%s %d", p.tale.name, p.dies, p.nth)
}

// Wherever in the histories of calls a worker dies, before or after Temporal hears what
// it did, another one brings the call to the same end as if nothing had happened: in
// SQL, in the workflow, in the presence outside, and in e-mails, which go out again only
// if nobody lived to record that they had (S11, B4, B5, B9).
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(rand.Uint32()) + 1
	}
	th := &theatre{T: t, stage: newStage(t)}
	all := th.undisturbed()
	all = slices.DeleteFunc(all, func(p crashPoint) bool { return !strings.HasPrefix(p.String(), *crashOnly) })
	chosen := choose(all, *crashShare, seed)
	t.Logf("%d crash points of %d; to run these again: -crashpoints.each=%d -crashpoints.seed=%d", len(chosen), len(all), *crashShare, seed)
	began := time.Now()
	th.sideBySide(len(chosen), func(n int) {
		p := chosen[n]
		got := th.tell(p)
		switch { // what happens side by side may come in fewer tasks
		case got.died:
			th.died.Add(1)
		case got.late == "":
			th.spared.Add(1)
			t.Logf("%s: the worker never came to that", p)
		}
		th.repeated.Add(int64(got.repeated))
	})
	t.Logf("%d workers died and %d e-mails went out again in %s", th.died.Load(), th.repeated.Load(), time.Since(began).Round(time.Second))
	if int(th.spared.Load()) > len(chosen)/10 {
		t.Errorf("%d workers never came to the point where they were to die", th.spared.Load())
	}
}

// theatre performs tales, many at once: they spend their time waiting for timers.
type theatre struct {
	*testing.T

	stage *stage
	// spared are the workers that never came to the point where they were to die, although
	// nothing was late.
	scenes, died, spared, repeated atomic.Int64
}

// ramp is how far apart tales begin: a crowd that began as one would overtax the server.
const ramp = 150 * time.Millisecond

// sideBySide does something so many times, not too many of them at once. What fails ends
// alone.
func (th *theatre) sideBySide(times int, do func(n int)) {
	places := make(chan struct{}, *crashAtOnce)
	var under sync.WaitGroup
	for n := range times {
		places <- struct{}{}
		time.Sleep(ramp)
		under.Go(func() {
			defer func() { <-places }()
			do(n)
		})
	}
	under.Wait()
}

// undisturbed tells every tale once without a crash, and gives the points at which a
// worker can die in it.
func (th *theatre) undisturbed() []crashPoint {
	th.Helper()
	var (
		told   = slices.DeleteFunc(tales(), func(tl *tale) bool { return !strings.HasPrefix(*crashOnly, tl.name) && *crashOnly != "" })
		happy  = make([]*ending, len(told))
		all    []crashPoint
		events int
	)
	th.sideBySide(len(told), func(n int) { happy[n] = th.tell(crashPoint{tale: told[n]}) })
	if th.Failed() {
		th.FailNow()
	}
	kinds := map[string]bool{}
	for n, tl := range told {
		events += len(happy[n].history)
		for _, event := range happy[n].history {
			kinds[kindOf(event)] = true
		}
		all = append(all, pointsOf(tl, happy[n])...)
	}
	if *crashOnly == "" {
		th.coversGolden(kinds)
	}
	th.Logf("%d events in %d histories", events, len(told))
	return all
}

// pointsOf are all moments that the worker of an undisturbed tale lived to see. Where
// nobody knows how often an e-mail will be tried, the first tries stand for all.
func pointsOf(tl *tale, happy *ending) []crashPoint {
	var points []crashPoint
	for _, dies := range slices.Sorted(maps.Keys(happy.counts)) {
		times := happy.counts[dies]
		if tl.restless && (dies == momentBegun || dies == momentUnreported || dies == momentReported) {
			times = min(times, 4)
		}
		for nth := range times {
			points = append(points, crashPoint{tl, dies, nth + 1, happy})
		}
	}
	return points
}

// kindOf is what an event tells: its type, and of which step or message it is.
func kindOf(event *historypb.HistoryEvent) string {
	return strings.TrimSpace(event.GetEventType().String() + " " + event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() +
		event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() + event.GetMarkerRecordedEventAttributes().GetMarkerName())
}

// coversGolden demands that everything that the golden histories tell is told here, too.
func (th *theatre) coversGolden(kinds map[string]bool) {
	th.Helper()
	files, err := filepath.Glob("../workflows/testdata/v*/*.json")
	if err != nil || len(files) == 0 {
		th.Fatalf("find the golden histories: %d, %v", len(files), err)
	}
	for _, file := range files {
		history, err := client.HistoryFromJSON(openFile(th, file), client.HistoryJSONOptions{})
		if err != nil {
			th.Fatalf("read %s: %v", file, err)
		}
		for _, event := range history.GetEvents() {
			if kind := kindOf(event); !kinds[kind] {
				th.Errorf("%s tells of %q; no tale here does", file, kind)
			}
		}
	}
}

func openFile(t testing.TB, path string) io.Reader {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(text)
}

// choose takes one point in so many, in any order: all of one tale at once would be too much.
// What is chosen does not depend on what else there is, as a telling may have a task more
// or less.
func choose(all []crashPoint, each int, seed uint64) []crashPoint {
	chosen := slices.DeleteFunc(all, func(p crashPoint) bool {
		hash := fnv.New64a()
		fmt.Fprint(hash, p)
		return rand.New(rand.NewPCG(seed, hash.Sum64())).IntN(each) > 0 //nolint:gosec // it is to be the same again
	})
	rand.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen
}
