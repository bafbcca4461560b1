package notify

import (
	"context"
	"errors"
	"maps"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sender = "Lifeline <lifeline@example.com>"

func openFolder(t *testing.T) (*Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data", "mail")
	folder, err := NewFolder(dir, sender)
	if err != nil {
		t.Fatalf("open folder: %v", err)
	}
	return folder, dir
}

func send(t *testing.T, transport Transport, m Message) string {
	t.Helper()
	id, err := transport.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	return id
}

// names lists everything in a folder, unfinished files included.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

// A message in the folder is one that a mail program opens: sender, recipient,
// subject, both parts, and what names the call and the notice.
func TestFolderKeepsAMailProgramsMessage(t *testing.T) {
	folder, dir := openFolder(t)
	m := render(t, placed())
	id := send(t, folder, m)

	found := names(t, dir)
	if len(found) != 1 || !strings.HasPrefix(found[0], callID+"_placed_") || !strings.HasSuffix(found[0], ".eml") {
		t.Fatalf("folder holds %q", found)
	}
	content, err := os.ReadFile(filepath.Join(dir, found[0]))
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, content)
	for name, want := range map[string]string{
		"From":              `"Lifeline" <lifeline@example.com>`,
		"To":                "<desk@example.org>",
		"Subject":           m.Subject,
		"Message-Id":        "<" + id + ">",
		"Auto-Submitted":    "auto-generated",
		"Importance":        "high",
		"X-Lifeline-Call":   callID,
		"X-Lifeline-Notice": callID + "/placed",
		"X-Lifeline-Kind":   "emergency",
		"References":        "<" + callID + "@example.com>",
		"In-Reply-To":       "<" + callID + "@example.com>",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
	if _, err := got.header.Date(); err != nil {
		t.Errorf("date: %v", err)
	}
	if diff := cmp.Diff(map[string]string{"text/plain": m.Text, "text/html": m.HTML}, got.parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// What is in the folder is personal: only the owner may look.
func TestFolderIsPrivate(t *testing.T) {
	folder, dir := openFolder(t)
	send(t, folder, render(t, placed()))
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, names(t, dir)[0]): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

// Sending again replaces the message under the same Message-ID; another recipient
// or another call gets a file and an ID of its own. No name shows the recipient.
func TestFolderReplacesARepeatedMessage(t *testing.T) {
	folder, dir := openFolder(t)
	first := render(t, placed())
	again := first
	again.Text, again.To = "the same notice, sent again", "Desk@Example.org"
	elsewhere, other := first, first
	elsewhere.To = "relative@example.net"
	other.CallID = "0192f0c1-7a3e-7c55-9f7a-000000000000"

	ids := map[string]bool{}
	for _, m := range []Message{first, again, elsewhere, other} {
		ids[send(t, folder, m)] = true
	}
	if len(ids) != 3 || len(names(t, dir)) != 3 {
		t.Fatalf("%d Message-IDs and files %q, want 3 of each", len(ids), names(t, dir))
	}
	for _, name := range append(names(t, dir), slices.Collect(maps.Keys(ids))...) {
		if strings.Contains(name, "desk") || strings.Contains(name, "relative") {
			t.Errorf("%q shows the recipient", name)
		}
	}
	content, err := os.ReadFile(filepath.Join(dir, callID+"_placed_"+recipientKey(&mail.Address{Address: first.To})+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, content).parts["text/plain"]; got != again.Text {
		t.Errorf("the file was not replaced: %q", got)
	}
}

// A folder that cannot be written to now may be writable later, and nothing
// unfinished stays behind.
func TestFolderFailureMayPass(t *testing.T) {
	folder, dir := openFolder(t)
	m := render(t, placed())
	// A directory in the place of the file is the one failure that root meets too.
	blocked := filepath.Join(dir, callID+"_placed_"+recipientKey(&mail.Address{Address: m.To})+".eml")
	if err := os.MkdirAll(filepath.Join(blocked, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := folder.Send(t.Context(), m)
	wantRetryable(t, err)
	if found := names(t, dir); len(found) != 1 {
		t.Errorf("unfinished files stay behind: %q", found)
	}

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	_, err = folder.Send(t.Context(), m)
	wantRetryable(t, err)
}

// A cancelled attempt writes nothing and may be repeated.
func TestFolderHonoursCancellation(t *testing.T) {
	folder, dir := openFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := folder.Send(ctx, render(t, placed()))
	wantRetryable(t, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v does not tell of the cancellation", err)
	}
	if found := names(t, dir); len(found) != 0 {
		t.Errorf("folder holds %q", found)
	}
}

func wantRetryable(t *testing.T, err error) {
	t.Helper()
	var failed *SendError
	if !errors.As(err, &failed) || failed.Permanent {
		t.Fatalf("error %v is not a retryable *SendError", err)
	}
}

// wantMisconfigured checks that an administrator can mend it, and hears of it.
func wantMisconfigured(t *testing.T, err error) {
	t.Helper()
	if wantRetryable(t, err); !err.(*SendError).Misconfigured { //nolint:errorlint,forcetypeassert // wantRetryable has seen to it
		t.Errorf("error %v is not called a fault of the configuration", err)
	}
}

// badMessages cannot be sent by any transport.
func badMessages(t *testing.T) map[string]Message {
	t.Helper()
	bad := func(change func(*Message)) Message {
		m := render(t, placed())
		change(&m)
		return m
	}
	return map[string]Message{
		"recipient that is no address":     bad(func(m *Message) { m.To = "nobody" }),
		"recipient that adds a header":     bad(func(m *Message) { m.To = "a@example.org\r\nBcc: b@example.org" }),
		"subject that adds a header":       bad(func(m *Message) { m.Subject = "Help\r\nBcc: b@example.org" }),
		"empty subject":                    bad(func(m *Message) { m.Subject = "" }),
		"call ID that leaves the folder":   bad(func(m *Message) { m.CallID = "../../etc/passwd" }),
		"event that adds a header":         bad(func(m *Message) { m.Event = "placed\r\nBcc: b@example.org" }),
		"kind that adds a header":          bad(func(m *Message) { m.Kind = "test\r\nBcc: b@example.org" }),
		"message without text":             bad(func(m *Message) { m.Text = "" }),
		"message without HTML":             bad(func(m *Message) { m.HTML = "" }),
		"display name that adds a header":  bad(func(m *Message) { m.To = "=?utf-8?q?a=0D=0ABcc:_b?= <nobody>" }),
		"recipient that is two recipients": bad(func(m *Message) { m.To = "a@example.org,b@example.org" }),
	}
}

// wantRefusedForGood checks an error that must neither be retried nor repeat what
// it complains about.
func wantRefusedForGood(t *testing.T, err error) {
	t.Helper()
	var failed *SendError
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Fatalf("error %v is not permanent", err)
	}
	if strings.ContainsAny(err.Error(), "@\r\n") || strings.Contains(err.Error(), "nobody") {
		t.Errorf("error %q repeats the message", err)
	}
}

// What can add a header or leave the folder is refused for good.
func TestFolderRefusesBadMessages(t *testing.T) {
	for rule, m := range badMessages(t) {
		t.Run(rule, func(t *testing.T) {
			folder, dir := openFolder(t)
			_, err := folder.Send(t.Context(), m)
			wantRefusedForGood(t, err)
			if found := names(t, dir); len(found) != 0 {
				t.Errorf("folder holds %q", found)
			}
		})
	}
}

// A sender that no mail system would take is found at the start.
func TestSenderIsCheckedAtTheStart(t *testing.T) {
	for _, from := range []string{"", "nobody", "a@example.org\r\nBcc: b@example.org", "lifeline@exämple.org"} {
		if _, err := NewFolder(t.TempDir(), from); err == nil {
			t.Errorf("NewFolder takes the sender %q", from)
		}
		if _, err := NewSendGrid("key", "", from, time.Second); err == nil {
			t.Errorf("NewSendGrid takes the sender %q", from)
		}
		if _, err := NewSMTP("smtp://mail.example.com", from, time.Second); err == nil {
			t.Errorf("NewSMTP takes the sender %q", from)
		}
	}
}
