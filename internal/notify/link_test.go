package notify

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var linkTime = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

// linkRecipient is whom the links of the tests are sent to.
var linkRecipient = emergency.RecipientKey("desk@example.org")

func newLinks(t testing.TB, secrets ...string) *Links {
	t.Helper()
	raw := make([][]byte, 0, len(secrets))
	for _, secret := range secrets {
		raw = append(raw, []byte(secret))
	}
	links, err := NewLinks("https://lifeline.example.com/", raw...)
	if err != nil {
		t.Fatal(err)
	}
	return links
}

// tokenOf makes a link for a placed call, and takes its token out.
func tokenOf(t testing.TB, links *Links, until time.Time) string {
	t.Helper()
	link := links.Acknowledge("call-1", "placed", 0, linkRecipient, until)
	token, found := strings.CutPrefix(link, "https://lifeline.example.com/acknowledge/")
	if !found {
		t.Fatalf("the link is %s", link)
	}
	return token
}

// A link tells which notice it is for, and whom it was sent to, until it expires; then
// it says so (B9).
func TestLinkCountsUntilItExpires(t *testing.T) {
	links := newLinks(t, "secret")
	want := emergency.NoticeLink{Notice: emergency.NoticeID{CallID: "call-1", Event: "placed"}, RecipientKey: linkRecipient}
	token := tokenOf(t, links, linkTime.Add(time.Hour))
	for at, expired := range map[time.Time]error{
		linkTime:                                 nil,
		linkTime.Add(time.Hour):                  nil,
		linkTime.Add(time.Hour + time.Second):    emergency.ErrLinkExpired,
		linkTime.Add(100 * 365 * 24 * time.Hour): emergency.ErrLinkExpired,
	} {
		link, err := links.Read(token, at)
		if diff := cmp.Diff(want, link); diff != "" || !errors.Is(err, expired) {
			t.Errorf("at %s: %v, want %v (-want +got):\n%s", at, err, expired, diff)
		}
	}
}

// Whatever a link is made for, it is for that; links to the rounds of one escalation
// differ, and so do those of its recipients (B9). None of them names anybody.
func TestLinksAreReadAsTheyWereMade(t *testing.T) {
	links := newLinks(t, "secret")
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(`[a-z]{3,8}@example\.org`).Draw(t, "address")
		want := emergency.NoticeLink{
			Notice: emergency.NoticeID{
				CallID: emergency.CallID(rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,63}`).Draw(t, "call")),
				Event:  rapid.SampledFrom([]emergency.NoticeEvent{"placed", "failed", "callback", "escalated", "ended"}).Draw(t, "event"),
				Round:  rapid.IntRange(0, 20).Draw(t, "round"),
			},
			RecipientKey: emergency.RecipientKey(address),
		}
		url := links.Acknowledge(want.Notice.CallID, want.Notice.Event, want.Notice.Round, want.RecipientKey, linkTime)
		token := url[strings.LastIndexByte(url, '/')+1:]
		got, err := links.Read(token, linkTime)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || strings.Contains(string(raw), address) {
			t.Fatalf("the token holds %q, %v", raw, err)
		}
	})
}

// A link that was signed before the secrets were rotated still counts; one that
// somebody else signed does not, and nothing is signed without a secret.
func TestLinkOutlivesItsKey(t *testing.T) {
	token := tokenOf(t, newLinks(t, "old"), linkTime)
	if _, err := newLinks(t, "new", "old").Read(token, linkTime); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
	if _, err := newLinks(t, "new").Read(token, linkTime); !errors.Is(err, emergency.ErrLinkForged) {
		t.Errorf("with the old key gone: %v", err)
	}
	for _, secrets := range [][][]byte{nil, {nil}, {[]byte("secret"), {}}} {
		if _, err := NewLinks("https://lifeline.example.com", secrets...); err == nil {
			t.Errorf("links can be made with the secrets %q", secrets)
		}
	}
}

// No change to a link makes another link of it: neither a later time nor another
// notice or recipient can be had by editing, and nothing panics.
func TestForgedLinksAreRefused(t *testing.T) {
	links := newLinks(t, "secret")
	token := tokenOf(t, links, linkTime)
	rapid.Check(t, func(t *rapid.T) {
		forged := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
			at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
			return token[:at] + rapid.StringMatching(`[A-Za-z0-9_-]?`).Draw(t, "letter") + token[at+1:]
		}), rapid.Custom(func(t *rapid.T) string {
			raw := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "raw")
			return base64.RawURLEncoding.EncodeToString(raw)
		})).Draw(t, "forged")
		if forged == token {
			t.Skip()
		}
		if _, err := links.Read(forged, linkTime.Add(-time.Hour)); !errors.Is(err, emergency.ErrLinkForged) {
			t.Fatalf("%q is read: %v", forged, err)
		}
	})
}
