package httpapi

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"lifeline/internal/emergency"

	"github.com/gin-gonic/gin"
)

var acknowledgePage = template.Must(template.ParseFS(pages, "pages/acknowledge.html"))

// acknowledgePolicy lets the page send its form and nothing else; there is no script.
const acknowledgePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// serveAcknowledge mounts the page where people say that they have seen a notice (B9).
// A program that follows every link of a mail opens it and so acknowledges nothing: that
// takes the button.
func (s *server) serveAcknowledge(engine gin.IRouter) {
	engine.GET("/acknowledge/:token", s.askToAcknowledge)
	engine.HEAD("/acknowledge/:token", s.askToAcknowledge)
	engine.POST("/acknowledge/:token", s.acknowledge)
	engine.StaticFileFS("/acknowledge.css", "pages/acknowledge.css", http.FS(pages))
}

// acknowledgeView is what the page says: one of its states, and who was first.
type acknowledgeView struct {
	// State is ask, done, busy, expired or broken.
	State string
	// Yours says that whoever looks at the page was first.
	Yours bool
	// By is the e-mail address of who was first; empty when nobody knows.
	By string
	// At is for people, and Exactly for programs.
	At, Exactly string
}

// askToAcknowledge shows the button. It reads nothing but the link, so that it works
// while the database does not.
func (s *server) askToAcknowledge(c *gin.Context) {
	if _, ok := s.readLink(c); ok {
		s.showAcknowledge(c, http.StatusOK, acknowledgeView{State: "ask"})
	}
}

// acknowledge keeps that the notice has been seen. To press the button twice changes
// nothing.
func (s *server) acknowledge(c *gin.Context) {
	link, ok := s.readLink(c)
	if !ok {
		return
	}
	first, err := s.Records.Acknowledge(c.Request.Context(), link, time.Now().UTC())
	switch {
	case errors.Is(err, emergency.ErrUnknownNotice), errors.Is(err, emergency.ErrUnknownCall):
		s.showAcknowledge(c, http.StatusGone, acknowledgeView{State: "expired"}) // it has been erased
	case err != nil:
		s.Logger.ErrorContext(c, "acknowledgement not kept", "requestId", visitOf(c.Request.Context()).id, "error", err)
		s.showAcknowledge(c, http.StatusServiceUnavailable, acknowledgeView{State: "busy"})
	default:
		s.showAcknowledge(c, http.StatusOK, doneView(first, link.RecipientKey))
	}
}

func doneView(first emergency.Acknowledgement, reader string) acknowledgeView {
	at := first.At.UTC()
	return acknowledgeView{
		State: "done", By: first.By, At: at.Format("2 January 2006 at 15:04:05") + " UTC", Exactly: at.Format(time.RFC3339),
		Yours: first.First || emergency.RecipientKey(first.By) == reader,
	}
}

// readLink reads what the link is for, or shows why it does not count.
func (s *server) readLink(c *gin.Context) (emergency.NoticeLink, bool) {
	link, err := s.Links.Read(c.Param("token"), time.Now())
	switch {
	case errors.Is(err, emergency.ErrLinkExpired):
		s.showAcknowledge(c, http.StatusGone, acknowledgeView{State: "expired"})
	case err != nil:
		s.showAcknowledge(c, http.StatusNotFound, acknowledgeView{State: "broken"})
	}
	return link, err == nil
}

func (s *server) showAcknowledge(c *gin.Context, status int, view acknowledgeView) {
	s.showPage(c, status, acknowledgePage, acknowledgePolicy, view)
}
