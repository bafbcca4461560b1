package main

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// smallDisk is a disk of its own under a directory, so that it can be full.
type smallDisk struct {
	t   *testing.T
	dir string

	mu   sync.Mutex
	full int
}

// diskSize leaves room for a spool, and little more.
const diskSize = "size=40m"

// newSmallDisk gives a directory a disk of its own, or nil where the test may not.
func newSmallDisk(t *testing.T, dir string) *smallDisk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal("make a directory: ", err)
	}
	if err := mountMemory(dir, diskSize); err != nil {
		t.Log("no disk can be full here, because that takes the right to mount one: ", err)
		return nil
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error("unmount: ", err)
		}
	})
	return &smallDisk{t: t, dir: dir}
}

func (d *smallDisk) filler() string { return filepath.Join(d.dir, "somebody-else") }

// fill leaves no byte free, until the disk is cleared as often.
func (d *smallDisk) fill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full++; d.full > 1 {
		return
	}
	file, err := os.Create(d.filler())
	if err != nil {
		return // it is full as it is
	}
	zeros := make([]byte, 1<<20)
	for len(zeros) > 0 {
		n, err := file.Write(zeros)
		if err == nil || n > 0 {
			continue
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.t.Error("fill the disk: ", err)
			break
		}
		zeros = zeros[:len(zeros)/2]
	}
	_ = file.Close() // nobody reads it
}

func (d *smallDisk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full--; d.full == 0 {
		_ = os.Remove(d.filler()) // or it was never made
	}
}
