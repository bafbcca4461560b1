package activities

import (
	"time"

	"lifeline/workflows"
)

// LeaveAlone has the mail system want to hear no more of a recipient until a time.
func (a *Activities) LeaveAlone(in workflows.NoticeRef, address string, until time.Time) {
	a.leftAlone.Store(outgoing{in, address}, until)
}
