package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
)

// settings make the server small and keep it off the network. The time zone is an
// odd one on purpose: nothing may depend on it.
var settings = []string{
	"listen_addresses=",
	"timezone=Asia/Kathmandu",
	"max_connections=200",
	"shared_buffers=16MB",
	"max_wal_size=256MB",
	"wal_level=minimal",
	"max_wal_senders=0",
	"autovacuum=off",
	"jit=off",
	"log_min_messages=warning",
}

// superuser owns the server; whoever can open the socket's folder may be it.
const superuser = "lifeline"

// startTimeout bounds the wait for a server that neither serves nor exits, crash
// recovery on a slow disk included.
const startTimeout = 2 * time.Minute

// Server is a throwaway PostgreSQL in a temporary folder. It listens on a Unix
// socket there, so two servers never compete for a port. It is for one goroutine.
type Server struct {
	bin, dir string
	owner    *syscall.Credential
	process  *os.Process
	// exited is closed when the running server has ended.
	exited    chan struct{}
	databases atomic.Int64
}

// New makes a server and starts it. It must be closed.
func New() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	owner, err := serverOwner()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lifeline-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	s := &Server{bin: bin, dir: dir, owner: owner}
	if err := errors.Join(s.initialise(), s.Start()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// initialise makes the folder the owner's, and the empty cluster in it.
func (s *Server) initialise() error {
	if s.owner != nil {
		if err := os.Chown(s.dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return fmt.Errorf("hand the folder to PostgreSQL's user: %w", err)
		}
	}
	initdb := s.command("initdb", "--pgdata=data", "--username="+superuser, "--auth=trust",
		"--encoding=UTF8", "--no-locale", "--no-sync")
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("make a PostgreSQL cluster: %w\n%s", err, output)
	}
	return nil
}

// command prepares one of PostgreSQL's programs, to run as its own user.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...) //nolint:noctx // it is ended by its process ID
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.bin + ":/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = dieWithParent(&syscall.SysProcAttr{Credential: s.owner, Setpgid: true})
	return cmd
}

// Start starts a server that is down, and waits until it serves.
func (s *Server) Start() error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	args := []string{"-D", "data", "-k", s.dir}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	cmd := s.command("postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	started := make(chan error, 1)
	s.exited = make(chan struct{})
	go func() {
		// The kernel ends the server when the thread that started it ends: so that
		// thread stays until the server is gone.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- errors.Join(err, log.Close())
		if err == nil {
			_ = cmd.Wait() // how it ended stands in its log
		}
		close(s.exited)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.process = cmd.Process
	return s.awaitService()
}

// awaitService returns when the server takes connections.
func (s *Server) awaitService() error {
	db, err := sql.Open("pgx", s.address("postgres"))
	if err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer db.Close() //nolint:errcheck // nothing hangs on it
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("PostgreSQL ended at its start:\n%s", s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not serve: %w\n%s", err, s.logTail())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server in order; it can be started again.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends the server as a crash would: nothing is flushed, and the next start
// recovers from the log.
func (s *Server) Kill() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(how syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	_ = s.Thaw() // who is frozen ends never
	if err := s.process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end PostgreSQL: %w", err)
	}
	<-s.exited
	s.process = nil
	return nil
}

// Freeze stops every process of the server where it is, as on a machine that hangs:
// connections stay, and nobody answers. Thaw lets them go on.
func (s *Server) Freeze() error {
	// The first process makes the others, so it is stopped first and there are no more.
	if err := s.process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze PostgreSQL: %w", err)
	}
	return s.signalChildren(syscall.SIGSTOP)
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error {
	if err := s.signalChildren(syscall.SIGCONT); err != nil {
		return err
	}
	if err := s.process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("thaw PostgreSQL: %w", err)
	}
	return nil
}

// signalChildren reaches those who serve connections. Each is in a process group of its
// own, so that the system has to be asked for them.
func (s *Server) signalChildren(how syscall.Signal) error {
	listed, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output() //nolint:noctx // it is quick
	if err != nil {
		return fmt.Errorf("list PostgreSQL's processes: %w", err)
	}
	for line := range strings.Lines(string(listed)) {
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err != nil || parent != s.process.Pid {
			continue
		}
		if err := syscall.Kill(pid, how); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal one of PostgreSQL's processes: %w", err)
		}
	}
	return nil
}

// Close ends the server and removes everything that it kept.
func (s *Server) Close() error {
	return errors.Join(s.Kill(), os.RemoveAll(s.dir))
}

// CreateDatabase makes an empty database and gives its postgres:// address.
func (s *Server) CreateDatabase(ctx context.Context) (string, error) {
	name := "test" + strconv.FormatInt(s.databases.Add(1), 10)
	db, err := sql.Open("pgx", s.address("postgres"))
	if err != nil {
		return "", fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer db.Close() //nolint:errcheck // nothing hangs on it
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	return s.address(name), nil
}

// address names a database on the server's socket.
func (s *Server) address(database string) string {
	query := url.Values{"host": {s.dir}, "user": {superuser}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// logTail is what the server said last, for an error.
func (s *Server) logTail() string {
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-2000):])
}
