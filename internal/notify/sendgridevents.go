package notify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// EventWebhook reads what SendGrid tells of the messages that it has taken: whether
// they reached the recipient's mail server, or came back (B9).
type EventWebhook struct {
	key *ecdsa.PublicKey
	now func() time.Time
}

// NewEventWebhook believes who holds the private half of a key. The public half is
// written as SendGrid shows it in the settings of its signed event webhook: PKIX in
// base64, on the curve P-256.
func NewEventWebhook(publicKey string, now func() time.Time) (*EventWebhook, error) {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(publicKey))
	if err != nil {
		return nil, errors.New("read the key of SendGrid's event webhook: it is not base64")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("read the key of SendGrid's event webhook: %w", err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("read the key of SendGrid's event webhook: it is no ECDSA key on the curve P-256")
	}
	return &EventWebhook{key: key, now: now}, nil
}

// eventWindow is how far SendGrid's clock and ours may be apart, either way, with the
// way of a request between them. Older ones may be somebody's copies.
const eventWindow = 10 * time.Minute

// Read gives the events of a request that concern a delivery of ours. The error is
// emergency.ErrMailEventsForged when the body was not signed with the key, or not now;
// another when it is no list of events at all.
func (w *EventWebhook) Read(signature, timestamp string, body []byte) ([]emergency.MailEvent, error) {
	if !w.signed(signature, timestamp, body) {
		return nil, emergency.ErrMailEventsForged
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("read SendGrid's events: %w", err)
	}
	var events []emergency.MailEvent
	for _, one := range list {
		if event, ok := readEvent(one); ok {
			events = append(events, event)
		}
	}
	return events, nil
}

func (w *EventWebhook) signed(signature, timestamp string, body []byte) bool {
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || w.now().Sub(time.Unix(seconds, 0)).Abs() > eventWindow {
		return false
	}
	hash := sha256.New()
	hash.Write([]byte(timestamp))
	hash.Write(body)
	return ecdsa.VerifyASN1(w.key, hash.Sum(nil), given)
}

// sendGridEvent is one event, with our custom arguments among SendGrid's own fields.
type sendGridEvent struct {
	Event     string `json:"event"`
	ID        string `json:"sg_event_id"`
	Email     string `json:"email"`
	Timestamp int64  `json:"timestamp"`
	Call      string `json:"lifeline_call"`
	Notice    string `json:"lifeline_notice"`
}

// eventStates are the events that say where a message is. The others, such as
// processed, deferred or open, say nothing that a sender does not know or should.
var eventStates = map[string]emergency.DeliveryState{
	"delivered": emergency.DeliveryDelivered,
	"bounce":    emergency.DeliveryBounced,
	"dropped":   emergency.DeliveryBounced,
}

const (
	maxEventID = 200
	maxAddress = 320
	// maxEventTime is the end of the year 9999, after which no time can be written.
	maxEventTime = 253402300799
)

// readEvent passes over an event that is none of ours, or none that we can use: one
// that is refused would come back for days, and the others of its batch with it.
func readEvent(raw json.RawMessage) (emergency.MailEvent, bool) {
	var told sendGridEvent
	if json.Unmarshal(raw, &told) != nil {
		return emergency.MailEvent{}, false
	}
	state, known := eventStates[told.Event]
	notice, ours := emergency.ParseNoticeID(told.Notice)
	event := emergency.MailEvent{
		ID: told.ID, Notice: notice, Address: told.Email, State: state, At: time.Unix(told.Timestamp, 0).UTC(),
	}
	usable := known && ours && told.Call == string(notice.CallID) && plain(told.ID, maxEventID) && plain(told.Email, maxAddress) &&
		told.Timestamp > 0 && told.Timestamp <= maxEventTime
	return event, usable
}

// plain tells whether a text can be kept and compared: printable, and of some length.
func plain(text string, longest int) bool {
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) })
}
