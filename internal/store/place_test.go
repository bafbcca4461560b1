package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// placeRules are about the one transaction that a dial is.
var placeRules = []rule{
	{"answers with all of the call", answersWithAllOfTheCall},
	{"twice is once", placingTwiceIsOnce},
	{"twice with an empty pool", placingTwiceWithAnEmptyPool},
	{"orders the workflow", ordersTheWorkflow},
	{"countries that differ", countriesThatDiffer},
	{"a test with little left", placingATestWithLittleLeft},
	{"unknown agent", placingForNobody},
	{"lists live calls", listsLiveCalls},
}

// everything is a placement with all that a dial may bring.
func everything(t *testing.T, w *world) store.Placement {
	t.Helper()
	w.addSite(t, "us", "+12025550101", "+12025550102")
	w.addAgents(t, "us", "one")
	if err := only(w.PutContacts(t.Context(), "one", "night@example.org; desk@example.com", emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	p := w.placement(t, "one")
	latitude, longitude := 38.9, -77.03
	p.Location = &emergency.Location{Latitude: &latitude, Longitude: &longitude, Address: &emergency.Address{Unit: "Floor 3"}}
	p.At = noon.Add(1234567891 * time.Nanosecond)
	p.PresenceOutside, p.Notices = true, insistent
	return p
}

// The answer to a dial is complete: number, presence, leg, contacts (S2, S3, S9).
// What is read later is what was answered, to the microsecond. The country is where
// the caller was, even if the site is elsewhere (S1).
func answersWithAllOfTheCall(t *testing.T, w *world) {
	p := everything(t, w)
	p.Dialed.Country = emergency.PuertoRico
	call := w.place(t, p)
	at := noon.Add(1234567 * time.Microsecond)
	want := emergency.Call{
		ID: p.CallID, AgentID: "one", SiteID: "us", Kind: emergency.KindEmergency, Dialed: "911",
		Country: emergency.PuertoRico, DialedAt: at,
		Conveyed: emergency.Conveyed{Site: siteNamed("us").Address, Device: p.Location},
		Route:    emergency.Route{Path: emergency.DirectOffer, CallerID: "+12025550101"},
		Number:   "+12025550101", NumberKind: emergency.NumberLeased, Terms: agreed,
		Legs:           []emergency.Leg{{ID: p.LegID, Direction: emergency.Outbound, StartedAt: at}},
		PresenceBefore: emergency.StatusAvailable, PresenceNow: emergency.StatusDoNotDisturb,
		Notice: emergency.Notification{Deliveries: []emergency.Delivery{
			{Event: emergency.NoticePlaced, Address: "desk@example.com", State: emergency.DeliveryQueued, QueuedAt: at, UpdatedAt: at},
			{Event: emergency.NoticePlaced, Address: "night@example.org", State: emergency.DeliveryQueued, QueuedAt: at, UpdatedAt: at},
		}},
	}
	same(t, "the call as read", want, w.read(t, p.CallID))
	same(t, "the answer", want, call)
}

// A call ID names one call: a repeated dial changes nothing and gives the call as
// it stands, whatever has become of it.
func placingTwiceIsOnce(t *testing.T, w *world) {
	p := everything(t, w)
	first := w.place(t, p)
	again := p
	again.LegID, again.At = "another-leg", p.At.Add(time.Second)
	same(t, "the repeated dial", first, w.place(t, again))

	w.hangUp(t, p.CallID, "")
	w.choose(t, "one", emergency.StatusAway)
	same(t, "the dial repeated after the end", w.read(t, p.CallID), w.place(t, again))
	w.shows(t, "one", emergency.StatusAway)
	w.closeCall(t, p.CallID)
	same(t, "the dial repeated after the window", w.read(t, p.CallID), w.place(t, again))

	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM calls`:                                   1,
		`SELECT COUNT(*) FROM legs`:                                    1,
		`SELECT COUNT(*) FROM leases`:                                  0,
		`SELECT COUNT(*) FROM deliveries`:                              2,
		`SELECT COUNT(*) FROM outbox WHERE kind = 'placed'`:            1,
		`SELECT COUNT(*) FROM events WHERE type = 'call-placed'`:       1,
		`SELECT COUNT(*) FROM events WHERE type = 'callback-received'`: 0,
	} {
		if got := w.count(t, query); got != want {
			t.Errorf("%s is %d, want %d", query, got, want)
		}
	}
}

// A repeated dial is the same call even when the pool is empty now (B5).
func placingTwiceWithAnEmptyPool(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	p := w.placement(t, "one")
	first := w.place(t, p)
	has(t, first, standing, emergency.NumberStanding)
	same(t, "the repeated dial", first, w.place(t, p))
}

// The message that starts the workflow says what it needs to know (S11).
func ordersTheWorkflow(t *testing.T, w *world) {
	p := everything(t, w)
	call := w.place(t, p)
	message, found, err := w.NextMessage(t.Context(), call.ID)
	if err != nil || !found || message.Kind != emergency.MessagePlaced {
		t.Fatalf("the outbox has %+v, %v, %v", message, found, err)
	}
	if !message.CreatedAt.Equal(noon) {
		t.Errorf("the message is of %v, want %v, when it was written", message.CreatedAt, noon)
	}
	var order emergency.Order
	if err := json.Unmarshal(message.Body, &order); err != nil {
		t.Fatal(err)
	}
	same(t, "the order", emergency.Order{
		CallID: call.ID, AgentID: "one", Kind: emergency.KindEmergency, Dialed: "911", Country: emergency.UnitedStates,
		DialedAt: call.DialedAt, LegID: p.LegID, Number: "+12025550101", NumberKind: emergency.NumberLeased,
		SiteName: "Site us", Terms: agreed, Contacts: 2, PresenceOutside: true, Notices: &insistent,
	}, order)
}

// That the device is in another country than the site is never passed over in silence:
// whoever follows along hears of it, and the audit keeps it, once per call (B11).
func countriesThatDiffer(t *testing.T, w *world) {
	p := everything(t, w)
	p.Warnings = []emergency.CheckCode{emergency.CheckNoContacts}
	w.place(t, p)
	told := func() int { return w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'countries-differ'`) }
	kept := func() int { return w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'countries-differ'`) }
	if told() != 0 || kept() != 0 {
		t.Errorf("of a call without a difference there are %d events and %d audit lines", told(), kept())
	}
	p = w.placement(t, "one")
	p.Dialed.Country = emergency.PuertoRico
	p.Warnings = []emergency.CheckCode{emergency.CheckNoContacts, emergency.CheckCountriesDiffer}
	p.At = noon.Add(time.Minute)
	for range 2 {
		same(t, "the warnings", p.Warnings, w.place(t, p).Warnings)
	}
	if told() != 1 || kept() != 1 {
		t.Errorf("there are %d events and %d audit lines, want one each", told(), kept())
	}
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'countries-differ' AND call_id = $1 AND country = 'PR'
		AND kind = 'emergency' AND at = $2`, p.CallID, p.At); lines != 1 {
		t.Error("the audit says something else")
	}
	for _, event := range w.since(t, 0) {
		if event.Type != emergency.EventCountriesDiffer {
			continue
		}
		event.Seq = 0
		same(t, "the event", emergency.Event{
			Type: emergency.EventCountriesDiffer, AgentID: "one", SiteID: "us", CallID: p.CallID,
			Kind: emergency.KindEmergency, At: p.At,
		}, event)
	}
	w.finish(t, p.CallID) // which leaves a line of its own
}

// A test is placed whatever is left of the pool, and shows the standing number rather
// than take what a call for help may need (B13).
func placingATestWithLittleLeft(t *testing.T, w *world) {
	w.addSite(t, "us", first, second)
	w.addAgents(t, "us", "one", "two", "three")
	has(t, w.test(t, "one"), first, emergency.NumberLeased)
	test := w.test(t, "two")
	has(t, test, standing, emergency.NumberStanding)
	has(t, w.dial(t, "three"), second, emergency.NumberLeased)
	if test.Kind != emergency.KindTest || !test.LegUp() {
		t.Errorf("the test is %+v", test)
	}
	w.shows(t, "two", emergency.StatusDoNotDisturb)
}

// A dial for an agent who is not there leaves nothing behind.
func placingForNobody(t *testing.T, w *world) {
	p := everything(t, w)
	p.Caller.Agent.ID = "nobody"
	if _, err := w.PlaceCall(t.Context(), p); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
	if _, err := w.Call(t.Context(), p.CallID); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
	w.states(t, map[string]emergency.NumberState{"+12025550101": emergency.NumberFree, "+12025550102": emergency.NumberFree})
}

// A supervisor sees the calls that are not over, the latest first: neither those
// that were closed nor those that expired.
func listsLiveCalls(t *testing.T, w *world) {
	w.addSite(t, "us", "+12025550101", "+12025550102")
	w.addAgents(t, "us", "one", "two", "three", "four")
	live := func() []emergency.CallID {
		calls, err := w.LiveCalls(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids := []emergency.CallID{}
		for _, call := range calls {
			same(t, "the call in the list", w.read(t, call.ID), call)
			ids = append(ids, call.ID)
		}
		return ids
	}
	same(t, "the list without calls", []emergency.CallID{}, live())
	ended, up, closed := w.dial(t, "one"), w.dial(t, "two"), w.dial(t, "three")
	w.hangUp(t, ended.ID, "")
	w.finish(t, closed.ID)
	w.pass(time.Minute)
	latest := w.dial(t, "four")
	same(t, "the list", []emergency.CallID{latest.ID, ended.ID, up.ID}, live())
	w.clock.set(w.read(t, ended.ID).ExpiresAt())
	same(t, "the list after the window", []emergency.CallID{latest.ID, up.ID}, live())
}
