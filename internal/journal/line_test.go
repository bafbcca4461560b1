package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// payloads are what records may hold: anything but a newline and a zero, also what looks
// like a record.
func payloads() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`\{"placed":"[a-z0-9 ]{0,40}"\}`),
		rapid.StringMatching(`[^\n\x00]{0,60}`),
		rapid.Map(rapid.StringMatching(`[a-z]{0,5}`), func(s string) string {
			return `"` + strings.TrimSuffix(string(line(noon, []byte(s))), "\n") + `"`
		}),
	)
}

// written is a file as it is on disk, and where its records are.
func written(payloads []string) (text []byte, records []record) {
	text = header(headerSize)
	for i, payload := range payloads {
		start := int64(len(text))
		text = append(text, line(noon.Add(time.Duration(i)), []byte(payload))...)
		records = append(records, record{payload: []byte(payload), start: start, end: int64(len(text))})
	}
	return text, records
}

// mustRead reads a file of this version.
func mustRead(t rapid.TB, text []byte) content {
	t.Helper()
	c, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func texts(records []record) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.payload))
	}
	return all
}

// Whatever happens to one stretch of a file, every record that lies outside of it is
// found, in order, and nothing is found that was never written (S11). A stretch may be
// cut off, turned into zeros, or changed; one byte changed costs one record at most.
func TestDamageCostsOnlyWhatItHits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, records := written(rapid.SliceOfN(payloads(), 1, 8).Draw(t, "payloads"))
		if rapid.Bool().Draw(t, "reserved") {
			text = append(text, make([]byte, 100)...)
		}
		from := rapid.IntRange(0, len(text)-1).Draw(t, "from")
		to := from + 1
		damage := rapid.SampledFrom([]string{"cut", "zeros", "flip"}).Draw(t, "damage")
		switch damage {
		case "cut":
			text, to = text[:from], len(text)
		case "zeros":
			to = rapid.IntRange(from, len(text)).Draw(t, "to")
			clear(text[from:to])
		case "flip":
			text[from] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		var safe []string
		for _, r := range records {
			if int(r.end)-1 <= from || int(r.start) >= to {
				safe = append(safe, string(r.payload))
			}
		}
		found := texts(mustRead(t, text).records)
		if !inOrder(safe, found) {
			t.Fatalf("found %q, without some of %q", found, safe)
		}
		// Zeros that end right before what looks like a record would make it one.
		if damage != "zeros" && !inOrder(found, texts(records)) {
			t.Fatalf("found %q, where only %q was written", found, texts(records))
		}
	})
}

// inOrder tells whether all of some are among others, in that order.
func inOrder(some, others []string) bool {
	for _, other := range others {
		if len(some) > 0 && some[0] == other {
			some = some[1:]
		}
	}
	return len(some) == 0
}

// A record that was cut short is told apart from one that was damaged: of the first
// nobody was ever told that it was kept.
func TestReadTellsTornFromCorrupt(t *testing.T) {
	whole, records := written([]string{`{"n":1}`, `{"n":2}`, `{"n":3}`})
	for _, test := range []struct {
		name    string
		damage  func(text []byte) []byte
		kept    []string
		corrupt int
		torn    bool
	}{
		{"nothing", func(text []byte) []byte { return text }, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}, 0, false},
		{"no more than a part of the header was written", func(text []byte) []byte { return text[:headerSize/2] }, nil, 0, false},
		{"space was reserved, and nothing written", func(text []byte) []byte { return make([]byte, len(text)) }, nil, 0, false},
		{"the last record is half there", func(text []byte) []byte { return text[:records[2].end-4] }, []string{`{"n":1}`, `{"n":2}`}, 0, true},
		{"the last record lacks its newline", func(text []byte) []byte { return text[:records[2].end-1] }, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}, 0, false},
		{"the last record is changed", func(text []byte) []byte { text[records[2].end-3] = '7'; return text }, []string{`{"n":1}`, `{"n":2}`}, 1, false},
		{"a record in the middle is changed", func(text []byte) []byte { text[records[1].end-3] = '7'; return text }, []string{`{"n":1}`, `{"n":3}`}, 1, false},
		{"the header is changed", func(text []byte) []byte { text[0] ^= 1; return text }, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := mustRead(t, test.damage(bytes.Clone(whole)))
			if !slices.Equal(texts(c.records), test.kept) || len(c.bad) != test.corrupt || (c.torn.size() > 0) != test.torn {
				t.Errorf("kept %q, %d corrupt, %d bytes torn", texts(c.records), len(c.bad), c.torn.size())
			}
		})
	}
}

// What the header says has been applied is not read again, in whatever state a crash has
// left it.
func TestReadPassesOverWhatWasApplied(t *testing.T) {
	text, records := written([]string{`{"n":1}`, `{"n":2}`, `{"n":3}`})
	copy(text, header(records[2].start))
	clear(text[records[0].start+5 : records[1].start+5])
	if c := mustRead(t, text); !slices.Equal(texts(c.records), []string{`{"n":3}`}) || len(c.bad) > 0 {
		t.Errorf("kept %q, %d corrupt", texts(c.records), len(c.bad))
	}
}

// A file that a later version has written is left alone.
func TestReadRefusesALaterVersion(t *testing.T) {
	if _, err := read(line(noon, []byte(`{"journal":2,"other":true}`))); err == nil {
		t.Error("a file of version 2 was read")
	}
}

// Any file at all can be opened. Afterwards it is whole: it has the same records when it
// is opened again, and nothing that needs repair; and all that was no record is set aside
// or was torn.
func FuzzOpen(f *testing.F) {
	whole, records := written([]string{`{"n":1}`, `{"n":2}`, `{"n":3}`})
	for _, text := range [][]byte{
		nil,
		{0},
		[]byte("\n"), whole, whole[:headerSize], whole[5:], whole[:len(whole)-4],
		append(bytes.Clone(whole), 0, 0, 'x', '\n', 0), append([]byte("x\n"), whole...),
		append(header(records[1].start), whole[headerSize:]...), append(header(1<<40), whole[headerSize:]...),
		fmt.Appendf(nil, "%s00000000 4294967295 %s {}\n", whole, noon.Format(stampForm)),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := read(text)
		if err != nil {
			return // of a later version
		}
		path := filepath.Join(t.TempDir(), "queue-1.journal")
		if err := os.WriteFile(path, text, ownerOnly); err != nil {
			t.Fatal(err)
		}
		first, found := reopened(t, path)
		if !slices.Equal(texts(first), texts(c.records)) || found.Corrupt != len(c.bad) {
			t.Fatalf("opened with %q and %d corrupt, read as %q and %d", texts(first), found.Corrupt, texts(c.records), len(c.bad))
		}
		again, found := reopened(t, path)
		if !slices.Equal(texts(first), texts(again)) || found.Damaged() || found.Torn > 0 {
			t.Fatalf("opened with %q at first, and then with %q and %+v", texts(first), texts(again), found)
		}
		aside, _ := os.ReadFile(path + rejectedSuffix) // there is none when nothing was set aside
		for _, bad := range c.bad {
			if !bytes.Contains(aside, text[bad.start:bad.end]) {
				t.Fatalf("%q was not set aside", text[bad.start:bad.end])
			}
		}
	})
}

// reopened opens a file and closes it again.
func reopened(t *testing.T, path string) ([]record, Found) {
	t.Helper()
	f, records, found, err := openFile(path, 1<<10, plain)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	return records, found
}

func plain(f *os.File) disk { return f }
