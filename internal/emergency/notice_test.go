package emergency_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// A call says in one word how far its notice has come.
func TestNotificationState(t *testing.T) {
	queued, sent, failed := emergency.DeliveryQueued, emergency.DeliverySent, emergency.DeliveryFailed
	for _, c := range []struct {
		name   string
		states []emergency.DeliveryState
		want   emergency.NotificationState
	}{
		// No contact, nobody to tell (S9).
		{"nobody", nil, emergency.NotificationNone},
		// While one waits, the notice is not out.
		{"all wait", []emergency.DeliveryState{queued, queued}, emergency.NotificationQueued},
		{"one waits", []emergency.DeliveryState{sent, failed, queued}, emergency.NotificationQueued},
		// Somebody was told.
		{"all sent", []emergency.DeliveryState{sent, sent}, emergency.NotificationSent},
		{"one sent", []emergency.DeliveryState{failed, sent, failed}, emergency.NotificationSent},
		// Nobody was told, and nobody will be.
		{"all failed", []emergency.DeliveryState{failed, failed}, emergency.NotificationFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			var notification emergency.Notification
			for _, state := range c.states {
				notification.Deliveries = append(notification.Deliveries, emergency.Delivery{State: state})
			}
			if got := notification.State(); got != c.want {
				t.Errorf("the state is %q, want %q", got, c.want)
			}
		})
	}
}

// What a mail system proves of a delivery is told of the call: the best that is known of
// any. That more people were told because nobody acknowledged outweighs it, and that
// somebody acknowledged outweighs all (B9).
func TestNotificationStateOfProof(t *testing.T) {
	to := func(round int, states ...emergency.DeliveryState) []emergency.Delivery {
		var all []emergency.Delivery
		for _, state := range states {
			all = append(all, emergency.Delivery{Round: round, State: state})
		}
		return all
	}
	queued, sent, failed := emergency.DeliveryQueued, emergency.DeliverySent, emergency.DeliveryFailed
	delivered, bounced := emergency.DeliveryDelivered, emergency.DeliveryBounced
	superseded := emergency.DeliverySuperseded
	seen := time.Date(2026, time.October, 4, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		n    emergency.Notification
		want emergency.NotificationState
	}{
		{"delivered", emergency.Notification{Deliveries: to(0, delivered, sent, bounced)}, emergency.NotificationDelivered},
		{"one came back", emergency.Notification{Deliveries: to(0, sent, bounced)}, emergency.NotificationSent},
		{"all came back", emergency.Notification{Deliveries: to(0, bounced, failed)}, emergency.NotificationBounced},
		{"acknowledged", emergency.Notification{Deliveries: to(0, sent), AcknowledgedAt: seen}, emergency.NotificationAcknowledged},
		// Whoever has seen it has seen it, whatever is still on its way.
		{"acknowledged early", emergency.Notification{Deliveries: to(0, delivered, queued), AcknowledgedAt: seen}, emergency.NotificationAcknowledged},
		{"acknowledged late", emergency.Notification{Deliveries: append(to(0, failed), to(1, sent)...), AcknowledgedAt: seen}, emergency.NotificationAcknowledged},
		// An escalation that has yet to go out takes nothing back.
		{"being escalated", emergency.Notification{Deliveries: append(to(0, sent), to(1, queued)...)}, emergency.NotificationSent},
		{"being escalated after delivery", emergency.Notification{Deliveries: append(to(0, delivered), to(1, queued)...)}, emergency.NotificationDelivered},
		{"being escalated after failure", emergency.Notification{Deliveries: append(to(0, failed), to(1, queued)...)}, emergency.NotificationFailed},
		{"being escalated again", emergency.Notification{Deliveries: append(append(to(0, sent), to(1, sent)...), to(2, queued)...)}, emergency.NotificationEscalated},
		{"being escalated while the first waits", emergency.Notification{Deliveries: append(to(0, queued), to(1, queued)...)}, emergency.NotificationQueued},
		{"escalated while the first waits for one", emergency.Notification{Deliveries: append(to(0, sent, queued), to(1, sent)...)}, emergency.NotificationEscalated},
		{"escalated", emergency.Notification{Deliveries: append(to(0, failed), to(1, sent)...)}, emergency.NotificationEscalated},
		{"escalated in vain", emergency.Notification{Deliveries: append(to(0, bounced), to(1, failed)...)}, emergency.NotificationBounced},
		{"an escalation too late", emergency.Notification{Deliveries: append(to(0, failed), to(1, superseded)...)}, emergency.NotificationFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.n.State(); got != c.want {
				t.Errorf("the state is %q, want %q", got, c.want)
			}
		})
	}
}

// A notice of a later event that waits, such as that of a callback, does not take back
// that people were told of the call (B9).
func TestNotificationStateOfLaterNotice(t *testing.T) {
	n := emergency.Notification{Deliveries: []emergency.Delivery{
		{Event: emergency.NoticePlaced, State: emergency.DeliverySent}, {Event: emergency.NoticeCallback, State: emergency.DeliveryQueued},
	}}
	if got := n.State(); got != emergency.NotificationSent {
		t.Errorf("the state is %q, want sent", got)
	}
	n.Deliveries[0].State = emergency.DeliveryQueued
	if got := n.State(); got != emergency.NotificationQueued {
		t.Errorf("the state is %q, want queued", got)
	}
}

// However a call's notices go on, its state never goes back to queued or none, never
// leaves acknowledged, never says that people were told when nobody has it, nor that
// nobody has it when somebody may; and escalations are counted by their rounds, not by
// their people (B9).
func TestNotificationStateNeverMisleads(t *testing.T) {
	all := []emergency.DeliveryState{
		emergency.DeliveryQueued, emergency.DeliveryFailed, emergency.DeliverySuperseded, emergency.DeliverySent,
		emergency.DeliveryDelivered, emergency.DeliveryBounced, emergency.DeliveryAcknowledged,
	}
	rapid.Check(t, func(t *rapid.T) {
		var n emergency.Notification
		var before emergency.NotificationState
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0: // a further round, which nobody has yet
				round := 0
				if len(n.Deliveries) > 0 {
					round = n.Escalations() + 1
				}
				for range rapid.IntRange(1, 3).Draw(t, "people") {
					n.Deliveries = append(n.Deliveries, emergency.Delivery{Round: round, State: emergency.DeliveryQueued})
				}
			default: // news of one delivery
				if len(n.Deliveries) == 0 {
					continue
				}
				d := &n.Deliveries[rapid.IntRange(0, len(n.Deliveries)-1).Draw(t, "whose")]
				if news := rapid.SampledFrom(all).Draw(t, "news"); news.Follows(d.State) {
					d.State = news
				}
				if d.State == emergency.DeliveryAcknowledged && n.AcknowledgedAt.IsZero() {
					n.AcknowledgedAt = time.Unix(1, 0)
				}
			}
			state := n.State()
			checkNotificationStep(t, before, state)
			checkNotificationSum(t, n)
			before = state
		}
	})
}

// checkNotificationStep looks at one step from a state to the next.
func checkNotificationStep(t *rapid.T, before, after emergency.NotificationState) {
	begun := before != "" && before != emergency.NotificationNone
	if after == emergency.NotificationNone && begun ||
		after == emergency.NotificationQueued && begun && before != emergency.NotificationQueued ||
		before == emergency.NotificationAcknowledged && after != before {
		t.Fatalf("the state goes from %s back to %s", before, after)
	}
}

// checkNotificationSum holds a state to what is known of the deliveries.
func checkNotificationSum(t *rapid.T, n emergency.Notification) {
	arrived, highest := false, 0
	for _, d := range n.Deliveries {
		arrived = arrived || d.State.Arrived()
		highest = max(highest, d.Round)
	}
	if n.Escalations() != highest {
		t.Fatalf("%+v is escalated %d times", n.Deliveries, n.Escalations())
	}
	switch state := n.State(); state {
	case emergency.NotificationFailed, emergency.NotificationBounced:
		if arrived {
			t.Fatalf("%+v is %q", n.Deliveries, state)
		}
	case emergency.NotificationSent, emergency.NotificationDelivered, emergency.NotificationEscalated, emergency.NotificationAcknowledged:
		if !arrived {
			t.Fatalf("%+v is %q", n.Deliveries, state)
		}
	case emergency.NotificationNone, emergency.NotificationQueued:
	}
}

// Everybody who has said that they have seen a notice is named, in the order in which
// they did (B9).
func TestAcknowledged(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, time.October, 4, 12, minute, 0, 0, time.UTC) }
	n := emergency.Notification{Deliveries: []emergency.Delivery{
		{Address: "a@example.org", AcknowledgedAt: at(3)},
		{Address: "b@example.org"},
		{Address: "c@example.org", AcknowledgedAt: at(1)},
		{Address: "a@example.org", Round: 1, AcknowledgedAt: at(2)},
	}}
	var got []string
	for _, d := range n.Acknowledged() {
		got = append(got, d.Address+d.AcknowledgedAt.Format(" 15:04"))
	}
	if want := []string{"c@example.org 12:01", "a@example.org 12:02", "a@example.org 12:03"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Every notice of a call that failed is known as one: the first, and those that tell
// more people of it (B10).
func TestNoticeOfAFailedCall(t *testing.T) {
	for _, c := range []struct {
		name   string
		notice emergency.Notice
		want   bool
	}{
		{"a call that went out", emergency.Notice{Event: emergency.NoticePlaced}, false},
		{"a call that failed", emergency.Notice{Event: emergency.NoticeFailed, Reason: "There is no line."}, true},
		{"for a reason that nobody knows", emergency.Notice{Event: emergency.NoticeFailed}, true},
		{"nobody has acknowledged a call that went out", emergency.Notice{Event: emergency.NoticeEscalated, Round: 1}, false},
		{"nobody has acknowledged one that failed", emergency.Notice{Event: emergency.NoticeEscalated, Round: 1, Reason: "There is no line."}, true},
	} {
		if got := c.notice.Failed(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// What is known of a delivery never goes back: whatever news comes late or twice, in any
// order, changes nothing (B9).
func TestDeliveryStateFollows(t *testing.T) {
	queued, failed, sent := emergency.DeliveryQueued, emergency.DeliveryFailed, emergency.DeliverySent
	delivered, bounced := emergency.DeliveryDelivered, emergency.DeliveryBounced
	superseded, acknowledged := emergency.DeliverySuperseded, emergency.DeliveryAcknowledged
	later := map[emergency.DeliveryState][]emergency.DeliveryState{
		queued:     {failed, superseded, sent, delivered, bounced, acknowledged},
		failed:     {sent, delivered, bounced, acknowledged}, // given up with the call, while it was on its way
		superseded: {sent, delivered, bounced, acknowledged}, // skipped, while it was on its way
		sent:       {delivered, bounced, acknowledged},
		delivered:  {bounced, acknowledged}, // the server that took it could not hand it on
		bounced:    {acknowledged},          // it was read elsewhere
	}
	all := []emergency.DeliveryState{queued, failed, superseded, sent, delivered, bounced, acknowledged, "lost"}
	for _, before := range all[:7] {
		for _, after := range all {
			if got, want := after.Follows(before), slices.Contains(later[before], after); got != want {
				t.Errorf("%s after %s: %v, want %v", after, before, got, want)
			}
		}
	}
}

// Somebody whom one notice of a call has reached is told, whatever became of the others
// (B9); who waits, or whose e-mail came back, is not.
func TestReachOf(t *testing.T) {
	delivery := func(address string, round int, state emergency.DeliveryState) emergency.Delivery {
		return emergency.Delivery{Address: address, Round: round, State: state}
	}
	for _, c := range []struct {
		name       string
		deliveries []emergency.Delivery
		want       emergency.Reach
	}{
		{"nobody", nil, emergency.Reach{}},
		{"all", []emergency.Delivery{delivery("a@example.org", 0, emergency.DeliverySent), delivery("b@example.org", 0, emergency.DeliveryDelivered)}, emergency.Reach{Told: 2}},
		{"none", []emergency.Delivery{
			delivery("a@example.org", 0, emergency.DeliveryQueued), delivery("b@example.org", 0, emergency.DeliveryFailed),
			delivery("c@example.org", 0, emergency.DeliveryBounced), delivery("d@example.org", 1, emergency.DeliverySuperseded),
		}, emergency.Reach{Missed: 4}},
		{"one in the second round", []emergency.Delivery{
			delivery("a@example.org", 0, emergency.DeliveryBounced), delivery("A@example.org", 1, emergency.DeliverySent),
			delivery("b@example.org", 0, emergency.DeliveryFailed),
		}, emergency.Reach{Told: 1, Missed: 1}},
	} {
		if got := emergency.ReachOf(c.deliveries); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// What is kept of a reason is short, and text (B9).
func TestFail(t *testing.T) {
	long := strings.Repeat("é", 300)
	for reason, want := range map[string]string{
		"mail server answered 550 to RCPT": "mail server answered 550 to RCPT",
		"a\x00b\xff":                       "ab\uFFFD",
		strings.Repeat("a", 200):           strings.Repeat("a", 200),
		strings.Repeat("a", 201):           strings.Repeat("a", 197) + "…",
		long:                               long[:196] + "…",
	} {
		got := emergency.Delivery{Address: "desk@example.com", State: emergency.DeliveryQueued}.Fail(reason)
		if got.State != emergency.DeliveryFailed || got.Reason != want || len(got.Reason) > 200 {
			t.Errorf("the delivery is %s because of %q, want %q", got.State, got.Reason, want)
		}
	}
}
