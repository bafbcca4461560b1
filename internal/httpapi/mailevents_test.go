package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"lifeline/internal/emergency"
)

// delivered tells that the notice of a call has reached its only recipient.
func delivered(id string, call emergency.CallID) emergency.MailEvent {
	return emergency.MailEvent{
		ID: id, Notice: emergency.NoticeID{CallID: call, Event: emergency.NoticePlaced}, Address: "desk@example.com",
		State: emergency.DeliveryDelivered, At: testTime,
	}
}

// What SendGrid tells of a delivery is kept, once, and the call shows it; events of
// notices that are not known, or were erased, are passed over and keep none of the
// others from being kept (B9).
func TestMailEvents(t *testing.T) {
	heard, listen := withMailEvents(
		delivered("e1", "call-erased"), delivered("e2", "call-agent-us"), delivered("e2", "call-agent-us"), delivered("e3", "call-agent-gb"))
	r := newRig(t, listen)
	const body = "[ {\"reason\":\"550\u0007\"}\n]" // the signature is over these very bytes
	for range 2 {
		if w := r.do(t, tellMailEvents(body)); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	if string(heard.body) != body {
		t.Errorf("the body was read as %q", heard.body)
	}
	if got := strings.Join(r.records.mailEvents, " "); got != "e2 e3" {
		t.Errorf("events kept: %s", got)
	}
	call := read[Call](t, r.do(t, ask{method: http.MethodGet, path: "/v1/emergency-calls/call-agent-us", as: "supervisor"}))
	if got := call.Notification.Recipients[0]; got.State != RecipientStateDelivered || !got.UpdatedAt.Equal(testTime) {
		t.Errorf("the call shows %+v", got)
	}
}

// Without SendGrid's signature nothing is kept, whatever token comes along; a body that
// is no list, or too long, is refused; and without a key nobody listens (B9).
func TestMailEventsRefused(t *testing.T) {
	unsigned := tellMailEvents("[]")
	unsigned.headers = nil
	unsigned.as = "admin"
	stale := withHeader(tellMailEvents("[]"), mailSignature, "right")
	for name, c := range map[string]struct {
		ask    ask
		status int
		code   string
	}{
		"without a signature": {unsigned, http.StatusUnauthorized, "unauthenticated"},
		"without a time":      {stale, http.StatusUnauthorized, "unauthenticated"},
		"not a list":          {tellMailEvents("{}"), http.StatusBadRequest, "bad-json"},
		"too long":            {tellMailEvents(strings.Repeat("[", maxMailEvents+1)), http.StatusRequestEntityTooLarge, "too-large"},
		"with another method": {ask{method: http.MethodPut, path: "/v1/sendgrid-events"}, http.StatusMethodNotAllowed, "method-not-allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, listen := withMailEvents(delivered("e1", "call-agent-us"))
			r := newRig(t, listen)
			if got := r.problem(t, c.ask, c.status); got.Code != c.code || r.changes() > 0 {
				t.Errorf("code %q, %d changes", got.Code, r.changes())
			}
		})
	}
	_, listen := withMailEvents()
	fits := tellMailEvents("[" + strings.Repeat(" ", maxMailEvents-1))
	if w := newRig(t, listen).do(t, fits); w.Code != http.StatusNoContent {
		t.Errorf("a body that just fits: status %d", w.Code)
	}
	if got := newRig(t).problem(t, tellMailEvents("[]"), http.StatusNotFound); got.Code != "not-found" {
		t.Errorf("without a key: code %q", got.Code)
	}
}

// While the database is away SendGrid is asked to send its events again, and is not
// told why (B9).
func TestMailEventsWithoutDatabase(t *testing.T) {
	_, listen := withMailEvents(delivered("e1", "call-agent-us"))
	r := newRig(t, listen)
	r.records.broken = errors.New("no database")
	got := r.problem(t, tellMailEvents("[]"), http.StatusServiceUnavailable)
	if got.Code != "unavailable" || strings.Contains(got.Detail, "database") || !strings.Contains(r.logs.String(), "no database") {
		t.Errorf("problem %+v", got)
	}
	r.records.broken = nil
	if w := r.do(t, tellMailEvents("[]")); w.Code != http.StatusNoContent || len(r.records.mailEvents) != 1 {
		t.Errorf("sent again: status %d, events %v", w.Code, r.records.mailEvents)
	}
}
