package notify

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"

	"lifeline/internal/emergency"

	gomail "github.com/wneessen/go-mail"
)

// messageID is the same for every repetition, so that a mail program shows a
// message that was sent twice only once (RFC 5322 section 3.6.4).
func messageID(m Message, from, recipient *mail.Address) string {
	return fmt.Sprintf("%s.%s.%s@%s", m.CallID, m.occasion(), recipientKey(recipient), domainOf(from))
}

// thread is what every notice of a call refers to, in the form of a Message-ID. No
// message bears it: whoever is told of a call late, or misses its first notice,
// has the others in one thread all the same.
func thread(m Message, from *mail.Address) string {
	return fmt.Sprintf("<%s@%s>", m.CallID, domainOf(from))
}

func domainOf(address *mail.Address) string {
	return address.Address[strings.LastIndexByte(address.Address, '@')+1:]
}

// compose writes the message as RFC 5322 wants it. It is pure ASCII unless the
// recipient's mailbox name is not.
func compose(m Message, id string, from, recipient *mail.Address) ([]byte, error) {
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(from)
	letter.ToMailAddress(recipient)
	letter.Subject(m.Subject)
	letter.SetDate()
	letter.SetMessageIDWithValue(id)
	for name, value := range ownHeaders(m, from) {
		letter.SetGenHeader(gomail.Header(name), value)
	}
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	var content bytes.Buffer
	if _, err := letter.WriteTo(&content); err != nil {
		return nil, &SendError{Permanent: true, Reason: "compose message", Err: err}
	}
	return content.Bytes(), nil
}

// ownHeaders are the same whatever transport carries the message. They let mail
// rules find the call and a mail program mark a real one as important (RFC 2156
// section 5.3.4). Some programs thread by References, some by In-Reply-To (RFC
// 5322 section 3.6.4). Auto-Submitted keeps out-of-office replies away (RFC 3834
// section 5).
func ownHeaders(m Message, from *mail.Address) map[string]string {
	headers := map[string]string{
		"Auto-Submitted":    "auto-generated",
		"References":        thread(m, from),
		"In-Reply-To":       thread(m, from),
		"X-Lifeline-Call":   string(m.CallID),
		"X-Lifeline-Notice": m.NoticeID(),
		"X-Lifeline-Kind":   string(m.Kind),
	}
	if m.Kind == emergency.KindEmergency {
		headers["Importance"] = "high"
	}
	return headers
}
