package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	// connectWithin bounds how long a service that is not there is waited for.
	connectWithin = 3 * time.Second
	// answerWithin bounds a whole request, save the event stream.
	answerWithin = 10 * time.Second
	// maxAnswer is far above any answer of the contract.
	maxAnswer = 16 << 20
)

// service is Lifeline's HTTP API, as far as the terminal needs it.
type service struct {
	base string
	http *http.Client
	// patience is how long a whole answer may take; event streams have none.
	patience time.Duration
}

// newService reaches the service at the address that it listens on.
func newService(listenAddr string) service {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is documented to be one
	transport.DialContext = (&net.Dialer{Timeout: connectWithin}).DialContext
	transport.ResponseHeaderTimeout = answerWithin
	return service{base: "http://" + dialable(listenAddr), http: &http.Client{Transport: transport}, patience: answerWithin}
}

// dialable turns an address to listen on everywhere into one on this machine.
func dialable(listenAddr string) string {
	host, port, err := net.SplitHostPort(listenAddr)
	if err != nil {
		return listenAddr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func (s service) placeCall(ctx context.Context, token string, dial DialRequest, key string) (answer[Call], error) {
	return ask[Call](ctx, s, http.MethodPost, "/v1/emergency-calls", token, dial, "Idempotency-Key", key)
}

func (s service) listCalls(ctx context.Context, token string) (answer[[]Call], error) {
	return ask[[]Call](ctx, s, http.MethodGet, "/v1/emergency-calls", token, nil)
}

func (s service) getCall(ctx context.Context, token, id string) (answer[Call], error) {
	return ask[Call](ctx, s, http.MethodGet, "/v1/emergency-calls/"+url.PathEscape(id), token, nil)
}

func (s service) listAgents(ctx context.Context, token string) (answer[[]Agent], error) {
	return ask[[]Agent](ctx, s, http.MethodGet, "/v1/agents", token, nil)
}

func (s service) listSites(ctx context.Context, token string) (answer[[]Site], error) {
	return ask[[]Site](ctx, s, http.MethodGet, "/v1/sites", token, nil)
}

// endCall ends one leg, or without one every leg that is up.
func (s service) endCall(ctx context.Context, token, id, leg string, end EndRequest) (answer[Call], error) {
	path := "/v1/emergency-calls/" + url.PathEscape(id)
	if leg != "" {
		path += "/legs/" + url.PathEscape(leg)
	}
	return ask[Call](ctx, s, http.MethodPost, path+"/end", token, end)
}

func (s service) routeInboundCall(ctx context.Context, token string, inbound InboundCall) (answer[RoutingDecision], error) {
	return ask[RoutingDecision](ctx, s, http.MethodPost, "/v1/inbound-calls", token, inbound)
}

// answer is what the service said: for people by value, for scripts verbatim.
type answer[T any] struct {
	value T
	json  []byte
}

// ask makes one request and reads its whole answer. The header is given as name
// and value in turn.
func ask[T any](ctx context.Context, s service, method, path, token string, body any, header ...string) (answer[T], error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var a answer[T]
	response, err := s.send(ctx, method, path, token, body, header...)
	if err != nil {
		return a, err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	if a.json, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return a, &networkError{s.base, err}
	}
	if err := json.Unmarshal(a.json, &a.value); err != nil {
		return a, s.stranger(response)
	}
	return a, nil
}

// send gives back a response that is a success; its body is still to be read.
func (s service) send(ctx context.Context, method, path, token string, body any, header ...string) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, content)
	if err != nil {
		return nil, fmt.Errorf("LIFELINE_HTTP_ADDR must be host:port: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, &networkError{s.base, err}
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	return nil, s.problem(response)
}
