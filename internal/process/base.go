package process

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"lifeline/internal/config"
	"lifeline/internal/emergency"
	"lifeline/internal/engine"
	"lifeline/internal/httpapi"
	"lifeline/internal/presence"
	"lifeline/internal/relay"
	"lifeline/internal/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.temporal.io/sdk/client"
)

// Base is what every part stands on: the database, the keys and the way to
// Temporal. It is made before any part starts and closed after the last has
// stopped.
type Base struct {
	Config   config.Config
	Log      *slog.Logger
	Store    *store.Store
	Keyring  *engine.Keyring
	Temporal client.Client
	Outside  presence.System
	Registry *prometheus.Registry

	relay *relay.Relay
	hub   *httpapi.Hub
}

// Open makes the base from the configuration. It only makes ready to connect to the
// database and to Temporal, which may be down, and a disk that takes nothing does not stop it.
func Open(cfg config.Config, log *slog.Logger) (*Base, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		log.Warn("The data directory cannot be made; nothing is kept there until it can", "error", err)
	}
	if err := cfg.ReadSecrets(); err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if cfg.PayloadKeys == "" {
		return nil, errors.New("no payload keys: set LIFELINE_PAYLOAD_KEYS, or LIFELINE_DATA_DIR to a directory where standalone has made some")
	}
	b := &Base{Config: cfg, Log: log, Registry: prometheus.NewRegistry()}
	b.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var err error
	if b.Keyring, err = engine.ParseKeyring(cfg.PayloadKeys); err != nil {
		return nil, fmt.Errorf("LIFELINE_PAYLOAD_KEYS: %w", err)
	}
	if cfg.PresenceURL != "" {
		if b.Outside, err = presence.NewWebhook(cfg.PresenceURL, cfg.PresenceToken, presenceTimeout); err != nil {
			return nil, fmt.Errorf("LIFELINE_PRESENCE_URL: %w", err)
		}
	}
	if b.Store, err = store.Open(cfg.DatabaseURL, time.Now); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if b.Temporal, err = engine.NewClient(engine.Options{
		Address: cfg.TemporalAddr, Namespace: cfg.TemporalNamespace, Keyring: b.Keyring, Logger: log,
	}); err != nil {
		return nil, errors.Join(fmt.Errorf("reach Temporal: %w", err), b.Store.Close())
	}
	b.relay = relay.New(b.Store, b.Temporal, time.Now, log)
	b.hub = httpapi.NewHub(b.Store, log)
	return b, nil
}

// presenceTimeout bounds one message to an outside presence system.
const presenceTimeout = 5 * time.Second

// Close lets go of Temporal and the database.
func (b *Base) Close() error {
	b.Temporal.Close()
	if err := b.Store.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// headStart is what an answer gets before the work that it leaves behind begins. On
// a small machine both want the same processors, and somebody waits for the answer.
const headStart = 2 * time.Millisecond

// wake has a call's messages carried and its events told, once the answer is out.
func (b *Base) wake(id emergency.CallID) {
	time.AfterFunc(headStart, func() {
		b.relay.Wake(id)
		b.hub.Wake()
	})
}

// Relay carries the outbox to Temporal. It belongs into every process.
func (b *Base) Relay() Part { return background("relay", b.relay.Run) }
