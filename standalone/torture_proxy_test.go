package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy is a stretch of network between two processes that can be cut.
type proxy struct {
	listener        net.Listener
	network, target string

	mu sync.Mutex
	// hanging and resetting count the faults that are on; flowing is closed while
	// nothing hangs.
	hanging, resetting int
	flowing            chan struct{}
	open               map[*net.TCPConn]bool
}

// newProxy leads to a listener that need not be there yet.
func newProxy(t *testing.T, network, target string) *proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("listen for a proxy: ", err)
	}
	p := &proxy{
		listener: listener, network: network, target: target,
		flowing: make(chan struct{}), open: map[*net.TCPConn]bool{},
	}
	close(p.flowing)
	go p.serve()
	t.Cleanup(func() {
		_ = listener.Close() // nothing is lost
		p.cut()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		accepted, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if client, ok := accepted.(*net.TCPConn); ok && err == nil {
			go p.carry(client)
		}
	}
}

// carry joins a client and the target until one of them is done.
func (p *proxy) carry(client *net.TCPConn) {
	if !p.admit(client) {
		return
	}
	defer p.drop(client)
	<-p.gate()
	server, err := net.Dial(p.network, p.target) //nolint:noctx // it is on this machine
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // nothing hangs on it
	var both sync.WaitGroup
	both.Go(func() {
		p.pump(server, client)
		_ = server.Close() // ends the other direction
	})
	p.pump(client, server)
	p.drop(client)
	both.Wait()
}

// pump carries one direction. While the network hangs nothing comes through; what was
// sent meanwhile comes afterwards, as TCP sends it again.
func (p *proxy) pump(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			<-p.gate()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) gate() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flowing
}

// admit is false for a client that is turned away.
func (p *proxy) admit(client *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resetting > 0 {
		reset(client)
		return false
	}
	p.open[client] = true
	return true
}

func (p *proxy) drop(client *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
	_ = client.Close() // nothing hangs on it
}

// hang stops everything that flows, and flow lets it go on.
func (p *proxy) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hanging++; p.hanging == 1 {
		p.flowing = make(chan struct{})
	}
}

func (p *proxy) flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hanging--; p.hanging == 0 {
		close(p.flowing)
	}
}

// refuse breaks every connection and turns new ones away, until accept.
func (p *proxy) refuse() {
	p.mu.Lock()
	p.resetting++
	p.mu.Unlock()
	p.cut()
}

func (p *proxy) accept() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetting--
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client := range p.open {
		reset(client)
	}
}

// reset closes a connection as a broken network does.
func reset(connection *net.TCPConn) {
	_ = connection.SetLinger(0)
	_ = connection.Close() // nothing hangs on it
}
