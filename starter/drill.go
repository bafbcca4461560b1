package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// admin reads who there is to drill.
const admin = "admin"

// drillCommand dials nothing but test numbers (RFC 6881, ED-77), whatever is typed.
type drillCommand struct {
	Agents []string      `arg:"" optional:"" help:"The agents to drill; all of them when none is named."`
	Sample int           `help:"Drill no more than so many agents, drawn at random." placeholder:"N"`
	Number string        `help:"The test number to dial: ${enum}. The latter is for the United States alone." enum:"urn:service:test.sos,933" default:"urn:service:test.sos"`
	Wait   time.Duration `help:"How long to wait for the notice of each call." default:"30s"`
	Report string        `help:"Where to write the report; drill-<time>.json in this directory by default." placeholder:"FILE" type:"path"`
}

// Run makes one test call after the other, each from dial to restored presence
// (B13), and keeps the evidence. It fails unless every call did what it should.
func (c *drillCommand) Run(t *terminal) error {
	if c.Sample < 0 || c.Wait <= 0 {
		return errors.New("--sample must not be negative, and --wait must be longer than nothing")
	}
	d, err := newDrill(t, c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	agents, err := d.choose(ctx)
	if err != nil {
		return err
	}
	report := drillReport{StartedAt: time.Now().UTC(), Service: t.service.base, Number: c.Number, Wait: c.Wait.String()}
	for _, agent := range agents {
		if ctx.Err() != nil {
			break
		}
		result := d.drill(ctx, agent)
		report.Results = append(report.Results, result)
		t.say(result.line())
	}
	report.NotDrilled = len(agents) - len(report.Results)
	report.FinishedAt = time.Now().UTC()
	return report.keep(t, c.Report)
}

// drill is what all its test calls share.
type drill struct {
	*drillCommand

	service service
	// admin lists the agents, carrier plays the phone system, supervisor watches.
	admin, carrier, supervisor string
}

func newDrill(t *terminal, c *drillCommand) (*drill, error) {
	d := &drill{drillCommand: c, service: t.service}
	var failures []error
	for holder, secret := range map[string]*string{admin: &d.admin, carrier: &d.carrier, supervisor: &d.supervisor} {
		var err error
		*secret, err = t.tokens.of(holder)
		failures = append(failures, err)
	}
	return d, errors.Join(failures...)
}

// choose gives the agents to drill, in a random order, so that samples differ.
func (d *drill) choose(ctx context.Context) ([]string, error) {
	listed, err := d.service.listAgents(ctx, d.admin)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, agent := range listed.value {
		known = append(known, agent.AgentID)
	}
	chosen := slices.Compact(slices.Sorted(slices.Values(d.Agents)))
	for _, agent := range chosen {
		if !slices.Contains(known, agent) {
			return nil, fmt.Errorf("no agent has the ID %q", agent)
		}
	}
	if len(chosen) == 0 {
		chosen = known
	}
	if len(chosen) == 0 {
		return nil, errors.New("there are no agents to drill")
	}
	if d.Sample > 0 && d.Sample < len(chosen) {
		rand.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = slices.Sorted(slices.Values(chosen[:d.Sample]))
	}
	return chosen, nil
}

// drill makes one test call and sees that everything happens. Whatever fails, the
// call is ended, so that nobody stays on Do not disturb for a drill.
func (d *drill) drill(ctx context.Context, agent string) drillResult {
	r := drillResult{AgentID: agent, StartedAt: time.Now().UTC()}
	if busy, err := d.inCall(ctx, agent); err != nil || busy {
		r.skip(err)
		return r
	}
	// Once begun, a test call is taken to its end, whoever breaks the drill off.
	whole := context.WithoutCancel(ctx)
	var call Call
	placed := r.step("answer", func() (string, error) {
		var err error
		call, err = insist(func() (answer[Call], error) {
			return d.service.placeCall(whole, d.carrier, DialRequest{AgentID: agent, DialedNumber: d.Number}, d.key(r))
		})
		return pathText(call.Route), err
	})
	if !placed {
		return r
	}
	r.placed(call)
	r.step("test", func() (string, error) { return d.seeTest(call) })
	r.step("do-not-disturb", func() (string, error) { return seePresence(call, "do-not-disturb") })
	r.step("notice", func() (string, error) { return d.awaitNotice(ctx, call.CallID) })
	r.step("callback", func() (string, error) { return d.callBack(whole, call) })
	r.step("end", func() (string, error) { return "", d.end(whole, call.CallID) })
	r.step("presence", func() (string, error) { return d.seeRestored(whole, call) })
	return r
}

// key is an idempotency key of this one test call.
func (d *drill) key(r drillResult) string {
	return "drill " + r.AgentID + " " + r.StartedAt.Format(time.RFC3339Nano)
}

// inCall tells whether the agent is in a call, which a drill must not disturb.
func (d *drill) inCall(ctx context.Context, agent string) (bool, error) {
	live, err := d.service.listCalls(ctx, d.supervisor)
	return slices.ContainsFunc(live.value, func(call Call) bool {
		return call.AgentID == agent && call.Status == CallStatusActive
	}), err
}

// seeTest makes sure that nobody takes the call for an emergency (B13). One that was
// placed as such would have to be ended by a person.
func (d *drill) seeTest(call Call) (string, error) {
	if !isTest(call) {
		return "", errors.New("the call is not marked as a test")
	}
	return string(call.Kind), nil
}

func seePresence(call Call, want string) (string, error) {
	if call.Presence.Current != want {
		return "", fmt.Errorf("the agent shows %s", call.Presence.Current)
	}
	return want, nil
}

// pollEvery is how often a drill looks for what happens by itself.
const pollEvery = 50 * time.Millisecond

// awaitNotice waits until the test list has been told, which needs the outbox,
// Temporal, a worker and the mail system.
func (d *drill) awaitNotice(ctx context.Context, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	for {
		call, err := d.service.getCall(ctx, d.supervisor, id)
		switch state := call.value.Notification.State; {
		case err != nil && ctx.Err() == nil && !passing(err):
			return "", err
		case err == nil && state == NotificationStateNone:
			return "", errors.New("nobody is told: the site has no test recipients")
		case err == nil && state == NotificationStateFailed:
			return "", errors.New("no notice went out")
		case err == nil && state == NotificationStateBounced:
			return "", errors.New("every notice came back")
		case err == nil && state != NotificationStateQueued:
			return fmt.Sprintf("%d told", told(call.value.Notification)), nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no notice went out within %v", d.Wait)
		case <-time.After(pollEvery):
		}
	}
}

// told counts those whom the notice of the call itself went out to; it may have been
// acknowledged by now, or have arrived at somebody's mail server.
func told(notice Notification) int {
	count := 0
	for _, r := range notice.Recipients {
		switch r.State {
		case RecipientStateSent, RecipientStateDelivered, RecipientStateAcknowledged:
			if r.Event == RecipientEventPlaced {
				count++
			}
		case RecipientStateQueued, RecipientStateBounced, RecipientStateFailed, RecipientStateSuperseded:
		}
	}
	return count
}

// callBack plays the emergency service that rings the number it saw.
func (d *drill) callBack(ctx context.Context, call Call) (string, error) {
	decided, err := d.service.routeInboundCall(ctx, d.carrier, InboundCall{To: call.Route.CallerID})
	decision := decided.value
	switch {
	case err != nil:
		return "", err
	case call.CallbackNumberKind == CallCallbackNumberKindStanding && decision.AgentID != call.AgentID:
		return "the standing number leads to somebody who dialed later", d.hangUp(ctx, decision)
	case decision.Decision != RoutingDecisionDecisionConnectAgent || decision.AgentID != call.AgentID:
		return "", errors.Join(fmt.Errorf("a callback would go to %s %s", decision.Decision, decision.AgentID), d.hangUp(ctx, decision))
	case decision.CallID != call.CallID:
		return "", errors.Join(errors.New("a callback would go to another call"), d.hangUp(ctx, decision))
	}
	return fmt.Sprintf("rings the %s first, then %d more", decision.Endpoint.Kind, then(decision)), nil
}

// then counts who rings after the first.
func then(decision RoutingDecision) int {
	if decision.Then == nil {
		return 0
	}
	return len(*decision.Then)
}

// hangUp ends a callback leg that does not belong to the test.
func (d *drill) hangUp(ctx context.Context, decision RoutingDecision) error {
	if decision.LegID == "" {
		return nil
	}
	_, err := d.service.endCall(ctx, d.carrier, decision.CallID, decision.LegID, EndRequest{})
	return err
}

func (d *drill) end(ctx context.Context, id string) error {
	_, err := insist(func() (answer[Call], error) {
		return d.service.endCall(ctx, d.carrier, id, "", EndRequest{Reason: "drill over"})
	})
	return err
}

// insist asks again when no answer came, since a test call whose answer was lost
// would stay up. What it asks for may be repeated without harm.
func insist[T any](request func() (answer[T], error)) (T, error) {
	for try := 1; ; try++ {
		got, err := request()
		if _, lost := errors.AsType[*networkError](err); !lost || try == 3 {
			return got.value, err
		}
		time.Sleep(time.Second)
	}
}

// seeRestored sees that the agent shows again what was shown before (S10), unless
// somebody has chosen something else meanwhile.
func (d *drill) seeRestored(ctx context.Context, call Call) (string, error) {
	read, err := d.service.getCall(ctx, d.supervisor, call.CallID)
	switch shown := read.value.Presence.Current; {
	case err != nil:
		return "", err
	case shown == "do-not-disturb" && call.Presence.Previous != shown:
		return "", errors.New("the agent still shows do-not-disturb")
	default:
		return shown, nil
	}
}
