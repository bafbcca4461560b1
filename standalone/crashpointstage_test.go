package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/engine"
	"lifeline/internal/notify"
	"lifeline/internal/presence"
	"lifeline/internal/relay"
	"lifeline/internal/store"
	"lifeline/workflows"

	historypb "go.temporal.io/api/history/v1"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdktemporal "go.temporal.io/sdk/temporal"
)

// stage is what all scenes share: one Temporal server, one database, one relay.
type stage struct {
	*installation

	store   *store.Store
	rows    *sql.DB
	temp    client.Client
	relay   *relay.Relay
	links   *notify.Links
	data    converter.DataConverter
	failure converter.FailureConverter

	mu     sync.Mutex
	scenes map[string]*scene
}

// newStage starts the server and the relay, which end with the test.
func newStage(t *testing.T) *stage {
	t.Helper()
	st := &stage{installation: newInstallation(t), scenes: map[string]*scene{}}
	st.furnish()
	st.temporalServer()
	st.store, st.temp = st.database(), st.engine()
	cfg := st.config()
	var err error
	if st.rows, err = sql.Open("sqlite", cfg.DatabaseURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.rows.Close() }) // it only reads
	if err := cfg.ReadSecrets(); err != nil {
		t.Fatal("read secrets: ", err)
	}
	ring, err := engine.ParseKeyring(cfg.PayloadKeys)
	if err != nil {
		t.Fatal("parse payload key: ", err)
	}
	st.data, st.failure = engine.Converters(ring)
	if st.links, err = notify.NewLinks("https://lifeline.example.com", []byte("a secret of this test")); err != nil {
		t.Fatal(err)
	}
	st.relay = relay.New(st.store, &usher{st}, time.Now, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { st.relay.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return st
}

// of is the scene that a workflow belongs to.
func (st *stage) of(workflow string) *scene {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.scenes[workflow]
}

// usher is the relay's Temporal: it leads each workflow to its scene's task queue. A task
// whose worker is dead is given away after two seconds, not ten; after more where workers
// that live need so long, as Temporal pauses longer each time that a task is not done.
type usher struct{ stage *stage }

// ExecuteWorkflow starts the workflow as the relay asks.
func (u *usher) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	s := u.stage.of(o.ID)
	o.TaskQueue, o.WorkflowTaskTimeout = s.queue(), 2*time.Second*s.tale.pace
	return u.stage.temp.ExecuteWorkflow(ctx, o, workflow, args...)
}

// SignalWorkflow sends a message, unless the story holds it up.
func (u *usher) SignalWorkflow(ctx context.Context, id, run, name string, body any) error {
	if s := u.stage.of(id); s != nil && s.held.Load() {
		return errors.New("the message is held up")
	}
	return u.stage.temp.SignalWorkflow(ctx, id, run, name, body)
}

// scene is one telling of a tale, with an agent, a site and numbers of its own.
type scene struct {
	testing.TB

	stage *stage
	tale  *tale
	n     int
	id    emergency.CallID
	// number is the site's only one, standing what it shows without.
	number, standing string
	post             *letterbox
	// refused is true once the number could not be released; held keeps messages from
	// the workflow.
	refused, held atomic.Bool
	// told is what the presence system outside heard last.
	told atomic.Value
	// late says what came too late for the tale; carrying is how long messages took to
	// Temporal.
	late      atomic.Value
	carrying  time.Duration
	placement store.Placement

	// second is the worker that takes over should the first one die, even if that is
	// after the workflow's end: somebody has to answer for it until the scene is over.
	first, second *mortal
	over          chan struct{}
	watching      sync.WaitGroup
}

// newScene hires the agent and makes the site.
func newScene(t testing.TB, st *stage, tl *tale, n int) *scene {
	t.Helper()
	s := &scene{
		TB: t, stage: st, tale: tl, n: n, id: emergency.CallID(fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n)),
		number: fictional(2 * n), standing: fictional(2*n + 1), post: newLetterbox(tl.refuse), over: make(chan struct{}),
	}
	ctx, by := t.Context(), emergency.Change{}
	site := emergency.Site{
		ID: emergency.SiteID(fmt.Sprintf("site-%d", n)), Name: "Washington", Country: emergency.UnitedStates,
		Address:        emergency.Address{Street: "1 Example Street", City: "Washington", Region: "DC", PostalCode: "20001", Country: "US"},
		StandingNumber: s.standing, FallbackEndpoint: "sip:desk@phones.example",
	}
	agent := emergency.Agent{ID: s.agent(), Name: "Avery Example", SiteID: site.ID, Endpoints: []string{"sip:avery@phones.example"}}
	if !tl.nobody {
		site.Recipients = "desk@example.org"
	}
	_, err := st.store.PutSite(ctx, site, by)
	s.ok(err)
	_, err = st.store.PutAgent(ctx, agent, by)
	s.ok(err)
	if !tl.nobody {
		_, err = st.store.PutContacts(ctx, agent.ID, "security@example.org", by)
		s.ok(err)
	}
	if !tl.standing {
		s.ok(st.store.AddNumber(ctx, s.number, site.ID, by))
	}
	_, err = st.store.SetPresence(ctx, agent.ID, before)
	s.ok(err)
	st.mu.Lock()
	st.scenes[s.workflow()] = s
	st.mu.Unlock()
	return s
}

// areas are some of the United States' area codes.
var areas = []int{
	203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231,
	234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304,
}

// fictional is the nth number of those that ring nobody.
func fictional(n int) string { return fmt.Sprintf("+1%03d55501%02d", areas[n/100], n%100) }

func (s *scene) agent() emergency.AgentID { return emergency.AgentID(fmt.Sprintf("agent-%d", s.n)) }
func (s *scene) leg() emergency.LegID     { return emergency.LegID(s.id) + "-dial" }
func (s *scene) queue() string            { return fmt.Sprintf("crashpoint-%d", s.n) }

func (s *scene) workflow() string {
	if s.tale.refusal {
		return workflows.RefusalWorkflowID(s.id)
	}
	return workflows.WorkflowID(s.id)
}

// outside is the presence system beside Lifeline's own; nil for most tales.
func (s *scene) outside() presence.System {
	if !s.tale.outside {
		return nil
	}
	return heardBy{s}
}

type heardBy struct{ scene *scene }

// Set hears what an agent shows.
func (h heardBy) Set(_ context.Context, _ emergency.AgentID, p emergency.Presence) error {
	h.scene.told.Store(string(p.Status))
	if h.scene.tale.name == "presence-refused" {
		return &presence.SetError{Permanent: true, Reason: "nobody of that name"}
	}
	return nil
}

func (s *scene) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// dial places the call, or has it refused.
func (s *scene) dial() {
	s.Helper()
	if s.tale.refusal {
		s.ok(s.stage.store.RefuseCall(s.Context(), emergency.RefusedCall{
			CallID: s.id, AgentID: s.agent(), SiteID: emergency.SiteID(fmt.Sprintf("site-%d", s.n)), Dialed: "911",
			Country: emergency.UnitedStates, Code: emergency.CheckNoRoute, At: time.Now(),
		}, s.tale.plan))
		s.stage.relay.Wake(s.id)
		return
	}
	who, err := s.stage.store.Caller(s.Context(), s.agent())
	s.ok(err)
	s.placement = store.Placement{
		CallID: s.id, LegID: s.leg(), Caller: who, At: time.Now(), Terms: s.tale.terms, Notices: s.tale.plan,
		Dialed:          emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates},
		PresenceOutside: s.tale.outside,
	}
	_, err = s.stage.store.PlaceCall(s.Context(), s.placement)
	s.ok(err)
	s.stage.relay.Wake(s.id)
}

// play tells the tale with a worker that dies and another that takes over, up to the
// workflow's end.
func (s *scene) play(dies moment, nth int) {
	s.Helper()
	s.dial()
	for _, act := range s.tale.early {
		act(s)
	}
	s.delivered()
	s.first = s.hire(dies, nth)
	s.watching.Go(func() {
		select {
		case <-s.first.dead:
			s.second = s.hire("", 0)
		case <-s.over:
		}
	})
	s.settled()
	for _, act := range s.tale.acts {
		act(s)
		s.settled()
	}
	s.closed()
}

// dismiss stops all workers, and says how it went.
func (s *scene) dismiss(e *ending) {
	s.Helper()
	close(s.over)
	s.watching.Wait()
	for _, m := range []*mortal{s.first, s.second} {
		if m != nil {
			m.stop()
		}
	}
	if s.first != nil {
		e.counts, e.died = s.first.lived()
	}
	e.history = s.history()
	e.late = s.tooLate(e.history)
}

// delivered waits until Temporal has every message.
func (s *scene) delivered() {
	s.Helper()
	began := time.Now()
	defer func() { s.carrying += time.Since(began) }()
	s.stage.relay.Wake(s.id)
	s.wait("the messages to be carried", func() error {
		_, waiting, err := s.stage.store.NextMessage(s.Context(), s.id)
		if err == nil && waiting {
			err = errors.New("one is waiting")
		}
		return err
	})
}

// settled waits until nothing is under way, so that what comes next finds every telling
// of a tale alike.
func (s *scene) settled() {
	s.Helper()
	if s.held.Load() {
		return
	}
	s.delivered()
	s.wait("the workflow to settle", func() error {
		described, err := s.stage.temp.DescribeWorkflowExecution(s.Context(), s.workflow(), "")
		if err != nil {
			return err
		}
		if described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return nil
		}
		if described.GetPendingWorkflowTask() != nil || len(described.GetPendingActivities()) > 0 && !s.tale.restless {
			return errors.New("something is under way")
		}
		return nil
	})
}

// closed waits for the workflow's end.
func (s *scene) closed() {
	s.Helper()
	terms := s.tale.terms
	ctx, cancel := context.WithTimeout(s.Context(), patience+terms.Lease+terms.Grace+terms.MaxCall)
	defer cancel()
	err := s.stage.temp.GetWorkflow(ctx, s.workflow(), "").Get(ctx, nil)
	if err != nil && !sdktemporal.IsCanceledError(err) {
		s.Fatal("wait for the workflow to close: ", err)
	}
}

// seldom is how often a scene asks: there are many, and one server.
const seldom = 250 * time.Millisecond

// wait does so until there is no error, and asks seldom.
func (s *scene) wait(what string, condition func() error) {
	s.Helper()
	await(s, what, func() error {
		err := condition()
		if err != nil {
			time.Sleep(seldom)
		}
		return err
	})
}

// history are the events of the workflow.
func (s *scene) history() []*historypb.HistoryEvent {
	s.Helper()
	var events []*historypb.HistoryEvent
	told := s.stage.temp.GetWorkflowHistory(s.Context(), s.workflow(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for told.HasNext() {
		event, err := told.Next()
		s.ok(err)
		events = append(events, event)
	}
	return events
}
