package httpapi

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lifeline/internal/emergency"
)

// studio is a running service with its hub, and connections that hold nothing
// back: what is not read is not written. It belongs into a synctest bubble.
type studio struct {
	*rig

	conns chan net.Conn
	// stop ends the hub, as a shutdown does.
	stop  context.CancelFunc
	begun time.Time
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &studio{conns: make(chan net.Conn), stop: cancel, begun: time.Now()}
	s.rig = newRig(t, func(o *Options) {
		o.Hub = NewHub(o.Records, o.Logger)
	})
	var running sync.WaitGroup
	server := &http.Server{Handler: s.rig, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	running.Go(func() { _ = server.Serve(pipeListener{s.conns, ctx.Done()}) })
	running.Go(func() { _ = s.hub.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		_ = server.Close()
		running.Wait()
	})
	return s
}

// pipeListener accepts the server's ends of pipes.
type pipeListener struct {
	conns chan net.Conn
	done  <-chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (pipeListener) Close() error   { return nil }
func (pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// listener reads one event stream.
type listener struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Scanner
	// first is the ID of the block that begins the stream.
	first string
}

// frame is one block of the stream.
type frame struct {
	ID, Event, Data, Comment string
}

// listen opens a stream and reads its beginning.
func (s *studio) listen(t *testing.T, as, path string, header ...string) *listener {
	t.Helper()
	client, server := net.Pipe()
	s.conns <- server
	t.Cleanup(func() { _ = client.Close() })
	l := &listener{t: t, conn: client}
	head := append([]string{"GET " + path + " HTTP/1.1", "Host: lifeline", "Authorization: Bearer " + testTokens[as]}, header...)
	if _, err := client.Write([]byte(strings.Join(head, "\r\n") + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(client), nil) //nolint:bodyclose // it ends with the connection
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, Content-Type %q", response.StatusCode, response.Header.Get("Content-Type"))
	}
	l.lines = bufio.NewScanner(response.Body)
	begin, ok := l.next()
	if !ok || begin.Event != "" {
		t.Fatalf("the stream begins with %+v", begin)
	}
	l.first = begin.ID
	return l
}

// next is the next block; false when the stream has ended.
func (l *listener) next() (frame, bool) {
	var f frame
	for l.lines.Scan() {
		line := l.lines.Text()
		if line == "" {
			return f, true
		}
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "id":
			f.ID = value
		case "event":
			f.Event = value
		case "data":
			f.Data = value
		case "":
			f.Comment = value
		}
	}
	return f, false
}

// ids reads the next n events, passing over heartbeats.
func (l *listener) ids(n int) []string {
	l.t.Helper()
	got := []string{}
	begun := time.Now()
	for len(got) < n {
		f, ok := l.next()
		if !ok || time.Since(begun) > time.Minute {
			l.t.Fatalf("nothing comes after %v", got)
		}
		if f.Event != "" {
			got = append(got, f.ID)
		}
	}
	return got
}

func (l *listener) want(ids ...string) {
	l.t.Helper()
	if diff := cmp.Diff(ids, l.ids(len(ids))); diff != "" {
		l.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Supervisors see every event, agents their own. An event has ID, type and data;
// the stream begins with the ID from which it goes on.
func TestEventStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		s.records.commit(1, "agent-us")
		supervisor := s.listen(t, "supervisor", "/v1/events")
		agent := s.listen(t, "agent-gb", "/v1/events")
		if supervisor.first != "1" || agent.first != "1" {
			t.Errorf("the streams begin after %s and %s", supervisor.first, agent.first)
		}
		at := time.Now().UTC().Format(time.RFC3339Nano)
		s.records.commit(2, "agent-us")
		s.records.commit(3, "agent-gb")
		f, _ := supervisor.next()
		want := frame{ID: "2", Event: "call-placed", Data: `{"type":"call-placed","agentId":"agent-us","at":"` + at + `"}`}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		supervisor.want("3")
		agent.want("3")
	})
}

// An agent hears of calls, presence and readiness of their own; what concerns a site
// as a whole, or the configuration, is for supervisors alone, whoever it names.
func TestWhoHearsWhat(t *testing.T) {
	const agent = emergency.AgentID("agent-us")
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		begun := time.Now().UTC()
		supervisor, own := s.listen(t, "supervisor", "/v1/events"), s.listen(t, "agent-us", "/v1/events")
		for i, event := range []emergency.Event{
			{Type: emergency.EventPoolChanged, SiteID: "us-washington", Status: "low"},
			{Type: emergency.EventConfigurationChanged, Subject: emergency.SubjectSite, SiteID: "us-washington", Status: "site-changed"},
			{Type: emergency.EventConfigurationChanged, Subject: emergency.SubjectAgent, AgentID: agent, Status: "agent-changed"},
			{Type: emergency.EventReadinessChanged, AgentID: "agent-gb", Status: "not-ready"},
			{Type: emergency.EventReadinessChanged, AgentID: agent, Status: "not-ready"},
			{Type: emergency.EventNumberLeased, AgentID: agent, CallID: "call-1"},
			{Type: emergency.EventCallRefused, AgentID: agent, SiteID: "us-washington", Kind: emergency.KindTest, Status: "no-route"},
		} {
			event.Seq, event.At = int64(i+1), begun
			s.records.tell(event)
		}
		f, _ := supervisor.next()
		want := frame{ID: "1", Event: "pool-changed", Data: `{"type":"pool-changed","siteId":"us-washington","status":"low","at":"` + begun.Format(time.RFC3339Nano) + `"}`}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		f, _ = supervisor.next()
		want = frame{ID: "2", Event: "configuration-changed", Data: `{"type":"configuration-changed","siteId":"us-washington","subject":"site","status":"site-changed","at":"` + begun.Format(time.RFC3339Nano) + `"}`}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		supervisor.want("3", "4", "5", "6")
		f, _ = supervisor.next()
		want = frame{ID: "7", Event: "call-refused", Data: `{"type":"call-refused","agentId":"agent-us","siteId":"us-washington","kind":"test","status":"no-route","at":"` + begun.Format(time.RFC3339Nano) + `"}`}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		own.want("5", "6", "7")
	})
}

// Every type of event, and every part of the configuration, that the domain has is in the
// contract, and the other way round.
func TestEventTypes(t *testing.T) {
	spec, err := GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../emergency/event.go")
	if err != nil {
		t.Fatal(err)
	}
	for property, constant := range map[string]string{"type": "Event", "subject": "Subject"} {
		described := words(spec.Components.Schemas["Event"].Value.Properties[property].Value.Enum)
		var known []string
		for _, match := range regexp.MustCompile(`(?m)^\s`+constant+`[A-Z]\w*\s.*= "([a-z-]+)"$`).FindAllSubmatch(source, -1) {
			known = append(known, string(match[1]))
		}
		if diff := cmp.Diff(known, described); diff != "" || len(known) == 0 {
			t.Errorf("%s of events (-domain +contract):\n%s", property, diff)
		}
	}
}

// A stream goes on after the last event that the client has seen, told by the
// header, else by the query; an ID from the future is one of a lost database.
func TestResume(t *testing.T) {
	tests := map[string]struct {
		path   string
		header []string
		want   []string
	}{
		"header":            {"/v1/events", []string{"Last-Event-ID: 2"}, []string{"3", "4", "5"}},
		"query":             {"/v1/events?lastEventId=3", nil, []string{"4", "5"}},
		"header over query": {"/v1/events?lastEventId=0", []string{"Last-Event-ID: 3"}, []string{"4", "5"}},
		"all there is":      {"/v1/events?lastEventId=0", nil, []string{"1", "2", "3", "4", "5"}},
		"the last":          {"/v1/events?lastEventId=4", nil, []string{"5"}},
		"from the future":   {"/v1/events?lastEventId=99", nil, []string{"5"}},
		"from the present":  {"/v1/events", nil, []string{"5"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t)
				for seq := range int64(4) {
					s.records.commit(seq+1, "agent-us")
				}
				l := s.listen(t, "supervisor", test.path, test.header...)
				s.records.commit(5, "agent-us")
				l.want(test.want...)
			})
		})
	}
}

// A stream that is far behind gets everything, in order, while more happens.
func TestLongCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		const old, fresh = 2*eventMemory + 7, eventMemory + 3
		for seq := range int64(old) {
			s.records.commit(seq+1, "agent-us")
		}
		l := s.listen(t, "supervisor", "/v1/events?lastEventId=0")
		for seq := range int64(fresh) {
			s.records.commit(old+seq+1, "agent-us")
		}
		begun := time.Now()
		for i, id := range l.ids(old + fresh) {
			if id != strconv.Itoa(i+1) {
				t.Fatalf("event %d has the ID %s", i+1, id)
			}
		}
		if took := time.Since(begun); took > pollEvery {
			t.Errorf("a page at a time: %s", took)
		}
	})
}

// An event that was committed late is told in its place: what follows it waits
// for it, and for one that never comes no longer than two seconds.
func TestGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		s.records.commit(1, "agent-us")
		l := s.listen(t, "supervisor", "/v1/events")
		begun := time.Now()
		s.records.commit(3, "agent-us")
		time.Sleep(gapPatience - pollEvery)
		s.records.commit(2, "agent-us")
		l.want("2", "3")
		if waited := time.Since(begun); waited > gapPatience {
			t.Errorf("a gap that was filled held the stream up for %s", waited)
		}
		begun = time.Now()
		s.records.commit(5, "agent-us")
		s.records.commit(7, "agent-us")
		l.want("5", "7")
		if waited := time.Since(begun); waited < gapPatience || waited > gapPatience+2*pollEvery {
			t.Errorf("gaps that stay held the stream up for %s", waited)
		}
	})
}

// The first listener of a process comes while a transaction is late. It has been
// told the event after the gap, elsewhere or not at all: either way it misses
// nothing, and nobody is told of what is long past.
func TestGapAtTheBeginning(t *testing.T) {
	for _, path := range []string{"/v1/events", "/v1/events?lastEventId=3"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStudio(t)
			s.records.commit(1, "agent-us")
			s.records.commit(3, "agent-us") // 2 has failed, long ago
			time.Sleep(time.Minute)
			s.records.commit(5, "agent-us")
			l := s.listen(t, "supervisor", path)
			if l.first != "3" {
				t.Errorf("the stream begins after %s", l.first)
			}
			time.Sleep(time.Second)
			s.records.commit(4, "agent-us")
			l.want("4", "5")
		})
	}
}

// While nobody listens nobody asks the database. Somebody listening is told
// within a quarter of a second, and at once when the hub is woken.
func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		time.Sleep(time.Minute)
		if n := s.records.queried(); n != 0 {
			t.Errorf("%d queries for nobody", n)
		}
		l := s.listen(t, "supervisor", "/v1/events")
		synctest.Wait()
		begun := time.Now()
		s.records.commit(1, "agent-us")
		s.hub.Wake()
		l.want("1")
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("woken, the hub took %s", waited)
		}
		s.records.commit(2, "agent-us")
		l.want("2")
		if waited := time.Since(begun); waited > pollEvery {
			t.Errorf("by itself, the hub took %s", waited)
		}
		_ = l.conn.Close()
		synctest.Wait()
		before := s.records.queried()
		time.Sleep(time.Minute)
		if n := s.records.queried(); n != before {
			t.Errorf("%d queries after the last has left", n-before)
		}
	})
}

// A quiet stream has a heartbeat every 15 seconds, and outlives the server's
// deadlines for reading a request and for writing an answer.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		l := s.listen(t, "supervisor", "/v1/events")
		for range 8 {
			begun := time.Now()
			f, ok := l.next()
			if !ok || f != (frame{Comment: "heartbeat"}) || time.Since(begun) != heartbeatEvery {
				t.Fatalf("after %s: %+v %v", time.Since(begun), f, ok)
			}
		}
	})
}
