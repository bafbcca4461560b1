package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// silence is how long a stream may say nothing, not even the heartbeat of every
	// 15 seconds, before it is taken for dead.
	silence = 45 * time.Second
	// retryAfter is when a broken stream is asked for again, unless the service
	// says otherwise.
	retryAfter = time.Second
	// maxLine is far above any line of the stream.
	maxLine = 1 << 20
)

var (
	errSilent = errors.New("nothing was heard, not even a heartbeat")
	errClosed = errors.New("the service closed it")
)

// stream reads server-sent events, in the format of the HTML standard, and knows
// from where to go on.
type stream struct {
	service service
	token   string
	// last is the ID after which to go on; empty before the first.
	last string
	// retry is how long to wait before connecting again.
	retry time.Duration
	// silence is how long nothing need be heard.
	silence time.Duration
}

func newStream(service service, token string) *stream {
	return &stream{service: service, token: token, retry: retryAfter, silence: silence}
}

// follow connects once and handles what comes until the connection breaks, a
// handler fails or the context is done; it always returns an error. begun runs
// when the service has said from where the stream goes on, so what is read then
// is not older than the stream. An event whose handler failed comes again after
// the next connect.
func (s *stream) follow(ctx context.Context, begun func(context.Context) error, handle func(context.Context, Event) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var header []string
	if s.last != "" {
		header = []string{"Last-Event-ID", s.last}
	}
	response, err := s.service.send(ctx, http.MethodGet, "/v1/events", s.token, nil, header...)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // nobody reads it to its end
	watchdog := time.AfterFunc(s.silence, func() { cancel(errSilent) })
	defer watchdog.Stop()

	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxLine)
	next, first := block{}, true
	for lines.Scan() {
		watchdog.Reset(s.silence)
		if lines.Text() != "" {
			next.add(lines.Text())
			continue
		}
		if first {
			if err := begun(ctx); err != nil {
				return err
			}
			first = false
		}
		if err := s.take(ctx, next, handle); err != nil {
			return err
		}
		next = block{}
	}
	return &networkError{s.service.base, cmp.Or(context.Cause(ctx), lines.Err(), errClosed)}
}

// take handles a block; only then is it one that need not come again.
func (s *stream) take(ctx context.Context, b block, handle func(context.Context, Event) error) error {
	if b.data != "" {
		var event Event
		if err := json.Unmarshal([]byte(b.data), &event); err != nil {
			return fmt.Errorf("read event %s: %w", b.id, err)
		}
		if err := handle(ctx, event); err != nil {
			return err
		}
	}
	s.last = cmp.Or(b.id, s.last)
	if milliseconds, err := strconv.ParseUint(b.retry, 10, 31); err == nil {
		s.retry = time.Duration(milliseconds) * time.Millisecond //nolint:gosec // 31 bits fit
	}
	return nil
}

// block is what stands between two empty lines. The type of an event is not read
// from here, since the data says it too.
type block struct {
	id, data, retry string
}

func (b *block) add(line string) {
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "id":
		b.id = value
	case "data":
		b.data += value + "\n"
	case "retry":
		b.retry = value
	}
}
