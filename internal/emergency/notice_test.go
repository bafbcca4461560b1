package emergency_test

import (
	"slices"
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

// What a mail system proves of a delivery counts as what it is to those who wait for it:
// told, or not told. An acknowledgement outweighs all of it, and that more people were
// told outweighs that the first were (B9).
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
	seen := time.Date(2026, time.October, 4, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		n    emergency.Notification
		want emergency.NotificationState
	}{
		{"delivered", emergency.Notification{Deliveries: to(0, delivered, bounced)}, emergency.NotificationSent},
		{"all came back", emergency.Notification{Deliveries: to(0, bounced, failed)}, emergency.NotificationFailed},
		{"acknowledged", emergency.Notification{Deliveries: to(0, sent), AcknowledgedAt: seen}, emergency.NotificationAcknowledged},
		// Whoever has seen it has seen it, whatever is still on its way.
		{"acknowledged early", emergency.Notification{Deliveries: to(0, delivered, queued), AcknowledgedAt: seen}, emergency.NotificationAcknowledged},
		{"acknowledged late", emergency.Notification{Deliveries: append(to(0, failed), to(1, sent)...), AcknowledgedAt: seen}, emergency.NotificationAcknowledged},
		{"being escalated", emergency.Notification{Deliveries: append(to(0, sent), to(1, queued)...)}, emergency.NotificationQueued},
		{"escalated", emergency.Notification{Deliveries: append(to(0, failed), to(1, sent)...)}, emergency.NotificationEscalated},
		{"escalated in vain", emergency.Notification{Deliveries: append(to(0, bounced), to(1, failed)...)}, emergency.NotificationFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.n.State(); got != c.want {
				t.Errorf("the state is %q, want %q", got, c.want)
			}
		})
	}
}

// However the news of deliveries is mixed, the sum says neither that people are told
// while one waits, nor that nobody is when one has it (B9); and escalations are counted
// by their rounds, not by their people.
func TestNotificationStateNeverMisleads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n emergency.Notification
		rounds := map[int]bool{}
		waiting, arrived := false, false
		for range rapid.IntRange(1, 8).Draw(t, "deliveries") {
			d := emergency.Delivery{
				Round: rapid.IntRange(0, len(rounds)).Draw(t, "round"),
				State: rapid.SampledFrom([]emergency.DeliveryState{
					emergency.DeliveryQueued, emergency.DeliverySent, emergency.DeliveryDelivered, emergency.DeliveryBounced, emergency.DeliveryFailed,
				}).Draw(t, "state"),
			}
			if d.Round > 0 {
				rounds[d.Round] = true
			}
			waiting = waiting || d.State == emergency.DeliveryQueued
			arrived = arrived || d.State.Arrived()
			n.Deliveries = append(n.Deliveries, d)
		}
		state := n.State()
		if (state == emergency.NotificationQueued) != waiting || (state == emergency.NotificationFailed) != (!waiting && !arrived) {
			t.Fatalf("%+v is %q", n.Deliveries, state)
		}
		highest := 0
		for round := range rounds {
			highest = max(highest, round)
		}
		if n.Escalations() != highest || (state == emergency.NotificationEscalated) != (!waiting && arrived && highest > 0) {
			t.Fatalf("%+v is %q, escalated %d times", n.Deliveries, state, n.Escalations())
		}
	})
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
	later := map[emergency.DeliveryState][]emergency.DeliveryState{
		queued: {failed, sent, delivered, bounced},
		failed: {sent, delivered, bounced}, // given up with the call, while it was on its way
		sent:   {delivered, bounced},
	}
	all := []emergency.DeliveryState{queued, failed, sent, delivered, bounced, "lost"}
	for _, before := range all[:5] {
		for _, after := range all {
			if got, want := after.Follows(before), slices.Contains(later[before], after); got != want {
				t.Errorf("%s after %s: %v, want %v", after, before, got, want)
			}
		}
	}
}
