package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// spoolModel is what a queue owes to whoever uses it.
type spoolModel struct {
	dir   string
	queue *Queue
	disk  *crashDisk
	next  int
	// kept are the records that wait for certain, in order.
	kept []string
	// applied are those that are not known to be erased, and failed those of which Append
	// did not say that they are kept. They may be there after a crash.
	applied, failed map[string]bool
	// rejected are those that were set aside.
	rejected []string
}

const spoolLimit = 4096

func (m *spoolModel) open(t *rapid.T) []Found {
	q, found, err := openQueue(m.dir, spoolLimit, func(f *os.File) disk {
		m.disk = drawnCrashDisk(t, f)
		return m.disk
	})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	m.queue = q
	return found
}

// appendSome appends records at once, as callers do that meet a busy disk.
func (m *spoolModel) appendSome(t *rapid.T) {
	var group []*appending
	for range rapid.IntRange(1, 5).Draw(t, "records") {
		m.next++
		payload := fmt.Sprintf(`{"n":%d,"x":"%s"}`, m.next, strings.Repeat("x", rapid.IntRange(0, 400).Draw(t, "size")))
		group = append(group, &appending{[]byte(payload), make(chan error, 1)})
	}
	m.queue.writeGroup(slices.Clone(group))
	for _, a := range group {
		switch err := <-a.done; {
		case err == nil:
			m.kept = append(m.kept, string(a.payload))
			clear(m.failed)
		case !errors.Is(err, ErrFull):
			m.failed[string(a.payload)] = true
		}
	}
}

// drainSome applies up to a number of records, and sets some aside.
func (m *spoolModel) drainSome(t *rapid.T) {
	left := rapid.IntRange(0, 12).Draw(t, "until SQL fails")
	errSQL := errors.New("SQL is down")
	err := m.queue.Drain(t.Context(), func(_ context.Context, payload []byte) error {
		if left--; left < 0 {
			return errSQL
		}
		if len(m.kept) == 0 || m.kept[0] != string(payload) {
			t.Fatalf("%.20s is applied, and %.20q waits", payload, m.kept)
		}
		m.kept = m.kept[1:]
		m.applied[string(payload)] = true
		if rapid.IntRange(0, 15).Draw(t, "sort of record") == 11 {
			m.rejected = append(m.rejected, string(payload))
			return Reject(errors.New("SQL will never take this"))
		}
		return nil
	})
	if err == nil && len(m.kept) > 0 {
		t.Fatalf("drained, and %d wait", len(m.kept))
	}
	if !errors.Is(err, errDead) && !errors.Is(err, errFaulty) {
		clear(m.applied) // they have been erased
	}
}

// reopen opens the queue again after a crash, and compares.
func (m *spoolModel) reopen(t *rapid.T, powerLost bool) {
	onlyDied := !powerLost && !m.disk.failed
	if powerLost {
		m.disk.loseMachine()
	}
	if err := m.queue.Close(); err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "dies while opening") {
		m.openInVain(t, powerLost)
	}
	for _, found := range m.open(t) {
		if found.Damaged() && onlyDied {
			t.Fatalf("the death of a process alone has left damage: %+v", found)
		}
	}
	pending, _ := m.queue.Pending()
	var found []string
	for _, payload := range pending {
		found = append(found, string(payload))
	}
	if !inOrder(m.kept, found) {
		t.Fatalf("found %.25q, and %.25q wait", found, m.kept)
	}
	for _, payload := range found {
		if !slices.Contains(m.kept, payload) && !m.applied[payload] && !m.failed[payload] {
			t.Fatalf("%.25q has come back", payload)
		}
	}
	m.kept = found
	clear(m.applied)
	clear(m.failed)
}

// openInVain opens the file with a process that soon dies.
func (m *spoolModel) openInVain(t *rapid.T, powerLost bool) {
	path := filepath.Join(m.dir, "queue-1.journal")
	f, _, _, err := openFile(path, spoolLimit, func(f *os.File) disk {
		m.disk = drawnCrashDisk(t, f)
		m.disk.deadIn = rapid.IntRange(0, 6).Draw(t, "after operations")
		return m.disk
	})
	if err == nil {
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	}
	if powerLost {
		m.disk.loseMachine()
		if err := os.WriteFile(path, m.disk.cached, ownerOnly); err != nil {
			t.Fatal(err)
		}
	}
}

// check compares what can be seen at any time.
func (m *spoolModel) check(t *rapid.T) {
	pending, _ := m.queue.Pending()
	var waiting []string
	for _, payload := range pending {
		waiting = append(waiting, string(payload))
	}
	if !slices.Equal(waiting, m.kept) {
		t.Fatalf("%.25q is said to wait, and %.25q waits", waiting, m.kept)
	}
	depth := m.queue.Depth()
	if depth.Records != len(m.kept) || depth.Bytes > depth.Limit || depth.Oldest.IsZero() != (len(m.kept) == 0) {
		t.Fatalf("%d wait, and the depth is %+v", len(m.kept), depth)
	}
	aside, _ := os.ReadFile(filepath.Join(m.dir, "queue-1.journal"+rejectedSuffix)) // none at first
	for _, payload := range m.rejected {
		if !bytes.Contains(aside, []byte(payload)) {
			t.Fatalf("%.25q was set aside, and is not there", payload)
		}
	}
}

// Whatever order of appending and draining, of writes that stop short, syncs that fail,
// processes that die halfway through a write and machines that lose their power, and at
// whatever point: every record whose Append said so is there, in order, until it has been
// applied; what has been erased never comes back, nor what was given up once another
// record was kept; and a process that dies leaves nothing that looks like damage (S11,
// B7).
func TestNothingKeptIsLost(t *testing.T) {
	dir, lives := t.TempDir(), 0
	life := func(t *rapid.T) {
		lives++
		m := &spoolModel{dir: filepath.Join(dir, strconv.Itoa(lives)), applied: map[string]bool{}, failed: map[string]bool{}}
		m.open(t)
		defer func() { _ = m.queue.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"":             m.check,
			"append":       m.appendSome,
			"append more":  m.appendSome,
			"drain":        m.drainSome,
			"write short":  func(t *rapid.T) { m.disk.shortIn = rapid.IntRange(0, 3).Draw(t, "after writes") },
			"fail to sync": func(t *rapid.T) { m.disk.faultIn = rapid.IntRange(0, 2).Draw(t, "after syncs") },
			"die soon": func(t *rapid.T) {
				if !m.disk.dead() {
					m.disk.deadIn = rapid.IntRange(0, 6).Draw(t, "after operations")
				}
			},
			"restart":    func(t *rapid.T) { m.reopen(t, false) },
			"power loss": func(t *rapid.T) { m.reopen(t, true) },
		})
	}
	for range 3 { // what it has found took hundreds of lives
		rapid.Check(t, life)
	}
}

// failing opens a queue on a disk that can fail.
func failing(t *testing.T, dir string) (q *Queue, d *crashDisk) {
	t.Helper()
	q, _, err := openQueue(dir, spoolLimit, func(f *os.File) disk {
		d = newCrashDisk(t, f)
		return d
	})
	if err != nil {
		t.Fatal(err)
	}
	return q, d
}

// A sync that fails may have written anything, and the next one says nothing about what
// it has not: what the first refused stays away also when the machine loses its power
// after two that failed.
func TestTwoFailedSyncsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	q, d := failing(t, dir)
	keep(t, q, "1")
	for _, refused := range []struct {
		payload   string
		getsThere bool
	}{{strings.Repeat("x", 3*sector), true}, {"2", false}} {
		d.faultIn, d.getsThere = 0, func() bool { return refused.getsThere }
		if err := q.Append(t.Context(), []byte(refused.payload)); !errors.Is(err, errFaulty) {
			t.Errorf("append on a disk that fails: %v", err)
		}
	}
	keep(t, q, "3")
	d.loseMachine()
	closeOnce(t, q)
	q, found := opened(t, dir, spoolLimit)
	wantPending(t, q, "1", "3")
	if found[0].Torn > 0 || found[0].Damaged() {
		t.Errorf("found %+v", found)
	}
}

// A write that stops short, as on a full disk, leaves nothing behind.
func TestShortWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	q, d := failing(t, dir)
	keep(t, q, "1")
	d.shortIn, d.part = 0, func(size int) int { return size / 2 }
	if err := q.Append(t.Context(), []byte("2")); !errors.Is(err, errFaulty) {
		t.Errorf("append on a disk that is full: %v", err)
	}
	closeOnce(t, q)
	q, found := opened(t, dir, spoolLimit)
	wantPending(t, q, "1")
	if found[0].Torn > 0 || found[0].Damaged() {
		t.Errorf("found %+v", found)
	}
}
