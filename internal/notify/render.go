package notify

import (
	"cmp"
	"strings"

	"lifeline/internal/emergency"
)

// Render words a notice for one recipient. The error is a *SendError, and permanent.
//
// Where an administrator's wording fails on this very notice, leaves out one of the facts
// that every notice carries (B8), or does not tell a test from an emergency (B13), the
// wording that comes with the program stands in: it may have been saved under other rules.
// The message says whose wording it is.
func (w *Wording) Render(n emergency.Notice, to string) (Message, error) {
	recipient, err := parseRecipient(to)
	if err != nil {
		return Message{}, err
	}
	if whatHappened(n) == "" {
		return Message{}, permanent("no wording for this event")
	}
	f := newFacts(n)
	words, err := w.fill(f)
	if w != standard && (err != nil || !w.tells(words, n, f)) {
		return standard.Render(n, to)
	}
	if err != nil {
		return Message{}, &SendError{Permanent: true, Reason: "fill template", Err: err}
	}
	return Message{
		To: recipient.Address, Subject: decoded(words.subject), Text: words.text, HTML: words.html,
		CallID: n.CallID, Event: n.Event, Round: n.Round, Kind: cmp.Or(n.Kind, emergency.KindEmergency),
		TemplateVersion: w.version,
	}, nil
}

// decoded is a subject in which nothing looks like an encoded word, which a mail program
// would show as something else (RFC 2047 section 2).
func decoded(subject string) string { return strings.ReplaceAll(subject, "=?", "= ?") }

// tells holds a notice to what it owes its readers.
func (w *Wording) tells(filled words, n emergency.Notice, f facts) bool {
	if checkDocument(filled.html) != nil {
		return false
	}
	for i, text := range []string{filled.subject, filled.html, filled.text} {
		p := w.parts()[i]
		if len(p.missing(text, f)) > 0 || p.mistaken(text, n, f) != "" {
			return false
		}
	}
	return true
}

// Preview shows what a reader would get of a notice. The error is an
// *emergency.TemplateError: nothing stands in for a wording that does not work.
func Preview(t emergency.Template, n emergency.Notice) (subject, html, text string, err error) {
	w, err := Compile(t)
	if err != nil {
		return "", "", "", err
	}
	words, err := w.fill(newFacts(n))
	return words.subject, words.html, words.text, err
}
