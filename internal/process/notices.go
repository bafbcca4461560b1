package process

import (
	"cmp"
	"fmt"
	"strings"

	"lifeline/internal/emergency"
	"lifeline/internal/notify"
)

// links signs and reads the links by which people acknowledge a notice. They are signed
// with the payload keys, which every process has and which are kept secret already.
func (b *Base) links() (*notify.Links, error) {
	var secrets [][]byte
	for key := range strings.SplitSeq(b.Config.PayloadKeys, ",") {
		secrets = append(secrets, []byte(strings.TrimSpace(key)))
	}
	links, err := notify.NewLinks(cmp.Or(b.Config.PublicURL, "http://"+b.Config.HTTPAddr), secrets...)
	if err != nil {
		return nil, fmt.Errorf("sign links: %w", err)
	}
	return links, nil
}

// wordings is what the API needs to know of the wording of notices.
type wordings struct{}

// Check tries a wording on every sample.
func (wordings) Check(t emergency.Template) error {
	return notify.CheckTemplate(t) //nolint:wrapcheck // an *emergency.TemplateError, which the API shows
}

// Preview renders a notice.
func (wordings) Preview(t emergency.Template, n emergency.Notice) (subject, html, text string, err error) {
	return notify.Preview(t, n) //nolint:wrapcheck // as in Check
}

// Sample is a notice to try a wording on.
func (wordings) Sample(name string) (emergency.Notice, bool) { return notify.SampleNamed(name) }

// SampleNames lists them.
func (wordings) SampleNames() []string {
	var names []string
	for _, sample := range notify.Samples() {
		names = append(names, sample.Name)
	}
	return names
}

// Default is the wording that comes with the program.
func (wordings) Default() emergency.Template { return notify.DefaultTemplate() }
