package notify

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// A server that refuses before it has heard of recipient or message is at odds with
// our configuration or out of order: it may pass, whatever it answers. So may a
// refusal of DATA that says 4yz.
func TestSMTPRefusesEarly(t *testing.T) {
	cases := []struct{ step, line, want string }{
		{"the greeting", "421 4.7.0 too busy for desk@example.org", "mail server answered 421 4.7.0 to the greeting"},
		{"the greeting", "554 no mail here", "mail server answered 554 to the greeting"},
		{"EHLO", "550 go away\r\n502 and with HELO", "mail server answered 550 to EHLO"},
		{"STARTTLS", "454 4.7.0 no", "mail server answered 454 4.7.0 to STARTTLS"},
		{"DATA", "451 4.3.1 no room", "mail server answered 451 4.3.1 to DATA"},
		{"DATA", "250 fine", "mail server answered 250 to DATA"},
	}
	for _, c := range cases {
		t.Run(c.line, func(t *testing.T) {
			server := &misfit{step: c.step, act: func(conn net.Conn) { answer(c.line)(conn) }}
			transport := newSMTP(t, "smtp://", server.open(t, false), "", longEnough)
			if c.step == "DATA" {
				transport = newSMTP(t, "smtps://", server.open(t, true), "", longEnough)
			}
			_, err := transport.Send(t.Context(), render(t, placed()))
			wantRetryable(t, err)
			if err.Error() != c.want {
				t.Errorf("error %q, want %q", err, c.want)
			}
		})
	}
}

// steps are where a server can fail, and whether it comes there with TLS at once.
var steps = []struct {
	step   string
	atOnce bool
	// told is the step as the error names it; empty if it is the same.
	told string
}{
	{"the greeting", false, ""},
	{"EHLO", false, ""},
	{"STARTTLS", false, ""},
	{"TLS", false, "STARTTLS"},
	{"AUTH", true, ""},
	{"MAIL", true, ""},
	{"RCPT", true, ""},
	{"DATA", true, ""},
	{"the middle of the message", true, "the message"},
	{"the message", true, ""},
}

// fail sends through a server that misbehaves at each step in turn.
func fail(t *testing.T, act func(net.Conn), timeout time.Duration, check func(t *testing.T, step string, err error), during func(*misfit, context.CancelFunc)) {
	t.Helper()
	for _, c := range steps {
		t.Run(c.step, func(t *testing.T) {
			server := &misfit{step: c.step, act: act}
			before := "smtp://" + mailLogIn
			if c.atOnce {
				before = "smtps://" + mailLogIn
			}
			transport := newSMTP(t, before, server.open(t, c.atOnce), "", timeout)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if during != nil {
				go during(server, cancel)
			}
			_, err := transport.Send(ctx, render(t, placed()))
			wantRetryable(t, err)
			wantNothingQuoted(t, err)
			told := c.told
			if told == "" {
				told = c.step
			}
			check(t, told, err)
		})
	}
}

// brokeOffAt checks that an error names the step. The greeting is one with
// connecting, for the server knows before us that the connection stands.
func brokeOffAt(t *testing.T, step string, err error) {
	t.Helper()
	const prefix = "talk with the mail server broke off at "
	early := step == "the greeting" && strings.HasPrefix(err.Error(), prefix+"connecting: ")
	if !strings.HasPrefix(err.Error(), prefix+step+": ") && !early {
		t.Errorf("error %q does not name the step %q", err, step)
	}
}

// A server that says nothing more, at whatever step, ends with the attempt's
// time-out, and another attempt may help.
func TestSMTPHangs(t *testing.T) {
	fail(t, hang, 30*time.Millisecond, func(t *testing.T, _ string, err error) {
		t.Helper()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v does not tell of the time-out", err)
		}
	}, nil)
}

// A caller that gives up ends the attempt, at whatever step it is.
func TestSMTPHonoursCancellation(t *testing.T) {
	fail(t, hang, longEnough, func(t *testing.T, step string, err error) {
		t.Helper()
		if brokeOffAt(t, step, err); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v does not tell of the cancellation", err)
		}
	}, func(server *misfit, cancel context.CancelFunc) {
		<-server.reached
		cancel()
	})
}

// A connection that breaks, at whatever step, may hold next time.
func TestSMTPConnectionBreaks(t *testing.T) {
	t.Run("reset", func(t *testing.T) { fail(t, reset, longEnough, brokeOffAt, nil) })
	t.Run("hung up", func(t *testing.T) { fail(t, hangUp, longEnough, brokeOffAt, nil) })
}

// A server that speaks something else, or does not stop, fails at once and is not
// quoted.
func TestSMTPGarbage(t *testing.T) {
	none := func(*testing.T, string, error) {}
	for rule, act := range map[string]func(net.Conn){
		"another protocol":   answer("<html>desk@example.org</html>"),
		"no code":            answer("9"),
		"bytes":              answer("\x00\xff\r\n\r\n"),
		"a bad challenge":    answer("334 %%%desk@example.org"),
		"challenges":         answer("334 " + base64.StdEncoding.EncodeToString([]byte("desk@example.org"))),
		"a line without end": talkOn("desk@example.org "),
		"lines without end":  talkOn("250-desk@example.org\r\n"),
	} {
		t.Run(rule, func(t *testing.T) { fail(t, act, longEnough, none, nil) })
	}
}

// Once the server has said that it has the message, no farewell can undo it.
func TestSMTPFarewellDoesNotCount(t *testing.T) {
	for rule, act := range map[string]func(net.Conn){"hung up": hangUp, "reset": reset, "refused": answer("500 no"), "hangs": hang} {
		t.Run(rule, func(t *testing.T) {
			server := &misfit{step: "QUIT", act: act}
			transport := newSMTP(t, "smtps://", server.open(t, true), "", longEnough)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { <-server.reached; cancel() }()
			if _, err := transport.Send(ctx, render(t, placed())); err != nil {
				t.Errorf("send: %v", err)
			}
		})
	}
}

// A host where nobody listens may come back, and a cancelled attempt sends nothing.
func TestSMTPCannotConnect(t *testing.T) {
	closed := listen(t)
	_ = closed.Close()
	_, err := newSMTP(t, "smtp://"+mailLogIn, closed.Addr(), "", longEnough).Send(t.Context(), render(t, placed()))
	wantRetryable(t, err)
	wantNothingQuoted(t, err)

	office := &postOffice{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newSMTP(t, "smtp://", office.open(t, false, nil), "", longEnough).Send(ctx, render(t, placed()))
	wantRetryable(t, err)
	if !errors.Is(err, context.Canceled) || len(office.letters()) != 0 {
		t.Errorf("error %v, messages %v", err, office.letters())
	}
}
