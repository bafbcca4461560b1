package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/httpapi"
)

// Opening the link of a notice acknowledges nothing, since programs that look at mail
// open every link; pressing the button does, and everybody sees who was first (B9).
func TestSomebodyAcknowledges(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "ACK_DEADLINE=1h")
	i.standalone()
	call := i.as("carrier").dial("agent-us", "911")
	links := map[string]string{}
	for _, letter := range i.awaitMail(call.CallID, "security@example.org", "supervisor@example.org") {
		links[letter.to] = linkIn(t, letter.text)
	}
	supervisor := i.as("supervisor")
	if page := visit(t, http.MethodGet, links["security@example.org"]); !strings.Contains(page, "<button") {
		t.Errorf("the page has no button:\n%s", page)
	}
	if state := supervisor.call(call.CallID).Notification.State; state != httpapi.NotificationStateSent {
		t.Errorf("after a look at the page the notice is %s", state)
	}
	visit(t, http.MethodPost, links["security@example.org"])
	if page := visit(t, http.MethodPost, links["supervisor@example.org"]); !strings.Contains(page, "security@example.org") {
		t.Errorf("who comes second does not learn who was first:\n%s", page)
	}
	if got := supervisor.call(call.CallID).Notification; got.State != httpapi.NotificationStateAcknowledged || got.AcknowledgedBy != "security@example.org" {
		t.Errorf("the notice is %s by %q", got.State, got.AcknowledgedBy)
	}
	await(t, "the workflow to hear of it", func() error {
		shown := details(t, i.engine(), call.CallID)
		return errors.Join(
			says(shown, "2 of 2 told of the call: security@example.org, supervisor@example.org"),
			says(shown, " UTC by security@example.org"),
		)
	})
}

// Nobody acknowledges: the site's own people are told, and told again, and no more
// often than they should be (B9).
func TestNobodyAcknowledges(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "ACK_DEADLINE=1s", "ACK_ESCALATIONS=2")
	i.standalone()
	i.tellTheSite("desk@example.org")
	call := i.as("carrier").dial("agent-us", "911")
	awaitEqual(t, "the state of the notice", httpapi.NotificationStateEscalated, func() httpapi.NotificationState {
		return i.as("supervisor").call(call.CallID).Notification.State
	})
	awaitEqual(t, "the escalations", 2, func() int { return i.as("supervisor").call(call.CallID).Notification.Escalations })
	i.awaitMail(call.CallID, "desk@example.org", "desk@example.org", "desk@example.org", "security@example.org", "supervisor@example.org")
	await(t, "the workflow to give up", func() error {
		return says(details(t, i.engine(), call.CallID), "Nobody has acknowledged")
	})
}

// A dial that was refused is told, too: somebody wanted help and did not get it here
// (B10). It says so, and what the agent was told to do instead; whoever dialed can read who
// was told, and who has seen it.
func TestRefusedDialIsTold(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	i.as("admin").must(http.StatusOK, http.MethodPut, "/v1/agents/agent-us", httpapi.AgentSettings{
		Name: "Demo agent", SiteID: "site-us", Endpoints: []string{"sip:agent-us@phones.example"}, CapacityProfiles: &[]string{},
	}, nil)
	events := i.as("supervisor").follow("")
	var problem httpapi.Problem
	i.as("carrier").must(http.StatusUnprocessableEntity, http.MethodPost, "/v1/emergency-calls",
		httpapi.DialRequest{AgentID: "agent-us", DialedNumber: "911"}, &problem)
	await(t, "the refusal to be told", func() error { return toldOf(events, "call-refused no-capacity-profile") })
	all := events.all()
	refused := all[slices.IndexFunc(all, func(e event) bool { return e.Type == httpapi.EventTypeCallRefused })].CallID
	if problem.CallID != refused {
		t.Errorf("whoever dialed is told of %q, and people of %q", problem.CallID, refused)
	}
	for _, letter := range i.awaitMail(refused, "security@example.org", "supervisor@example.org") {
		for _, fact := range []string{"911", "Dial 911 from a mobile phone.", "100 Example Avenue NW"} {
			if !strings.Contains(letter.text, fact) {
				t.Errorf("the notice to %s does not say %q:\n%s", letter.to, fact, letter.text)
			}
		}
		visit(t, http.MethodPost, linkIn(t, letter.text))
	}
	var shown httpapi.RefusedCall
	i.as("agent/agent-us").must(http.StatusOK, http.MethodGet, "/v1/refused-calls/"+refused, nil, &shown)
	if notice := shown.Notification; shown.Code != "no-capacity-profile" || notice.State != httpapi.NotificationStateAcknowledged || len(notice.Acknowledgements) != 2 {
		t.Errorf("the refused dial is shown as %+v", shown)
	}
}

// An administrator's own wording is what people read from then on (S18); one that leaves
// out where the caller is cannot be saved (B8).
func TestOwnWording(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	admin := i.as("admin")
	var wording httpapi.Template
	admin.must(http.StatusOK, http.MethodGet, "/v1/notification-template", nil, &wording)
	own := httpapi.TemplateSettings{Subject: "Help! " + wording.Subject, HTML: wording.HTML, Text: wording.Text}
	admin.must(http.StatusOK, http.MethodPut, "/v1/notification-template", own, nil)
	var refused httpapi.Problem
	admin.must(http.StatusBadRequest, http.MethodPut, "/v1/notification-template",
		httpapi.TemplateSettings{Subject: "Help", HTML: "<p>Help</p>", Text: "Help"}, &refused)
	if refused.Field == "" {
		t.Errorf("the problem names no part: %+v", refused)
	}
	call := i.as("carrier").dial("agent-us", "911")
	for _, letter := range i.awaitMail(call.CallID, "security@example.org", "supervisor@example.org") {
		if !strings.HasPrefix(letter.subject, "Help! ") {
			t.Errorf("the subject to %s is %q", letter.to, letter.subject)
		}
	}
}

// awaitMail waits until these recipients, in order of their addresses, have a notice of
// a call.
func (i *installation) awaitMail(callID string, recipients ...string) []letter {
	i.t.Helper()
	var letters []letter
	awaitEqual(i.t, "the recipients of notices", recipients, func() []string {
		letters = i.mail(callID)
		told := []string{}
		for _, letter := range letters {
			told = append(told, letter.to)
		}
		return told
	})
	return letters
}

// tellTheSite gives the demo's site in the United States people of its own.
func (i *installation) tellTheSite(recipients string) {
	i.t.Helper()
	var site httpapi.Site
	i.as("admin").must(http.StatusOK, http.MethodGet, "/v1/sites/site-us", nil, &site)
	i.as("admin").must(http.StatusOK, http.MethodPut, "/v1/sites/site-us", httpapi.SiteSettings{
		Name: site.Name, Country: site.Country, Address: site.Address, StandingNumber: site.StandingNumber,
		FallbackEndpoint: site.FallbackEndpoint, Recipients: recipients,
	}, nil)
}

var acknowledgeLink = regexp.MustCompile(`http://\S+/acknowledge/[\w-]+`)

func linkIn(t *testing.T, text string) string {
	t.Helper()
	link := acknowledgeLink.FindString(text)
	if link == "" {
		t.Fatalf("there is no link in the notice:\n%s", text)
	}
	return link
}

// visit opens a link as a browser does, or presses the button on its page.
func visit(t *testing.T, method, link string) string {
	t.Helper()
	if _, err := url.Parse(link); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(fmt.Errorf("%s %s: %s %w", method, link, response.Status, err))
	}
	return string(page)
}
