// Package embedded runs a whole Temporal server with its Web UI inside this process, on one SQLite file, for
// the standalone program. Temporal offers embedding for development and tests; production is a Temporal cluster.
//
// What it pins: one history shard, WAL with synchronous=full (what Temporal has acknowledged survives a power cut),
// and one server version per data directory, since Temporal cannot migrate its SQLite schema. Only the standalone
// program and its tests may import it: it links some 200 MB.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	temporalserver "go.temporal.io/server/temporal"
)

// DefaultRetention is how long closed workflows are kept when [Options] does not say: long enough to look into last
// week's calls. Temporal's own default for SQLite is a day.
const DefaultRetention = 7 * 24 * time.Hour

// Options say where the server keeps its data and listens. An address with port 0 gets a free port.
type Options struct {
	// Dir holds the database and the version that made it; it is created for its owner alone.
	Dir string
	// Addr is the frontend's host:port. Nothing authenticates there: any address but a loopback one opens it to the
	// network, and so no host at all means 127.0.0.1.
	Addr string
	// UIAddr is the Web UI's host:port; empty means no Web UI. The same warning holds.
	UIAddr string
	// Columns are what the Web UI's list of workflows shows to a browser that has not chosen any.
	Columns []string
	// CodecEndpoint is the URL below which the Web UI finds /decode, for example http://127.0.0.1:8080/codec. The
	// browser sends it its cookies. Empty means that payloads are shown encrypted.
	CodecEndpoint string
	// Namespace is created when it is absent, with the SearchAttributes, so that a first start need not add them later.
	Namespace        string
	SearchAttributes []temporal.SearchAttributeKey
	// Retention is how long closed workflows are kept, at least an hour; a change is applied at the next start.
	Retention time.Duration
	// Logger receives the server's warnings and errors.
	Logger *slog.Logger
}

// Server is a running server. Stop it after the last client and worker.
type Server struct {
	temporal temporalserver.Server
	ui       *webUI
	lock     *dirLock
	addr     netip.AddrPort
	stopping *atomic.Bool
}

// Start returns when workflows can be started in the namespace and the Web UI answers, or cleans up and says why not:
// an address in use, a directory in use or made by another version. Cancelling the context during the start does the
// same; afterwards it has no effect.
func Start(ctx context.Context, options Options) (_ *Server, err error) {
	if options.Retention == 0 {
		options.Retention = DefaultRetention
	}
	addr, err := freeAddr(ctx, options.Addr, "LIFELINE_TEMPORAL_ADDR")
	if err != nil {
		return nil, err
	}
	server := &Server{addr: addr, stopping: new(atomic.Bool)}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Stop())
		}
	}()
	var uiAddr netip.AddrPort
	if options.UIAddr != "" {
		if uiAddr, err = freeAddr(ctx, options.UIAddr, "LIFELINE_TEMPORAL_UI_ADDR"); err != nil {
			return nil, err
		}
	}
	if server.lock, err = prepareDir(ctx, options.Dir); err != nil {
		return nil, err
	}
	if err = server.startTemporal(options); err != nil {
		return nil, err
	}
	if options.UIAddr != "" {
		if server.ui, err = startUI(ctx, uiAddr, server.Addr(), options); err != nil {
			return nil, err
		}
	}
	if err = server.awaitReady(ctx, options); err != nil {
		return nil, err
	}
	return server, nil
}

func (s *Server) startTemporal(options Options) error {
	cfg := serverConfig(options.Dir, s.addr)
	if err := createNamespace(cfg, options); err != nil {
		return err
	}
	server, err := temporalserver.NewServer(
		temporalserver.WithConfig(cfg),
		temporalserver.ForServices(temporalserver.DefaultServices),
		temporalserver.WithStaticHosts(staticHosts(cfg, s.addr)),
		temporalserver.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporalserver.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporalserver.WithDynamicConfigClient(dynamicconfig.StaticClient(tuning)),
		temporalserver.WithLogger(&serverLogger{to: options.Logger, stopping: s.stopping}),
	)
	if err != nil {
		return fmt.Errorf("configure embedded Temporal: %w", err)
	}
	s.temporal = server // from here on Stop has something to stop, even if the start fails halfway
	if err := server.Start(); err != nil {
		return fmt.Errorf("start embedded Temporal: %w", err)
	}
	return nil
}

// Addr is where the frontend can be reached, with the port that was found when 0 was asked for.
func (s *Server) Addr() string { return reachable(s.addr).String() }

// UIAddr is where the Web UI can be reached; empty when there is none.
func (s *Server) UIAddr() string {
	if s.ui == nil {
		return ""
	}
	return reachable(s.ui.addr).String()
}

// Stop ends the Web UI and the server, within a few seconds, and releases the directory. Its warnings about
// connections that break are expected and not logged. Nothing is lost if the process is killed instead.
func (s *Server) Stop() error {
	s.stopping.Store(true)
	var err error
	if s.ui != nil {
		s.ui.stop()
	}
	if s.temporal != nil {
		err = s.temporal.Stop()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.release())
	}
	if err != nil {
		return fmt.Errorf("stop embedded Temporal: %w", err)
	}
	return nil
}
