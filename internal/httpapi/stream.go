package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"lifeline/internal/emergency"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// heartbeatEvery keeps proxies from taking a quiet stream for a dead one.
	heartbeatEvery = 15 * time.Second
	// readerPatience is how long a reader may take nothing. One who is cut off
	// comes back with its last ID and misses nothing.
	readerPatience = 30 * time.Second
	// farewell is what a reader has left to take when the service stops.
	farewell = time.Second
	// reconnectAfter is when a browser tries again, in milliseconds.
	reconnectAfter = 1000
)

// StreamEvents follows the event log.
func (s *server) StreamEvents(ctx context.Context, r StreamEventsRequestObject) (StreamEventsResponseObject, error) {
	return &eventStream{ctx: ctx, server: s, resume: resumeFrom(r.Params)}, nil
}

// resumeFrom is the last event that the client has seen; nil when it says nothing.
// The header goes first, since a browser that reconnects repeats the query as it
// was at the beginning.
func resumeFrom(params StreamEventsParams) *int64 {
	seq, err := strconv.ParseInt(cmp.Or(params.LastEventID, params.After), 10, 64)
	if err != nil {
		return nil // nothing was given: the contract admits digits alone, and few enough
	}
	return &seq
}

// eventStream is the answer to one listener. It writes for as long as the
// listener stays.
type eventStream struct {
	// ctx is here because the generated Visit has no place for it.
	ctx    context.Context
	server *server
	resume *int64
}

// VisitStreamEventsResponse writes the stream. The generated response would copy
// from a reader, which knows neither heartbeats nor deadlines.
func (e *eventStream) VisitStreamEventsResponse(w http.ResponseWriter) error {
	hub := e.server.Hub
	cursor, err := hub.join(e.ctx, e.resume)
	if err != nil {
		return err
	}
	defer hub.leave()
	out, release := newEventWriter(hub.life, w)
	defer release()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for nginx
	if !out.begin(cursor) {
		return nil
	}
	beat := time.NewTicker(heartbeatEvery)
	defer beat.Stop()
	for {
		next, err := hub.read(e.ctx, cursor)
		if err != nil {
			e.server.Logger.WarnContext(e.ctx, "event stream cut", "error", err)
			return nil // the listener asks again from its last ID
		}
		cursor = next.cursor
		if !out.events(next.events, visitOf(e.ctx)) {
			return nil
		}
		if next.more {
			continue
		}
		select {
		case <-e.ctx.Done():
			return nil
		case <-hub.life.Done():
			return nil
		case <-next.changed:
		case <-beat.C:
			if !out.heartbeat() {
				return nil
			}
		}
	}
}

// eventWriter writes server-sent events; its methods tell whether the listener is
// still there.
type eventWriter struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	// life is the hub's.
	life   context.Context
	buffer bytes.Buffer
}

// newEventWriter replaces the server's deadline for the whole answer, which a
// stream has none of, by one per write. When life ends, a write that hangs is let
// go. The function returned must be called before the handler returns.
func newEventWriter(life context.Context, w http.ResponseWriter) (*eventWriter, func()) {
	out := &eventWriter{w: w, controller: http.NewResponseController(w), life: life}
	let := make(chan struct{})
	stop := context.AfterFunc(life, func() {
		defer close(let)
		out.allow(farewell)
	})
	return out, func() {
		if !stop() {
			<-let
		}
	}
}

func (o *eventWriter) allow(d time.Duration) {
	// A writer without deadlines is one of a test.
	_ = o.controller.SetWriteDeadline(time.Now().Add(d))
}

// begin tells from where the stream goes on, so that a listener who is cut off
// before the first event can resume as well.
func (o *eventWriter) begin(cursor int64) bool {
	fmt.Fprintf(&o.buffer, "retry: %d\nid: %d\n\n", reconnectAfter, cursor)
	return o.flush()
}

// events writes those of the events that the listener may see.
func (o *eventWriter) events(events []emergency.Event, listener *visit) bool {
	for _, event := range events {
		if !listener.hears(event) {
			continue
		}
		data, err := json.Marshal(event)
		if err != nil {
			panic(err) // strings and a time of this era always marshal
		}
		fmt.Fprintf(&o.buffer, "id: %d\nevent: %s\ndata: %s\n\n", event.Seq, event.Type, data)
	}
	return o.flush()
}

// hears tells whether a listener is told of an event. What concerns a site as a whole
// names no agent, and the configuration is no agent's own.
func (v *visit) hears(event emergency.Event) bool {
	return v.reach == everything || event.Type != emergency.EventConfigurationChanged && v.covers(event.AgentID)
}

func (o *eventWriter) heartbeat() bool {
	o.buffer.WriteString(": heartbeat\n\n")
	return o.flush()
}

func (o *eventWriter) flush() bool {
	o.allow(readerPatience)
	if o.life.Err() != nil {
		o.allow(farewell) // for what net/http still has to write
		return false
	}
	if o.buffer.Len() == 0 {
		return true
	}
	if _, err := o.buffer.WriteTo(o.w); err != nil {
		return false
	}
	return o.controller.Flush() == nil
}

func countStreams(registry prometheus.Registerer, hub *Hub) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lifeline_event_streams",
		Help: "Event streams that are open.",
	}, func() float64 { return float64(hub.listeners()) }))
}
