package main

import (
	"sync"
	"testing"

	"lifeline/internal/pgtest"
)

// postgres is the database server as faults see it, which may overlap.
type postgres struct {
	t      *testing.T
	server *pgtest.Server

	mu sync.Mutex
	// down and frozen count the faults that keep it from running, and from answering.
	down, frozen int
}

// end ends the server, by a crash or in order, until it is revived as often.
func (p *postgres) end(how func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down++; p.down == 1 {
		p.must(how())
	}
}

func (p *postgres) revive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down--; p.down == 0 {
		p.must(p.server.Start())
	}
}

// freeze stops every process of the server where it is. One that is ended meanwhile
// begins anew unfrozen.
func (p *postgres) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen++; p.down == 0 {
		p.must(p.server.Freeze())
	}
}

func (p *postgres) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen--; p.down == 0 && p.frozen == 0 {
		p.must(p.server.Thaw())
	}
}

func (p *postgres) must(err error) {
	if err != nil {
		p.t.Error(err)
	}
}
