package notify

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"time"
)

// SendError says why a message did not go out, and whether trying again can
// help. It names neither the recipient nor any secret, so it may stand in a log
// and in a workflow's history.
type SendError struct {
	// Permanent means that the same message would fail again.
	Permanent bool
	// Misconfigured means that the mail system does not let us in, or knows nothing of
	// our sender: every notice fails alike until an administrator has mended the key, the
	// log-in or the address. It may well be mended while the notice is of use, so it is
	// never Permanent.
	Misconfigured bool
	// RetryAfter is how long the mail system asks to be left alone; zero when it
	// does not say.
	RetryAfter time.Duration
	// Reason is what happened, in words.
	Reason string
	// Err is the cause, if there is one.
	Err error
}

// Error gives the reason and its cause.
func (e *SendError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap gives the cause, so that a cancelled context is recognised.
func (e *SendError) Unwrap() error { return e.Err }

func permanent(reason string) error { return &SendError{Permanent: true, Reason: reason} }

// longestPause bounds what a mail system may ask for. A notice of an emergency is
// worth an impolite attempt, and a date given by mistake must not silence it.
const longestPause = 10 * time.Minute

// pauseAsked reads how long a server wants to be left alone: Retry-After in
// seconds or as a date (RFC 9110 section 10.2.3), else X-RateLimit-Reset in
// seconds since 1970, which is what SendGrid documents.
func pauseAsked(header http.Header, now time.Time) time.Duration {
	var pause time.Duration
	after := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(after); err == nil {
		pause = date.Sub(now)
	} else if reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		pause = time.Unix(reset, 0).Sub(now)
	}
	return min(max(pause, 0), longestPause)
}

// parseSender reads the address that notices come from, which may carry a display
// name.
func parseSender(from string) (*mail.Address, error) {
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("parse sender: %w", err)
	}
	if strings.ContainsFunc(sender.Address, notVisible) {
		return nil, errors.New("parse sender: the address must be ASCII, an international domain in its xn-- form")
	}
	return sender, nil
}

// notVisible finds what may stand neither in a header nor in a sender's address.
func notVisible(r rune) bool { return r < '!' || r > '~' }
