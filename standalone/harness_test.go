package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lifeline/internal/config"
	"lifeline/internal/pgtest"
	"lifeline/internal/process"

	"github.com/google/go-cmp/cmp"
)

// roleVariable makes this test binary a process under test instead of a run of
// tests. It links the Temporal server, which takes a minute, so it links it once
// for both.
const roleVariable = "LIFELINE_TEST_ROLE"

const (
	roleStandalone = "standalone"
	// roleTemporal is a bare Temporal server, as an installation of separate
	// processes has one.
	roleTemporal = "temporal"
)

// patience bounds every wait. It is far beyond what a slow machine needs, and
// nothing depends on how much of it is used.
const patience = 3 * time.Minute

// TestMain is every process that has to link the Temporal server.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case roleStandalone:
		main()
	case roleTemporal:
		process.Main("temporal: an embedded server alone.", serveTemporal)
	default:
		code := m.Run()
		if err := shared.close(); err != nil {
			fmt.Fprintln(os.Stderr, "standalone tests:", err)
			code = max(code, 1)
		}
		os.Exit(code)
	}
}

func serveTemporal(_ context.Context, cfg config.Config, log *slog.Logger) error {
	return process.Run(log, func() { log.Info("Ready") }, temporal(cfg, log)) //nolint:contextcheck // it waits for a signal
}

// shared is what all tests of this run use together.
var shared things

type things struct {
	mu sync.Mutex
	// binaries is the folder of the programs built so far.
	binaries string
	postgres *pgtest.Server
	ports    map[int]bool
}

// program builds one of the small programs, which do not link the Temporal server,
// and gives its path.
func (s *things) program(t testing.TB, name string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.binaries == "" {
		dir, err := os.MkdirTemp("", "lifeline-bin-") //nolint:usetesting // it outlives the test
		if err != nil {
			t.Fatal("make a folder for programs: ", err)
		}
		s.binaries = dir
	}
	path := filepath.Join(s.binaries, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "lifeline/"+name)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, output)
	}
	return path
}

// postgresURL gives the address of an empty PostgreSQL database.
func (s *things) postgresURL(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.postgres == nil {
		if s.postgres, err = pgtest.New(); err != nil {
			t.Fatal(err)
		}
	}
	address, err := s.postgres.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// freeAddr is a loopback address that nobody listens on. Its port is below those
// that the kernel gives to outgoing connections, so that it is still free when a
// process that was killed on it starts again.
func (s *things) freeAddr(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 1000 {
		port := 20000 + rand.IntN(10000)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil || s.ports[port] {
			continue
		}
		if err := listener.Close(); err != nil {
			t.Fatal("close port: ", err)
		}
		if s.ports == nil {
			s.ports = map[int]bool{}
		}
		s.ports[port] = true
		return address
	}
	t.Fatal("no port is free on 127.0.0.1")
	return ""
}

func (s *things) close() error {
	var err error
	if s.postgres != nil {
		err = s.postgres.Close()
	}
	if s.binaries != "" {
		err = errors.Join(err, os.RemoveAll(s.binaries))
	}
	return err
}

// itself is the path of this test binary.
func itself(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal("find the test binary: ", err)
	}
	return path
}

// running is a process under test. It ends with its test, or with the test binary
// should that be killed.
type running struct {
	name    string
	cmd     *exec.Cmd
	logFile string
	// exited is closed when the process has ended.
	exited chan struct{}
}

// launch starts a program for as long as the test takes, with nothing in its
// environment that configures Lifeline but the settings given.
func launch(t testing.TB, name, path string, settings []string, args ...string) *running {
	t.Helper()
	p, err := begin(name, path, t.TempDir(), filepath.Join(t.TempDir(), name+".log"), settings, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s (%s) wrote:\n%s", name, p.cmd.ProcessState, p.output(t))
		}
	})
	return p
}

// begin starts a program in a directory. What it writes is added to the log.
func begin(name, path, dir, logFile string, settings []string, args ...string) (*running, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	cmd := exec.Command(path, args...) //nolint:noctx // it is ended by its process ID
	p := &running{name: name, cmd: cmd, logFile: logFile, exited: make(chan struct{})}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "LIFELINE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, settings...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()
	started := make(chan error, 1)
	go func() {
		// The kernel ends the process when the thread that started it ends.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- errors.Join(err, log.Close())
		if err == nil {
			_ = cmd.Wait() // ProcessState tells
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// kill ends the process as a crash does (kill -9).
func (p *running) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.exited
}

// terminate asks the process to stop and gives its exit code.
func (p *running) terminate(t testing.TB) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stop %s: %v", p.name, err)
	}
	return p.exitCode(t)
}

// exitCode waits for the process to end by itself.
func (p *running) exitCode(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("%s has not ended after %s", p.name, patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *running) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// output is everything that the process has written so far.
func (p *running) output(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(p.logFile)
	if err != nil {
		t.Fatal("read log: ", err)
	}
	return string(text)
}

// await waits until a condition no longer gives an error.
func await(t testing.TB, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s: %v", patience, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// says demands that a text has a phrase.
func says(text, phrase string) error {
	if strings.Contains(text, phrase) {
		return nil
	}
	return fmt.Errorf("%q is missing in\n%s", phrase, text)
}

// awaitEqual waits until what is read is what is wanted.
func awaitEqual[T any](t testing.TB, what string, want T, read func() T) {
	t.Helper()
	await(t, what, func() error {
		if diff := cmp.Diff(want, read()); diff != "" {
			return errors.New("(-want +got)\n" + diff)
		}
		return nil
	})
}
