package embedded

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// webUI is Temporal's Web UI: pages and a gateway to the frontend, on a port of its own behind the front.
type webUI struct {
	server *uiserver.Server
	front  *front
	// addr is the front's.
	addr  netip.AddrPort
	ended chan struct{}
}

func startUI(ctx context.Context, addr netip.AddrPort, frontend string, options Options) (*webUI, error) {
	codec, err := codecConfig(options.CodecEndpoint)
	if err != nil {
		return nil, err
	}
	inner, err := freeAddr(ctx, net.JoinHostPort(loopback, "0"), "")
	if err != nil {
		return nil, err
	}
	front, err := startFront(ctx, addr, inner, options)
	if err != nil {
		return nil, err
	}
	ui := &webUI{
		front: front,
		addr:  addr,
		ended: make(chan struct{}),
		server: uiserver.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
			Host:                hostOf(inner),
			Port:                int(inner.Port()),
			TemporalGRPCAddress: frontend,
			DefaultNamespace:    options.Namespace,
			EnableUI:            true,
			HideLogs:            true,
			DisableNewsFetch:    true,                                // nothing leaves the machine
			CORS:                uiconfig.CORS{CookieInsecure: true}, // it is served over plain HTTP
			Codec:               codec,
		})),
	}
	go func() {
		defer close(ui.ended)
		_ = ui.server.Start() // ends the process rather than return an error
	}()
	return ui, nil
}

// codecConfig has the browser decrypt with the cookie that Lifeline gave it, and says where to get one when it has none.
func codecConfig(endpoint string) (uiconfig.Codec, error) {
	if endpoint == "" {
		return uiconfig.Codec{}, nil
	}
	lifeline, err := url.Parse(endpoint)
	if err != nil {
		return uiconfig.Codec{}, fmt.Errorf("parse codec endpoint: %w", err)
	}
	return uiconfig.Codec{
		Endpoint:            endpoint,
		IncludeCredentials:  true,
		DefaultErrorMessage: "To read this, log in to Lifeline as a supervisor and reload the page.",
		DefaultErrorLink:    lifeline.ResolveReference(&url.URL{Path: "/login"}).String(),
	}, nil
}

// hostOf puts brackets around IPv6, since the Web UI joins host and port with a bare colon.
func hostOf(addr netip.AddrPort) string {
	if addr.Addr().Is6() {
		return "[" + addr.Addr().String() + "]"
	}
	return addr.Addr().String()
}

func (ui *webUI) stop() {
	ui.front.stop()
	ui.server.Stop()
	<-ui.ended
}
