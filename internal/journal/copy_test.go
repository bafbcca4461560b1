package journal

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func openedCopy(t *testing.T, path string) (*Copy, Found) {
	t.Helper()
	c, found := OpenCopy(path)
	t.Cleanup(func() { _ = c.Close() }) // it may be closed already
	return c, found
}

func wantCopy(t rapid.TB, c *Copy, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for key, value := range c.All() {
		got[key] = string(value)
	}
	if !maps.Equal(got, want) {
		t.Fatalf("the copy has %q, not %q", got, want)
	}
}

// Whatever is put, deleted, rewritten and reopened, the last value of each key is there;
// a file that was cut off has what it had at some time before; and damage of one byte
// changes one key at most.
func TestCopyHasTheLastValues(t *testing.T) {
	dir, lives := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		lives++
		m := &copyModel{path: filepath.Join(dir, strconv.Itoa(lives), "copy"), now: map[string]string{}}
		m.open()
		defer func() { _ = m.copy.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"":        func(t *rapid.T) { wantCopy(t, m.copy, m.now) },
			"put":     m.put,
			"delete":  m.delete,
			"compact": func(t *rapid.T) { m.done(t, m.copy.Compact()) },
			"rewrite": func(t *rapid.T) { m.copy.stale = true; m.done(t, m.copy.Compact()) },
			"reopen":  func(t *rapid.T) { m.done(t, m.copy.Close()); m.open() },
			"cut":     m.cut,
			"flip":    m.flip,
		})
	})
}

type copyModel struct {
	path string
	copy *Copy
	now  map[string]string
	// before are all that it has been since the file was written anew.
	before []map[string]string
}

func (m *copyModel) done(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (m *copyModel) open() Found {
	c, found := OpenCopy(m.path)
	m.copy = c
	return found
}

var keys = rapid.SampledFrom([]string{"caller/a", "caller/b", `call/"quoted" name`, "line\nbreak", "", "zero\x00"})

func (m *copyModel) put(t *rapid.T) {
	key, value := keys.Draw(t, "key"), payloads().Draw(t, "value")
	m.before = append(m.before, maps.Clone(m.now))
	m.now[key] = value
	m.done(t, m.copy.Put(key, []byte(value)))
}

func (m *copyModel) delete(t *rapid.T) {
	key := keys.Draw(t, "key")
	m.before = append(m.before, maps.Clone(m.now))
	delete(m.now, key)
	m.done(t, m.copy.Delete(key))
}

// damaged closes the copy, changes its file, and gives what is there then.
func (m *copyModel) damaged(t *rapid.T, change func(text []byte) []byte) map[string]string {
	m.done(t, m.copy.Close())
	text, err := os.ReadFile(m.path)
	if err != nil {
		text = nil // nothing was ever put
	}
	m.done(t, os.WriteFile(m.path, change(text), ownerOnly))
	m.open()
	got := map[string]string{}
	for key, value := range m.copy.All() {
		got[key] = string(value)
	}
	return got
}

func (m *copyModel) cut(t *rapid.T) {
	got := m.damaged(t, func(text []byte) []byte { return text[:rapid.IntRange(0, len(text)).Draw(t, "length")] })
	for key, value := range got {
		was := value == m.now[key]
		for _, before := range m.before {
			was = was || value == before[key]
		}
		if !was {
			t.Fatalf("%q is %q, which it never was", key, value)
		}
	}
	m.now = got
}

func (m *copyModel) flip(t *rapid.T) {
	got := m.damaged(t, func(text []byte) []byte {
		if len(text) > 0 {
			text[rapid.IntRange(0, len(text)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		return text
	})
	different := 0
	for _, key := range []string{"caller/a", "caller/b", `call/"quoted" name`, "line\nbreak", "", "zero\x00"} {
		was, had := m.now[key]
		is, has := got[key]
		if was != is || had != has {
			different++
		}
	}
	if different > 1 {
		t.Fatalf("one byte made %q of %q", got, m.now)
	}
	m.now = got
}

// A copy survives that its process is killed at any time, also while it is written anew:
// at most the change that nobody was told of is there or not.
func TestKilledProcessLeavesItsCopy(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{}
	for round := range 8 {
		for _, said := range killed(t, "put", dir, round, 600) {
			key, value, _ := strings.Cut(said, " ")
			want[key] = value
			if value == "" {
				delete(want, key)
			}
		}
		c, found := openedCopy(t, filepath.Join(dir, "copy"))
		if found.Damaged() {
			t.Errorf("found %+v", found)
		}
		got := c.All()
		different := map[string]bool{}
		for key := range want {
			different[key] = string(got[key]) != want[key]
		}
		for key, value := range got {
			different[key] = string(value) != want[key]
		}
		maps.DeleteFunc(different, func(_ string, is bool) bool { return !is })
		if len(different) > 1 {
			t.Fatalf("different after round %d: %v", round, different)
		}
		want = map[string]string{}
		for key, value := range got {
			want[key] = string(value)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The file stays in proportion to what is in it, and nobody else can read it.
func TestCopyStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known", "copy")
	c, _ := openedCopy(t, path)
	value := bytes.Repeat([]byte("x"), 1000)
	for n := range 1000 {
		if err := c.Put(strconv.Itoa(n%10), value); err != nil {
			t.Fatal(err)
		}
		if err := c.Compact(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 2*10*1100+garbageAllowed {
		t.Errorf("the file has %d bytes (%v)", info.Size(), err)
	}
	wantOwnerOnly(t, path)
	if err := c.Put("a", []byte("b\n")); !errors.Is(err, ErrPayload) {
		t.Errorf("a newline was put: %v", err)
	}
}

// While one process has the copy, another reads it and writes nothing; when the first is
// gone, the other takes over with what it knows.
func TestCopyHasOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy")
	first, _ := openedCopy(t, path)
	put := func(c *Copy, key, value string) {
		t.Helper()
		if err := c.Put(key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put(first, "a", "1")
	second, found := openedCopy(t, path)
	if found.Records != 1 {
		t.Errorf("found %+v", found)
	}
	put(first, "a", "2")
	put(second, "a", "3")
	put(second, "b", "3")
	if err := second.Compact(); err != nil {
		t.Fatal(err)
	}
	wantCopy(t, second, map[string]string{"a": "3", "b": "3"})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third, _ := openedCopy(t, path)
	wantCopy(t, third, map[string]string{"a": "2"})
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Compact(); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	fourth, _ := openedCopy(t, path)
	wantCopy(t, fourth, map[string]string{"a": "3", "b": "3"})
}

// A value that the disk does not take is told, is known all the same, and gets to the
// disk with the next Compact.
func TestCopyCatchesUpWithAFailingDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy")
	c, _ := openedCopy(t, path)
	if err := c.Put("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := c.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Put("a", []byte("2")), c.Delete("b")); err == nil {
		t.Error("a disk that fails is not told")
	}
	wantCopy(t, c, map[string]string{"a": "2"})
	if err := os.Mkdir(path+".new", ownerOnlyDir); err != nil {
		t.Fatal(err)
	}
	if err := c.Compact(); err == nil {
		t.Error("a copy that cannot be written anew is not told")
	}
	if err := os.Remove(path + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := c.Compact(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := openedCopy(t, path)
	wantCopy(t, again, map[string]string{"a": "2"})
}

// A copy opens whatever its disk does and keeps in memory what it is given; once there is
// room, it is on disk, and the next process has it.
func TestCopyWaitsForItsDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(dir, nil, ownerOnly); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "copy")
	c, found := openedCopy(t, path)
	if found.Unwritable == nil || found.Damaged() {
		t.Errorf("told %+v", found)
	}
	if err := c.Put("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := c.Compact(); err == nil {
		t.Error("a copy is kept in a file that is no directory")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := c.Compact(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	next, _ := openedCopy(t, path)
	wantCopy(t, next, map[string]string{"a": "1"})
}
