package process

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"github.com/google/go-cmp/cmp"
)

// What has changed stands in the event stream once, with two processes watching: that
// an agent could not call (B12), and that the last number of a pool is gone (B5). When
// an administrator has mended it, that is told too.
func TestWatchTellsTheEventStream(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "lifeline.db")
	var watches []*watch
	for range 2 {
		watches = append(watches, &watch{
			records: openStore(t, path, time.Now), locationMaxAge: time.Hour, poolWarning: 0.8,
			gauges: &gauges{clock: time.Now}, log: slog.New(slog.DiscardHandler), seen: -1,
		})
	}
	db := openStore(t, path, time.Now)
	site, agent := staff(t, db)
	told := func(want ...emergency.Event) {
		t.Helper()
		for _, w := range watches {
			settle(t, w.look(ctx))
		}
		var got []emergency.Event
		events, err := db.Events(ctx, 0, 1000)
		settle(t, err)
		for _, e := range events {
			if e.Type == emergency.EventReadinessChanged || e.Type == emergency.EventPoolChanged {
				got = append(got, emergency.Event{Type: e.Type, AgentID: e.AgentID, SiteID: e.SiteID, Status: e.Status})
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told (-want +got)\n%s", diff)
		}
	}
	notReady := emergency.Event{Type: emergency.EventReadinessChanged, AgentID: agent.ID, Status: emergency.Status(emergency.NotReady)}
	ready := emergency.Event{Type: emergency.EventReadinessChanged, AgentID: agent.ID, Status: emergency.Status(emergency.Ready)}
	exhausted := emergency.Event{Type: emergency.EventPoolChanged, SiteID: site.ID, Status: emergency.Status(emergency.PoolExhausted)}
	well := emergency.Event{Type: emergency.EventPoolChanged, SiteID: site.ID, Status: emergency.Status(emergency.PoolOK)}
	told(notReady)

	settle(t, only(db.PutVoiceRouting(ctx, emergency.VoiceRouting{
		DirectOffers:     []emergency.Offer{{Number: site.StandingNumber, Country: site.Country}},
		OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{site.StandingNumber}}},
	}, emergency.Change{})))
	told(notReady, ready)

	settle(t, db.RemoveNumber(ctx, "+12025550102", emergency.Change{}))
	caller, err := db.Caller(ctx, agent.ID)
	settle(t, err, only(db.PlaceCall(ctx, store.Placement{
		CallID: "0190a0b0-0000-7000-8000-000000000001", LegID: "0190a0b0-0000-7000-8000-000000000002", Caller: caller,
		Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates},
		Terms:  emergency.Terms{Lease: time.Hour, MaxCall: time.Hour}, At: time.Now(),
	})))
	told(notReady, ready, exhausted)

	settle(t, db.AddNumber(ctx, "+12025550103", site.ID, emergency.Change{}))
	told(notReady, ready, exhausted, well)
}

// staff fills a database with a site that has two callback numbers, and with somebody
// there who could call if there were a voice routing.
func staff(t *testing.T, db *store.Store) (emergency.Site, emergency.Agent) {
	t.Helper()
	ctx := t.Context()
	site := emergency.Site{
		ID: "site-us", Name: "Washington", Country: emergency.UnitedStates, StandingNumber: "+12025550100",
		Address: emergency.Address{Street: "100 Example Avenue NW", City: "Washington"}, FallbackEndpoint: "sip:desk@example.com",
	}
	agent := emergency.Agent{
		ID: "agent-us", Name: "Demo agent", SiteID: site.ID, Endpoints: []string{"sip:agent-us@phones.example"}, CapacityProfiles: []string{"default"},
	}
	settle(t,
		only(db.PutSite(ctx, site, emergency.Change{})),
		only(db.PutAgent(ctx, agent, emergency.Change{})),
		only(db.PutContacts(ctx, agent.ID, "ana@example.com", emergency.Change{})),
		db.AddNumber(ctx, "+12025550101", site.ID, emergency.Change{}),
		db.AddNumber(ctx, "+12025550102", site.ID, emergency.Change{}),
		only(db.ReportLocation(ctx, agent.ID, emergency.Location{Latitude: new(38.9), Longitude: new(-77.0), Address: &emergency.Address{Country: "US"}})),
	)
	return site, agent
}

// settle fails at the first error.
func settle(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
