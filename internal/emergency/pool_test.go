package emergency_test

import (
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// tuesday is when the pools here are looked at.
var tuesday = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// returns are moments after tuesday, in minutes.
func returns(minutes ...int) []time.Time {
	var all []time.Time
	for _, m := range minutes {
		all = append(all, tuesday.Add(time.Duration(m)*time.Minute))
	}
	return all
}

// An administrator hears of a pool before it is empty, and of one that is (B5).
func TestPoolState(t *testing.T) {
	for _, c := range []struct {
		name string
		pool emergency.Pool
		use  float64
		want emergency.PoolState
	}{
		// Where there is no number at all, the next caller gets none.
		{"empty", emergency.Pool{}, 1, emergency.PoolExhausted},
		{"untouched", emergency.Pool{Free: 4}, 0, emergency.PoolOK},
		{"below the warning", emergency.Pool{Free: 3, Leased: 5, Resting: 2}, 0.7, emergency.PoolOK},
		// A number in quarantine can be leased no more than a leased one.
		{"at the warning", emergency.Pool{Free: 2, Leased: 5, Resting: 3}, 0.8, emergency.PoolLow},
		{"above it", emergency.Pool{Free: 1, Leased: 9}, 0.9, emergency.PoolLow},
		{"all leased", emergency.Pool{Leased: 3}, 1, emergency.PoolExhausted},
		{"all resting", emergency.Pool{Resting: 3}, 1, emergency.PoolExhausted},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.pool.Use(); got != c.use {
				t.Errorf("the use is %v, want %v", got, c.use)
			}
			if got := c.pool.State(0.8); got != c.want {
				t.Errorf("the state is %s, want %s", got, c.want)
			}
		})
	}
}

// A warning at everything in use says what exhaustion says, and one at nothing always
// warns.
func TestPoolStateAtTheEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := drawPool(t)
		if got := pool.State(1); pool.Free > 0 && got != emergency.PoolOK {
			t.Fatalf("with a number free the state is %s", got)
		}
		if got := pool.State(0); got == emergency.PoolOK {
			t.Fatalf("warned at no use, the state is %s", got)
		}
		if use := pool.Use(); use < 0 || use > 1 {
			t.Fatalf("the use is %v", use)
		}
	})
}

// How long a pool lasts follows from what is free, from how often numbers are taken,
// and from when those in use come back (B5).
func TestRunway(t *testing.T) {
	for _, c := range []struct {
		name string
		pool emergency.Pool
		left time.Duration
		out  bool
	}{
		{"none free", emergency.Pool{Leased: 2, LastHour: 2, Returns: returns(1, 80)}, 0, true},
		{"no numbers", emergency.Pool{}, 0, true},
		// Nobody calls, so nothing is used up.
		{"no calls", emergency.Pool{Free: 1, Leased: 5, Returns: returns(10, 20, 30, 40, 50)}, 0, false},
		// Ten an hour take five numbers in half an hour.
		{
			"before any comes back",
			emergency.Pool{Free: 5, Leased: 10, LastHour: 10, Returns: returns(60, 63, 66, 69, 72, 75, 78, 81, 84, 87)},
			30 * time.Minute, true,
		},
		// The sixth number lasts another six minutes.
		{
			"after one has come back",
			emergency.Pool{Free: 5, Leased: 10, LastHour: 10, Returns: returns(29, 63, 66, 69, 72, 75, 78, 81, 84, 87)},
			36 * time.Minute, true,
		},
		// What comes back at the very moment is there.
		{
			"just in time",
			emergency.Pool{Free: 5, Leased: 1, LastHour: 10, Returns: returns(30)},
			0, false,
		},
		{
			"just too late",
			emergency.Pool{Free: 5, Leased: 1, LastHour: 10, Returns: []time.Time{tuesday.Add(30*time.Minute + time.Nanosecond)}},
			30 * time.Minute, true,
		},
		// One call an hour never uses up nine numbers.
		{"seldom", emergency.Pool{Free: 9, Leased: 1, LastHour: 1, Returns: returns(80)}, 0, false},
		// Those that have come back but are not counted as free yet are as good as free.
		{"back already", emergency.Pool{Free: 1, Resting: 2, LastHour: 2, Returns: returns(-5, 0)}, 0, false},
		// What began in the last hour and is over lasted less than that.
		{"short calls", emergency.Pool{Free: 2, LastHour: 100}, 0, false},
		// What is not known to come back stays in use for now.
		{"unknown returns", emergency.Pool{Free: 5, Leased: 10, LastHour: 10}, 30 * time.Minute, true},
		{"unknown returns, enough free", emergency.Pool{Free: 10, Leased: 10, LastHour: 10}, 0, false},
		{
			"some unknown",
			emergency.Pool{Free: 5, Leased: 10, LastHour: 10, Returns: returns(15)},
			36 * time.Minute, true,
		},
		// Nothing overflows, however many numbers there are.
		{"a country's worth", emergency.Pool{Free: 1 << 40, Leased: 1, LastHour: 1, Returns: returns(80)}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			left, out := c.pool.Runway(tuesday)
			if left != c.left || out != c.out {
				t.Errorf("it runs out %v in %s; want %v in %s", out, left, c.out, c.left)
			}
		})
	}
}

// More free numbers, more calls to come back or a lower rate never make a pool last
// for less long; and a pool is out at once exactly when it is exhausted.
func TestRunwayIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := drawPool(t)
		before := lasts(pool)
		if (before == 0) != (pool.State(1) == emergency.PoolExhausted) {
			t.Fatalf("%s left in state %s", before, pool.State(1))
		}
		more, slower, sooner := pool, pool, pool
		more.Free++
		slower.LastHour = rapid.IntRange(0, pool.LastHour).Draw(t, "slower")
		if n := len(pool.Returns); n > 1 {
			sooner.Returns = slices.Clone(pool.Returns)
			i := rapid.IntRange(1, n-1).Draw(t, "sooner")
			sooner.Returns[i-1] = sooner.Returns[0]
			slices.SortFunc(sooner.Returns, time.Time.Compare)
		}
		for name, other := range map[string]emergency.Pool{"another number": more, "a lower rate": slower, "an earlier return": sooner} {
			if after := lasts(other); after < before {
				t.Fatalf("with %s the pool lasts %s instead of %s", name, after, before)
			}
		}
	})
}

// lasts is how long a pool lasts, where for good is longer than anything else.
func lasts(pool emergency.Pool) time.Duration {
	if left, out := pool.Runway(tuesday); out {
		return left
	}
	return 1 << 62
}

func drawPool(t *rapid.T) emergency.Pool {
	back := rapid.SliceOfN(rapid.IntRange(-5, 120), 0, 12).Draw(t, "returns")
	slices.Sort(back)
	resting := rapid.IntRange(0, len(back)).Draw(t, "resting")
	return emergency.Pool{
		Free: rapid.IntRange(0, 20).Draw(t, "free"), Resting: resting,
		Leased:   len(back) - resting + rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "unknown"),
		LastHour: rapid.IntRange(0, 30).Draw(t, "last hour"), Returns: returns(back...),
	}
}

// The forecast is what comes to pass: played on at the same rate, with every number
// held for the same time of an hour or more, a pool has a number free until the time
// told, and none then; and one that is said to last never leaves a caller without
// (Little's law).
func TestRunwayComesToPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hold := time.Duration(rapid.IntRange(60, 300).Draw(t, "hold in minutes")) * time.Minute
		ago := rapid.SliceOfN(rapid.IntRange(0, int(hold/time.Second)-1), 0, 25).Draw(t, "leased so many seconds ago")
		pool := emergency.Pool{Free: rapid.IntRange(1, 60).Draw(t, "free"), Leased: len(ago)}
		for _, seconds := range ago {
			since := time.Duration(seconds) * time.Second
			if since < time.Hour {
				pool.LastHour++
			}
			pool.Returns = append(pool.Returns, tuesday.Add(hold-since))
		}
		slices.SortFunc(pool.Returns, time.Time.Compare)
		if pool.LastHour == 0 {
			return
		}
		left, out := pool.Runway(tuesday)
		interval := float64(time.Hour) / float64(pool.LastHour)
		back := slices.Clone(pool.Returns)
		for k := 1; k < 2000; k++ {
			at := tuesday.Add(time.Duration(float64(k) * interval))
			free := pool.Total() - len(back) + countUntil(back, at)
			switch {
			case free == 0:
				t.Fatalf("call %d finds no number after %s, and the pool is said to run out %v after %s", k, at.Sub(tuesday), out, left)
			case out && free == 1 && !at.Before(tuesday.Add(left-time.Microsecond)):
				if at.Sub(tuesday) > left+time.Microsecond {
					t.Fatalf("the last number is taken after %s instead of %s", at.Sub(tuesday), left)
				}
				return
			case out && free == 1:
				t.Fatalf("the last number is taken after %s, before %s", at.Sub(tuesday), left)
			case out && at.After(tuesday.Add(left)):
				t.Fatalf("after %s numbers are still free", left)
			}
			back = append(back, at.Add(hold))
		}
	})
}

// countUntil is how many of the moments are not after the one given.
func countUntil(moments []time.Time, at time.Time) int {
	count := 0
	for _, moment := range moments {
		if !moment.After(at) {
			count++
		}
	}
	return count
}
