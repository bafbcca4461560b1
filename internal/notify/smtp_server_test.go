package notify

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	mailUser     = "lifeline@example.com"
	mailPassword = "p@ss:w/rd %41ü"
	// mailLogIn is both as they stand in a URL.
	mailLogIn = "lifeline%40example.com:p%40ss%3Aw%2Frd%20%2541%C3%BC@"
)

// authority is a certificate for 127.0.0.1 that vouches for itself.
var authority = sync.OnceValue(func() tls.Certificate { return certify(net.IPv4(127, 0, 0, 1)) })

func certify(host net.IP) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail server of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{host}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func serving(certificate tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
}

// newSMTP connects to a server of the test's own and trusts its certificate. The
// form of the URL is all but the address: what stands before it, and after.
func newSMTP(t *testing.T, before string, address net.Addr, after string, timeout time.Duration) *SMTP {
	t.Helper()
	transport, err := NewSMTP(before+address.String()+after, sender, timeout)
	if err != nil {
		t.Fatalf("configure SMTP: %v", err)
	}
	transport.relay.tls.RootCAs = x509.NewCertPool()
	transport.relay.tls.RootCAs.AddCert(authority().Leaf)
	return transport
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// delivered is what a mail server has taken over.
type delivered struct {
	mechanism string
	secure    bool
	utf8      bool
	from, to  string
	content   []byte
}

// postOffice is what stands behind a real SMTP server: it keeps what it takes, and
// refuses what it is told to.
type postOffice struct {
	mechanisms []string
	// refuse is the answer by step: MAIL, RCPT or DATA.
	refuse map[string]*smtp.SMTPError

	mu    sync.Mutex
	taken []delivered
}

// open runs the server. Before its certificate is used, change may alter it.
func (p *postOffice) open(t *testing.T, atOnce bool, change func(*smtp.Server)) net.Addr {
	t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &counter{office: p, conn: c}, nil
	}))
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.TLSConfig = serving(authority())
	if change != nil {
		change(server)
	}
	listener := listen(t)
	address := listener.Addr()
	if atOnce {
		listener, server.TLSConfig = tls.NewListener(listener, server.TLSConfig), nil
	}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // which the server may not yet know
		running.Wait()
	})
	return address
}

func (p *postOffice) letters() []delivered {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.taken)
}

// counter serves one connection.
type counter struct {
	office *postOffice
	conn   *smtp.Conn
	letter delivered
}

func (c *counter) Reset()                   {}
func (c *counter) Logout() error            { return nil }
func (c *counter) AuthMechanisms() []string { return c.office.mechanisms }

func (c *counter) Auth(mechanism string) (sasl.Server, error) {
	c.letter.mechanism = mechanism
	check := func(user, password string) error {
		if user != mailUser || password != mailPassword {
			return smtp.ErrAuthFailed
		}
		return nil
	}
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	}
	return newSCRAMServer(mechanism, c.conn)
}

func (c *counter) refusal(step string) error {
	if refused := c.office.refuse[step]; refused != nil {
		return refused
	}
	return nil
}

func (c *counter) Mail(from string, options *smtp.MailOptions) error {
	_, c.letter.secure = c.conn.TLSConnectionState()
	c.letter.from, c.letter.utf8 = from, options.UTF8
	return c.refusal("MAIL")
}

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.letter.to = to
	return c.refusal("RCPT")
}

func (c *counter) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := c.refusal("DATA"); err != nil {
		return err
	}
	c.letter.content = content
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.taken = append(c.office.taken, c.letter)
	return nil
}

// misfit speaks just enough SMTP to come to one step, and there does what no
// server should.
type misfit struct {
	step string
	act  func(net.Conn)
	// reached is closed when it has come to the step.
	reached chan struct{}

	mu    sync.Mutex
	heard []string
}

// open runs the server, with TLS at once or in the clear.
func (m *misfit) open(t *testing.T, atOnce bool) net.Addr {
	t.Helper()
	m.reached = make(chan struct{})
	listener := listen(t)
	address := listener.Addr()
	if atOnce {
		listener = tls.NewListener(listener, serving(authority()))
	}
	var running sync.WaitGroup
	running.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		m.talk(conn)
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return address
}

// answers are what a server says that has nothing against a message.
var answers = map[string]string{
	"EHLO": "250-mail.example.com\r\n250-STARTTLS\r\n250 AUTH LOGIN", "STARTTLS": "220 go ahead",
	"AUTH": "235 welcome", "MAIL": "250 fine", "RCPT": "250 fine", "DATA": "354 go ahead",
	"the message": "250 taken", "QUIT": "221 bye",
}

func (m *misfit) talk(conn net.Conn) {
	if !m.say(conn, "the greeting", "220 mail.example.com ESMTP") {
		return
	}
	for reader := bufio.NewReader(conn); ; {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		m.mu.Lock()
		m.heard = append(m.heard, strings.TrimSpace(line))
		m.mu.Unlock()
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		answer, known := answers[verb]
		if !known {
			verb, answer = "another command", "502 5.5.1 not here"
		}
		switch {
		case !m.say(conn, verb, answer):
			return
		case verb == "STARTTLS" && !m.say(conn, "TLS", ""):
			return
		case verb == "DATA" && (!m.takeMessage(conn, reader) || !m.say(conn, "the message", answers["the message"])):
			return
		}
	}
}

// takeMessage reads a message to its end, or to its middle.
func (m *misfit) takeMessage(conn net.Conn, reader *bufio.Reader) bool {
	for range 3 {
		if _, err := reader.ReadString('\n'); err != nil {
			return false
		}
	}
	if !m.say(conn, "the middle of the message", "") {
		return false
	}
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			return true
		}
	}
}

// say answers, and returns false after the step where it misbehaved.
func (m *misfit) say(conn net.Conn, step, answer string) bool {
	if step == m.step {
		close(m.reached)
		m.act(conn)
		return false
	}
	if answer == "" {
		return true
	}
	_, err := io.WriteString(conn, answer+"\r\n")
	return err == nil
}

func (m *misfit) lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.heard)
}

// hang says nothing until the other side has had enough.
func hang(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func reset(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func hangUp(net.Conn) {}

// answer says the same to whatever it hears from now on.
func answer(line string) func(net.Conn) {
	return func(conn net.Conn) {
		for reader := bufio.NewReader(conn); ; {
			if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
				return
			}
			if _, err := reader.ReadString('\n'); err != nil {
				return
			}
		}
	}
}

// talkOn repeats itself for as long as anybody listens.
func talkOn(line string) func(net.Conn) {
	return func(conn net.Conn) {
		for many := bytes.Repeat([]byte(line), 1000); ; {
			if _, err := conn.Write(many); err != nil {
				return
			}
		}
	}
}

// loginServer asks for user and password in turn.
type loginServer struct {
	check func(user, password string) error
	user  *string
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	switch {
	case response == nil:
		return []byte("Username:"), false, nil
	case l.user == nil:
		l.user = new(string(response))
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(*l.user, string(response))
}
