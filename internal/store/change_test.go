package store_test

import (
	"errors"
	"testing"

	"lifeline/internal/emergency"
)

// changeRules are about several administrators, and what is kept of them.
var changeRules = []rule{
	{"on the base of what is kept", basedOnWhatIsKept},
	{"of what is not kept yet", ofWhatIsNotKeptYet},
	{"removal on the base of what is kept", removalBasedOnWhatIsKept},
	{"one of two wins", oneOfTwoWins},
	{"one of two first ones wins", oneOfTwoFirstOnesWins},
	{"leaves a line in the audit", changeLeavesAuditLine},
	{"of somebody's presence leaves a line", presenceChosenForSomebody},
	{"a refused one leaves none", refusedChangeLeavesNothing},
	{"names no person", auditOfChangesNamesNobody},
}

// kept is something that administrators change, with the revision that it has now.
type kept struct {
	name     string
	put      func(*world, *testing.T, emergency.Change) error
	revision func(*world, *testing.T) int64
}

// allKept need the site "us" and the agent "one".
var allKept = []kept{
	{
		"site",
		func(w *world, t *testing.T, by emergency.Change) error {
			return only(w.PutSite(t.Context(), siteNamed("us"), by))
		},
		func(w *world, t *testing.T) int64 {
			site, err := w.Site(t.Context(), "us")
			return must(t, site.Revision, err)
		},
	},
	{
		"agent",
		func(w *world, t *testing.T, by emergency.Change) error {
			return only(w.PutAgent(t.Context(), agentNamed("one", "us"), by))
		},
		func(w *world, t *testing.T) int64 {
			agent, err := w.Agent(t.Context(), "one")
			return must(t, agent.Revision, err)
		},
	},
	{
		"contacts",
		func(w *world, t *testing.T, by emergency.Change) error {
			return only(w.PutContacts(t.Context(), "one", "desk@example.com", by))
		},
		func(w *world, t *testing.T) int64 {
			contacts, err := w.Contacts(t.Context(), "one")
			return must(t, contacts.Revision, err)
		},
	},
	{
		"voice routing",
		func(w *world, t *testing.T, by emergency.Change) error {
			return only(w.PutVoiceRouting(t.Context(), emergency.VoiceRouting{}, by))
		},
		func(w *world, t *testing.T) int64 {
			routing, err := w.VoiceRouting(t.Context())
			return must(t, routing.Revision, err)
		},
	},
}

// must gives a value that is there.
func must[T any](t *testing.T, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// everyKept adds one of each.
func (w *world) everyKept(t *testing.T) {
	t.Helper()
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	for _, k := range allKept {
		if err := k.put(w, t, emergency.Change{}); err != nil {
			t.Fatal(err)
		}
	}
}

// A change goes through on the base of the revision that is kept, or of any; each
// makes a new one. On the base of any other it is refused, and changes nothing.
func basedOnWhatIsKept(t *testing.T, w *world) {
	w.everyKept(t)
	for _, k := range allKept {
		now := k.revision(w, t)
		if err := k.put(w, t, emergency.Change{Seen: now}); err != nil {
			t.Errorf("%s on the base of what is kept gives %v", k.name, err)
		}
		if err := k.put(w, t, emergency.Change{}); err != nil {
			t.Errorf("%s on the base of anything gives %v", k.name, err)
		}
		for _, seen := range []int64{now, now + 1, now + 3, emergency.SeenNothing} {
			if err := k.put(w, t, emergency.Change{Seen: seen}); !errors.Is(err, emergency.ErrChangedMeanwhile) {
				t.Errorf("%s at revision %d on the base of %d gives %v, want ErrChangedMeanwhile", k.name, now+2, seen, err)
			}
		}
		same(t, "the revision of the "+k.name, now+2, k.revision(w, t))
	}
}

// What is not there has no revision to base a change on; whoever has seen that there
// is nothing adds it.
func ofWhatIsNotKeptYet(t *testing.T, w *world) {
	for _, k := range allKept[:3] { // there is always a voice routing
		if err := k.put(w, t, emergency.Change{Seen: 1}); !errors.Is(err, emergency.ErrChangedMeanwhile) &&
			!errors.Is(err, emergency.ErrUnknownSite) && !errors.Is(err, emergency.ErrUnknownAgent) {
			t.Errorf("%s of nowhere on the base of something gives %v", k.name, err)
		}
	}
	for _, k := range allKept[:3] {
		if err := k.put(w, t, emergency.Change{Seen: 1}); !errors.Is(err, emergency.ErrChangedMeanwhile) {
			t.Errorf("%s on the base of something gives %v, want ErrChangedMeanwhile", k.name, err)
		}
		if err := k.put(w, t, emergency.Change{Seen: emergency.SeenNothing}); err != nil {
			t.Errorf("%s on the base of nothing gives %v", k.name, err)
		}
		same(t, "the revision of the "+k.name, 1, k.revision(w, t))
	}
}

// Nobody is removed on the base of what somebody has changed since.
func removalBasedOnWhatIsKept(t *testing.T, w *world) {
	w.everyKept(t) // the agent is at revision 2
	for _, seen := range []int64{1, 3, emergency.SeenNothing} {
		if err := w.RemoveAgent(t.Context(), "one", emergency.Change{Seen: seen}); !errors.Is(err, emergency.ErrChangedMeanwhile) {
			t.Errorf("removed on the base of %d gives %v, want ErrChangedMeanwhile", seen, err)
		}
	}
	if err := w.RemoveAgent(t.Context(), "one", emergency.Change{Seen: 2}); err != nil {
		t.Error(err)
	}
}

// contest has two administrators change something at the same moment in two
// processes, both on the same base, and says how many of them won.
func (w *world) contest(t *testing.T, other *world, k kept, seen int64) int {
	t.Helper()
	won := make(chan bool, 4)
	atOnce(t, cap(won), func(i int) error {
		err := k.put([]*world{w, other}[i%2], t, emergency.Change{Seen: seen})
		won <- err == nil
		if errors.Is(err, emergency.ErrChangedMeanwhile) {
			return nil
		}
		return failed("put "+k.name, err)
	})
	winners := 0
	for range cap(won) {
		if <-won {
			winners++
		}
	}
	return winners
}

// Of administrators who have seen the same, one wins and the others are told.
func oneOfTwoWins(t *testing.T, w *world) {
	other := w.beside(t)
	w.everyKept(t)
	for _, k := range allKept {
		for range 5 {
			before := k.revision(w, t)
			if winners := w.contest(t, other, k, before); winners != 1 {
				t.Fatalf("%d have changed the %s, want 1", winners, k.name)
			}
			same(t, "the revision of the "+k.name, before+1, k.revision(w, t))
		}
	}
}

// The same holds when they have seen that there is nothing.
func oneOfTwoFirstOnesWins(t *testing.T, w *world) {
	other := w.beside(t)
	for range 5 {
		w.wipe(t)
		for _, k := range allKept[:3] {
			if winners := w.contest(t, other, k, emergency.SeenNothing); winners != 1 {
				t.Fatalf("%d have added the %s, want 1", winners, k.name)
			}
			same(t, "the revision of the "+k.name, 1, k.revision(w, t))
		}
	}
}
