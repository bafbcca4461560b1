package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"lifeline/internal/emergency"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options is what the API is made of. Everything but Codec, Links, MailEvents, Checks
// and LoginNext is needed.
type Options struct {
	Calls   Calls
	Records Records
	// Hub feeds the event streams; its Run must be running.
	Hub    *Hub
	Tokens Tokens
	// Codec answers /codec/decode; it asks Tokens.AuthorizeCodec itself, because a
	// browser's preflight carries no credentials.
	Codec http.Handler
	// Templates knows the wording of notices (S18).
	Templates Templates
	// Links reads the links by which people acknowledge a notice; without it there is
	// no page for them. MailEvents reads what SendGrid tells; without it nobody listens
	// (B9). Neither may be a nil pointer.
	Links      Links
	MailEvents MailEvents
	// LocationMaxAge is how old a location may be (S13), PoolWarning the share of a
	// pool's numbers in use from which it is low (B5), and DialPlan what the phone
	// system adds to dialed numbers (B11).
	LocationMaxAge time.Duration
	PoolWarning    float64
	DialPlan       emergency.DialPlan
	// Checks are what /readyz asks.
	Checks []Check
	// Registry is shown at /metrics and gets this package's own metrics; one New
	// per registry.
	Registry *prometheus.Registry
	Logger   *slog.Logger
	// LoginNext are the origins, beside this service's own, that the login page
	// may lead to: "http://127.0.0.1:8233".
	LoginNext []string
}

type server struct {
	Options

	contract  map[string]*operation
	durations *prometheus.HistogramVec
}

var _ StrictServerInterface = (*server)(nil)

var (
	errNotFound = &fault{
		status: http.StatusNotFound, code: "not-found",
		detail: "There is nothing here.",
	}
	errMethod = &fault{
		status: http.StatusMethodNotAllowed, code: "method-not-allowed",
		detail: "This method does not work here; the Allow header lists those that do.",
	}
	errRequest = &fault{
		status: http.StatusBadRequest, code: "invalid",
		detail: "The request does not follow the contract.",
	}
)

// New makes the handler of the whole HTTP service.
func New(o Options) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	s := &server{Options: o, contract: theContract(), durations: newRequestDuration(o.Registry)}
	countStreams(o.Registry, o.Hub)

	engine := gin.New()
	engine.ContextWithFallback = true // or a handler would not learn that the client has gone
	engine.RedirectTrailingSlash = false
	engine.HandleMethodNotAllowed = true
	engine.Use(s.observe, s.rescue)
	engine.NoRoute(func(c *gin.Context) { s.fail(c, errNotFound) })
	engine.NoMethod(func(c *gin.Context) { s.fail(c, errMethod) })

	s.serveContract(engine.Group("", s.admit, hurry, s.validate))
	s.serveLogin(engine)
	if s.Links != nil {
		s.serveAcknowledge(engine.Group("", hurry))
	}
	if s.MailEvents != nil {
		engine.POST("/v1/sendgrid-events", hurry, s.receiveMailEvents)
	}
	engine.GET("/metrics", gin.WrapH(promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{})))
	if o.Codec != nil {
		engine.Any("/codec/decode", gin.WrapH(o.Codec))
	}
	return engine
}

// patience is how long a request waits for a database that neither answers nor breaks off.
// What carries a call has its own budget, and a stream lasts.
const patience = 10 * time.Second

// hurry bounds a request.
func hurry(c *gin.Context) {
	if op := visitOf(c.Request.Context()).op; op.urgent() || op.name() == "streamEvents" {
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), patience)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

// serveContract mounts the generated handlers. What they would tell a client of
// an error themselves is replaced: it shows inner errors.
func (s *server) serveContract(router gin.IRouter) {
	strict := NewStrictHandlerWithOptions(s, []StrictMiddlewareFunc{keepContext}, StrictGinServerOptions{
		RequestErrorHandlerFunc:  func(c *gin.Context, err error) { s.fail(c, badRequest(err)) },
		HandlerErrorFunc:         s.fail,
		ResponseErrorHandlerFunc: s.fail,
	})
	RegisterHandlersWithOptions(router, strict, GinServerOptions{
		ErrorHandler: func(c *gin.Context, err error, _ int) { s.fail(c, badRequest(err)) },
	})
	// Load balancers ask so; net/http leaves the body out.
	router.HEAD("/healthz", strict.GetHealth)
	router.HEAD("/readyz", strict.GetReady)
}

// keepContext gives a handler a context that stays its request's. Gin takes its own
// back with the answer and gives it to the next request, while goroutines of the
// database's driver, and of contexts made from it, may still be looking at it.
func keepContext(handle StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) { return handle(c.Copy(), request) }
}

// badRequest is for what passed the contract's rules and still does not fit the
// generated types, such as a whole number written 5.0; the log tells what it was.
func badRequest(err error) error {
	if misfit, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && misfit.Field != "" {
		return invalid(misfit.Field, "is not written as the contract has it")
	}
	f := *errRequest
	f.cause = err
	return &f
}
