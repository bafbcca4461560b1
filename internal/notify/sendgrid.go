package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/remote"

	"github.com/sendgrid/rest"
	"github.com/sendgrid/sendgrid-go"
	sgmail "github.com/sendgrid/sendgrid-go/helpers/mail"
)

// SendGrid sends messages through SendGrid's v3 API, one request each. It may be
// used by several goroutines at once.
type SendGrid struct {
	key    string
	host   string
	from   *mail.Address
	client *http.Client
}

// NewSendGrid sends with an API key from the given sender. An empty host is
// SendGrid's global one; another is a URL such as https://api.eu.sendgrid.com.
// The time-out bounds one attempt from connecting to the end of the answer.
func NewSendGrid(key, host, from string, timeout time.Duration) (*SendGrid, error) {
	sender, err := parseSender(from)
	if err != nil {
		return nil, err
	}
	key, host = strings.TrimSpace(key), strings.TrimRight(strings.TrimSpace(host), "/")
	switch {
	case key == "" || strings.ContainsFunc(key, notVisible):
		return nil, errors.New("configure SendGrid: the API key must be visible ASCII characters")
	case host != "" && !plainURL(host):
		return nil, errors.New("configure SendGrid: the host must be an http or https URL without a path")
	case timeout <= 0:
		return nil, errors.New("configure SendGrid: the time-out must be longer than zero")
	}
	return &SendGrid{key: key, host: host, from: sender, client: remote.NewClient(timeout)}, nil
}

func plainURL(host string) bool {
	parsed, err := url.Parse(host)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") &&
		host == parsed.Scheme+"://"+parsed.Host && parsed.Hostname() != ""
}

// Send hands the message to SendGrid and returns its X-Message-Id. SendGrid knows
// no idempotency: the custom arguments are what a repetition is recognised by.
func (s *SendGrid) Send(ctx context.Context, m Message) (string, error) {
	recipient, err := m.check()
	if err != nil {
		return "", err
	}
	request := sendgrid.GetRequest(s.key, "/v3/mail/send", s.host)
	request.Method = rest.Post
	request.Body = sgmail.GetRequestBody(s.compose(m, recipient))
	built, err := rest.BuildRequestObject(request)
	if err != nil {
		return "", &SendError{Permanent: true, Reason: "build request to SendGrid", Err: err}
	}
	response, err := s.client.Do(built.WithContext(ctx))
	if err != nil {
		return "", &SendError{Reason: "no answer from SendGrid", Err: remote.WithoutURL(err)}
	}
	defer func() { _ = response.Body.Close() }()
	// Only 202 means that the message was taken: the client library calls a 401 a
	// success, and 200 is a rehearsal in SendGrid's sandbox, or not SendGrid.
	if response.StatusCode == http.StatusAccepted {
		return response.Header.Get("X-Message-Id"), nil
	}
	return "", refusal(response)
}

// compose switches off everything that would follow the reader. A real emergency
// also passes lists of people who unsubscribed from other mail, which SendGrid
// keeps for exactly this case.
func (s *SendGrid) compose(m Message, recipient *mail.Address) *sgmail.SGMailV3 {
	letter := sgmail.NewV3MailInit(
		sgmail.NewEmail(s.from.Name, s.from.Address), m.Subject, sgmail.NewEmail("", recipient.Address),
		sgmail.NewContent("text/plain", m.Text), sgmail.NewContent("text/html", m.HTML))
	letter.CustomArgs = map[string]string{
		"lifeline_call":   string(m.CallID),
		"lifeline_notice": m.NoticeID(),
	}
	letter.Headers = ownHeaders(m, s.from)
	off, on := new(bool), new(true)
	letter.TrackingSettings = &sgmail.TrackingSettings{
		ClickTracking: &sgmail.ClickTrackingSetting{Enable: off, EnableText: off},
		OpenTracking:  &sgmail.OpenTrackingSetting{Enable: off},
	}
	if m.Kind == emergency.KindEmergency {
		letter.MailSettings = &sgmail.MailSettings{BypassListManagement: &sgmail.Setting{Enable: on}}
	}
	return letter
}

// refusal reads what SendGrid did not like. Only what is wrong with this very message is
// for good. Without a valid key (401), without the right to send or a sender that SendGrid
// knows (403), and where there is no such service (404, 405, 451), all notices fail alike
// until an administrator has mended that, which takes minutes; a 403 also shuts out a
// sender for a while.
func refusal(response *http.Response) *SendError {
	refused := &SendError{Reason: fmt.Sprintf("SendGrid answered %d", response.StatusCode)}
	fields := fieldsRefused(response.Body)
	if len(fields) > 0 {
		refused.Reason += " because of " + strings.Join(fields, ", ")
	}
	switch status := response.StatusCode; {
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
	case slices.Contains(ofTheMessage, status) && !slices.ContainsFunc(fields, ofTheSender):
		refused.Permanent = true
		return refused
	case status >= 400 && status < 500:
		refused.Misconfigured = true
	}
	refused.RetryAfter = pauseAsked(response.Header, time.Now())
	return refused
}

// ofTheMessage are the answers to a message that would be refused from anybody.
var ofTheMessage = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}

// ofTheSender tells a field of the request that is not the message's but our own.
func ofTheSender(field string) bool { return field == "from" || strings.HasPrefix(field, "from.") }

var fieldPattern = regexp.MustCompile(`^[a-z_]{1,40}(\.([a-z_]{1,40}|[0-9]{1,4})){0,6}$`)

// fieldsRefused lists the fields that an error document names. Its messages are
// left out, because nothing says that they do not quote the recipient.
func fieldsRefused(body io.Reader) []string {
	var document struct {
		Errors []struct {
			Field string `json:"field"`
		} `json:"errors"`
	}
	const most = 64 << 10
	if json.NewDecoder(io.LimitReader(body, most)).Decode(&document) != nil {
		return nil
	}
	var fields []string
	for _, problem := range document.Errors {
		if fieldPattern.MatchString(problem.Field) {
			fields = append(fields, problem.Field)
		}
	}
	return fields
}
