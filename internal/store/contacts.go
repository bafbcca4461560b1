package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lifeline/internal/emergency"
)

// Contacts reads an agent's recipients as they were typed (S17).
func (s *Store) Contacts(ctx context.Context, id emergency.AgentID) (emergency.Contacts, error) {
	var contacts emergency.Contacts
	err := s.read.QueryRowContext(ctx, `SELECT COALESCE(c.as_typed, ''), a.contacts_revision FROM agents a
		LEFT JOIN contacts c ON c.agent_id = a.id WHERE a.id = $1 AND NOT a.deleted`, id).
		Scan(&contacts.AsTyped, &contacts.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		return contacts, emergency.ErrUnknownAgent
	}
	if err != nil {
		return contacts, fmt.Errorf("read contacts: %w", outageOf(err))
	}
	return contacts, nil
}

// PutContacts replaces an agent's recipients, kept as they were typed (S17).
func (s *Store) PutContacts(ctx context.Context, id emergency.AgentID, typed string, by emergency.Change) (emergency.Contacts, error) {
	contacts := emergency.Contacts{AsTyped: typed}
	if _, err := emergency.ParseRecipients(typed); err != nil {
		return contacts, err //nolint:wrapcheck // the domain's own words
	}
	err := s.change(ctx, "put contacts", func(t tx) error {
		if _, err := readAgent(ctx, t, id); err != nil {
			return err
		}
		if err := t.checkSeen(ctx, by, `SELECT contacts_revision FROM agents WHERE id = $1`, id); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO contacts (agent_id, as_typed) VALUES ($1, $2)
			ON CONFLICT (agent_id) DO UPDATE SET as_typed = excluded.as_typed`, id, typed); err != nil {
			return err
		}
		if err := t.scan(ctx, &contacts.Revision, `UPDATE agents SET contacts_revision = contacts_revision + 1
			WHERE id = $1 RETURNING contacts_revision`, id); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "contacts-changed", subject: emergency.SubjectContacts, name: string(id), revision: contacts.Revision, agent: id,
		}, by, s.now())
	})
	return contacts, err
}
