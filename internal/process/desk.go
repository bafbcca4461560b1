package process

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
	"lifeline/internal/httpapi"
	"lifeline/internal/journal"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// spoolLimit is the room that is set apart for what is answered without SQL: tens of
	// thousands of calls. It is reserved from the start, so that a disk which fills up
	// later takes none of it.
	spoolLimit = 32 << 20
	// spoolAlarm is the share of it in use from which somebody should look.
	spoolAlarm = 0.5
	// adoptEvery is how soon another process's spool is taken over.
	adoptEvery = time.Minute
)

// desk is what answers dials, with all that it needs to do so without SQL (B7).
type desk struct {
	*dial.Desk

	memory *dial.Memory
	spool  *dial.Spool
	queue  *journal.Queue
	kept   *journal.Copy
	// parts have to run before anybody asks.
	parts []Part
}

// newDesk takes over what earlier processes have left in the data directory.
func (b *Base) newDesk(refused func(emergency.RefusedCall)) (*desk, error) {
	d := new(desk)
	kept, found := journal.OpenCopy(filepath.Join(b.Config.DataDir, "last-known.journal"))
	d.kept, d.memory = kept, dial.NewMemory(kept)
	b.tellFound("copy of what dials need", found)
	queue, all, err := journal.OpenQueue(filepath.Join(b.Config.DataDir, "spool"), spoolLimit)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the spool: %w", err), kept.Close())
	}
	d.queue = queue
	b.tellFound("spool", all...)
	feed := &dial.Feed{Source: b.Store, Memory: d.memory, Copy: kept, Log: b.Log}
	if err := feed.Recall(); err != nil {
		b.Log.Error("Some of the copy of what dials need cannot be read; until the database answers, that is not known", "error", err)
	}
	if d.spool, err = dial.NewSpool(dial.SpoolOptions{
		Queue: d.queue, Records: b.Store, Memory: d.memory, Notices: b.Config.NoticePlan(), Wake: b.wake, Log: b.Log,
	}); err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	improvised := d.measure(b.Registry)
	d.Desk = &dial.Desk{
		Records: b.Store, Memory: d.memory, Keep: d.spool.Keep, Improvised: improvised,
		Terms: b.Config.Terms(), Plan: b.Config.DialPlan(), Budget: b.Config.DialBudget,
		LocationMaxAge: b.Config.LocationMaxAge, Notices: b.Config.NoticePlan(), Refused: refused,
		PresenceOutside: b.Outside != nil, Wake: b.wake, Clock: time.Now, Log: b.Log,
	}
	patience := firstPatience
	if !d.memory.ReadAt().IsZero() {
		patience = shortPatience
	}
	reading := background("memory", feed.Run)
	start := reading.Start
	reading.Start = func(ctx context.Context) error {
		hurried, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := feed.Read(hurried); err != nil && ctx.Err() == nil {
			b.Log.Warn("The database does not answer yet; dials are answered from what was known before", "knownAt", d.memory.ReadAt(), "error", err)
		}
		return start(ctx)
	}
	d.parts = []Part{{
		Name:  "journals",
		Start: func(context.Context) error { return nil },
		Stop:  func(context.Context) error { return d.close() },
	}, b.database(func() <-chan time.Time { return time.After(patience) }), reading, background("spool", d.spool.Run), b.adopt(d)}
	return d, nil
}

// close lets go of the files.
func (d *desk) close() error { return errors.Join(d.queue.Close(), d.kept.Close()) }

// adopt takes over what other processes in the data directory leave when they die.
func (b *Base) adopt(d *desk) Part {
	return background("spools of the dead", func(ctx context.Context) {
		tick := time.NewTicker(adoptEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			found, err := d.queue.Adopt(d.spool.Recall)
			if err != nil {
				b.Log.Warn("What another process may have left in the spool cannot be read; trying again", "error", err)
			}
			b.tellFound("spool", found...)
			if len(found) > 0 {
				d.spool.Look()
			}
		}
	})
}

// tellFound says what a crash or a bad disk has done to a file.
func (b *Base) tellFound(what string, files ...journal.Found) {
	for _, found := range files {
		log := b.Log.With("file", found.File)
		if found.Damaged() {
			log.Error("Parts of the "+what+" could not be read, and something may be lost; docs/operations.md says what to do", "pieces", found.Corrupt)
		}
		if found.Torn > 0 {
			log.Info("The end of the "+what+" was being written when a process died; nobody had been told that it was kept", "bytes", found.Torn)
		}
		if found.Skipped != nil {
			log.Error("The "+what+" cannot be read and is left as it is; perhaps a later version has written it", "error", found.Skipped)
		}
		if found.Unwritable != nil {
			log.Error("The disk takes nothing for the "+what+"; trying again", "error", found.Unwritable)
		}
		if found.Unreserved != nil {
			log.Warn("The disk has no room to set apart for the "+what+"; one that fills up can stop it", "error", found.Unreserved)
		}
	}
}

// measure shows how much has been answered without SQL, and how much of it waits.
func (d *desk) measure(registry prometheus.Registerer) func(dial.Request) {
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lifeline_degraded_answers_total",
		Help: "Requests that were answered from memory because the database did not answer in time, or had yet to hear of the call.",
	}, []string{"request"})
	for _, request := range []dial.Request{dial.RequestDial, dial.RequestEnd, dial.RequestInbound} {
		answers.WithLabelValues(string(request))
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	registry.MustRegister(
		answers,
		gauge("lifeline_spool_records", "What was answered without the database and waits for it.", func() float64 { return float64(d.depth().records) }),
		gauge("lifeline_spool_bytes", "How much of the spool is in use.", func() float64 { return float64(d.depth().bytes) }),
		gauge("lifeline_spool_limit_bytes", "How much the spool can hold.", func() float64 { return float64(d.depth().limit) }),
		gauge("lifeline_spool_age_seconds", "How long the oldest record of the spool has been waiting.", func() float64 { return d.depth().age.Seconds() }),
		gauge("lifeline_spool_undurable", "What waits in memory alone, because the disk did not take it.", func() float64 { return float64(d.spool.Undurable()) }),
		gauge("lifeline_spool_set_aside", "Records that cannot be read or that the database would not take; they lie in files .rejected of the spool's directory. -1 when that cannot be read.", func() float64 {
			if lines, err := d.queue.Aside(); err == nil {
				return float64(lines)
			}
			return -1
		}),
		gauge("lifeline_memory_age_seconds", "How old is what dials are answered from while the database is down; -1 when nothing is known.", func() float64 {
			if at := d.memory.ReadAt(); !at.IsZero() {
				return time.Since(at).Seconds()
			}
			return -1
		}),
	)
	return func(request dial.Request) { answers.WithLabelValues(string(request)).Inc() }
}

// depth is what waits in the spool.
type depth struct {
	records      int
	bytes, limit int64
	age          time.Duration
	broken       bool
}

func (d *desk) depth() depth {
	waits := d.queue.Depth()
	all := depth{records: waits.Records, bytes: waits.Bytes, limit: waits.Limit, broken: waits.Broken != nil}
	if !waits.Oldest.IsZero() {
		all.age = time.Since(waits.Oldest)
	}
	return all
}

// probeSpool alarms when calls cannot be kept, or not for much longer.
func (d *desk) probeSpool(context.Context) error {
	waits := d.depth()
	switch age := waits.age.Round(time.Second); {
	case d.spool.Undurable() > 0:
		return httpapi.NotReady("the disk takes nothing more; calls are kept in memory alone") //nolint:wrapcheck // it is the whole answer
	case waits.broken:
		return httpapi.NotReady("the data directory takes no spool (is it full, read-only, or another user's?); without the database, calls would be kept in memory alone") //nolint:wrapcheck // it is the whole answer
	case float64(waits.bytes) > spoolAlarm*float64(waits.limit):
		return httpapi.NotReady(fmt.Sprintf("%d records have been waiting for the database for %s, and fill more than half of the room there is", //nolint:wrapcheck // it is the whole answer
			waits.records, age))
	case waits.records > 0:
		return httpapi.NotReady(fmt.Sprintf("%d records have been waiting for the database for %s", waits.records, age)) //nolint:wrapcheck // it is the whole answer
	}
	return nil
}
