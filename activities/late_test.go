package activities_test

import (
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
	"lifeline/workflows"
)

// A call that was over when it could be written down keeps open until people have been
// told of it, which its workflow tries again; a supervisor who cancels it need not wait
// (S9, B7).
func TestReleaseAfterLateNotices(t *testing.T) {
	const late = emergency.CallID("0198c0de-0000-7000-8000-00000000a7e0")
	for _, c := range []struct {
		name, outcome string
		told          bool
		want          bool
	}{
		{"while they are told", workflows.OutcomeCompleted, false, false},
		{"once they have been told", workflows.OutcomeCompleted, true, true},
		{"when it is cancelled", workflows.OutcomeCancelled, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 0)
			who, err := r.store.Caller(t.Context(), caller)
			ok(t, err)
			dialed := time.Now().Add(-6 * time.Hour)
			_, err = r.store.PlaceCall(t.Context(), store.Placement{
				CallID: late, LegID: "late", Caller: who, At: dialed,
				Dialed: emergency.Dialed{Number: "911", Kind: emergency.KindEmergency, Country: emergency.UnitedStates},
				Terms:  emergency.Terms{Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 30 * time.Minute},
				Shown:  &store.Shown{Number: who.Site.StandingNumber, Kind: emergency.NumberStanding},
			})
			ok(t, err)
			_, err = r.store.EndLegs(t.Context(), store.Ending{CallID: late, At: dialed.Add(time.Minute), Tell: true})
			ok(t, err)
			if c.told {
				_, err := r.NotifyContacts(t.Context(), workflows.NoticeRef{CallID: late, Event: emergency.NoticePlaced})
				ok(t, err)
			}
			release, err := r.ReleaseNumber(t.Context(), workflows.Closing{CallID: late, Outcome: c.outcome})
			ok(t, err)
			same(t, "released", c.want, release.Released)
		})
	}
}
