package emergency

import "time"

// Template is the wording of notices in Go's template language, as an administrator
// has saved it (S18). Every version is kept.
type Template struct {
	// Version counts from 1; zero is the wording that comes with the program.
	Version             int64
	Subject, HTML, Text string
	// SavedBy is the administrator, as the audit names one.
	SavedBy string
	SavedAt time.Time
}
