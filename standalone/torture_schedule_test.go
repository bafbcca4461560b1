package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// schedule is what happens under torture. It follows from the seed alone; what comes
// of it does not.
type schedule struct {
	calls  []plannedCall
	faults []plannedFault
}

// plannedCall is one dial with all that follows of it.
type plannedCall struct {
	at    time.Duration
	agent *staff
	dials string
	test  bool
	// key goes with the dial; empty for a desktop that sends none.
	key string
	// byAgent says that the agent's desktop speaks, and not the carrier.
	byAgent bool
	dial    fate
	// chooses is a presence that the agent chooses during the call; empty for none.
	chooses   string
	end       plannedEnd
	callbacks []plannedCallback
}

// plannedEnd is how a leg ends.
type plannedEnd struct {
	after time.Duration
	// whole ends every leg of the call.
	whole bool
	// never means that nobody tells of the end.
	never bool
	fate  fate
}

// plannedCallback is a call to the number that the dial showed.
type plannedCallback struct {
	after time.Duration
	from  string
	fate  fate
	end   plannedEnd
}

// fate is what happens to a message on its way. Whoever sends it repeats it until it
// is answered.
type fate struct {
	// late is how long it is under way, so that others overtake it.
	late time.Duration
	// lost are attempts that the sender gives up after so long, whatever becomes of
	// them.
	lost []time.Duration
	// again are copies, each so long after the one before.
	again []time.Duration
}

// plannedFault is something that breaks.
type plannedFault struct {
	at, lasts time.Duration
	kind      faultKind
	// choice picks what it breaks, of the things that it can.
	choice int
}

// callEvery is the pause between two dials, on average.
const callEvery = 500 * time.Millisecond

// newSchedule spreads calls and faults over the same time. Every kind of fault comes as
// often as its weight says before any comes more often.
func newSchedule(seed uint64, calls, faults int, agents []*staff, kinds []faultKind) schedule {
	d := dice{rand.New(rand.NewPCG(seed, uint64(len(kinds))))}
	lasts := time.Duration(calls) * callEvery
	var s schedule
	for n := range calls {
		at, agent := d.between(0, lasts), agents[d.IntN(len(agents))]
		if n > 0 && d.chance(15) { // one agent twice at once, or again soon after
			at, agent = s.calls[n-1].at+d.between(100*time.Millisecond, 8*time.Second), s.calls[n-1].agent
		}
		s.calls = append(s.calls, d.call(n, at, agent))
	}
	slices.SortFunc(s.calls, func(a, b plannedCall) int { return cmp.Compare(a.at, b.at) })
	var bag []faultKind
	for n := range faults {
		if len(bag) == 0 {
			for _, kind := range kinds {
				bag = append(bag, slices.Repeat([]faultKind{kind}, max(1, kind.weight))...)
			}
			d.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
		}
		// They come one after the other and may go on beside each other.
		at := lasts * time.Duration(2*n+1) / time.Duration(2*faults)
		s.faults = append(s.faults, plannedFault{
			at: at, lasts: d.between(300*time.Millisecond, 7*time.Second), kind: bag[0], choice: d.IntN(1 << 16),
		})
		bag = bag[1:]
	}
	return s
}

// dice throws what a schedule is made of.
type dice struct{ *rand.Rand }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func (d dice) between(from, to time.Duration) time.Duration {
	return from + time.Duration(d.Int64N(int64(to-from)))
}

func (d dice) call(n int, at time.Duration, agent *staff) plannedCall {
	c := plannedCall{at: at, agent: agent, test: d.chance(8), byAgent: d.chance(50), dial: d.fate()}
	numbers := emergencyNumbers[agent.site]
	c.dials = numbers[0][d.IntN(len(numbers[0]))]
	if c.test {
		c.dials = numbers[1][0]
	}
	if d.chance(85) {
		c.key = fmt.Sprintf("dial %d", n)
	} else {
		c.dial.again, c.dial.lost = nil, nil // each would be another call
	}
	if d.chance(10) {
		c.chooses = fmt.Sprintf("chosen-%d", n)
	}
	c.end = d.end(10 * time.Second)
	for after := d.between(0, 6*time.Second); d.chance(35) && after < 15*time.Second; after += d.between(time.Second, 8*time.Second) {
		c.callbacks = append(c.callbacks, plannedCallback{
			after: after, from: fmt.Sprintf("+1202555%04d", 190+d.IntN(8)), fate: d.fate(), end: d.end(5 * time.Second),
		})
	}
	return c
}

func (d dice) end(within time.Duration) plannedEnd {
	return plannedEnd{after: d.between(50*time.Millisecond, within), whole: d.chance(50), never: d.chance(2), fate: d.fate()}
}

func (d dice) fate() fate {
	var f fate
	if d.chance(15) {
		f.late = d.between(0, 3*time.Second)
	}
	for d.chance(12) {
		f.lost = append(f.lost, d.between(0, 60*time.Millisecond))
	}
	for d.chance(15) {
		f.again = append(f.again, d.between(0, 2*time.Second))
	}
	return f
}
