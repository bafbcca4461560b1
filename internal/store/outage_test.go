package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/pgtest"
	"lifeline/internal/store"
)

// newServer is a PostgreSQL of a test's own, with an empty database.
func newServer(t *testing.T) (*pgtest.Server, string) {
	t.Helper()
	server, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	address, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return server, address
}

// do fails the test unless all goes well.
func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// everyMethod calls whatever of a store may reach for the database, with nothing in its
// arguments, and gives the errors by name.
func everyMethod(s *store.Store, within func() (context.Context, context.CancelFunc)) map[string]error {
	all := map[string]error{}
	value := reflect.ValueOf(s)
	for i := range value.NumMethod() {
		name, method := value.Type().Method(i).Name, value.Method(i)
		if method.Type().NumIn() == 0 || method.Type().In(0) != reflect.TypeFor[context.Context]() {
			continue
		}
		ctx, cancel := within()
		args := []reflect.Value{reflect.ValueOf(ctx)}
		for at := 1; at < method.Type().NumIn(); at++ {
			args = append(args, some(method.Type().In(at)))
		}
		results := method.Call(args)
		err, _ := reflect.TypeAssert[error](results[len(results)-1])
		all[name] = err
		cancel()
	}
	return all
}

// some is a value that no validation refuses for being empty, as far as it is an ID, a
// number or a list of them.
func some(of reflect.Type) reflect.Value {
	value := reflect.New(of).Elem()
	switch of {
	case reflect.TypeFor[store.Inbound]():
		return reflect.ValueOf(store.Inbound{To: first})
	case reflect.TypeFor[emergency.Agent]():
		return reflect.ValueOf(agentNamed("one", "us"))
	case reflect.TypeFor[emergency.Site]():
		return reflect.ValueOf(siteNamed("us"))
	case reflect.TypeFor[[]emergency.CallID]():
		return reflect.ValueOf([]emergency.CallID{"call"})
	}
	if of.Kind() == reflect.String {
		value.SetString(first)
	}
	return value
}

// withoutDatabase are the methods that find their arguments wanting before they ask the
// database.
var withoutDatabase = map[string]bool{"PutContacts": true, "PutTemplate": true}

// A process comes up while the database is down: opening reaches for nothing. Until the
// database has been prepared whatever is asked fails at once and says why, and that it is
// of no lasting kind; then it is used like any other (B7).
func TestOpensWithoutADatabase(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "later")
	server, address := newServer(t)
	do(t, server.Kill())
	for _, down := range []struct {
		engine, address string
		up              func() error
	}{
		{"SQLite", filepath.Join(folder, "lifeline.db"), func() error { return os.Mkdir(folder, 0o700) }},
		{"PostgreSQL", address, server.Start},
	} {
		t.Run(down.engine, func(t *testing.T) {
			s, err := store.Open(down.address, newYear)
			do(t, err)
			t.Cleanup(func() { _ = s.Close() })
			if err := s.Prepare(t.Context()); err == nil || errors.Is(err, store.ErrNotPrepared) {
				t.Errorf("a database that is down was prepared: %v", err)
			}
			for name, err := range everyMethod(s, func() (context.Context, context.CancelFunc) { return t.Context(), func() {} }) {
				if name != "Prepare" && !withoutDatabase[name] &&
					(!errors.Is(err, store.ErrNotPrepared) || !errors.Is(err, emergency.ErrUnavailable)) {
					t.Errorf("%s gives %v", name, err)
				}
			}
			do(t, down.up(), s.Prepare(t.Context()), s.Prepare(t.Context()))
			do(t, only(s.PutSite(t.Context(), siteNamed("us"), emergency.Change{})))
		})
	}
}

// While the server hangs, whatever is asked returns when its time is over and says that
// the database does not answer, and leaves the connections fit for those who come after
// it (B7). So it does of a server that is gone.
func TestServerThatHangs(t *testing.T) {
	server, address := newServer(t)
	w := &world{Store: openStore(t, address, newYear), clock: &clock{now: noon}}
	do(t, server.Freeze())
	for name, err := range everyMethod(w.Store, func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(t.Context(), 20*time.Millisecond)
	}) {
		if name != "Prepare" && !withoutDatabase[name] && !errors.Is(err, emergency.ErrUnavailable) {
			t.Errorf("of a server that hangs %s gives %v", name, err)
		}
	}
	do(t, server.Thaw())
	for name, err := range everyMethod(w.Store, func() (context.Context, context.CancelFunc) { return t.Context(), func() {} }) {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("after the thaw %s gives %v", name, err)
		}
	}
	do(t, server.Kill())
	for range 2 { // the connections that it had before, and those that cannot be made
		for name, err := range everyMethod(w.Store, func() (context.Context, context.CancelFunc) { return t.Context(), func() {} }) {
			if name != "Prepare" && !withoutDatabase[name] && !errors.Is(err, emergency.ErrUnavailable) {
				t.Errorf("of a server that is gone %s gives %v", name, err)
			}
		}
	}
}

// Dials that a hanging server takes too long for, more at once than there are
// connections, are made or not, and never by half; and those who dial afterwards find
// the server as it was.
func TestDialsOnAServerThatHangs(t *testing.T) {
	server, address := newServer(t)
	w := furnished(t, address)
	const crowd = 40
	for range 3 {
		placements := make([]store.Placement, crowd)
		for i := range placements {
			placements[i] = w.placement(t, "one")
		}
		var dialing sync.WaitGroup
		errs := make([]error, crowd)
		begun := make(chan struct{}, crowd)
		for i, p := range placements {
			dialing.Go(func() {
				soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				begun <- struct{}{}
				errs[i] = only(w.PlaceCall(soon, p))
			})
		}
		<-begun
		do(t, server.Freeze())
		dialing.Wait()
		do(t, server.Thaw())
		for i, p := range placements {
			call, err := w.Call(t.Context(), p.CallID)
			switch {
			case err == nil && (len(call.Legs) != 1 || call.Number == ""):
				t.Errorf("%s is there by half: %+v", p.CallID, call)
			case errors.Is(err, emergency.ErrUnknownCall) && errs[i] == nil:
				t.Errorf("%s was answered and is not there", p.CallID)
			case err != nil && !errors.Is(err, emergency.ErrUnknownCall):
				t.Errorf("%s cannot be read: %v", p.CallID, err)
			}
			w.place(t, p)
		}
	}
}

// A server that is killed and comes back is used again, without anybody opening anything
// (S11).
func TestServerThatIsKilled(t *testing.T) {
	server, address := newServer(t)
	w := furnished(t, address)
	for range 3 {
		call := w.dial(t, "one")
		do(t, server.Kill())
		if err := only(w.Call(t.Context(), call.ID)); err == nil {
			t.Error("a dead server answers")
		}
		do(t, server.Start())
		same(t, "the call", call.ID, w.read(t, call.ID).ID)
	}
}

// furnished is a world on a server of its own, with an agent and a number.
func furnished(t *testing.T, address string) *world {
	t.Helper()
	w := &world{clock: &clock{now: noon}, address: address, serial: new(atomic.Int64)}
	w.Store = openStore(t, address, w.clock.read)
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one")
	return w
}

// A machine that dies in the midst of a transaction keeps nobody's row locked for long:
// the server ends what it hears no more of (S11).
func TestLocksOfTheDead(t *testing.T) {
	_, address := newServer(t)
	s := openStore(t, address, newYear)
	bound, err := store.Setting(t.Context(), s, "idle_in_transaction_session_timeout")
	do(t, err)
	same(t, "how long a silent transaction lasts", "10s", bound)
}

// A server that is read and takes no changes, such as one that has become a standby, does
// not answer for now, as far as a dial is concerned; nor does one whose calls somebody has
// locked. Nothing is refused for good because of that (B7, S11).
func TestServerThatTakesNoChanges(t *testing.T) {
	_, address := newServer(t)
	w := furnished(t, address)
	admin, err := sql.Open("pgx", address)
	do(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	p := w.placement(t, "one")
	unavailable := func(what string) {
		t.Helper()
		for request, ask := range map[string]func(context.Context) error{
			"Ping": w.Ping, "a dial": func(ctx context.Context) error { return only(w.PlaceCall(ctx, p)) },
		} {
			soon, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := ask(soon); !errors.Is(err, emergency.ErrUnavailable) {
				t.Errorf("of a database that is %s %s gives %v", what, request, err)
			}
			cancel()
		}
	}
	locking, err := admin.BeginTx(t.Context(), nil)
	do(t, err, only(locking.ExecContext(t.Context(), `LOCK TABLE calls IN SHARE MODE`)))
	unavailable("locked")
	do(t, locking.Rollback(), w.Ping(t.Context()))
	readOnly := func(is string) {
		do(t, only(admin.ExecContext(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = `+is+`', current_database()); END $$`)),
			only(admin.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)))
	}
	readOnly("on")
	for only(w.Caller(t.Context(), "one")) != nil { // a connection that was ended is made anew
		time.Sleep(10 * time.Millisecond)
	}
	unavailable("read alone")
	do(t, admin.Close())
	admin, err = sql.Open("pgx", address+"&default_transaction_read_only=off")
	do(t, err)
	readOnly("off")
	for w.Ping(t.Context()) != nil {
		time.Sleep(10 * time.Millisecond)
	}
}
