package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/config"
	"lifeline/internal/engine"
	"lifeline/internal/httpapi"
	"lifeline/internal/store"

	"go.temporal.io/sdk/client"
)

// installation is one Lifeline: a data directory, addresses and settings, by
// whatever processes it is served, killed and served again.
type installation struct {
	t        *testing.T
	dir      string
	settings []string
	// apis are the addresses of the API processes that serve now. Requests go to
	// each in turn, as behind a load balancer.
	apis  []string
	turns int
	// temporalAddr is the frontend, whether anybody listens there or not.
	temporalAddr string
	uiAddr       string
}

// newInstallation makes an empty installation. The settings are LIFELINE_
// variables without the prefix; the budget of a dial is wide, because the disks of
// build machines are slow.
func newInstallation(t *testing.T, settings ...string) *installation {
	t.Helper()
	i := &installation{t: t, dir: t.TempDir(), temporalAddr: shared.freeAddr(t), uiAddr: shared.freeAddr(t)}
	i.settings = []string{
		"LIFELINE_DATA_DIR=" + i.dir,
		"LIFELINE_TEMPORAL_ADDR=" + i.temporalAddr,
		"LIFELINE_TEMPORAL_UI_ADDR=" + i.uiAddr,
		"LIFELINE_DIAL_BUDGET=10s",
	}
	for _, setting := range settings {
		i.settings = append(i.settings, "LIFELINE_"+setting)
	}
	return i
}

// with are the settings and some more.
func (i *installation) with(more ...string) []string { return slices.Concat(i.settings, more) }

// standalone starts everything in one process and waits until it is ready. It
// serves where the one before it did.
func (i *installation) standalone() *running {
	i.t.Helper()
	if len(i.apis) == 0 {
		i.apis = []string{shared.freeAddr(i.t)}
	}
	p := launch(i.t, "standalone", itself(i.t), i.with(roleVariable+"="+roleStandalone, "LIFELINE_HTTP_ADDR="+i.apis[0]))
	i.awaitReady(p, i.apis[0])
	return p
}

// temporalServer starts a Temporal server alone and waits until it serves.
func (i *installation) temporalServer() *running {
	i.t.Helper()
	p := launch(i.t, "temporal", itself(i.t), i.with(roleVariable+"="+roleTemporal))
	i.awaitStart(p)
	return p
}

// furnish gives an installation of separate processes what standalone makes for
// itself: tokens, a payload key and the demo data.
func (i *installation) furnish() {
	i.t.Helper()
	cfg := i.config()
	if err := cfg.MakeSecrets(newSecrets); err != nil {
		i.t.Fatal("make secrets: ", err)
	}
	if err := seedDemo(i.t.Context(), i.database(), i.dir); err != nil {
		i.t.Fatal("seed demo data: ", err)
	}
}

// api starts one more API process and waits until it listens; whether it is ready
// is another matter.
func (i *installation) api() *running {
	i.t.Helper()
	address := shared.freeAddr(i.t)
	p := launch(i.t, "api", shared.program(i.t, "api"), i.with("LIFELINE_HTTP_ADDR="+address))
	i.awaitStart(p)
	i.apis = append(i.apis, address)
	return p
}

// worker starts one more worker process and waits until it takes calls.
func (i *installation) worker() *running {
	i.t.Helper()
	p := launch(i.t, "worker", shared.program(i.t, "worker"), i.settings)
	i.awaitStart(p)
	return p
}

// awaitStart waits until a process says that it is ready.
func (i *installation) awaitStart(p *running) {
	i.t.Helper()
	await(i.t, p.name+" to be ready", func() error {
		switch {
		case strings.Contains(p.output(i.t), "msg=Ready"):
			return nil
		case p.hasExited():
			i.t.Fatalf("%s has ended at its start: %s", p.name, p.cmd.ProcessState)
		}
		return errors.New("it has not said so")
	})
}

func (i *installation) awaitReady(p *running, address string) {
	i.t.Helper()
	await(i.t, p.name+" to be ready", func() error {
		if p.hasExited() {
			i.t.Fatalf("%s has ended at its start: %s", p.name, p.cmd.ProcessState)
		}
		status, ready, err := i.readiness(address)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/readyz says %d: %v", status, ready.Checks)
		}
		return err
	})
}

// readiness is what /readyz says at an address.
func (i *installation) readiness(address string) (int, httpapi.Ready, error) {
	var ready httpapi.Ready
	c := caller{t: i.t, next: func() string { return address }}
	status, err := c.send(http.MethodGet, "/readyz", nil, &ready)
	return status, ready, err
}

// as is a client with the token of a role, "supervisor" or "agent/agent-us".
func (i *installation) as(who string) *caller {
	i.t.Helper()
	return &caller{t: i.t, token: i.token(who), next: i.nextAPI}
}

func (i *installation) nextAPI() string {
	i.turns++
	return "http://" + i.apis[i.turns%len(i.apis)]
}

// token is the bearer token of a role.
func (i *installation) token(who string) string {
	i.t.Helper()
	cfg := i.config()
	if err := cfg.ReadSecrets(); err != nil {
		i.t.Fatal("read secrets: ", err)
	}
	for entry := range strings.SplitSeq(cfg.Tokens, ",") {
		if holder, token, _ := strings.Cut(entry, ":"); holder == who {
			return token
		}
	}
	i.t.Fatalf("nobody has a token as %s", who)
	return ""
}

// config is the configuration that the processes of this installation see.
func (i *installation) config() config.Config {
	return config.Config{DataDir: i.dir, DatabaseURL: i.setting("LIFELINE_DATABASE_URL", i.dir+"/lifeline.db")}
}

func (i *installation) setting(name, otherwise string) string {
	at := slices.IndexFunc(i.settings, func(s string) bool { return strings.HasPrefix(s, name+"=") })
	if at < 0 {
		return otherwise
	}
	return strings.TrimPrefix(i.settings[at], name+"=")
}

// database opens the database beside the processes that use it.
func (i *installation) database() *store.Store {
	i.t.Helper()
	db, err := store.Open(i.config().DatabaseURL, time.Now)
	if err == nil {
		err = db.Prepare(i.t.Context())
	}
	if err != nil {
		i.t.Fatal("open database: ", err)
	}
	i.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			i.t.Error("close database: ", err)
		}
	})
	return db
}

// engine is a Temporal client with this installation's payload key.
func (i *installation) engine() client.Client {
	i.t.Helper()
	cfg := i.config()
	if err := cfg.ReadSecrets(); err != nil {
		i.t.Fatal("read secrets: ", err)
	}
	keyring, err := engine.ParseKeyring(cfg.PayloadKeys)
	if err != nil {
		i.t.Fatal("parse payload key: ", err)
	}
	c, err := engine.NewClient(engine.Options{
		Address: i.temporalAddr, Namespace: "default", Keyring: keyring,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		i.t.Fatal("make Temporal client: ", err)
	}
	i.t.Cleanup(c.Close)
	return c
}
