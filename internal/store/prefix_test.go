package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"pgregory.net/rapid"
)

// promised is one thing that an answer without SQL has promised: a dial, an end or a
// callback.
type promised func(*world) error

// A process may die after any number of promises has been kept and before the spool has
// forgotten them. The next one keeps them all again from the beginning, in order, and
// everything is as if each had been kept once (S11, B7).
func TestReplayFromTheBeginning(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w := newWorld(t, e)
		rapid.Check(t, func(t *rapid.T) {
			begin := func() {
				w.wipe(t)
				w.serial.Store(0)
				w.addSite(t, "us", first, second)
				w.addAgents(t, "us", "one", "two")
				w.contact(t, "one", "desk@example.com")
				w.dial(t, "one") // which holds the first number
			}
			begin()
			promises := drawPromises(t, w)
			kept := rapid.IntRange(0, len(promises)).Draw(t, "kept before the end")
			w.pass(agreed.Grace)
			replay := func(some []promised) {
				for _, promise := range some {
					if err := promise(w); err != nil {
						t.Fatal(err)
					}
				}
			}
			replay(promises)
			want := w.everything(t)
			begin()
			w.pass(agreed.Grace)
			replay(promises[:kept])
			replay(promises)
			same(t, "everything", want, w.everything(t))
		})
	})
}

// drawPromises are those of a few calls, in an order that is each call's own. Some of
// the calls were committed after all.
func drawPromises(t *rapid.T, w *world) []promised {
	var promises []promised
	var calls []store.Placement
	for range rapid.IntRange(1, 8).Draw(t, "promises") {
		what := rapid.SampledFrom([]string{"dial", "dial", "end", "callback"}).Draw(t, "what")
		if what == "dial" || len(calls) == 0 {
			p := w.placement(t, rapid.SampledFrom([]emergency.AgentID{"one", "two"}).Draw(t, "agent"))
			if committed := p; rapid.Bool().Draw(t, "committed") {
				promises = append(promises, func(w *world) error { return only(w.PlaceCall(t.Context(), committed)) })
			}
			p.Shown = anyShown(t, p)
			calls = append(calls, p)
			promises = append(promises, func(w *world) error { return only(w.PlaceCall(t.Context(), p)) })
			continue
		}
		p := rapid.SampledFrom(calls).Draw(t, "call")
		if what == "end" {
			e := store.Ending{CallID: p.CallID, Reason: emergency.EndHungUp, At: p.At.Add(agreed.Quarantine), Tell: true}
			if rapid.Bool().Draw(t, "the leg alone") {
				e.LegID = p.LegID
			}
			promises = append(promises, func(w *world) error { return only(w.EndLegs(t.Context(), e)) })
			continue
		}
		a := w.connected(p.CallID, p.At)
		promises = append(promises, func(w *world) error { return w.KeepCallback(t.Context(), a) })
	}
	// A process that had the end and not the call gives it to SQL before the call comes.
	if rapid.Bool().Draw(t, "an end comes first") {
		early := calls[0].CallID
		promises = slices.Insert(promises, 0, func(w *world) error {
			err := only(w.EndLegs(t.Context(), store.Ending{CallID: early, Reason: emergency.EndHungUp, At: noon.Add(time.Minute), Tell: true}))
			if errors.Is(err, emergency.ErrUnknownCall) {
				return nil
			}
			return err
		})
	}
	return promises
}

// everything is what the tables hold, without the numbers that they give to rows.
func (w *world) everything(t tb) []string {
	t.Helper()
	var all []string
	for _, table := range tables {
		all = append(all, w.rowsOf(t, table)...)
	}
	slices.Sort(all)
	return all
}

// rowsOf is what one table holds.
func (w *world) rowsOf(t tb, table string) []string {
	t.Helper()
	rows, err := w.raw.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		line.WriteString(table)
		for i, column := range columns {
			if column != "seq" {
				fmt.Fprintf(&line, " %s=%s", column, fmt.Sprint(values[i]))
			}
		}
		all = append(all, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
