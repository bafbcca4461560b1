package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// problem reads why the service refused (RFC 9457).
func (s service) problem(response *http.Response) error {
	var p Problem
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&p)
	if err != nil || media != "application/problem+json" || p.Detail == "" {
		return s.stranger(response)
	}
	return &refusal{p}
}

// refusal is a problem in words.
type refusal struct {
	Problem
}

// Error is what is wrong, what to do instead, and what an administrator should mend.
// The log of the service tells more
// of a fault of its own, under the request's ID.
func (r *refusal) Error() string {
	var words strings.Builder
	words.WriteString(r.Detail)
	if r.Instead != "" {
		words.WriteString(" " + r.Instead)
	}
	if r.Status >= http.StatusInternalServerError {
		words.WriteString(" (request " + r.RequestID + ")")
	}
	for _, check := range r.Checks {
		words.WriteString("\n  " + check.Code + ": " + check.Administrator)
	}
	return words.String()
}

// passing tells whether another try may go better.
func passing(err error) bool {
	refused, ok := errors.AsType[*refusal](err)
	return !ok || refused.Status >= http.StatusInternalServerError
}

func isUnknownCall(err error) bool {
	refused, ok := errors.AsType[*refusal](err)
	return ok && refused.Code == "unknown-call"
}

// stranger is the error for an answer that Lifeline does not give.
func (s service) stranger(response *http.Response) error {
	return fmt.Errorf("%s answered %q, and not as Lifeline does; does another program listen there?", s.base, response.Status)
}

// networkError says that no answer came.
type networkError struct {
	base string
	err  error
}

// Error tells a service that is not there from one that is slow or went away.
func (e *networkError) Error() string {
	late, isLate := errors.AsType[net.Error](e.err)
	switch {
	case !e.sent():
		return fmt.Sprintf("cannot reach Lifeline at %s: %v; start it with `make run`", e.base, rootOf(e.err))
	case isLate && late.Timeout():
		return fmt.Sprintf("Lifeline at %s did not answer in time", e.base)
	default:
		return fmt.Sprintf("the connection to Lifeline at %s broke: %v", e.base, rootOf(e.err))
	}
}

// Unwrap gives the error of the network.
func (e *networkError) Unwrap() error { return e.err }

// sent tells whether the request may have arrived.
func (e *networkError) sent() bool {
	op, ok := errors.AsType[*net.OpError](e.err)
	return !ok || op.Op != "dial"
}

// rootOf is what is left of an error of the network when what people cannot use,
// such as file descriptors and system calls, is taken away.
func rootOf(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return err
}
