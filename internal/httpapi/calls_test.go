package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lifeline/internal/emergency"
)

// A dial reaches the request side whole: number, location and Idempotency-Key.
// The answer is 201 with the call and where to read it.
func TestPlaceCall(t *testing.T) {
	r := newRig(t)
	body := `{"agentId":"agent-us","dialedNumber":"urn:service:sos","location":{"latitude":38.9,"longitude":-77.0,"accuracy":12.5,
		"address":{"street":"1 Example Street","unit":"Room 7","city":"Washington","region":"DC","postalCode":"20001","country":"US"},
		"capturedAt":"2026-01-02T04:04:05.5+01:00","permission":"denied"}}`
	w := r.do(t, withHeader(dial(body), "Idempotency-Key", "desktop 1: call~7"))
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "/v1/emergency-calls/call-1" {
		t.Fatalf("status %d, Location %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	latitude, longitude, accuracy := 38.9, -77.0, 12.5
	want := []emergency.DialRequest{{
		AgentID: "agent-us", DialedNumber: "urn:service:sos", IdempotencyKey: "desktop 1: call~7",
		Location: &emergency.Location{Latitude: &latitude, Longitude: &longitude, Accuracy: &accuracy, Address: &emergency.Address{
			Street: "1 Example Street", Unit: "Room 7", City: "Washington", Region: "DC", PostalCode: "20001", Country: "US",
		}, CapturedAt: testTime.Add(time.Second / 2), Permission: emergency.LocationDenied},
	}}
	if diff := cmp.Diff(want, r.calls.dials); diff != "" {
		t.Errorf("dial (-want +got):\n%s", diff)
	}
}

// A dial needs neither key nor location, and a carrier dials for anybody.
func TestPlainDial(t *testing.T) {
	r := newRig(t)
	if w := r.do(t, ask{method: http.MethodPost, path: dialPath, as: "carrier", body: `{"agentId":"agent-gb","dialedNumber":"999"}`}); w.Code != http.StatusCreated {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if diff := cmp.Diff([]emergency.DialRequest{{AgentID: "agent-gb", DialedNumber: "999"}}, r.calls.dials); diff != "" {
		t.Errorf("dial (-want +got):\n%s", diff)
	}
}

// What a desktop sends along with the number, the end of a line or a tab, keeps nobody
// from help (B11); within it, and in any other field, it stays wrong.
func TestDialWithSpaceAround(t *testing.T) {
	for dialed, status := range map[string]int{
		`911\n`: 201, `\t911\r\n`: 201, `\u0020911\u0020`: 201, `\u00a0911\u0085`: 201, `9\t11`: 400, `911\u0000`: 400, `911\n\u0000`: 400,
	} {
		r := newRig(t)
		if w := r.do(t, dial(`{"agentId":"agent-us","dialedNumber":"`+dialed+`"}`)); w.Code != status {
			t.Errorf("%q: status %d, want %d: %s", dialed, w.Code, status, w.Body)
		}
		if status == http.StatusCreated && (len(r.calls.dials) != 1 || r.calls.dials[0].DialedNumber != "911") {
			t.Errorf("%q is dialed as %+v", dialed, r.calls.dials)
		}
	}
	r := newRig(t)
	a := dial(`{"agentId":"agent-us","dialedNumber":"911","location":{"address":{"street":"1 Example Street\n"}}}`)
	if got := r.problem(t, a, http.StatusBadRequest); got.Field != "location.address.street" {
		t.Errorf("problem %+v", got)
	}
}

// A call looks as the contract says, field by field: with a leg up the panel
// offers device settings and End call (S6), the form neither Save nor Refresh
// (S7), and nothing is recorded or kept in the call history (S8).
func TestCallView(t *testing.T) {
	dialed := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	call := emergency.Call{
		ID: "c", AgentID: "a", SiteID: "s", Kind: emergency.KindEmergency, Dialed: "911", Country: "US", DialedAt: dialed,
		Number: "+12025550100", NumberKind: emergency.NumberLeased,
		Route: emergency.Route{Path: emergency.DirectRouting, Trunk: "east", CallerID: "+12025550100", FailOver: []emergency.Hop{
			{Path: emergency.DirectRouting, Trunk: "west"}, {Path: emergency.DirectOffer},
		}},
		Warnings: []emergency.CheckCode{emergency.CheckMailboxOff, "of-a-newer-version"},
		Terms:    emergency.Terms{Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: time.Hour},
		Legs: []emergency.Leg{
			{ID: "l1", Direction: emergency.Outbound, StartedAt: dialed, EndedAt: dialed.Add(time.Minute), Reason: emergency.EndHungUp},
			{ID: "l2", Direction: emergency.Callback, StartedAt: dialed.Add(2 * time.Minute)},
		},
		PresenceBefore: "available", PresenceNow: "do-not-disturb",
		Notice: emergency.Notification{Deliveries: []emergency.Delivery{
			{
				Event: emergency.NoticePlaced, Address: "desk@example.com", State: emergency.DeliveryAcknowledged, MessageID: "m",
				QueuedAt: dialed, SentAt: dialed.Add(time.Second), DeliveredAt: dialed.Add(2 * time.Second),
				AcknowledgedAt: dialed.Add(time.Minute), UpdatedAt: dialed.Add(time.Minute),
			},
			{Event: emergency.NoticePlaced, Address: "night@example.com", State: emergency.DeliveryFailed, Reason: "no", QueuedAt: dialed, UpdatedAt: dialed},
			{
				Event: emergency.NoticeEscalated, Round: 2, Address: "chief@example.com", State: emergency.DeliveryBounced,
				QueuedAt: dialed.Add(time.Hour), SentAt: dialed.Add(time.Hour), UpdatedAt: dialed.Add(2 * time.Hour),
			},
		}, AcknowledgedAt: dialed.Add(time.Minute), AcknowledgedBy: "desk@example.com"},
	}
	want := `{"callId":"c","agentId":"a","siteId":"s","kind":"emergency","dialedNumber":"911","country":"US",
		"dialedAt":"2026-03-01T11:00:00Z","status":"active","degraded":false,
		"callbackNumber":"+12025550100","callbackNumberKind":"leased","windowEndsAt":"2026-03-01T12:00:00Z",
		"route":{"path":"direct-routing","trunk":"east","number":"911","callerId":"+12025550100",
			"failOver":[{"path":"direct-routing","trunk":"west"},{"path":"direct-offer"}]},
		"warnings":[{"code":"mailbox-off","detail":"Your emergency contacts are not told by e-mail, because your mailbox is switched off."},
			{"code":"of-a-newer-version","detail":"of-a-newer-version"}],
		"legs":[{"legId":"l1","direction":"outbound","state":"ended","startedAt":"2026-03-01T11:00:00Z","endedAt":"2026-03-01T11:01:00Z","reason":"hung-up"},
			{"legId":"l2","direction":"callback","state":"up","startedAt":"2026-03-01T11:02:00Z"}],
		"presence":{"current":"do-not-disturb","previous":"available"},
		"controls":{"panel":["device-settings","end-call"],"form":{"save":false,"refresh":false},
			"warning":"Emergency call in progress. Stay on the line until the emergency service ends the call."},
		"recording":"off","callHistory":"off",
		"notification":{"recipients":[
				{"address":"desk@example.com","event":"placed","round":0,"state":"acknowledged","queuedAt":"2026-03-01T11:00:00Z","sentAt":"2026-03-01T11:00:01Z",
					"deliveredAt":"2026-03-01T11:00:02Z","acknowledgedAt":"2026-03-01T11:01:00Z","updatedAt":"2026-03-01T11:01:00Z"},
				{"address":"night@example.com","event":"placed","round":0,"state":"failed","reason":"no","queuedAt":"2026-03-01T11:00:00Z","updatedAt":"2026-03-01T11:00:00Z"},
				{"address":"chief@example.com","event":"escalated","round":2,"state":"bounced","queuedAt":"2026-03-01T12:00:00Z","sentAt":"2026-03-01T12:00:00Z",
					"updatedAt":"2026-03-01T13:00:00Z"}],
			"notices":[{"event":"placed","round":0,"at":"2026-03-01T11:00:00Z","recipients":["desk@example.com","night@example.com"]},
				{"event":"escalated","round":2,"at":"2026-03-01T12:00:00Z","recipients":["chief@example.com"]}],
			"acknowledgements":[{"address":"desk@example.com","at":"2026-03-01T11:01:00Z","event":"placed","round":0}],
			"state":"acknowledged","acknowledgedAt":"2026-03-01T11:01:00Z","acknowledgedBy":"desk@example.com","escalations":2}}`
	sameJSON(t, want, callView(call, dialed.Add(3*time.Minute)))
}

// Without a leg up the desktop is free, lists are empty rather than null, and what is not
// there is left out.
func TestCallViewOfLittle(t *testing.T) {
	call := activeCall()
	call.Legs[0].EndedAt, call.Notice = call.DialedAt.Add(time.Minute), emergency.Notification{}
	call.Route = emergency.Route{Path: emergency.NoPath, CallerID: "+12025550100"}
	free := callView(call, call.DialedAt.Add(3*time.Minute))
	sameJSON(t, `{"panel":[],"form":{"save":true,"refresh":true},"warning":""}`, free.Controls)
	sameJSON(t, `{"recipients":[],"notices":[],"acknowledgements":[],"state":"none","escalations":0}`, free.Notification)
	sameJSON(t, `{"path":"none","number":"911","callerId":"+12025550100","failOver":[]}`, free.Route)
	sameJSON(t, `[]`, free.Warnings)
	if free.Status != CallStatusCallbackWindow {
		t.Errorf("status %q", free.Status)
	}
}

// A number that the country's lines need not know is shown as it was dialed, with the one
// to dial instead; so it is in an answer without SQL (S1, B7).
func TestCallViewOfAForeignNumber(t *testing.T) {
	for _, degraded := range []bool{false, true} {
		call := activeCall()
		call.Dialed, call.Country, call.Degraded = "911", "GB", degraded
		if view := callView(call, call.DialedAt); view.DialedNumber != "911" || view.Route.Number != "999" {
			t.Errorf("degraded %v: %s was dialed and %s is sent", degraded, view.DialedNumber, view.Route.Number)
		}
	}
}

// A dial that was refused looks as the contract says, with who was told of it and who has
// seen that; one that was told with another names it (B10).
func TestRefusedCallView(t *testing.T) {
	refused := refusedDial()
	want := `{"callId":"refused-1","agentId":"agent-us","siteId":"us-washington","kind":"emergency","dialedNumber":"9911","country":"US",
		"code":"no-route","at":"2026-01-02T03:04:05Z","notification":{"state":"sent","escalations":0,"acknowledgements":[],
			"recipients":[{"address":"desk@example.com","event":"failed","round":0,"state":"sent",
				"queuedAt":"2026-01-02T03:04:05Z","sentAt":"2026-01-02T03:04:05Z","updatedAt":"2026-01-02T03:04:05Z"}],
			"notices":[{"event":"failed","round":0,"at":"2026-01-02T03:04:05Z","recipients":["desk@example.com"]}]}}`
	sameJSON(t, want, refusedView(refused))
	refused.CallID = "refused-2"
	if got := refusedView(refused).ToldAs; got != "refused-1" {
		t.Errorf("it was told as %q", got)
	}
}

// Supervisors see the refused dials of everybody, an agent their own; to an agent one
// that does not exist looks like somebody else's (B10).
func TestRefusedCalls(t *testing.T) {
	r := newRig(t)
	for holder, want := range map[string][]string{
		"supervisor": {"refused-agent-gb", "refused-agent-us"}, "agent-us": {"refused-agent-us"},
	} {
		var got []string
		for _, one := range read[[]RefusedCall](t, r.do(t, ask{method: http.MethodGet, path: "/v1/refused-calls", as: holder})) {
			got = append(got, one.CallID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s sees (-want +got):\n%s", holder, diff)
		}
	}
	one := read[RefusedCall](t, r.do(t, ask{method: http.MethodGet, path: "/v1/refused-calls/refused-agent-us", as: "agent-us"}))
	if one.CallID != "refused-agent-us" || one.Code != "no-route" {
		t.Errorf("the refused dial is %+v", one)
	}
	for _, c := range []struct {
		holder, id string
		status     int
	}{{"supervisor", "no-such-call", 404}, {"agent-us", "no-such-call", 403}, {"agent-us", "refused-agent-gb", 403}, {"supervisor", "call-agent-us", 404}} {
		r.problem(t, ask{method: http.MethodGet, path: "/v1/refused-calls/" + c.id, as: c.holder}, c.status)
	}
}

// A call that had to show the standing number, and has got one of its own since, is
// called back on its own; what the PSAP saw stays told (B5).
func TestLateNumber(t *testing.T) {
	call := activeCall()
	call.Route.CallerID = "+12025550199"
	view := callView(call, time.Now())
	if view.CallbackNumber != "+12025550100" || view.CallbackNumberKind != CallCallbackNumberKindLeased || view.Route.CallerID != "+12025550199" {
		t.Errorf("callback number %s (%s), caller ID %s", view.CallbackNumber, view.CallbackNumberKind, view.Route.CallerID)
	}
}

func sameJSON(t *testing.T, want string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var wanted, got any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// Supervisors see all live calls, agents their own.
func TestListCalls(t *testing.T) {
	for holder, want := range map[string][]string{
		"supervisor": {"call-agent-gb", "call-agent-us"}, "agent-us": {"call-agent-us"}, "agent-gb": {"call-agent-gb"},
	} {
		got := []string{}
		for _, call := range read[[]Call](t, newRig(t).do(t, ask{method: http.MethodGet, path: dialPath, as: holder})) {
			got = append(got, call.CallID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", holder, diff)
		}
	}
	r := newRig(t)
	clear(r.records.calls)
	if w := r.do(t, ask{method: http.MethodGet, path: dialPath, as: "supervisor"}); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("no calls: %s", w.Body)
	}
}

// An agent cannot tell another agent's call from one that does not exist: the
// two answers are the same to the letter.
func TestForeignCallIsLikeNone(t *testing.T) {
	for _, form := range []ask{
		{method: http.MethodGet, path: dialPath + "/{call}", as: "agent-us"},
		{method: http.MethodPost, path: dialPath + "/{call}/end", as: "agent-us"},
		{method: http.MethodPost, path: dialPath + "/{call}/legs/leg-1/end", as: "agent-us"},
	} {
		var answers []Problem
		for _, id := range []string{"call-agent-gb", "call-nobody"} {
			r, a := newRig(t), form
			a.path = strings.Replace(form.path, "{call}", id, 1)
			problem := r.problem(t, a, http.StatusForbidden)
			problem.RequestID = ""
			answers = append(answers, problem)
			if len(r.calls.ends) > 0 {
				t.Errorf("%s: ended another agent's call", form.path)
			}
		}
		if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
			t.Errorf("%s (-foreign +none):\n%s", form.path, diff)
		}
	}
}

// An end names the call, the leg or none for all, and why; without a reason
// somebody has hung up.
func TestEnd(t *testing.T) {
	tests := map[string]struct {
		ask  ask
		want ended
	}{
		"all legs":      {ask{path: "/end"}, ended{"call-agent-us", "", emergency.EndHungUp}},
		"an empty body": {ask{path: "/end", body: "{}"}, ended{"call-agent-us", "", emergency.EndHungUp}},
		"a reason":      {ask{path: "/end", body: `{"reason":"dropped"}`}, ended{"call-agent-us", "", "dropped"}},
		"one leg":       {ask{path: "/legs/leg-1/end"}, ended{"call-agent-us", "leg-1", emergency.EndHungUp}},
	}
	for name, test := range tests {
		for _, holder := range []string{"agent-us", "carrier"} {
			t.Run(name+"/"+holder, func(t *testing.T) {
				r, a := newRig(t), test.ask
				a.method, a.path, a.as = http.MethodPost, dialPath+"/call-agent-us"+a.path, holder
				if w := r.do(t, a); w.Code != http.StatusOK {
					t.Fatalf("status %d: %s", w.Code, w.Body)
				}
				if diff := cmp.Diff([]ended{test.want}, r.calls.ends); diff != "" {
					t.Errorf("end (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Hold, transfer, conference, record and consult are refused, whatever call it is
// and whatever else is broken (B15).
func TestActionsAreRefused(t *testing.T) {
	r := newRig(t)
	r.records.broken = http.ErrServerClosed
	for _, action := range []string{"hold", "transfer", "conference", "record", "consult"} {
		got := r.problem(t, ask{
			method: http.MethodPost, path: dialPath + "/call-agent-us/actions/" + action, as: "agent-us", body: `{"to":"x"}`,
		}, http.StatusConflict)
		if got.Code != "action-not-allowed" {
			t.Errorf("%s: code %q", action, got.Code)
		}
	}
}

// A callback goes to the agent, then on up (B6), marked if it is a test's (B13), before every rule (S5) and
// unrecorded (S8); anything else is left to ordinary routing without a word more.
func TestRoutingDecision(t *testing.T) {
	agent := emergency.Endpoint{URI: "sip:a@example.com", Kind: emergency.EndpointAgent, Ring: 20 * time.Second}
	desk := emergency.Endpoint{URI: "tel:+12025550199", Kind: emergency.EndpointFallback, Ring: 20 * time.Second}
	last := emergency.Endpoint{URI: "tel:+12025550198", Kind: emergency.EndpointFinal, Ring: 45 * time.Second}
	const highest = `"priority":"highest","bypass":["routing-rules","capacity-profiles","presence"],"recording":"off","callHistory":"off"`
	tests := map[string]struct {
		decision emergency.Decision
		want     string
	}{
		"to the agent": {
			emergency.Decision{
				Verdict: emergency.ConnectAgent, AgentID: "a", CallID: "c", LegID: "l", Kind: emergency.KindTest,
				Ring: []emergency.Endpoint{agent, desk, last},
			},
			`{"decision":"connect-agent","kind":"test","agentId":"a","endpoint":{"uri":"sip:a@example.com","kind":"agent","ringSeconds":20},
				"then":[{"uri":"tel:+12025550199","kind":"fallback","ringSeconds":20},
					{"uri":"tel:+12025550198","kind":"final","ringSeconds":45}],` + highest + `,"callId":"c","legId":"l"}`,
		},
		"to the desk": {
			emergency.Decision{Verdict: emergency.ConnectFallback, Ring: []emergency.Endpoint{desk}},
			`{"decision":"connect-fallback","endpoint":{"uri":"tel:+12025550199","kind":"fallback","ringSeconds":20},"then":[],` + highest + `}`,
		},
		"no callback": {
			emergency.Decision{Verdict: emergency.NotAnEmergencyCallback}, `{"decision":"not-an-emergency-callback"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.calls.decision = test.decision
			w := r.do(t, ask{method: http.MethodPost, path: "/v1/inbound-calls", as: "carrier", body: `{"to":"+12025550100","from":"+12025550111"}`})
			if w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			sameJSON(t, test.want, json.RawMessage(w.Body.Bytes()))
			if diff := cmp.Diff([][2]string{{"+12025550100", "+12025550111"}}, r.calls.inbound); diff != "" {
				t.Errorf("inbound (-want +got):\n%s", diff)
			}
		})
	}
}

// A PSAP that withholds its number is still a PSAP.
func TestInboundWithoutCaller(t *testing.T) {
	for _, body := range []string{`{"to":"+12025550100"}`, `{"to":"+12025550100","from":""}`, `{"to":"+12025550100","from":"anonymous"}`} {
		if w := newRig(t).do(t, ask{method: http.MethodPost, path: "/v1/inbound-calls", as: "carrier", body: body}); w.Code != http.StatusOK {
			t.Errorf("%s: status %d: %s", body, w.Code, w.Body)
		}
	}
}
