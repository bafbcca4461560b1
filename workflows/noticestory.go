package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// NoticesState is how far the telling of people has come.
type NoticesState struct {
	Notices []NoticeState `json:"notices"`
	// AcknowledgeBy is when more people are told if nobody acknowledges; missing when
	// nobody is waited for.
	AcknowledgeBy time.Time `json:"acknowledgeBy,omitzero"`
	// AcknowledgedAt is missing while nobody has said that they have seen a notice.
	AcknowledgedAt time.Time `json:"acknowledgedAt,omitzero"`
	// Acknowledgements is how many people have.
	Acknowledgements int `json:"acknowledgements,omitempty"`
	// Escalated is how often the site's list has been told because nobody did.
	Escalated int `json:"escalated"`
}

// NoticeState is one notice. It counts people; the details name them.
type NoticeState struct {
	Event emergency.NoticeEvent `json:"event"`
	// Round counts the escalations.
	Round int `json:"round,omitempty"`
	// At is when the telling began.
	At time.Time `json:"at"`
	// Done is false while somebody is still being told.
	Done   bool `json:"done"`
	Sent   int  `json:"sent"`
	Failed int  `json:"failed"`
	// Superseded counts those to whom an escalation was not sent, because it was not
	// needed any more.
	Superseded int `json:"superseded,omitempty"`
	// Returned says that every e-mail that went out has come back.
	Returned bool `json:"returned,omitempty"`
}

// ofWhat completes a sentence that begins with "told".
var ofWhat = map[emergency.NoticeEvent]string{
	emergency.NoticePlaced:    "of the call",
	emergency.NoticeFailed:    "of the refused call",
	emergency.NoticeCallback:  "of the callback",
	emergency.NoticeEscalated: "that somebody should act",
	emergency.NoticeEnded:     "of the end of the call",
}

// state is nil for a call from before there was a plan.
func (k *noticeKeeper) state() *NoticesState {
	if k.plan == nil {
		return nil
	}
	s := &NoticesState{
		AcknowledgeBy: k.due, AcknowledgedAt: k.acknowledgedAt, Acknowledgements: len(k.acknowledgements), Escalated: k.escalated,
	}
	for _, n := range k.notices {
		s.Notices = append(s.Notices, NoticeState{
			Event: n.event, Round: n.round, At: n.at, Done: n.done,
			Sent: n.result.Sent, Failed: n.result.Failed, Superseded: n.result.Superseded, Returned: n.returned,
		})
	}
	return s
}

// describe says in Markdown who has been told of what, and whether anybody has seen
// it.
func (k *noticeKeeper) describe(b *strings.Builder) {
	if k.plan != nil && len(k.notices) == 0 {
		fmt.Fprintf(b, "- **%s** to be told\n", k.about.recipients())
	}
	for _, n := range k.notices {
		if n.event != emergency.NoticeEscalated {
			fmt.Fprintf(b, "- **%s** %s\n", k.about.recipients(), k.sentence(n))
		}
	}
	for _, n := range k.notices {
		if n.event == emergency.NoticeEscalated {
			fmt.Fprintf(b, "- **Escalated** at %s to the site's list (%d of %d): %s\n", clock(n.at), n.round, k.plan.Escalations, k.sentence(n))
		}
	}
	if sentence := k.acknowledgement(); sentence != "" {
		fmt.Fprintf(b, "- **Acknowledged** %s\n", sentence)
	}
}

// sentence says what became of one notice.
func (k *noticeKeeper) sentence(n *notice) string {
	what := ofWhat[n.event]
	switch {
	case n.nobody():
		return "none configured"
	case !n.done && (!k.over || k.outlives(n)):
		return "being told " + what
	case !n.done || n.err != nil:
		return "not all told " + what
	case n.returned:
		return "none told " + what + ": every e-mail came back"
	case n.result.Superseded == n.people():
		return "not sent, as it was not needed any more"
	default:
		told := strings.TrimSuffix(fmt.Sprintf("%d of %d told %s: %s", n.result.Sent, n.people(), what, strings.Join(n.result.To, ", ")), ": ")
		return strings.TrimSuffix(told+"; failed: "+strings.Join(n.result.Reasons, ", "), "; failed: ")
	}
}

// acknowledgement says when somebody acknowledged, or by when somebody should; it is
// empty where nobody need.
func (k *noticeKeeper) acknowledgement() string {
	switch {
	case !k.acknowledgedAt.IsZero():
		return k.whoAcknowledged()
	case !k.due.IsZero():
		return "not yet, due by " + clock(k.due)
	case k.plan == nil || k.plan.AcknowledgeWithin <= 0 || k.about.kind == emergency.KindTest:
		return ""
	case len(k.notices) == 0 || k.notices[0].nobody():
		return ""
	default:
		return "by nobody"
	}
}

// whoAcknowledged names everybody who did, the first one first.
func (k *noticeKeeper) whoAcknowledged() string {
	var all []string
	for _, a := range k.acknowledgements {
		sentence := "at " + clock(a.At)
		if a.By != "" {
			sentence += " by " + a.By
		}
		all = append(all, sentence)
	}
	return strings.Join(all, ", ")
}

// summary is an activity's line in the Temporal Web UI.
func (k *noticeKeeper) summary(n *notice) string {
	if n.event == emergency.NoticeEscalated {
		return fmt.Sprintf("E-mail that tells the site's list %s (%d of %d)", ofWhat[n.event], n.round, k.plan.Escalations)
	}
	return fmt.Sprintf("E-mail that tells the %s %s", strings.ToLower(k.about.recipients()), ofWhat[n.event])
}

// although says what was done in vain.
func (k *noticeKeeper) although() string {
	switch last := k.lastEscalation(); {
	case last == nil:
		return ""
	case last.nobody():
		return ", and the site has no list of people to be told"
	}
	return ", although that was escalated " + times(k.escalated)
}

// lastEscalation is nil while the site's list has not been told.
func (k *noticeKeeper) lastEscalation() *notice {
	for _, n := range slices.Backward(k.notices) {
		if n.event == emergency.NoticeEscalated {
			return n
		}
	}
	return nil
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// marked puts before a sentence for supervisors that it is about a test (B13).
func (s subject) marked(sentence string) string {
	if s.kind == emergency.KindTest {
		return "TEST · " + sentence
	}
	return sentence
}

// recipients are the people told: a test disturbs nobody's contacts (B13).
func (s subject) recipients() string {
	if s.kind == emergency.KindTest {
		return "Test list"
	}
	return "Contacts"
}

// untold is the warning that nobody is told of what has happened.
func (s subject) untold() string {
	if s.kind == emergency.KindTest {
		return "Nobody is told: the site has no test list."
	}
	return "Nobody is told: the agent has no contacts or no mailbox, and the site has no list."
}
