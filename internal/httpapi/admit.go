package httpapi

import (
	"net/http"
	"strings"
	"time"

	"lifeline/internal/emergency"

	"github.com/gin-gonic/gin"
)

var (
	errNotLoggedIn = &fault{
		status: http.StatusUnauthorized, code: "unauthenticated",
		detail: "Send a token of this service as Authorization: Bearer <token>.",
	}
	errForeignToken = &fault{
		status: http.StatusUnauthorized, code: "unauthenticated",
		detail: "This token, or session, is not known here or is over.",
	}
	errReadingOnly = &fault{
		status: http.StatusUnauthorized, code: "unauthenticated",
		detail: "A browser session is for reading; send a token as Authorization: Bearer <token> to change anything.",
	}
	errForbidden = &fault{
		status: http.StatusForbidden, code: "forbidden",
		detail: "This role may not do that.",
	}
	errNotYours = &fault{
		status: http.StatusForbidden, code: "forbidden",
		detail: "Agents reach their own calls, presence, location and readiness alone.",
	}
)

// admit asks who is there and whether their role may do this (401, 403). What
// the path says to belong to another agent is refused here; what only the body
// or the record tells, the handlers check with visit.covers.
func (s *server) admit(c *gin.Context) {
	v := visitOf(c.Request.Context())
	v.op = s.contract[c.Request.Method+" "+c.FullPath()]
	if v.op.public {
		return
	}
	holder, err := s.Tokens.identify(c.Request, time.Now(), c.Request.Method == http.MethodGet)
	if err != nil {
		s.fail(c, err)
		return
	}
	v.who, v.key = holder.identity, holder.key()
	v.reach = access[v.op.id][v.who.Role]
	if v.reach == nothing {
		s.fail(c, errForbidden)
		return
	}
	if agent := c.Param("agentId"); agent != "" && !v.covers(emergency.AgentID(agent)) {
		s.fail(c, errNotYours)
	}
}

// identify finds who sends a request. An Authorization header counts before a
// cookie, and a bad one is not saved by a good cookie.
func (t Tokens) identify(r *http.Request, now time.Time, cookies bool) (*holder, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if strings.EqualFold(scheme, "Bearer") {
			if h := t.find(strings.TrimSpace(token)); h != nil {
				return h, nil
			}
		}
		return nil, errForeignToken
	}
	cookie, err := r.Cookie(sessionCookie)
	switch {
	case err != nil:
		return nil, errNotLoggedIn
	case !cookies:
		return nil, errReadingOnly
	}
	if h := t.findSession(cookie.Value, now); h != nil {
		return h, nil
	}
	return nil, errForeignToken
}

// AuthorizeCodec decides about one request to the codec endpoint, which shows
// what Temporal keeps encrypted (B14): supervisors only. The Temporal Web UI
// sends the session cookie, programs the token. A refusal is written here.
func (t Tokens) AuthorizeCodec(w http.ResponseWriter, r *http.Request) bool {
	h, err := t.identify(r, time.Now(), true)
	if err == nil && access[decodePayloads][h.identity.Role] == nothing {
		err = errForbidden
	}
	if err != nil {
		writeProblem(w, visitOf(r.Context()), faultOf(err, nil))
		return false
	}
	return true
}
