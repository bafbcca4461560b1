package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeline/internal/httpapi"

	"github.com/emersion/go-smtp"
)

// Notices reach a real mail server (S9).
func TestMailServer(t *testing.T) {
	t.Parallel()
	office := newPostOffice(t)
	i := newInstallation(t, "MAIL_TRANSPORT=smtp", "SMTP_URL=smtp://"+office.address+"?starttls=never")
	i.standalone()
	call := i.as("carrier").dial("agent-us", "911")
	(&life{T: t, installation: i, call: call}).awaitNotice()
	for _, recipient := range []string{"security@example.org", "supervisor@example.org"} {
		if message := office.messageTo(recipient); !strings.Contains(message, call.CallbackNumber) {
			t.Errorf("%s got %q", recipient, message)
		}
	}
}

// A mail server that takes the connection and says nothing delays neither the call nor
// anything that follows: that is Kari's Law (B7).
func TestHangingMailServerDelaysNothing(t *testing.T) {
	t.Parallel()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	i := newInstallation(t, append([]string{"MAIL_TRANSPORT=smtp", "SMTP_URL=smtp://" + silent.Addr().String() + "?starttls=never"}, shortTerms...)...)
	i.standalone()
	call := i.as("carrier").dial("agent-us", "911")
	if decision := i.as("carrier").inbound(call.CallbackNumber); decision.AgentID != "agent-us" {
		t.Errorf("a callback goes to %q", decision.AgentID)
	}
	i.as("carrier").end(call)
	if shown := i.as("admin").presence("agent-us"); shown != "available" {
		t.Errorf("after the call the agent shows %s", shown)
	}
	i.awaitStatus(call, httpapi.CallStatusEnded)
	i.awaitFree(call.CallbackNumber)
	var ready httpapi.Ready
	i.as("admin").must(http.StatusOK, http.MethodGet, "/readyz", nil, &ready)
}

// postOffice is a mail server that keeps what it gets.
type postOffice struct {
	address string

	// takes is how long it takes over each message.
	takes time.Duration

	mu       sync.Mutex
	messages map[string]string
	count    int
}

func newPostOffice(t testing.TB) *postOffice {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	office := &postOffice{address: listener.Addr().String(), messages: map[string]string{}}
	server := smtp.NewServer(office)
	server.Domain = "localhost"
	go server.Serve(listener) //nolint:errcheck // it ends when the test closes it
	t.Cleanup(func() { _ = server.Close() })
	return office
}

func (o *postOffice) messageTo(recipient string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.messages[recipient]
}

// received is how many messages have come.
func (o *postOffice) received() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count
}

// NewSession begins one delivery.
func (o *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{office: o}, nil }

// delivery is one connection to the post office.
type delivery struct {
	office *postOffice
	to     string
}

func (*delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (*delivery) Reset()                               {}
func (*delivery) Logout() error                        { return nil }

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	time.Sleep(d.office.takes)
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	d.office.count++
	d.office.messages[d.to] = string(content)
	return nil
}
