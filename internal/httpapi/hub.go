package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lifeline/internal/emergency"
)

const (
	// pollEvery bounds how late an event of another process is told.
	pollEvery = 250 * time.Millisecond
	// gapPatience is how long a missing sequence number is waited for. On
	// PostgreSQL a number may become visible after a higher one, because its
	// transaction commits later; one of a transaction that failed never comes.
	gapPatience = 2 * time.Second
	// eventPage is how many events one query reads.
	eventPage = 500
	// eventMemory is how many recent events are kept for streams that are up to
	// date; a stream that is further behind reads SQL.
	eventMemory = 1024
)

// Hub reads the event log once for all streams of this process. Streams pull from
// it at their own pace, so that a slow reader costs a query now and then and
// never memory.
//
// It tells no event before all that come before it are known or have been waited
// for, so that going on after any event misses none.
type Hub struct {
	log    EventLog
	logger *slog.Logger
	woken  chan struct{}
	// life ends when Run does, and the streams with it.
	life context.Context
	end  context.CancelFunc

	mu      sync.Mutex
	streams int
	// settled is the last event that may be told.
	settled int64
	// recent holds all events after recentAfter up to settled. It is only ever
	// appended to or replaced, so that streams may read it without the lock.
	recent      []emergency.Event
	recentAfter int64
	// waiting tells since when an event waits behind a gap.
	waiting map[int64]time.Time
	// changed is closed when settled grows.
	changed chan struct{}
}

// NewHub makes a hub; it tells nothing until Run is running.
func NewHub(log EventLog, logger *slog.Logger) *Hub {
	life, end := context.WithCancel(context.Background())
	return &Hub{
		log: log, logger: logger, woken: make(chan struct{}, 1), life: life, end: end,
		waiting: map[int64]time.Time{}, changed: make(chan struct{}),
	}
}

// Wake has the hub look for events at once. It never blocks.
func (h *Hub) Wake() {
	select {
	case h.woken <- struct{}{}:
	default: // it is awake already
	}
}

// Run reads the event log while somebody listens, until the context is done. Then
// all streams end. Run is called once.
func (h *Hub) Run(ctx context.Context) error {
	defer h.end()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-h.woken:
		}
		err := h.poll(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			h.logger.WarnContext(ctx, "event streams stand still", "error", err)
		}
		failing = err != nil
	}
}

// poll reads the next page of events and tells the streams what has settled.
func (h *Hub) poll(ctx context.Context) error {
	h.mu.Lock()
	from, idle := h.settled, h.streams == 0
	h.mu.Unlock()
	if idle {
		return nil
	}
	page, err := h.log.Events(ctx, from, eventPage)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.settled != from {
		return nil // the hub went idle and began anew meanwhile
	}
	settled := h.settle(page, time.Now())
	if len(settled) == 0 {
		return nil
	}
	h.remember(settled)
	close(h.changed)
	h.changed = make(chan struct{})
	if len(page) == eventPage {
		h.Wake() // there is more
	}
	return nil
}

// settle is the part of a page that may be told: up to the first gap that has not
// been waited for long enough.
func (h *Hub) settle(page []emergency.Event, now time.Time) []emergency.Event {
	for _, e := range page {
		if _, known := h.waiting[e.Seq]; !known {
			h.waiting[e.Seq] = now
		}
	}
	last := h.settled
	for i, e := range page {
		if e.Seq != last+1 && now.Sub(h.waiting[e.Seq]) < gapPatience {
			return page[:i]
		}
		last = e.Seq
	}
	return page
}

func (h *Hub) remember(settled []emergency.Event) {
	for _, e := range settled {
		delete(h.waiting, e.Seq)
	}
	h.recent = append(h.recent, settled...)
	h.settled = settled[len(settled)-1].Seq
	if excess := len(h.recent) - eventMemory; excess > 0 {
		h.recentAfter = h.recent[excess-1].Seq
		h.recent = slices.Clone(h.recent[excess:])
	}
}

// join counts a stream in and says after which event it begins: the one to resume
// from, or for nil the present. An ID from the future, as after the database was
// made anew, begins at the present too.
func (h *Hub) join(ctx context.Context, resume *int64) (int64, error) {
	last, err := h.log.LastEvent(ctx)
	if err != nil {
		return 0, fmt.Errorf("read last event: %w", err)
	}
	settled, err := h.settledNow(ctx, last)
	if err != nil {
		return 0, err
	}
	h.mu.Lock()
	if h.streams == 0 {
		h.settled, h.recentAfter, h.recent = settled, settled, nil
		clear(h.waiting)
	}
	h.streams++
	h.mu.Unlock()
	h.Wake()
	if resume == nil || *resume > last {
		return settled, nil
	}
	return *resume, nil
}

// settledNow finds where the present begins for a hub that has not been watching:
// before the first gap that may still be filled.
func (h *Hub) settledNow(ctx context.Context, last int64) (int64, error) {
	settled := max(last-eventPage, 0)
	page, err := h.log.Events(ctx, settled, eventPage)
	if err != nil {
		return 0, fmt.Errorf("read events: %w", err)
	}
	for _, e := range page {
		if e.Seq > last || e.Seq != settled+1 && time.Since(e.At) < gapPatience {
			break
		}
		settled = e.Seq
	}
	return settled, nil
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams--
}

func (h *Hub) listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.streams
}

// reading is what a stream gets from the hub.
type reading struct {
	events []emergency.Event
	// cursor is the event after which to read next.
	cursor int64
	// more says that the next events can be read at once; otherwise changed is
	// closed when there are some.
	more    bool
	changed <-chan struct{}
}

// read gives the next settled events after a cursor, from memory when they are
// there and from SQL otherwise.
func (h *Hub) read(ctx context.Context, cursor int64) (reading, error) {
	h.mu.Lock()
	settled, recent, recentAfter, changed := h.settled, h.recent, h.recentAfter, h.changed
	h.mu.Unlock()
	if cursor >= recentAfter {
		return reading{events: after(recent, cursor), cursor: max(cursor, settled), changed: changed}, nil
	}
	page, err := h.log.Events(ctx, cursor, eventPage)
	if err != nil {
		return reading{}, fmt.Errorf("read events: %w", err)
	}
	if len(page) == eventPage && page[eventPage-1].Seq < settled {
		return reading{events: page, cursor: page[eventPage-1].Seq, more: true}, nil
	}
	page = page[:len(page)-len(after(page, settled))]
	return reading{events: page, cursor: settled, more: true}, nil
}

// after is the tail of events with a higher sequence number.
func after(events []emergency.Event, seq int64) []emergency.Event {
	i, found := slices.BinarySearchFunc(events, seq, func(e emergency.Event, seq int64) int { return int(e.Seq - seq) })
	if found {
		i++
	}
	return events[i:]
}
