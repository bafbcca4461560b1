-- +goose Up
-- WITHOUT ROWID keeps the rows of a table with short rows in its primary key, so that
-- a dial has fewer pages to write.
CREATE TABLE sites (
    id                TEXT PRIMARY KEY,
    name              TEXT NOT NULL,
    country           TEXT NOT NULL,
    address           TEXT NOT NULL, -- JSON
    standing_number   TEXT NOT NULL,
    fallback_endpoint TEXT NOT NULL
);

CREATE TABLE agents (
    id                  TEXT PRIMARY KEY,
    name                TEXT NOT NULL,
    site_id             TEXT NOT NULL REFERENCES sites (id),
    endpoints           TEXT NOT NULL, -- JSON list of URIs
    presence_status     TEXT NOT NULL,
    presence_revision   BIGINT NOT NULL,
    presence_changed_at TIMESTAMP NOT NULL
);

CREATE TABLE contacts (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    as_typed TEXT NOT NULL
);

CREATE TABLE callback_numbers (
    number       TEXT PRIMARY KEY,
    site_id      TEXT NOT NULL REFERENCES sites (id),
    leased       BOOLEAN NOT NULL,
    draining     BOOLEAN NOT NULL,
    last_used_at TIMESTAMP NOT NULL,
    free_at      TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX callback_numbers_by_use ON callback_numbers (site_id, last_used_at, number) WHERE NOT leased AND NOT draining;

CREATE TABLE calls (
    id              TEXT PRIMARY KEY,
    agent_id        TEXT NOT NULL REFERENCES agents (id),
    site_id         TEXT NOT NULL REFERENCES sites (id),
    kind            TEXT NOT NULL,
    dialed          TEXT NOT NULL,
    country         TEXT NOT NULL,
    dialed_at       TIMESTAMP NOT NULL,
    conveyed        TEXT NOT NULL, -- JSON
    number          TEXT NOT NULL,
    number_kind     TEXT NOT NULL,
    route_path      TEXT NOT NULL,
    route_trunk     TEXT NOT NULL,
    terms           TEXT NOT NULL, -- JSON
    degraded        BOOLEAN NOT NULL,
    presence_before TEXT NOT NULL,
    expires_at      TIMESTAMP NOT NULL,
    closed_at       TIMESTAMP
);
CREATE INDEX calls_open_by_number ON calls (number, dialed_at) WHERE closed_at IS NULL;
CREATE INDEX calls_open_by_expiry ON calls (expires_at) WHERE closed_at IS NULL;

CREATE TABLE legs (
    id         TEXT PRIMARY KEY,
    call_id    TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    direction  TEXT NOT NULL,
    remote     TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at   TIMESTAMP,
    reason     TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX legs_by_call ON legs (call_id, started_at);

-- The primary key makes it impossible that two agents hold one number (B5), the
-- unique pair that one agent shows two numbers at a site (B2).
CREATE TABLE leases (
    number    TEXT PRIMARY KEY REFERENCES callback_numbers (number),
    agent_id  TEXT NOT NULL REFERENCES agents (id),
    site_id   TEXT NOT NULL REFERENCES sites (id),
    leased_at TIMESTAMP NOT NULL,
    UNIQUE (agent_id, site_id)
) WITHOUT ROWID;

CREATE TABLE lease_claims (
    call_id TEXT PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE,
    number  TEXT NOT NULL REFERENCES leases (number)
) WITHOUT ROWID;
CREATE INDEX lease_claims_by_number ON lease_claims (number);

CREATE TABLE routes (
    number        TEXT PRIMARY KEY REFERENCES leases (number) ON DELETE CASCADE,
    agent_id      TEXT NOT NULL REFERENCES agents (id),
    registered_at TIMESTAMP NOT NULL
) WITHOUT ROWID;

CREATE TABLE presence_overrides (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id),
    previous TEXT NOT NULL,
    revision BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE presence_claims (
    leg_id   TEXT PRIMARY KEY REFERENCES legs (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id)
) WITHOUT ROWID;
CREATE INDEX presence_claims_by_agent ON presence_claims (agent_id);

CREATE TABLE deliveries (
    call_id    TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    event      TEXT NOT NULL,
    address    TEXT NOT NULL,
    state      TEXT NOT NULL,
    message_id TEXT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (call_id, event, address)
) WITHOUT ROWID;

CREATE TABLE outbox (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL, -- JSON
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX outbox_by_call ON outbox (call_id, seq);

CREATE TABLE events (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    type     TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    call_id  TEXT NOT NULL,
    leg_id   TEXT NOT NULL,
    status   TEXT NOT NULL,
    at       TIMESTAMP NOT NULL
);

-- Append-only; holds no person and no number.
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

-- +goose Down
DROP TABLE audit;
DROP TABLE events;
DROP TABLE outbox;
DROP TABLE deliveries;
DROP TABLE presence_claims;
DROP TABLE presence_overrides;
DROP TABLE routes;
DROP TABLE lease_claims;
DROP TABLE leases;
DROP TABLE legs;
DROP TABLE calls;
DROP TABLE callback_numbers;
DROP TABLE contacts;
DROP TABLE agents;
DROP TABLE sites;
