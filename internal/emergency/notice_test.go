package emergency_test

import (
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
