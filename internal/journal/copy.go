package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	// perLine is about what a value costs in the file beside itself and its key.
	perLine = 64
	// garbageAllowed is how much of a file may be out of date however small the rest.
	garbageAllowed = 64 << 10
)

// Copy keeps values by their keys where the next process finds them. What was put
// survives the death of the process at once, and that of the machine after a while. It is
// safe for concurrent use.
type Copy struct {
	path string

	mu sync.Mutex
	// lock is held by the process that writes; nil while that is another.
	lock *os.File
	file *os.File
	// end is where the next line goes.
	end  int64
	live map[string][]byte
	// stale says that the file does not have all that it should.
	stale bool
}

// OpenCopy opens the copy in a file, and makes it and its directory if need be. While
// another process has the same copy, which it fills from the same source, this one reads
// what the other has written, and writes nothing. So it does where the disk takes nothing,
// and Compact tries again.
func OpenCopy(path string) (*Copy, Found) {
	c := &Copy{path: path, live: map[string][]byte{}}
	found := Found{File: filepath.Base(path)}
	found.Unwritable = c.claim()
	c.load(&found)
	return c, found
}

// claim makes this process the one that writes, unless another is.
func (c *Copy) claim() error {
	if err := os.MkdirAll(filepath.Dir(c.path), ownerOnlyDir); err != nil {
		return fmt.Errorf("open copy: %w", err)
	}
	f, err := lock(c.path + ".lock")
	if err != nil && !errors.Is(err, errHeld) {
		return err
	}
	c.lock = f
	return nil
}

// load reads the file. One that is whole is gone on with; any other will be written anew.
func (c *Copy) load(found *Found) {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	held, unread := read(text)
	found.Skipped = errors.Join(err, unread)
	for _, r := range held.records {
		key, value, err := splitValue(r.payload)
		switch {
		case err != nil:
			found.Corrupt++
		case value == nil:
			delete(c.live, key)
		default:
			c.live[key] = value
		}
	}
	found.Records, found.Torn = len(c.live), held.torn.size()
	found.Corrupt += len(held.bad)
	c.stale = found.Skipped != nil || held.head.Journal != version || found.Corrupt+found.Torn > 0 || len(held.records) == 0
	if c.lock == nil {
		found.Torn = 0 // the other process is writing it
	}
	if c.stale || c.lock == nil {
		return
	}
	c.end = held.records[len(held.records)-1].end
	if c.file, err = os.OpenFile(c.path, os.O_WRONLY, ownerOnly); err != nil {
		c.stale, found.Unwritable = true, fmt.Errorf("open copy: %w", err)
	}
}

// All are the values by their keys. They must not be changed.
func (c *Copy) All() map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.live)
}

// Put keeps a value, which must not be changed afterwards. When the disk does not take
// it, the next Compact tries again.
func (c *Copy) Put(key string, value []byte) error {
	if bytes.ContainsAny(value, "\n\x00") {
		return ErrPayload
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live[key] = value
	return c.append(joinValue(key, value))
}

// Delete forgets a value. When the disk does not take it, the next Compact tries again.
func (c *Copy) Delete(key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.live, key)
	return c.append([]byte(strconv.Quote(key)))
}

func (c *Copy) append(payload []byte) error {
	if c.lock == nil {
		return nil
	}
	if c.file == nil {
		return c.rewrite()
	}
	text := line(time.Now(), payload)
	if _, err := c.file.WriteAt(text, c.end); err != nil {
		c.stale = true
		return fmt.Errorf("write copy: %w", err)
	}
	c.end += int64(len(text))
	return nil
}

// Compact writes the file anew when most of it is out of date, or when a Put has failed.
// It is for the background: it waits for the disk. It also takes over from a process that
// is gone.
func (c *Copy) Compact() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lock == nil {
		c.stale = true
		if err := c.claim(); err != nil || c.lock == nil {
			return err
		}
	}
	var live int64
	for key, value := range c.live {
		live += int64(len(key)+len(value)) + perLine
	}
	if !c.stale && c.end <= 2*live+garbageAllowed {
		return nil
	}
	return c.rewrite()
}

// rewrite puts a new file in the place of the old one. There is always one that is whole.
func (c *Copy) rewrite() error {
	c.stale = true
	text := header(0)
	for key, value := range c.live {
		text = append(text, line(time.Now(), joinValue(key, value))...)
	}
	f, err := replaceFile(c.path, text)
	if err != nil {
		return fmt.Errorf("write copy anew: %w", err)
	}
	if c.file != nil {
		_ = c.file.Close() // it has no name any more
	}
	c.file, c.end, c.stale = f, int64(len(text)), false
	return nil
}

// replaceFile puts a new file in the place of one, which stays as it is if that fails.
func replaceFile(path string, text []byte) (*os.File, error) {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, ownerOnly)
	if err != nil {
		return nil, fmt.Errorf("replace file: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("replace file: %w", err), f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// Close lets go of the file.
func (c *Copy) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, f := range []*os.File{c.file, c.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	c.file, c.lock = nil, nil
	return errors.Join(errs...)
}

// joinValue makes one payload of a key and its value. A key alone says that its value is
// gone.
func joinValue(key string, value []byte) []byte {
	return append(append([]byte(strconv.Quote(key)), ' '), value...)
}

// splitValue undoes joinValue. The value is nil when it is gone.
func splitValue(payload []byte) (key string, value []byte, err error) {
	quoted, err := strconv.QuotedPrefix(string(payload))
	if err != nil {
		return "", nil, fmt.Errorf("read key: %w", err)
	}
	if key, err = strconv.Unquote(quoted); err != nil {
		return "", nil, fmt.Errorf("read key: %w", err)
	}
	if len(payload) > len(quoted) {
		value = payload[len(quoted)+1:]
	}
	return key, value, nil
}
