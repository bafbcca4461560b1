package main

import (
	"strings"
	"testing"
	"time"

	"lifeline/internal/httpapi"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	enumspb "go.temporal.io/api/enums/v1"
)

// One command runs a call from the dial to the release: S2 to S5, S8 to S10, B1,
// B3 and B8, as everybody concerned sees it.
func TestLifeOfACall(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, shortTerms...)
	i.standalone()
	liveACall(i)
}

// shortTerms make a window end within seconds, and leave enough of them for a slow
// machine to ask what the window is there for.
var shortTerms = []string{"LEASE_DURATION=3s", "CALLBACK_GRACE=20s", "NUMBER_QUARANTINE=1s"}

const (
	lease = 3 * time.Second
	grace = 20 * time.Second
)

// life is one call of agent-us, told by those who take part in it.
type life struct {
	*testing.T
	*installation

	call   httpapi.Call
	number string
	events *stream
}

// before is a status that only the presence system knows.
const before = "in-a-meeting"

// liveACall has a call placed, called back and released, and looks at everything
// that is told of it on the way.
func liveACall(i *installation) {
	l := &life{T: i.t, installation: i, number: "+12025550101", events: i.as("supervisor").follow("")}
	l.as("agent/agent-us").setPresence("agent-us", before)
	if got := l.inboundVerdict(); got != httpapi.RoutingDecisionDecisionNotAnEmergencyCallback {
		l.Errorf("before the dial a call to the number is %s", got)
	}
	l.dials()
	l.isCalledBackInThe(httpapi.CallStatusActive)
	l.awaitNotice()
	l.hangsUp()
	l.isCalledBackInThe(httpapi.CallStatusCallbackWindow)
	l.windowCloses()
	l.contactsKnow()
	l.everythingWasTold()
}

func (l *life) inboundVerdict() httpapi.RoutingDecisionDecision {
	return l.as("carrier").inbound(l.number).Decision
}

// locationUnknown warns of a dial that brings no location: a telephone's.
var locationUnknown = httpapi.CallWarning{Code: "location-unknown"}

// dials checks the answer to a dial, whole: a leased number (S3), Do not disturb
// (S2), the locked panel, no recording and no history (S8).
func (l *life) dials() {
	l.Helper()
	l.call = l.as("agent/agent-us").dial("agent-us", "911")
	want := httpapi.Call{
		AgentID: "agent-us", SiteID: "site-us", Kind: httpapi.CallKindEmergency, DialedNumber: "911", Country: "US",
		Status: httpapi.CallStatusActive, CallbackNumber: l.number, CallbackNumberKind: httpapi.CallCallbackNumberKindLeased,
		WindowEndsAt: l.call.DialedAt.Add(lease),
		Route:        httpapi.Route{Path: httpapi.RoutePathDirectOffer, Number: "911", CallerID: l.number, FailOver: []httpapi.Hop{}},
		Legs:         []httpapi.Leg{{Direction: httpapi.LegDirectionOutbound, State: httpapi.LegStateUp}},
		Presence:     httpapi.CallPresence{Current: "do-not-disturb", Previous: before},
		Controls:     httpapi.Controls{Panel: []string{"device-settings", "end-call"}, Warning: l.call.Controls.Warning},
		Recording:    httpapi.CallRecordingOff, CallHistory: httpapi.CallCallHistoryOff,
		Notification: httpapi.Notification{State: httpapi.NotificationStateQueued, Recipients: []httpapi.Recipient{
			{Address: "security@example.org", Event: "placed", State: httpapi.RecipientStateQueued},
			{Address: "supervisor@example.org", Event: "placed", State: httpapi.RecipientStateQueued},
		}, Acknowledgements: []httpapi.Acknowledgement{}, Notices: []httpapi.Notice{
			{Event: "placed", Recipients: []string{"security@example.org", "supervisor@example.org"}},
		}},
		Warnings: []httpapi.CallWarning{locationUnknown},
	}
	for i := range l.call.Warnings {
		l.call.Warnings[i].Detail = "" // is for people
	}
	if diff := cmp.Diff(want, l.call, cmpopts.IgnoreFields(httpapi.Call{}, "CallID", "DialedAt"),
		cmpopts.IgnoreFields(httpapi.Leg{}, "LegID", "StartedAt"), cmpopts.IgnoreFields(httpapi.Recipient{}, "QueuedAt", "UpdatedAt"),
		cmpopts.IgnoreFields(httpapi.Notice{}, "At")); diff != "" {
		l.Errorf("the answer to the dial (-want +got)\n%s", diff)
	}
	if l.call.Controls.Warning == "" {
		l.Error("the panel does not warn that an emergency call is in progress")
	}
	l.shows("do-not-disturb", httpapi.CallStatusActive)
	if got := l.as("admin").numberStates()[l.number]; got != httpapi.CallbackNumberStateLeased {
		l.Errorf("the number is %s in the pool", got)
	}
}

// isCalledBackInThe checks a callback: to that agent, past every rule (S5), on Do
// not disturb with a locked panel, and back again (B3).
func (l *life) isCalledBackInThe(phase httpapi.CallStatus) {
	l.Helper()
	got := l.as("carrier").inbound(l.number)
	want := httpapi.RoutingDecision{
		Decision: httpapi.RoutingDecisionDecisionConnectAgent, AgentID: "agent-us", CallID: l.call.CallID, LegID: got.LegID,
		Kind:      httpapi.RoutingDecisionKindEmergency,
		Endpoint:  httpapi.Endpoint{URI: "sip:agent-us@phones.example", Kind: httpapi.EndpointKindAgent, RingSeconds: 20},
		Then:      &[]httpapi.Endpoint{{URI: "sip:security-us@phones.example", Kind: httpapi.EndpointKindFallback, RingSeconds: 20}},
		Priority:  httpapi.RoutingDecisionPriorityHighest,
		Bypass:    []httpapi.RoutingDecisionBypass{"routing-rules", "capacity-profiles", "presence"},
		Recording: httpapi.RoutingDecisionRecordingOff, CallHistory: httpapi.RoutingDecisionCallHistoryOff,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.Errorf("the inbound decision (-want +got)\n%s", diff)
	}
	if repeated := l.as("carrier").inbound(l.number); repeated.LegID != got.LegID {
		l.Error("asking again about one callback opened another leg")
	}
	l.shows("do-not-disturb", httpapi.CallStatusActive)
	l.as("agent/agent-us").endLeg(l.call.CallID, got.LegID)
	if phase == httpapi.CallStatusActive {
		l.shows("do-not-disturb", phase)
	} else {
		l.shows(before, phase)
	}
}

// shows checks presence and panel, which go together.
func (l *life) shows(presence string, status httpapi.CallStatus) {
	l.Helper()
	call := l.as("supervisor").call(l.call.CallID)
	if call.Status != status || call.Presence.Current != presence || l.as("admin").presence("agent-us") != presence {
		l.Errorf("the call is %s and shows %s, want %s and %s", call.Status, call.Presence.Current, status, presence)
	}
	if locked := len(call.Controls.Panel) > 0; locked != (status == httpapi.CallStatusActive) {
		l.Errorf("the panel is locked: %t while the call is %s", locked, status)
	}
}

// awaitNotice waits until the contacts have been told (S9). A worker that was
// killed while it told them is waited for by Temporal for a minute.
func (l *life) awaitNotice() {
	l.Helper()
	awaitEqual(l, "the notice", httpapi.NotificationStateSent, func() httpapi.NotificationState {
		return l.as("supervisor").call(l.call.CallID).Notification.State
	})
}

// hangsUp checks the end: presence as before (S10), once, and the window by B1.
func (l *life) hangsUp() {
	l.Helper()
	ended := l.as("agent/agent-us").end(l.call)
	l.shows(before, httpapi.CallStatusCallbackWindow)
	again := l.as("agent/agent-us").end(l.call)
	if diff := cmp.Diff(ended, again, cmpopts.IgnoreFields(httpapi.Call{}, "Notification")); diff != "" {
		l.Errorf("ending twice changed something (-once +twice)\n%s", diff)
	}
	last := l.call.DialedAt.Add(lease - grace)
	for _, leg := range again.Legs {
		if leg.EndedAt.After(last) {
			last = leg.EndedAt
		}
	}
	if want := last.Add(grace); !again.WindowEndsAt.Equal(want) {
		l.Errorf("the window ends at %s, want %s", again.WindowEndsAt, want)
	}
}

// windowCloses checks what is left once the window is over: the route gone, the
// number free after its quarantine, presence untouched, the workflow completed.
func (l *life) windowCloses() {
	l.Helper()
	l.awaitStatus(l.call, httpapi.CallStatusEnded)
	if got := l.inboundVerdict(); got == httpapi.RoutingDecisionDecisionConnectAgent {
		l.Error("after the window a call to the number still goes to the agent")
	}
	l.shows(before, httpapi.CallStatusEnded)
	awaitWorkflow(l, l.engine(), l.call.CallID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	l.awaitFree(l.number)
	if got := l.inboundVerdict(); got != httpapi.RoutingDecisionDecisionNotAnEmergencyCallback {
		l.Errorf("after the quarantine a call to the number is %s", got)
	}
	for _, live := range l.as("supervisor").liveCalls() {
		if live.CallID == l.call.CallID {
			l.Error("the call is still among the live ones")
		}
	}
}

// contactsKnow checks the notices: one to each contact (S9), each with the three
// facts of B8.
func (l *life) contactsKnow() {
	l.Helper()
	var told []string
	for _, letter := range l.mail(l.call.CallID + "_placed") {
		told = append(told, letter.to)
		for _, fact := range []string{"Emergency call", l.number, "100 Example Avenue NW", "Floor 4", "Washington", "20001"} {
			if !strings.Contains(letter.text, fact) {
				l.Errorf("the notice to %s does not say %q:\n%s", letter.to, fact, letter.text)
			}
		}
	}
	if diff := cmp.Diff([]string{"security@example.org", "supervisor@example.org"}, told); diff != "" {
		l.Errorf("who was told (-want +got)\n%s", diff)
	}
	if state := l.as("supervisor").call(l.call.CallID).Notification.State; state != httpapi.NotificationStateSent {
		l.Errorf("the notification is %s", state)
	}
}

// whenever are events that come in their own time: a mail system's, and those of the
// watch over readiness and pools.
var whenever = []httpapi.EventType{
	httpapi.EventTypeNoticeUpdated, httpapi.EventTypeReadinessChanged, httpapi.EventTypePoolChanged,
}

// everythingWasTold checks that the event stream told it all, once and in order.
func (l *life) everythingWasTold() {
	l.Helper()
	want := []string{
		"presence-changed " + before,
		"call-placed", "presence-changed do-not-disturb",
		"callback-received", "leg-ended",
		"presence-changed " + before, "leg-ended",
		"callback-received", "presence-changed do-not-disturb",
		"presence-changed " + before, "leg-ended",
		"call-closed",
	}
	awaitEqual(l, "the events", want, func() []string { return l.events.told(whenever...) })
	if told := l.events.count(httpapi.EventTypeNoticeUpdated); told != 5 {
		l.Errorf("%d news of notices were told, want 5: of the call to two people, and that there is one of the callback, to two people", told)
	}
	replayed := l.as("agent/agent-us").follow("0")
	all := append([]string{"presence-changed available"}, want...) // the demo agent comes to work
	awaitEqual(l, "the events from the beginning", all, func() []string { return replayed.told(whenever...) })
	for _, e := range replayed.all() {
		if e.AgentID != "agent-us" {
			l.Errorf("agent-us was told of %s's %s", e.AgentID, e.Type)
		}
	}
}
