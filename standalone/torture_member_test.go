package main

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

// member is one process of an installation under torture. It is kept running as an
// init system would: started again once no fault keeps it down, and when it ends by
// itself.
type member struct {
	t        *testing.T
	name     string
	path     string
	dir      string
	settings []string
	logFile  string

	mu sync.Mutex
	p  *running
	// down counts the faults that keep it from running.
	down int
	// starts counts its lives.
	starts int
	// faints are the ends of its lives that no fault has caused.
	faints []string
	// retired says that it is wanted no more.
	retired bool
	// stopped are the times in which it could not answer although it was there.
	stopped spans
}

// restartAfter is how soon a process that has ended by itself is started again.
const restartAfter = 500 * time.Millisecond

func (m *member) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.startLocked()
}

func (m *member) startLocked() {
	if m.down > 0 || m.p != nil || m.retired {
		return
	}
	p, err := begin(m.name, m.path, m.dir, m.logFile, m.settings)
	if err != nil {
		m.t.Error(err)
		return
	}
	m.p, m.starts = p, m.starts+1
	go m.watch(p)
}

// watch starts the process anew when it ends and nobody has ended it.
func (m *member) watch(p *running) {
	<-p.exited
	time.Sleep(restartAfter)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.p != p {
		return
	}
	m.p = nil
	m.faints = append(m.faints, fmt.Sprintf("%s in its life %d: %s", m.name, m.starts, p.cmd.ProcessState))
	m.startLocked()
}

// kill ends the process as a crash does, until it is revived as often as it was
// killed.
func (m *member) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down++
	m.endLocked()
}

func (m *member) endLocked() {
	if p := m.p; p != nil {
		m.p = nil
		p.kill()
	}
}

func (m *member) revive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down--
	m.startLocked()
}

// freeze stops the process in the middle of what it does, and thaw lets it go on.
// One that was killed meanwhile begins anew unfrozen.
func (m *member) freeze() { m.signal(syscall.SIGSTOP, m.stopped.open) }

func (m *member) thaw() { m.signal(syscall.SIGCONT, m.stopped.close) }

func (m *member) signal(s syscall.Signal, note func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	note()
	if m.p != nil {
		_ = m.p.cmd.Process.Signal(s) // it may have ended
	}
}

// retire ends the process for good.
func (m *member) retire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retired = true
	m.endLocked()
}

// spans are stretches of time, which may overlap.
type spans struct {
	mu   sync.Mutex
	deep int
	all  []span
}

type span struct{ from, to time.Time }

func (s *spans) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deep++; s.deep == 1 {
		s.all = append(s.all, span{from: time.Now()})
	}
}

func (s *spans) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deep--; s.deep == 0 {
		s.all[len(s.all)-1].to = time.Now()
	}
}

// touch tells whether any of a stretch of time lies in one of them.
func (s *spans) touch(from, to time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one.from.Before(to) && (one.to.IsZero() || one.to.After(from)) {
			return true
		}
	}
	return false
}

// longestGap is the longest stretch between two times that none of them touches.
func (s *spans) longestGap(from, to time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var longest time.Duration
	for _, one := range s.all { // begun one after the other
		if one.from.After(to) {
			break
		}
		longest = max(longest, one.from.Sub(from))
		if one.to.IsZero() {
			return longest
		}
		if one.to.After(from) {
			from = one.to
		}
	}
	return max(longest, to.Sub(from))
}
