package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// wantNothingQuoted checks that an error shows neither recipient nor log-in.
func wantNothingQuoted(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"@", "desk", mailUser, mailPassword, "cDpw", "\r", "\n"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q shows %q", err, secret)
		}
	}
}

// A message that a mail server takes is the one that was rendered, whatever script
// its names are in, and comes over TLS unless the URL says otherwise. Sent again it
// has the same Message-ID.
func TestSMTPTakesAMessage(t *testing.T) {
	n := placed()
	n.AgentName, n.SiteName = "Zoë Łukasz 李小龙", "Büro\r\nBcc: x@example.org"
	m := render(t, n)
	m.Text += "\n.\n..\n.hidden"
	cases := []struct {
		rule, before, after string
		atOnce, secure      bool
	}{
		{"STARTTLS", "smtp://", "", false, true},
		{"TLS at once", "smtps://", "", true, true},
		{"clear text on a trusted network", "smtp://", "?starttls=never", false, false},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			office := &postOffice{}
			transport := newSMTP(t, c.before, office.open(t, c.atOnce, func(s *smtp.Server) { s.EnableSMTPUTF8 = true }), c.after, longEnough)
			ids := []string{send(t, transport, m), send(t, transport, m)}
			for _, got := range office.letters() {
				envelope := delivered{secure: c.secure, from: "lifeline@example.com", to: "desk@example.org", content: got.content}
				if diff := cmp.Diff(envelope, got, cmp.AllowUnexported(delivered{})); diff != "" {
					t.Errorf("envelope (-want +got):\n%s", diff)
				}
				wantPlainLines(t, got.content)
				wantLetter(t, read(t, got.content), m, ids[0])
			}
			if len(office.letters()) != 2 || ids[0] != ids[1] {
				t.Errorf("%d messages with IDs %q, want the same twice", len(office.letters()), ids)
			}
		})
	}
}

// wantLetter checks a message as a mail program reads it.
func wantLetter(t *testing.T, got letter, m Message, id string) {
	t.Helper()
	want := map[string]string{
		"From": `"Lifeline" <lifeline@example.com>`, "To": "<desk@example.org>", "Bcc": "", "Message-Id": "<" + id + ">",
		"Subject": m.Subject, "Importance": "high", "Auto-Submitted": "auto-generated",
		"References": "<" + callID + "@example.com>", "In-Reply-To": "<" + callID + "@example.com>",
		"X-Lifeline-Call": callID, "X-Lifeline-Notice": callID + "/placed", "X-Lifeline-Kind": "emergency",
	}
	for name := range want {
		value, err := new(mime.WordDecoder).DecodeHeader(got.header.Get(name))
		if err != nil || value != want[name] {
			t.Errorf("%s is %q, want %q (%v)", name, value, want[name], err)
		}
	}
	if diff := cmp.Diff(map[string]string{"text/plain": m.Text, "text/html": m.HTML}, got.parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// One transport serves many goroutines at once.
func TestSMTPSendsConcurrently(t *testing.T) {
	office := &postOffice{}
	transport := newSMTP(t, "smtp://", office.open(t, false, nil), "", longEnough)
	var group sync.WaitGroup
	for i := range 8 {
		m := render(t, placed())
		m.To = fmt.Sprintf("contact-%d@example.org", i)
		group.Go(func() {
			if _, err := transport.Send(context.Background(), m); err != nil {
				t.Errorf("send: %v", err)
			}
		})
	}
	group.Wait()
	recipients := map[string]bool{}
	for _, letter := range office.letters() {
		recipients[letter.to] = true
	}
	if len(recipients) != 8 {
		t.Errorf("%d recipients were told, want 8", len(recipients))
	}
}

// A mailbox name in another script needs a server that takes it, and is no address
// elsewhere; the domain of such an address needs nothing (S17).
func TestSMTPInternationalRecipients(t *testing.T) {
	cases := []struct {
		rule    string
		offered bool
		to      string
		want    string
		utf8    bool
	}{
		{"domain", false, "desk@bücher.example", "desk@xn--bcher-kva.example", false},
		{"domain where more is offered", true, "desk@bücher.example", "desk@xn--bcher-kva.example", false},
		{"mailbox name", true, "wächter@bücher.example", "wächter@xn--bcher-kva.example", true},
		{"mailbox name that cannot be written", false, "wächter@example.org", "", false},
		{"quoted mailbox name", false, `"night desk"@example.org`, "night desk@example.org", false},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			office := &postOffice{}
			transport := newSMTP(t, "smtp://", office.open(t, false, func(s *smtp.Server) { s.EnableSMTPUTF8 = c.offered }), "", longEnough)
			m := render(t, placed())
			m.To = c.to
			_, err := transport.Send(t.Context(), m)
			if c.want == "" {
				wantRefusedForGood(t, err)
				return
			}
			if err != nil {
				t.Fatalf("send: %v", err)
			}
			if got := office.letters()[0]; strings.ReplaceAll(got.to, `"`, "") != c.want || got.utf8 != c.utf8 {
				t.Errorf("sent to %q, international %v, want %q and %v", got.to, got.utf8, c.want, c.utf8)
			}
		})
	}
}

// A mail server that takes no mailbox names in other scripts costs one recipient the
// notice, for good and with a word that an administrator understands; the others of the
// same notice have it, whatever script their domains are in (S17).
func TestSMTPWithoutUTF8(t *testing.T) {
	office := &postOffice{}
	transport := newSMTP(t, "smtp://", office.open(t, false, func(s *smtp.Server) { s.EnableSMTPUTF8 = false }), "", longEnough)
	for to, want := range map[string]string{
		"desk@example.org": "", "desk@bücher.example": "", "night@example.org": "",
		"wächter@example.org": "mail server takes no international mailbox names (SMTPUTF8)",
	} {
		m := render(t, placed())
		m.To = to
		_, err := transport.Send(t.Context(), m)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: error %v, want %q", to, err, want)
		}
		if want != "" {
			wantRefusedForGood(t, err)
		}
	}
	if len(office.letters()) != 3 {
		t.Errorf("%d messages, want 3", len(office.letters()))
	}
}

// A 5yz to the recipient or the message is for good. A 4yz may pass, and so may
// what our configuration is the reason of: the sender, and a demand to log in. No
// error repeats what the server wrote.
func TestSMTPRefusals(t *testing.T) {
	cases := []struct {
		step      string
		code      int
		detail    smtp.EnhancedCode
		permanent bool
		ours      bool
		want      string
	}{
		{"MAIL", 451, smtp.EnhancedCode{4, 3, 0}, false, false, "mail server answered 451 4.3.0 to MAIL"},
		{"MAIL", 550, smtp.EnhancedCode{5, 1, 8}, false, true, "mail server answered 550 5.1.8 to MAIL"},
		{"MAIL", 530, smtp.EnhancedCode{5, 7, 0}, false, true, "mail server answered 530 5.7.0 to MAIL"},
		{"RCPT", 450, smtp.EnhancedCode{4, 2, 1}, false, false, "mail server answered 450 4.2.1 to RCPT"},
		{"RCPT", 550, smtp.EnhancedCode{5, 1, 1}, true, false, "mail server answered 550 5.1.1 to RCPT"},
		{"RCPT", 552, smtp.EnhancedCode{5, 2, 2}, true, false, "mail server answered 552 5.2.2 to RCPT"},
		{"RCPT", 530, smtp.EnhancedCode{5, 7, 1}, false, true, "mail server answered 530 5.7.1 to RCPT"},
		{"RCPT", 553, smtp.NoEnhancedCode, true, false, "mail server answered 553 to RCPT"},
		{"DATA", 451, smtp.EnhancedCode{4, 7, 1}, false, false, "mail server answered 451 4.7.1 to the message"},
		{"DATA", 552, smtp.EnhancedCode{5, 3, 4}, true, false, "mail server answered 552 5.3.4 to the message"},
		{"DATA", 554, smtp.EnhancedCode{5, 7, 1}, true, false, "mail server answered 554 5.7.1 to the message"},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.step, " ", c.code), func(t *testing.T) {
			refused := &smtp.SMTPError{Code: c.code, EnhancedCode: c.detail, Message: "not desk@example.org, says\nlifeline@example.com"}
			office := &postOffice{refuse: map[string]*smtp.SMTPError{c.step: refused}}
			_, err := newSMTP(t, "smtp://", office.open(t, false, nil), "", longEnough).Send(t.Context(), render(t, placed()))
			var failed *SendError
			if !errors.As(err, &failed) || failed.Permanent != c.permanent || failed.Misconfigured != c.ours || err.Error() != c.want {
				t.Errorf("error %#v, want permanent %v, ours %v: %s", err, c.permanent, c.ours, c.want)
			}
			if len(office.letters()) != 0 {
				t.Error("the message was taken")
			}
		})
	}
}

// What cannot be a message never reaches the server.
func TestSMTPRefusesBadMessages(t *testing.T) {
	for rule, m := range badMessages(t) {
		t.Run(rule, func(t *testing.T) {
			office := &postOffice{}
			_, err := newSMTP(t, "smtp://", office.open(t, false, nil), "", longEnough).Send(t.Context(), m)
			wantRefusedForGood(t, err)
			if len(office.letters()) != 0 {
				t.Error("the message was sent")
			}
		})
	}
}

// A certificate that nobody vouches for, or of somebody else, and TLS that is too
// old, end the talk before anything is sent, and may be mended.
func TestSMTPCertificates(t *testing.T) {
	stranger, other := certify(net.IPv4(127, 0, 0, 1)), certify(net.IPv4(192, 0, 2, 1))
	cases := []struct {
		rule   string
		config *tls.Config
		also   *tls.Certificate
		want   string
	}{
		{"unknown authority", serving(stranger), nil, "signed by unknown authority"},
		{"another host's", serving(other), &other, "certificate is valid for 192.0.2.1"},
		{"TLS 1.1", &tls.Config{Certificates: serving(authority()).Certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, nil, "protocol version"},
	}
	for _, c := range cases {
		for before, atOnce := range map[string]bool{"smtp://": false, "smtps://": true} {
			t.Run(before+c.rule, func(t *testing.T) {
				office := &postOffice{mechanisms: []string{"PLAIN"}}
				transport := newSMTP(t, before+mailLogIn, office.open(t, atOnce, func(s *smtp.Server) { s.TLSConfig = c.config }), "", longEnough)
				if c.also != nil {
					transport.relay.tls.RootCAs.AddCert(c.also.Leaf)
				}
				_, err := transport.Send(t.Context(), render(t, placed()))
				if wantRetryable(t, err); c.rule != "TLS 1.1" {
					wantMisconfigured(t, err)
				}
				wantNothingQuoted(t, err)
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %q does not say %q", err, c.want)
				}
				if len(office.letters()) != 0 {
					t.Error("the message was sent")
				}
			})
		}
	}
}
