package emergency

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// NoticeID names a notice: what a link, a mail system and the records know it by.
type NoticeID struct {
	CallID CallID
	Event  NoticeEvent
	// Round counts the escalations, from 1; zero for every other event.
	Round int
}

// String is "call/event", and "call/event/round" when there are rounds.
func (n NoticeID) String() string {
	text := string(n.CallID) + "/" + string(n.Event)
	if n.Round == 0 {
		return text
	}
	return text + "/" + strconv.Itoa(n.Round)
}

// maxRound is above any number of escalations that is configured.
const maxRound = 1000

// ParseNoticeID reads what String has written, and nothing else.
func ParseNoticeID(text string) (NoticeID, bool) {
	call, rest, _ := strings.Cut(text, "/")
	event, round, rounds := strings.Cut(rest, "/")
	id := NoticeID{CallID: CallID(call), Event: NoticeEvent(event)}
	if rounds {
		id.Round, _ = strconv.Atoi(round)
	}
	known := validID(call) && id.Event.known() && id.Round >= 0 && id.Round <= maxRound
	return id, known && id.String() == text
}

func (e NoticeEvent) known() bool {
	switch e {
	case NoticePlaced, NoticeFailed, NoticeCallback, NoticeEscalated, NoticeEnded:
		return true
	default:
		return false
	}
}

// RecipientKey tells recipients of one notice apart without naming them; it may stand
// in a link and in a log. Neither capitals nor the other way to write an international
// domain make another recipient.
func RecipientKey(address string) string {
	if !strings.Contains(address, "@") {
		return ""
	}
	sum := sha256.Sum256([]byte(Recipient{Address: address}.key()))
	return hex.EncodeToString(sum[:8])
}

// NoticeLink is what a link to acknowledge a notice is for (B9).
type NoticeLink struct {
	Notice NoticeID
	// RecipientKey is that of whom the link was sent to.
	RecipientKey string
}

// Acknowledgement is the first word of somebody who has seen a notice of a call (B9).
// What others say after it is kept with their deliveries.
type Acknowledgement struct {
	At time.Time
	// By is the recipient's e-mail address.
	By string
	// First says that it is the one that was just made.
	First bool
}

// MailEvent is what a mail system tells of a message that it has taken over (B9).
type MailEvent struct {
	// ID is the mail system's own; an event that comes twice has the same.
	ID     string
	Notice NoticeID
	// Address is the recipient's e-mail address as it was given to the mail system.
	Address string
	State   DeliveryState
	At      time.Time
}

var (
	// ErrUnknownNotice means that no such notice was sent to this recipient, or that
	// it has been erased.
	ErrUnknownNotice = errors.New("unknown notice")
	// ErrUnknownTemplate means that no wording of notices was saved as this version.
	ErrUnknownTemplate = errors.New("unknown template version")
	// ErrLinkForged means that a link was not signed here, or not completely copied.
	ErrLinkForged = errors.New("the link is not one of ours")
	// ErrLinkExpired means that a link counts no longer.
	ErrLinkExpired = errors.New("the link has expired")
	// ErrMailEventsForged means that events were not signed by the mail system, or too
	// long ago.
	ErrMailEventsForged = errors.New("the mail events are not signed as they should be")
)
