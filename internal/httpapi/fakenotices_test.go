package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

func (f *fakeRecords) Template(context.Context) (emergency.Template, error) {
	unlock, err := f.lock()
	defer unlock()
	if len(f.templates) == 0 {
		return emergency.Template{}, err
	}
	return f.templates[len(f.templates)-1], err
}

func (f *fakeRecords) Templates(context.Context) ([]emergency.Template, error) {
	unlock, err := f.lock()
	defer unlock()
	return slices.Clone(f.templates), err
}

func (f *fakeRecords) TemplateVersion(_ context.Context, version int64) (emergency.Template, error) {
	unlock, err := f.lock()
	defer unlock()
	for _, kept := range f.templates {
		if kept.Version == version {
			return kept, err
		}
	}
	return emergency.Template{}, errors.Join(err, emergency.ErrUnknownTemplate)
}

func (f *fakeRecords) PutTemplate(ctx context.Context, wording emergency.Template, by emergency.Change) (emergency.Template, error) {
	if err := ctx.Err(); err != nil {
		return wording, fmt.Errorf("%w: %w", emergency.ErrUnavailable, err)
	}
	unlock, err := f.lock()
	defer unlock()
	if err != nil {
		return wording, err
	}
	if err := f.change(by, int64(len(f.templates))); err != nil {
		return wording, err
	}
	wording.Version, wording.SavedBy, wording.SavedAt = int64(len(f.templates))+1, by.By, testTime
	f.templates = append(f.templates, wording)
	return wording, nil
}

// Acknowledge knows the notices of kept calls, by their recipients.
func (f *fakeRecords) Acknowledge(_ context.Context, link emergency.NoticeLink, at time.Time) (emergency.Acknowledgement, error) {
	unlock, err := f.lock()
	defer unlock()
	if err != nil {
		return emergency.Acknowledgement{}, err
	}
	id := link.Notice.CallID
	call := f.calls[id]
	for _, d := range call.Notice.Deliveries {
		if d.Event != link.Notice.Event || d.Round != link.Notice.Round || emergency.RecipientKey(d.Address) != link.RecipientKey {
			continue
		}
		f.acknowledged++
		first := call.Notice.AcknowledgedAt.IsZero()
		if first {
			call.Notice.AcknowledgedAt, call.Notice.AcknowledgedBy = at, d.Address
			f.calls[id] = call
		}
		return emergency.Acknowledgement{At: call.Notice.AcknowledgedAt, By: call.Notice.AcknowledgedBy, First: first}, nil
	}
	return emergency.Acknowledgement{}, emergency.ErrUnknownNotice
}

func (f *fakeRecords) RecordMailEvent(_ context.Context, e emergency.MailEvent) (bool, error) {
	unlock, err := f.lock()
	defer unlock()
	if err != nil {
		return false, err
	}
	call := f.calls[e.Notice.CallID]
	for i, d := range call.Notice.Deliveries {
		if d.Event != e.Notice.Event || d.Round != e.Notice.Round || !strings.EqualFold(d.Address, e.Address) {
			continue
		}
		news := !slices.Contains(f.mailEvents, e.ID)
		if news {
			f.mailEvents = append(f.mailEvents, e.ID)
			call.Notice.Deliveries[i].State, call.Notice.Deliveries[i].UpdatedAt = e.State, e.At
		}
		return news, nil
	}
	return false, emergency.ErrUnknownNotice
}

// fakeTemplates refuses a wording that has "{{broken}}" in it, and shows one with the
// call's ID for "{{call}}", and with all that is known for "{{all}}". It takes a minute over
// one with the subject "slow".
type fakeTemplates struct{}

func (fakeTemplates) Check(wording emergency.Template) error {
	if wording.Subject == "slow" {
		time.Sleep(time.Minute)
	}
	for part, template := range map[string]string{"subject": wording.Subject, "html": wording.HTML, "text": wording.Text} {
		before, _, broken := strings.Cut(template, "{{broken}}")
		if broken {
			return &emergency.TemplateError{
				Part: part, Line: strings.Count(before, "\n") + 1, Column: len(before) - strings.LastIndex(before, "\n"),
				Problem: "has no value broken",
			}
		}
	}
	return nil
}

func (t fakeTemplates) Preview(wording emergency.Template, notice emergency.Notice) (subject, html, text string, err error) {
	all, _ := json.Marshal(notice)
	fill := strings.NewReplacer("{{call}}", string(notice.CallID), "{{all}}", string(all)).Replace
	return fill(wording.Subject), fill(wording.HTML), fill(wording.Text), t.Check(wording)
}

func (fakeTemplates) Sample(name string) (emergency.Notice, bool) {
	return emergency.Notice{
		CallID: emergency.CallID("sample-" + name), Event: emergency.NoticePlaced, Number: "+12025550147", SiteName: "Sample Office",
		AcknowledgeURL: "https://lifeline.example.com/acknowledge/sample",
	}, name == "placed" || name == "test"
}

func (fakeTemplates) SampleNames() []string { return []string{"placed", "test"} }

func (fakeTemplates) Default() emergency.Template {
	return emergency.Template{Subject: "Call {{call}}", HTML: "<p>Call {{call}}</p>", Text: "Call {{call}}\n"}
}

// fakeLinks reads tokens such as "call-agent-us.desk@example.com".
type fakeLinks struct{}

func (fakeLinks) Read(token string, _ time.Time) (emergency.NoticeLink, error) {
	call, address, found := strings.Cut(token, ".")
	link := emergency.NoticeLink{
		Notice:       emergency.NoticeID{CallID: emergency.CallID(call), Event: emergency.NoticePlaced},
		RecipientKey: emergency.RecipientKey(address),
	}
	switch {
	case !found:
		return link, emergency.ErrLinkForged
	case call == "old":
		return link, emergency.ErrLinkExpired
	}
	return link, nil
}

// fakeMailEvents are signed with "right", and are what they are told to be.
type fakeMailEvents struct {
	events []emergency.MailEvent
	body   []byte
}

func (f *fakeMailEvents) Read(signature, timestamp string, body []byte) ([]emergency.MailEvent, error) {
	f.body = body
	switch {
	case signature != "right" || timestamp != "now":
		return nil, emergency.ErrMailEventsForged
	case !strings.HasPrefix(string(body), "["):
		return nil, errors.New("not a list")
	}
	return f.events, nil
}

// withMailEvents has SendGrid's events heard.
func withMailEvents(events ...emergency.MailEvent) (*fakeMailEvents, func(*Options)) {
	heard := &fakeMailEvents{events: events}
	return heard, func(o *Options) { o.MailEvents = heard }
}

func tellMailEvents(body string) ask {
	return ask{
		method: http.MethodPost, path: "/v1/sendgrid-events", body: body,
		headers: map[string]string{mailSignature: "right", mailTimestamp: "now"},
	}
}
