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

// TemplateError says why a wording cannot be saved, and where.
type TemplateError struct {
	// Part is subject, html or text.
	Part string
	// Line and Column count from 1. What the part lacks belongs at its end, or into the
	// branch that begins there.
	Line, Column int
	// Problem completes the sentence "<part> …".
	Problem string
}

// Error is a sentence that may be shown to the administrator.
func (e *TemplateError) Error() string { return e.Part + " " + e.Problem }
