package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// faultKind is a way to break a world.
type faultKind struct {
	name string
	// begin breaks something of the world, by a choice, and gives what heals it; false
	// when there was nothing to break.
	begin func(w *world, choice int) (heal func(), broken bool)
	// aside says that it keeps nobody from being told of a call.
	aside bool
	// weight is how often it comes while another comes once; zero counts as one.
	weight int
}

// standaloneFaults are what can happen to everything in one process.
func standaloneFaults() []faultKind {
	return append(commonFaults(),
		faultKind{name: "kill -9 of standalone", weight: 4, begin: killOne("standalone")},
		faultKind{name: "standalone stopped", weight: 2, begin: freezeOne("standalone")},
		faultKind{name: "SQLite file locked", weight: 2, begin: lockSQLite},
		faultKind{name: "disk of the spool full", begin: fillOne("standalone")},
	)
}

// separateFaults are what can happen to separate processes.
func separateFaults() []faultKind {
	kinds := append(commonFaults(),
		faultKind{name: "kill -9 of an API", weight: 2, begin: killOne("api-1", "api-2")},
		faultKind{name: "kill -9 of a worker", weight: 2, begin: killOne("worker-1", "worker-2")},
		faultKind{name: "kill -9 of Temporal", begin: killOne("temporal")},
		faultKind{name: "kill -9 of everything", weight: 2, begin: killEverything},
		faultKind{name: "an API stopped", begin: freezeOne("api-1", "api-2")},
		faultKind{name: "a worker stopped", begin: freezeOne("worker-1", "worker-2")},
		faultKind{name: "Temporal stopped", begin: freezeOne("temporal")},
		faultKind{name: "PostgreSQL crashed", weight: 2, begin: func(w *world, _ int) (func(), bool) {
			w.postgres.end(w.postgres.server.Kill)
			return w.postgres.revive, true
		}},
		faultKind{name: "PostgreSQL restarted", begin: func(w *world, _ int) (func(), bool) {
			w.postgres.end(w.postgres.server.Stop)
			return w.postgres.revive, true
		}},
		faultKind{name: "PostgreSQL stopped", weight: 2, begin: func(w *world, _ int) (func(), bool) {
			w.postgres.freeze()
			return w.postgres.thaw, true
		}},
		faultKind{name: "disk of a spool full", begin: fillOne("api-1", "api-2")},
	)
	for _, to := range []string{"PostgreSQL", "Temporal"} {
		kinds = append(kinds,
			faultKind{name: "network to " + to + " hangs", begin: cutOne((*proxy).hang, (*proxy).flow, to)},
			faultKind{name: "network to " + to + " reset", begin: cutOne((*proxy).refuse, (*proxy).accept, to)})
	}
	for _, m := range moods {
		kinds = append(kinds, faultKind{name: "mail: " + string(m), begin: func(w *world, _ int) (func(), bool) {
			w.mail.begin(m)
			return func() { w.mail.end(m) }, true
		}})
	}
	return kinds
}

func commonFaults() []faultKind {
	kinds := []faultKind{{name: "workflow terminated", weight: 2, begin: terminateOne, aside: true}}
	for _, m := range moods {
		kinds = append(kinds, faultKind{name: "presence system: " + string(m), aside: true, begin: func(w *world, _ int) (func(), bool) {
			w.presence.begin(m)
			return func() { w.presence.end(m) }, true
		}})
	}
	return kinds
}

// inflict breaks things when their time has come, heals them when it is over, and
// tells how often it did what. What is broken already is broken again when it has healed.
func (w *world) inflict(began time.Time, faults []plannedFault) map[string]int {
	var (
		mu      sync.Mutex
		count   = map[string]int{}
		healing sync.WaitGroup
	)
	for _, fault := range faults {
		time.Sleep(time.Until(began.Add(fault.at)))
		if !fault.kind.aside {
			w.unrest.open()
		}
		healing.Go(func() {
			const patience = 20 * time.Second
			heal, broken := fault.kind.begin(w, fault.choice)
			for begun := time.Now(); !broken && time.Since(begun) < patience; heal, broken = fault.kind.begin(w, fault.choice) {
				time.Sleep(300 * time.Millisecond)
			}
			if broken {
				mu.Lock()
				count[fault.kind.name]++
				mu.Unlock()
				time.Sleep(fault.lasts)
				heal()
			}
			if !fault.kind.aside {
				w.unrest.close()
			}
		})
	}
	healing.Wait()
	return count
}

func (w *world) member(names []string, choice int) *member {
	name := names[choice%len(names)]
	for _, m := range w.members {
		if m.name == name {
			return m
		}
	}
	panic("no process is called " + name)
}

func killOne(names ...string) func(*world, int) (func(), bool) {
	return func(w *world, choice int) (func(), bool) {
		m := w.member(names, choice)
		m.kill()
		return m.revive, true
	}
}

func freezeOne(names ...string) func(*world, int) (func(), bool) {
	return func(w *world, choice int) (func(), bool) {
		m := w.member(names, choice)
		m.freeze()
		return m.thaw, true
	}
}

// killEverything is a machine that loses its power.
func killEverything(w *world, _ int) (func(), bool) {
	var dying sync.WaitGroup
	for _, m := range w.members {
		dying.Go(m.kill)
	}
	dying.Go(func() { w.postgres.end(w.postgres.server.Kill) })
	dying.Wait()
	return func() {
		w.postgres.revive()
		for _, m := range w.members {
			m.revive()
		}
	}, true
}

// cutOne cuts the network from one process to another.
func cutOne(cut, mend func(*proxy), to string) func(*world, int) (func(), bool) {
	from := []string{"api-1", "api-2", "worker-1", "worker-2"}
	return func(w *world, choice int) (func(), bool) {
		p := w.proxies[from[choice%len(from)]+" to "+to]
		cut(p)
		return func() { mend(p) }, true
	}
}

// fillOne fills the disk that a process spools on, with what belongs to somebody else.
func fillOne(names ...string) func(*world, int) (func(), bool) {
	return func(w *world, choice int) (func(), bool) {
		disk := w.disks[names[choice%len(names)]]
		if disk == nil {
			return nil, false
		}
		disk.fill()
		return disk.clear, true
	}
}

// lockSQLite is another program that holds the file: a backup, a careless hand.
func lockSQLite(w *world, _ int) (func(), bool) {
	conn, err := w.db.Conn(context.Background())
	if err != nil {
		return nil, false
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		_ = conn.Close() // there is no transaction
		return nil, false
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			w.t.Error("unlock the SQLite file: ", err)
		}
		_ = conn.Close() // it goes back to the pool
	}, true
}

// terminateOne takes a call's workflow away, as somebody might by mistake.
func terminateOne(w *world, choice int) (func(), bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	open, err := w.openCalls(ctx)
	if err != nil || len(open) == 0 {
		return nil, false
	}
	w.terminating.Lock()
	defer w.terminating.Unlock()
	id := open[choice%len(open)]
	w.terminated[id] = true // perhaps even if the answer is an error
	if err := w.temporal.TerminateWorkflow(ctx, workflowID(id), "", "torture"); err != nil {
		return nil, false
	}
	return func() {}, true
}

// openCalls are the calls whose number has not been given back.
func (w *world) openCalls(ctx context.Context) ([]string, error) {
	rows, err := w.db.QueryContext(ctx, "SELECT id FROM calls WHERE closed_at IS NULL ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("look for open calls: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("look for open calls: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
