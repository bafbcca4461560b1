package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"
)

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
		{auditLine{Action: "number-added", Subject: "…01 us"}, emergency.Event{Subject: "callback-numbers", SiteID: "us"}},
		{auditLine{Action: "agent-changed", Subject: "one", Revision: 1}, emergency.Event{Subject: "agent", AgentID: "one", SiteID: "us"}},
		{auditLine{Action: "contacts-changed", Subject: "one", Revision: 1}, emergency.Event{Subject: "contacts", AgentID: "one"}},
		{
			auditLine{Action: "voice-routing-changed", Subject: "voice-routing", Revision: routing.Revision},
			emergency.Event{Subject: "voice-routing"},
		},
		{auditLine{Action: "template-changed", Subject: "notification-template", Revision: 1}, emergency.Event{Subject: "template"}},
		{auditLine{Action: "number-removed", Subject: "…01 us"}, emergency.Event{Subject: "callback-numbers", SiteID: "us"}},
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

// Every change of a pool leaves a line that shows the end of the number, and the site; what
// changes nothing leaves none.
func numbersLeaveAuditLines(t *testing.T, w *world) {
	w.addSite(t, "us")
	w.addAgents(t, "us", "one")
	by := emergency.Change{By: "admin 3f9a1c2b", RequestID: "request-1"}
	lines := func(action string) int {
		return w.count(t, `SELECT COUNT(*) FROM audit WHERE action = $1 AND subject = '…01 us' AND changed_by = $2 AND request_id = $3`,
			action, by.By, by.RequestID)
	}
	if err := w.AddNumber(t.Context(), first, "us", by); err != nil {
		t.Fatal(err)
	}
	if err := w.AddNumber(t.Context(), first, "us", by); !errors.Is(err, emergency.ErrNumberExists) {
		t.Errorf("added twice gives %v, want ErrNumberExists", err)
	}
	w.dial(t, "one")
	for range 2 {
		if err := w.RemoveNumber(t.Context(), first, by); err != nil {
			t.Fatal(err)
		}
	}
	if added, removed := lines("number-added"), lines("number-removed"); added != 1 || removed != 1 {
		t.Errorf("the audit has %d lines of the adding and %d of the removal, want one each", added, removed)
	}
	if changes := w.count(t, `SELECT COUNT(*) FROM events WHERE type = 'configuration-changed' AND status IN ('number-added', 'number-removed')`); changes != 2 {
		t.Errorf("%d changes are told, want 2", changes)
	}
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
