package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// admin reads who there is to drill.
const admin = "admin"

// The numbers that a drill dials. The first is a test everywhere, the second in the
// United States alone.
const (
	testEverywhere  = "urn:service:test.sos"
	testInAmerica   = "933"
	americanCountry = "US"
)

// drillCommand dials nothing but test numbers (RFC 6881, ED-77), whatever is typed.
type drillCommand struct {
	Agents []string      `arg:"" optional:"" help:"The agents to drill; all of them when none is named."`
	Sample *int          `help:"Drill no more than so many agents, drawn at random." placeholder:"N"`
	Number string        `help:"The test number to dial: ${enum}. The latter is known in the United States alone; agents of sites elsewhere dial the former." enum:"urn:service:test.sos,933" default:"urn:service:test.sos"`
	Wait   time.Duration `help:"How long to wait for the notice of each call." default:"30s"`
	Report string        `help:"Where to write the report; no file is overwritten. drill-<time>.json in this directory by default." placeholder:"FILE" type:"path"`
}

// Validate refuses what could be taken for its opposite: a sample of nobody is not a
// sample of everybody.
func (c *drillCommand) Validate() error {
	switch {
	case c.Sample != nil && *c.Sample < 1:
		return errors.New("--sample must be 1 or more; leave it out to drill everybody")
	case c.Wait <= 0:
		return errors.New("--wait must be longer than nothing")
	default:
		return nil
	}
}

// Run makes one test call after the other, each from dial to restored presence
// (B13), and keeps the evidence. It fails unless every call did what it should.
func (c *drillCommand) Run(t *terminal) error {
	d, err := newDrill(t, c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	chosen, err := d.choose(ctx)
	if err != nil {
		return err
	}
	report := drillReport{
		StartedAt: time.Now().UTC(), Service: t.service.base, Number: c.Number, Wait: c.Wait.String(),
		NotDrilled: len(chosen), Results: []drillResult{},
	}
	path := cmp.Or(c.Report, "drill-"+report.StartedAt.Format("20060102T150405Z")+".json")
	if err := claim(path); err != nil {
		return err
	}
	if err := d.drillAll(ctx, t, chosen, &report, path); err != nil {
		return err
	}
	t.say(report.summary(path))
	return report.verdict()
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

// dialing is one agent to drill, and the test number that is known where the agent is.
type dialing struct {
	agent, number string
}

// choose gives the agents to drill. Samples are drawn at random, so that they differ.
func (d *drill) choose(ctx context.Context) ([]dialing, error) {
	listed, err := d.service.listAgents(ctx, d.admin)
	if err != nil {
		return nil, err
	}
	known := map[string]Agent{}
	for _, agent := range listed.value {
		known[agent.AgentID] = agent
	}
	chosen := slices.Compact(slices.Sorted(slices.Values(d.Agents)))
	for _, agent := range chosen {
		if _, ok := known[agent]; !ok {
			return nil, fmt.Errorf("no agent has the ID %q", agent)
		}
	}
	if len(chosen) == 0 {
		chosen = slices.Sorted(maps.Keys(known))
	}
	if len(chosen) == 0 {
		return nil, errors.New("there are no agents to drill")
	}
	if d.Sample != nil && *d.Sample < len(chosen) {
		rand.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = slices.Sorted(slices.Values(chosen[:*d.Sample]))
	}
	american, err := d.american(ctx)
	if err != nil {
		return nil, err
	}
	var all []dialing
	for _, agent := range chosen {
		to := dialing{agent, testEverywhere}
		if american[known[agent].SiteID] {
			to.number = d.Number
		}
		all = append(all, to)
	}
	return all, nil
}

// american are the sites in the United States. They need to be known only when the
// number to dial is known there alone.
func (d *drill) american(ctx context.Context) (map[string]bool, error) {
	if d.Number == testEverywhere {
		return nil, nil
	}
	listed, err := d.service.listSites(ctx, d.admin)
	found := map[string]bool{}
	for _, site := range listed.value {
		found[site.SiteID] = site.Country == americanCountry
	}
	return found, err
}

// drill makes one test call and sees that everything happens. Whatever fails, the
// call is ended, so that nobody stays on Do not disturb for a drill; and whoever breaks
// the drill off, what has begun is taken to its end.
func (d *drill) drill(ctx context.Context, to dialing) drillResult {
	whole := context.WithoutCancel(ctx)
	r := drillResult{AgentID: to.agent, Number: to.number, StartedAt: time.Now().UTC()}
	if busy, err := d.inCall(whole, to.agent); err != nil || busy {
		r.skip(err)
		return r
	}
	var call Call
	placed := r.step("answer", func() (string, error) {
		var err error
		call, err = insist(func() (answer[Call], error) {
			return d.service.placeCall(whole, d.carrier, DialRequest{AgentID: to.agent, DialedNumber: to.number}, d.key(r))
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

// drillAll drills one agent after the other, and keeps what there is of the report after
// each: the evidence of a drill that is killed is not lost.
func (d *drill) drillAll(ctx context.Context, t *terminal, chosen []dialing, report *drillReport, path string) error {
	for _, to := range chosen {
		if err := report.save(path); err != nil {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		result := d.drill(ctx, to)
		report.add(result)
		t.say(result.line())
	}
	report.FinishedAt = time.Now().UTC()
	return report.save(path)
}

// key is an idempotency key of this one test call.
func (d *drill) key(r drillResult) string {
	return "drill " + r.AgentID + " " + r.StartedAt.Format(time.RFC3339Nano)
}

// inCall tells whether the agent is in a call, or may be rung back by the emergency
// service, which a drill must not disturb.
func (d *drill) inCall(ctx context.Context, agent string) (bool, error) {
	live, err := d.service.listCalls(ctx, d.supervisor)
	return slices.ContainsFunc(live.value, func(call Call) bool {
		return call.AgentID == agent && (call.Status == CallStatusActive || call.Status == CallStatusCallbackWindow && !isTest(call))
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

// errBrokenOff says of a step that nobody has waited for its outcome.
var errBrokenOff = errors.New("the drill was broken off")

// awaitNotice waits until the test list has been told, which needs the outbox,
// Temporal, a worker and the mail system.
func (d *drill) awaitNotice(drilling context.Context, id string) (string, error) {
	ctx, cancel := context.WithTimeout(drilling, d.Wait)
	defer cancel()
	for {
		call, err := d.service.getCall(ctx, d.supervisor, id)
		switch {
		case err != nil && ctx.Err() == nil && !passing(err):
			return "", err
		case err == nil && call.value.Notification.State != NotificationStateQueued:
			return seeNotice(call.value.Notification)
		}
		select {
		case <-ctx.Done():
			if drilling.Err() != nil {
				return "", errBrokenOff
			}
			return "", fmt.Errorf("no notice went out within %v", d.Wait)
		case <-time.After(pollEvery):
		}
	}
}

// seeNotice tells what has become of a notice.
func seeNotice(notice Notification) (string, error) {
	switch notice.State { //nolint:exhaustive // in every other state somebody has been told
	case NotificationStateNone:
		return "", errors.New("nobody is told: the site has no test recipients")
	case NotificationStateFailed:
		return "", errors.New("no notice went out")
	case NotificationStateBounced:
		return "", errors.New("every notice came back")
	default:
		return fmt.Sprintf("%d told", told(notice)), nil
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

// callBack plays the emergency service that rings the number it saw. A standing number
// belongs to everybody who has dialed at the site: to ring it may ring somebody in danger.
func (d *drill) callBack(ctx context.Context, call Call) (string, error) {
	if call.CallbackNumberKind == CallCallbackNumberKindStanding {
		return "not tried: the site's standing number may lead to somebody in an emergency", nil
	}
	decided, err := d.service.routeInboundCall(ctx, d.carrier, InboundCall{To: call.Route.CallerID})
	decision := decided.value
	switch {
	case err != nil:
		return "", err
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
