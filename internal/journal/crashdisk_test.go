package journal

import (
	"errors"
	"os"
	"slices"

	"pgregory.net/rapid"
)

// sector is what a disk writes wholly or not at all.
const sector = 512

var (
	errDead   = errors.New("the process is dead")
	errFaulty = errors.New("the disk is faulty")
)

// crashDisk is a file that can lose what was not synced, and that can fail. The real file
// behind it has its content when it is closed.
type crashDisk struct {
	*os.File

	// cached is what the operating system has, and durable what the disk has. Sectors
	// that differ may get there at any time until dirty is empty again.
	cached, durable []byte
	dirty           []int
	// deadIn is how many operations are left until the process dies, halfway through
	// the last one; negative while none is planned.
	deadIn int
	// shortIn and faultIn are how many writes and syncs are left until one fails.
	shortIn, faultIn int
	// failed says that one did.
	failed bool
	// part is how much of a write is done that stops short, and getsThere tells whether
	// a sector becomes durable that was not synced.
	part      func(size int) int
	getsThere func() bool
}

// drawnCrashDisk leaves all to chance.
func drawnCrashDisk(t *rapid.T, f *os.File) *crashDisk {
	d := newCrashDisk(t, f)
	d.part = func(size int) int { return rapid.IntRange(0, size).Draw(t, "written") }
	d.getsThere = func() bool { return rapid.Bool().Draw(t, "gets there") }
	return d
}

func newCrashDisk(t rapid.TB, f *os.File) *crashDisk {
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return &crashDisk{
		File: f, cached: text, durable: slices.Clone(text),
		deadIn: -1, shortIn: -1, faultIn: -1,
	}
}

// due counts down, and tells when it is time.
func due(left *int) bool {
	if *left < 0 {
		return false
	}
	*left--
	return *left < 0
}

func (d *crashDisk) dead() bool { return d.deadIn == -2 }

// die tells whether the process is dead, or dies right now.
func (d *crashDisk) die() (dead, now bool) {
	if d.dead() {
		return true, false
	}
	if due(&d.deadIn) {
		d.deadIn = -2
		return true, true
	}
	return false, false
}

// WriteAt writes all, or a part when the process dies or the disk is faulty. Like
// os.File's it does not tell how large a part.
func (d *crashDisk) WriteAt(text []byte, at int64) (int, error) {
	dead, now := d.die()
	if dead && !now {
		return 0, errDead
	}
	short := due(&d.shortIn)
	n := len(text)
	if now || short {
		n = d.part(n)
	}
	if missing := int(at) + n - len(d.cached); missing > 0 {
		d.cached = append(d.cached, make([]byte, missing)...)
		d.durable = append(d.durable, make([]byte, missing)...)
	}
	copy(d.cached[at:], text[:n])
	for s := int(at) / sector; s*sector < int(at)+n; s++ {
		if !slices.Contains(d.dirty, s) {
			d.dirty = append(d.dirty, s)
		}
	}
	switch {
	case dead:
		return 0, errDead
	case short:
		d.failed = true
		return 0, errFaulty
	}
	return n, nil
}

// Sync makes all durable. One that fails has made some of it durable, and forgets that
// the rest is not, as Linux does.
func (d *crashDisk) Sync() error {
	if dead, _ := d.die(); dead {
		return errDead
	}
	fault := due(&d.faultIn)
	if fault {
		d.failed = true
		d.someGetThere()
	} else {
		d.flush(d.dirty)
	}
	d.dirty = nil
	if fault {
		return errFaulty
	}
	return nil
}

func (d *crashDisk) flush(sectors []int) {
	for _, s := range sectors {
		end := min((s+1)*sector, len(d.cached))
		copy(d.durable[s*sector:end], d.cached[s*sector:end])
	}
}

// someGetThere makes some sectors durable that were not synced.
func (d *crashDisk) someGetThere() {
	for _, s := range d.dirty {
		if d.getsThere() {
			d.flush([]int{s})
		}
	}
}

// loseMachine makes the file what a machine finds that has lost its power.
func (d *crashDisk) loseMachine() {
	d.someGetThere()
	d.cached = d.durable
}

// Close writes the real file.
func (d *crashDisk) Close() error {
	return errors.Join(os.WriteFile(d.Name(), d.cached, ownerOnly), d.File.Close())
}
