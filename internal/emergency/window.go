package emergency

import "time"

// Terms are the durations that a call was placed under. They travel with the
// call, so that a change of configuration never shortens a promise made.
type Terms struct {
	// Lease is how long a dial keeps the callback number (S3): 60 minutes.
	Lease time.Duration
	// Grace is how long the number stays after the last leg (B1): 30 minutes.
	Grace time.Duration
	// MaxCall ends a leg whose end was never told (B16).
	MaxCall time.Duration
	// Quarantine keeps a released number from the next caller (B5).
	Quarantine time.Duration
}

// WindowEnd is when the callback number may be given back, given that no leg is
// up: the later of dialed + lease and last leg ended + grace (B1).
func (t Terms) WindowEnd(dialedAt, lastEnded time.Time) time.Time {
	end := dialedAt.Add(t.Lease)
	if lastEnded.IsZero() {
		return end
	}
	if graceful := lastEnded.Add(t.Grace); graceful.After(end) {
		return graceful
	}
	return end
}

// OverdueSlack is how far past its window a call is still left to its workflow.
// Beyond it the lease counts as expired by itself, so that a terminated workflow
// cannot hold a number for ever.
const OverdueSlack = time.Minute
