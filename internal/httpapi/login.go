package httpapi

import (
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"

	"github.com/gin-gonic/gin"
)

//go:embed pages
var pages embed.FS

var loginPage = template.Must(template.ParseFS(pages, "pages/login.html"))

// loginPolicy lets the page do what it needs and nothing else.
const loginPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// serveLogin mounts the page that turns a token into a session. A link to it has
// the token in its fragment, /login#token=…&next=…, which browsers keep to
// themselves: no log of any server or proxy ever holds it.
func (s *server) serveLogin(engine *gin.Engine) {
	engine.GET("/login", s.showLogin)
	engine.POST("/login", s.logIn)
	files := http.FS(pages)
	engine.StaticFileFS("/login/login.js", "pages/login.js", files)
	engine.StaticFileFS("/login/login.css", "pages/login.css", files)
}

func (s *server) showLogin(c *gin.Context) {
	who := ""
	if h, err := s.Tokens.identify(c.Request, time.Now(), true); err == nil {
		who = h.identity.String()
	}
	s.showPage(c, http.StatusOK, loginPage, loginPolicy, who)
}

// showPage shows a page of pages/, which may do what the policy lets it do.
func (s *server) showPage(c *gin.Context, status int, page *template.Template, policy string, data any) {
	header := c.Writer.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	if err := page.Execute(c.Writer, data); err != nil {
		s.Logger.DebugContext(c, "page cut", "page", page.Name(), "error", err) // the reader has gone
	}
}

// loginRequest is what the page sends.
type loginRequest struct {
	Token string `json:"token"`
	// Next is where the person wants to go; it may be anything a link says.
	Next string `json:"next"`
}

// login is who has come in, and where the page may go.
type login struct {
	Role    Role              `json:"role"`
	AgentID emergency.AgentID `json:"agentId,omitempty"`
	Next    string            `json:"next,omitempty"`
}

// logIn checks a token and answers with the session cookie. It takes JSON alone,
// which no other site can send without asking first.
func (s *server) logIn(c *gin.Context) {
	data, err := readBody(c.Writer, c.Request, maxBody)
	if err == nil {
		_, err = parseBody(c.Request.Header, data)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	var request loginRequest
	if err := json.Unmarshal(data, &request); err != nil {
		s.fail(c, invalid("", "must be an object with a token"))
		return
	}
	h := s.Tokens.find(strings.TrimSpace(request.Token))
	if h == nil {
		s.fail(c, errForeignToken)
		return
	}
	h.setSession(c.Writer, c.Request, time.Now())
	c.JSON(http.StatusOK, login{Role: h.identity.Role, AgentID: h.identity.AgentID, Next: s.allowedNext(request.Next)})
}

// allowedNext is an address that the page may go to, or nothing: a path of this
// service, or an address at one of the origins in Options.LoginNext. Anything
// else would make a login link a way to anywhere.
func (s *server) allowedNext(next string) string {
	target, err := url.Parse(next)
	if err != nil || strings.ContainsAny(next, "\\\t\r\n ") {
		return ""
	}
	if target.Scheme == "" && target.Host == "" && strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") {
		return next
	}
	origin := target.Scheme + "://" + target.Host
	known := slices.ContainsFunc(s.LoginNext, func(allowed string) bool { return strings.TrimSuffix(allowed, "/") == origin })
	if target.User != nil || !known {
		return ""
	}
	return next
}
