package notify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// eventTime is when the events of the tests are told.
var eventTime = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

// signer is SendGrid with its key, and who believes it.
type signer struct {
	key  *ecdsa.PrivateKey
	hook *EventWebhook
}

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hook, err := NewEventWebhook(publicKey(t, &key.PublicKey)+"\n", func() time.Time { return eventTime })
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, hook}
}

func publicKey(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// sign is what SendGrid puts into the headers.
func (s signer) sign(t testing.TB, at time.Time, body string) (signature, timestamp string) {
	t.Helper()
	timestamp = strconv.FormatInt(at.Unix(), 10)
	hash := sha256.Sum256([]byte(timestamp + body))
	raw, err := ecdsa.SignASN1(rand.Reader, s.key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw), timestamp
}

func (s signer) read(t testing.TB, body string) ([]emergency.MailEvent, error) {
	t.Helper()
	signature, timestamp := s.sign(t, eventTime, body)
	return s.hook.Read(signature, timestamp, []byte(body))
}

// event is one as SendGrid writes it, with custom arguments among its own fields.
func event(kind, id, address, call, notice string) string {
	return `{"email":"` + address + `","timestamp":1772971200,"smtp-id":"<x@example.com>","event":"` + kind + `","category":["a"],
		"sg_event_id":"` + id + `","sg_message_id":"m.1","lifeline_call":"` + call + `","lifeline_notice":"` + notice + `","attempt":"3"}`
}

// A message that reached the mail server is delivered, and one that came back or was
// dropped has bounced; of a notice that has rounds, it is known which (B9).
func TestEventsTellWhereAMessageIs(t *testing.T) {
	body := "[" + strings.Join([]string{
		event("delivered", "e1", "desk@example.org", "call-1", "call-1/placed"),
		event("bounce", "e2", "Desk@example.org", "call-1", "call-1/escalated/2"),
		event("dropped", "e3", "desk@xn--bcher-kva.example", "call-1", "call-1/callback"),
	}, ",\r\n") + "]"
	at := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	notice := func(event emergency.NoticeEvent, round int) emergency.NoticeID {
		return emergency.NoticeID{CallID: "call-1", Event: event, Round: round}
	}
	want := []emergency.MailEvent{
		{ID: "e1", Notice: notice("placed", 0), Address: "desk@example.org", State: emergency.DeliveryDelivered, At: at},
		{ID: "e2", Notice: notice("escalated", 2), Address: "Desk@example.org", State: emergency.DeliveryBounced, At: at},
		{ID: "e3", Notice: notice("callback", 0), Address: "desk@xn--bcher-kva.example", State: emergency.DeliveryBounced, At: at},
	}
	got, err := newSigner(t).read(t, body)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// What says nothing of a notice of ours is passed over, and takes none of its batch
// with it: SendGrid would send all of them again for days.
func TestEventsThatMeanNothing(t *testing.T) {
	good := event("delivered", "good", "desk@example.org", "call-1", "call-1/placed")
	for name, other := range map[string]string{
		"another kind of event":      event("processed", "e", "desk@example.org", "call-1", "call-1/placed"),
		"somebody who has opened it": event("open", "e", "desk@example.org", "call-1", "call-1/placed"),
		"another program's message":  `{"event":"delivered","sg_event_id":"e","email":"desk@example.org","timestamp":1772971200}`,
		"no notice":                  event("delivered", "e", "desk@example.org", "call-1", ""),
		"a notice of another call":   event("delivered", "e", "desk@example.org", "call-2", "call-1/placed"),
		"a notice of no event":       event("delivered", "e", "desk@example.org", "call-1", "call-1/moved"),
		"a round that is none":       event("delivered", "e", "desk@example.org", "call-1", "call-1/escalated/-1"),
		"no ID":                      event("delivered", "", "desk@example.org", "call-1", "call-1/placed"),
		"an endless ID":              event("delivered", strings.Repeat("e", maxEventID+1), "desk@example.org", "call-1", "call-1/placed"),
		"an ID that no database has": event("delivered", `e\u0000`, "desk@example.org", "call-1", "call-1/placed"),
		"no address":                 event("delivered", "e", "", "call-1", "call-1/placed"),
		"an endless address":         event("delivered", "e", strings.Repeat("a", maxAddress)+"@example.org", "call-1", "call-1/placed"),
		"a time that is none":        strings.Replace(good, "1772971200", "-1", 1),
		"a time that is never":       strings.Replace(good, "1772971200", "9223372036854775807", 1),
		"a field of another type":    strings.Replace(good, `"good"`, `7`, 1),
		"no object":                  `7`,
		"nothing":                    `null`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newSigner(t).read(t, "["+other+","+good+"]")
			if err != nil || len(got) != 1 || got[0].ID != "good" {
				t.Errorf("events %+v, %v", got, err)
			}
		})
	}
	for _, body := range []string{`[]`, `null`} {
		if got, err := newSigner(t).read(t, body); len(got) > 0 || err != nil {
			t.Errorf("%s: events %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{``, `{}`, `[`, `[{]`, good} {
		if got, err := newSigner(t).read(t, body); err == nil || errors.Is(err, emergency.ErrMailEventsForged) {
			t.Errorf("%s: events %+v, %v", body, got, err)
		}
	}
}

// Events count with SendGrid's signature over this very body and this very time alone,
// and within ten minutes of it, either way (B9).
func TestEventsAreSigned(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	body := "[" + event("delivered", "e1", "desk@example.org", "call-1", "call-1/placed") + "]"
	signature, timestamp := s.sign(t, eventTime, body)
	foreign, _ := other.sign(t, eventTime, body)
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ signature, timestamp, body string }{
		"another body":             {signature, timestamp, body + " "},
		"another time":             {signature, strconv.FormatInt(eventTime.Unix()+1, 10), body},
		"the time in other words":  {signature, "+" + timestamp, body},
		"another key":              {foreign, timestamp, body},
		"no signature":             {"", timestamp, body},
		"a signature cut short":    {base64.StdEncoding.EncodeToString(raw[:len(raw)-1]), timestamp, body},
		"something behind it":      {base64.StdEncoding.EncodeToString(append(raw, 0)), timestamp, body},
		"not base64":               {"!" + signature, timestamp, body},
		"no time":                  {signature, "", body},
		"a time that is none":      {signature, "now", body},
		"part of the body as time": {signature, timestamp + body[:1], body[1:]},
	} {
		if got, err := s.hook.Read(c.signature, c.timestamp, []byte(c.body)); !errors.Is(err, emergency.ErrMailEventsForged) || got != nil {
			t.Errorf("%s: events %+v, %v", name, got, err)
		}
	}
	for off, want := range map[time.Duration]error{
		0: nil, -eventWindow: nil, eventWindow: nil,
		-eventWindow - time.Second: emergency.ErrMailEventsForged, eventWindow + time.Second: emergency.ErrMailEventsForged,
		-200 * 365 * 24 * time.Hour: emergency.ErrMailEventsForged,
	} {
		signature, timestamp := s.sign(t, eventTime.Add(off), body)
		if _, err := s.hook.Read(signature, timestamp, []byte(body)); !errors.Is(err, want) {
			t.Errorf("%s off: %v, want %v", off, err, want)
		}
	}
	for _, seconds := range []string{"9223372036854775807", "-9223372036854775808"} {
		if s.hook.signed(signature, seconds, []byte(body)) {
			t.Errorf("signed at %s", seconds)
		}
	}
}

// A key that cannot be SendGrid's is refused when the program starts, and not when the
// first event comes.
func TestKeysOfTheEventWebhook(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{
		"none": "", "not base64": "MFkw EwYH", "not a key": "AAAA", "RSA": publicKey(t, &weak.PublicKey),
		"Ed25519": publicKey(t, edwards), "another curve": publicKey(t, &wide.PublicKey),
	} {
		if hook, err := NewEventWebhook(key, time.Now); err == nil || hook != nil {
			t.Errorf("%s: the key is taken", name)
		}
	}
}

// Whatever is told with the right signature, nothing panics, and what counts is a state
// of a notice that can be kept.
func FuzzEvents(f *testing.F) {
	f.Add(event("delivered", "e1", "desk@example.org", "call-1", "call-1/escalated/2"))
	f.Add(`{"event":"bounce","sg_event_id":"\ud800","email":"\u202e","timestamp":1e9,"lifeline_notice":"a/placed","lifeline_call":"a"}`)
	f.Add(`null],[`)
	s := newSigner(f)
	f.Fuzz(func(t *testing.T, one string) {
		events, err := s.read(t, "["+one+"]")
		for _, e := range events {
			id, ok := emergency.ParseNoticeID(e.Notice.String())
			known := e.State == emergency.DeliveryDelivered || e.State == emergency.DeliveryBounced
			if err != nil || !ok || id != e.Notice || !known || !plain(e.ID, maxEventID) || e.At.Year() > 9999 {
				t.Fatalf("event %+v, %v", e, err)
			}
		}
	})
}

// What SendGrid itself publishes as signed is taken: the key, the signature, the time and
// the body are those of the test of its library for Go. The signature is over the bytes of
// the time and those of the body, the end of the line behind it included (B9).
func TestEventsOfSendGridsOwnExample(t *testing.T) {
	const (
		published = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
		signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
		timestamp = "1600112502"
		events    = `[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",` +
			`"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",` +
			`"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",` +
			`"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]`
	)
	signed := time.Unix(1600112502, 0)
	for name, c := range map[string]struct {
		body string
		now  time.Time
		want error
	}{
		"as it came":             {events + "\r\n", signed.Add(2 * time.Second), nil},
		"without its last line":  {events, signed, emergency.ErrMailEventsForged},
		"with another line feed": {events + "\n", signed, emergency.ErrMailEventsForged},
		"years later":            {events + "\r\n", eventTime, emergency.ErrMailEventsForged},
	} {
		hook, err := NewEventWebhook(published, func() time.Time { return c.now })
		if err != nil {
			t.Fatal(err)
		}
		// It is none of our messages, so nothing is told of any.
		if got, err := hook.Read(signature, timestamp, []byte(c.body)); !errors.Is(err, c.want) || len(got) > 0 {
			t.Errorf("%s: events %+v, %v", name, got, err)
		}
	}
}
