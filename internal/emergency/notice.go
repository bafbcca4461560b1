package emergency

import (
	"slices"
	"strings"
	"time"
)

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
	// DeliveryDelivered has reached the recipient's mail server, which said so (B9).
	DeliveryDelivered DeliveryState = "delivered"
	// DeliveryBounced was sent, and came back or was dropped on the way.
	DeliveryBounced DeliveryState = "bounced"
	// DeliveryFailed will not be tried again.
	DeliveryFailed DeliveryState = "failed"
	// DeliverySuperseded was an escalation's, and is not sent: the next escalation was
	// due before it could be, or somebody had acknowledged (B9).
	DeliverySuperseded DeliveryState = "superseded"
	// DeliveryAcknowledged has been seen by the recipient, who said so (B9).
	DeliveryAcknowledged DeliveryState = "acknowledged"
)

// Follows tells whether a delivery can come into this state from another: what has been
// sent is queued no more, what its mail server has taken may come back all the same, and
// what its reader has said outweighs both (B9). A notice that was given up may have gone out.
func (s DeliveryState) Follows(before DeliveryState) bool {
	steps := map[DeliveryState]int{
		DeliveryQueued: 0, DeliveryFailed: 1, DeliverySuperseded: 1, DeliverySent: 2,
		DeliveryDelivered: 3, DeliveryBounced: 4, DeliveryAcknowledged: 5,
	}
	to, known := steps[s]
	return known && to > steps[before]
}

// Arrived tells whether the notice may have been read.
func (s DeliveryState) Arrived() bool {
	return s == DeliverySent || s == DeliveryDelivered || s == DeliveryAcknowledged
}

// Delivery is a notice to one recipient.
type Delivery struct {
	// Event and Round say which notice it is; an escalation has rounds, from 1.
	Event NoticeEvent
	Round int
	// Address is the recipient's e-mail address, without display name.
	Address string
	State   DeliveryState
	// Reason is why a delivery failed, in a few words that name neither a recipient nor a
	// secret; empty in every other state.
	Reason string
	// MessageID is what the mail system calls the message; empty until sent.
	MessageID string
	// QueuedAt is when the notice was made. SentAt, DeliveredAt and AcknowledgedAt are
	// zero until that has happened, or for as long as nobody tells of it.
	QueuedAt, SentAt, DeliveredAt, AcknowledgedAt time.Time
	// UpdatedAt is since when the delivery is in its state.
	UpdatedAt time.Time
}

// Why a delivery failed that no mail system has refused.
const (
	ReasonCallClosed = "the call was closed before the mail system had taken it"
	ReasonGivenUp    = "the mail system did not take it while it was of use"
)

// longestReason is how many bytes of a reason are kept: a mail system may name every field
// of a request.
const longestReason = 200

// Fail is the delivery after it has failed for good. The reason must name neither a
// recipient nor a secret, and is cut where it is too long.
func (d Delivery) Fail(reason string) Delivery {
	reason = Keepable(reason)
	if len(reason) > longestReason {
		reason = strings.ToValidUTF8(reason[:longestReason-len("…")], "") + "…"
	}
	d.State, d.Reason = DeliveryFailed, reason
	return d
}

// of tells which notice the delivery is one of, as far as its call is concerned.
func (d Delivery) of() NoticeID { return NoticeID{Event: d.Event, Round: d.Round} }

// Notice is one message about a call, to be rendered for its recipients. It
// always carries the three facts that US law names: that the call was made, the
// callback number, and the location conveyed (B8, 47 CFR 9.16(b)).
type Notice struct {
	CallID CallID
	Event  NoticeEvent
	// Round counts the escalations, from 1; zero for every other event.
	Round int
	// Late says that people are told of the call so long after it was made that they should
	// know: mail, database or Temporal was away (S11).
	Late bool
	// ClosedAt is when the call was closed, so that its number leads nowhere any more; zero
	// while it is open.
	ClosedAt  time.Time
	Kind      Kind
	AgentName string
	SiteName  string
	Dialed    string
	DialedAt  time.Time
	// Number is empty for a call that failed.
	Number   string
	Conveyed Conveyed
	// Reason and Instead say why a call failed, and what the agent was told to do
	// (B10). They are empty for a call that went out.
	Reason, Instead string
	// Forced says that nobody told of the end of a leg, which was ended after the longest
	// time allowed (B16).
	Forced bool
	// Zone is the IANA name of the site's time zone; empty for UTC.
	Zone string
	// AcknowledgeURL is where the reader says that he has seen it; empty when nobody
	// need do so.
	AcknowledgeURL string
	// Before is whom the notices before an escalation have reached (B9); nobody for
	// every other event.
	Before Reach
}

// Reach counts people by whether any notice of a call has gone out to them.
type Reach struct {
	// Told are those to whom one has, read or not; Missed are the others: theirs wait, came
	// back or were never taken.
	Told, Missed int
}

// ReachOf counts whom deliveries have reached, each person once.
func ReachOf(deliveries []Delivery) Reach {
	told := map[string]bool{}
	for _, delivery := range deliveries {
		key := RecipientKey(delivery.Address)
		told[key] = told[key] || delivery.State.Arrived()
	}
	var reach Reach
	for _, arrived := range told {
		if arrived {
			reach.Told++
		} else {
			reach.Missed++
		}
	}
	return reach
}

// Failed tells whether the notice is about a call that did not get through. It may be
// the first notice of it, or one that tells more people (B10).
func (n Notice) Failed() bool { return n.Event == NoticeFailed || n.Reason != "" }

// NotificationState sums up the deliveries of a call. It never goes back to an earlier
// one because a further notice is made; docs/notices.md has the table.
type NotificationState string

const (
	// NotificationNone means that nobody is to be told.
	NotificationNone NotificationState = "none"
	// NotificationQueued means that somebody has yet to be told of the first notice.
	NotificationQueued NotificationState = "queued"
	// NotificationSent means that the first notice has gone out to whom it can.
	NotificationSent NotificationState = "sent"
	// NotificationDelivered means that it is also known to have reached somebody's mail
	// server (B9).
	NotificationDelivered NotificationState = "delivered"
	// NotificationBounced means that all that went out has come back.
	NotificationBounced NotificationState = "bounced"
	// NotificationFailed means that no notice went out.
	NotificationFailed NotificationState = "failed"
	// NotificationAcknowledged means that somebody has seen a notice and said so (B9).
	NotificationAcknowledged NotificationState = "acknowledged"
	// NotificationEscalated means that nobody did in time, and the site's list has been
	// told.
	NotificationEscalated NotificationState = "escalated"
)

// Notification is who is told of a call.
type Notification struct {
	// Deliveries are in the order of the telling.
	Deliveries []Delivery
	// AcknowledgedAt is when somebody first said that he has seen a notice; zero while
	// nobody has. AcknowledgedBy is his e-mail address.
	AcknowledgedAt time.Time
	AcknowledgedBy string
}

// Escalations is how often the site's list was to be told because nobody
// acknowledged.
func (n Notification) Escalations() int {
	rounds := 0
	for _, delivery := range n.Deliveries {
		rounds = max(rounds, delivery.Round)
	}
	return rounds
}

// Acknowledged are the deliveries whose readers have said that they have seen them, in
// the order in which they did (B9).
func (n Notification) Acknowledged() []Delivery {
	var seen []Delivery
	for _, delivery := range n.Deliveries {
		if !delivery.AcknowledgedAt.IsZero() {
			seen = append(seen, delivery)
		}
	}
	slices.SortStableFunc(seen, func(a, b Delivery) int { return a.AcknowledgedAt.Compare(b.AcknowledgedAt) })
	return seen
}

// State sums up: acknowledged once somebody has, and escalated once more people have
// been told because nobody had; else queued while the first notice waits for one of its
// recipients, and then the best that is known of any.
func (n Notification) State() NotificationState {
	switch {
	case !n.AcknowledgedAt.IsZero():
		return NotificationAcknowledged
	case len(n.Deliveries) == 0:
		return NotificationNone
	}
	waiting, returned, known := false, false, map[DeliveryState]bool{}
	for _, delivery := range n.Deliveries {
		if delivery.Round > 0 && delivery.State.Arrived() {
			return NotificationEscalated
		}
		known[delivery.State] = true
		waiting = waiting || delivery.State == DeliveryQueued && delivery.of() == n.Deliveries[0].of()
		returned = returned || delivery.State == DeliveryBounced && delivery.Round > 0
	}
	switch {
	case waiting && !returned: // else it has been escalated once
		return NotificationQueued
	case known[DeliveryDelivered]:
		return NotificationDelivered
	case known[DeliverySent]:
		return NotificationSent
	case known[DeliveryBounced]:
		return NotificationBounced
	default:
		return NotificationFailed
	}
}
