package store_test

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

// readinessRules are about who could call now.
var readinessRules = []rule{
	{"told when it changes", readinessToldWhenItChanges},
	{"told when the reasons change", readinessToldWhenReasonsChange},
	{"told when nobody is there any more", readinessToldOfRemoval},
	{"told once by many", readinessToldOnceByMany},
	{"told of a whole crowd", readinessOfACrowd},
	{"of nobody who is gone", readinessOfNobodyWhoIsGone},
}

// locationRules are about where desktops say that they are.
var locationRules = []rule{
	{"told and known to a dial", locationTold},
	{"refused", locationRefused},
	{"forgotten in time", locationForgotten},
}

// assessed is an assessment that comes to a result.
func assessed(agent emergency.AgentID, result emergency.Readiness) emergency.Assessment {
	assessment := emergency.Assessment{AgentID: agent}
	switch result {
	case emergency.NotReady:
		assessment.Checks = []emergency.Check{{Code: emergency.CheckNoRoute}}
	case emergency.ReadyWithWarnings:
		assessment.Checks = []emergency.Check{{Code: emergency.CheckNoContacts, Warning: true}}
	case emergency.Ready:
	}
	return assessment
}

// saves has somebody save readiness, and checks how many changes that was, and of whom
// the events tell what.
func (w *world) saves(t *testing.T, all []emergency.Assessment, told ...emergency.Event) {
	t.Helper()
	begin, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changed, err := w.SaveReadiness(t.Context(), all)
	if err != nil || changed != len(told) {
		t.Errorf("%d have changed, %v, want %d", changed, err, len(told))
	}
	events := w.since(t, begin)
	for i := range events {
		events[i].Seq = 0
	}
	same(t, "what is told", told, events)
}

func (w *world) tells(agent emergency.AgentID, result emergency.Readiness) emergency.Event {
	return emergency.Event{
		Type: emergency.EventReadinessChanged, AgentID: agent, Status: emergency.Status(result), At: w.clock.read(),
	}
}

// What changes is told, by the agents' IDs, and what stays is not (B12).
func readinessToldWhenItChanges(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	both := []emergency.Assessment{assessed("two", emergency.NotReady), assessed("one", emergency.Ready)}
	w.saves(t, both, w.tells("one", emergency.Ready), w.tells("two", emergency.NotReady))
	w.saves(t, both)
	w.pass(time.Minute)
	both[0] = assessed("two", emergency.ReadyWithWarnings)
	w.saves(t, both, w.tells("two", emergency.ReadyWithWarnings))
	w.saves(t, both[1:])
	both[0] = assessed("two", emergency.NotReady)
	w.saves(t, both, w.tells("two", emergency.NotReady))
	w.saves(t, nil)
}

// Whoever mends one thing of two sees it, although the agent still could not call (B12).
// In which order the checks come makes no difference.
func readinessToldWhenReasonsChange(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	route, profile := emergency.Check{Code: emergency.CheckNoRoute}, emergency.Check{Code: emergency.CheckNoOutboundProfile}
	warning := emergency.Check{Code: emergency.CheckNoContacts, Warning: true}
	for _, step := range []struct {
		checks []emergency.Check
		told   bool
	}{
		{[]emergency.Check{route, profile}, true},
		{[]emergency.Check{profile, route}, false},
		{[]emergency.Check{profile}, true},
		{[]emergency.Check{route}, true},
		{[]emergency.Check{route, warning}, true},
		{[]emergency.Check{route, warning}, false},
	} {
		var told []emergency.Event
		if step.told {
			told = append(told, w.tells("one", emergency.NotReady))
		}
		w.saves(t, []emergency.Assessment{{AgentID: "one", Checks: step.checks}}, told...)
	}
}

// Who has been removed is on no board any more, and that is told (B12).
func readinessToldOfRemoval(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	begin, err := w.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.removeAgent(t, "one")
	var told []emergency.Event
	for _, event := range w.since(t, begin) {
		if event.Type == emergency.EventReadinessChanged {
			event.Seq = 0
			told = append(told, event)
		}
	}
	same(t, "what is told", []emergency.Event{w.tells("one", emergency.NotReady)}, told)
}

// Processes that all see a change tell of it once.
func readinessToldOnceByMany(t *testing.T, w *world) {
	w.addSite(t, "us")
	agents := w.crowd(t, "us", 20)
	stores := []*world{w, w.beside(t)}
	for _, result := range []emergency.Readiness{emergency.Ready, emergency.NotReady} {
		begin, err := w.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []emergency.Assessment
		for _, agent := range agents {
			all = append(all, assessed(agent, result))
		}
		var changed atomic.Int64
		atOnce(t, 4, func(i int) error {
			n, err := stores[i%2].SaveReadiness(t.Context(), all)
			changed.Add(int64(n))
			return failed("save readiness", err)
		})
		if events := len(w.since(t, begin)); changed.Load() != 20 || events != 20 {
			t.Errorf("%d changes are counted and %d are told, want 20", changed.Load(), events)
		}
	}
}

// Everybody changes at once when the voice routing does.
func readinessOfACrowd(t *testing.T, w *world) {
	w.addSite(t, "dk")
	var (
		all  []emergency.Assessment
		told []emergency.Event
	)
	for _, agent := range w.crowd(t, "dk", 99) {
		all = append(all, assessed(agent, emergency.NotReady))
		told = append(told, w.tells(agent, emergency.NotReady))
	}
	w.saves(t, all, told...)
}

// Nobody hears of an agent who has been removed or never was; one who comes back is
// told of again.
func readinessOfNobodyWhoIsGone(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	w.saves(t, []emergency.Assessment{assessed("nobody", emergency.NotReady)})
	one := []emergency.Assessment{assessed("one", emergency.NotReady)}
	w.saves(t, one, w.tells("one", emergency.NotReady))
	w.removeAgent(t, "one")
	w.saves(t, one)
	w.addAgents(t, "us", "one")
	w.saves(t, one, w.tells("one", emergency.NotReady))
}

// reports has a desktop tell where it is.
func (w *world) reports(t *testing.T, agent emergency.AgentID, at emergency.Location) emergency.ReportedLocation {
	t.Helper()
	reported, err := w.ReportLocation(t.Context(), agent, at)
	if err != nil {
		t.Fatal(err)
	}
	return reported
}

// knows checks what a dial knows of where an agent is.
func (w *world) knows(t *testing.T, agent emergency.AgentID, want *emergency.ReportedLocation) {
	t.Helper()
	caller, err := w.Caller(t.Context(), agent)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "where "+string(agent)+" is", want, caller.Reported)
}

// A dial knows what the desktop has told last, as it was told (S13), of this agent and
// of nobody else. It is no administrator's business, so no audit has it.
func locationTold(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	w.knows(t, "one", nil)
	lines := len(w.auditLines(t))
	latitude, longitude, accuracy := 38.9, -77.03, 12.5
	for _, at := range []emergency.Location{
		{
			Latitude: &latitude, Longitude: &longitude, Accuracy: &accuracy, Permission: emergency.LocationGranted,
			Address: &emergency.Address{Street: `1 "Example" Street`, City: "København", Country: "DK"}, CapturedAt: noon.Add(time.Millisecond),
		},
		{Permission: emergency.LocationDenied},
		{},
	} {
		w.pass(time.Second)
		reported := w.reports(t, "one", at)
		same(t, "the answer", emergency.ReportedLocation{Location: at, At: w.clock.read()}, reported)
		w.knows(t, "one", &reported)
	}
	w.knows(t, "two", nil)
	// A zone makes no difference.
	reported := w.reports(t, "two", emergency.Location{CapturedAt: noon.Add(time.Nanosecond).In(east)})
	same(t, "when it was captured", noon, reported.CapturedAt)
	w.knows(t, "two", &reported)
	same(t, "the lines in the audit", lines, len(w.auditLines(t)))
}

// What is no place, and what nobody is at, is refused and changes nothing.
func locationRefused(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	kept := w.reports(t, "one", emergency.Location{Address: &emergency.Address{Unit: "Floor 3"}})
	nowhere := math.NaN()
	var invalid *emergency.Invalid
	if _, err := w.ReportLocation(t.Context(), "one", emergency.Location{Latitude: &nowhere, Longitude: &nowhere}); !errors.As(err, &invalid) {
		t.Errorf("nowhere gives %v, want *Invalid", err)
	}
	w.knows(t, "one", &kept)
	if _, err := w.ReportLocation(t.Context(), "nobody", emergency.Location{}); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v, want ErrUnknownAgent", err)
	}
}

// What was told before a time is forgotten, and what was told at it is not.
func locationForgotten(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one", "two")
	w.reports(t, "one", emergency.Location{})
	w.pass(time.Minute)
	kept := w.reports(t, "two", emergency.Location{})
	if err := w.ForgetLocations(t.Context(), w.clock.read().In(west)); err != nil {
		t.Fatal(err)
	}
	w.knows(t, "one", nil)
	w.knows(t, "two", &kept)
	if left := w.count(t, `SELECT COUNT(*) FROM agents WHERE location <> ''`); left != 1 {
		t.Errorf("%d locations are left, want 1", left)
	}
}
