package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail/smtp"
)

// security is how a connection to a mail server is kept private.
type security int

const (
	startTLS security = iota
	tlsAtOnce
	clearText
)

// relay is a mail server and what we are there. Its password stands in no error.
type relay struct {
	host     string
	address  string
	security security
	// user is empty when the server wants no log-in, and always over clear text.
	user     string
	password string
	// tls is what tests trust a certificate of their own with.
	tls *tls.Config
}

var (
	errRelayURL      = errors.New("the URL must look like smtp://user:password@host:587 or smtps://user:password@host:465, what is special in user and password percent-encoded")
	errRelayHost     = errors.New("the host must be ASCII, an international name in its xn-- form, and the port between 1 and 65535")
	errRelayOption   = errors.New("the URL takes no option but starttls=never, and that with smtp alone")
	errRelayUser     = errors.New("the URL must have both user and password or neither, without control characters")
	errRelayPassword = errors.New("a password is never sent as clear text: leave out starttls=never, or user and password")
)

// parseRelay reads a URL without repeating any of it in an error.
func parseRelay(raw string) (relay, error) {
	parsed, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || strings.Trim(parsed.Path, "/") != "" || parsed.Opaque != "" || parsed.Fragment != "" {
		return relay{}, errRelayURL
	}
	r := relay{host: parsed.Hostname()}
	port := ""
	switch parsed.Scheme + "?" + parsed.RawQuery {
	case "smtp?":
		r.security, port = startTLS, "587"
	case "smtps?":
		r.security, port = tlsAtOnce, "465"
	case "smtp?starttls=never":
		r.security, port = clearText, "25"
	default:
		if parsed.Scheme != "smtp" && parsed.Scheme != "smtps" {
			return relay{}, errRelayURL
		}
		return relay{}, errRelayOption
	}
	if parsed.Port() != "" {
		port = parsed.Port()
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 ||
		r.host == "" || strings.ContainsFunc(r.host, notVisible) {
		return relay{}, errRelayHost
	}
	r.address = net.JoinHostPort(r.host, port)
	r.tls = &tls.Config{ServerName: r.host, MinVersion: tls.VersionTLS12}
	return r.as(parsed.User)
}

// as adds who we are to a relay.
func (r relay) as(who *url.Userinfo) (relay, error) {
	r.user = who.Username()
	r.password, _ = who.Password()
	switch {
	case (r.user == "") != (r.password == ""), strings.ContainsFunc(r.user+r.password, unicode.IsControl):
		return relay{}, errRelayUser
	case r.user != "" && r.security == clearText:
		return relay{}, errRelayPassword
	}
	return r, nil
}

// logIn takes the strongest mechanism that the server offers. SCRAM keeps the
// password even from a server that is not who its certificate says, and with PLUS
// from one in between. Without TLS there is no log-in, whatever is offered.
func (r relay) logIn(ctx context.Context, session *smtp.Client) error {
	state, err := session.GetTLSConnectionState()
	if err != nil {
		return failedAt(ctx, "AUTH", err)
	}
	_, list := session.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	for _, known := range []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256-PLUS", smtp.ScramSHA256PlusAuth(r.user, r.password, state)},
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(r.user, r.password)},
		{"SCRAM-SHA-1-PLUS", smtp.ScramSHA1PlusAuth(r.user, r.password, state)},
		{"SCRAM-SHA-1", smtp.ScramSHA1Auth(r.user, r.password)},
		{"PLAIN", smtp.PlainAuth("", r.user, r.password, r.host, false)},
		{"LOGIN", smtp.LoginAuth(r.user, r.password, r.host, false)},
	} {
		if !slices.Contains(offered, known.name) {
			continue
		}
		if err := session.Auth(known.auth); err != nil {
			return failedAt(ctx, "AUTH", unquoted(err))
		}
		return nil
	}
	return &SendError{Misconfigured: true, Reason: "mail server offers no way to log in that is known here"}
}

// unquoted keeps answers and failures of the network, and drops what a mechanism
// says of a challenge, because it quotes the challenge.
func unquoted(err error) error {
	_, answered := errors.AsType[*textproto.Error](err)
	_, network := errors.AsType[net.Error](err)
	if answered || network || errors.Is(err, io.EOF) {
		return err
	}
	return errLogIn
}

var errLogIn = errors.New("the exchange went wrong")
