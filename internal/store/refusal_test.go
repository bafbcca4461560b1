package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// refusalRules are about dials that could not work.
var refusalRules = []rule{
	{"are told and kept", refusalToldAndKept},
	{"make a notice", refusalMakesNotice},
	{"are told once", refusalToldOnce},
	{"tell of countries that differ", refusalTellsOfCountries},
	{"are told with what they were", refusalSaysWhat},
	{"are escalated", refusalIsEscalated},
	{"with nobody to tell", refusalWithNobodyToTell},
	{"make no flood", refusalsMakeNoFlood},
	{"are acknowledged", refusalIsAcknowledged},
	{"are forgotten", refusalIsForgotten},
}

func refusedCall() emergency.RefusedCall {
	return emergency.RefusedCall{
		AgentID: "one", SiteID: "us", Dialed: "+1 (202) 911", Country: emergency.UnitedStates,
		Code: emergency.CheckLocationOff, At: noon.Add(time.Second),
	}
}

// refuses has a dial refused now, and gives what is kept of it.
func (w *world) refuses(t tb, id emergency.CallID, change func(*emergency.RefusedCall)) emergency.RefusedCall {
	t.Helper()
	r := refusedCall()
	r.CallID, r.At = id, w.clock.read()
	if change != nil {
		change(&r)
	}
	if err := w.RefuseCall(t.Context(), r, insistent); err != nil {
		t.Fatal(err)
	}
	return r
}

// refusable is a world with an agent whose contacts are told.
func (w *world) refusable(t tb) {
	t.Helper()
	w.addSite(t, "us", first)
	w.addAgents(t, "us", "one", "two")
	w.contact(t, "one", "night@example.org; desk@example.com")
	w.contact(t, "two", "desk@example.com")
}

// orders are the refused dials that workflows are to tell of.
func (w *world) orders(t tb, id emergency.CallID) []emergency.RefusedOrder {
	t.Helper()
	var all []emergency.RefusedOrder
	for _, message := range w.messages(t, id) {
		if message.Kind != emergency.MessageRefused {
			continue
		}
		var order emergency.RefusedOrder
		if err := json.Unmarshal(message.Body, &order); err != nil {
			t.Fatal(err)
		}
		all = append(all, order)
	}
	return all
}

// People hear of every dial that could not work (B10). The audit keeps when, where and
// why, but neither who nor what (B14). It happens to agents who are removed, too.
func refusalToldAndKept(t *testing.T, w *world) {
	refused := refusedCall()
	for range 2 {
		if err := w.RefuseCall(t.Context(), refused, insistent); err != nil {
			t.Fatal(err)
		}
	}
	events := w.since(t, 0)
	if len(events) != 2 {
		t.Fatalf("%d dials are told, want 2", len(events))
	}
	for _, event := range events {
		event.Seq = 0
		same(t, "what is told", emergency.Event{
			Type: emergency.EventCallRefused, AgentID: "one", SiteID: "us", Kind: emergency.KindEmergency,
			Status: "location-off", At: refused.At,
		}, event)
	}
	if lines := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'call-refused' AND country = 'US'
		AND outcome = 'location-off' AND kind = 'emergency' AND subject = '' AND call_id = '' AND at = $1`, refused.At); lines != 2 {
		t.Errorf("the audit has %d lines, want 2", lines)
	}
	if notices := w.count(t, `SELECT COUNT(*) FROM notices`); notices != 0 {
		t.Errorf("there are %d notices of dials that have no name", notices)
	}
}

// A refused dial has a notice to whoever would be told of the call, and a message that
// starts the workflow which tells them (B10).
func refusalMakesNotice(t *testing.T, w *world) {
	w.refusable(t)
	w.list(t, "chief@example.org", "")
	r := w.refuses(t, "refused", nil)
	same(t, "the orders", []emergency.RefusedOrder{{
		CallID: "refused", AgentID: "one", SiteName: "Site us", Kind: emergency.KindEmergency, Country: emergency.UnitedStates,
		Code: emergency.CheckLocationOff, At: r.At, Contacts: 3, Notices: insistent,
	}}, w.orders(t, "refused"))
	_, to := w.ensure(t, "refused", emergency.NoticeFailed, 0)
	same(t, "who is told", []string{"chief@example.org", "desk@example.com", "night@example.org"}, to)
	d := emergency.Delivery{Address: "desk@example.com", State: emergency.DeliverySent}
	if err := w.RecordDelivery(t.Context(), "refused", emergency.NoticeFailed, 0, d); err != nil {
		t.Fatal(err)
	}
	sent, failed, err := w.counted(t.Context(), "refused", emergency.NoticeFailed)
	if sent != 1 || failed != 0 || err != nil {
		t.Errorf("%d have been told, %d cannot be, %v", sent, failed, err)
	}
	if _, err := w.Call(t.Context(), "refused"); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}

// A dial that is refused while device and site name different countries is told as such,
// too, and the audit keeps it, once per dial (B11). A country that is not served, or that
// nobody can read, is no exception.
func refusalTellsOfCountries(t *testing.T, w *world) {
	w.refusable(t)
	for country, differs := range map[string]int{"": 0, "US": 0, "United States": 0, "DK": 1, "FR": 1, "somewhere": 1} {
		id := emergency.CallID("from " + country)
		for range 2 {
			w.refuses(t, id, func(r *emergency.RefusedCall) {
				r.Kind, r.Country = emergency.KindTest, "DK"
				r.Location = &emergency.Location{Address: &emergency.Address{Country: country}}
			})
		}
		told := w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'countries-differ' AND call_id = $1 AND agent_id = 'one'
			AND site_id = 'us' AND kind = 'test' AND at = $2`, id, noon)
		kept := w.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'countries-differ' AND call_id = $1 AND country = 'DK'
			AND kind = 'test' AND at = $2`, id, noon)
		if told != differs || kept != differs {
			t.Errorf("of a dial from %q there are %d events and %d audit lines, want %d each", country, told, kept, differs)
		}
	}
	// Nobody knows where a site is that is not there.
	w.refuses(t, "nowhere", func(r *emergency.RefusedCall) {
		r.SiteID, r.Location = "nowhere", &emergency.Location{Address: &emergency.Address{Country: "DK"}}
	})
	if told := w.count(t, `SELECT COUNT(*) FROM events WHERE call_id = 'nowhere'`); told != 1 {
		t.Errorf("%d events tell of a dial at no site, want that it was refused", told)
	}
}

// What is written down again, because nobody knew whether it had been, changes nothing.
func refusalToldOnce(t *testing.T, w *world) {
	w.refusable(t)
	w.refuses(t, "refused", nil)
	w.pass(2 * time.Minute)
	w.refuses(t, "refused", nil)
	if orders := w.orders(t, "refused"); len(orders) != 1 {
		t.Errorf("%d workflows are to tell of it, want 1", len(orders))
	}
	for _, query := range []string{
		`SELECT COUNT(*) FROM events WHERE type = 'call-refused'`, `SELECT COUNT(*) FROM audit WHERE action = 'call-refused'`,
		`SELECT COUNT(*) FROM notices`,
	} {
		if got := w.count(t, query); got != 1 {
			t.Errorf("%s is %d, want 1", query, got)
		}
	}
}

// The notice says who dialed what, from where, why it failed and what the agent was told
// to do, as it was then, whatever has changed since (B8, B10).
func refusalSaysWhat(t *testing.T, w *world) {
	w.refusable(t)
	w.list(t, "", "")
	latitude, longitude := 38.9, -77.03
	at := &emergency.Location{Latitude: &latitude, Longitude: &longitude}
	r := w.refuses(t, "refused", func(r *emergency.RefusedCall) { r.Location, r.Dialed = at, "9\x0011" })
	changed := agentNamed("one", "us")
	changed.Name = "Somebody else"
	if err := only(w.PutAgent(t.Context(), changed, emergency.Change{})); err != nil {
		t.Fatal(err)
	}
	notice, _ := w.ensure(t, "refused", emergency.NoticeFailed, 0)
	same(t, "the notice", emergency.Notice{
		CallID: "refused", Event: emergency.NoticeFailed, Kind: emergency.KindEmergency, AgentName: "Agent one", SiteName: "Site us",
		Dialed: "911", DialedAt: r.At, Conveyed: emergency.Conveyed{Site: siteNamed("us").Address, Device: at},
		Reason: emergency.Explain(emergency.CheckLocationOff).Agent, Instead: "Dial 911 from a mobile phone.", Zone: "America/New_York",
	}, notice)
}

// When nobody acknowledges, the site's list is told of a refused dial as of a call (B9).
func refusalIsEscalated(t *testing.T, w *world) {
	w.refusable(t)
	w.refuses(t, "refused", nil)
	w.list(t, "chief@example.org", "")
	for range 2 {
		notice, to := w.ensure(t, "refused", emergency.NoticeEscalated, 1)
		same(t, "who is told", []string{"chief@example.org"}, to)
		if notice.AgentName != "Agent one" || notice.Round != 1 || notice.Event != emergency.NoticeEscalated || notice.Reason == "" {
			t.Errorf("the notice is %+v", notice)
		}
	}
}

// Where nobody is to be told, only followers and the audit hear of it; a test is told
// to the test list alone (B13).
func refusalWithNobodyToTell(t *testing.T, w *world) {
	w.refusable(t)
	w.contact(t, "two", "")
	byTwo := func(r *emergency.RefusedCall) { r.AgentID = "two" }
	test := func(r *emergency.RefusedCall) { r.Kind = emergency.KindTest }
	w.refuses(t, "untold", byTwo)
	w.refuses(t, "untold-test", test)
	w.refuses(t, "untold-nowhere", func(r *emergency.RefusedCall) { r.SiteID = "nowhere" })
	w.refuses(t, "untold-nobody", func(r *emergency.RefusedCall) { r.AgentID = "nobody" })
	if notices := w.count(t, `SELECT COUNT(*) FROM notices`); notices != 0 {
		t.Errorf("there are %d notices, want none", notices)
	}
	if told := w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'call-refused'`); told != 4 {
		t.Errorf("%d are told, want 4", told)
	}
	w.list(t, "chief@example.org", "drills@example.org")
	w.refuses(t, "told", byTwo)
	w.refuses(t, "told-test", test)
	for id, want := range map[emergency.CallID]string{"told": "chief@example.org", "told-test": "drills@example.org"} {
		if _, to := w.ensure(t, id, emergency.NoticeFailed, 0); len(to) != 1 || to[0] != want {
			t.Errorf("of %s %v are told", id, to)
		}
	}
}

// Whoever dials again and again within a minute and is refused for the same reason makes
// one notice; another reason, another agent and a call after a test make their own.
func refusalsMakeNoFlood(t *testing.T, w *world) {
	w.refusable(t)
	w.list(t, "chief@example.org", "drills@example.org")
	w.refuses(t, "test", func(r *emergency.RefusedCall) { r.Kind = emergency.KindTest })
	w.refuses(t, "first", nil)
	w.pass(59 * time.Second)
	w.refuses(t, "soon", nil)
	w.refuses(t, "other-reason", func(r *emergency.RefusedCall) { r.Code = emergency.CheckNoRoute })
	w.refuses(t, "other-agent", func(r *emergency.RefusedCall) { r.AgentID = "two" })
	w.pass(time.Second)
	w.refuses(t, "later", nil)
	for id, want := range map[emergency.CallID]int{"test": 1, "first": 1, "soon": 0, "other-reason": 1, "other-agent": 1, "later": 1} {
		if got := len(w.orders(t, id)); got != want {
			t.Errorf("%d workflows tell of %s, want %d", got, id, want)
		}
	}
	if told := w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'call-refused'`); told != 6 {
		t.Errorf("%d are told, want every one", told)
	}
}

// Somebody who has seen the notice of a refused dial, or its escalation, says so to its
// workflow (B9).
func refusalIsAcknowledged(t *testing.T, w *world) {
	w.refusable(t)
	w.refuses(t, "refused", nil)
	w.ensure(t, "refused", emergency.NoticeEscalated, 1)
	w.acknowledges(t, "refused", emergency.NoticeEscalated, 1, "desk@example.com",
		emergency.Acknowledgement{At: w.clock.read(), By: "desk@example.com", First: true})
	w.acknowledges(t, "refused", emergency.NoticeFailed, 0, "night@example.org",
		emergency.Acknowledgement{At: w.clock.read(), By: "desk@example.com"})
	same(t, "the messages", []emergency.MessageKind{
		emergency.MessageRefused, emergency.MessageAcknowledged, emergency.MessageAcknowledged,
	}, kindsOf(w.messages(t, "refused")))
}

// Notices of refused dials are dropped with all that belongs to them, and what mail
// systems told; notices of calls stay with their calls.
func refusalIsForgotten(t *testing.T, w *world) {
	w.refusable(t)
	call := w.dial(t, "two")
	w.refuses(t, "refused", nil)
	w.ensure(t, "refused", emergency.NoticeEscalated, 1)
	w.mailed(t, "e-1", call.ID, "desk@example.com", emergency.DeliveryDelivered, true)
	before := w.read(t, call.ID)
	w.pass(time.Hour)
	w.refuses(t, "recent", nil)
	w.mailed(t, "e-2", call.ID, "desk@example.com", emergency.DeliveryDelivered, false)
	if err := w.ForgetNotices(t.Context(), w.clock.read().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM notices`:                              2,
		`SELECT COUNT(*) FROM deliveries`:                           3,
		`SELECT COUNT(*) FROM notices WHERE call_id = 'recent'`:     1,
		`SELECT COUNT(*) FROM mail_events`:                          1,
		`SELECT COUNT(*) FROM mail_events WHERE id = 'e-2'`:         1,
		`SELECT COUNT(*) FROM deliveries WHERE call_id = 'refused'`: 0,
		`SELECT COUNT(*) FROM audit WHERE action = 'call-refused'`:  2,
		`SELECT COUNT(*) FROM deliveries WHERE state = 'delivered'`: 1,
	} {
		if got := w.count(t, query); got != want {
			t.Errorf("%s is %d, want %d", query, got, want)
		}
	}
	same(t, "the call", before, w.read(t, call.ID))
	if err := w.EnsureNotice(t.Context(), "refused", emergency.NoticeEscalated, 2); !errors.Is(err, emergency.ErrUnknownCall) {
		t.Errorf("the error is %v, want ErrUnknownCall", err)
	}
}
