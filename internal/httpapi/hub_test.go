package httpapi

import (
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Whatever order transactions commit in, if none is later than two seconds, and
// however often a listener is cut off and comes back with its last ID, it is told
// every event exactly once and in order.
func TestNoEventIsMissed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		story := drawStory(rt)
		problem := ""
		synctest.Test(t, func(t *testing.T) { problem = story.tell(t) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

// story is when each event commits, and after how many events a listener leaves.
type story struct {
	// late is how long after its number was drawn an event commits; events draw
	// their numbers one every gap.
	late   []time.Duration
	gap    time.Duration
	leaves []int
	// away is how long the listener stays away each time.
	away time.Duration
}

func drawStory(rt *rapid.T) story {
	millis := func(label string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(rt, label)) * time.Millisecond
	}
	s := story{gap: millis("gap", 300), away: millis("away", 3000)}
	for i := range rapid.IntRange(1, 40).Draw(rt, "events") {
		s.late = append(s.late, millis(fmt.Sprint("late", i), 1900))
	}
	s.leaves = rapid.SliceOfN(rapid.IntRange(0, 10), 0, 5).Draw(rt, "leaves")
	return s
}

// tell plays the story, and says what went wrong.
func (s story) tell(t *testing.T) string {
	studio := newStudio(t)
	l := studio.listen(t, "supervisor", "/v1/events")
	for i, late := range s.late {
		time.AfterFunc(time.Duration(i)*s.gap+late, func() { studio.records.commit(int64(i+1), "agent-us") })
	}
	last, leaves := 0, s.leaves
	until := -1
	for last < len(s.late) {
		if until < 0 && len(leaves) > 0 {
			until, leaves = last+leaves[0], leaves[1:]
		}
		if until == last {
			_ = l.conn.Close()
			time.Sleep(s.away)
			l = studio.listen(t, "supervisor", "/v1/events", "Last-Event-ID: "+strconv.Itoa(last))
			until = -1
		}
		f, ok := l.next()
		switch {
		case !ok:
			return fmt.Sprintf("the stream has ended after %d", last)
		case f.Event == "" && f.Comment == "":
			return fmt.Sprintf("an empty block after %d", last)
		case f.Event != "" && f.ID != strconv.Itoa(last+1):
			return fmt.Sprintf("after %d comes %s", last, f.ID)
		case f.Event != "":
			last++
		case time.Since(studio.begun) > time.Minute:
			return fmt.Sprintf("nothing comes after %d", last)
		}
	}
	return ""
}

// From whatever event a stream goes on, it gets all that have settled since, from
// memory, from SQL or from both.
func TestReadFromAnywhere(t *testing.T) {
	records := newFakeRecords()
	hub := NewHub(records, slog.New(slog.DiscardHandler))
	if _, err := hub.join(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const last = eventMemory + eventPage + 3
	for seq := range int64(last) {
		records.commit(seq+1, "agent-us")
	}
	for hub.settled < last {
		if err := hub.poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	records.commit(last+1, "agent-us") // has not settled
	for _, begin := range []int64{
		0, 1, hub.recentAfter - eventPage, hub.recentAfter - 1, hub.recentAfter, hub.recentAfter + 1, last - 1, last, last + 1,
	} {
		cursor, seen, more := begin, begin, true
		for more {
			next, err := hub.read(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range next.events {
				if e.Seq != seen+1 {
					t.Fatalf("from %d: after %d comes %d", begin, seen, e.Seq)
				}
				seen = e.Seq
			}
			cursor, more = next.cursor, next.more
		}
		if want := max(begin, last); cursor != want || seen != want {
			t.Errorf("from %d: read to %d, cursor %d", begin, seen, cursor)
		}
	}
}
