package notify

import (
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// Whoever hears of a call only after an outage is told first that this comes late,
// whatever the notice is about; nobody else is (B7).
func TestLateNoticeSaysSo(t *testing.T) {
	const late = "This comes late: the call was made, but the records of calls could not be reached then."
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
