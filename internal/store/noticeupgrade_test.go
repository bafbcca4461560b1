package store_test

import (
	"testing"

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
			{Event: placed, Address: "desk@example.com", State: emergency.DeliverySent, MessageID: "m-1", UpdatedAt: noon},
			{Event: placed, Address: "night@example.org", State: emergency.DeliveryQueued, UpdatedAt: noon},
		}, w.read(t, "leased").Notice.Deliveries)
		same(t, "those of the call that is over", []emergency.Delivery{
			{Event: placed, Address: "desk@example.com", State: emergency.DeliveryFailed, UpdatedAt: noon},
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
		if waiting := w.count(t, `SELECT COUNT(*) FROM deliveries WHERE state = 'queued'`); waiting != 0 {
			t.Errorf("%d are to be told of a call that is over", waiting)
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
