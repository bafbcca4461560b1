package httpapi

import (
	"errors"

	"lifeline/internal/emergency"
)

// tell puts what an administrator would like to see told into a sample (S18). It goes
// through the wording like what stands in the records, so a preview hides nothing.
func (d *PreviewData) tell(n emergency.Notice) (emergency.Notice, error) {
	if d == nil {
		return n, nil
	}
	if d.Event != "" {
		n.Event, n.Round = emergency.NoticeEvent(d.Event), 0
		if n.Event == emergency.NoticeEscalated {
			n.Round = 1
		}
	}
	if d.Kind != "" {
		n.Kind = emergency.Kind(d.Kind)
	}
	if n.Kind == emergency.KindTest {
		n.AcknowledgeURL = "" // nobody need acknowledge a test (B13)
	}
	if d.CallID != "" {
		n.CallID = emergency.CallID(d.CallID)
	}
	if !d.DialedAt.IsZero() {
		n.DialedAt = d.DialedAt
	}
	put(&n.AgentName, d.AgentName)
	put(&n.SiteName, d.SiteName)
	put(&n.Dialed, d.DialedNumber)
	put(&n.Zone, d.TimeZone)
	put(&n.Number, d.CallbackNumber)
	put(&n.Reason, d.Reason)
	put(&n.Instead, d.Instead)
	put(&n.AcknowledgeURL, d.AcknowledgeURL)
	put(&n.Before.Told, d.PeopleTold)
	put(&n.Before.Missed, d.PeopleMissed)
	if d.SiteAddress != nil {
		n.Conveyed.Site = addressFrom(*d.SiteAddress)
	}
	if err := emergency.CheckZone("data.timeZone", n.Zone); err != nil {
		return n, err //nolint:wrapcheck // fail tells the domain's errors apart
	}
	return d.locate(n)
}

// locate puts in what the caller's device is to have said of the place.
func (d *PreviewData) locate(n emergency.Notice) (emergency.Notice, error) {
	if d.Location == nil {
		return n, nil
	}
	n.Conveyed.Device = locationFrom(d.Location)
	err := n.Conveyed.Device.Validate()
	if broken, ok := errors.AsType[*emergency.Invalid](err); ok {
		return n, invalid("data."+broken.Field, broken.Problem)
	}
	return n, err //nolint:wrapcheck // there is no other
}

// put changes what is given.
func put[T any](into, given *T) {
	if given != nil {
		*into = *given
	}
}
