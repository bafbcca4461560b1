package dial_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// promised is a call as it was answered.
type promised struct {
	id    emergency.CallID
	shown string
	up    []emergency.LegID
	ended []emergency.LegID
}

// torment has one agent at a site of its own call, hang up and be called back, while SQL
// comes and goes and processes die, and remembers what was answered.
type torment struct {
	*rig

	t *testing.T
	// made counts the agents so far.
	made  int
	agent emergency.AgentID
	calls []*promised
}

// stall is a hang that is noticed soon, so that the budget can be long: on a busy machine
// too little of it would be left for the disk.
func stall(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-time.After(time.Millisecond):
	}
	return context.DeadlineExceeded
}

// Whatever SQL does, and however often the process dies: each dial, end and callback is
// answered, and in the end SQL has every call just as it was answered, and presence as
// it follows from that (S11, B4, B7).
func TestTorment(t *testing.T) {
	x := &torment{rig: newRig(t), t: t}
	x.blind = true
	rapid.Check(t, func(rt *rapid.T) {
		x.settleIn()
		rt.Repeat(map[string]func(*rapid.T){
			"dial":     x.dials,
			"unheard":  x.dialsUnheard,
			"hang up":  x.hangsUp,
			"callback": x.isCalledBack,
			"trouble":  x.getsIntoTrouble,
			"restart":  func(*rapid.T) { x.restarts() },
			"replay":   func(*rapid.T) { _ = x.spool.Replay(x.t.Context()) },
			"read":     func(*rapid.T) { _ = x.feed.Read(x.t.Context()) },
			"minutes":  func(rt *rapid.T) { x.pass(time.Duration(rapid.IntRange(1, 3).Draw(rt, "minutes")) * time.Minute) },
		})
		x.faulty.breaks(nil)
		x.replayed(t)
		x.check(rt)
	})
}

// settleIn hires the agent, at a site with one callback number.
func (x *torment) settleIn() {
	x.made++
	n := x.made
	x.agent, x.calls = emergency.AgentID(fmt.Sprintf("agent-%d", n)), nil
	x.faulty.breaks(nil)
	site, agent := washington, avery
	site.ID, site.Country = emergency.SiteID(fmt.Sprintf("site-%d", n)), emergency.Denmark
	site.StandingNumber = fmt.Sprintf("+45110%05d", 2*n)
	agent.ID, agent.SiteID, agent.Endpoints = x.agent, site.ID, []string{"sip:" + string(x.agent) + "@example.com"}
	ok(x.t, only(x.store.PutSite(x.t.Context(), site, emergency.Change{})))
	ok(x.t, x.store.AddNumber(x.t.Context(), fmt.Sprintf("+45110%05d", 2*n+1), site.ID, emergency.Change{}))
	x.hire(x.t, agent)
	ok(x.t, only(x.store.SetPresence(x.t.Context(), x.agent, emergency.StatusAvailable)))
	ok(x.t, x.feed.Read(x.t.Context()))
}

func (x *torment) dials(rt *rapid.T) {
	key := rapid.SampledFrom([]string{"", "one", "two"}).Draw(rt, "key")
	call, err := x.Place(x.t.Context(), emergency.DialRequest{AgentID: x.agent, DialedNumber: "112", IdempotencyKey: key})
	if err != nil {
		rt.Fatalf("a dial is answered with %v", err)
	}
	if known := x.promise(call.ID); known != nil {
		if known.shown != call.Route.CallerID {
			rt.Fatalf("the repeated dial shows %s, and showed %s", call.Route.CallerID, known.shown)
		}
		return
	}
	x.calls = append(x.calls, &promised{id: call.ID, shown: call.Route.CallerID, up: []emergency.LegID{call.Legs[0].ID}})
}

// dialsUnheard dials while SQL does all that it is asked to, and its answer is lost. Then
// SQL has a number for the call that nobody saw.
func (x *torment) dialsUnheard(rt *rapid.T) {
	x.faulty.breaksAt("place", nil, down)
	x.dials(rt)
	x.faulty.breaks(nil)
}

func (x *torment) promise(id emergency.CallID) *promised {
	i := slices.IndexFunc(x.calls, func(p *promised) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return x.calls[i]
}

func (x *torment) hangsUp(rt *rapid.T) {
	if len(x.calls) == 0 {
		return
	}
	call := rapid.SampledFrom(x.calls).Draw(rt, "call")
	var leg emergency.LegID
	if len(call.up) > 0 && rapid.Bool().Draw(rt, "one leg") {
		leg = call.up[0]
	}
	if _, err := x.End(x.t.Context(), call.id, leg, ""); err != nil {
		rt.Fatalf("an end is answered with %v", err)
	}
	if leg == "" {
		call.ended, call.up = append(call.ended, call.up...), nil
		return
	}
	call.ended, call.up = append(call.ended, leg), call.up[1:]
}

func (x *torment) isCalledBack(rt *rapid.T) {
	if len(x.calls) == 0 {
		return
	}
	to := rapid.SampledFrom(x.calls).Draw(rt, "call").shown
	from := rapid.SampledFrom([]string{"+12025550911", "+12025550912"}).Draw(rt, "from")
	decision, err := x.Inbound(x.t.Context(), to, from)
	if err != nil || decision.Verdict != emergency.ConnectAgent || decision.AgentID != x.agent {
		rt.Fatalf("a callback is answered with %+v, %v", decision, err)
	}
	call := x.promise(decision.CallID)
	if call == nil {
		rt.Fatalf("the callback is for a call that nobody was told of")
	}
	if slices.Contains(call.ended, decision.LegID) {
		rt.Fatalf("the callback is connected by a leg that has ended")
	}
	if !slices.Contains(call.up, decision.LegID) {
		call.up = append(call.up, decision.LegID)
	}
}

func (x *torment) getsIntoTrouble(rt *rapid.T) {
	request := rapid.SampledFrom([]string{every, "call", "place", "end", "inbound", "callback"}).Draw(rt, "request")
	how := rapid.SampledFrom([]trouble{nil, down, stall}).Draw(rt, "how")
	if rapid.Bool().Draw(rt, "after") {
		x.faulty.breaksAt(request, nil, how)
		return
	}
	x.faulty.breaksAt(request, how, nil)
}

// restarts has the process die and another take its place, which finds SQL down.
func (x *torment) restarts() {
	x.rig = x.again(x.t, down)
	x.blind = true
}

func (x *torment) check(rt *rapid.T) {
	up := 0
	for _, promise := range x.calls {
		kept, err := x.store.Call(x.t.Context(), promise.id)
		if err != nil {
			rt.Fatalf("a call that was answered is lost: %v", err)
		}
		if kept.Route.CallerID != promise.shown {
			rt.Errorf("the call showed %s, and SQL has %s", promise.shown, kept.Route.CallerID)
		}
		for _, id := range promise.up {
			if !kept.HasLeg(id) || !kept.Leg(id).Up() {
				rt.Errorf("a leg that is up is not up in SQL")
			}
		}
		for _, id := range promise.ended {
			if !kept.HasLeg(id) || kept.Leg(id).Up() {
				rt.Errorf("a leg that has ended is not ended in SQL")
			}
		}
		if len(kept.Legs) != len(promise.up)+len(promise.ended) {
			rt.Errorf("SQL has legs that nobody was told of: %+v", kept.Legs)
		}
		up += len(promise.up)
	}
	want := emergency.StatusAvailable
	if up > 0 {
		want = emergency.StatusDoNotDisturb
	}
	if shown, err := x.store.Presence(x.t.Context(), x.agent); err != nil || shown.Status != want {
		rt.Errorf("with %d legs up the agent shows %s, %v", up, shown.Status, err)
	}
}
