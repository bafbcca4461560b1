package emergency_test

import (
	"slices"
	"testing"

	"lifeline/internal/emergency"
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
