package store_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/pressly/goose/v3"
)

// secondVersion is a database as the second version left it, amid calls: one had two
// people to tell and has reached one of them, one has nobody, and one is over.
func secondVersion(t *testing.T, e engine) (*world, *goose.Provider) {
	t.Helper()
	w, schema := firstVersion(t, e)
	if _, err := schema.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct{ call, address, state string }{
		{"leased", "night@example.org", "queued"}, {"over", "desk@example.com", "failed"},
	} {
		w.run(t, `INSERT INTO deliveries (call_id, event, address, state, message_id, updated_at)
			VALUES ($1, 'placed', $2, $3, '', $4)`, d.call, d.address, d.state, noon)
	}
	w.Store = openStore(t, w.address, w.clock.read)
	return w, schema
}

// Calls that were up are told to the end: who has been told stays, who has not is yet to
// be, and what is new works for them, too (S9, B9).
func TestUpgradeAmidNotices(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, _ := secondVersion(t, e)
		placed := emergency.NoticePlaced
		same(t, "the deliveries", []emergency.Delivery{
			{Event: placed, Address: "desk@example.com", State: emergency.DeliverySent, MessageID: "m-1", QueuedAt: noon, SentAt: noon, UpdatedAt: noon},
			{Event: placed, Address: "night@example.org", State: emergency.DeliveryQueued, QueuedAt: noon, UpdatedAt: noon},
		}, w.read(t, "leased").Notice.Deliveries)
		same(t, "those of the call that is over", []emergency.Delivery{
			{Event: placed, Address: "desk@example.com", State: emergency.DeliveryFailed, QueuedAt: noon, UpdatedAt: noon},
		}, w.read(t, "over").Notice.Deliveries)
		notice, to := w.ensure(t, "leased", placed, 0)
		same(t, "who is yet to be told", []string{"night@example.org"}, to)
		if notice.AgentName != "Agent one" || notice.Number != first || notice.Zone != "" {
			t.Errorf("the notice is %+v", notice)
		}
		_, to = w.ensure(t, "leased", emergency.NoticeEscalated, 1)
		same(t, "who is told again", []string{"desk@example.com", "night@example.org"}, to)
		w.acknowledges(t, "leased", placed, 0, "desk@example.com",
			emergency.Acknowledgement{At: noon, By: "desk@example.com", First: true})
		_, to = w.ensure(t, "stood", placed, 0)
		same(t, "who is told of a call that told nobody", nil, to)
		w.finish(t, "leased")
		if waiting := w.count(t, `SELECT COUNT(*) FROM deliveries WHERE state = 'queued' AND event <> 'placed'`); waiting != 0 {
			t.Errorf("%d are to be told that somebody should act in a call that is over", waiting)
		}
	})
}

// Going back to the second version keeps what that knows, in its own words.
func TestDowngradeOfNotices(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, schema := secondVersion(t, e)
		w.ensure(t, "leased", emergency.NoticeCallback, 0)
		w.ensure(t, "leased", emergency.NoticeEscalated, 1)
		w.refuses(t, "refused", nil)
		w.mailed(t, "e-1", "leased", "desk@example.com", emergency.DeliveryDelivered, true)
		w.mailed(t, "e-2", "leased", "night@example.org", emergency.DeliveryBounced, true)
		if _, err := schema.DownTo(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{
			`SELECT COUNT(*) FROM deliveries`: 5,
			`SELECT COUNT(*) FROM deliveries WHERE event = 'placed' AND state = 'sent' AND address = 'desk@example.com'`:    1,
			`SELECT COUNT(*) FROM deliveries WHERE event = 'placed' AND state = 'failed' AND address = 'night@example.org'`: 1,
			`SELECT COUNT(*) FROM deliveries WHERE event = 'callback' AND state = 'queued'`:                                 2,
			`SELECT COUNT(*) FROM deliveries WHERE event = 'escalated'`:                                                     0,
		} {
			if got := w.count(t, query); got != want {
				t.Errorf("%s is %d, want %d", query, got, want)
			}
		}
		same(t, "the columns", []string{"call_id", "event", "address", "state", "message_id", "updated_at"}, w.columns(t, "deliveries"))
		if _, err := schema.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Store = openStore(t, w.address, w.clock.read)
		if got := w.read(t, "leased").Notice.Deliveries; len(got) != 4 || got[0].State == "" {
			t.Errorf("the deliveries are %+v", got)
		}
	})
}

// thirdVersion is a database as the third version left it: of a call one of two people
// has acknowledged the escalation, of a refused dial nobody its notice.
func thirdVersion(t *testing.T, e engine) (*world, *goose.Provider) {
	t.Helper()
	w, schema := firstVersion(t, e)
	if _, err := schema.UpTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for _, n := range []struct{ call, event, facts, by string }{
		{"leased", "placed", "", ""},
		{"leased", "escalated", "", "chief@example.org"},
		{"refused", "failed", `{"kind":"emergency","code":"no-route","country":"US","dialed":"911","at":"2026-03-08T12:00:00Z"}`, ""},
	} {
		round, at := 0, any(nil)
		if n.event == "escalated" {
			round, at = 1, noon.Add(time.Minute)
		}
		w.run(t, `INSERT INTO notices (call_id, event, round, agent_id, site_id, facts, created_at, acknowledged_at, acknowledged_by)
			VALUES ($1, $2, $3, 'one', 'us', $4, $5, $6, $7) ON CONFLICT (call_id, event, round) DO NOTHING`,
			n.call, n.event, round, n.facts, noon, at, n.by)
	}
	for _, d := range []struct{ call, event, address, state string }{
		{"leased", "escalated", "chief@example.org", "sent"},
		{"leased", "escalated", "other@example.org", "delivered"},
		{"refused", "failed", "desk@example.com", "bounced"},
	} {
		round := 0
		if d.event == "escalated" {
			round = 1
		}
		w.run(t, `INSERT INTO deliveries (call_id, event, round, address, state, message_id, updated_at)
			VALUES ($1, $2, $3, $4, $5, 'm', $6)`, d.call, d.event, round, d.address, d.state, noon)
	}
	w.Store = openStore(t, w.address, w.clock.read)
	return w, schema
}

// Who had acknowledged is known as one who did; refused dials can be read; and what the
// new version adds goes on with them (B9, B10).
func TestUpgradeAmidAcknowledgements(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, _ := thirdVersion(t, e)
		seen := noon.Add(time.Minute)
		kept := w.read(t, "leased").Notice
		escalated := emergency.NoticeEscalated
		same(t, "the escalation", []emergency.Delivery{
			{
				Event: escalated, Round: 1, Address: "chief@example.org", State: emergency.DeliveryAcknowledged, MessageID: "m",
				QueuedAt: noon, SentAt: noon, AcknowledgedAt: seen, UpdatedAt: seen,
			},
			{
				Event: escalated, Round: 1, Address: "other@example.org", State: emergency.DeliveryDelivered, MessageID: "m",
				QueuedAt: noon, SentAt: noon, DeliveredAt: noon, UpdatedAt: noon,
			},
		}, deliveriesOf(kept, escalated))
		if !kept.AcknowledgedAt.Equal(seen) || kept.AcknowledgedBy != "chief@example.org" {
			t.Errorf("it is acknowledged by %s at %s", kept.AcknowledgedBy, kept.AcknowledgedAt)
		}
		w.acknowledges(t, "leased", escalated, 1, "other@example.org", emergency.Acknowledgement{At: seen, By: "chief@example.org"})
		same(t, "the people who have", 2, len(w.read(t, "leased").Notice.Acknowledged()))
		refused := w.refusal(t, "refused")
		if refused.Code != emergency.CheckNoRoute || refused.AgentID != "one" || refused.ToldAs != "refused" || refused.Notice.State() != emergency.NotificationBounced {
			t.Errorf("the refused dial is %+v", refused)
		}
	})
}

// deliveriesOf are those of one event.
func deliveriesOf(n emergency.Notification, event emergency.NoticeEvent) []emergency.Delivery {
	var all []emergency.Delivery
	for _, d := range n.Deliveries {
		if d.Event == event {
			all = append(all, d)
		}
	}
	return all
}

// Going back to the third version keeps who acknowledged first, what a refused dial was,
// and every delivery, in words that it knows.
func TestDowngradeOfAcknowledgements(t *testing.T) {
	onBoth(t, func(t *testing.T, e engine) {
		w, schema := thirdVersion(t, e)
		w.refuses(t, "untold", func(r *emergency.RefusedCall) { r.SiteID = "nowhere" })
		w.ensure(t, "leased", emergency.NoticeEscalated, 2) // which is superseded at once
		if _, err := schema.DownTo(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{
			`SELECT COUNT(*) FROM notices WHERE call_id = 'refused' AND facts LIKE '%no-route%'`:                       1,
			`SELECT COUNT(*) FROM notices WHERE call_id = 'leased' AND facts = ''`:                                     3,
			`SELECT COUNT(*) FROM notices WHERE acknowledged_by = 'chief@example.org' AND acknowledged_at IS NOT NULL`: 1,
			`SELECT COUNT(*) FROM deliveries WHERE address = 'chief@example.org' AND state = 'sent'`:                   1,
			`SELECT COUNT(*) FROM deliveries WHERE round = 2 AND state = 'failed'`:                                     2,
			`SELECT COUNT(*) FROM deliveries WHERE state IN ('acknowledged', 'superseded')`:                            0,
		} {
			if got := w.count(t, query); got != want {
				t.Errorf("%s is %d, want %d", query, got, want)
			}
		}
		same(t, "the columns", []string{"call_id", "event", "round", "address", "state", "message_id", "updated_at"}, w.columns(t, "deliveries"))
		if _, err := schema.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Store = openStore(t, w.address, w.clock.read)
		same(t, "the refused dial", "refused", w.refusal(t, "refused").ToldAs)
	})
}
