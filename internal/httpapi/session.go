package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	sessionCookie = "lifeline_session"
	// sessionLife is a working day with overtime.
	sessionLife = 12 * time.Hour
)

// A session is "<id>.<expiry>.<mac>", signed with a key derived from the token.
// So it needs no storage and outlives a restart, ends with the token when that is
// withdrawn, and who steals it learns no token and may only read.

func sessionKey(token string) []byte { return sign([]byte(token), "lifeline session key") }

// sessionID finds the holder again without naming them.
func (h *holder) sessionID() string { return hex.EncodeToString(sign(h.sessionKey, "id"))[:16] }

func (h *holder) session(expiry time.Time) string {
	claim := h.sessionID() + "." + strconv.FormatInt(expiry.Unix(), 10)
	return claim + "." + hex.EncodeToString(sign(h.sessionKey, claim))
}

// findSession is the holder of a session that is genuine and not over.
func (t Tokens) findSession(session string, now time.Time) *holder {
	claim, mac := cutLast(session, ".")
	id, expiry, _ := strings.Cut(claim, ".")
	h := t.bySession[id]
	if h == nil {
		return nil
	}
	given, err := hex.DecodeString(mac)
	if err != nil || !hmac.Equal(given, sign(h.sessionKey, claim)) {
		return nil
	}
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || !now.Before(time.Unix(seconds, 0)) {
		return nil
	}
	return h
}

// setSession logs a browser in. The cookie demands TLS, except on this very
// machine, where there is none.
func (h *holder) setSession(w http.ResponseWriter, r *http.Request, now time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name:     sessionCookie,
		Value:    h.session(now.Add(sessionLife)),
		Path:     "/",
		MaxAge:   int(sessionLife.Seconds()),
		HttpOnly: true,
		Secure:   !loopback(r.Host),
		SameSite: http.SameSiteStrictMode,
	})
}

func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func cutLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return s, ""
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
