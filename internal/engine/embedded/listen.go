package embedded

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"go.temporal.io/server/common/testing/freeport"
)

// freeAddr checks that an address can be listened on, because server and Web UI open it themselves, later, and end the
// process when they cannot. The variable is what a person changes when it is taken.
func freeAddr(ctx context.Context, addr, variable string) (netip.AddrPort, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: resolve %q: %w", variable, addr, err)
	}
	free := resolved.AddrPort()
	ip := free.Addr().Unmap()
	if !ip.IsValid() {
		ip = netip.MustParseAddr(loopback)
	}
	free = netip.AddrPortFrom(ip, free.Port())
	if free.Port() == 0 {
		return netip.AddrPortFrom(ip, uint16(freeport.MustGetFreePort())), nil //nolint:gosec // a port is below 65536
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", free.String())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s is not free; stop what listens there or set %s to another address: %w", free, variable, err)
	}
	if err := listener.Close(); err != nil {
		return netip.AddrPort{}, fmt.Errorf("close %s: %w", free, err)
	}
	return free, nil
}

// reachable is the address by which this machine reaches one that listens on all of its addresses.
func reachable(addr netip.AddrPort) netip.AddrPort {
	if addr.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.MustParseAddr(loopback), addr.Port())
	}
	return addr
}
