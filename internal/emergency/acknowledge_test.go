package emergency_test

import (
	"testing"

	"pgregory.net/rapid"

	"lifeline/internal/emergency"
)

// A notice is known by its call, its event and, in an escalation, its round (B9); what
// was written is read again, and nothing is written in two ways.
func TestNoticeID(t *testing.T) {
	for text, want := range map[string]emergency.NoticeID{
		"call-1/placed":         {CallID: "call-1", Event: emergency.NoticePlaced},
		"call-1/escalated/2":    {CallID: "call-1", Event: emergency.NoticeEscalated, Round: 2},
		"call-1/escalated/1000": {CallID: "call-1", Event: emergency.NoticeEscalated, Round: 1000},
	} {
		got, ok := emergency.ParseNoticeID(text)
		if !ok || got != want || got.String() != text {
			t.Errorf("%s is read as %+v, %v, and written %s", text, got, ok, got)
		}
	}
	for _, text := range []string{
		"", "/", "call-1", "call-1/", "/placed", "call-1/moved", "call-1/Placed", "call-1/placed/", "call-1/placed/0",
		"call-1/escalated/-1", "call-1/escalated/01", "call-1/escalated/+1", "call-1/escalated/1001", "call-1/escalated/two",
		"call-1/escalated/1/1", "call 1/placed", "call-1/placed\n", "../placed",
	} {
		if id, ok := emergency.ParseNoticeID(text); ok {
			t.Errorf("%q is read as %+v", text, id)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z/0-9-]{0,12}/(placed|ended|escalated)?(/[0-9]{0,4})?`).Draw(t, "text")
		if id, ok := emergency.ParseNoticeID(text); ok && id.String() != text {
			t.Fatalf("%q is read as %+v, which is written %s", text, id, id)
		}
	})
}

// A recipient has one key, however the address is written, and no other recipient has
// it; it does not show the address.
func TestRecipientKey(t *testing.T) {
	const desk = "desk@bücher.example"
	key := emergency.RecipientKey(desk)
	for _, same := range []string{"Desk@bücher.example", "DESK@BÜCHER.EXAMPLE", "desk@xn--bcher-kva.example"} {
		if got := emergency.RecipientKey(same); got != key {
			t.Errorf("%s has the key %s, and %s %s", same, got, desk, key)
		}
	}
	for _, other := range []string{"chief@bücher.example", "desk@example.org", ""} {
		if emergency.RecipientKey(other) == key {
			t.Errorf("%q and %s have one key", other, desk)
		}
	}
	if len(key) != 16 || emergency.RecipientKey("") != "" || emergency.RecipientKey("desk") != "" {
		t.Errorf("the key is %q", key)
	}
}
