package notify

import (
	"os"
	"testing"

	"lifeline/internal/emergency"
)

// Each round of an escalation is a message of its own, which no mail program takes for
// a copy of the one before, and no folder overwrites; the name that SendGrid sends back
// with its events says which round it was (B9).
func TestRoundsAreMessagesOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	folder, err := NewFolder(dir, "Lifeline <lifeline@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for round := range 3 {
		m := Message{
			To: "desk@example.org", Subject: "S", Text: "T", HTML: "<p>H</p>", CallID: "call-1", Kind: emergency.KindEmergency,
			Event: emergency.NoticeEscalated, Round: round,
		}
		id, err := folder.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
		notice, ok := emergency.ParseNoticeID(m.NoticeID())
		if want := (emergency.NoticeID{CallID: "call-1", Event: emergency.NoticeEscalated, Round: round}); !ok || notice != want {
			t.Errorf("%s is read as %+v", m.NoticeID(), notice)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) != 3 || len(files) != 3 {
		t.Errorf("%d message IDs and %d files, want 3", len(ids), len(files))
	}
}
