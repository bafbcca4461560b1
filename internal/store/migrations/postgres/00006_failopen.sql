-- +goose Up
-- When a call was written down that had been answered without SQL (B7).
ALTER TABLE calls ADD COLUMN recorded_at TIMESTAMPTZ;

-- When the whole call was last told to be over: a callback that is written down late may
-- have begun before that.
ALTER TABLE calls ADD COLUMN hung_up_at TIMESTAMPTZ;

-- Until when a callback may still be for a closed call that showed a number without
-- having it.
ALTER TABLE calls ADD COLUMN rests_until TIMESTAMPTZ;
CREATE INDEX calls_by_rest ON calls (rests_until) WHERE number_kind = 'standing' OR caller_id <> number;

-- The presence revision that somebody's own choice made last. What is written down late
-- must not undo a choice (B4).
ALTER TABLE agents ADD COLUMN chosen_revision BIGINT NOT NULL DEFAULT 0;

-- Ends of calls and legs that nobody knows of yet.
CREATE TABLE early_ends (
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id  TEXT NOT NULL,
    leg_id   TEXT NOT NULL, -- empty for every leg
    agent_id TEXT NOT NULL, -- whose call it has to be; empty for anybody's
    reason   TEXT NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    kept_at  TIMESTAMPTZ NOT NULL,
    UNIQUE (call_id, leg_id, agent_id)
);

-- +goose Down
DROP TABLE early_ends;
ALTER TABLE agents DROP COLUMN chosen_revision;
DROP INDEX calls_by_rest;
ALTER TABLE calls DROP COLUMN rests_until;
ALTER TABLE calls DROP COLUMN hung_up_at;
ALTER TABLE calls DROP COLUMN recorded_at;
