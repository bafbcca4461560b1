package main

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// How far TestTorture goes in each of its forms. `make torture` goes far; a run of all
// tests goes as far as that everything breaks once.
var (
	tortureCalls  = flag.Int("torture.calls", 60, "how many calls TestTorture places in each form")
	tortureFaults = flag.Int("torture.faults", 12, "how many faults TestTorture inflicts in each form")
	tortureSeed   = flag.Uint64("torture.seed", 0, "seed of TestTorture's schedule; 0 takes one at random")
)

// Whatever breaks, and however often, nothing is lost and nothing stays: every call
// that was answered is on record, with every leg; presence is restored once and to what
// it was, everybody is told, the number goes back once and was never anybody else's
// meanwhile, and every workflow ends (S11, B1, B4, B5, B7, B9, B16).
func TestTorture(t *testing.T) {
	seed := *tortureSeed
	if seed == 0 {
		seed = uint64(rand.Uint32()) + 1
	}
	t.Logf("to run this schedule again: -torture.calls=%d -torture.faults=%d -torture.seed=%d", *tortureCalls, *tortureFaults, seed)
	for _, form := range []struct {
		name  string
		build func(*testing.T, []*staff) *world
		kinds []faultKind
	}{
		{"Standalone", newStandaloneWorld, standaloneFaults()},
		{"SeparateProcesses", newSeparateWorld, separateFaults()},
	} {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			agents := hireStaff(max(15, *tortureCalls/5))
			s := newSchedule(seed, *tortureCalls, *tortureFaults, agents, form.kinds)
			torture(form.build(t, agents), s, seed)
		})
	}
}

// torture lives a schedule and judges what is left.
func torture(w *world, s schedule, seed uint64) {
	w.t.Helper()
	// Fewer than are asked for at times, so that a pool runs dry now and then and fills again.
	w.populate(max(4, len(w.agents)*3/20))
	l, began := newLoad(w), time.Now()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		l.run(began, s.calls)
	}()
	faults := w.inflict(began, s.faults)
	<-loaded
	healed := time.Now()
	last := w.awaitDust()
	settled := time.Since(healed)
	c, err := check(w, l)
	if err != nil {
		w.t.Fatal("check: ", err)
	}
	w.t.Logf("%s  %s of load, %s until the dust had settled, at last %s", c.report(seed, faults),
		healed.Sub(began).Round(time.Second), settled.Round(time.Second), strings.Join(last, ", "))
	if len(c.lost) > 0 {
		w.t.Error("\n" + c.stories(w.t.Context()))
	}
}
