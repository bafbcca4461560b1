package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// deskLink is a link that was sent to desk@example.com for the call of agent-us.
const deskLink = "/acknowledge/call-agent-us.desk@example.com"

func (r *rig) press(t testing.TB, path string) *httptest.ResponseRecorder {
	t.Helper()
	request := ask{method: http.MethodPost, path: path}.request(t.Context())
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as a form without fields is sent
	return r.serve(request)
}

// wantPage holds an answer to what every page for people is: HTML that nobody keeps,
// tells of, or puts into a page of their own, with no script.
func wantPage(t *testing.T, w *httptest.ResponseRecorder, status int, says ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": acknowledgePolicy,
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	page := w.Body.String()
	for _, text := range append(says, `<html lang="en">`, "<h1>", "<title>", `name="viewport"`) {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q:\n%s", text, page)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "style=") || strings.Contains(page, "ZgotmplZ") {
		t.Errorf("the page breaks its own policy:\n%s", page)
	}
}

// Whoever follows the link of a notice is asked, and nothing more: a mail scanner that
// opens every link acknowledges nothing (B9). The page needs no database.
func TestOpeningALinkAcknowledgesNothing(t *testing.T) {
	r := newRig(t)
	for _, database := range []error{nil, errors.New("no database")} {
		r.records.broken = database
		w := r.do(t, ask{method: http.MethodGet, path: deskLink})
		wantPage(t, w, http.StatusOK, "Have you seen the notice?", `<form method="post">`, "<button")
		if strings.Count(w.Body.String(), "<button") != 1 || strings.Contains(w.Body.String(), "desk@example.com") {
			t.Errorf("the page has more than one button, or says whom it is for:\n%s", w.Body)
		}
		if w := r.do(t, ask{method: http.MethodHead, path: deskLink}); w.Code != http.StatusOK {
			t.Errorf("HEAD: status %d", w.Code)
		}
		if r.changes() > 0 || strings.Contains(r.logs.String(), "not kept") {
			t.Errorf("something was acknowledged:\n%s", r.logs)
		}
	}
}

// The button acknowledges, and the page says who was first and when; pressed again, or
// by somebody else, it says the same of the first (B9).
func TestAcknowledge(t *testing.T) {
	r := newRig(t)
	call := r.records.calls["call-agent-us"]
	call.Notice.Deliveries = append(call.Notice.Deliveries, emergency.Delivery{Event: emergency.NoticePlaced, Address: "chief@example.com"})
	r.records.calls[call.ID] = call

	before := time.Now().Add(-time.Second)
	first := r.press(t, deskLink)
	known := r.records.calls["call-agent-us"].Notice
	if known.AcknowledgedBy != "desk@example.com" || known.AcknowledgedAt.Before(before) {
		t.Fatalf("kept: %+v", known)
	}
	when := known.AcknowledgedAt.Format(time.RFC3339)
	wantPage(t, first, http.StatusOK, "Thank you", "You were the first", when, "UTC")
	wantPage(t, r.press(t, deskLink), http.StatusOK, "Thank you", "You were the first", when)
	wantPage(t, r.press(t, "/acknowledge/call-agent-us.chief@example.com"), http.StatusOK,
		"Thank you", "<strong>desk@example.com</strong>", "was the\n      first", when)
	if got := r.records.calls["call-agent-us"].Notice; got.AcknowledgedBy != "desk@example.com" || !got.AcknowledgedAt.Equal(known.AcknowledgedAt) {
		t.Errorf("the second has taken the first one's place: %+v", got)
	}
}

// An acknowledgement by somebody whose address is no longer known, or holds what means
// something in HTML, makes no broken page.
func TestAcknowledgedByWhomever(t *testing.T) {
	for by, says := range map[string]string{"": "Somebody else", `"<b>"@example.org`: "&lt;b&gt;"} {
		r := newRig(t)
		call := r.records.calls["call-agent-us"]
		call.Notice.AcknowledgedAt, call.Notice.AcknowledgedBy = testTime, by
		r.records.calls[call.ID] = call
		wantPage(t, r.press(t, deskLink), http.StatusOK, says, "2 January 2026 at 03:04:05 UTC")
	}
}

// A link that is too old, was not made here, or is for a notice that has been erased or
// went to somebody else, gets a calm page that says what to do, and acknowledges nothing.
func TestLinksThatDoNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		status int
		says   string
		// asked says that the page still asks: only the records know better.
		asked bool
	}{
		"too old":           {"/acknowledge/old.desk@example.com", http.StatusGone, "ask your security desk", false},
		"forged":            {"/acknowledge/forged", http.StatusNotFound, "from the message itself", false},
		"erased":            {"/acknowledge/call-9.desk@example.com", http.StatusGone, "ask your security desk", true},
		"sent to nobody":    {"/acknowledge/call-agent-us.other@example.com", http.StatusGone, "ask your security desk", true},
		"markup as a token": {"/acknowledge/%3Cscript%3E", http.StatusNotFound, "from the message itself", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			opened := r.do(t, ask{method: http.MethodGet, path: c.path})
			if c.asked {
				wantPage(t, opened, http.StatusOK, "<button")
			} else {
				wantPage(t, opened, c.status, c.says)
			}
			pressed := r.press(t, c.path)
			wantPage(t, pressed, c.status, c.says)
			if strings.Contains(pressed.Body.String(), "<button") || r.changes() > 0 {
				t.Errorf("%d changes:\n%s", r.changes(), pressed.Body)
			}
		})
	}
}

// While the database is away the button stays, so that it can be pressed again; the log
// tells why, and neither the page nor the log whose link it was.
func TestAcknowledgeWithoutDatabase(t *testing.T) {
	r := newRig(t)
	r.records.broken = errors.New("no database")
	wantPage(t, r.press(t, deskLink), http.StatusServiceUnavailable, "Please press again", "<button", "by telephone")
	if logged := r.logs.String(); !strings.Contains(logged, "no database") || strings.Contains(logged, "desk@example.com") {
		t.Errorf("log:\n%s", logged)
	}
}

// A token is as good as a signature, so no log has one: neither of a link that counts,
// nor of one that is wrong, nor of a path beside it.
func TestTokensOfLinksAreNotLogged(t *testing.T) {
	r := newRig(t)
	const secret = "call-agent-us.desk@example.com"
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
		for _, path := range []string{"/acknowledge/" + secret, "/acknowledge/" + secret + "/", "/acknowledge/old." + secret, "/" + secret} {
			r.serve(ask{method: method, path: path}.request(t.Context()))
		}
	}
	r.records.broken = errors.New("no database")
	r.press(t, "/acknowledge/"+secret)
	if logged := r.logs.String(); strings.Contains(logged, "desk@") || !strings.Contains(logged, "/acknowledge/:token") {
		t.Errorf("log:\n%s", logged)
	}
	if shown := r.do(t, ask{method: http.MethodGet, path: "/metrics"}).Body.String(); strings.Contains(shown, "desk@") {
		t.Error("the metrics show a token")
	}
}

// Without links there is no page, and its style sheet is no script.
func TestWithoutLinks(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Links = nil })
	r.problem(t, ask{method: http.MethodGet, path: deskLink}, http.StatusNotFound)
	r.problem(t, ask{method: http.MethodPost, path: deskLink}, http.StatusNotFound)
	w := newRig(t).do(t, ask{method: http.MethodGet, path: "/acknowledge.css"})
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(got, "text/css") {
		t.Errorf("style sheet: status %d, %s", w.Code, got)
	}
}

// answering has one answer to every acknowledgement.
type answering struct {
	*fakeRecords
	first emergency.Acknowledgement
	err   error
}

func (a answering) Acknowledge(context.Context, emergency.NoticeLink, time.Time) (emergency.Acknowledgement, error) {
	return a.first, a.err
}

// Whatever the records say of an acknowledgement, the page says the same: who was first
// is told so even when the records write the address in another way, and a call that has
// been erased is like a notice that has.
func TestWhatTheRecordsAnswer(t *testing.T) {
	first := emergency.Acknowledgement{At: testTime, By: "the desk", First: true}
	for name, c := range map[string]struct {
		answer answering
		status int
		says   string
	}{
		"the first":      {answering{first: first}, http.StatusOK, "You were the first"},
		"an erased call": {answering{err: emergency.ErrUnknownCall}, http.StatusGone, "too old"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) { c.answer.fakeRecords = newFakeRecords(); o.Records = c.answer })
			wantPage(t, r.press(t, deskLink), c.status, c.says)
		})
	}
}
