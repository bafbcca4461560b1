package dial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

const (
	// feedEvery is how soon the memory learns what another process has done.
	feedEvery = time.Second
	// rereadEvery is how often everything is read again: events may come to light late,
	// and numbers come to rest without one. Should that take long, it is done less
	// often, so that it never takes more than a twentieth of the time.
	rereadEvery  = 15 * time.Second
	rereadPauses = 20
	// feedPatience bounds one reading.
	feedPatience = 30 * time.Second
	// newsAtOnce is how many events are looked at one by one; more, and everything is
	// read again.
	newsAtOnce = 500
)

// Source is what a memory is fed from; package store implements it.
type Source interface {
	Events(ctx context.Context, after int64, limit int) ([]emergency.Event, error)
	LastEvent(ctx context.Context) (int64, error)
	LastKnown(ctx context.Context) (emergency.LastKnown, error)
	KnownPools(ctx context.Context) ([]emergency.KnownPool, error)
	KnownCalls(ctx context.Context, ids []emergency.CallID) ([]emergency.KnownCall, error)
}

// Copy keeps texts by their keys where a process that starts without SQL finds them;
// package journal implements it.
type Copy interface {
	All() map[string][]byte
	Put(key string, value []byte) error
	Delete(key string) error
	// Compact makes room. It waits for the disk.
	Compact() error
}

// Feed keeps a Memory up to date with SQL, and a copy of it on disk, so that even a
// process that starts while SQL is down knows whom a callback number belongs to (B7).
type Feed struct {
	Source Source
	Memory *Memory
	Copy   Copy
	Log    *slog.Logger

	// seen is the last event that was looked at.
	seen int64
	// again is when everything is read again.
	again time.Time
	// pools are read at the beginning, and when somebody has changed something.
	pools     []emergency.KnownPool
	poolsRead bool
	failing   bool
	// uncopied says that the copy could not be kept up to date.
	uncopied bool
}

// Recall fills the memory from the copy. The error tells what of it cannot be read; the
// rest is known all the same.
func (f *Feed) Recall() error {
	kept := f.Copy.All()
	if len(kept) == 0 {
		return nil
	}
	known, err := fromCopy(kept)
	f.Memory.recallAll(known)
	return err
}

// Read reads everything once, to begin with.
func (f *Feed) Read(ctx context.Context) error {
	began := time.Now()
	f.Memory.reading()
	seen, err := f.Source.LastEvent(ctx)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	known, err := f.Source.LastKnown(ctx)
	if err != nil {
		return fmt.Errorf("read what calls need: %w", err)
	}
	if !f.poolsRead {
		if f.pools, err = f.Source.KnownPools(ctx); err != nil {
			return fmt.Errorf("read what calls need: %w", err)
		}
		f.poolsRead = true
	}
	known.Pools = f.pools
	f.Memory.Replace(known)
	f.seen, f.again = seen, time.Now().Add(max(rereadEvery, rereadPauses*time.Since(began)))
	f.copied(f.keepAll(known))
	return nil
}

// copied makes room in the copy, and tells of trouble with it, once: what is known does not
// hang on it.
func (f *Feed) copied(err error) {
	err = errors.Join(err, f.Copy.Compact())
	switch {
	case err != nil && !f.uncopied:
		f.Log.Error("What dials are answered from while the database is down cannot be copied to disk; a restart would forget it. Trying again", "error", err)
	case err == nil && f.uncopied:
		f.Log.Info("What dials are answered from while the database is down is on disk again")
	}
	f.uncopied = err != nil
}

// Run feeds the memory until the context ends.
func (f *Feed) Run(ctx context.Context) {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	for {
		err := f.look(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && !f.failing:
			f.Log.Warn("What dials are answered from while the database is down is not kept up to date; trying again", "error", err)
		case err == nil && f.failing:
			f.Log.Info("What dials are answered from while the database is down is up to date again")
			f.again, f.poolsRead = time.Time{}, false
		}
		f.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look reads what has changed.
func (f *Feed) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, feedPatience)
	defer cancel()
	if time.Now().After(f.again) {
		return f.Read(ctx)
	}
	events, err := f.Source.Events(ctx, f.seen, newsAtOnce)
	if err != nil || len(events) == 0 {
		return err //nolint:wrapcheck // the source's own words
	}
	var calls []emergency.CallID
	for _, event := range events {
		if event.Type == emergency.EventConfigurationChanged || len(events) == newsAtOnce {
			f.poolsRead = false
			return f.Read(ctx)
		}
		if event.CallID != "" {
			calls = append(calls, event.CallID)
		}
	}
	slices.Sort(calls)
	calls = slices.Compact(calls)
	f.Memory.reading()
	found, err := f.Source.KnownCalls(ctx, calls)
	if err != nil {
		return err //nolint:wrapcheck // the source's own words
	}
	f.Memory.Update(calls, found)
	f.seen = events[len(events)-1].Seq
	f.copied(f.saveCalls(calls))
	return nil
}

// The keys of a copy.
const (
	keyRead    = "read"
	keyRouting = "routing"
	// keyRoutingAgain has the same once more: without it nobody could call out.
	keyRoutingAgain = "routing/again"
	keyCaller       = "caller/"
	keySite         = "site/"
	keyPool         = "pool/"
	keyCall         = "call/"
	keyResting      = "resting/"
)

// keepAll makes the copy like what is known.
func (f *Feed) keepAll(known emergency.LastKnown) error {
	now := map[string][]byte{keyRead: encode(known.At), keyRouting: encode(known.Routing), keyRoutingAgain: encode(known.Routing)}
	for _, caller := range known.Callers {
		now[keyCaller+string(caller.Agent.ID)] = encode(caller)
	}
	for _, site := range known.Sites {
		now[keySite+string(site.ID)] = encode(site)
	}
	for _, pool := range known.Pools {
		now[keyPool+string(pool.SiteID)] = encode(pool)
	}
	for _, number := range known.Resting {
		now[keyResting+number.Number] = encode(number)
	}
	calls := map[emergency.CallID]bool{}
	for _, call := range known.Calls {
		calls[call.ID] = true
	}
	kept := f.Copy.All()
	for key := range kept {
		if id, is := strings.CutPrefix(key, keyCall); is {
			calls[emergency.CallID(id)] = true
		} else if _, still := now[key]; !still {
			if err := f.Copy.Delete(key); err != nil {
				return fmt.Errorf("forget in the copy of what calls need: %w", err)
			}
		}
	}
	for key, value := range now {
		if !bytes.Equal(kept[key], value) {
			if err := f.Copy.Put(key, value); err != nil {
				return fmt.Errorf("keep a copy of what calls need: %w", err)
			}
		}
	}
	return f.saveCalls(slices.Collect(maps.Keys(calls)))
}

// saveCalls brings some calls of the copy up to date.
func (f *Feed) saveCalls(calls []emergency.CallID) error {
	for _, id := range calls {
		if err := f.Memory.save(id); err != nil {
			return fmt.Errorf("keep a copy of calls: %w", err)
		}
	}
	return nil
}

// encode writes a value for a file.
func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts, numbers and times always marshal
	}
	return text
}

// fromCopy reads what it can of a copy.
func fromCopy(kept map[string][]byte) (emergency.LastKnown, error) {
	var known emergency.LastKnown
	var errs []error
	routed := false
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		text := kept[key]
		var err error
		switch {
		case key == keyRead:
			err = json.Unmarshal(text, &known.At)
		case key == keyRouting, key == keyRoutingAgain:
			err = json.Unmarshal(text, &known.Routing)
			routed = routed || err == nil
		case strings.HasPrefix(key, keyCaller):
			err = add(&known.Callers, text)
		case strings.HasPrefix(key, keySite):
			err = add(&known.Sites, text)
		case strings.HasPrefix(key, keyPool):
			err = add(&known.Pools, text)
		case strings.HasPrefix(key, keyCall):
			err = add(&known.Calls, text)
		case strings.HasPrefix(key, keyResting):
			err = add(&known.Resting, text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read the copy of what calls need, at %s: %w", strings.SplitN(key, "/", 2)[0], err))
		}
	}
	if !routed {
		known.Callers = nil // whether any may call out is not known
		errs = append(errs, errNoRouting)
	}
	return known, errors.Join(errs...)
}

// errNoRouting means that a copy does not say who may call out, and how.
var errNoRouting = errors.New("the copy of what calls need has lost the voice routing")

// add reads one more of a list.
func add[T any](list *[]T, text []byte) error {
	var one T
	if err := json.Unmarshal(text, &one); err != nil {
		return err //nolint:wrapcheck // fromCopy wraps
	}
	*list = append(*list, one)
	return nil
}
