package httpapi

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A reader who takes nothing is cut off after half a minute, holds nobody else
// up, and comes back to what was missed.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		slow := s.listen(t, "supervisor", "/v1/events")
		quick := s.listen(t, "supervisor", "/v1/events")
		begun := time.Now()
		for seq := range int64(100) {
			s.records.commit(seq+1, "agent-us")
		}
		quick.ids(100)
		if waited := time.Since(begun); waited > pollEvery {
			t.Errorf("the quick reader waited %s", waited)
		}
		for s.hub.listeners() == 2 {
			time.Sleep(time.Second)
		}
		if waited := time.Since(begun); waited < readerPatience || waited > readerPatience+2*time.Second {
			t.Errorf("the slow reader was cut off after %s", waited)
		}
		again := s.listen(t, "supervisor", "/v1/events", "Last-Event-ID: "+slow.first)
		if ids := again.ids(100); ids[99] != "100" {
			t.Errorf("the slow reader comes back to %v", ids)
		}
	})
}

// When the service stops, streams end at once, and one that hangs within a
// second.
func TestStreamsEndWithTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		quiet := s.listen(t, "supervisor", "/v1/events")
		s.listen(t, "supervisor", "/v1/events") // and reads no more
		for seq := range int64(100) {
			s.records.commit(seq+1, "agent-us")
		}
		quiet.ids(100)
		begun := time.Now()
		s.stop()
		if f, ok := quiet.next(); ok || time.Since(begun) != 0 {
			t.Errorf("after %s the quiet stream has %+v", time.Since(begun), f)
		}
		const step = 10 * time.Millisecond
		for s.hub.listeners() > 0 {
			time.Sleep(step)
		}
		if took := time.Since(begun); took > farewell+step {
			t.Errorf("the last stream ended after %s", took)
		}
	})
}

// While the database is away streams stand still, and lose nothing.
func TestStreamOutlivesTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		l := s.listen(t, "supervisor", "/v1/events")
		s.records.mu.Lock()
		s.records.broken = errors.New("no database")
		s.records.mu.Unlock()
		for range 4 {
			l.next() // a heartbeat
		}
		s.records.commit(1, "agent-us")
		s.records.mu.Lock()
		s.records.broken = nil
		s.records.mu.Unlock()
		l.want("1")
		if n := strings.Count(s.logs.String(), "event streams stand still"); n != 1 {
			t.Errorf("the log tells of one outage %d times", n)
		}
	})
}
