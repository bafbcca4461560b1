package notify

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var composer = &mail.Address{Name: "Lifeline", Address: "lifeline@example.com"}

// letter is a message as a mail program reads it.
type letter struct {
	header mail.Header
	// parts holds the decoded bodies by content type.
	parts map[string]string
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

func read(t tester, content []byte) letter {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("read message: %v\n%s", err, content)
	}
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("read content type: %v", err)
	}
	parts := map[string]string{}
	for reader := multipart.NewReader(message.Body, params["boundary"]); ; {
		// NextPart undoes the quoted-printable encoding.
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return letter{message.Header, parts}
		}
		if err != nil {
			t.Fatalf("read part: %v\n%s", err, content)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			t.Fatalf("read part: %v\n%s", err, content)
		}
		kind, _, _ := strings.Cut(part.Header.Get("Content-Type"), ";")
		parts[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

// A rehearsal is marked for mail rules and does not pretend to be urgent (B13).
func TestTestMessageIsNotUrgent(t *testing.T) {
	n := placed()
	n.Kind = emergency.KindTest
	content, err := compose(render(t, n), "id@example.com", composer, &mail.Address{Address: "b@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, content)
	if got.header.Get("Importance") != "" || got.header.Get("X-Lifeline-Kind") != "test" {
		t.Errorf("headers %v", got.header)
	}
}

// Whatever names and addresses hold, the message has the headers that Lifeline
// gave it and no other, one recipient, and the subject as rendered. Every mail
// system takes it: it is ASCII, in lines that end in CRLF and are not too long.
func TestNoValueAddsAHeader(t *testing.T) {
	want := []string{
		"Auto-Submitted", "Content-Type", "Date", "From", "Importance", "In-Reply-To", "Message-Id", "Mime-Version",
		"References", "Subject", "To", "X-Lifeline-Call", "X-Lifeline-Kind", "X-Lifeline-Notice",
	}
	rapid.Check(t, func(t *rapid.T) {
		n := placed()
		n.AgentName = rapid.String().Draw(t, "agent") + rapid.SampledFrom([]string{"", "\r\nBcc: x@example.org", "\n\nbody"}).Draw(t, "attack")
		n.SiteName = rapid.String().Draw(t, "site")
		m, err := standard.Render(n, "desk@example.org")
		if err != nil {
			t.Fatal(err)
		}
		content, err := compose(m, "id@example.com", composer, &mail.Address{Address: m.To})
		if err != nil {
			t.Fatal(err)
		}
		wantPlainLines(t, content)
		got := read(t, content)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got.header))); diff != "" {
			t.Fatalf("headers (-want +got):\n%s", diff)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.header.Get("Subject"))
		if err != nil || subject != m.Subject {
			t.Fatalf("subject is %q, want %q (%v)", subject, m.Subject, err)
		}
		if got.parts["text/plain"] != m.Text {
			t.Fatalf("text is %q, want %q", got.parts["text/plain"], m.Text)
		}
	})
}

// wantPlainLines checks what RFC 5321 section 4.5.3.1.6 and RFC 5322 section 2.1.1
// allow without any extension.
func wantPlainLines(t tester, content []byte) {
	t.Helper()
	for line := range strings.SplitSeq(string(content), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") || !isASCII(line) {
			t.Fatalf("no mail system must take the line %q", line)
		}
	}
}

// A mail program puts all notices of a call into one thread, whoever is told and
// of what, and those of another call into another; each copy has its own ID.
func TestNoticesOfACallAreOneThread(t *testing.T) {
	letters := map[string]letter{}
	for _, c := range []struct{ call, event, to string }{
		{callID, "placed", "desk@example.org"},
		{callID, "placed", "relative@example.net"},
		{callID, "escalated", "desk@example.org"},
		{"0192f0c1-7a3e-7c55-9f7a-000000000000", "placed", "desk@example.org"},
	} {
		m := render(t, placed())
		m.CallID, m.Event, m.To = emergency.CallID(c.call), emergency.NoticeEvent(c.event), c.to
		recipient := &mail.Address{Address: c.to}
		content, err := compose(m, messageID(m, composer, recipient), composer, recipient)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, content)
		if want := "<" + c.call + "@example.com>"; got.header.Get("References") != want || got.header.Get("In-Reply-To") != want {
			t.Errorf("References %q and In-Reply-To %q, want %q", got.header.Get("References"), got.header.Get("In-Reply-To"), want)
		}
		letters[got.header.Get("Message-Id")] = got
	}
	if len(letters) != 4 {
		t.Errorf("%d Message-IDs, want 4", len(letters))
	}
}

// An international domain goes out in the form that every mail system takes, and
// both of its forms are one recipient; a mailbox name stays as it is (S17).
func TestInternationalRecipient(t *testing.T) {
	cases := []struct{ rule, to, want string }{
		{"domain in its own script", "desk@bücher.example", "desk@xn--bcher-kva.example"},
		{"the same domain in its ASCII form", "desk@xn--bcher-kva.example", "desk@xn--bcher-kva.example"},
		{"upper case", "desk@BÜCHER.example", "desk@xn--bcher-kva.example"},
		{"another script, with its own full stop", "desk@例え。example", "desk@xn--r8jz45g.example"},
		{"display name", "Wachstube <desk@bücher.example>", "desk@xn--bcher-kva.example"},
		{"mailbox name", "wächter@bücher.example", "wächter@xn--bcher-kva.example"},
		{"ASCII is left alone", "Desk@Under_Score.example", "Desk@Under_Score.example"},
		{"address literal", "desk@[192.0.2.1]", "desk@[192.0.2.1]"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			m := render(t, placed())
			m.To = c.to
			recipient, err := m.check()
			if err != nil || recipient.Address != c.want {
				t.Errorf("recipient %v, want %s (%v)", recipient, c.want, err)
			}
		})
	}
	m := render(t, placed())
	for _, to := range []string{"desk@bücher..example", "desk@-ü.example", "desk@ü\u202e.example"} {
		m.To = to
		if _, err := m.check(); err == nil {
			t.Errorf("recipient %q is taken", to)
		} else {
			wantRefusedForGood(t, err)
		}
	}
}
