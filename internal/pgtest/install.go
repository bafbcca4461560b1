package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// errNotInstalled is the sentence for whoever runs the tests.
var errNotInstalled = errors.New("PostgreSQL is not installed here, and the tests need its server programs: " +
	"install them, on Debian or Ubuntu with `sudo apt-get install postgresql`, " +
	"elsewhere so that initdb and postgres are in the PATH")

// binaries finds the folder of PostgreSQL's server programs. Where they can be
// installed without asking anybody (root on Debian, as in CI), it installs them.
func binaries() (string, error) {
	if bin := findBinaries(); bin != "" {
		return bin, nil
	}
	if err := install(); err != nil {
		return "", err
	}
	if bin := findBinaries(); bin != "" {
		return bin, nil
	}
	return "", errNotInstalled
}

// findBinaries looks where Debian keeps them, the newest version first, and then
// in the PATH; it is empty when they are nowhere.
func findBinaries() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return ""
	}
	slices.SortFunc(found, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if inPath, err := exec.LookPath("postgres"); err == nil {
		found = append(found, inPath)
	}
	for _, program := range found {
		bin := filepath.Dir(program)
		if _, err := exec.LookPath(filepath.Join(bin, "initdb")); err == nil {
			return bin
		}
	}
	return ""
}

// majorVersion reads the 15 of /usr/lib/postgresql/15/bin/postgres.
func majorVersion(program string) int {
	version, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
	if err != nil {
		return 0
	}
	return version
}

// install gets PostgreSQL from Debian. Two test processes may try at once: apt
// lets the second one wait.
func install() error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return errNotInstalled
	}
	wait := "-oDPkg::Lock::Timeout=300"
	var failure error
	for _, args := range [][]string{{wait, "update"}, {wait, "install", "-y", "postgresql"}} {
		cmd := exec.Command("apt-get", args...) //nolint:noctx // half an installation is worse than a long one
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			// A stale package list may still do, so only the last failure counts.
			failure = fmt.Errorf("%w (apt-get %s: %w\n%s)", errNotInstalled, args[1], err, output)
		} else {
			failure = nil
		}
	}
	return failure
}

// serverOwner is the user to run the server as: root must not, so Debian's user
// postgres does; everybody else runs it as themselves, which nil says.
func serverOwner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // nobody else is an ordinary answer
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("root cannot run PostgreSQL, and there is no user postgres to do it: %w", err)
	}
	uid, err := strconv.ParseUint(postgres.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read the user ID of postgres: %w", err)
	}
	gid, err := strconv.ParseUint(postgres.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read the group ID of postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
