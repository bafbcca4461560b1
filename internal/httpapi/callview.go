package httpapi

import (
	"time"

	"lifeline/internal/emergency"
)

// callView shows a call as it stands at the time given.
func callView(call emergency.Call, now time.Time) Call {
	controls := call.Controls()
	view := Call{
		CallID:             string(call.ID),
		AgentID:            string(call.AgentID),
		SiteID:             string(call.SiteID),
		Kind:               CallKind(call.Kind),
		DialedNumber:       call.Dialed,
		Country:            string(call.Country),
		DialedAt:           call.DialedAt.UTC(),
		Status:             CallStatus(call.Status(now)),
		Degraded:           call.Degraded,
		CallbackNumber:     call.Number,
		CallbackNumberKind: CallCallbackNumberKind(call.NumberKind),
		WindowEndsAt:       call.WindowEndsAt().UTC(),
		Route:              routeView(call),
		Legs:               []Leg{},
		Presence:           CallPresence{Current: string(call.PresenceNow), Previous: string(call.PresenceBefore)},
		Controls:           Controls{Panel: controls.Panel, Warning: controls.Warning},
		Recording:          CallRecordingOff,
		CallHistory:        CallCallHistoryOff,
		Notification:       notificationView(call.Notice),
		Warnings:           []CallWarning{},
	}
	view.Controls.Form.Save, view.Controls.Form.Refresh = controls.Save, controls.Refresh
	for _, leg := range call.Legs {
		view.Legs = append(view.Legs, legView(leg))
	}
	for _, code := range call.Warnings {
		view.Warnings = append(view.Warnings, CallWarning{Code: string(code), Detail: emergency.Explain(code).Agent})
	}
	return view
}

func routeView(call emergency.Call) Route {
	view := Route{
		Path: RoutePath(call.Route.Path), Trunk: string(call.Route.Trunk), Number: call.Sent(),
		CallerID: call.Route.CallerID, FailOver: []Hop{},
	}
	for _, hop := range call.Route.FailOver {
		view.FailOver = append(view.FailOver, Hop{Path: HopPath(hop.Path), Trunk: string(hop.Trunk)})
	}
	return view
}

func legView(leg emergency.Leg) Leg {
	view := Leg{
		LegID: string(leg.ID), Direction: LegDirection(leg.Direction), State: LegStateUp, StartedAt: leg.StartedAt.UTC(),
	}
	if !leg.Up() {
		view.State = LegStateEnded
		view.EndedAt = leg.EndedAt.UTC()
		view.Reason = string(leg.Reason)
	}
	return view
}

// refusedView shows a dial that was refused. That it is told of as itself goes without
// saying.
func refusedView(refused emergency.RefusedDial) RefusedCall {
	view := RefusedCall{
		CallID:       string(refused.CallID),
		AgentID:      string(refused.AgentID),
		SiteID:       string(refused.SiteID),
		Kind:         RefusedCallKind(refused.Kind),
		DialedNumber: refused.Dialed,
		Country:      string(refused.Country),
		Code:         string(refused.Code),
		At:           refused.At.UTC(),
		Notification: notificationView(refused.Notice),
	}
	if refused.ToldAs != refused.CallID {
		view.ToldAs = string(refused.ToldAs)
	}
	return view
}

func notificationView(notice emergency.Notification) Notification {
	view := Notification{
		Recipients: []Recipient{}, State: NotificationState(notice.State()), Escalations: notice.Escalations(),
		AcknowledgedAt: notice.AcknowledgedAt.UTC(), AcknowledgedBy: notice.AcknowledgedBy,
		Notices: noticeViews(notice.Deliveries), Acknowledgements: []Acknowledgement{},
	}
	for _, d := range notice.Deliveries {
		view.Recipients = append(view.Recipients, Recipient{
			Address: d.Address, Event: RecipientEvent(d.Event), Round: d.Round, State: RecipientState(d.State), Reason: d.Reason,
			QueuedAt: d.QueuedAt.UTC(), SentAt: d.SentAt.UTC(), DeliveredAt: d.DeliveredAt.UTC(),
			AcknowledgedAt: d.AcknowledgedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
		})
	}
	for _, d := range notice.Acknowledged() {
		view.Acknowledgements = append(view.Acknowledgements, Acknowledgement{
			Address: d.Address, At: d.AcknowledgedAt.UTC(), Event: AcknowledgementEvent(d.Event), Round: d.Round,
		})
	}
	return view
}

// noticeViews are the notices that deliveries, in the order of the telling, are of.
func noticeViews(deliveries []emergency.Delivery) []Notice {
	notices := []Notice{}
	for _, d := range deliveries {
		event, last := NoticeEvent(d.Event), len(notices)-1
		if last < 0 || notices[last].Event != event || notices[last].Round != d.Round {
			notices = append(notices, Notice{Event: event, Round: d.Round, At: d.QueuedAt.UTC()})
			last++
		}
		notices[last].Recipients = append(notices[last].Recipients, d.Address)
	}
	return notices
}

// decisionView leaves a call that is no callback to ordinary routing without a
// word more; any other has the highest priority, past every rule (S5), and is
// neither recorded nor kept in the call history (S8).
func decisionView(decision emergency.Decision) RoutingDecision {
	view := RoutingDecision{Decision: RoutingDecisionDecision(decision.Verdict), Degraded: decision.Degraded}
	if decision.Verdict == emergency.NotAnEmergencyCallback {
		return view
	}
	ring := make([]Endpoint, 0, len(decision.Ring))
	for _, e := range decision.Ring {
		ring = append(ring, Endpoint{URI: e.URI, Kind: EndpointKind(e.Kind), RingSeconds: int(e.Ring.Seconds())})
	}
	if len(ring) > 0 {
		view.Endpoint, ring = ring[0], ring[1:]
	}
	view.Then = &ring
	view.Kind = RoutingDecisionKind(decision.Kind)
	view.AgentID = string(decision.AgentID)
	view.CallID = string(decision.CallID)
	view.LegID = string(decision.LegID)
	view.Priority = RoutingDecisionPriorityHighest
	view.Bypass = []RoutingDecisionBypass{
		RoutingDecisionBypassRoutingRules, RoutingDecisionBypassCapacityProfiles, RoutingDecisionBypassPresence,
	}
	view.Recording = RoutingDecisionRecordingOff
	view.CallHistory = RoutingDecisionCallHistoryOff
	return view
}
