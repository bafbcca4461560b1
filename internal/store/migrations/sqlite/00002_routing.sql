-- +goose Up
-- How calls leave the contact centre (S12, S15, S16): one document, changed as a
-- whole. Until now every call took a direct offer, so an installation that has sites
-- keeps doing so: their standing numbers become its direct offers.
CREATE TABLE voice_routing (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL, -- JSON
    revision BIGINT NOT NULL
);
INSERT INTO voice_routing (id, document, revision)
SELECT 1, json_object(
    'directOffers', (SELECT json_group_array(json_object('number', standing_number, 'country', country)) FROM (
        SELECT DISTINCT standing_number, country FROM sites)),
    'outboundProfiles', json_array(json_object('profileId', 'default', 'capacityProfile', 'default', 'numbers',
        (SELECT json_group_array(standing_number) FROM (SELECT DISTINCT standing_number FROM sites))))), 1;

ALTER TABLE sites ADD COLUMN final_number TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN agent_ring_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN fallback_ring_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN test_recipients TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN pool_state TEXT NOT NULL DEFAULT 'ok';
ALTER TABLE sites ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

ALTER TABLE agents ADD COLUMN capacity_profiles TEXT NOT NULL DEFAULT '["default"]'; -- JSON list
ALTER TABLE agents ADD COLUMN calling_number TEXT NOT NULL DEFAULT '';
ALTER TABLE agents ADD COLUMN mailbox_off BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE agents ADD COLUMN location TEXT NOT NULL DEFAULT ''; -- JSON, the last that the desktop told
ALTER TABLE agents ADD COLUMN location_at TIMESTAMP;
ALTER TABLE agents ADD COLUMN readiness TEXT NOT NULL DEFAULT '';
ALTER TABLE agents ADD COLUMN deleted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE agents ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

-- It stays with an agent who is removed, so that whoever comes back has a revision that
-- nobody has seen.
ALTER TABLE agents ADD COLUMN contacts_revision BIGINT NOT NULL DEFAULT 0;
UPDATE agents SET contacts_revision = 1 WHERE id IN (SELECT agent_id FROM contacts);

-- What the PSAP saw, which stays when the agent gets a number of his own later (B5).
ALTER TABLE calls ADD COLUMN caller_id TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN fail_over TEXT NOT NULL DEFAULT 'null'; -- JSON list
ALTER TABLE calls ADD COLUMN warnings TEXT NOT NULL DEFAULT 'null'; -- JSON list
UPDATE calls SET caller_id = number;
CREATE INDEX calls_by_caller_id ON calls (caller_id, dialed_at) WHERE number_kind = 'standing' OR caller_id <> number;

-- How many numbers a site has in its pool, because counting a million takes long.
ALTER TABLE sites ADD COLUMN pool_size BIGINT NOT NULL DEFAULT 0;
UPDATE sites SET pool_size = (SELECT COUNT(*) FROM callback_numbers WHERE site_id = sites.id AND NOT draining);
ALTER TABLE callback_numbers ADD COLUMN leased_at TIMESTAMP; -- when the latest lease began
ALTER TABLE callback_numbers ADD COLUMN last_call TEXT NOT NULL DEFAULT ''; -- the last that had the number
CREATE INDEX callback_numbers_by_rest ON callback_numbers (free_at);
CREATE INDEX callback_numbers_draining ON callback_numbers (free_at) WHERE draining;

ALTER TABLE events ADD COLUMN site_id TEXT NOT NULL DEFAULT '';

-- Append-only; holds no person and no whole number. A line about a call comes once
-- per action, one about the configuration as often as it is changed.
CREATE TABLE audit_lines (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         TIMESTAMP NOT NULL,
    action     TEXT NOT NULL,
    call_id    TEXT NOT NULL DEFAULT '',
    country    TEXT NOT NULL DEFAULT '',
    kind       TEXT NOT NULL DEFAULT '',
    outcome    TEXT NOT NULL DEFAULT '',
    legs       INTEGER NOT NULL DEFAULT 0,
    subject    TEXT NOT NULL DEFAULT '', -- the ID of what was changed
    revision   BIGINT NOT NULL DEFAULT 0,
    changed_by TEXT NOT NULL DEFAULT '',
    request_id TEXT NOT NULL DEFAULT ''
);
INSERT INTO audit_lines (seq, at, action, call_id, country, kind, outcome, legs)
SELECT seq, at, action, call_id, country, kind, outcome, legs FROM audit;
DROP TABLE audit;
ALTER TABLE audit_lines RENAME TO audit;
CREATE UNIQUE INDEX audit_once_per_call ON audit (call_id, action) WHERE call_id <> '';

-- +goose Down
-- Who has been removed must not come back as one who may call.
DELETE FROM contacts WHERE agent_id IN (SELECT id FROM agents WHERE deleted);
DELETE FROM agents WHERE deleted AND id NOT IN (SELECT agent_id FROM calls);
DROP INDEX audit_once_per_call;
ALTER TABLE audit RENAME TO audit_lines;
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TIMESTAMP NOT NULL,
    action   TEXT NOT NULL,
    call_id  TEXT NOT NULL,
    country  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    legs     INTEGER NOT NULL,
    UNIQUE (call_id, action)
);
INSERT INTO audit (seq, at, action, call_id, country, kind, outcome, legs)
SELECT seq, at, action, call_id, country, kind, outcome, legs FROM audit_lines WHERE call_id <> '';
DROP TABLE audit_lines;
ALTER TABLE events DROP COLUMN site_id;
DROP INDEX callback_numbers_draining;
DROP INDEX callback_numbers_by_rest;
ALTER TABLE callback_numbers DROP COLUMN last_call;
ALTER TABLE callback_numbers DROP COLUMN leased_at;
ALTER TABLE sites DROP COLUMN pool_size;
DROP INDEX calls_by_caller_id;
ALTER TABLE calls DROP COLUMN warnings;
ALTER TABLE calls DROP COLUMN fail_over;
ALTER TABLE calls DROP COLUMN caller_id;
ALTER TABLE agents DROP COLUMN contacts_revision;
ALTER TABLE agents DROP COLUMN revision;
ALTER TABLE agents DROP COLUMN deleted;
ALTER TABLE agents DROP COLUMN readiness;
ALTER TABLE agents DROP COLUMN location_at;
ALTER TABLE agents DROP COLUMN location;
ALTER TABLE agents DROP COLUMN mailbox_off;
ALTER TABLE agents DROP COLUMN calling_number;
ALTER TABLE agents DROP COLUMN capacity_profiles;
ALTER TABLE sites DROP COLUMN revision;
ALTER TABLE sites DROP COLUMN pool_state;
ALTER TABLE sites DROP COLUMN test_recipients;
ALTER TABLE sites DROP COLUMN fallback_ring_seconds;
ALTER TABLE sites DROP COLUMN agent_ring_seconds;
ALTER TABLE sites DROP COLUMN final_number;
DROP TABLE voice_routing;
