package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

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

// auditLine is what the audit says of a change.
type auditLine struct {
	Action, Subject string
	Revision        int64
	By, Request     string
	At              time.Time
}

// auditLines are those about the configuration.
func (w *world) auditLines(t *testing.T) []auditLine {
	t.Helper()
	rows, err := w.raw.QueryContext(t.Context(), `SELECT action, subject, revision, changed_by, request_id, at FROM audit
		WHERE call_id = '' ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	var lines []auditLine
	for rows.Next() {
		var line auditLine
		if err := rows.Scan(&line.Action, &line.Subject, &line.Revision, &line.By, &line.Request, &line.At); err != nil {
			t.Fatal(err)
		}
		line.At = line.At.UTC()
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// changeEverything makes every change there is, one a minute, each in a request of
// its own.
func (w *world) changeEverything(t *testing.T) {
	t.Helper()
	request := 0
	next := func() emergency.Change {
		request++
		w.pass(time.Minute)
		return emergency.Change{By: "admin 3f9a1c2b", RequestID: fmt.Sprint("request-", request)}
	}
	agent := agentNamed("one", "us")
	agent.CallingNumber = "+12025550177"
	for _, change := range []func() error{
		func() error { return only(w.PutSite(t.Context(), siteNamed("us"), next())) },
		func() error { return w.AddNumber(t.Context(), first, "us", next()) },
		func() error { return only(w.PutAgent(t.Context(), agent, next())) },
		func() error { return only(w.PutContacts(t.Context(), "one", "desk@example.com", next())) },
		func() error { return only(w.PutVoiceRouting(t.Context(), routed, next())) },
		func() error { return only(w.PutTemplate(t.Context(), emergency.Template{Subject: "Call"}, next())) },
		func() error { return w.RemoveNumber(t.Context(), first, next()) },
		func() error { return w.RemoveAgent(t.Context(), "one", next()) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
	}
}

// The audit says who changed what, when, and in which request, and followers of the
// events hear what has changed and whom it concerns.
func changeLeavesAuditLine(t *testing.T, w *world) {
	w.changeEverything(t)
	routing, err := w.VoiceRouting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var (
		lines  []auditLine
		events []emergency.Event
	)
	for i, c := range []struct {
		line  auditLine
		event emergency.Event
	}{
		{auditLine{Action: "site-changed", Subject: "us", Revision: 1}, emergency.Event{Subject: "site", SiteID: "us"}},
		{auditLine{Action: "number-added", Subject: "…01"}, emergency.Event{Subject: "callback-numbers", SiteID: "us"}},
		{auditLine{Action: "agent-changed", Subject: "one", Revision: 1}, emergency.Event{Subject: "agent", AgentID: "one", SiteID: "us"}},
		{auditLine{Action: "contacts-changed", Subject: "one", Revision: 1}, emergency.Event{Subject: "contacts", AgentID: "one"}},
		{
			auditLine{Action: "voice-routing-changed", Subject: "voice-routing", Revision: routing.Revision},
			emergency.Event{Subject: "voice-routing"},
		},
		{auditLine{Action: "template-changed", Subject: "notification-template", Revision: 1}, emergency.Event{Subject: "template"}},
		{auditLine{Action: "number-removed", Subject: "…01"}, emergency.Event{Subject: "callback-numbers", SiteID: "us"}},
		{auditLine{Action: "agent-removed", Subject: "one", Revision: 2}, emergency.Event{Subject: "agent", AgentID: "one", SiteID: "us"}},
	} {
		c.line.By, c.line.Request = "admin 3f9a1c2b", fmt.Sprint("request-", i+1)
		c.line.At = noon.Add(time.Duration(i+1) * time.Minute)
		lines = append(lines, c.line)
		c.event.Type, c.event.Status, c.event.At = emergency.EventConfigurationChanged, emergency.Status(c.line.Action), c.line.At
		events = append(events, c.event)
	}
	same(t, "the audit", lines, w.auditLines(t))
	var told []emergency.Event
	for _, event := range w.since(t, 0) {
		if event.Type == emergency.EventConfigurationChanged {
			event.Seq = 0
			told = append(told, event)
		}
	}
	same(t, "what is told", events, told)
}

// What an administrator chooses for an agent leaves a line in the audit; to choose what is
// shown already is no change, and what agents choose themselves is nobody's business.
func presenceChosenForSomebody(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	before := len(w.auditLines(t))
	w.choose(t, "one", emergency.StatusBusy)
	by := emergency.Change{By: "admin 3f9a1c2b", RequestID: "request-1"}
	for _, status := range []emergency.Status{emergency.StatusBusy, emergency.StatusAway, emergency.StatusAway} {
		shown, err := w.SetPresenceFor(t.Context(), "one", status, by)
		if err != nil || shown.Status != status {
			t.Fatalf("the presence is %+v, %v", shown, err)
		}
	}
	for _, err := range []error{
		only(w.SetPresenceFor(t.Context(), "one", "", by)), only(w.SetPresenceFor(t.Context(), "nobody", emergency.StatusBusy, by)),
	} {
		if err == nil {
			t.Error("what cannot be is not refused")
		}
	}
	presence, err := w.Presence(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the audit", []auditLine{{
		Action: "presence-changed", Subject: "one", Revision: presence.Revision, By: by.By, Request: by.RequestID, At: noon,
	}}, w.auditLines(t)[before:])
}

// What is refused leaves no line, and nobody hears of it.
func refusedChangeLeavesNothing(t *testing.T, w *world) {
	w.everyKept(t)
	w.add(t, first, "us")
	lines, events := w.auditLines(t), w.since(t, 0)
	badSite, badAgent := siteNamed("us"), agentNamed("one", "us")
	badSite.StandingNumber, badAgent.CallingNumber = first, first
	never := emergency.Change{Seen: 99}
	for i, err := range []error{
		only(w.PutSite(t.Context(), badSite, emergency.Change{})),
		only(w.PutSite(t.Context(), siteNamed("us"), never)),
		only(w.PutAgent(t.Context(), badAgent, emergency.Change{})),
		only(w.PutAgent(t.Context(), agentNamed("one", "us"), never)),
		only(w.PutContacts(t.Context(), "one", "nonsense", emergency.Change{})),
		only(w.PutContacts(t.Context(), "one", "desk@example.com", never)),
		only(w.PutVoiceRouting(t.Context(), emergency.VoiceRouting{}, never)),
		only(w.PutVoiceRouting(t.Context(), emergency.VoiceRouting{Trunks: []emergency.Trunk{{}}}, emergency.Change{})),
		w.RemoveAgent(t.Context(), "one", never),
		w.AddNumber(t.Context(), first, "us", emergency.Change{}),
		w.RemoveNumber(t.Context(), second, emergency.Change{}),
	} {
		if err == nil {
			t.Errorf("change %d is not refused", i)
		}
	}
	same(t, "the audit", lines, w.auditLines(t))
	same(t, "the events", events, w.since(t, 0))
}

// Nothing in the audit tells a person, an address or a whole number (B14).
func auditOfChangesNamesNobody(t *testing.T, w *world) {
	w.changeEverything(t)
	w.addAgents(t, "us", "two")
	w.add(t, second, "us")
	w.finish(t, w.dial(t, "two").ID)
	if err := w.RefuseCall(t.Context(), refusedCall(), emergency.NoticePlan{}); err != nil {
		t.Fatal(err)
	}
	columns := w.columns(t, "audit")
	rows, err := w.raw.QueryContext(t.Context(), `SELECT * FROM audit`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	lines := 0
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprint(values...)
		for _, secret := range []string{
			"Agent ", "Site us", "Example Street", "Washington", "example.com", "sip:", "desk", "2025550", "911",
		} {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in the audit: %s", secret, line)
			}
		}
		lines++
	}
	if err := rows.Err(); err != nil || lines < 10 {
		t.Errorf("the audit has %d lines, %v", lines, err)
	}
}
