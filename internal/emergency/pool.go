package emergency

import "time"

// PoolState is how well a site's pool of callback numbers is filled.
type PoolState string

const (
	// PoolOK has enough numbers.
	PoolOK PoolState = "ok"
	// PoolLow has passed the share of use that an administrator wants to hear of.
	PoolLow PoolState = "low"
	// PoolExhausted has no number for the next caller (B5).
	PoolExhausted PoolState = "exhausted"
)

// Pool is how the callback numbers of one site are used at one moment. Numbers on
// their way out are not counted.
type Pool struct {
	SiteID SiteID
	Free   int
	Leased int
	// Resting are in quarantine.
	Resting int
	// LastHour is how many of the numbers were leased within the last hour. A number is
	// kept for an hour at least (S3), so that is how many leases began, unless the lease
	// is set to be shorter.
	LastHour int
	// Returns is when the numbers in use come back, as far as is known now, the
	// earliest first. What is not known comes back no sooner than the last of them.
	Returns []time.Time
}

// Total is how many numbers the pool has.
func (p Pool) Total() int { return p.Free + p.Leased + p.Resting }

// Use is the share of the numbers that are not free, from 0 to 1. In an empty pool
// none is.
func (p Pool) Use() float64 {
	if p.Total() == 0 {
		return 1
	}
	return float64(p.Leased+p.Resting) / float64(p.Total())
}

// State sums the pool up. It is low when at least the share warnAt is in use.
func (p Pool) State(warnAt float64) PoolState {
	switch {
	case p.Free == 0:
		return PoolExhausted
	case p.Use() >= warnAt:
		return PoolLow
	default:
		return PoolOK
	}
}

// Runway is how long it takes until no number is free, if leases go on to begin as
// often as in the last hour and the numbers in use come back when they are known to.
// It is 0 when none is free now, and runsOut is false when the pool lasts.
//
// Leases are taken to begin evenly, the first after one interval, and a number that
// comes back at that very moment is there for it. So with s numbers to go on with, the
// last of them is taken after s intervals, unless another comes back before.
//
// The forecast ends with the last return. For numbers that are held for an hour or
// longer, as S3 has it, that is enough. Those leased in the last hour are all in use
// then, and by the time that they come back, as many have been leased as the rate
// demands in a holding time less the hour. If some are still free, the pool has more
// numbers than are leased in a whole holding time, which is as many as are in use on
// average ever after (Little's law). That calls come in bursts is what Erlang's
// formula and the warning are for; docs/numbers.md has them.
func (p Pool) Runway(now time.Time) (left time.Duration, runsOut bool) {
	if p.Free == 0 {
		return 0, true
	}
	if p.LastHour == 0 {
		return 0, false
	}
	stock := p.Free
	for _, back := range p.Returns {
		if left = p.lasting(stock); left < back.Sub(now) {
			return left, true
		}
		stock++
	}
	// Where not every return is known, those of the last hour are in use for a while.
	left = p.lasting(stock)
	if len(p.Returns) < p.Leased+p.Resting && left < time.Hour {
		return left, true
	}
	return 0, false
}

// aYear is as far ahead as anybody looks; a longer time might not fit a Duration.
const aYear = 365 * 24 * time.Hour

// lasting is how long so many numbers last if none comes back.
func (p Pool) lasting(numbers int) time.Duration {
	return time.Duration(min(float64(numbers)*float64(time.Hour)/float64(p.LastHour), float64(aYear)))
}
