package notify

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// Links signs the links by which people acknowledge a notice (B9). A link says which
// notice it is for, until when it counts, and by a key which of the recipients it was
// sent to; it names nobody.
type Links struct {
	// base is where the page is found, for example https://lifeline.example.com.
	base string
	// keys sign and check; the first signs.
	keys [][]byte
}

// NewLinks makes links below a base URL. They are signed with keys derived from the
// secrets given, of which the first signs and all check, so that a link outlives
// their rotation.
func NewLinks(base string, secrets ...[]byte) (*Links, error) {
	if len(secrets) == 0 {
		return nil, errors.New("make links: there is no secret to sign them with")
	}
	l := &Links{base: strings.TrimRight(base, "/")}
	for _, secret := range secrets {
		if len(secret) == 0 {
			return nil, errors.New("make links: a secret is empty")
		}
		key, err := hkdf.Key(sha256.New, secret, nil, "lifeline: links to acknowledge a notice", sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive the key of links: %w", err)
		}
		l.keys = append(l.keys, key)
	}
	return l, nil
}

// AcknowledgePath is where the page lies; the token follows.
const AcknowledgePath = "/acknowledge/"

// untilSize is how many bytes of a token say until when it counts.
const untilSize = 8

// Acknowledge is the link of one recipient, known by emergency.RecipientKey, to a
// notice; it counts until the time given, to the second.
func (l *Links) Acknowledge(call emergency.CallID, event emergency.NoticeEvent, round int, recipientKey string, until time.Time) string {
	notice := emergency.NoticeID{CallID: call, Event: event, Round: round}
	payload := binary.BigEndian.AppendUint64(nil, uint64(max(until.Unix(), 0))) //nolint:gosec // not negative
	payload = append(payload, recipientKey+"/"+notice.String()...)
	token := append(sign(l.keys[0], payload), payload...)
	return l.base + AcknowledgePath + base64.RawURLEncoding.EncodeToString(token)
}

// Read tells what the token of a link is for. The error is emergency.ErrLinkForged, or
// emergency.ErrLinkExpired together with what it was for.
func (l *Links) Read(token string, now time.Time) (emergency.NoticeLink, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < signatureSize+untilSize {
		return emergency.NoticeLink{}, emergency.ErrLinkForged
	}
	signature, payload := raw[:signatureSize], raw[signatureSize:]
	recipient, id, _ := strings.Cut(string(payload[untilSize:]), "/")
	notice, readable := emergency.ParseNoticeID(id)
	if !l.signed(signature, payload) || !readable {
		return emergency.NoticeLink{}, emergency.ErrLinkForged
	}
	link := emergency.NoticeLink{Notice: notice, RecipientKey: recipient}
	until := int64(binary.BigEndian.Uint64(payload)) //nolint:gosec // signed, so we have written it
	if now.Unix() > until {
		return link, emergency.ErrLinkExpired
	}
	return link, nil
}

func (l *Links) signed(signature, payload []byte) bool {
	for _, key := range l.keys {
		if hmac.Equal(signature, sign(key, payload)) {
			return true
		}
	}
	return false
}

// signatureSize is 128 bits: nobody guesses them, and the link stays short.
const signatureSize = 16

func sign(key, payload []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(payload)
	return mac.Sum(nil)[:signatureSize]
}
