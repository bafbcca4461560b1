package notify

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// Whoever hears of a call only after an outage is told first that this comes late,
// whatever the notice is about; nobody else is (B7).
func TestLateNoticeSaysSo(t *testing.T) {
	const late = "This comes late: it could not be sent when the call was made."
	for _, event := range []emergency.NoticeEvent{
		emergency.NoticePlaced, emergency.NoticeCallback, emergency.NoticeEscalated, emergency.NoticeEnded,
	} {
		n := placed()
		n.Event = event
		m := render(t, n)
		if strings.Contains(m.Text+m.HTML, "comes late") {
			t.Errorf("%s says that it is late", event)
		}
		n.Late = true
		m = render(t, n)
		if !strings.Contains(m.Text, "What has been done\n- "+late) || !strings.Contains(m.HTML, late) {
			t.Errorf("%s does not say that it is late:\n%s", event, m.Text)
		}
	}
}

// Whoever hears of a call once it is over is not sent to a number that leads nowhere (S9).
func TestNoticeOfPastCall(t *testing.T) {
	const open, over = "The emergency service may ring this number back", "The call is over. This number does not reach"
	const subject = "Emergency call, over by now: "
	n := placed()
	if m := render(t, n); !strings.Contains(m.Text, open) || strings.Contains(m.Text, over) {
		t.Errorf("while the call is open it says:\n%s", m.Text)
	}
	n.ClosedAt = n.DialedAt.Add(time.Hour)
	if m := render(t, n); strings.Contains(m.Text, open) || !strings.Contains(m.Text, over) || !strings.HasPrefix(m.Subject, subject) {
		t.Errorf("once the call is closed it says %q:\n%s", m.Subject, m.Text)
	}
}
