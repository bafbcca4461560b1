package emergency

import (
	"fmt"
	"time"
)

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

// MarshalText writes the terms as a person reads them, for example
// "lease=1h0m0s grace=30m0s maxCall=4h0m0s quarantine=30m0s".
func (t Terms) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, termsFormat, t.Lease, t.Grace, t.MaxCall, t.Quarantine), nil
}

// UnmarshalText reads what MarshalText has written.
func (t *Terms) UnmarshalText(text []byte) error {
	var lease, grace, maxCall, quarantine string
	if _, err := fmt.Sscanf(string(text), termsFormat, &lease, &grace, &maxCall, &quarantine); err != nil {
		return fmt.Errorf("read terms: %w", err)
	}
	for _, part := range []struct {
		into *time.Duration
		text string
	}{{&t.Lease, lease}, {&t.Grace, grace}, {&t.MaxCall, maxCall}, {&t.Quarantine, quarantine}} {
		duration, err := time.ParseDuration(part.text)
		if err != nil {
			return fmt.Errorf("read terms: %w", err)
		}
		*part.into = duration
	}
	return nil
}

const termsFormat = "lease=%v grace=%v maxCall=%v quarantine=%v"
