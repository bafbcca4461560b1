-- +goose Up
-- Agents whose presence was put right without the workflow of a call, so that an outside
-- presence system has yet to hear of it (B4, S11).
CREATE TABLE presence_untold (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id),
    since    TIMESTAMPTZ NOT NULL
);

-- +goose Down
DROP TABLE presence_untold;
