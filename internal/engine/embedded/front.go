package embedded

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"time"
)

// frontPage sets up the list of workflows once, since the Web UI keeps its columns in the browser and shows, of its
// own, none that says what a workflow is about.
//
//go:embed front.html
var frontPage string

var frontTemplate = template.Must(template.New("front").Parse(frontPage))

// front is the address that people open: the Web UI, behind one page of ours at its root. Whoever has chosen columns of
// their own keeps them.
type front struct {
	server *http.Server
}

// startFront listens at once, so that the address is taken before anything stands on it.
func startFront(ctx context.Context, addr, webUI netip.AddrPort, options Options) (*front, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("listen for the Temporal Web UI: %w", err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: webUI.String()})
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_ = frontTemplate.Execute(w, options) // the reader has gone if this fails
	})
	f := &front{server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}}
	go func() {
		if err := f.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			options.Logger.Error("The Temporal Web UI has stopped", "error", err)
		}
	}()
	return f, nil
}

func (f *front) stop() { _ = f.server.Close() } // nothing is owed to its readers
