package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"lifeline/internal/pgtest"
)

// postgres is the database server as faults see it.
type postgres struct {
	t       *testing.T
	server  *pgtest.Server
	address string

	mu sync.Mutex
	// down counts the faults that keep it from running.
	down   int
	frozen []int
}

// end ends the server, by a crash or in order, until it is revived as often.
func (p *postgres) end(how func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down++; p.down > 1 {
		return
	}
	p.signalLocked(syscall.SIGCONT) // who is frozen cannot die of what it is told
	if err := how(); err != nil {
		p.t.Error(err)
	}
}

func (p *postgres) revive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down--; p.down > 0 {
		return
	}
	if err := p.server.Start(); err != nil {
		p.t.Error(err)
	}
}

// freeze stops every process of the server where it is. It is false where that cannot
// be done.
func (p *postgres) freeze() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down > 0 {
		return false
	}
	server, err := p.leader()
	if err != nil {
		return false
	}
	_ = syscall.Kill(server, syscall.SIGSTOP) // so that it makes no more children
	p.frozen = append(p.frozen, server)
	for _, field := range childrenOf(server) {
		if pid, err := strconv.Atoi(field); err == nil {
			p.frozen = append(p.frozen, pid)
		}
	}
	p.signalLocked(syscall.SIGSTOP)
	return true
}

func (p *postgres) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signalLocked(syscall.SIGCONT)
	p.frozen = nil
}

func (p *postgres) signalLocked(s syscall.Signal) {
	for _, pid := range p.frozen {
		_ = syscall.Kill(pid, s) // it may be gone
	}
}

// leader is the process ID of the server.
func (p *postgres) leader() (int, error) {
	parsed, err := url.Parse(p.address)
	if err != nil {
		return 0, fmt.Errorf("parse the database's address: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(parsed.Query().Get("host"), "data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("find PostgreSQL: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

// childrenOf are the processes that a process has made. Those of PostgreSQL lead a
// process group each, so that no one signal reaches them all.
func childrenOf(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}
