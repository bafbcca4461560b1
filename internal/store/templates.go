package store

import (
	"context"
	"database/sql"
	"fmt"

	"lifeline/internal/emergency"
)

const selectTemplate = `SELECT version, subject, html, text, saved_by, saved_at FROM template_versions`

// Template reads the wording that counts (S18); version 0 when none has been saved.
func (s *Store) Template(ctx context.Context) (emergency.Template, error) {
	found, err := collect(ctx, s.read, scanTemplate, selectTemplate+` ORDER BY version DESC LIMIT 1`)
	if err != nil || len(found) == 0 {
		return emergency.Template{}, err
	}
	return found[0], nil
}

// TemplateVersion reads the wording as it was saved once, or gives
// emergency.ErrUnknownTemplate.
func (s *Store) TemplateVersion(ctx context.Context, version int64) (emergency.Template, error) {
	found, err := collect(ctx, s.read, scanTemplate, selectTemplate+` WHERE version = $1`, version)
	if err != nil {
		return emergency.Template{}, fmt.Errorf("read template: %w", err)
	}
	if len(found) == 0 {
		return emergency.Template{}, emergency.ErrUnknownTemplate
	}
	return found[0], nil
}

// Templates lists every version that was saved, the latest first, without its wording.
func (s *Store) Templates(ctx context.Context) ([]emergency.Template, error) {
	all, err := collect(ctx, s.read, scanTemplate,
		`SELECT version, '', '', '', saved_by, saved_at FROM template_versions ORDER BY version DESC`)
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	return all, nil
}

// PutTemplate saves a wording as the next version, and gives it as it is kept. What was
// seen is a version; before any was saved, emergency.SeenNothing. Whether the wording
// can be used is for the caller to know.
func (s *Store) PutTemplate(ctx context.Context, saved emergency.Template, by emergency.Change) (emergency.Template, error) {
	for _, part := range []struct{ name, text string }{{"subject", saved.Subject}, {"html", saved.HTML}, {"text", saved.Text}} {
		if emergency.Keepable(part.text) != part.text {
			return saved, &emergency.Invalid{Field: part.name, Problem: "must be UTF-8 without null characters"}
		}
	}
	err := s.change(ctx, "put template", func(t tx) error {
		if err := t.checkSeen(ctx, by, `SELECT version FROM template_versions WHERE version >= $1
			ORDER BY version DESC LIMIT 1`, 1); err != nil {
			return err
		}
		saved.SavedBy, saved.SavedAt = by.By, s.now()
		if err := t.scan(ctx, &saved.Version, `INSERT INTO template_versions (version, subject, html, text, saved_by, saved_at)
			SELECT COALESCE(MAX(version), 0) + 1, $1, $2, $3, $4, $5 FROM template_versions RETURNING version`,
			saved.Subject, saved.HTML, saved.Text, saved.SavedBy, saved.SavedAt); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "template-changed", subject: emergency.SubjectTemplate, name: "notification-template", revision: saved.Version,
		}, by, saved.SavedAt)
	})
	return saved, err
}

func scanTemplate(rows *sql.Rows) (emergency.Template, error) {
	var kept emergency.Template
	err := rows.Scan(&kept.Version, &kept.Subject, &kept.HTML, &kept.Text, &kept.SavedBy, &kept.SavedAt)
	kept.SavedAt = kept.SavedAt.UTC()
	return kept, err //nolint:wrapcheck // collect wraps
}
