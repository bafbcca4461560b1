// Package carrier asks the phone system which legs of a call are up.
//
// Lifeline learns of an end from whoever tells it. A message that is lost would leave an
// agent on Do not disturb (B16), so the phone system, which knows best, is asked as well.
package carrier

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/remote"
)

// HTTP asks a carrier connector: GET {url}/calls/{callId}/legs. It may be used by several
// goroutines at once.
type HTTP struct{ connector *remote.Service }

// AskError says why it is not known which legs are up. It names no secret, and repeats
// nothing that the connector said.
type AskError struct {
	// Reason is what happened, in words.
	Reason string
	// Err is the cause, if there is one.
	Err error
}

// Error gives the reason and its cause.
func (e *AskError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap gives the cause, so that a cancelled context is recognised.
func (e *AskError) Unwrap() error { return e.Err }

// NewHTTP asks the connector at an http or https URL, with a bearer token when one is
// given. The time-out bounds one question from connecting to the end of the answer.
func NewHTTP(base, token string, timeout time.Duration) (*HTTP, error) {
	connector, err := remote.NewService(base, token, timeout)
	if err != nil {
		return nil, fmt.Errorf("configure carrier: %w", err)
	}
	return &HTTP{connector}, nil
}

// wireLegs is the body of the answer.
type wireLegs struct {
	Legs *[]struct {
		LegID emergency.LegID `json:"legId"`
		State string          `json:"state"`
	} `json:"legs"`
}

// longestAnswer is more than any call's legs need.
const longestAnswer = 1 << 20

// Legs lists the legs of a call that are up. The error is emergency.ErrUnknownCall when
// the carrier knows nothing of the call, and an *AskError when that cannot be said.
func (h *HTTP) Legs(ctx context.Context, call emergency.CallID) ([]emergency.LegID, error) {
	response, err := h.connector.Do(ctx, http.MethodGet, nil, "calls", string(call), "legs")
	if err != nil {
		return nil, &AskError{Reason: "no answer from the carrier", Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	body := io.LimitReader(response.Body, longestAnswer)
	// What is read to its end leaves the connection open for the next question.
	defer func() { _, _ = io.Copy(io.Discard, body) }()
	return read(response, body)
}

// read understands an answer. A 404 counts only from a program that speaks JSON: a proxy
// or a mistyped path must not end every call.
func read(response *http.Response, body io.Reader) ([]emergency.LegID, error) {
	spoken := speaksJSON(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode == http.StatusNotFound && spoken:
		return nil, fmt.Errorf("ask the carrier: %w", emergency.ErrUnknownCall)
	case response.StatusCode != http.StatusOK:
		return nil, &AskError{Reason: fmt.Sprintf("the carrier answered %d", response.StatusCode)}
	case !spoken:
		return nil, &AskError{Reason: "the carrier's answer is not JSON"}
	}
	var answer wireLegs
	if err := json.NewDecoder(body).Decode(&answer); err != nil || answer.Legs == nil {
		return nil, &AskError{Reason: "the carrier's answer cannot be read"} // the cause may quote it
	}
	var up []emergency.LegID
	for _, leg := range *answer.Legs {
		switch leg.State {
		case "up":
			up = append(up, leg.LegID)
		case "ended":
		default:
			return nil, &AskError{Reason: "the carrier's answer has a leg in no known state"}
		}
	}
	return up, nil
}

// speaksJSON holds for application/json and everything that ends in +json.
func speaksJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
