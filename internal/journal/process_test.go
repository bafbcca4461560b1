package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test process starts itself again as one of these, in the directory that is its
// argument.
var children = map[string]func(dir string, round string) error{
	"churn": churn, "hold": hold, "fill": fill, "put": put,
}

// TestMain is also what a child begins with.
func TestMain(m *testing.M) {
	if child, ok := children[os.Getenv("JOURNAL_CHILD")]; ok {
		if err := child(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// say tells the parent something. A line is written at once, so that it is there wholly
// or not at all.
func say(what string, payload []byte) { fmt.Fprintf(os.Stdout, "%s %s\n", what, payload) }

// churn appends from several sides and drains, until it is killed.
func churn(dir, round string) error {
	q, found, err := OpenQueue(dir, 1<<20)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Damaged() || f.Skipped != nil {
			return fmt.Errorf("found %+v", f)
		}
	}
	ctx := context.Background()
	for side := range 4 {
		go func() {
			for n := 0; ; n++ {
				payload := fmt.Appendf(nil, `{"round":%s,"side":%d,"n":%d,"x":"%s"}`, round, side, n, strings.Repeat("x", rand.IntN(2000)))
				if q.Append(ctx, payload) == nil {
					say("kept", payload)
				}
			}
		}()
	}
	for {
		left := rand.IntN(50)
		err := q.Drain(ctx, func(_ context.Context, payload []byte) error {
			if left--; left < 0 {
				return io.ErrUnexpectedEOF
			}
			say("applied", payload)
			return nil
		})
		if err == nil {
			say("drained", nil)
		}
		time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
	}
}

// hold appends two records and waits to be killed.
func hold(dir, _ string) error {
	q, _, err := OpenQueue(dir, roomy)
	if err != nil {
		return err
	}
	for _, payload := range []string{"child's first", "child's second"} {
		if err := q.Append(context.Background(), []byte(payload)); err != nil {
			return err
		}
		say("kept", []byte(payload))
	}
	_, err = io.Copy(io.Discard, os.Stdin) // ends when the parent does
	return err
}

// fill appends until the disk is full, drains, appends to the space that is free again,
// and goes on once the disk is full no more.
func fill(dir, _ string) error {
	full := syscall.Rlimit{Cur: 10_000, Max: 1 << 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		return err
	}
	q, found, err := OpenQueue(dir, roomy)
	if err != nil {
		return err
	}
	if found[0].Unreserved == nil {
		return errors.New("space was reserved on a full disk")
	}
	ctx, payload := context.Background(), []byte(strings.Repeat("x", 300))
	for failed := 0; failed < 3; {
		if q.Append(ctx, payload) != nil {
			failed++
		}
	}
	applied := 0
	if err := q.Drain(ctx, func(context.Context, []byte) error { applied++; return nil }); err != nil || applied < 20 {
		return fmt.Errorf("applied %d: %w", applied, err)
	}
	for n := range 80 {
		if n == 20 {
			full.Cur = full.Max
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
				return err
			}
		}
		payload := fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, n, payload)
		if err := q.Append(ctx, payload); err != nil {
			return err
		}
		say("kept", payload)
	}
	return nil
}

// put changes a copy until it is killed.
func put(dir, round string) error {
	c, found := OpenCopy(filepath.Join(dir, "copy"))
	if found.Unwritable != nil || found.Damaged() {
		return fmt.Errorf("opened with %+v", found)
	}
	for n := 0; ; n++ {
		var err error
		key, value := fmt.Sprint("call/", n%20), fmt.Appendf(nil, `{"round":%s,"n":%d,"x":"%s"}`, round, n, strings.Repeat("x", rand.IntN(3000)))
		if n%7 == 0 {
			value = nil
			err = c.Delete(key)
		} else {
			err = c.Put(key, value)
		}
		if err != nil {
			return err
		}
		say(key, value)
		if err := c.Compact(); err != nil {
			return err
		}
	}
}

// run starts a child in a directory. What it says can be read until it is dead.
func run(t *testing.T, child, dir string, round int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir, strconv.Itoa(round))
	cmd.Env = append(os.Environ(), "JOURNAL_CHILD="+child)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = input.Close() })                      // the child is dead
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it may be dead already
	return cmd, bufio.NewScanner(output)
}

// killed runs a child, kills it before it has said a number of lines, and gives what it
// has said.
func killed(t *testing.T, child, dir string, round, before int) (said []string) {
	t.Helper()
	cmd, lines := run(t, child, dir, round)
	for left := rand.IntN(before); lines.Scan(); left-- {
		if left == 0 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		said = append(said, lines.Text())
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return said
}

// A process that is killed at any time has lost nothing of which Append said that it is
// kept: the next one applies it, after what came before it (S11).
func TestKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	kept, applied := map[string]bool{}, map[string]bool{}
	for round := range 15 {
		for _, said := range killed(t, "churn", dir, round, 400) {
			switch what, payload, _ := strings.Cut(said, " "); what {
			case "kept":
				kept[payload] = true
			case "applied":
				applied[payload] = true
			}
		}
	}
	q, found := opened(t, dir, 1<<20)
	if len(found) != 1 || found[0].Damaged() {
		t.Errorf("found %+v", found)
	}
	waiting := pending(t, q)
	for payload := range kept {
		if !applied[payload] && !slices.Contains(waiting, payload) {
			t.Errorf("%.50s is lost", payload)
		}
	}
	wantSidesInOrder(t, waiting)
	t.Logf("%d records were kept, %d applied, and %d wait", len(kept), len(applied), len(waiting))
}

// wantSidesInOrder wants what each side of a child has appended in its order.
func wantSidesInOrder(t *testing.T, waiting []string) {
	t.Helper()
	last := map[string]int{}
	for _, payload := range waiting {
		var round, side, n int
		if _, err := fmt.Sscanf(payload, `{"round":%d,"side":%d,"n":%d`, &round, &side, &n); err != nil {
			t.Fatal(err)
		}
		who := fmt.Sprint(round, side)
		if before, ok := last[who]; ok && n <= before {
			t.Errorf("%d comes after %d of the same side", n, before)
		}
		last[who] = n
	}
}

// A disk that is full takes no more records, and harms none that it has; when there is
// room again, it takes some.
func TestFullDiskHarmsNothing(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := run(t, "fill", dir, 0)
	var kept []string
	for lines.Scan() {
		kept = append(kept, strings.TrimPrefix(lines.Text(), "kept "))
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	q, found := opened(t, dir, roomy)
	if len(found) != 1 || found[0].Damaged() || found[0].Torn > 0 || found[0].Unreserved != nil {
		t.Errorf("found %+v", found)
	}
	if len(kept) != 80 {
		t.Errorf("%d records were kept", len(kept))
	}
	wantPending(t, q, kept...)
}

// Several processes may share a directory: each has a file of its own, and what one has
// left that is dead is taken over by another, in order of time.
func TestProcessesShareADirectory(t *testing.T) {
	dir := t.TempDir()
	cmd, lines := run(t, "hold", dir, 0)
	for range 2 {
		lines.Scan()
	}
	q, found := opened(t, dir, roomy)
	if len(found) != 1 || found[0].File != "queue-2.journal" {
		t.Errorf("found %+v", found)
	}
	keep(t, q, "mine")
	if found, err := q.Adopt(func([]byte) {}); err != nil || len(found) != 0 {
		t.Errorf("adopted %+v of a process that lives (%v)", found, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	found, err := q.Adopt(func([]byte) {})
	if err != nil || len(found) != 1 || found[0].File != "queue-1.journal" || found[0].Records != 2 {
		t.Errorf("adopted %+v (%v)", found, err)
	}
	wantPending(t, q, "child's first", "child's second", "mine")
	if got := applied(t, q); !slices.Equal(got, []string{"child's first", "child's second", "mine"}) {
		t.Errorf("applied %q", got)
	}
	// The file that is empty is free for another.
	other, found := opened(t, dir, roomy)
	if len(found) != 1 || found[0].File != "queue-1.journal" || found[0].Records != 0 {
		t.Errorf("found %+v", found)
	}
	keep(t, other, "other's")
	wantPending(t, other, "other's")
	wantPending(t, q)
}

// Two that start at once never get the same file.
func TestQueuesThatOpenAtOnceHaveFilesOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	queues := make([]*Queue, 8)
	var started sync.WaitGroup
	for i := range queues {
		started.Go(func() { queues[i], _ = opened(t, dir, roomy) })
	}
	started.Wait()
	for i, q := range queues {
		keep(t, q, strconv.Itoa(i))
		wantPending(t, q, strconv.Itoa(i))
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != len(queues) {
		t.Errorf("there are %q", names)
	}
}
