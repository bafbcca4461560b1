// Package notify tells people that somebody has called for help: it renders a
// notice for one recipient and hands it to a mail system.
//
// A notice carries the three facts that US law names (B8, 47 CFR 9.16(b)): that
// the call was made, the callback number, and the location conveyed. Who is told,
// how often it is tried and what is remembered of it is decided elsewhere; here a
// message either goes out once or comes back as a *SendError that says whether
// trying again can help.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"lifeline/internal/emergency"

	"golang.org/x/net/idna"
)

// Message is a rendered notice for one recipient. The transports send each of
// them by itself, so that no recipient sees who else is told.
type Message struct {
	// To is the recipient's e-mail address.
	To      string
	Subject string
	Text    string
	// HTML is a whole document that says the same as Text.
	HTML   string
	CallID emergency.CallID
	Event  emergency.NoticeEvent
	// Round counts the escalations, from 1; zero for every other event.
	Round int
	// TemplateVersion is whose wording it is; zero for the one that comes with the
	// program, which stands in where another fails.
	TemplateVersion int64
	// Kind lets mail rules tell a rehearsal from an emergency (B13).
	Kind emergency.Kind
}

// Transport hands messages to a mail system. A message may be sent again after
// a crash between the sending and its record, so an implementation makes the
// repetition recognisable.
type Transport interface {
	// Send returns what the mail system calls the message, which may be empty.
	// Every error is a *SendError.
	Send(ctx context.Context, m Message) (messageID string, err error)
}

// NoticeID names the notice that the message is a copy of; it is the same for
// every recipient and every repetition. SendGrid sends it back with its events.
func (m Message) NoticeID() string {
	return emergency.NoticeID{CallID: m.CallID, Event: m.Event, Round: m.Round}.String()
}

// occasion tells the notices of a call apart in names that have no slashes.
func (m Message) occasion() string {
	if m.Round == 0 {
		return string(m.Event)
	}
	return string(m.Event) + "-" + strconv.Itoa(m.Round)
}

var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

// check is the last guard before a mail system: what passes can neither add a
// header to the message nor leave the folder. It returns the recipient without
// any display name. The *SendError does not repeat what it complains about.
func (m Message) check() (*mail.Address, error) {
	recipient, err := parseRecipient(m.To)
	switch {
	case err != nil:
		return nil, err
	case !tokenPattern.MatchString(string(m.CallID)):
		return nil, permanent("call ID is not made of letters, digits and dashes")
	case !tokenPattern.MatchString(string(m.Event)):
		return nil, permanent("event is not made of letters, digits and dashes")
	case !tokenPattern.MatchString(string(m.Kind)):
		return nil, permanent("kind is not made of letters, digits and dashes")
	case m.Subject == "" || strings.ContainsFunc(m.Subject, unicode.IsControl):
		return nil, permanent("subject is not one line of text")
	case m.Text == "" || m.HTML == "":
		return nil, permanent("message has no text")
	}
	return recipient, nil
}

// parseRecipient drops the cause of a failure, because it quotes the address. An
// international domain comes out in its xn-- form, which every mail system takes;
// a mailbox name has no such form.
func parseRecipient(to string) (*mail.Address, error) {
	parsed, err := mail.ParseAddress(to)
	if err != nil {
		return nil, permanent("recipient is no e-mail address")
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	mailbox, domain := parsed.Address[:at], parsed.Address[at+1:]
	if !isASCII(domain) {
		if domain, err = idna.Lookup.ToASCII(domain); err != nil {
			return nil, permanent("recipient's domain is none that the Internet knows")
		}
	}
	return &mail.Address{Address: mailbox + "@" + domain}, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// recipientKey tells recipients of one notice apart without naming them.
func recipientKey(recipient *mail.Address) string {
	sum := sha256.Sum256([]byte(strings.ToLower(recipient.Address)))
	return hex.EncodeToString(sum[:8])
}
