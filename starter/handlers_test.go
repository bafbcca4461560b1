package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// admit refuses who has none of these roles.
func admit(w http.ResponseWriter, r *http.Request, roles ...string) bool {
	if slices.Contains(roles, role(r)) {
		return true
	}
	refuse(w, http.StatusForbidden, "forbidden", "This token may not do this.", "")
	return false
}

func (l *lifeline) place(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, carrier, agentOf+demoAgent) {
		return
	}
	var dial DialRequest
	_ = json.NewDecoder(r.Body).Decode(&dial) // the contract has been checked
	kinds := map[string]CallKind{"911": CallKindEmergency, "933": CallKindTest, "urn:service:test.sos": CallKindTest}
	switch {
	case dial.AgentID == "agent-xx" && dial.DialedNumber == "urn:service:test.sos":
		refuse(w, http.StatusUnprocessableEntity, "no-capacity-profile", "You have no capacity profile that lets you call out.", "Dial 911 from a mobile phone.",
			FailedCheck{Code: "no-capacity-profile", Agent: "You have no capacity profile that lets you call out.", Administrator: "Give the agent a capacity profile."},
			FailedCheck{Code: "no-route", Agent: "There is no line that can carry an emergency call from here.", Administrator: "Add a direct offer of the country."})
		return
	case dial.AgentID != demoAgent:
		refuse(w, http.StatusUnprocessableEntity, "unknown-agent", "No agent has this ID.", "In an emergency dial the local emergency number from a mobile phone.")
		return
	case kinds[dial.DialedNumber] == "" || dial.DialedNumber == "933" && l.country != "US":
		refuse(w, http.StatusUnprocessableEntity, "not-an-emergency-number", "This is not an emergency number in US.", "In an emergency dial 911, here or from a mobile phone.")
		return
	}
	id := "call-" + strconv.Itoa(len(l.calls)+1)
	if key := r.Header.Get("Idempotency-Key"); key == "again" {
		id = "call-again"
	}
	l.change(func() {
		if l.call(id) == nil {
			l.open(id, dial, kinds[dial.DialedNumber])
		}
		w.Header().Set("Location", "/v1/emergency-calls/"+id)
		writeJSON(w, http.StatusCreated, l.view(l.call(id)))
	})
}

func (l *lifeline) open(id string, dial DialRequest, kind CallKind) {
	at := l.clock.Add(time.Second)
	number := []string{leasedOne, leasedTwo}[len(l.calls)%2]
	call := &Call{
		CallID: id, AgentID: dial.AgentID, SiteID: "site-us", Kind: kind,
		DialedNumber: dial.DialedNumber, Country: "US", DialedAt: at, WindowEndsAt: at.Add(time.Hour),
		CallbackNumber: number, CallbackNumberKind: CallCallbackNumberKindLeased,
		Route:     Route{Path: RoutePathDirectOffer, Number: dial.DialedNumber, CallerID: number, FailOver: []Hop{}},
		Warnings:  []CallWarning{},
		Recording: CallRecordingOff, CallHistory: CallCallHistoryOff,
		Notification: notified(NotificationStateQueued, at),
	}
	if l.told {
		call.Notification.State, call.Notification.Recipients[0].State = NotificationStateSent, RecipientStateSent
	}
	if l.acknowledged {
		call.Notification.State = NotificationStateAcknowledged
	}
	l.calls = append(l.calls, call)
	l.addLeg(call, LegDirectionOutbound)
}

// notified says that one person is told of a call, and how far that has come.
func notified(state NotificationState, at time.Time) Notification {
	return Notification{
		State: state, Acknowledgements: []Acknowledgement{},
		Notices: []Notice{{Event: NoticeEventPlaced, At: at, Recipients: []string{"security@example.org"}}},
		Recipients: []Recipient{
			{Address: "security@example.org", Event: RecipientEventPlaced, State: RecipientState(state), QueuedAt: at, UpdatedAt: at},
		},
	}
}

// agents lists two, of whom the second may not call.
func (l *lifeline) agents(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, admin) {
		return
	}
	var all []Agent
	for _, id := range []string{demoAgent, "agent-xx"} {
		all = append(all, Agent{
			AgentID: id, Name: "Demo agent", SiteID: "site-us", Endpoints: []string{}, CapacityProfiles: []string{},
			MailboxEnabled: true, Presence: Presence{Status: "available", ChangedAt: l.clock},
		})
	}
	writeJSON(w, http.StatusOK, all)
}

func (l *lifeline) sites(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, admin) {
		return
	}
	writeJSON(w, http.StatusOK, []Site{{
		SiteID: "site-us", Name: "Demo site", Country: l.country, StandingNumber: "+12025550100",
		ParsedRecipients: []Contact{}, ParsedTestRecipients: []Contact{},
	}})
}

func (l *lifeline) list(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, supervisor, agentOf+demoAgent) {
		return
	}
	l.change(func() {
		l.read = len(l.events)
		live := []Call{}
		for _, call := range l.calls {
			if call.Status != CallStatusEnded {
				live = append(live, l.view(call))
			}
		}
		writeJSON(w, http.StatusOK, live)
	})
}

func (l *lifeline) get(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, supervisor, agentOf+demoAgent) {
		return
	}
	l.change(func() {
		if l.unwell {
			l.unwell = false
			refuse(w, http.StatusServiceUnavailable, "unavailable", "This cannot be done at the moment.", "")
			return
		}
		l.meanwhile()
		l.meanwhile = func() {}
		l.read = len(l.events)
		if call := l.known(w, r); call != nil {
			writeJSON(w, http.StatusOK, l.view(call))
		}
	})
}

func (l *lifeline) known(w http.ResponseWriter, r *http.Request) *Call {
	call := l.call(r.PathValue("call"))
	if call == nil {
		refuse(w, http.StatusNotFound, "unknown-call", "No call has this ID, or it has been erased.", "")
	}
	return call
}

func (l *lifeline) end(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, carrier, agentOf+demoAgent) {
		return
	}
	end := EndRequest{}
	_ = json.NewDecoder(r.Body).Decode(&end)
	if end.Reason == "" {
		end.Reason = "hung-up"
	}
	l.change(func() {
		call := l.known(w, r)
		if call == nil {
			return
		}
		if legsUp(*call) > 0 {
			l.endLegs(call, r.PathValue("leg"), end.Reason)
		}
		writeJSON(w, http.StatusOK, l.view(call))
	})
}

func (l *lifeline) inbound(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, carrier) {
		return
	}
	var inbound InboundCall
	_ = json.NewDecoder(r.Body).Decode(&inbound)
	l.change(func() {
		l.from = inbound.From
		i := slices.IndexFunc(l.calls, func(call *Call) bool {
			return call.CallbackNumber == inbound.To && call.Status != CallStatusEnded
		})
		if i < 0 {
			writeJSON(w, http.StatusOK, RoutingDecision{Decision: RoutingDecisionDecisionNotAnEmergencyCallback})
			return
		}
		leg := l.addLeg(l.calls[i], LegDirectionCallback)
		writeJSON(w, http.StatusOK, RoutingDecision{
			Decision: RoutingDecisionDecisionConnectAgent, AgentID: demoAgent,
			Endpoint: Endpoint{URI: "sip:agent-us@phones.example", Kind: EndpointKindAgent, RingSeconds: 20},
			Then:     &[]Endpoint{{URI: "sip:security-us@phones.example", Kind: EndpointKindFallback, RingSeconds: 20}},
			Priority: RoutingDecisionPriorityHighest,
			Bypass: []RoutingDecisionBypass{
				RoutingDecisionBypassRoutingRules, RoutingDecisionBypassCapacityProfiles, RoutingDecisionBypassPresence,
			},
			Recording: RoutingDecisionRecordingOff, CallHistory: RoutingDecisionCallHistoryOff,
			CallID: l.calls[i].CallID, LegID: leg.LegID,
		})
	})
}

// stream sends every event after the one that the client names, or after the
// present.
func (l *lifeline) stream(w http.ResponseWriter, r *http.Request) {
	if !admit(w, r, supervisor, agentOf+demoAgent) {
		return
	}
	l.mu.Lock()
	refused, cursor := l.cut, len(l.events)
	l.mu.Unlock()
	if refused {
		l.change(func() { l.knocks++ })
		refuse(w, http.StatusServiceUnavailable, "unavailable", "This cannot be done at the moment.", "")
		return
	}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		cursor, _ = strconv.Atoi(last)
	} else {
		l.change(func() { l.read = -1 })
	}
	l.change(func() { l.streams++ })
	defer l.change(func() { l.streams-- })
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "retry: 5\nid: %d\n\n: heartbeat\n\n", cursor)
	for {
		l.mu.Lock()
		fresh, cut, changed := l.events[cursor:], l.cut, l.changed
		l.mu.Unlock()
		if cut {
			breakOff(w)
		}
		for _, event := range fresh {
			cursor++
			writeEvent(w, cursor, event)
		}
		w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's can
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func writeEvent(w http.ResponseWriter, seq int, event Event) {
	data, _ := json.Marshal(event)
	fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", seq, event.Type, data)
}

// breakOff dies in the middle of an event that must not be believed.
func breakOff(w http.ResponseWriter) {
	fmt.Fprint(w, "id: 99\nevent: call-closed\ndata: {\"type\":\"call-closed\",\"callId\":\"call-1\",\"at\":\"2026-11-22T23:00:00Z\"}\n")
	w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's can
	panic(http.ErrAbortHandler)
}
