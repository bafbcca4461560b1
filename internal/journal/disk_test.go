package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// hangingDisk waits with every sync until it is let go.
type hangingDisk struct {
	*os.File

	syncs chan struct{}
	count int
}

func (d *hangingDisk) Sync() error {
	if d.syncs != nil {
		<-d.syncs
	}
	d.count++
	return nil
}

// hanging opens a queue on a disk that hangs until letGo is called.
func hanging(t *testing.T) (q *Queue, d *hangingDisk, letGo func()) {
	t.Helper()
	q, _, err := openQueue(t.TempDir(), roomy, func(f *os.File) disk {
		d = &hangingDisk{File: f}
		return d
	})
	if err != nil {
		t.Fatal(err)
	}
	d.syncs, d.count = make(chan struct{}), 0
	return q, d, sync.OnceFunc(func() { close(d.syncs) })
}

// Nobody in danger waits for a disk (B7): when it hangs, Append answers as its context
// ends; Depth and Pending answer at once. What the disk has taken when it comes back is
// kept, and what it was never given is not.
func TestHangingDiskHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _, letGo := hanging(t)
		ctx, cancel := context.WithCancel(t.Context())
		answers := make(chan error, 2)
		for _, payload := range []string{"first", "second"} {
			go func() { answers <- q.Append(ctx, []byte(payload)) }()
			synctest.Wait()
		}
		if depth := q.Depth(); depth.Records != 0 {
			t.Errorf("depth is %+v while nothing is durable", depth)
		}
		cancel()
		for range cap(answers) {
			if err := <-answers; !errors.Is(err, context.Canceled) {
				t.Errorf("append on a hanging disk: %v", err)
			}
		}
		letGo()
		synctest.Wait()
		wantPending(t, q, "first")
		closeOnce(t, q)
	})
}

// flakyDisk fails when it is told to.
type flakyDisk struct {
	*os.File

	failWrites, failSyncs bool
}

var errFlaky = errors.New("the disk is flaky")

func (d *flakyDisk) WriteAt(text []byte, at int64) (int, error) {
	if d.failWrites {
		return 0, errFlaky
	}
	return d.File.WriteAt(text, at)
}

func (d *flakyDisk) Sync() error {
	if d.failSyncs {
		d.failWrites = true
		return errFlaky
	}
	return nil
}

// Records that a disk refused do not come back, not even when it refused to have them
// wiped as well: in a few days nobody remembers what they were about.
func TestRefusedRecordsStayAway(t *testing.T) {
	dir := t.TempDir()
	var d *flakyDisk
	q, _, err := openQueue(dir, roomy, func(f *os.File) disk {
		d = &flakyDisk{File: f}
		return d
	})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, q, "1")
	d.failSyncs = true
	group := []*appending{{[]byte("a"), make(chan error, 1)}, {[]byte("b"), make(chan error, 1)}}
	q.writeGroup(slices.Clone(group))
	for _, a := range group {
		if err := <-a.done; !errors.Is(err, errFlaky) {
			t.Errorf("append on a disk that fails: %v", err)
		}
	}
	wantPending(t, q, "1")
	if err := q.Append(t.Context(), []byte("c")); !errors.Is(err, errFlaky) {
		t.Errorf("append where nothing can be wiped: %v", err)
	}
	d.failSyncs, d.failWrites = false, false
	keep(t, q, "2")
	closeOnce(t, q)
	q, found := opened(t, dir, roomy)
	wantPending(t, q, "1", "2")
	if found[0].Torn > 0 || found[0].Damaged() {
		t.Errorf("found %+v", found)
	}
}

// Records stay in the order in which they came, whatever the clock does: in the file, in
// memory, and when others are adopted.
func TestClockThatGoesBackKeepsOrder(t *testing.T) {
	dir := t.TempDir()
	text := header(headerSize)
	text = append(text, line(time.Now().Add(time.Hour), []byte("1"))...)
	text = append(text, line(noon, []byte("2"))...)
	for name, text := range map[string][]byte{"queue-1.journal": text, "queue-2.journal": append(header(headerSize), line(noon, []byte("old"))...)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, ownerOnly); err != nil {
			t.Fatal(err)
		}
	}
	other, err := lock(filepath.Join(dir, "queue-2.journal"))
	if err != nil {
		t.Fatal(err)
	}
	q, _ := opened(t, dir, roomy)
	keep(t, q, "3")
	wantPending(t, q, "1", "2", "3")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Adopt(func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	wantPending(t, q, "old", "1", "2", "3")
}

// All who come while the disk is busy share one sync.
func TestAppendsShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, d, letGo := hanging(t)
		const callers = 64
		answers := make(chan error, callers)
		for n := range callers {
			go func() { answers <- q.Append(t.Context(), fmt.Append(nil, n)) }()
			synctest.Wait()
		}
		letGo()
		for range callers {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if got := len(pending(t, q)); got != callers || d.count != 2 {
			t.Errorf("%d records were kept with %d syncs", got, d.count)
		}
		closeOnce(t, q)
	})
}

// A queue has its space on disk before it needs it.
func TestSpaceIsReserved(t *testing.T) {
	for name, reserve := range map[string]func(*os.File, int64) error{"by the system": reserve, "by writing": reserveByWriting} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Create(filepath.Join(t.TempDir(), "journal"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			if _, err := f.WriteString("kept"); err != nil {
				t.Fatal(err)
			}
			const size = 3<<20 + 5
			if err := reserve(f, size); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(f.Name())
			if err != nil || len(text) != size || strings.TrimRight(string(text), "\x00") != "kept" {
				t.Errorf("%d bytes (%v)", len(text), err)
			}
			if got := blocks(t, f); got < size {
				t.Errorf("%d bytes of disk are reserved", got)
			}
		})
	}
}

// blocks is how much of the disk a file has.
func blocks(t *testing.T, f *os.File) int64 {
	t.Helper()
	var info syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &info); err != nil {
		t.Fatal(err)
	}
	return info.Blocks * 512
}
