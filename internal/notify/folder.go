package notify

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
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
	name := fmt.Sprintf("%s_%s_%s.eml", m.CallID, m.occasion(), recipientKey(recipient))
	if err := writeDurably(f.dir, name, content); err != nil {
		return "", &SendError{Reason: "message not written", Err: err}
	}
	return id, nil
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
