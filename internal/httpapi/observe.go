package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"lifeline/internal/emergency"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// visit is what is known about one request while it is served.
type visit struct {
	// id is how the log and a problem name the request.
	id string
	// op is nil outside the contract.
	op  *operation
	who Identity
	// key tells apart the tokens of one role, and is no secret.
	key   string
	reach reach
}

// covers tells whether what belongs to this agent is within reach.
func (v *visit) covers(agent emergency.AgentID) bool {
	return v.reach == everything || v.reach == own && v.who.AgentID == agent
}

type visitKey struct{}

// visitOf finds the visit that observe has begun.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

func newRequestDuration(registry prometheus.Registerer) *prometheus.HistogramVec {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "lifeline_http_request_duration_seconds",
		Help:    "Time until a request was answered, by route and status. Event streams are not counted.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	}, []string{"method", "route", "status"})
	registry.MustRegister(durations)
	return durations
}

// observe names, measures and logs a request. The log has the route and not the
// path, which may hold a number.
func (s *server) observe(c *gin.Context) {
	begun := time.Now()
	v := &visit{id: newRequestID()}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), visitKey{}, v))
	header := c.Writer.Header()
	header.Set("X-Request-Id", v.id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")

	c.Next()

	took := time.Since(begun)
	method, route := c.Request.Method, c.FullPath()
	if route == "" {
		method, route = "other", "none" // strangers must not make new time series
	}
	if v.op.name() != "streamEvents" {
		s.durations.WithLabelValues(method, route, strconv.Itoa(c.Writer.Status())).Observe(took.Seconds())
	}
	s.Logger.LogAttrs(c, slog.LevelDebug, "request",
		slog.String("requestId", v.id), slog.String("method", method), slog.String("route", route),
		slog.String("role", string(v.who.Role)), slog.Int("status", c.Writer.Status()), slog.Duration("took", took))
}

func newRequestID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: it would end the program
	return hex.EncodeToString(id[:])
}

// rescue turns a panic into a problem, so that one request takes none of the
// others with it.
func (s *server) rescue(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if cause == http.ErrAbortHandler { //nolint:errorlint // net/http asks for this very value
			panic(cause)
		}
		s.Logger.ErrorContext(c, "panic", "requestId", visitOf(c.Request.Context()).id, "stack", string(debug.Stack()))
		s.fail(c, &fault{
			status: http.StatusInternalServerError, code: "internal",
			detail: "Something went wrong in the service; the log tells what, under this request ID.",
			cause:  fmt.Errorf("panic: %v", cause),
		})
	}()
	c.Next()
}
