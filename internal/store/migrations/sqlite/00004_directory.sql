-- +goose Up
-- Whether a call is a test stands in whatever is told of it (B13); a change of the
-- configuration says what it is about.
ALTER TABLE events ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN subject TEXT NOT NULL DEFAULT '';

-- Why an agent is not ready, as the codes of the checks (B12).
ALTER TABLE agents ADD COLUMN readiness_checks TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE agents DROP COLUMN readiness_checks;
ALTER TABLE events DROP COLUMN subject;
ALTER TABLE events DROP COLUMN kind;
