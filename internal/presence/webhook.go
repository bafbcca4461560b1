package presence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// Webhook tells an HTTP service. It may be used by several goroutines at once.
type Webhook struct {
	base   string
	token  string
	client *http.Client
}

// NewWebhook tells the service at an http or https URL, with a bearer token when
// one is given. The time-out bounds one attempt from connecting to the end of the
// answer.
func NewWebhook(base, token string, timeout time.Duration) (*Webhook, error) {
	base, token = strings.TrimRight(strings.TrimSpace(base), "/"), strings.TrimSpace(token)
	if err := checkBase(base); err != nil {
		return nil, err
	}
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return r < '!' || r > '~' }):
		return nil, errors.New("configure presence webhook: the token must be printable ASCII without spaces")
	case timeout <= 0:
		return nil, errors.New("configure presence webhook: the time-out must be longer than zero")
	}
	return &Webhook{base: base, token: token, client: &http.Client{
		Timeout: timeout,
		// A redirect could carry the token to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// checkBase does not repeat the URL, which may hold a password.
func checkBase(base string) error {
	parsed, err := url.Parse(base)
	switch {
	case err != nil, parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Hostname() == "":
		return errors.New("configure presence webhook: the URL must begin with http:// or https:// and name a host")
	case parsed.User != nil, strings.ContainsAny(base, "?#"):
		return errors.New("configure presence webhook: the URL must have no user, query or fragment")
	}
	return nil
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
	request, err := w.request(ctx, agent, p)
	if err != nil {
		return &SetError{Permanent: true, Reason: "build request to the presence system", Err: err}
	}
	response, err := w.client.Do(request)
	if err != nil {
		return &SetError{Reason: "no answer from the presence system", Err: withoutURL(err)}
	}
	defer func() { _ = response.Body.Close() }()
	// What is read to its end leaves the connection open for the next change.
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	return verdict(response.StatusCode)
}

func (w *Webhook) request(ctx context.Context, agent emergency.AgentID, p emergency.Presence) (*http.Request, error) {
	body, err := json.Marshal(wirePresence{p.Status, p.Revision, p.ChangedAt.UTC()})
	if err != nil {
		return nil, fmt.Errorf("encode presence: %w", err)
	}
	address := w.base + "/agents/" + url.PathEscape(string(agent)) + "/presence"
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", withoutURL(err))
	}
	request.Header.Set("Content-Type", "application/json")
	if w.token != "" {
		request.Header.Set("Authorization", "Bearer "+w.token)
	}
	return request, nil
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

// withoutURL leaves the cause of a failed request and drops where it went.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
