package pgtest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A test process that is killed takes its server with it.
func TestServerDiesWithTheTestProcess(t *testing.T) {
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), "PGTEST_HOLD_SERVER=1")
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(line)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if !listens(t, dir) {
		t.Fatal("the server does not serve while its test process lives")
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // it was killed
	for listens(t, dir) {
		time.Sleep(10 * time.Millisecond) // a wait in vain ends with the test's own time-out
	}
}

// listens tells whether a server takes connections on the socket in a folder.
func listens(t *testing.T, dir string) bool {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		return false
	}
	_ = connection.Close() // only the connecting mattered
	return true
}
