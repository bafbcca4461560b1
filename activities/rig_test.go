package activities_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeline/activities"
	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/internal/store"
	"lifeline/workflows"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"
)

// tb is what tests and random runs have in common.
type tb interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

const (
	caller   = emergency.AgentID("agent-us")
	number   = "+12025550101"
	callID   = emergency.CallID("0198c0de-0000-7000-8000-000000000001")
	theDial  = emergency.LegID("dial")
	callback = emergency.LegID("callback")
	ana      = "ana@example.com"
	bo       = "bo@example.com"
)

// rig is one call in a database of its own, with the world outside faked.
type rig struct {
	*activities.Activities

	store *store.Store
	// file is the database's.
	file string
	mail *mailroom
	log  *bytes.Buffer
	ref  workflows.CallRef
}

// newRig places a call some time ago, from an agent who was available, with two
// contacts to tell.
func newRig(t *testing.T, ago time.Duration) *rig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lifeline.db")
	db, err := store.Open(file, time.Now)
	if err == nil {
		err = db.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some tests close it themselves
	r := &rig{store: db, file: file, mail: &mailroom{}, log: &bytes.Buffer{}, ref: workflows.CallRef{CallID: callID}}
	links, err := notify.NewLinks("https://lifeline.example.com", []byte("a secret of this test"))
	if err != nil {
		t.Fatal(err)
	}
	r.Activities = &activities.Activities{Store: db, Notices: db, Mail: r.mail, Links: links, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	r.prepare(t)
	r.dial(t, ago)
	return r
}

func (r *rig) prepare(t tb) {
	t.Helper()
	ctx := t.Context()
	ok(t, errors.Join(
		only(r.store.PutSite(ctx, emergency.Site{
			ID: "us-washington", Name: "Washington", Country: emergency.UnitedStates,
			Address:        emergency.Address{Street: "1 Example Street", City: "Washington", Region: "DC"},
			StandingNumber: "+12025550199", FallbackEndpoint: "tel:+12025550198",
		}, emergency.Change{})),
		r.store.AddNumber(ctx, number, "us-washington", emergency.Change{}),
		only(r.store.PutAgent(ctx, emergency.Agent{
			ID: caller, Name: "Avery Example", SiteID: "us-washington", Endpoints: []string{"sip:avery@example.com"},
		}, emergency.Change{})),
		only(r.store.PutContacts(ctx, caller, ana+"; "+bo, emergency.Change{})),
	))
	r.choose(t, emergency.StatusAvailable)
}

// dial places the call.
func (r *rig) dial(t tb, ago time.Duration) {
	t.Helper()
	who, err := r.store.Caller(t.Context(), caller)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.PlaceCall(t.Context(), store.Placement{
		CallID: callID, LegID: theDial, Caller: who, At: time.Now().Add(-ago),
		Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates},
		Terms: emergency.Terms{
			Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 30 * time.Minute,
		},
	}); err != nil {
		t.Fatal(err)
	}
}

// sql changes the database past the store.
func (r *rig) sql(t tb, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", r.file)
	ok(t, err)
	defer func() { ok(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), query)
	ok(t, err)
}

// end ends a leg some time ago, as the API does; an empty leg means all.
func (r *rig) end(t tb, leg emergency.LegID, ago time.Duration) {
	t.Helper()
	if _, err := r.store.EndLegs(t.Context(), store.Ending{
		CallID: callID, LegID: leg, Reason: emergency.EndHungUp, At: time.Now().Add(-ago), Tell: true,
	}); err != nil {
		t.Fatal(err)
	}
}

// ring has the PSAP call back some time ago.
func (r *rig) ring(t tb, ago time.Duration) {
	t.Helper()
	decision, err := r.store.DecideInbound(t.Context(), store.Inbound{
		To: number, From: "+12025550911", At: time.Now().Add(-ago), LegID: callback,
	})
	if err != nil || decision.LegID != callback {
		t.Fatalf("the callback is answered with %v, %v", decision, err)
	}
}

// choose is the agent's own choice of presence.
func (r *rig) choose(t tb, status emergency.Status) {
	t.Helper()
	if _, err := r.store.SetPresence(t.Context(), caller, status); err != nil {
		t.Fatal(err)
	}
}

// presenceStep is a step for a leg; an empty one restores.
func presenceStep(leg emergency.LegID) workflows.PresenceStep {
	return workflows.PresenceStep{CallID: callID, AgentID: caller, LegID: leg}
}

// notice is the notice of the call.
func notice() workflows.NoticeRef {
	return workflows.NoticeRef{CallID: callID, Event: emergency.NoticePlaced}
}

// picture is all that the steps can change.
type picture struct {
	Call     emergency.Call
	Presence emergency.Presence
	Numbers  []emergency.CallbackNumber
	Mails    int
}

func (r *rig) picture(t tb) picture {
	t.Helper()
	call, err := r.store.Call(t.Context(), callID)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := r.store.Presence(t.Context(), caller)
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := r.store.Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return picture{call, shown, numbers, len(r.mail.sent())}
}

// deliveries says how far the notice has come to each contact.
func (r *rig) deliveries(t tb) map[string]emergency.DeliveryState {
	t.Helper()
	states := map[string]emergency.DeliveryState{}
	for _, delivery := range r.picture(t).Call.Notice.Deliveries {
		states[delivery.Address] = delivery.State
	}
	return states
}

// mailroom is a mail system.
type mailroom struct {
	mu  sync.Mutex
	out []string
	// refuse decides on a message; nil takes all.
	refuse func(notify.Message) error
}

// Send takes a message, or not.
func (m *mailroom) Send(_ context.Context, message notify.Message) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		if err := m.refuse(message); err != nil {
			return "", err
		}
	}
	m.out = append(m.out, message.To)
	return "message-to-" + message.To, nil
}

// sent are the recipients of what has gone out.
func (m *mailroom) sent() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.out...)
}

// outsider is a presence system outside.
type outsider func(emergency.Presence) error

// Set hears of a presence.
func (o outsider) Set(_ context.Context, agent emergency.AgentID, p emergency.Presence) error {
	if agent != caller {
		return errors.New("another agent than the caller: " + string(agent))
	}
	return o(p)
}

// application is the error as Temporal sees it.
func application(t tb, err error) *temporal.ApplicationError {
	t.Helper()
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		t.Fatalf("the error is %v, want one that Temporal can tell", err)
	}
	return failed
}

// discreet checks that a text names nobody: no e-mail address, no phone number, no
// street.
func discreet(t tb, text string) {
	t.Helper()
	for _, secret := range []string{"@", "+1202", "Avery", "Example Street"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q stands in: %s", secret, text)
		}
	}
}

// same compares two things that should be alike.
func same[T any](t tb, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

// ok fails at an error.
func ok(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// only is the error of something whose value does not matter.
func only[T any](_ T, err error) error { return err }
