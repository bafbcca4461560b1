-- +goose Up
-- What people are told of, once per call, event and round (B9, B10). A dial that was
-- refused has a notice and no call, so that holds its own facts.
CREATE TABLE notices (
    call_id         TEXT NOT NULL,
    event           TEXT NOT NULL,
    round           INTEGER NOT NULL,
    agent_id        TEXT NOT NULL,
    site_id         TEXT NOT NULL,
    facts           TEXT NOT NULL, -- JSON of what a refused dial was; empty for a call
    created_at      TIMESTAMP NOT NULL,
    acknowledged_at TIMESTAMP,
    acknowledged_by TEXT NOT NULL DEFAULT '', -- the recipient's address
    PRIMARY KEY (call_id, event, round)
) WITHOUT ROWID;
CREATE INDEX notices_of_refused_dials ON notices (created_at) WHERE event = 'failed';
INSERT INTO notices (call_id, event, round, agent_id, site_id, facts, created_at)
SELECT DISTINCT c.id, d.event, 0, c.agent_id, c.site_id, '', c.dialed_at FROM deliveries d JOIN calls c ON c.id = d.call_id;

CREATE TABLE notice_deliveries (
    call_id    TEXT NOT NULL,
    event      TEXT NOT NULL,
    round      INTEGER NOT NULL,
    address    TEXT NOT NULL,
    state      TEXT NOT NULL,
    message_id TEXT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (call_id, event, round, address),
    FOREIGN KEY (call_id, event, round) REFERENCES notices (call_id, event, round) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO notice_deliveries (call_id, event, round, address, state, message_id, updated_at)
SELECT call_id, event, 0, address, state, message_id, updated_at FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE notice_deliveries RENAME TO deliveries;

-- What a mail provider has told already (B9); kept as long as it may repeat itself.
CREATE TABLE mail_events (
    id TEXT PRIMARY KEY,
    at TIMESTAMP NOT NULL
) WITHOUT ROWID;

CREATE INDEX mail_events_by_time ON mail_events (at);

-- Every version of the wording (S18); the last one counts.
CREATE TABLE template_versions (
    version  INTEGER PRIMARY KEY,
    subject  TEXT NOT NULL,
    html     TEXT NOT NULL,
    text     TEXT NOT NULL,
    saved_by TEXT NOT NULL,
    saved_at TIMESTAMP NOT NULL
);

ALTER TABLE sites ADD COLUMN recipients TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sites DROP COLUMN time_zone;
ALTER TABLE sites DROP COLUMN recipients;
DROP TABLE template_versions;
DROP TABLE mail_events;
CREATE TABLE call_deliveries (
    call_id    TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    event      TEXT NOT NULL,
    address    TEXT NOT NULL,
    state      TEXT NOT NULL,
    message_id TEXT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (call_id, event, address)
) WITHOUT ROWID;
INSERT INTO call_deliveries (call_id, event, address, state, message_id, updated_at)
SELECT call_id, event, address, CASE state WHEN 'delivered' THEN 'sent' WHEN 'bounced' THEN 'failed' ELSE state END,
    message_id, updated_at FROM deliveries
WHERE round = 0 AND call_id IN (SELECT id FROM calls);
DROP TABLE deliveries;
ALTER TABLE call_deliveries RENAME TO deliveries;
DROP TABLE notices;
