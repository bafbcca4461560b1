package activities

import (
	"context"
	"fmt"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/workflows"
)

// linkCounts is how long a reader may acknowledge a notice: a night shift may see it in
// the morning.
const linkCounts = 24 * time.Hour

// worded is a notice for one recipient, or why it could not be worded.
type worded struct {
	message notify.Message
	err     error
}

// wording is the one that an administrator has saved last (S18), or the one that comes
// with the program: people are told even if the template cannot be read or used.
func (a *Activities) wording(ctx context.Context) *notify.Wording {
	saved, err := a.Notices.Template(ctx)
	if err == nil && saved.Version == 0 {
		return notify.Default()
	}
	if err == nil {
		var wording *notify.Wording
		if wording, err = notify.Compile(saved); err == nil {
			return wording
		}
	}
	a.Log.WarnContext(ctx, "The template cannot be used; the program's own wording does", "version", saved.Version, "error", err)
	return notify.Default()
}

// word puts a notice into words for one recipient, with a link by which he says that he
// has seen it (B9); of a test nobody need do so.
func (a *Activities) word(ctx context.Context, wording *notify.Wording, notice emergency.Notice, delivery emergency.Delivery) worded {
	if notice.Kind != emergency.KindTest {
		notice.AcknowledgeURL = a.Links.Acknowledge(notice.CallID, notice.Event, notice.Round,
			emergency.RecipientKey(delivery.Address), time.Now().Add(linkCounts))
	}
	message, err := wording.Render(notice, delivery.Address)
	if err == nil && wording != notify.Default() && message.TemplateVersion == 0 {
		a.Log.WarnContext(ctx, "The template cannot word this notice; the program's own wording does",
			"callId", notice.CallID, "event", notice.Event)
	}
	return worded{message, err}
}

// before counts whom the notices before an escalation have reached, so that it says no more
// than is true (B9): the call's first, or that it failed, and the escalations so far.
func (a *Activities) before(ctx context.Context, in workflows.NoticeRef) (emergency.Reach, error) {
	if in.Event != emergency.NoticeEscalated {
		return emergency.Reach{}, nil
	}
	earlier := []emergency.NoticeID{{Event: emergency.NoticePlaced}, {Event: emergency.NoticeFailed}}
	for round := 1; round < in.Round; round++ {
		earlier = append(earlier, emergency.NoticeID{Event: emergency.NoticeEscalated, Round: round})
	}
	var all []emergency.Delivery
	for _, one := range earlier {
		deliveries, err := a.Notices.Deliveries(ctx, in.CallID, one.Event, one.Round)
		if err != nil {
			return emergency.Reach{}, fmt.Errorf("count who was told before: %w", err)
		}
		all = append(all, deliveries...)
	}
	return emergency.ReachOf(all), nil
}
