package httpapi

import (
	"context"
	"errors"
	"time"
)

// Check is one condition for a dial to work fully.
type Check struct {
	// Name is short and fit for a JSON key: "database".
	Name string
	// Probe must heed its context. Its error is shown when it is a NotReady, and
	// only logged otherwise, because /readyz answers anybody.
	Probe func(context.Context) error
}

// NotReady is a reason that may be shown to anybody: one short sentence without
// addresses or secrets.
type NotReady string

// Error is the sentence.
func (n NotReady) Error() string { return string(n) }

// probeTime is how long one check may take. A load balancer does not wait long.
const probeTime = time.Second

// GetHealth tells that the process answers.
func (s *server) GetHealth(context.Context, GetHealthRequestObject) (GetHealthResponseObject, error) {
	return GetHealth200JSONResponse{Status: HealthStatusOk}, nil
}

// GetReady asks all checks at once and tells what each has found.
func (s *server) GetReady(ctx context.Context, _ GetReadyRequestObject) (GetReadyResponseObject, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	findings := make([]chan error, len(s.Checks))
	for i, check := range s.Checks {
		findings[i] = make(chan error, 1)
		go func() { findings[i] <- check.Probe(ctx) }()
	}
	ready := Ready{Ready: true, Checks: map[string]string{}}
	for i, check := range s.Checks {
		err := inTime(ctx, findings[i])
		ready.Checks[check.Name] = s.finding(ctx, check.Name, err)
		ready.Ready = ready.Ready && err == nil
	}
	if !ready.Ready {
		return GetReady503JSONResponse(ready), nil
	}
	return GetReady200JSONResponse{ReadyJSONResponse(ready)}, nil
}

// inTime is what a check has found in time. One that has been done for long is not
// blamed for another that used up the time.
func inTime(ctx context.Context, finding <-chan error) error {
	select {
	case err := <-finding:
		return err
	default:
	}
	select {
	case err := <-finding:
		return err
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // finding puts it into words
	}
}

func (s *server) finding(ctx context.Context, name string, err error) string {
	if err == nil {
		return "ok"
	}
	if reason, ok := errors.AsType[NotReady](err); ok {
		return reason.Error()
	}
	s.Logger.WarnContext(ctx, "not ready", "check", name, "error", err)
	if errors.Is(err, context.DeadlineExceeded) {
		return "No answer within a second."
	}
	return "It does not work at the moment; the log tells why."
}
