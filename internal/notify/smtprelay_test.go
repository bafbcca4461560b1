package notify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Of what the server offers the strongest way to log in is taken, over STARTTLS and
// over TLS at once; PLUS proves that nobody sits in between.
func TestSMTPLogsIn(t *testing.T) {
	cases := []struct {
		offered []string
		want    string
	}{
		{[]string{"LOGIN"}, "LOGIN"},
		{[]string{"LOGIN", "PLAIN"}, "PLAIN"},
		{[]string{"PLAIN", "XOAUTH2", "LOGIN", "CRAM-MD5"}, "PLAIN"},
		{[]string{"PLAIN", "SCRAM-SHA-1"}, "SCRAM-SHA-1"},
		{[]string{"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"}, "SCRAM-SHA-1-PLUS"},
		{[]string{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"}, "SCRAM-SHA-256"},
		{[]string{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "LOGIN"}, "SCRAM-SHA-256-PLUS"},
	}
	for _, c := range cases {
		for before, atOnce := range map[string]bool{"smtp://": false, "smtps://": true} {
			t.Run(before+strings.Join(c.offered, "+"), func(t *testing.T) {
				office := &postOffice{mechanisms: c.offered}
				address := office.open(t, atOnce, nil)
				send(t, newSMTP(t, before+mailLogIn, address, "", longEnough), render(t, placed()))
				if got := office.letters()[0]; got.mechanism != c.want || !got.secure {
					t.Errorf("logged in by %q, secure %v, want %q", got.mechanism, got.secure, c.want)
				}
				_, err := newSMTP(t, before+"lifeline%40example.com:wrong@", address, "", longEnough).Send(t.Context(), render(t, placed()))
				wantMisconfigured(t, err)
				wantNothingQuoted(t, err)
				if want := "mail server answered 535 5.7.8 to AUTH"; err.Error() != want {
					t.Errorf("error %q with a wrong password, want %q", err, want)
				}
				if len(office.letters()) != 1 {
					t.Error("a wrong password sends")
				}
			})
		}
	}
}

// Without a log-in that both sides know nothing is sent, and an administrator may
// mend it.
func TestSMTPKnowsNoWayToLogIn(t *testing.T) {
	for _, offered := range [][]string{nil, {"CRAM-MD5", "XOAUTH2"}} {
		office := &postOffice{mechanisms: offered}
		_, err := newSMTP(t, "smtp://"+mailLogIn, office.open(t, false, nil), "", longEnough).Send(t.Context(), render(t, placed()))
		wantMisconfigured(t, err)
		if len(office.letters()) != 0 {
			t.Errorf("the message was sent where the server offers %q", offered)
		}
	}
}

// A server without STARTTLS gets neither the password, even if it asks for it, nor
// a word of the message.
func TestSMTPSaysNothingInTheClear(t *testing.T) {
	for rule, logIn := range map[string]string{"with a password": mailLogIn, "without": ""} {
		t.Run(rule, func(t *testing.T) {
			office := &postOffice{mechanisms: []string{"PLAIN", "SCRAM-SHA-256"}}
			address := office.open(t, false, func(s *smtp.Server) { s.TLSConfig, s.AllowInsecureAuth = nil, true })
			_, err := newSMTP(t, "smtp://"+logIn, address, "", longEnough).Send(t.Context(), render(t, placed()))
			wantMisconfigured(t, err)
			if want := "mail server offers no STARTTLS"; err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
			if len(office.letters()) != 0 {
				t.Error("the message was sent")
			}
		})
	}
	server := &misfit{step: "EHLO", act: answer("250-mail.example.com\r\n250 AUTH PLAIN LOGIN")}
	_, err := newSMTP(t, "smtp://"+mailLogIn, server.open(t, false), "", longEnough).Send(t.Context(), render(t, placed()))
	wantRetryable(t, err)
	if heard := server.lines(); !slices.Equal(heard, []string{"EHLO example.com"}) {
		t.Errorf("the server heard %q", heard)
	}
}

// A configuration that cannot work is found at the start, and no error shows the
// log-in.
func TestSMTPConfiguration(t *testing.T) {
	cases := []struct {
		rule string
		url  string
		want relay
	}{
		{"all of it", "smtp://user:pass@mail.example.com:2525", relay{address: "mail.example.com:2525", user: "user", password: "pass"}},
		{"port of submission by default", "smtp://mail.example.com", relay{address: "mail.example.com:587"}},
		{"port of TLS by default", "smtps://mail.example.com/", relay{address: "mail.example.com:465", security: tlsAtOnce}},
		{"port of relays by default", "smtp://mail.example.com?starttls=never", relay{address: "mail.example.com:25", security: clearText}},
		{"percent-encoded log-in", "smtps://" + mailLogIn + "mail.example.com", relay{address: "mail.example.com:465", security: tlsAtOnce, user: mailUser, password: mailPassword}},
		{"address of IPv6", "smtp://[2001:db8::1]:25", relay{address: "[2001:db8::1]:25"}},
		{"a trailing line feed", "smtp://mail.example.com\n", relay{address: "mail.example.com:587"}},
		{"nothing", "", relay{}},
		{"no scheme", "user:secret@mail.example.com:587", relay{}},
		{"another scheme", "https://user:secret@mail.example.com", relay{}},
		{"no host", "smtp://user:secret@:587", relay{}},
		{"international host", "smtp://user:secret@bücher.example", relay{}},
		{"port that is none", "smtp://user:secret@mail.example.com:smtp", relay{}},
		{"port too high", "smtp://user:secret@mail.example.com:65536", relay{}},
		{"path", "smtp://user:secret@mail.example.com/inbox", relay{}},
		{"fragment", "smtp://user:secret@mail.example.com#x", relay{}},
		{"password that is not encoded", "smtp://user:secret/x@mail.example.com", relay{}},
		{"bad encoding", "smtp://user:secret%zz@mail.example.com", relay{}},
		{"user alone", "smtp://secret@mail.example.com", relay{}},
		{"password alone", "smtp://:secret@mail.example.com", relay{}},
		{"control character in the password", "smtp://user:secret%00@mail.example.com", relay{}},
		{"line in the user", "smtp://user%0d%0asecret:x@mail.example.com", relay{}},
		{"password in the clear", "smtp://user:secret@mail.example.com?starttls=never", relay{}},
		{"unknown option", "smtp://user:secret@mail.example.com?starttls=maybe", relay{}},
		{"option twice", "smtp://mail.example.com?starttls=never&starttls=always", relay{}},
		{"option that contradicts the scheme", "smtps://mail.example.com?starttls=never", relay{}},
		{"certificate", "smtp://user:secret@mail.example.com?ca=/secret.pem", relay{}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			transport, err := NewSMTP(c.url, sender, time.Second)
			if c.want.address == "" {
				if err == nil {
					t.Fatal("the URL is taken")
				}
				if strings.Contains(err.Error(), "secret") {
					t.Errorf("error %q shows the log-in", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := transport.relay
			got.host, got.tls = "", nil
			if got != c.want {
				t.Errorf("relay %+v, want %+v", got, c.want)
			}
		})
	}
}

// So is a time-out that cannot work.
func TestSMTPNeedsATimeout(t *testing.T) {
	if _, err := NewSMTP("smtp://mail.example.com", sender, 0); err == nil {
		t.Error("no time-out is taken")
	}
}
