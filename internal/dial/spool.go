package dial

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/journal"
	"lifeline/internal/store"
)

const (
	// replayEvery is how soon a spool tries SQL again.
	replayEvery = 500 * time.Millisecond
	// replayWithin bounds the trouble with one intent.
	replayWithin = 10 * time.Second
	// secureWithin bounds one try to have the disk take what it did not take in time.
	secureWithin = 2 * time.Second
	// replayPatience is how long SQL may refuse one intent, while it takes changes, before
	// that is set aside for people to look at: it must not keep the others back for ever.
	replayPatience = time.Minute
)

// Replayed takes what a spool has kept; package store implements it. All of it may come
// twice.
type Replayed interface {
	Ping(ctx context.Context) error
	PlaceCall(ctx context.Context, p store.Placement) (emergency.Call, error)
	EndLegs(ctx context.Context, e store.Ending) (emergency.Call, error)
	KeepCallback(ctx context.Context, a store.Answered) error
	RefuseCall(ctx context.Context, refused emergency.RefusedCall, plan emergency.NoticePlan) error
}

// Queue is the file under a spool; package journal implements it.
type Queue interface {
	// Append returns when the record is durable.
	Append(ctx context.Context, record []byte) error
	// Drain gives the records in order, and forgets those that were taken without an
	// error or with journal.Reject.
	Drain(ctx context.Context, take func(ctx context.Context, record []byte) error) error
	// Pending are the records that wait.
	Pending() ([][]byte, error)
	// SetAside keeps a record for people that was never appended.
	SetAside(record []byte) error
}

// Spool keeps what was answered without SQL until SQL has it (B7).
type Spool struct {
	queue   Queue
	records Replayed
	memory  *Memory
	// notices is how far people are told of refused dials.
	notices emergency.NoticePlan
	wake    func(emergency.CallID)
	log     *slog.Logger

	mu sync.Mutex
	// undurable are the intents that the disk did not take, in order, and strays how
	// many each call has there: the later ones of a call follow the first.
	undurable []Intent
	strays    map[emergency.CallID]int
	// moving has room for one, who takes the first of undurable elsewhere.
	moving chan struct{}
	// added has room for one: something waits; and so has loose: the disk has not taken it.
	added, loose chan struct{}
	// stuck is since when the first intent has failed; zero while none does.
	stuck time.Time
}

// SpoolOptions is what a spool is made of.
type SpoolOptions struct {
	Queue   Queue
	Records Replayed
	Memory  *Memory
	Notices emergency.NoticePlan
	// Wake tells the relay of a call that SQL has got. It must not block.
	Wake func(emergency.CallID)
	Log  *slog.Logger
}

// NewSpool remembers what an earlier process has left in the queue, so that callbacks to
// it are known before SQL has it.
func NewSpool(o SpoolOptions) (*Spool, error) {
	s := &Spool{
		queue: o.Queue, records: o.Records, memory: o.Memory, notices: o.Notices, wake: o.Wake, log: o.Log,
		strays: map[emergency.CallID]int{}, added: make(chan struct{}, 1), loose: make(chan struct{}, 1),
		moving: make(chan struct{}, 1),
	}
	records, err := s.queue.Pending()
	if err != nil {
		return nil, err //nolint:wrapcheck // the journal's own words
	}
	for _, record := range records {
		s.Recall(record)
	}
	if len(records) > 0 {
		s.log.Warn("Calls that were answered without the database are being written down", "records", len(records))
		s.Look()
	}
	return s, nil
}

// Recall takes in what another process has answered, before SQL hears of it: callbacks to
// that have to find their agent here.
func (s *Spool) Recall(record []byte) {
	if intent, err := decodeIntent(record); err == nil {
		s.memory.recall(intent)
	}
}

// Keep keeps an intent, durably when it returns unless the disk fails too. Then it is
// still kept, in memory alone until the disk does take it, and the log says so: nobody in
// danger waits for a disk.
func (s *Spool) Keep(ctx context.Context, intent Intent) {
	id := intent.call()
	s.mu.Lock()
	stray := s.strays[id] > 0
	s.mu.Unlock()
	if !stray {
		err := s.queue.Append(ctx, encode(intent))
		if err == nil {
			s.Look()
			return
		}
		s.log.Error("What was answered without the database cannot be kept on disk; it is lost if this process ends before the database is back",
			"call", id, "what", intent.what(), "error", err)
	}
	s.mu.Lock()
	s.undurable = append(s.undurable, intent)
	s.strays[id]++
	s.mu.Unlock()
	tell(s.loose)
	s.Look()
}

// Look tells that something waits. It does not block.
func (s *Spool) Look() { tell(s.added) }

func tell(one chan struct{}) {
	select {
	case one <- struct{}{}:
	default:
	}
}

// Run replays until the context ends.
func (s *Spool) Run(ctx context.Context) {
	var securing sync.WaitGroup
	securing.Go(func() { repeat(ctx, s.loose, s.secure) })
	defer securing.Wait()
	repeat(ctx, s.added, s.replay)
}

// repeat does something each time that it is told to, and again until it succeeds.
func repeat(ctx context.Context, told <-chan struct{}, do func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-told:
		}
		for do(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(replayEvery):
			}
		}
	}
}

// replay gives SQL what waits. The error says that some of it still does.
func (s *Spool) replay(ctx context.Context) error {
	if err := s.queue.Drain(ctx, s.takeRecord); err != nil {
		return err //nolint:wrapcheck // only whether there is one matters
	}
	return s.replayUndurable(ctx)
}

func (s *Spool) takeRecord(ctx context.Context, record []byte) error {
	intent, err := decodeIntent(record)
	if err != nil {
		s.log.Error("A record of the spool cannot be understood; it is set aside", "error", err)
		return journal.Reject(err) //nolint:wrapcheck // it tells the queue
	}
	return s.take(ctx, intent)
}

// take gives SQL one intent. Only what SQL will never take is set aside.
func (s *Spool) take(ctx context.Context, intent Intent) error {
	hurried, cancel := context.WithTimeout(ctx, replayWithin)
	defer cancel()
	err := s.apply(hurried, intent)
	if err != nil && !final(err) && !s.hopeless(ctx, err) {
		return err
	}
	s.settle(intent, err)
	if err != nil {
		return journal.Reject(err) //nolint:wrapcheck // it tells the queue
	}
	return nil
}

// hopeless tells whether SQL has refused an intent for long while it works. Where it does
// not answer, or takes no changes for now, nothing is: a standby becomes the primary, and
// whoever holds a lock lets go of it, sooner or later.
func (s *Spool) hopeless(ctx context.Context, err error) bool {
	ctx, cancel := context.WithTimeout(ctx, replayWithin)
	defer cancel()
	works := !errors.Is(err, emergency.ErrUnavailable) && s.records.Ping(ctx) == nil
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !works:
		s.stuck = time.Time{}
	case s.stuck.IsZero():
		s.stuck = time.Now()
	}
	return works && time.Since(s.stuck) > replayPatience
}

// settle forgets an intent that SQL has got, or never will.
func (s *Spool) settle(intent Intent, err error) {
	id := intent.call()
	s.mu.Lock()
	s.stuck = time.Time{}
	s.mu.Unlock()
	if err != nil {
		s.memory.lose(id)
		s.log.Error("What was answered without the database cannot be written down; it goes into a file .rejected in the spool's directory",
			"call", id, "what", intent.what(), "error", err)
		return
	}
	s.memory.release(id)
	s.wake(s.memory.keptAs(id, intent.at()))
}

// apply does what was promised.
func (s *Spool) apply(ctx context.Context, intent Intent) error {
	var err error
	switch {
	case intent.Placed != nil:
		err = s.place(ctx, *intent.Placed)
	case intent.Ended != nil:
		_, err = s.records.EndLegs(ctx, s.memory.translate(*intent.Ended))
		if errors.Is(err, emergency.ErrUnknownCall) || errors.Is(err, emergency.ErrUnknownLeg) {
			err = nil // it is kept in case the call comes after it
		}
	case intent.Callback != nil:
		answered := *intent.Callback
		answered.CallID = s.memory.keptAs(answered.CallID, answered.At)
		err = s.records.KeepCallback(ctx, answered)
	case intent.Refused != nil:
		err = s.records.RefuseCall(ctx, *intent.Refused, s.notices)
	}
	return err //nolint:wrapcheck // take tells the log
}

// place writes down a dial. A desktop may send one key for ever, and only SQL knows for
// certain that a call which had it is over; then this one goes under another ID.
func (s *Spool) place(ctx context.Context, p store.Placement) error {
	_, err := s.records.PlaceCall(ctx, p)
	if !errors.Is(err, emergency.ErrCallOver) {
		return err //nolint:wrapcheck // take tells the log
	}
	was := p.CallID
	p.CallID = another(was, p.At)
	p.LegID = firstLeg(p.CallID)
	call, err := s.records.PlaceCall(ctx, p)
	if err == nil {
		s.memory.move(was, emergency.KnownCall{Call: call, Agent: p.Caller.Agent})
	}
	return err //nolint:wrapcheck // take tells the log
}
