package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	ownerOnly      = 0o600
	ownerOnlyDir   = 0o700
	rejectedSuffix = ".rejected"
	zerosAtOnce    = 1 << 20
)

// disk is what a file needs of the operating system while it is in use.
type disk interface {
	io.WriterAt
	io.Seeker
	io.Closer
	Sync() error
}

// file is a file of records that has all of its space from the start. Its records lie
// between taken and end; what is before them, save the header, is erased, and what is
// behind them has never been used or is erased.
type file struct {
	disk

	path  string
	limit int64
	// end is where the next record goes.
	end int64
	// taken is where the records begin that have not been applied, and erased is up to
	// where that is so on disk as well, and all before is zeros.
	taken, erased int64
	// syncing is held from a write to its sync: the system tells of a sync that fails
	// only once, and not each who waits for it.
	syncing sync.Mutex
	// spoilt is up to where a write that failed may have left something.
	spoilt int64
	// last is the time of the last record. No record has an earlier one than that
	// before it, whatever the clock does.
	last time.Time
}

// empty tells that no record waits in the file and that none can be read from it.
func (f *file) empty() bool { return f.erased == f.end }

// errHeld means that another process has a file.
var errHeld = errors.New("another process has this file")

// openFile takes a file for this process alone, repairs it, and reserves its space.
func openFile(path string, limit int64, wrap func(*os.File) disk) (*file, []record, Found, error) {
	found := Found{File: filepath.Base(path)}
	raw, err := lock(path)
	if err != nil {
		return nil, nil, found, err
	}
	f := &file{disk: wrap(raw), path: path, limit: limit}
	records, err := f.load(&found)
	if err != nil {
		return nil, nil, found, errors.Join(err, f.close())
	}
	if err := reserve(raw, limit); err != nil {
		found.Unreserved = err
	}
	if err := f.Sync(); err != nil {
		return nil, nil, found, errors.Join(fmt.Errorf("open journal: %w", err), f.close())
	}
	return f, records, found, nil
}

// lock opens a file, made if need be, that no other process has. The operating system
// lets go of it when this process ends, however it does.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, ownerOnly)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = errHeld
	}
	return nil, errors.Join(fmt.Errorf("lock journal: %w", err), f.Close())
}

// load reads the records, sets aside what may have been one, and erases all else.
func (f *file) load(found *Found) ([]record, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	if len(text) == 0 { // it is new
		if err := syncDir(filepath.Dir(f.path)); err != nil {
			return nil, err
		}
	}
	c, err := read(text)
	if err != nil {
		return nil, err
	}
	found.Records, found.Corrupt, found.Torn = len(c.records), len(c.bad), c.torn.size()
	var aside []byte
	for _, bad := range c.bad {
		aside = append(append(aside, text[bad.start:bad.end]...), '\n')
	}
	if err := setAside(f.path, aside); err != nil {
		return nil, err
	}
	f.taken, f.end = headerSize, headerSize
	for i := range c.records {
		r := &c.records[i]
		if i == 0 {
			f.taken = r.start
		}
		// A record of a write that failed can have stayed behind newer ones.
		r.at = later(r.at, f.last)
		f.end, f.last = r.end, r.at
	}
	f.erased = f.taken
	for _, p := range append(c.bad, piece{headerSize, f.taken}, piece{f.end, c.used}) {
		if err := zero(f, p); err != nil {
			return nil, err
		}
	}
	if err := f.Sync(); err != nil {
		return nil, fmt.Errorf("repair journal: %w", err)
	}
	return c.records, f.mark(f.taken)
}

// setAside keeps lines beside a file for people to look at, durably. They may come twice.
func setAside(path string, lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	aside, err := os.OpenFile(path+rejectedSuffix, os.O_WRONLY|os.O_APPEND|os.O_CREATE, ownerOnly)
	if err != nil {
		return fmt.Errorf("set records aside: %w", err)
	}
	_, err = aside.Write(lines)
	if err = errors.Join(err, aside.Sync(), aside.Close(), syncDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("set records aside: %w", err)
	}
	return nil
}

// write puts lines at an offset, durably. When it fails it leaves nothing of them, so that
// they do not come to light when they have long been forgotten: a sync that has failed may
// have written anything, and is no promise about the next one.
func (f *file) write(lines []byte, from int64) error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if err := zero(f, piece{from, f.spoilt}); err != nil {
		return err
	}
	_, err := f.WriteAt(lines, from)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		// Package os does not tell how much was written, but no more than there is.
		f.spoilt = max(f.spoilt, from+int64(len(lines)))
		if size, err := f.Seek(0, io.SeekEnd); err == nil {
			f.spoilt = min(f.spoilt, size)
		}
		_ = zero(f, piece{from, f.spoilt}) // it is tried again before the next write
		return fmt.Errorf("write to journal: %w", err)
	}
	f.spoilt = 0
	return nil
}

// mark writes into the header that the records before an offset have been applied.
func (f *file) mark(taken int64) error {
	if _, err := f.WriteAt(header(taken), 0); err != nil {
		return fmt.Errorf("write header of journal: %w", err)
	}
	return nil
}

// erase overwrites what has been applied, which is about people. The mark comes first:
// what a crash leaves of these records is neither applied again nor taken for damage.
func (f *file) erase(from, to int64) error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if err := f.mark(to); err != nil {
		return err
	}
	if err := zero(f, piece{from, to}); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("erase records: %w", err)
	}
	return nil
}

func (f *file) close() error {
	if err := f.Close(); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// zero overwrites a piece.
func zero(f io.WriterAt, p piece) error {
	zeros := make([]byte, min(zerosAtOnce, max(0, p.end-p.start)))
	for at := p.start; at < p.end; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), p.end-at)], at); err != nil {
			return fmt.Errorf("write zeros: %w", err)
		}
	}
	return nil
}

// reserveByWriting is for where space cannot be had otherwise.
func reserveByWriting(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reserve %d bytes: %w", size, err)
	}
	return zero(f, piece{info.Size(), size})
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
