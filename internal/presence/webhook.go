package presence

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/remote"
)

// Webhook tells an HTTP service. It may be used by several goroutines at once.
type Webhook struct{ system *remote.Service }

// NewWebhook tells the service at an http or https URL, with a bearer token when
// one is given. The time-out bounds one attempt from connecting to the end of the
// answer.
func NewWebhook(base, token string, timeout time.Duration) (*Webhook, error) {
	system, err := remote.NewService(base, token, timeout)
	if err != nil {
		return nil, fmt.Errorf("configure presence webhook: %w", err)
	}
	return &Webhook{system}, nil
}

// wirePresence is the body of the request.
type wirePresence struct {
	Status    emergency.Status `json:"status"`
	Revision  int64            `json:"revision"`
	ChangedAt time.Time        `json:"changedAt"`
}

// Set sends PUT {url}/agents/{agentId}/presence. Any 2xx is success, and so is
// 409, by which the service says that it has this revision or a newer one.
func (w *Webhook) Set(ctx context.Context, agent emergency.AgentID, p emergency.Presence) error {
	body, err := json.Marshal(wirePresence{p.Status, p.Revision, p.ChangedAt.UTC()})
	if err != nil {
		return &SetError{Permanent: true, Reason: "encode presence", Err: err}
	}
	response, err := w.system.Do(ctx, http.MethodPut, bytes.NewReader(body), "agents", string(agent), "presence")
	if err != nil {
		return &SetError{Reason: "no answer from the presence system", Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	// What is read to its end leaves the connection open for the next change.
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	return verdict(response.StatusCode)
}

// verdict turns the answer's status into an error. Nobody looks at the
// body: it may quote anything, and no decision needs it.
func verdict(status int) error {
	switch {
	case status >= 200 && status < 300, status == http.StatusConflict:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status < 400, status >= 500:
		return &SetError{Reason: fmt.Sprintf("the presence system answered %d", status)}
	default:
		return &SetError{Permanent: true, Reason: fmt.Sprintf("the presence system answered %d", status)}
	}
}
