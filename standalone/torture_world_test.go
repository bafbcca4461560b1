package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeline/internal/httpapi"
	"lifeline/internal/pgtest"

	"go.temporal.io/sdk/client"
)

// The terms of calls under torture are short, so that calls live their whole lives in
// it, and long enough for what a fault has delayed to be made up for: a number rests for
// longer than anything is out of reach, as it does in life.
const (
	tortureLease      = 45 * time.Second
	tortureGrace      = 8 * time.Second
	tortureQuarantine = 15 * time.Second
	tortureMaxCall    = 25 * time.Second
	tortureBudget     = 2 * time.Second
)

// world is an installation under torture: its processes, what they lean on, and what
// there is to see of it from outside.
type world struct {
	*installation

	// logs is where every process writes; it is kept when the test fails.
	logs string
	// members are all processes; servers are those of them that answer requests.
	members []*member
	servers []*member
	// proxies are the networks between processes, by "who to what".
	proxies  map[string]*proxy
	postgres *postgres
	// disks are those that can be full, by the process that has it.
	disks map[string]*smallDisk
	// spools are the directories of what was answered without the database.
	spools   []string
	presence *outsidePresence
	// mail is nil where notices go to a folder.
	mail *mailProvider
	// mailDir is that folder.
	mailDir string
	// db is for looking, and knows nothing of package store.
	db       *sql.DB
	tokens   map[string]string
	agents   []*staff
	temporal client.Client
	// terminated are the calls whose workflow was taken away; terminating guards them.
	terminated  map[string]bool
	terminating sync.Mutex
	// unrest are the times in which something was broken that people are told by.
	unrest spans
}

// newWorld makes what all forms have in common.
func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	logs, err := os.MkdirTemp("", "lifeline-torture-") //nolint:usetesting // it stays when the test fails
	if err != nil {
		t.Fatal("make a folder for logs: ", err)
	}
	w := &world{
		logs: logs, proxies: map[string]*proxy{}, presence: newOutsidePresence(t), tokens: map[string]string{},
		terminated: map[string]bool{}, disks: map[string]*smallDisk{},
	}
	w.installation = newInstallation(t, slices.Concat([]string{
		"LEASE_DURATION=" + tortureLease.String(),
		"CALLBACK_GRACE=" + tortureGrace.String(),
		"NUMBER_QUARANTINE=" + tortureQuarantine.String(),
		"MAX_CALL_DURATION=" + tortureMaxCall.String(),
		"ACK_DEADLINE=10s",
		"ACK_ESCALATIONS=1",
		"DIAL_BUDGET=" + tortureBudget.String(),
		"PRESENCE_URL=" + w.presence.server.URL,
		"PRESENCE_TOKEN=" + presenceToken,
	}, settings)...)
	t.Cleanup(func() {
		for _, m := range w.members {
			m.retire()
		}
		if t.Failed() {
			t.Log("what the processes wrote is in ", logs)
			return
		}
		_ = os.RemoveAll(logs) // nobody needs it
	})
	return w
}

// issueTokens gives every agent a token, beside those of the roles. Separate machines
// share no data directory, so every process gets them by its environment.
func (w *world) issueTokens() {
	w.t.Helper()
	cfg := w.config()
	if err := cfg.MakeSecrets(newSecrets); err != nil {
		w.t.Fatal("make secrets: ", err)
	}
	all := strings.Split(cfg.Tokens, ",")
	for _, agent := range w.agents {
		if holder := "agent/" + agent.id; !strings.Contains(cfg.Tokens, holder+":") {
			all = append(all, holder+":torture-token-of-"+agent.id)
		}
	}
	for _, entry := range all {
		holder, token, _ := strings.Cut(entry, ":")
		w.tokens[holder] = token
	}
	w.settings = append(w.settings, "LIFELINE_TOKENS="+strings.Join(all, ","), "LIFELINE_PAYLOAD_KEYS="+cfg.PayloadKeys)
}

// add makes a process of the installation, and starts it.
func (w *world) add(name, path string, settings ...string) *member {
	w.t.Helper()
	m := &member{t: w.t, name: name, path: path, dir: w.t.TempDir(), settings: w.with(settings...), logFile: filepath.Join(w.logs, name+".log")}
	w.members = append(w.members, m)
	m.start()
	return m
}

// addServer makes a process that answers requests.
func (w *world) addServer(name, path string, settings ...string) {
	w.t.Helper()
	address := shared.freeAddr(w.t)
	w.servers = append(w.servers, w.add(name, path, append(settings, "LIFELINE_HTTP_ADDR="+address)...))
	w.apis = append(w.apis, address)
}

// addDisk has a process keep what it spools on a disk that can be full.
func (w *world) addDisk(name, dir, spool string) {
	w.spools = append(w.spools, spool)
	if disk := newSmallDisk(w.t, dir); disk != nil {
		w.disks[name] = disk
	}
}

// newStandaloneWorld is everything in one process, with notices in a folder.
func newStandaloneWorld(t *testing.T, agents []*staff) *world {
	w := newWorld(t)
	w.agents, w.mailDir = agents, filepath.Join(w.dir, "mail")
	w.issueTokens()
	spool := filepath.Join(w.dir, "spool")
	w.addDisk("standalone", spool, spool)
	w.addServer("standalone", itself(t), roleVariable+"="+roleStandalone)
	w.awaitServers()
	w.look("sqlite", "file:"+w.config().DatabaseURL+"?_pragma=busy_timeout(5000)")
	return w
}

// newSeparateWorld is a Temporal server, two APIs and two workers, each with its own
// directory, on PostgreSQL and a mail provider. Networks lie between them.
func newSeparateWorld(t *testing.T, agents []*staff) *world {
	server, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	address, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mail := newMailProvider(t)
	w := newWorld(t, "MAIL_TRANSPORT=sendgrid", "SENDGRID_API_KEY=torture", "SENDGRID_HOST="+mail.server.URL, "DATABASE_URL="+address)
	w.agents, w.mail, w.postgres = agents, mail, &postgres{t: t, server: server}
	w.furnish()
	w.issueTokens()
	w.add("temporal", itself(t), roleVariable+"="+roleTemporal, "LIFELINE_DATA_DIR="+t.TempDir())
	for _, name := range []string{"worker-1", "worker-2", "api-1", "api-2"} {
		data := t.TempDir()
		settings := []string{
			"LIFELINE_DATA_DIR=" + data,
			"LIFELINE_DATABASE_URL=" + w.throughProxy(name, address),
			"LIFELINE_TEMPORAL_ADDR=" + w.proxied(name+" to Temporal", "tcp", w.temporalAddr),
		}
		program := shared.program(t, name[:len(name)-2])
		if strings.HasPrefix(name, "api") {
			w.addDisk(name, data, filepath.Join(data, "spool"))
			w.addServer(name, program, settings...)
		} else {
			w.add(name, program, settings...)
		}
	}
	w.awaitServers()
	w.look("pgx", address)
	return w
}

// throughProxy is the address of the database as one process has it.
func (w *world) throughProxy(name, address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		w.t.Fatal("parse the database's address: ", err)
	}
	query := parsed.Query()
	socket := filepath.Join(query.Get("host"), ".s.PGSQL.5432")
	query.Del("host")
	query.Set("sslmode", "disable")
	parsed.RawQuery, parsed.Host = query.Encode(), w.proxied(name+" to PostgreSQL", "unix", socket)
	return parsed.String()
}

func (w *world) proxied(name, network, target string) string {
	p := newProxy(w.t, network, target)
	w.proxies[name] = p
	return p.addr()
}

func (w *world) look(driver, address string) {
	w.t.Helper()
	var err error
	if w.db, err = sql.Open(driver, address); err != nil {
		w.t.Fatal("open the database to look: ", err)
	}
	w.t.Cleanup(func() { _ = w.db.Close() })
	w.temporal = w.engine()
}

// awaitServers waits until every API is ready.
func (w *world) awaitServers() {
	w.t.Helper()
	for _, address := range w.apis {
		await(w.t, address+" to be ready", func() error {
			status, ready, err := w.readiness(address)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("/readyz says %d: %v", status, ready.Checks)
			}
			return err
		})
	}
}

// staff is an agent with what the test knows of them.
type staff struct {
	id, site string
	// shows is what they show when nothing is the matter.
	shows string
	// contacts are told of their calls.
	contacts []string
}

// testContacts are told of tests at every site of the demo.
var testContacts = []string{demoTestRecipients}

// emergencyNumbers are what is dialed at a site: calls for help, then tests.
var emergencyNumbers = map[string][2][]string{
	"us": {{"911"}, {"933"}},
	"gb": {{"999", "112"}, {"urn:service:test.sos"}},
	"dk": {{"112"}, {"urn:service:test.sos"}},
}

var tortureSites = []string{"us", "gb", "dk"}

// hireStaff makes agents, the demo's first.
func hireStaff(count int) []*staff {
	var agents []*staff
	for n := range count {
		site := tortureSites[n%len(tortureSites)]
		id := fmt.Sprintf("agent-%s-%d", site, n/len(tortureSites)+1)
		if n < len(tortureSites) {
			id = "agent-" + site
		}
		agents = append(agents, &staff{
			id: id, site: site, shows: "at-desk-" + id,
			contacts: []string{"desk-of-" + id + "@example.org", "supervisor@example.org"},
		})
	}
	return agents
}

// spareNumber is a fictitious callback number of a site that the demo does not use.
func spareNumber(site string, n int) string {
	switch site {
	case "us":
		return fmt.Sprintf("+12025550%d", 104+n)
	case "gb":
		return fmt.Sprintf("+442079460%d", 104+n)
	default:
		return fmt.Sprintf("+4510000%d", 104+n)
	}
}

// populate adds the agents and so many numbers at each site.
func (w *world) populate(numbers int) {
	w.t.Helper()
	admin := w.as("admin")
	for _, site := range tortureSites {
		for n := range numbers {
			admin.must(http.StatusCreated, http.MethodPost, "/v1/callback-numbers",
				httpapi.CallbackNumberSettings{Number: spareNumber(site, n), SiteID: "site-" + site}, nil)
		}
	}
	for _, agent := range w.agents {
		admin.must(http.StatusOK, http.MethodPut, "/v1/agents/"+agent.id, httpapi.AgentSettings{
			Name: agent.id, SiteID: "site-" + agent.site, Endpoints: []string{"sip:" + agent.id + "@phones.example"},
		}, nil)
		admin.must(http.StatusOK, http.MethodPut, "/v1/agents/"+agent.id+"/emergency-contacts",
			httpapi.EmergencyContactsSettings{Recipients: strings.Join(agent.contacts, "; ")}, nil)
		admin.setPresence(agent.id, agent.shows)
	}
}

// noticesTaken are the messages that have reached the mail system, each with how
// often. The folder replaces a message that comes again.
func (w *world) noticesTaken() (map[notice]int, error) {
	if w.mail != nil {
		return w.mail.all(), nil
	}
	paths, err := filepath.Glob(filepath.Join(w.mailDir, "*.eml"))
	if err != nil {
		return nil, fmt.Errorf("look into the mail folder: %w", err)
	}
	taken := map[notice]int{}
	for _, path := range paths {
		one, err := readLetter(path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read %s", path), err)
		}
		parts := strings.Split(filepath.Base(path), "_")
		taken[notice{parts[0], parts[1], one.to}]++
	}
	return taken, nil
}
