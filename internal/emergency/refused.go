package emergency

import "time"

// RefusedCall is a dial that could not work. Somebody wanted help and did not get it
// here, so people must hear of it (B10).
type RefusedCall struct {
	AgentID AgentID
	SiteID  SiteID
	// Dialed is what was dialed, as it came.
	Dialed  string
	Country Country
	Code    CheckCode
	At      time.Time
}
