package main

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/httpapi"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"
)

// kill -9 with the call up, right after the answer to its end, and in the open
// window: number, route and presence are always as if nothing had happened, and
// everything is done once (S11, B4).
func TestKilledDuringACall(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "LEASE_DURATION=3s", "CALLBACK_GRACE=1m", "NUMBER_QUARANTINE=1s")
	p := i.standalone()
	agent, carrier := i.as("agent/agent-us"), i.as("carrier")
	agent.setPresence("agent-us", before)
	l := &life{T: t, installation: i, call: agent.withKey("one call for help").dial("agent-us", "911"), number: "+12025550101"}
	p.kill()

	p = i.standalone()
	l.shows("do-not-disturb", httpapi.CallStatusActive)
	if again := agent.withKey("one call for help").dial("agent-us", "911"); again.CallID != l.call.CallID || again.CallbackNumber != l.number {
		t.Errorf("the repeated dial is call %s with %s, the first was %s with %s", again.CallID, again.CallbackNumber, l.call.CallID, l.number)
	}
	if got := carrier.inbound(l.number); got.CallID != l.call.CallID {
		t.Errorf("after the crash a callback goes to call %q", got.CallID)
	}
	l.awaitNotice()
	agent.end(l.call)
	p.kill()

	p = i.standalone()
	l.shows(before, httpapi.CallStatusCallbackWindow)
	callback := carrier.inbound(l.number)
	l.shows("do-not-disturb", httpapi.CallStatusActive)
	agent.endLeg(callback.CallID, callback.LegID)
	p.kill()

	i.standalone()
	l.shows(before, httpapi.CallStatusCallbackWindow)
	l.windowCloses()
	l.contactsKnow()
	want := []string{
		"presence-changed available", "presence-changed " + before,
		"call-placed", "presence-changed do-not-disturb", "callback-received",
		"leg-ended", "presence-changed " + before, "leg-ended",
		"callback-received", "presence-changed do-not-disturb", "presence-changed " + before, "leg-ended",
		"call-closed",
	}
	told := agent.follow("0")
	awaitEqual(t, "the events of four lives", want, func() []string { return told.told(whenever...) })
}

// kill -9 in the middle of many dials: what was answered is kept and known by its
// key, no two agents share a leased number (B5), and in the end every number is
// back, every presence as before, and every call had one workflow (S11).
func TestKilledWhileLeasing(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "LEASE_DURATION=2s", "CALLBACK_GRACE=1s", "NUMBER_QUARANTINE=1s")
	p := i.standalone()
	r := &rush{T: t, installation: i, last: map[string]answered{}}
	r.hire()
	for round := range 3 {
		var dialing sync.WaitGroup
		for _, agent := range r.agents {
			dialing.Go(func() { r.dialAgainAndAgain(agent, round) })
		}
		if round == 0 {
			awaitEqual(t, "some answered dial", true, r.someAnswered)
		}
		time.Sleep(time.Duration(rand.IntN(250)) * time.Millisecond) // anywhere in the rush
		p.kill()
		dialing.Wait()
		p = i.standalone()
		r.nothingIsLost()
	}
	t.Logf("%d dials were answered before the crashes", len(r.answered))
	r.endAll()
	r.everythingIsAsBefore()
}

// rush is many agents of one site dialing at once.
type rush struct {
	*testing.T
	*installation

	agents []string
	mu     sync.Mutex
	// answered are the calls whose dial was answered.
	answered []string
	// last is each agent's latest answered dial, which nobody has ended.
	last map[string]answered
}

type answered struct {
	key  string
	call httpapi.Call
}

// hire gives the site more agents than it has numbers, so that one of them has to
// make do with the standing number.
func (r *rush) hire() {
	r.Helper()
	r.agents = []string{"agent-us", "agent-us-2", "agent-us-3", "agent-us-4"}
	admin := r.as("admin")
	for _, agent := range r.agents[1:] {
		admin.must(http.StatusOK, http.MethodPut, "/v1/agents/"+agent, httpapi.AgentSettings{
			Name: agent, SiteID: "site-us", Endpoints: []string{"sip:" + agent + "@phones.example"},
		}, nil)
		admin.must(http.StatusOK, http.MethodPut, "/v1/agents/"+agent+"/emergency-contacts",
			httpapi.EmergencyContactsSettings{Recipients: "security@example.org"}, nil)
		admin.setPresence(agent, before)
	}
	admin.setPresence("agent-us", before)
}

// dialAgainAndAgain dials, and ends the dial before, until the service is gone. So
// the last dial that was answered is still up.
func (r *rush) dialAgainAndAgain(agent string, round int) {
	for n := range 60 {
		dial := answered{key: fmt.Sprintf("%s %d %d", agent, round, n)}
		carrier := r.carrier().withKey(dial.key)
		status, err := carrier.send(http.MethodPost, "/v1/emergency-calls", httpapi.DialRequest{AgentID: agent, DialedNumber: "911"}, &dial.call)
		if err != nil {
			return // it has been killed
		}
		if status != http.StatusCreated {
			r.Errorf("a dial was answered %d", status)
			return
		}
		r.mu.Lock()
		previous := r.last[agent]
		r.last[agent], r.answered = dial, append(r.answered, dial.call.CallID)
		r.mu.Unlock()
		if previous.key != "" {
			_, _ = carrier.send(http.MethodPost, "/v1/emergency-calls/"+previous.call.CallID+"/end", nil, nil) // or it has been killed
		}
	}
}

func (r *rush) someAnswered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.answered) > 0
}

func (r *rush) carrier() *caller {
	address := r.apis[0]
	return &caller{t: r, token: r.token("carrier"), next: func() string { return address }}
}

// nothingIsLost looks at what is up after a crash.
func (r *rush) nothingIsLost() {
	r.Helper()
	holder := map[string]string{}
	for _, call := range r.as("supervisor").liveCalls() {
		if call.CallbackNumberKind != httpapi.CallCallbackNumberKindLeased {
			continue
		}
		if other, taken := holder[call.CallbackNumber]; taken && other != call.AgentID {
			r.Errorf("%s and %s share %s", other, call.AgentID, call.CallbackNumber)
		}
		holder[call.CallbackNumber] = call.AgentID
	}
	for agent, dial := range r.last {
		again := r.carrier().withKey(dial.key).dial(agent, "911")
		if again.CallID != dial.call.CallID || again.CallbackNumber != dial.call.CallbackNumber || again.Status != httpapi.CallStatusActive {
			r.Errorf("%s was answered with call %s and %s; asked again it is %s with %s, %s", agent,
				dial.call.CallID, dial.call.CallbackNumber, again.CallID, again.CallbackNumber, again.Status)
		}
		if shown := r.as("admin").presence(agent); shown != "do-not-disturb" {
			r.Errorf("%s is calling for help and shows %s", agent, shown)
		}
	}
}

// endAll ends every call, those too that were placed and never answered.
func (r *rush) endAll() {
	r.Helper()
	for _, call := range r.as("supervisor").liveCalls() {
		r.as("carrier").end(call)
	}
	awaitEqual(r, "the live calls", 0, func() int { return len(r.as("supervisor").liveCalls()) })
}

// everythingIsAsBefore looks at what is left of it all.
func (r *rush) everythingIsAsBefore() {
	r.Helper()
	for _, agent := range r.agents {
		if shown := r.as("admin").presence(agent); shown != before {
			r.Errorf("in the end %s shows %s", agent, shown)
		}
	}
	for number := range r.as("admin").numberStates() {
		r.awaitFree(number)
	}
	placed := r.placedAndClosed()
	for _, id := range placed {
		r.noticesAreThere(id)
	}
	temporal := r.engine()
	awaitEqual(r, "one completed workflow for each call", placed, func() []string {
		return search(r, temporal, "WorkflowType = 'EmergencyCall' AND ExecutionStatus = 'Completed'")
	})
	if all := search(r, temporal, "WorkflowType = 'EmergencyCall'"); len(all) != len(placed) {
		r.Errorf("%d calls had %d workflows", len(placed), len(all))
	}
}

// noticesAreThere holds the mail folder to what was recorded: a notice that counts
// as sent is there, once, however often it was begun.
func (r *rush) noticesAreThere(callID string) {
	r.Helper()
	var there []string
	for _, letter := range r.mail(callID) {
		there = append(there, letter.to)
	}
	for _, recipient := range r.as("supervisor").call(callID).Notification.Recipients {
		at := slices.Index(there, recipient.Address)
		switch {
		case at >= 0:
			there = slices.Delete(there, at, at+1)
		case recipient.State == httpapi.RecipientStateSent:
			r.Errorf("the notice of call %s to %s counts as sent and is not there", callID, recipient.Address)
		}
	}
	if len(there) > 0 {
		r.Errorf("the notice of call %s went to %v as well", callID, there)
	}
}

// placedAndClosed lists the calls that the event stream tells of. Every call that
// was answered must be among them, placed once and closed once like the others.
func (r *rush) placedAndClosed() []string {
	r.Helper()
	events := r.as("supervisor").follow("0")
	var placed map[string]int
	await(r, "every call to have been closed once", func() error {
		placed = map[string]int{}
		closed := map[string]int{}
		for _, e := range events.all() {
			switch e.Type { //nolint:exhaustive // the others do not matter
			case httpapi.EventTypeCallPlaced:
				placed[e.CallID]++
			case httpapi.EventTypeCallClosed:
				closed[e.CallID]++
			}
		}
		if diff := cmp.Diff(placed, closed); diff != "" {
			return errors.New("(-placed +closed)\n" + diff)
		}
		for _, id := range r.answered {
			if placed[id] == 0 {
				return fmt.Errorf("call %s was answered and has been forgotten", id)
			}
		}
		return nil
	})
	for id, times := range placed {
		if times != 1 {
			r.Errorf("call %s was placed %d times", id, times)
		}
	}
	return slices.Sorted(maps.Keys(placed))
}

// kill -9 of the API between its commit and the relay, made certain: there is no
// Temporal when it answers. Other processes carry the call out (B7, S11).
func TestAnotherProcessCarriesTheCallOut(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, shortTerms...)
	i.furnish()
	p := i.api()
	call := i.as("agent/agent-us").dial("agent-us", "911")
	p.kill()
	i.apis = nil
	waiting, err := i.database().WaitingCalls(t.Context(), time.Now().Add(time.Hour), 10)
	if diff := cmp.Diff([]emergency.CallID{emergency.CallID(call.CallID)}, waiting); err != nil || diff != "" {
		t.Fatalf("the calls waiting for Temporal (-want +got)\n%s%v", diff, err)
	}

	i.temporalServer()
	i.worker()
	temporal := i.engine()
	awaitWorkflow(t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	i.awaitReady(i.api(), i.apis[0])
	l := &life{T: t, installation: i, call: call, number: call.CallbackNumber}
	l.shows("do-not-disturb", httpapi.CallStatusActive)
	l.isCalledBackInThe(httpapi.CallStatusActive)
	l.awaitNotice()
	i.as("agent/agent-us").end(call)
	l.shows("available", httpapi.CallStatusCallbackWindow)
	i.awaitStatus(call, httpapi.CallStatusEnded)
	awaitWorkflow(t, temporal, call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	l.contactsKnow()
}
