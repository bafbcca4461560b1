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
	// LastHour is how many leases began within the last hour.
	LastHour int
	// Returns is when the numbers in use come back, as far as is known now, the
	// earliest first.
	Returns []time.Time
}
