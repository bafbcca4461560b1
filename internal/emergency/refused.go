package emergency

import "time"

// RefusedCall is a dial that could not work. Somebody wanted help and did not get it
// here, so people must hear of it (B10).
type RefusedCall struct {
	// CallID is nobody's call; what people are told of the dial is known by it. Without
	// one nobody is told by e-mail.
	CallID  CallID
	AgentID AgentID
	SiteID  SiteID
	// Dialed is what was dialed, as it came.
	Dialed string
	// Kind is empty when nobody knows what was dialed: then it counts as an emergency.
	Kind    Kind
	Country Country
	// Location is what would have been conveyed; nil when it was not known.
	Location *Location
	Code     CheckCode
	At       time.Time
}

// Instead is what the person who dialed was told to do.
func (r RefusedCall) Instead() string {
	if r.Kind == KindTest {
		return "This was a test, so nobody has to be called. Have an administrator mend what is named here."
	}
	return insteadIn(r.Country)
}

// insteadIn is what to do in a country when a call cannot be made here.
func insteadIn(at Country) string {
	if numbering, served := at.Numbering(); served {
		return "Dial " + numbering.Emergency[0] + " from a mobile phone."
	}
	return "Dial the local emergency number from a mobile phone."
}

// RefusedDial is a refused call with what became of telling people.
type RefusedDial struct {
	RefusedCall

	// ToldAs is the refused call whose notice told of this one: itself, or an earlier one
	// like it; empty when nobody is told.
	ToldAs CallID
	// Notice says who has been told.
	Notice Notification
}
