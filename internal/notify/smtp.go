package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// SMTP hands messages to a mail server, each over a connection of its own: notices
// are few, and a connection kept open is one that may have broken unseen. It may be
// used by several goroutines at once.
type SMTP struct {
	relay   relay
	from    *mail.Address
	timeout time.Duration
}

// NewSMTP sends from the given sender through the mail server that the URL names:
//
//   - smtp://user:password@mail.example.com:587 demands STARTTLS, and sends nothing
//     to a server that does not offer it.
//   - smtps://user:password@mail.example.com:465 speaks TLS from the first byte.
//   - smtp://mail.example.com:25?starttls=never sends notices as clear text, for a
//     relay on a network that everybody on it may be trusted with. It takes no
//     password.
//
// Certificates must come from an authority that the system trusts. User and
// password may be left out; what is special in a URL is percent-encoded in them. The
// time-out bounds one attempt from connecting to the end of the answer.
func NewSMTP(url, from string, timeout time.Duration) (*SMTP, error) {
	sender, err := parseSender(from)
	if err != nil {
		return nil, err
	}
	server, err := parseRelay(url)
	switch {
	case err != nil:
		return nil, fmt.Errorf("configure SMTP: %w", err)
	case timeout <= 0:
		return nil, errors.New("configure SMTP: the time-out must be longer than zero")
	}
	return &SMTP{relay: server, from: sender, timeout: timeout}, nil
}

// Send returns the Message-ID when the mail server has taken the message over. A
// connection that breaks before the server has said so counts as not sent: the
// message goes out again under the same Message-ID.
func (s *SMTP) Send(ctx context.Context, m Message) (string, error) {
	recipient, err := m.check()
	if err != nil {
		return "", err
	}
	id := messageID(m, s.from, recipient)
	content, err := compose(m, id, s.from, recipient)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.deliver(ctx, recipient, content); err != nil {
		return "", err
	}
	return id, nil
}

// deliver has one talk with the mail server. The library heeds no context, so the
// connection ends with it.
func (s *SMTP) deliver(ctx context.Context, recipient *mail.Address, content []byte) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.relay.address)
	if err != nil {
		return failedAt(ctx, "connecting", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	session, err := s.relay.open(ctx, &bounded{Conn: conn, left: mostHeard}, domainOf(s.from))
	if err != nil {
		return err
	}
	err = s.submit(ctx, session, recipient, content)
	// Whatever becomes of the farewell, the server has said what it does with the
	// message.
	_ = conn.SetDeadline(time.Now().Add(farewell))
	_ = session.Quit()
	return err
}

// farewell is how long a server may take to say good-bye.
const farewell = time.Second

// submit offers the message to a server that knows us.
func (s *SMTP) submit(ctx context.Context, session *smtp.Client, recipient *mail.Address, content []byte) error {
	international := !isASCII(recipient.Address)
	if offered, _ := session.Extension("SMTPUTF8"); international && !offered {
		return permanent("mail server takes no international mailbox names (SMTPUTF8)")
	}
	// A message marked as international is turned away by every later server that
	// does not know the extension, so only one that has to be is marked.
	session.SkipSMTPUTF8(!international)
	if err := session.Mail(inBrackets(s.from)); err != nil {
		return failedAt(ctx, "MAIL", err)
	}
	if err := session.Rcpt(inBrackets(recipient)); err != nil {
		return failedAt(ctx, "RCPT", err)
	}
	writer, err := session.Data()
	if err != nil {
		return failedAt(ctx, "DATA", err)
	}
	_, err = writer.Write(content)
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		return failedAt(ctx, "the message", err)
	}
	return nil
}

// inBrackets quotes the mailbox name where it must be quoted.
func inBrackets(address *mail.Address) string {
	return (&mail.Address{Address: address.Address}).String()
}

// failedAt words what ended the talk at a step. What the server wrote is left out,
// because nothing says that it does not quote the recipient or the user.
func failedAt(ctx context.Context, step string, err error) *SendError {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return refusedAt(step, answer)
	}
	if _, garbled := errors.AsType[textproto.ProtocolError](err); garbled {
		err = errGarbled
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return &SendError{Misconfigured: untrusted, Reason: "talk with the mail server broke off at " + step, Err: err}
}

var errGarbled = errors.New("its answer is not SMTP")

var enhancedCode = regexp.MustCompile(`(?m)^[245]\.\d{1,3}\.\d{1,3}\b`)

// refusedAt reads an answer other than the one that was hoped for. Only a 5yz to
// what names the recipient or holds the message is for good. What comes earlier,
// the sender included, is about our configuration, and so is a demand to log in,
// whenever it comes: the notice goes out once an administrator has mended it, and
// until then everybody's fails alike.
func refusedAt(step string, answer *textproto.Error) *SendError {
	refused := &SendError{Reason: fmt.Sprintf("mail server answered %d", answer.Code)}
	if detail := enhancedCode.FindString(answer.Msg); detail != "" {
		refused.Reason += " " + detail
	}
	refused.Reason += " to " + step
	theirs := slices.Contains([]string{"RCPT", "DATA", "the message"}, step)
	ofTheLogin := slices.Contains([]int{530, 534, 535, 538}, answer.Code) // RFC 4954 section 6
	refused.Permanent = answer.Code/100 == 5 && theirs && !ofTheLogin
	ours := slices.Contains([]string{"AUTH", "MAIL"}, step)
	refused.Misconfigured = answer.Code/100 == 5 && ours || ofTheLogin
	return refused
}

// bounded ends a talk with a server that does not stop talking, for the library
// keeps every answer in memory, whatever its length.
type bounded struct {
	net.Conn
	left int
}

// mostHeard is far more than any server says about one message, certificates
// included.
const mostHeard = 1 << 20

var errTalkative = errors.New("it does not stop talking")

// Read fails once the server has said as much as it may.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errTalkative
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err //nolint:wrapcheck // io.EOF must come out as it is
}

// open greets the server, makes the connection safe as the relay demands, and logs
// in. EHLO names the sender's domain, because the host's own name means nothing
// outside a container.
func (r relay) open(ctx context.Context, conn net.Conn, domain string) (*smtp.Client, error) {
	if r.security == tlsAtOnce {
		secure := tls.Client(conn, r.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, failedAt(ctx, "TLS", err)
		}
		conn = secure
	}
	session, err := smtp.NewClient(conn, r.host)
	if err != nil {
		return nil, failedAt(ctx, "the greeting", err)
	}
	if err := session.Hello(domain); err != nil {
		return nil, failedAt(ctx, "EHLO", err)
	}
	if r.security == startTLS {
		if offered, _ := session.Extension("STARTTLS"); !offered {
			return nil, &SendError{Misconfigured: true, Reason: "mail server offers no STARTTLS"}
		}
		if err := session.StartTLS(r.tls); err != nil {
			return nil, failedAt(ctx, "STARTTLS", err)
		}
	}
	if r.user != "" {
		if err := r.logIn(ctx, session); err != nil {
			return nil, err
		}
	}
	return session, nil
}
