package emergency

import "time"

// NoticeEvent is the moment of a call that contacts are told of.
type NoticeEvent string

const (
	// NoticePlaced tells that an emergency call was made (S9).
	NoticePlaced NoticeEvent = "placed"
	// NoticeFailed tells that a dial was refused or had no route (B10).
	NoticeFailed NoticeEvent = "failed"
	// NoticeCallback tells that the emergency service has rung back (S4).
	NoticeCallback NoticeEvent = "callback"
	// NoticeEscalated tells the site's list that nobody has acknowledged (B9).
	NoticeEscalated NoticeEvent = "escalated"
	// NoticeEnded tells that the call is over.
	NoticeEnded NoticeEvent = "ended"
)

// DeliveryState is how far a notice has come on its way to one recipient.
type DeliveryState string

const (
	// DeliveryQueued is not sent yet.
	DeliveryQueued DeliveryState = "queued"
	// DeliverySent has been taken over by the mail system.
	DeliverySent DeliveryState = "sent"
	// DeliveryFailed will not be tried again.
	DeliveryFailed DeliveryState = "failed"
)

// Delivery is a notice to one recipient.
type Delivery struct {
	// Address is the recipient's e-mail address, without display name.
	Address string
	State   DeliveryState
	// MessageID is what the mail system calls the message; empty until sent.
	MessageID string
	UpdatedAt time.Time
}

// Notice is one message about a call, to be rendered for its recipients. It
// always carries the three facts that US law names: that the call was made, the
// callback number, and the location conveyed (B8, 47 CFR 9.16(b)).
type Notice struct {
	CallID    CallID
	Event     NoticeEvent
	Kind      Kind
	AgentName string
	SiteName  string
	Dialed    string
	DialedAt  time.Time
	Number    string
	Conveyed  Conveyed
}

// NotificationState sums up the deliveries of a call.
type NotificationState string

const (
	// NotificationNone means that nobody is to be told.
	NotificationNone NotificationState = "none"
	// NotificationQueued means that somebody has yet to be told.
	NotificationQueued NotificationState = "queued"
	// NotificationSent means that every notice has gone out, or can go no further.
	NotificationSent NotificationState = "sent"
	// NotificationFailed means that no notice went out.
	NotificationFailed NotificationState = "failed"
)

// Notification is who is told of a call.
type Notification struct {
	Deliveries []Delivery
}

// State sums up: queued while one delivery waits, failed when all have failed.
func (n Notification) State() NotificationState {
	if len(n.Deliveries) == 0 {
		return NotificationNone
	}
	sum := NotificationFailed
	for _, delivery := range n.Deliveries {
		switch delivery.State {
		case DeliveryQueued:
			return NotificationQueued
		case DeliverySent:
			sum = NotificationSent
		case DeliveryFailed:
		}
	}
	return sum
}
