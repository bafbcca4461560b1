package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/httpapi"
)

const (
	// answerWithin is how long a client waits for an answer before it asks again.
	answerWithin = 8 * time.Second
	// insistFor is how long it asks again: far longer than any fault lasts.
	insistFor = 2 * time.Minute
)

// load is everybody who dials, ends and calls back, and what they were told.
type load struct {
	t *testing.T
	w *world

	turn atomic.Int64
	// copies are messages that are still to be sent again.
	copies  sync.WaitGroup
	mu      sync.Mutex
	dials   []*dialed
	inbound []calledBack
	ends    map[string][]ended
	chosen  map[string]bool
	tally   tally
}

// tally counts what was said and heard.
type tally struct {
	repeats, copies, unanswered, unavailable, degraded, overdue, early int
	// refused counts bad answers to a dial, an end or a callback, by their text.
	refused map[string]int
	example map[string]string
	// slowest is the longest that an answer took from a server that was not stopped
	// meanwhile, by what was asked.
	slowest map[string]time.Duration
}

// dialed is a dial that was answered.
type dialed struct {
	plan plannedCall
	call httpapi.Call
	// again are the numbers that the answers to copies showed.
	again          []string
	sent, answered time.Time
}

// calledBack is a callback that was answered.
type calledBack struct {
	of             *dialed
	to             string
	decision       httpapi.RoutingDecision
	sent, answered time.Time
}

// ended is an end that was told of one leg, or with an empty ID of all.
type ended struct {
	legID string
	// sent is when it was first tried, answered is zero when it never was.
	sent, answered time.Time
}

func newLoad(w *world) *load {
	return &load{t: w.t, w: w, ends: map[string][]ended{}, chosen: map[string]bool{}, tally: tally{refused: map[string]int{}, example: map[string]string{}, slowest: map[string]time.Duration{}}}
}

// run lives every call, and returns when the last has been told.
func (l *load) run(began time.Time, calls []plannedCall) {
	var living sync.WaitGroup
	for _, c := range calls {
		living.Go(func() {
			time.Sleep(time.Until(began.Add(c.at)))
			l.live(c)
		})
	}
	living.Wait()
	l.copies.Wait()
}

// live is one call as those see it who take part in it.
func (l *load) live(c plannedCall) {
	d := &dialed{plan: c}
	dial := message{
		what: "dial", token: l.tokenOf(c), method: http.MethodPost, path: "/v1/emergency-calls", key: c.key,
		body: httpapi.DialRequest{AgentID: c.agent.id, DialedNumber: c.dials}, fate: c.dial,
	}
	var ok bool
	if d.sent, d.answered, ok = l.send(dial, &d.call, l.repeatedDial(d)); !ok {
		return
	}
	l.note(func() { l.dials = append(l.dials, d) })
	if c.chooses != "" {
		l.choose(c)
	}
	if len(d.call.Legs) == 0 {
		l.t.Errorf("the answer to the dial of %s has no leg", d.call.CallID)
		return
	}
	l.end(c, c.end, d.call.CallID, d.call.Legs[0].LegID)
	for _, back := range c.callbacks {
		time.Sleep(back.after)
		l.callBack(d, back)
	}
}

// repeatedDial holds the answer to a copy of a dial to the first one.
func (l *load) repeatedDial(d *dialed) func([]byte) {
	return func(body []byte) {
		var again httpapi.Call
		if err := json.Unmarshal(body, &again); err != nil {
			l.t.Errorf("decode %s: %v", body, err)
			return
		}
		first := d.call
		switch {
		case again.CallID == first.CallID:
			l.note(func() { d.again = append(d.again, again.Route.CallerID) })
		case time.Now().Before(first.WindowEndsAt):
			l.t.Errorf("a dial of %s is call %s, and said again call %s", first.AgentID, first.CallID, again.CallID)
		}
	}
}

// choose sets the presence that an agent chooses for himself.
func (l *load) choose(c plannedCall) {
	l.note(func() { l.chosen[c.chooses] = true })
	l.send(message{
		what: "presence", token: l.w.tokens["admin"], method: http.MethodPut, path: "/v1/agents/" + c.agent.id + "/presence",
		body: httpapi.PresenceSetting{Status: c.chooses},
	}, nil, nil)
}

// end tells that a leg is over, or the whole call.
func (l *load) end(c plannedCall, p plannedEnd, callID, legID string) {
	time.Sleep(p.after)
	if p.never {
		return
	}
	path := "/v1/emergency-calls/" + callID
	if p.whole {
		legID = ""
	} else {
		path += "/legs/" + legID
	}
	e := ended{legID: legID, sent: time.Now()}
	end := message{what: "end", token: l.tokenOf(c), method: http.MethodPost, path: path + "/end", fate: p.fate}
	// A copy may end what has come up since, so each counts.
	copied := func([]byte) {
		l.note(func() {
			l.ends[callID] = append(l.ends[callID], ended{legID: legID, sent: e.sent, answered: time.Now()})
		})
	}
	_, e.answered, _ = l.send(end, nil, copied)
	l.note(func() { l.ends[callID] = append(l.ends[callID], e) })
}

// callBack is the emergency service, which calls the number that it was shown.
func (l *load) callBack(d *dialed, p plannedCallback) {
	b := calledBack{of: d, to: d.call.Route.CallerID}
	call := message{
		what: "inbound", token: l.w.tokens["carrier"], method: http.MethodPost, path: "/v1/inbound-calls",
		body: httpapi.InboundCall{To: b.to, From: p.from}, fate: p.fate,
	}
	copied := func(body []byte) { l.inboundAgain(d, body, p) }
	var ok bool
	if b.sent, b.answered, ok = l.send(call, &b.decision, copied); !ok {
		return
	}
	l.note(func() { l.inbound = append(l.inbound, b) })
	if b.decision.LegID != "" {
		l.end(plannedCall{}, p.end, b.decision.CallID, b.decision.LegID)
	}
}

// inboundAgain hangs up what a copy has connected, unless it is never to be told.
func (l *load) inboundAgain(d *dialed, body []byte, p plannedCallback) {
	var again httpapi.RoutingDecision
	if err := json.Unmarshal(body, &again); err != nil {
		l.t.Errorf("decode %s: %v", body, err)
		return
	}
	b := calledBack{of: d, to: d.call.Route.CallerID, decision: again, answered: time.Now()}
	l.note(func() { l.inbound = append(l.inbound, b) })
	if again.LegID != "" {
		l.end(plannedCall{}, plannedEnd{after: time.Millisecond, never: p.end.never}, again.CallID, again.LegID)
	}
}

// tokenOf is who speaks for a call.
func (l *load) tokenOf(c plannedCall) string {
	if c.byAgent {
		return l.w.tokens["agent/"+c.agent.id]
	}
	return l.w.tokens["carrier"]
}

func (l *load) note(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
}

// message is one thing that somebody says to Lifeline.
type message struct {
	what, token, method, path, key string
	body                           any
	fate                           fate
}

// send lives a message's fate, and decodes the answer that its sender waited for.
// Answers to copies go to where they are told. It is false when nobody ever answered.
func (l *load) send(m message, into any, copied func([]byte)) (sent, answered time.Time, ok bool) {
	time.Sleep(m.fate.late)
	sent = time.Now()
	for _, patience := range m.fate.lost {
		l.note(func() { l.tally.repeats++ })
		l.ask(m, patience)
	}
	body, ok := l.insist(m)
	answered = time.Now()
	if !ok {
		return sent, time.Time{}, false
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			l.t.Errorf("decode the answer to a %s, %s: %v", m.what, body, err)
			return sent, answered, false
		}
	}
	l.copies.Go(func() { l.sendAgain(m, copied) })
	return sent, answered, true
}

// sendAgain sends copies of a message that was answered.
func (l *load) sendAgain(m message, copied func([]byte)) {
	for _, pause := range m.fate.again {
		time.Sleep(pause)
		l.note(func() { l.tally.copies++ })
		if body, ok := l.insist(m); ok && copied != nil {
			copied(body)
		}
	}
}

// insist repeats a message until it is answered well. A server that is there owes a good
// answer to a dial, an end and a callback at once, whatever else is broken (B7).
func (l *load) insist(m message) ([]byte, bool) {
	for deadline := time.Now().Add(insistFor); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		status, body := l.ask(m, answerWithin)
		if status >= 200 && status < 300 || m.what == "end" && l.early(status, body) {
			return body, true
		}
		l.note(func() {
			l.tally.repeats++
			switch {
			case status == 0:
				l.tally.unanswered++
			case m.what == "presence":
				l.tally.unavailable++
			default:
				l.refuse(m, status, body)
			}
		})
	}
	l.t.Errorf("a %s was not answered well in %s: %s %s", m.what, insistFor, m.method, m.path)
	return nil, false
}

// early tells of an end that overtook what it is the end of: the server does not know that
// call or leg, or not that it is this agent's, and keeps the end until it does.
func (l *load) early(status int, body []byte) bool {
	switch codeOf(body) {
	case "unknown-call", "unknown-leg", "forbidden":
		l.note(func() { l.tally.early++ })
		return status == http.StatusNotFound || status == http.StatusForbidden
	}
	return false
}

func codeOf(body []byte) string {
	var problem httpapi.Problem
	_ = json.Unmarshal(body, &problem) // or it is no problem document
	return problem.Code
}

// refuse notes a bad answer, and the latest example of each.
func (l *load) refuse(m message, status int, body []byte) {
	answer := fmt.Sprintf("a %s was answered %d %s", m.what, status, codeOf(body))
	l.tally.refused[answer]++
	l.tally.example[answer] = fmt.Sprintf("at %s to %s", clockOf(time.Now()), m.path)
}

// ask says something once to one of the servers; zero when it does not answer.
func (l *load) ask(m message, patience time.Duration) (int, []byte) {
	n := int(l.turn.Add(1)) % len(l.w.apis)
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	var encoded []byte
	if m.body != nil {
		encoded, _ = json.Marshal(m.body) // of the contract's own types
	}
	request, err := http.NewRequestWithContext(ctx, m.method, "http://"+l.w.apis[n]+m.path, bytes.NewReader(encoded))
	if err != nil {
		l.t.Error(err)
		return 0, nil
	}
	request.Header.Set("Authorization", "Bearer "+m.token)
	if m.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if m.key != "" {
		request.Header.Set("Idempotency-Key", m.key)
	}
	began := time.Now()
	response, err := web.Do(request)
	if err != nil {
		l.overdue(m, n, began, patience)
		return 0, nil
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	l.clock(m, n, began)
	return response.StatusCode, body
}

// clock notes how long an answer took.
func (l *load) clock(m message, server int, began time.Time) {
	now := time.Now()
	if l.w.servers[server].stopped.touch(began, now) {
		return
	}
	l.note(func() { l.tally.slowest[m.what] = max(l.tally.slowest[m.what], now.Sub(began)) })
}

// overdue notes that a server which could have answered did not.
func (l *load) overdue(m message, server int, began time.Time, patience time.Duration) {
	now := time.Now()
	if patience < answerWithin || now.Sub(began) < patience || l.w.servers[server].stopped.touch(began, now) {
		return
	}
	if m.what == "presence" {
		return
	}
	l.note(func() { l.tally.overdue++ })
}
