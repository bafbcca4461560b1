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
	"testing"
)

const roomy = 1 << 16

// opened opens the queue of a directory, for as long as the test runs.
func opened(t *testing.T, dir string, limit int64) (*Queue, []Found) {
	t.Helper()
	q, found, err := OpenQueue(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeOnce(t, q) })
	return q, found
}

func closeOnce(t *testing.T, q *Queue) {
	t.Helper()
	select {
	case <-q.closing:
	default:
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	}
}

func keep(t *testing.T, q *Queue, payloads ...string) {
	t.Helper()
	for _, payload := range payloads {
		if err := q.Append(t.Context(), []byte(payload)); err != nil {
			t.Fatalf("append %s: %v", payload, err)
		}
	}
}

func pending(t *testing.T, q *Queue) []string {
	t.Helper()
	records, err := q.Pending()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range records {
		all = append(all, string(r))
	}
	return all
}

func wantPending(t *testing.T, q *Queue, want ...string) {
	t.Helper()
	if got := pending(t, q); !slices.Equal(got, want) {
		t.Errorf("%q wait, not %q", got, want)
	}
}

// applied drains a queue and gives what was applied.
func applied(t *testing.T, q *Queue) []string {
	t.Helper()
	var all []string
	err := q.Drain(t.Context(), func(_ context.Context, payload []byte) error {
		all = append(all, string(payload))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Records are applied in order, and one that fails keeps those behind it until it
// succeeds.
func TestDrainStopsAtAnErrorAndGoesOnFromThere(t *testing.T) {
	q, _ := opened(t, t.TempDir(), roomy)
	keep(t, q, "1", "2", "3")
	errSQL := errors.New("SQL is down")
	var tried []string
	err := q.Drain(t.Context(), func(_ context.Context, payload []byte) error {
		tried = append(tried, string(payload))
		if string(payload) == "2" {
			return errSQL
		}
		return nil
	})
	if !errors.Is(err, errSQL) || !slices.Equal(tried, []string{"1", "2"}) {
		t.Fatalf("tried %q with %v", tried, err)
	}
	wantPending(t, q, "2", "3")
	if got := applied(t, q); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("applied %q afterwards", got)
	}
	wantPending(t, q)
}

// A record that will never succeed is set aside, readable for the owner alone, and the
// others are applied.
func TestRejectSetsOneRecordAside(t *testing.T) {
	dir := t.TempDir()
	q, _ := opened(t, dir, roomy)
	keep(t, q, `{"n":1}`, `{"n":2}`, `{"n":3}`)
	err := q.Drain(t.Context(), func(_ context.Context, payload []byte) error {
		if string(payload) == `{"n":2}` {
			return fmt.Errorf("replay: %w", Reject(errors.New("SQL will never take this")))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantPending(t, q)
	path := filepath.Join(dir, "queue-1.journal.rejected")
	aside, err := os.ReadFile(path)
	if r, ok := parse(aside); err != nil || !ok || string(r.payload) != `{"n":2}` {
		t.Errorf("%q was set aside (%v)", aside, err)
	}
	wantOwnerOnly(t, path)
}

// Files are for the owner alone: they are about people in danger.
func TestFilesAreForTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	opened(t, dir, roomy)
	wantOwnerOnly(t, filepath.Join(dir, "queue-1.journal"))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v (%v)", info.Mode(), err)
	}
}

func wantOwnerOnly(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s is %v (%v)", path, info.Mode(), err)
	}
}

// Rejected knows what Reject made, however it is wrapped, and the reason stays in it.
func TestRejectedKnowsReject(t *testing.T) {
	reason := errors.New("reason")
	if err := fmt.Errorf("replay: %w", Reject(reason)); !Rejected(err) || !errors.Is(err, reason) {
		t.Error("a rejection is not known, or hides its reason")
	}
	if Rejected(reason) || Rejected(nil) {
		t.Error("something else is taken for a rejection")
	}
}

// What is appended while others are applied is applied too.
func TestAppendDuringDrain(t *testing.T) {
	q, _ := opened(t, t.TempDir(), roomy)
	keep(t, q, "1")
	var got []string
	err := q.Drain(t.Context(), func(ctx context.Context, payload []byte) error {
		if got = append(got, string(payload)); len(got) < 3 {
			return q.Append(ctx, strconv.AppendInt(nil, int64(len(got)+1), 10))
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("applied %q (%v)", got, err)
	}
}

// What was applied is erased from the disk (B14), and its space is used again; when the
// limit is reached, Append says so, and what is there stays.
func TestSpaceIsBoundedAndGivenBack(t *testing.T) {
	dir := t.TempDir()
	q, _ := opened(t, dir, 2000)
	for round := range 3 {
		kept := filled(t, q, round)
		if depth := q.Depth(); len(kept) < 20 || depth.Bytes > 2000 || depth.Bytes < 1900 || depth.Limit != 2000 || depth.Records != len(kept) {
			t.Errorf("%d records fill it, and its depth is %+v", len(kept), depth)
		}
		if got := applied(t, q); !slices.Equal(got, kept) {
			t.Errorf("applied %q, not %q", got, kept)
		}
		if depth := q.Depth(); depth.Records != 0 || depth.Bytes != 0 || !depth.Oldest.IsZero() {
			t.Errorf("all is applied, and the depth is %+v", depth)
		}
		text, err := os.ReadFile(filepath.Join(dir, "queue-1.journal"))
		if err != nil || bytes.Contains(text, []byte("caller")) {
			t.Errorf("what was applied is still on disk (%v)", err)
		}
	}
}

// filled appends until the queue is full, and gives what it has kept.
func filled(t *testing.T, q *Queue, round int) (kept []string) {
	t.Helper()
	for n := 0; ; n++ {
		payload := fmt.Sprintf(`{"caller":"+12025550123","round":%d,"n":%d}`, round, n)
		err := q.Append(t.Context(), []byte(payload))
		if errors.Is(err, ErrFull) {
			return kept
		}
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, payload)
	}
}

// A record is one line, so that people can read the file and a reader finds its way.
func TestAppendRefusesWhatIsNoLine(t *testing.T) {
	q, _ := opened(t, t.TempDir(), roomy)
	for _, payload := range []string{"a\nb", "a\x00b", "\n"} {
		if err := q.Append(t.Context(), []byte(payload)); !errors.Is(err, ErrPayload) {
			t.Errorf("%q: %v", payload, err)
		}
	}
	wantPending(t, q)
}

// A queue that is closed takes nothing any more, and says so.
func TestClosedQueueSaysSo(t *testing.T) {
	q, _ := opened(t, t.TempDir(), roomy)
	closeOnce(t, q)
	if err := q.Append(t.Context(), []byte("1")); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if err := q.Drain(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("drain: %v", err)
	}
}

// A corrupt record is set aside, told, and gone from the queue; the others are applied.
func TestCorruptRecordIsSetAsideAndTold(t *testing.T) {
	dir := t.TempDir()
	q, _ := opened(t, dir, roomy)
	keep(t, q, `{"n":1}`, `{"n":2}`, `{"n":3}`)
	closeOnce(t, q)
	path := filepath.Join(dir, "queue-1.journal")
	edit(t, path, func(text []byte) []byte { return bytes.Replace(text, []byte(`{"n":2}`), []byte(`{"n":7}`), 1) })

	q, found := opened(t, dir, roomy)
	if len(found) != 1 || !found[0].Damaged() || found[0].Corrupt != 1 || found[0].Records != 2 || found[0].File != "queue-1.journal" {
		t.Errorf("told %+v", found)
	}
	wantPending(t, q, `{"n":1}`, `{"n":3}`)
	if aside, err := os.ReadFile(path + ".rejected"); err != nil || !bytes.Contains(aside, []byte(`{"n":7}`)) {
		t.Errorf("%q was set aside (%v)", aside, err)
	}
	wantOwnerOnly(t, path+".rejected")
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(text), ownerOnly); err != nil {
		t.Fatal(err)
	}
}

// A file that cannot be taken, here because a later version has written it, is left alone
// and told; the queue works in another.
func TestFileOfALaterVersionIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "queue-1.journal")
	later := line(noon, []byte(`{"journal":2}`))
	if err := os.WriteFile(path, later, ownerOnly); err != nil {
		t.Fatal(err)
	}
	q, found := opened(t, dir, roomy)
	if len(found) != 2 || found[0].Skipped == nil || found[1].Skipped != nil {
		t.Errorf("told %+v", found)
	}
	keep(t, q, "1")
	if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, later) {
		t.Errorf("the file is %q now (%v)", text, err)
	}
}

// A queue opens whatever its disk does, and says that it keeps nothing; once there is room,
// the next record is kept, and nothing is littered meanwhile.
func TestQueueWaitsForItsDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	if err := os.WriteFile(path, nil, ownerOnly); err != nil {
		t.Fatal(err)
	}
	q, found := opened(t, path, roomy)
	if len(found) != 1 || found[0].Unwritable == nil {
		t.Errorf("told %+v", found)
	}
	for range 3 {
		if err := q.Append(t.Context(), []byte("lost")); err == nil || q.Depth().Broken == nil {
			t.Errorf("a record is kept in a file that is no directory: %v, %v", err, q.Depth().Broken)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	keep(t, q, "1")
	if depth := q.Depth(); depth.Broken != nil || depth.Records != 1 {
		t.Errorf("the depth is %+v", depth)
	}
	names, err := filepath.Glob(filepath.Join(path, "*"))
	if err != nil || len(names) != 1 {
		t.Errorf("there are %v, %v", names, err)
	}
}

// What is set aside is counted until somebody deletes it, also by the next process.
func TestAsideIsCounted(t *testing.T) {
	dir := t.TempDir()
	aside := func(q *Queue, want int) {
		t.Helper()
		if got, err := q.Aside(); err != nil || got != want {
			t.Errorf("%d lines are set aside, %v, want %d", got, err, want)
		}
	}
	q, _ := opened(t, dir, roomy)
	aside(q, 0)
	keep(t, q, "1", "2")
	if err := q.Drain(t.Context(), func(context.Context, []byte) error { return Reject(errors.New("no")) }); err != nil {
		t.Fatal(err)
	}
	if err := q.SetAside([]byte("3")); err != nil {
		t.Fatal(err)
	}
	aside(q, 3)
	next, _ := opened(t, dir, roomy)
	aside(next, 3)
	if err := os.Remove(filepath.Join(dir, "queue-1.journal.rejected")); err != nil {
		t.Fatal(err)
	}
	aside(next, 1)
}
