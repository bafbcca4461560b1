package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"lifeline/internal/emergency"

	"github.com/gin-gonic/gin"
)

// fault is what went wrong with a request, in words that may be shown.
type fault struct {
	status int
	code   string
	detail string
	// instead is what the person who dialed should do now.
	instead string
	// checks are the conditions that keep a call from being made.
	checks []FailedCheck
	// callID is of a refused dial that people are told of.
	callID string
	// field is what is at fault, with dots between its steps.
	field string
	// line and column are where JSON breaks off, or a template is wrong, counted from 1;
	// 0 without one.
	line, column int
	// cause is logged and never shown.
	cause error
}

// Error names the fault for logs.
func (f *fault) Error() string { return f.code + ": " + f.detail }

// fail is where every request that cannot be answered ends.
func (s *server) fail(c *gin.Context, err error) {
	c.Abort()
	v := visitOf(c.Request.Context())
	f := faultOf(err, v.op)
	if f.cause != nil {
		level := slog.LevelError
		if errors.Is(f.cause, context.Canceled) && c.Request.Context().Err() != nil {
			level = slog.LevelDebug // the client has gone
		}
		s.Logger.Log(c, level, "request failed", "requestId", v.id, "operation", v.op.name(), "code", f.code, "error", f.cause)
	}
	if c.Writer.Written() {
		return
	}
	if v.op.name() == "placeCall" && f.callID == "" && (f.status == http.StatusBadRequest || f.code == "unknown-agent") {
		s.Logger.WarnContext(c, "Somebody's dial could not be understood, and nobody is told of it; see to what sent it",
			"requestId", v.id, "code", f.code, "field", f.field)
	}
	writeProblem(c.Writer, v, f)
}

// retryAfter is in how many seconds what cannot be done at the moment may work.
const retryAfter = "2"

// writeProblem puts a fault on the wire (RFC 9457).
func writeProblem(w http.ResponseWriter, v *visit, f *fault) {
	body, err := json.Marshal(Problem{
		Type:      "about:blank",
		Title:     http.StatusText(f.status),
		Status:    f.status,
		Code:      f.code,
		Detail:    f.detail,
		Instead:   cmp.Or(f.instead, v.op.advice()),
		Checks:    f.checks,
		CallID:    f.callID,
		Field:     f.field,
		Line:      f.line,
		Column:    f.column,
		RequestID: v.id,
	})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	header := w.Header()
	if f.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="lifeline"`)
	}
	if f.status == http.StatusServiceUnavailable {
		header.Set("Retry-After", retryAfter)
	}
	header.Set("Content-Type", "application/problem+json")
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // nobody is left to tell when the reader has gone
}

// faultOf finds the problem that an error is, in the light of the operation; nil
// stands for a request outside the contract.
func faultOf(err error, op *operation) *fault {
	if known, ok := errors.AsType[*fault](err); ok {
		return known
	}
	if refusal, ok := errors.AsType[*emergency.Refusal](err); ok {
		return refusedFault(refusal)
	}
	if invalid, ok := errors.AsType[*emergency.Invalid](err); ok {
		return &fault{status: http.StatusBadRequest, code: "invalid", detail: invalid.Error() + ".", field: invalid.Field}
	}
	if broken, ok := errors.AsType[*emergency.TemplateError](err); ok {
		return &fault{
			status: http.StatusBadRequest, code: "invalid", detail: strings.TrimSuffix(broken.Error(), ".") + ".",
			field: broken.Part, line: broken.Line, column: broken.Column,
		}
	}
	if taken, ok := errors.AsType[*emergency.NumberTaken](err); ok {
		return &fault{status: http.StatusConflict, code: "number-exists", detail: "This number is " + taken.By + ".", field: "number"}
	}
	for _, known := range domainFaults {
		if errors.Is(err, known.err) {
			return known.in(op)
		}
	}
	if op.urgent() {
		return &fault{
			status: http.StatusServiceUnavailable, code: "unavailable",
			detail: "This cannot be done at the moment.", cause: err,
		}
	}
	if errors.Is(err, emergency.ErrUnavailable) {
		return &fault{
			status: http.StatusServiceUnavailable, code: "unavailable", cause: err,
			detail: "The database does not answer at the moment. Try again in a few seconds; of a change, read first whether it has been made.",
		}
	}
	return &fault{
		status: http.StatusInternalServerError, code: "internal",
		detail: "Something went wrong in the service; the log tells what, under this request ID.", cause: err,
	}
}

// refusedFault tells all that keeps the call from being made, so that whoever mends
// it does so once (S12 to S16).
func refusedFault(refusal *emergency.Refusal) *fault {
	f := &fault{
		status: http.StatusUnprocessableEntity, code: refusal.Code, detail: refusal.Reason, instead: refusal.Instead,
		callID: string(refusal.CallID),
	}
	if refusal.Code == "not-an-emergency-number" {
		f.field = "dialedNumber"
	}
	for _, check := range refusal.Checks {
		f.checks = append(f.checks, FailedCheck{
			Code: string(check.Code), Agent: check.Agent, Administrator: check.Administrator,
		})
	}
	return f
}

// domainFault is how one error of the domain is told.
type domainFault struct {
	err    error
	status int
	code   string
	detail string
	// param is the path parameter that names what is unknown. Where the path has
	// none, the body named it, and the request is refused instead.
	param string
	// field is what is at fault in any request.
	field string
}

var domainFaults = []domainFault{
	{emergency.ErrUnknownAgent, http.StatusNotFound, "unknown-agent", "No agent has this ID.", "agentId", ""},
	{emergency.ErrUnknownSite, http.StatusNotFound, "unknown-site", "No site has this ID.", "siteId", ""},
	{emergency.ErrUnknownCall, http.StatusNotFound, "unknown-call", "No call has this ID, or it has been erased.", "callId", ""},
	{emergency.ErrUnknownLeg, http.StatusNotFound, "unknown-leg", "The call has no leg with this ID.", "legId", ""},
	{emergency.ErrUnknownNumber, http.StatusNotFound, "unknown-number", "This is no callback number.", "number", ""},
	{emergency.ErrUnknownTemplate, http.StatusNotFound, "unknown-template", "No wording was saved as this version.", "version", ""},
	{
		emergency.ErrChangedMeanwhile, http.StatusPreconditionFailed, "changed-meanwhile",
		"Somebody else has changed this since you read it, or it is gone. Read it again, and make your change anew.", "", "If-Match",
	},
}

func (d domainFault) in(op *operation) *fault {
	f := &fault{status: d.status, code: d.code, detail: d.detail, field: d.field}
	if d.param != "" && !op.takes(d.param) {
		f.status, f.field = http.StatusUnprocessableEntity, d.param
	}
	return f
}
