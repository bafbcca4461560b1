package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"strings"

	"lifeline/internal/emergency"

	gomail "github.com/wneessen/go-mail"
)

// Folder keeps every message as a file that any mail program opens, for a machine
// without a mail system. What is in the folder is personal: it is readable by the
// owner alone.
type Folder struct {
	dir  string
	from *mail.Address
}

// NewFolder opens a folder of messages from the given sender, and makes it when
// it is missing. A folder that exists keeps its rights, because it may serve
// others too; each file is private by itself.
func NewFolder(dir, from string) (*Folder, error) {
	sender, err := parseSender(from)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make mail folder: %w", err)
	}
	return &Folder{dir: dir, from: sender}, nil
}

// Send writes the message to a file named after the call, the event and a hash
// of the recipient: sending it again replaces it, and a crash leaves the old one,
// the new one or none, never half of one. It returns the Message-ID.
func (f *Folder) Send(ctx context.Context, m Message) (string, error) {
	recipient, err := m.check()
	if err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", &SendError{Reason: "message not written", Err: err}
	}
	id := messageID(m, f.from, recipient)
	content, err := compose(m, id, f.from, recipient)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s_%s_%s.eml", m.CallID, m.Event, recipientKey(recipient))
	if err := writeDurably(f.dir, name, content); err != nil {
		return "", &SendError{Reason: "message not written", Err: err}
	}
	return id, nil
}

// messageID is the same for every repetition, so that a mail program shows a
// message that was sent twice only once (RFC 5322 section 3.6.4).
func messageID(m Message, from, recipient *mail.Address) string {
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	return fmt.Sprintf("%s.%s.%s@%s", m.CallID, m.Event, recipientKey(recipient), domain)
}

// compose writes the message as RFC 5322 wants it. Auto-Submitted keeps
// out-of-office replies away (RFC 3834 section 5).
func compose(m Message, id string, from, recipient *mail.Address) ([]byte, error) {
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(from)
	letter.ToMailAddress(recipient)
	letter.Subject(m.Subject)
	letter.SetDate()
	letter.SetMessageIDWithValue(id)
	for name, value := range ownHeaders(m) {
		letter.SetGenHeader(gomail.Header(name), value)
	}
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	var content bytes.Buffer
	if _, err := letter.WriteTo(&content); err != nil {
		return nil, &SendError{Permanent: true, Reason: "compose message", Err: err}
	}
	return content.Bytes(), nil
}

// ownHeaders let mail rules and later notices find the call, and a mail program
// mark a real one as important (RFC 2156 section 5.3.4).
func ownHeaders(m Message) map[string]string {
	headers := map[string]string{
		"Auto-Submitted":    "auto-generated",
		"X-Lifeline-Call":   string(m.CallID),
		"X-Lifeline-Notice": m.NoticeID(),
		"X-Lifeline-Kind":   string(m.Kind),
	}
	if m.Kind == emergency.KindEmergency {
		headers["Importance"] = "high"
	}
	return headers
}

// writeDurably puts a file in its place in one step, and returns when a power cut
// can no longer undo it. CreateTemp makes files that only the owner reads.
func writeDurably(dir, name string, content []byte) error {
	temp, err := os.CreateTemp(dir, ".unfinished-*")
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write file: %w", err), os.Remove(temp.Name()))
	}
	return syncFolder(dir)
}

// syncFolder makes a new name in a folder survive a power cut.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
