// Package remote speaks HTTP with the systems beside Lifeline: the phone system, the
// presence system, the mail provider.
//
// What holds for all of them is here: an attempt ends in time, nothing follows a
// redirect, and no error says where a request went.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Service is a system at some URL. It may be used by several goroutines at once.
type Service struct {
	base   string
	token  string
	client *http.Client
}

// NewService is the system at an http or https URL, with a bearer token when one is given.
// The time-out bounds one attempt from connecting to the end of the answer. Errors repeat
// neither URL nor token: both may hold a secret.
func NewService(base, token string, timeout time.Duration) (*Service, error) {
	base, token = strings.TrimRight(strings.TrimSpace(base), "/"), strings.TrimSpace(token)
	parsed, err := url.Parse(base)
	switch {
	case err != nil, parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Hostname() == "":
		return nil, errors.New("the URL must begin with http:// or https:// and name a host")
	case parsed.User != nil, strings.ContainsAny(base, "?#"):
		return nil, errors.New("the URL must have no user, query or fragment")
	case strings.ContainsFunc(token, func(r rune) bool { return r < '!' || r > '~' }):
		return nil, errors.New("the token must be printable ASCII without spaces")
	case timeout <= 0:
		return nil, errors.New("the time-out must be longer than zero")
	}
	return &Service{base: base, token: token, client: NewClient(timeout)}, nil
}

// NewClient gives up an attempt after the time-out, and stays with the server that it was
// sent to: a redirect could carry a secret to somebody else.
func NewClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Do sends a request to the segments of a path, each of which is escaped. A body is JSON.
// The answer's body is the caller's to close.
func (s *Service) Do(ctx context.Context, method string, body io.Reader, path ...string) (*http.Response, error) {
	segments := []string{s.base}
	for _, segment := range path {
		segments = append(segments, url.PathEscape(segment))
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.Join(segments, "/"), body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", WithoutURL(err))
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := s.client.Do(request)
	return response, WithoutURL(err)
}

// WithoutURL leaves the cause of a failed request and drops where it went.
func WithoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
